package confdclient_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"confdclient"
)

func TestTheHookTakesLinesOfItsLevel(t *testing.T) {
	peers := candidates(t, `"candidates": [{"address": "127.0.0.1", "faults": {"duplicate": true}}]`)
	for level, want := range map[confdclient.LogLevel]string{
		confdclient.LevelDebug: "DEBUG INFO", confdclient.LevelInfo: "INFO", confdclient.LevelError: "",
	} {
		seen := map[string]bool{}
		client := open(t, peers, &confdclient.Options{LogLevel: level, Log: func(level confdclient.LogLevel, line string) {
			seen[level.String()] = true // Close waits for the hook
			if line == "" || strings.ContainsAny(line, "\n\r") {
				t.Errorf("%q", line)
			}
		}})
		if err := client.UpdatePeers(append([]string{"127.0.0.9"}, peers...)); err != nil {
			t.Fatal(err)
		}
		if err := client.UpdatePeers(peers); err != nil {
			t.Fatal(err)
		}
		for i := 0; i < 3; i++ {
			if _, err := client.Query(long(t), confdclient.Ping()); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "the duplicates have come", func() bool { return statsOf(t, client).DatagramsIn == 6 })
		client.Close()
		var levels []string
		for _, level := range []string{"DEBUG", "INFO", "WARNING", "ERROR"} {
			if seen[level] {
				levels = append(levels, level)
			}
		}
		if got := strings.Join(levels, " "); got != want {
			t.Errorf("%v: %q and not %q", level, got, want)
		}
	}
}

func TestTheHookMayUseAndCloseItsClient(t *testing.T) {
	peers := candidates(t, three)
	var client *confdclient.Client
	made, done := make(chan struct{}), make(chan struct{})
	var err error
	first := true
	client = open(t, peers, &confdclient.Options{Log: func(confdclient.LogLevel, string) {
		if !first {
			return
		}
		first = false
		<-made
		_, err = client.Query(long(t), confdclient.Master())
		go client.Close() // which waits for this hook
		client.Close()
		close(done)
	}})
	close(made)
	if err := client.UpdatePeers(peers[:1]); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
	case <-long(t).Done():
		t.Fatalf("stuck:\n%s", goroutines())
	}
	if err != nil {
		t.Error(err)
	}
}

func TestASlowHookLosesLinesAndIsToldHowMany(t *testing.T) {
	var lines []string
	hold, started := make(chan struct{}), make(chan struct{}, 1)
	logger := confdclient.NewLogger(func(level confdclient.LogLevel, line string) {
		select {
		case started <- struct{}{}:
		default:
		}
		<-hold
		lines = append(lines, line)
	})
	logger.Add("the first")
	<-started
	for i := 0; i < 1030; i++ {
		logger.Add(fmt.Sprint(i))
	}
	close(hold)
	logger.Close()
	if len(lines) != 1026 || lines[0] != "the first" || lines[1] != "0" || lines[1024] != "1023" ||
		lines[1025] != "6 log lines were lost, since the log hook was slow" {
		t.Errorf("%d lines, the last of them %q", len(lines), lines[len(lines)-1])
	}
}

// Set for a run of the tests that is to end by a panic.
const panics = "CONFDCLIENT_TEST_PANIC"

// Go's rule: a panic that nobody recovers from ends the program, with the stack of its goroutine. That stack has no
// C frame.
func TestAPanicInTheHookIsOneOfItsOwnGoroutine(t *testing.T) {
	if os.Getenv(panics) != "" {
		client := open(t, []string{"127.0.0.1"}, &confdclient.Options{Log: func(confdclient.LogLevel, string) {
			panic("of the hook")
		}})
		client.UpdatePeers([]string{"127.0.0.2"})
		client.Close()
		return
	}
	command := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	command.Env = append(os.Environ(), panics+"=1", "GOTRACEBACK=single")
	output, err := command.CombinedOutput()
	text := string(output)
	if err == nil || !strings.Contains(text, "panic: of the hook") || !strings.Contains(text, "(*logger).run") ||
		strings.Contains(text, "cgocall") || strings.Contains(text, "_Cfunc") {
		t.Errorf("%v\n%s", err, text)
	}
}
