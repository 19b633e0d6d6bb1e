package confdclient_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"confdclient"
)

// threads tells how many this process has.
func threads(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := bytes.Cut(status, []byte("\nThreads:\t"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	count, err := strconv.Atoi(string(line))
	if !found || err != nil {
		t.Fatalf("%s", status)
	}
	return count
}

func TestOutstandingQueriesHoldNoThreads(t *testing.T) {
	const queries = 10_000
	client := open(t, candidates(t, silent), &confdclient.Options{Retry: -1})
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	before := threads(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, queries)
	for i := 0; i < queries; i++ {
		go func() {
			_, err := client.Query(ctx, confdclient.Master())
			ended <- err
		}()
	}
	most := 0
	eventually(t, "all are outstanding", func() bool {
		if now := threads(t); now > most {
			most = now
		}
		return statsOf(t, client).Outstanding == queries
	})
	cancel()
	for i := 0; i < queries; i++ {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if now := threads(t); now > most {
		most = now
	}
	t.Logf("%d threads before, %d at the most with %d queries", before, most, queries)
	if most > before+16 {
		t.Errorf("%d threads, %d before", most, before)
	}
	nothingOutstanding(t, client)
}

func TestManyQueriesAtOnceAreAllAnswered(t *testing.T) {
	const queries = 5_000
	client := open(t, candidates(t, `"candidates": [{"address": "127.0.0.1"}, {"address": "127.0.0.2"}]`),
		&confdclient.Options{ReceiveBuffer: 8 << 20, Retry: 100 * time.Millisecond})
	ctx := long(t)
	ended := make(chan error, queries)
	for i := 0; i < queries; i++ {
		go func() {
			result, err := client.Query(ctx, confdclient.Master())
			if err == nil {
				_, err = result.Reply.Text()
			}
			ended <- err
		}()
	}
	for i := 0; i < queries; i++ {
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
	nothingOutstanding(t, client)
}

// All that a client can do, on all sides at once. The race detector and the checks of cgo look on.
func TestAnyNumberOfGoroutinesUseOneClient(t *testing.T) {
	peers := candidates(t, `"candidates": [{"address": "127.0.0.1"}, {"address": "127.0.0.2"},
		{"address": "127.0.0.3", "faults": {"loss": 0.5, "duplicate": 0.5, "delay_ms": [0, 5]}}]`)
	for round := 0; round < 4; round++ {
		lines := 0
		client := open(t, peers, &confdclient.Options{
			Retry:    5 * time.Millisecond,
			LogLevel: confdclient.LevelDebug,
			Log:      func(confdclient.LogLevel, string) { lines++ },
		})
		var all sync.WaitGroup
		for g := 0; g < 64; g++ {
			all.Add(1)
			go func(g int) {
				defer all.Done()
				chance := rand.New(rand.NewSource(int64(g)))
				for i := 0; i < 50; i++ {
					if err := anything(client, peers, chance); err != nil && !isExpected(err) {
						t.Errorf("%v", err)
					}
				}
				if g < 8 {
					client.Close() // under the feet of the others
				}
			}(g)
		}
		all.Wait()
		client.Close()
		if handles := confdclient.Handles(); handles != 0 {
			t.Fatalf("%d handles are left", handles)
		}
		if lines == 0 {
			t.Error("nothing was logged")
		}
	}
}

func anything(client *confdclient.Client, peers []string, chance *rand.Rand) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(chance.Intn(20_000))*time.Microsecond)
	defer cancel()
	var err error
	switch chance.Intn(10) {
	case 0:
		err = client.UpdatePeers(peers[:1+chance.Intn(len(peers))])
	case 1:
		err = client.SetKey([]byte(testKey))
	case 2:
		_, err = client.Stats()
	case 3:
		_, err = client.PeerStats()
	case 4:
		_, err = client.Survey(ctx, confdclient.NodeIPs())
	case 5:
		time.AfterFunc(time.Duration(chance.Intn(2_000))*time.Microsecond, cancel)
		_, err = client.Query(ctx, confdclient.InstanceNodeIPs("198.51.100.1", "198.51.100.2"))
	case 6:
		_, err = client.Query(ctx, confdclient.NodeRole("a\x00b"))
	default:
		var result confdclient.Result
		if result, err = client.Query(ctx, confdclient.NodeInstances("node1.example.com")); err == nil {
			_, _, err = result.Reply.Instances()
		}
	}
	return err
}

func isExpected(err error) bool {
	for _, expected := range []error{context.DeadlineExceeded, context.Canceled, confdclient.ErrClosed,
		confdclient.ErrInvalidArgument} {
		if errors.Is(err, expected) {
			return true
		}
	}
	return false
}
