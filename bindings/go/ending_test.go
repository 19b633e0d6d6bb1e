package confdclient_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"confdclient"
)

// within fails if what was to end at a time took much longer.
func within(t *testing.T, began time.Time, wanted time.Duration) {
	t.Helper()
	if took := time.Since(began); took > wanted+10*time.Second {
		t.Errorf("took %v and not %v", took, wanted)
	}
}

func incomplete(t *testing.T, err error, why error, sent, received, needed int) {
	t.Helper()
	var details *confdclient.IncompleteError
	if !errors.As(err, &details) || !errors.Is(err, why) {
		t.Fatalf("%v is not %v", err, why)
	}
	if details.Sent != sent || details.Received != received || details.Needed != needed {
		t.Errorf("%+v", details)
	}
}

func nothingOutstanding(t *testing.T, client *confdclient.Client) {
	t.Helper()
	if stats := statsOf(t, client); stats.Outstanding != 0 {
		t.Errorf("%d requests are still outstanding", stats.Outstanding)
	}
	if handles := confdclient.Handles(); handles != 0 {
		t.Errorf("%d handles are left", handles)
	}
}

func TestADeadlineEndsAQuery(t *testing.T) {
	client := open(t, candidates(t, silent), nil)
	for _, timeout := range []time.Duration{50 * time.Millisecond, 100 * time.Microsecond} {
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		result, err := client.Query(ctx, confdclient.Master())
		within(t, began, timeout)
		if result.Reply != nil || err == nil || time.Since(began) < timeout || ctx.Err() == nil {
			t.Errorf("%+v, %v, %v", result, err, ctx.Err())
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		cancel()
	}
	nothingOutstanding(t, client)
}

func TestAQueryThatFewAnswerIsPartial(t *testing.T) {
	client := open(t, candidates(t, `"candidates": [{"address": "127.0.0.1"},
		{"address": "127.0.0.2", "faults": {"silent": true}}]`), nil)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	result, err := client.Query(ctx, confdclient.Master())
	incomplete(t, err, context.DeadlineExceeded, 2, 1, 2)
	if name, err := result.Reply.Text(); result.Outcome != confdclient.Partial || name != "node1.example.com" {
		t.Errorf("%+v, %q, %v", result, name, err)
	}
	if want := "confdclient: 1 of 2 peers have answered, 2 were needed: the time is over"; err.Error() != want {
		t.Errorf("%v", err)
	}
	nothingOutstanding(t, client)
}

func TestACancelEndsAQueryAtOnce(t *testing.T) {
	client := open(t, candidates(t, silent), nil)
	for _, of := range []func(context.Context) error{
		func(ctx context.Context) error {
			result, err := client.Query(ctx, confdclient.Master())
			if result.Outcome != confdclient.Cancelled || result.Reply != nil {
				t.Errorf("%+v", result)
			}
			return err
		},
		func(ctx context.Context) error {
			_, err := client.Survey(ctx, confdclient.Master())
			return err
		},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		ended := make(chan error)
		go func() { ended <- of(ctx) }()
		eventually(t, "the query is outstanding", func() bool { return statsOf(t, client).Outstanding == 1 })
		began := time.Now()
		cancel()
		incomplete(t, <-ended, context.Canceled, 1, 0, 1)
		within(t, began, 0)
		nothingOutstanding(t, client)
	}
	if stats := statsOf(t, client); stats.Cancelled != 2 {
		t.Errorf("%+v", stats)
	}
}

func TestAContextThatHasEndedAsksNobody(t *testing.T) {
	client := open(t, candidates(t, silent), nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := client.Query(ctx, confdclient.Master()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := client.Survey(ctx, confdclient.Master()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if stats := statsOf(t, client); stats.Requests != 0 || stats.DatagramsOut != 0 {
		t.Errorf("%+v", stats)
	}
}

func TestAQueryAsksAgain(t *testing.T) {
	client := open(t, candidates(t, `"candidates": [{"address": "127.0.0.1", "faults": {"loss": 0.8}}]`),
		&confdclient.Options{Retry: 10 * time.Millisecond})
	for i := 0; i < 10; i++ {
		if _, err := client.Query(long(t), confdclient.Ping()); err != nil {
			t.Fatal(err)
		}
	}
	if stats := statsOf(t, client); stats.Retries == 0 {
		t.Errorf("%+v", stats)
	}
}

func TestASurveyEndsAtItsLimit(t *testing.T) {
	client := open(t, candidates(t, `"candidates": [{"address": "127.0.0.1"},
		{"address": "127.0.0.2", "faults": {"silent": true}}]`), &confdclient.Options{SurveyLimit: 50 * time.Millisecond})
	result, err := client.Survey(context.Background(), confdclient.Ping())
	incomplete(t, err, context.DeadlineExceeded, 2, 1, 2)
	if len(result.Replies) != 1 {
		t.Errorf("%+v", result)
	}
	nothingOutstanding(t, client)
}

// What is left to do after a call of process has to make a new edge for Go's poller, which sees nothing else. Here
// nothing else calls the library: what is forgotten would stay so for an hour.
func TestNothingThatIsLeftOverIsForgotten(t *testing.T) {
	// All at once, more than two calls of process read: 128 each, and the second comes of an edge during the first.
	const surveys = 350
	peers := candidates(t, `"candidates": [{"address": "127.0.0.1", "faults": {"delay_ms": 500}}]`)
	options := &confdclient.Options{SurveyLimit: time.Hour, ReceiveBuffer: 212992}
	client, other := open(t, peers, options), open(t, peers, options)
	ended := make(chan error, surveys)
	for i := 0; i < surveys; i++ {
		go func() {
			_, err := client.Survey(context.Background(), confdclient.Ping())
			ended <- err
		}()
	}
	eventually(t, "all are sent", func() bool { return statsOf(t, client).DatagramsOut == surveys })
	release := client.Hold()
	// This one was sent last and takes as long as the others: when it is answered their replies are there.
	_, err := other.Survey(long(t), confdclient.Ping())
	release()
	if err != nil {
		t.Fatal(err)
	}
	timeout := long(t)
	for i := 0; i < surveys; i++ {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatal(err)
			}
		case <-timeout.Done():
			t.Fatalf("%d of %d have ended: %+v", i, surveys, statsOf(t, client))
		}
	}
	if stats := statsOf(t, client); stats.DroppedOverflow != 0 {
		t.Errorf("the socket has not held all replies: %+v", stats)
	}
	nothingOutstanding(t, client)
}

// More than a call of process ends. Nobody but the library's own timer tells of them.
func TestManySurveysEndAtTheirLimit(t *testing.T) {
	const surveys = 3000
	client := open(t, candidates(t, silent), &confdclient.Options{SurveyLimit: 500 * time.Millisecond})
	ended := make(chan error, surveys)
	for i := 0; i < surveys; i++ {
		go func() {
			_, err := client.Survey(context.Background(), confdclient.Ping())
			ended <- err
		}()
	}
	for i := 0; i < surveys; i++ {
		if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
	nothingOutstanding(t, client)
}

func TestAClientThatWaitsUsesNoProcessorTime(t *testing.T) {
	client := open(t, candidates(t, silent), &confdclient.Options{Retry: -1})
	used := func() time.Duration {
		var usage syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
			t.Fatal(err)
		}
		return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	before := used()
	_, err := client.Query(ctx, confdclient.Ping())
	incomplete(t, err, context.DeadlineExceeded, 1, 0, 1)
	if used := used() - before; used > 300*time.Millisecond {
		t.Errorf("%v of processor time in a second of waiting", used)
	}
}

func TestADefectOfTheLibraryEndsWhatIsOutstanding(t *testing.T) {
	client := open(t, candidates(t, silent), nil)
	ended := make(chan error)
	go func() {
		_, err := client.Query(context.Background(), confdclient.Ping())
		ended <- err
	}()
	eventually(t, "the query is outstanding", func() bool { return statsOf(t, client).Outstanding == 1 })
	client.Break()
	if err := <-ended; !errors.Is(err, confdclient.ErrInternal) {
		t.Errorf("%v", err)
	}
	client.Close()
}
