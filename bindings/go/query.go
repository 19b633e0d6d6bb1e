package confdclient

// #include "shim.h"
import "C"

import (
	"context"
	"errors"
	"time"
)

// An Outcome says how a query has ended.
type Outcome int32

// The outcomes.
const (
	// Answered: enough peers have answered for the answer to be safe. Query then gives no error.
	Answered Outcome = C.CONFD_OUTCOME_ANSWERED
	// Partial: some peers, but too few, have answered in time.
	Partial Outcome = C.CONFD_OUTCOME_PARTIAL
	// NoReply: nobody has answered in time.
	NoReply Outcome = C.CONFD_OUTCOME_NO_REPLY
	// Cancelled: the context was cancelled, or the client closed.
	Cancelled Outcome = C.CONFD_OUTCOME_CANCELLED
)

// String gives the outcome in words, such as "no reply".
func (o Outcome) String() string {
	switch o {
	case Answered:
		return "answered"
	case Partial:
		return "partial"
	case NoReply:
		return "no reply"
	case Cancelled:
		return "cancelled"
	}
	return "unknown outcome"
}

// A Result is what a query has found.
type Result struct {
	// Outcome says how it has ended.
	Outcome Outcome
	// Reply is the best reply: one that answers beats an error, among those the highest serial wins. It is nil if there
	// is none; a query without an error has one.
	Reply *Reply
	// Sent is how many peers were asked, those included that were asked later in the place of others; Received how
	// many of them have answered; Needed how many answers make the query Answered; Errors how many of the replies
	// were errors.
	Sent, Received, Needed, Errors int
	// Consistent is false once two ok replies had one serial and different answers.
	Consistent bool
}

// A pending query. The handle of it is the library's from the asking to the one completion, where it ends.
type pending struct {
	result Result
	done   chan struct{}
}

// Query asks several peers at once, asks again and others in the place of those that are silent or refuse, and gives
// the best reply as soon as enough of them have answered: see [NeededReplies].
//
// The context decides how long it takes: with neither a deadline nor a cancel it goes on asking until it is answered
// or the client closed. When it ends early the error is an *[IncompleteError], in which errors.Is finds
// context.DeadlineExceeded, context.Canceled or ErrClosed, and the Result is what was found until then. Whichever way
// it ends, nothing of it is left when Query returns.
//
// A question that could not be asked is an *[Error], with a zero Result: ErrCoverage, ErrRequestTooBig,
// ErrRequestType, ErrInvalidArgument, ErrIO (it could be sent to nobody), ErrClosed.
func (c *Client) Query(ctx context.Context, request Request) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	timeout := C.int32_t(-1)
	if deadline, ok := ctx.Deadline(); ok {
		timeout = timeLeft(time.Until(deadline))
	}
	query := &pending{done: make(chan struct{})}
	salt, err := c.ask("query", request, timeout, query)
	if err != nil {
		return Result{}, err
	}
	if err := c.await(ctx, "query", salt, query.done); err != nil {
		return Result{}, err
	}
	return query.result, query.result.conclude(ctx)
}

// timeLeft rounds down, since what ends by its own deadline costs less than what is cancelled.
func timeLeft(left time.Duration) C.int32_t {
	switch {
	case left < time.Millisecond:
		return 1
	case left > time.Duration(maxInt32)*time.Millisecond:
		return -1 // beyond what the library counts; the context tells
	}
	return C.int32_t(left / time.Millisecond)
}

// conclude gives why a query ended if it is not answered.
func (r *Result) conclude(ctx context.Context) error {
	incomplete := &IncompleteError{Sent: r.Sent, Received: r.Received, Needed: r.Needed}
	switch r.Outcome {
	case Answered:
		return nil
	case Cancelled:
		if incomplete.Err = ctx.Err(); incomplete.Err == nil {
			incomplete.Err = closed("query")
		}
		if errors.Is(incomplete.Err, context.DeadlineExceeded) {
			r.Outcome = NoReply // the same as if the library had seen the deadline first
			if r.Reply != nil {
				r.Outcome = Partial
			}
		}
	default:
		// The context is to agree that its time is over. It does within a millisecond, or as soon as a busy machine
		// comes to it, unless somebody has set the clock meanwhile.
		soon := time.NewTimer(time.Second)
		defer soon.Stop()
		select {
		case <-ctx.Done():
		case <-soon.C:
		}
		if incomplete.Err = ctx.Err(); incomplete.Err == nil {
			incomplete.Err = context.DeadlineExceeded
		}
	}
	return incomplete
}

// ask starts a query or a survey. It gives the salt to cancel it by.
func (c *Client) ask(op string, request Request, timeout C.int32_t, of any) (salt C.struct_confdgo_salt, err error) {
	if request.err != nil {
		return salt, request.err
	}
	question := request.question
	question.timeout_ms = timeout
	var fields *C.int32_t
	if len(request.fields) > 0 {
		fields = &request.fields[0]
	}
	texts, link := textPointer(request.texts), textPointer(request.link)
	library, err := c.enter(op)
	if err != nil {
		return salt, err
	}
	own := newHandle(of)
	var asked C.struct_confdgo_asked
	if _, isQuery := of.(*pending); isQuery {
		asked = C.confdgo_query(library, question, texts, link, fields, C.uintptr_t(own))
	} else {
		asked = C.confdgo_send(library, question, texts, link, fields, C.uintptr_t(own))
	}
	c.check(asked.status.code)
	c.leave()
	if err := failure(op, asked.status); err != nil {
		own.end() // what was refused has no completion
		return salt, err
	}
	return asked.salt, nil
}

// await waits until what was asked has ended, by itself or since the context has. Only a defect of the library keeps
// it from ending.
func (c *Client) await(ctx context.Context, op string, salt C.struct_confdgo_salt, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		// That it has ended already, or that the client is closed, is no matter: its completion has come or comes.
		if library, err := c.enter(op); err == nil {
			c.check(C.confdgo_cancel(library, salt))
			c.leave()
		}
	case <-c.broken:
	}
	select {
	case <-done:
		return nil
	case <-c.broken:
		return &Error{Op: op, Code: ErrInternal}
	}
}
