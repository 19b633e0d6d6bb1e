package confdclient_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"confdclient"
)

const testKey = "a key of the tests\n"

// What the examples use: a data directory as that of a node, and the port on which its candidates listen.
var (
	dataDir string
	port    uint16
)

// Three candidates of the simulator's example cluster. One of them is stale, and so is its answer.
const three = `"serial": 42, "candidates": [
	{"name": "first", "address": "127.0.0.1"},
	{"name": "stale", "address": "127.0.0.2", "serial": 40, "cluster": {"master": "node2.example.com"}},
	{"name": "third", "address": "127.0.0.3"}]`

func TestMain(m *testing.M) {
	if os.Getenv(panics) != "" {
		// It asks nobody, and ends before anything could be cleared away.
		os.Exit(m.Run())
	}
	code := 1
	func() {
		peers, stop, err := simulate(three)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
		defer stop()
		dataDir, port, err = nodeDirectory(peers)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
		defer os.RemoveAll(dataDir)
		code = m.Run()
	}()
	os.Exit(code)
}

// nodeDirectory makes the files of a cluster's node.
func nodeDirectory(peers []string) (string, uint16, error) {
	directory, err := os.MkdirTemp("", "confdclient")
	if err != nil {
		return "", 0, err
	}
	var lines, service string
	for _, peer := range peers {
		host, number, err := net.SplitHostPort(peer)
		if err != nil {
			return "", 0, err
		}
		lines, service = lines+host+"\n", number
	}
	number, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return "", 0, err
	}
	if err := os.WriteFile(filepath.Join(directory, "ssconf_master_candidates_ips"), []byte(lines), 0o600); err != nil {
		return "", 0, err
	}
	return directory, uint16(number), os.WriteFile(filepath.Join(directory, "hmac.key"), []byte(testKey), 0o600)
}

// simulate starts the simulator, CONFD_SIM, with candidates as its README explains them. It gives their addresses, and
// what stops it. It ends with this process, in whatever way that ends.
func simulate(candidates string) (peers []string, stop func(), err error) {
	program := os.Getenv("CONFD_SIM")
	if program == "" {
		return nil, nil, fmt.Errorf("CONFD_SIM names no simulator; `make go-tests` runs these tests")
	}
	config, err := os.CreateTemp("", "confd-sim")
	if err != nil {
		return nil, nil, err
	}
	defer os.Remove(config.Name())
	if _, err = fmt.Fprintf(config, `{"key": %q, %s}`, testKey, candidates); err != nil {
		return nil, nil, err
	}
	if err = config.Close(); err != nil {
		return nil, nil, err
	}
	command := exec.Command(program, "--until-eof", "--seconds", "600", config.Name())
	command.Stderr = os.Stderr
	hold, err := command.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err = command.Start(); err != nil {
		return nil, nil, err
	}
	stop = func() {
		hold.Close()
		command.Wait()
	}
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		switch words[0] {
		case "ready":
			peers = append(peers, words[2])
		case "serving":
			return peers, stop, nil
		}
	}
	stop()
	return nil, nil, fmt.Errorf("the simulator did not start: %v", lines.Err())
}

// candidates gives simulated candidates for the time of a test.
func candidates(tb testing.TB, config string) []string {
	tb.Helper()
	peers, stop, err := simulate(config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(stop)
	return peers
}

// open gives a client for the time of a test.
func open(tb testing.TB, peers []string, options *confdclient.Options) *confdclient.Client {
	tb.Helper()
	client, err := confdclient.New([]byte(testKey), peers, options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { client.Close() })
	return client
}

// long bounds what is expected to happen at once.
func long(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	tb.Cleanup(cancel)
	return ctx
}

// eventually waits for a condition that others bring about.
func eventually(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatalf("after 30 s still not: %s", what)
		}
	}
}

func statsOf(tb testing.TB, client *confdclient.Client) confdclient.Stats {
	tb.Helper()
	stats, err := client.Stats()
	if err != nil {
		tb.Fatal(err)
	}
	return stats
}

const silent = `"candidates": [{"address": "127.0.0.1", "faults": {"silent": true}}]`
