package confdclient_test

import (
	"reflect"
	"testing"
	"time"

	"confdclient"
)

// Each counter is in the place of its name.
func TestStatsCountWhatHappened(t *testing.T) {
	peers := candidates(t, `"serial": 5, "candidates": [{"address": "127.0.0.1", "faults": {"duplicate": true}}]`)
	client := open(t, append(peers, peers[0]), nil)
	const queries = 4
	for i := 0; i < queries; i++ {
		if _, err := client.Query(long(t), confdclient.Master()); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the duplicates have come", func() bool { return statsOf(t, client).DatagramsIn == 2*queries })
	stats := statsOf(t, client)
	if dropped := stats.DroppedDuplicate + stats.DroppedSalt; dropped != queries {
		t.Errorf("%d were dropped", dropped)
	}
	stats.DroppedDuplicate, stats.DroppedSalt = 0, 0
	if want := (confdclient.Stats{Requests: queries, DatagramsOut: queries, DatagramsIn: 2 * queries, Replies: queries}); stats != want {
		t.Errorf("%+v", stats)
	}
	of, err := client.PeerStats()
	if err != nil || len(of) != 1 || of[0].RTT <= 0 || of[0].RTT > time.Minute || of[0].RTTLast <= 0 {
		t.Fatalf("%+v, %v", of, err)
	}
	of[0].RTT, of[0].RTTLast = 0, 0
	if want := (confdclient.PeerStats{Address: peers[0], Sent: queries, Answered: queries, Serial: 5}); !reflect.DeepEqual(of[0], want) {
		t.Errorf("%+v", of[0])
	}
}
