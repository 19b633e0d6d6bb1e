package confdclient

// #include "shim.h"
import "C"

import (
	"context"
)

// A SurveyResult is what each of the peers has said.
type SurveyResult struct {
	// Replies are in the order in which they came, one of each peer at the most.
	Replies []Reply
	// Sent is how many peers were asked, Received how many of them have answered.
	Sent, Received int
	// Consistent is false once two ok replies had one serial and different answers.
	Consistent bool
}

// A survey that is outstanding. Its handle ends with the last call, as that of a query.
type survey struct {
	result SurveyResult
	done   chan struct{}
	reason error // why it ended, if not by its context
}

// Survey asks peers and gives the reply of each, to see which of them are there and which are stale. It asks as many
// as the request's coverage says, once; Request.WithCoverage(CoverageAll) asks all.
//
// It ends when all have answered, with no error. When it ends before, by the context or after Options.SurveyLimit,
// the error is an *[IncompleteError], in which errors.Is finds context.DeadlineExceeded, context.Canceled or
// ErrClosed, and the result is what was found until then. Other errors are as for [Client.Query].
func (c *Client) Survey(ctx context.Context, request Request) (SurveyResult, error) {
	if err := ctx.Err(); err != nil {
		return SurveyResult{}, err
	}
	asked := &survey{done: make(chan struct{})}
	salt, err := c.ask("survey", request, 0, asked)
	if err != nil {
		return SurveyResult{}, err
	}
	if err := c.await(ctx, "survey", salt, asked.done); err != nil {
		return SurveyResult{}, err
	}
	result := asked.result
	if result.Received >= result.Sent {
		return result, nil
	}
	incomplete := &IncompleteError{Sent: result.Sent, Received: result.Received, Needed: result.Sent, Err: ctx.Err()}
	if incomplete.Err == nil {
		incomplete.Err = asked.reason
	}
	return result, incomplete
}
