package confdclient_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"confdclient"
)

func TestErrorsHaveTheirCodeAndSayWhatWentWrong(t *testing.T) {
	peers := candidates(t, three)
	client := open(t, peers, &confdclient.Options{MaxRequestBytes: 400})
	over := open(t, []string{"[::1]:1"}, nil)
	gone := open(t, peers, nil)
	gone.Close()
	opened, err := confdclient.Open(dataDir, &confdclient.Options{Port: port})
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()

	fresh := func(key string, options *confdclient.Options, peers ...string) error {
		client, err := confdclient.New([]byte(key), peers, options)
		if client != nil {
			client.Close()
			t.Error("a client in spite of an error")
		}
		return err
	}
	query := func(client *confdclient.Client, request confdclient.Request) error {
		_, err := client.Query(long(t), request)
		return err
	}
	empty := t.TempDir()
	_, fromOpen := confdclient.Open(empty, nil)
	_, fromNUL := confdclient.Open("a\x00b", nil)
	_, fromStats := gone.Stats()
	_, fromPeerStats := gone.PeerStats()
	_, fromSurvey := gone.Survey(long(t), confdclient.Ping())
	_, tooWide := client.Survey(long(t), confdclient.Ping().WithCoverage(4))

	for name, it := range map[string]struct {
		err    error
		code   confdclient.Code
		detail string
	}{
		"a name as a peer":     {fresh("k", nil, "192.0.2.1", "node7"), confdclient.ErrBadPeer, `"node7"`},
		"no peers":             {fresh("k", nil), confdclient.ErrNoPeers, ""},
		"two families":         {fresh("k", nil, "192.0.2.1", "::1"), confdclient.ErrMixedFamilies, ""},
		"no key":               {fresh("", nil, "192.0.2.1"), confdclient.ErrInvalidArgument, ""},
		"a peer with a NUL":    {fresh("k", nil, "192.0.2.1", "1\x00"), confdclient.ErrInvalidArgument, `text 2, "1\x00"`},
		"an address to bind":   {fresh("k", &confdclient.Options{BindAddress: netip.MustParseAddr("192.0.2.77")}, "192.0.2.1"), confdclient.ErrIO, ""},
		"a family to bind":     {fresh("k", &confdclient.Options{BindAddress: netip.MustParseAddr("::1")}, "192.0.2.1"), confdclient.ErrMixedFamilies, ""},
		"negative":             {fresh("k", &confdclient.Options{Refresh: -1}, "192.0.2.1"), confdclient.ErrInvalidArgument, "negative"},
		"too many bytes":       {fresh("k", &confdclient.Options{MaxRequestBytes: 65508}, "192.0.2.1"), confdclient.ErrInvalidArgument, ""},
		"no log level":         {fresh("k", &confdclient.Options{LogLevel: 3}, "192.0.2.1"), confdclient.ErrInvalidArgument, "LogLevel"},
		"an empty directory":   {fromOpen, confdclient.ErrClusterDir, filepath.Join(empty, "hmac.key")},
		"a directory's NUL":    {fromNUL, confdclient.ErrInvalidArgument, "NUL"},
		"coverage":             {query(client, confdclient.Ping().WithCoverage(4)), confdclient.ErrCoverage, ""},
		"coverage of a survey": {tooWide, confdclient.ErrCoverage, ""},
		"coverage below all":   {query(client, confdclient.Ping().WithCoverage(-2)), confdclient.ErrInvalidArgument, "-2"},
		"type":                 {query(client, confdclient.NewRequest(12, nil)), confdclient.ErrRequestType, ""},
		"link":                 {query(client, confdclient.Master().WithLink("br0")), confdclient.ErrRequestType, "link"},
		"a link's NUL":         {query(client, confdclient.InstanceNodeIP("::1").WithLink("\x00")), confdclient.ErrInvalidArgument, "NUL"},
		"another link's NUL":   {query(client, confdclient.InstanceIPs().WithLink("\x00")), confdclient.ErrInvalidArgument, "NUL"},
		"field":                {query(client, confdclient.MasterFields(7)), confdclient.ErrInvalidArgument, ""},
		"a query's shape":      {query(client, confdclient.NewRequest(confdclient.TypePing, 5)), confdclient.ErrInvalidArgument, ""},
		"no JSON":              {query(client, confdclient.NewRequest(confdclient.TypePing, func() {})), confdclient.ErrInvalidArgument, "func"},
		"not UTF-8":            {query(client, confdclient.NodeRole("\xff")), confdclient.ErrInvalidArgument, "UTF-8"},
		"size":                 {query(client, confdclient.NodeRole(strings.Repeat("n", 400))), confdclient.ErrRequestTooBig, ""},
		"another family":       {client.UpdatePeers([]string{"::1"}), confdclient.ErrMixedFamilies, ""},
		"no more peers":        {over.UpdatePeers(nil), confdclient.ErrNoPeers, ""},
		"update with a NUL":    {over.UpdatePeers([]string{"\x00"}), confdclient.ErrInvalidArgument, "NUL"},
		"an empty new key":     {client.SetKey(nil), confdclient.ErrInvalidArgument, ""},
		"nothing to reload":    {client.Reload(), confdclient.ErrInvalidArgument, ""},
		"query when closed":    {query(gone, confdclient.Ping()), confdclient.ErrClosed, "closed"},
		"survey when closed":   {fromSurvey, confdclient.ErrClosed, "closed"},
		"stats when closed":    {fromStats, confdclient.ErrClosed, "closed"},
		"peers when closed":    {fromPeerStats, confdclient.ErrClosed, "closed"},
		"update when closed":   {gone.UpdatePeers(peers), confdclient.ErrClosed, "closed"},
		"key when closed":      {gone.SetKey([]byte("k")), confdclient.ErrClosed, "closed"},
		"reload when closed":   {gone.Reload(), confdclient.ErrClosed, "closed"},
	} {
		var as *confdclient.Error
		if !errors.Is(it.err, it.code) || !errors.As(it.err, &as) {
			t.Errorf("%s: %v", name, it.err)
			continue
		}
		if as.Code != it.code || as.Detail == "" || as.Op == "" || !strings.Contains(as.Detail, it.detail) {
			t.Errorf("%s: %+v", name, as)
		}
		if want := "confdclient: " + as.Op + ": " + as.Detail; as.Error() != want {
			t.Errorf("%s: %q and not %q", name, as.Error(), want)
		}
		if errors.Is(it.err, confdclient.ErrBusy) {
			t.Errorf("%s is ErrBusy, too", name)
		}
	}
	for _, client := range []*confdclient.Client{client, opened} {
		nothingOutstanding(t, client)
	}
}

func TestEachCodeHasALineOfItsOwn(t *testing.T) {
	seen := map[string]confdclient.Code{}
	for code := confdclient.ErrInvalidArgument; code <= confdclient.ErrNoMemory; code++ {
		if other, double := seen[code.Error()]; double || code.Error() == "" {
			t.Errorf("%d and %d: %q", code, other, code)
		}
		seen[code.Error()] = code
	}
	bare := &confdclient.Error{Op: "query", Code: confdclient.ErrBusy}
	if want := "confdclient: query: " + confdclient.ErrBusy.Error(); bare.Error() != want {
		t.Errorf("%q", bare)
	}
}

// The library keeps the detail for each thread, and goroutines change threads.
func TestTheDetailIsThatOfTheCallThatFailed(t *testing.T) {
	client := open(t, []string{"127.0.0.1"}, nil)
	var all sync.WaitGroup
	for g := 0; g < 64; g++ {
		all.Add(1)
		go func(g int) {
			defer all.Done()
			for i := 0; i < 50; i++ {
				name := fmt.Sprintf("host-%d-%d.", g, i)
				_, fromNew := confdclient.New([]byte("k"), []string{name}, nil)
				for _, err := range []error{fromNew, client.UpdatePeers([]string{name})} {
					if !errors.Is(err, confdclient.ErrBadPeer) || !strings.Contains(err.Error(), `"`+name+`"`) {
						t.Errorf("%v does not name %s", err, name)
					}
				}
			}
		}(g)
	}
	all.Wait()
}

func TestAnOpenedClientReadsItsFilesAgain(t *testing.T) {
	peers := candidates(t, three)
	directory, number, err := nodeDirectory(peers)
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(directory)
	client, err := confdclient.Open(directory, &confdclient.Options{Port: number})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	asked := func() int {
		result, err := client.Query(long(t), confdclient.Ping())
		if err != nil {
			t.Fatal(err)
		}
		return result.Sent
	}
	if sent := asked(); sent != 3 {
		t.Errorf("%d are asked", sent)
	}
	write("ssconf_master_candidates_ips", "127.0.0.1\n")
	if err := client.Reload(); err != nil {
		t.Fatal(err)
	}
	if sent := asked(); sent != 1 {
		t.Errorf("%d are asked", sent)
	}
	write("ssconf_master_candidates_ips", "127.0.0.1\n\nnode\n")
	if err := client.Reload(); !errors.Is(err, confdclient.ErrClusterDir) || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("%v", err)
	}
	if sent := asked(); sent != 1 {
		t.Errorf("%d are asked", sent)
	}
}
