package confdclient_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sort"
	"testing"

	"confdclient"
)

// Every type of request, each with what reads its answer.
func TestEveryTypeOfRequestIsAnswered(t *testing.T) {
	client := open(t, candidates(t, three), nil)
	text := func(r *confdclient.Reply) (any, error) { return r.Text() }
	texts := func(r *confdclient.Reply) (any, error) {
		texts, err := r.Strings()
		sort.Strings(texts)
		return texts, err
	}
	field := func(name string) func(r *confdclient.Reply) (any, error) {
		return func(r *confdclient.Reply) (any, error) {
			var object map[string]map[string]any
			err := r.Decode(&object)
			return object[name]["active"], err
		}
	}
	for _, it := range []struct {
		name    string
		request confdclient.Request
		kind    confdclient.RequestType
		read    func(*confdclient.Reply) (any, error)
		want    any
	}{
		{"ping", confdclient.Ping(), confdclient.TypePing,
			func(r *confdclient.Reply) (any, error) { return r.Int() }, int64(3000000)},
		{"the zero request", confdclient.Request{}, confdclient.TypePing,
			func(r *confdclient.Reply) (any, error) { return r.Int() }, int64(3000000)},
		{"role of a node", confdclient.NodeRole("node5.example.com"), confdclient.TypeNodeRole,
			func(r *confdclient.Reply) (any, error) { return r.Role() }, confdclient.RoleDrained},
		{"node of an instance", confdclient.InstanceNodeIP("198.51.100.2"), confdclient.TypeInstanceNodeIP, text, "192.0.2.12"},
		{"node of an instance on a link", confdclient.InstanceNodeIP("198.51.100.3").WithLink("br1"),
			confdclient.TypeInstanceNodeIP, text, "192.0.2.13"},
		{"nodes of instances", confdclient.InstanceNodeIPs("198.51.100.1", "203.0.113.9", "2001:db8::4"),
			confdclient.TypeInstanceNodeIP, func(r *confdclient.Reply) (any, error) { return r.NodeIPs() },
			[]confdclient.NodeIP{
				{Status: confdclient.StatusOK, IP: "192.0.2.11", Serial: 42},
				{Status: confdclient.StatusError},
				{Status: confdclient.StatusOK, IP: "192.0.2.14", Serial: 42},
			}},
		{"nodes of instances on a link", confdclient.InstanceNodeIPs("198.51.100.3").WithLink("br1"),
			confdclient.TypeInstanceNodeIP, func(r *confdclient.Reply) (any, error) { return r.NodeIPs() },
			[]confdclient.NodeIP{{Status: confdclient.StatusOK, IP: "192.0.2.13", Serial: 42}}},
		{"nodes of no instances", confdclient.InstanceNodeIPs(), confdclient.TypeInstanceNodeIP,
			func(r *confdclient.Reply) (any, error) { return r.NodeIPs() }, []confdclient.NodeIP{}},
		{"master", confdclient.Master(), confdclient.TypeMaster, text, "node1.example.com"},
		{"fields of the master", confdclient.MasterFields(confdclient.FieldMasterNodeIP, confdclient.FieldMasterName,
			confdclient.FieldClusterIP), confdclient.TypeMaster,
			func(r *confdclient.Reply) (any, error) { return r.Strings() },
			[]string{"192.0.2.11", "node1.example.com", "192.0.2.10"}},
		{"nodes", confdclient.NodeIPs(), confdclient.TypeNodeIPs, texts,
			[]string{"192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.14", "192.0.2.15", "192.0.2.16"}},
		{"candidates", confdclient.CandidateIPs(), confdclient.TypeCandidateIPs, texts,
			[]string{"192.0.2.11", "192.0.2.12", "192.0.2.13"}},
		{"instances' addresses", confdclient.InstanceIPs(), confdclient.TypeInstanceIPs, texts,
			[]string{"198.51.100.1", "198.51.100.2", "198.51.100.4", "2001:db8::4"}},
		{"instances' addresses on a link", confdclient.InstanceIPs().WithLink("br1"), confdclient.TypeInstanceIPs, texts,
			[]string{"198.51.100.3"}},
		{"DRBD minors", confdclient.NodeDRBD("node2.example.com"), confdclient.TypeNodeDRBD,
			func(r *confdclient.Reply) (any, error) { minors, err := r.DRBDMinors(); return minors[2], err },
			confdclient.DRBDMinor{Node: "node2.example.com", Minor: 2, Instance: "db.example.com", Disk: "disk/0",
				Role: "primary", Peer: "node3.example.com"}},
		{"instances of a node", confdclient.NodeInstances("node2.example.com"), confdclient.TypeNodeInstances,
			func(r *confdclient.Reply) (any, error) {
				primary, secondary, err := r.Instances()
				var whole struct{ Nics []struct{ IP string } }
				if err == nil {
					err = json.Unmarshal(secondary[0].Raw, &whole)
				}
				return fmt.Sprint(primary[0].Name, " ", secondary[0].Name, " ", len(primary), len(secondary), " ",
					secondary[0].AdminState, " ", len(secondary[0].Disks), " ", secondary[0].Serial, whole), err
			}, "db.example.com web.example.com 1 1 up 2 4 {[{198.51.100.1}]}"},
		{"disks of an instance", confdclient.InstanceDisks("web.example.com"), confdclient.TypeInstanceDisks,
			func(r *confdclient.Reply) (any, error) {
				disks, err := r.Disks()
				d := disks[1]
				return fmt.Sprint(len(disks), " ", d.Name, " ", d.Type, " ", d.Mode, " ", d.Size, " ", d.Children[1].Size,
					" ", json.Valid(d.Children[1].Raw)), err
			}, "2 disk/1 drbd rw 2048 128 true"},
		{"configuration", confdclient.Config("/cluster/cluster_name"), confdclient.TypeConfig, text, "cluster.example.com"},
		{"data collectors", confdclient.DataCollectors(), confdclient.TypeDataCollectors, field("drbd"), true},
		{"a query of one's own", confdclient.NewRequest(confdclient.TypeInstanceNodeIP,
			map[string]string{"1": "198.51.100.3", "0": "br1"}), confdclient.TypeInstanceNodeIP, text, "192.0.2.13"},
		{"no query of one's own", confdclient.NewRequest(confdclient.TypeMaster, nil), confdclient.TypeMaster, text,
			"node1.example.com"},
	} {
		t.Run(it.name, func(t *testing.T) {
			if it.request.Type() != it.kind {
				t.Errorf("the type is %d and not %d", it.request.Type(), it.kind)
			}
			for _, coverage := range []int{confdclient.CoverageDefault, confdclient.CoverageAll, 3} {
				result, err := client.Query(long(t), it.request.WithCoverage(coverage))
				if err != nil {
					t.Fatal(err)
				}
				if result.Outcome != confdclient.Answered || result.Needed != 2 || result.Received < 2 || result.Sent != 3 {
					t.Errorf("%+v", result)
				}
				got, err := it.read(result.Reply)
				if err != nil || !reflect.DeepEqual(got, it.want) {
					t.Errorf("coverage %d: %#v and not %#v, error %v", coverage, got, it.want, err)
				}
			}
		})
	}
}

func TestTheFreshestOfTheRepliesWins(t *testing.T) {
	peers := candidates(t, three)
	client := open(t, peers, nil)
	// Of two, both are needed.
	if err := client.UpdatePeers([]string{peers[1], peers[2]}); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 20; i++ {
		result, err := client.Query(long(t), confdclient.Master())
		if err != nil {
			t.Fatal(err)
		}
		name, err := result.Reply.Text()
		if err != nil || name != "node1.example.com" || result.Reply.Serial != 42 || result.Reply.Protocol != 1 {
			t.Errorf("%q, %v, %+v", name, err, result.Reply)
		}
		if got := result.Reply.Server.String(); got != peers[2] {
			t.Errorf("%s says so, and not %s", got, peers[2])
		}
		if !result.Consistent || result.Errors != 0 {
			t.Errorf("%+v", result)
		}
	}
}

func TestRepliesWithOneSerialAndDifferentAnswersAreInconsistent(t *testing.T) {
	client := open(t, candidates(t, `"serial": 7, "candidates": [{"address": "127.0.0.1"},
		{"address": "127.0.0.2", "cluster": {"master": "node2.example.com"}}]`), nil)
	result, err := client.Query(long(t), confdclient.Master())
	if err != nil || result.Consistent {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestAnAnswerOfTheServersErrorIsAnError(t *testing.T) {
	client := open(t, candidates(t, three), nil)
	result, err := client.Query(long(t), confdclient.NodeRole("node9.example.com"))
	if err != nil || result.Errors == 0 || result.Reply.Status != confdclient.StatusError {
		t.Fatalf("%+v, %v", result, err)
	}
	_, fromRole := result.Reply.Role()
	_, _, fromInstances := result.Reply.Instances()
	for _, err := range []error{fromRole, fromInstances, result.Reply.Err(), result.Reply.Decode(new(any))} {
		var server *confdclient.ServerError
		if !errors.As(err, &server) || server.Status != confdclient.StatusError || server.Text != result.Reply.ErrorText ||
			server.Text == "" {
			t.Errorf("%v", err)
		}
	}
}

func TestAnAnswerOfAnotherShapeIsAWrongType(t *testing.T) {
	reply := func(answer string) *confdclient.Reply { return &confdclient.Reply{Answer: json.RawMessage(answer)} }
	wrong := map[string]func(*confdclient.Reply) error{
		"Text":       func(r *confdclient.Reply) error { _, err := r.Text(); return err },
		"Int":        func(r *confdclient.Reply) error { _, err := r.Int(); return err },
		"Strings":    func(r *confdclient.Reply) error { _, err := r.Strings(); return err },
		"Role":       func(r *confdclient.Reply) error { _, err := r.Role(); return err },
		"NodeIPs":    func(r *confdclient.Reply) error { _, err := r.NodeIPs(); return err },
		"DRBDMinors": func(r *confdclient.Reply) error { _, err := r.DRBDMinors(); return err },
		"Instances":  func(r *confdclient.Reply) error { _, _, err := r.Instances(); return err },
		"Disks":      func(r *confdclient.Reply) error { _, err := r.Disks(); return err },
	}
	for name, read := range wrong {
		for _, answer := range []string{`null`, `{}`, `1.5`, `[1]`, `[[1,2]]`, `[[0,"x",1,1]]`, `[[],[],[]]`, `[{"iv_name":3}]`} {
			if err := read(reply(answer)); !errors.Is(err, confdclient.ErrWrongType) {
				t.Errorf("%s of %s: %v", name, answer, err)
			}
		}
		if err := read(nil); !errors.Is(err, confdclient.ErrNotFound) {
			t.Errorf("%s of no reply: %v", name, err)
		}
	}
}

func TestRolesAndOutcomesHaveNames(t *testing.T) {
	for value, want := range map[fmt.Stringer]string{
		confdclient.RoleMaster: "master", confdclient.RoleCandidate: "candidate", confdclient.RoleOffline: "offline",
		confdclient.RoleDrained: "drained", confdclient.RoleRegular: "regular", confdclient.Role(9): "Role(9)",
		confdclient.Answered: "answered", confdclient.Partial: "partial", confdclient.NoReply: "no reply",
		confdclient.Cancelled: "cancelled", confdclient.Outcome(9): "unknown outcome",
		confdclient.LevelDebug: "DEBUG", confdclient.LevelError: "ERROR", confdclient.LogLevel(7): "LogLevel(7)",
	} {
		if value.String() != want {
			t.Errorf("%q and not %q", value, want)
		}
	}
	if needed := confdclient.NeededReplies(6); needed != 4 {
		t.Errorf("%d of 6", needed)
	}
	if confdclient.Version() == "" {
		t.Error("no version")
	}
}

func TestASurveyHasTheReplyOfEachPeer(t *testing.T) {
	peers := candidates(t, three)
	client := open(t, peers, nil)
	result, err := client.Survey(long(t), confdclient.Master().WithCoverage(confdclient.CoverageAll))
	if err != nil || result.Sent != 3 || result.Received != 3 || !result.Consistent {
		t.Fatalf("%+v, %v", result, err)
	}
	serials := map[string]int64{}
	for _, reply := range result.Replies {
		serials[reply.Server.String()] = reply.Serial
	}
	if want := map[string]int64{peers[0]: 42, peers[1]: 40, peers[2]: 42}; !reflect.DeepEqual(serials, want) {
		t.Errorf("%v", serials)
	}
	if stats := statsOf(t, client); stats.Outstanding != 0 {
		t.Errorf("%+v", stats)
	}
}
