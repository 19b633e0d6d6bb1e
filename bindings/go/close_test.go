package confdclient_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"confdclient"
)

func TestCloseEndsWhatIsOutstanding(t *testing.T) {
	peers := candidates(t, silent)
	client := open(t, peers, nil)
	const queries = 200
	ended := make(chan error)
	for i := 0; i < queries; i++ {
		i := i
		go func() {
			var err error
			if i%2 == 0 {
				_, err = client.Query(context.Background(), confdclient.Ping())
			} else {
				_, err = client.Survey(context.Background(), confdclient.Ping())
			}
			ended <- err
		}()
	}
	eventually(t, "all are outstanding", func() bool { return statsOf(t, client).Outstanding == queries })
	var closers sync.WaitGroup
	for i := 0; i < 8; i++ {
		closers.Add(1)
		go func() {
			defer closers.Done()
			if err := client.Close(); err != nil {
				t.Error(err)
			}
			if _, err := client.Stats(); !errors.Is(err, confdclient.ErrClosed) {
				t.Errorf("after Close has returned: %v", err)
			}
		}()
	}
	for i := 0; i < queries; i++ {
		incomplete(t, <-ended, confdclient.ErrClosed, 1, 0, 1)
	}
	closers.Wait()
	if handles := confdclient.Handles(); handles != 0 {
		t.Errorf("%d handles are left", handles)
	}
}

// descriptors names those that are open.
func descriptors(t *testing.T) map[string]string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	open := map[string]string{}
	for _, entry := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil {
			open[entry.Name()] = to
		}
	}
	return open
}

func goroutines() string {
	stacks := make([]byte, 1<<20)
	return string(stacks[:runtime.Stack(stacks, true)])
}

func TestNothingIsLeftWhenCloseReturns(t *testing.T) {
	peers := candidates(t, three)
	before := descriptors(t)
	for i := 0; i < 20; i++ {
		client := open(t, peers, &confdclient.Options{Log: func(confdclient.LogLevel, string) {}})
		if _, err := client.Query(long(t), confdclient.Master()); err != nil {
			t.Fatal(err)
		}
		if i == 0 && len(descriptors(t)) < len(before)+2 {
			t.Error("a client has no descriptors: this test sees nothing")
		}
		client.Close()
		// Their last word is that they have ended, and then they still have to.
		eventually(t, "no goroutines are left", func() bool {
			stacks := goroutines()
			return !strings.Contains(stacks, "confdclient.(*Client)") && !strings.Contains(stacks, "confdclient.(*logger)")
		})
		if handles := confdclient.Handles(); handles != 0 {
			t.Fatalf("%d handles are left", handles)
		}
	}
	// A client that could not be made leaves nothing either.
	for i := 0; i < 20; i++ {
		_, err := confdclient.New([]byte("k"), []string{"node"}, &confdclient.Options{Log: func(confdclient.LogLevel, string) {}})
		if !errors.Is(err, confdclient.ErrBadPeer) || confdclient.Handles() != 0 {
			t.Fatalf("%v, %d handles", err, confdclient.Handles())
		}
	}
	after := descriptors(t)
	for number, name := range after {
		if before[number] == "" && !strings.HasSuffix(name, "/fd") && !strings.Contains(name, "eventpoll") {
			t.Errorf("descriptor %s, %s, is left", number, name)
		}
	}
	if len(after) > len(before)+1 { // Go's own poller may have begun since
		t.Errorf("%v and before %v", after, before)
	}
}

func TestTheZeroClientIsClosed(t *testing.T) {
	var client confdclient.Client
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	if _, err := client.Query(long(t), confdclient.Ping()); !errors.Is(err, confdclient.ErrClosed) {
		t.Errorf("%v", err)
	}
}
