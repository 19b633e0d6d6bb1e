//go:build !race

package confdclient_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"confdclient"
)

// Not under the race detector, whose own memory is too large to be searched.
func TestNoKeyIsLeftInMemory(t *testing.T) {
	peers := candidates(t, silent)
	for name, of := range map[string]func(key []byte){
		"New": func(key []byte) {
			client, err := confdclient.New(key, peers, nil)
			if err != nil {
				t.Fatal(err)
			}
			askInVain(client)
			client.Close()
		},
		"SetKey": func(key []byte) {
			client := open(t, peers, nil)
			if err := client.SetKey(key); err != nil {
				t.Fatal(err)
			}
			askInVain(client)
			client.Close()
		},
		"New that fails": func(key []byte) {
			if _, err := confdclient.New(key, []string{"node"}, nil); err == nil {
				t.Fatal("a client of a node's name")
			}
		},
	} {
		key := make([]byte, 40)
		if _, err := rand.Read(key); err != nil {
			t.Fatal(err)
		}
		// What is searched for must not itself be there to be found.
		masked := make([]byte, len(key))
		for i, b := range key {
			masked[i] = ^b
		}
		of(key)
		if !isInMemory(t, masked) {
			t.Fatal("the program's own copy is not found: this test sees nothing")
		}
		for i := range key {
			key[i] = 0
		}
		if isInMemory(t, masked) {
			t.Errorf("after %s the key is in memory", name)
		}
	}
}

func askInVain(client *confdclient.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	client.Query(ctx, confdclient.Ping())
}

// isInMemory searches all that this process may write to for the complement of some bytes.
func isInMemory(t *testing.T, masked []byte) bool {
	t.Helper()
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	defer maps.Close()
	memory, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	first := []byte{^masked[0]}
	chunk := make([]byte, 1<<20)
	defer func() { // or the next search would find what this one has read
		for i := range chunk {
			chunk[i] = 0
		}
	}()
	searched := 0
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		if !strings.Contains(lines.Text(), " rw") {
			continue
		}
		var from, to int64
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x ", &from, &to); err != nil {
			t.Fatal(err)
		}
		for at := from; at < to; at += int64(len(chunk) - len(masked)) {
			part := chunk
			if to-at < int64(len(part)) {
				part = part[:to-at]
			}
			count, err := memory.ReadAt(part, at)
			if err != nil {
				break // gone meanwhile, or a device's
			}
			searched += count
			for rest := part; len(rest) >= len(masked); {
				i := bytes.Index(rest[:len(rest)-len(masked)+1], first)
				if i < 0 {
					break
				}
				if isComplement(rest[i:i+len(masked)], masked) {
					return true
				}
				rest = rest[i+1:]
			}
		}
	}
	if searched < 1<<20 {
		t.Fatalf("%d bytes were searched", searched)
	}
	return false
}

func isComplement(a, b []byte) bool {
	for i := range a {
		if a[i] != ^b[i] {
			return false
		}
	}
	return true
}
