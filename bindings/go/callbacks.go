package confdclient

// #include "shim.h"
import "C"

import (
	"context"
	"runtime/cgo"
	"sync/atomic"
)

// A handle is what the library is given in the place of a pointer to Go's memory. It ends exactly once: to end it
// again panics.
type handle cgo.Handle

var handles atomic.Int64 // that are there, for the tests

func newHandle(value any) handle {
	handles.Add(1)
	return handle(cgo.NewHandle(value))
}

func (h handle) value() any { return cgo.Handle(h).Value() }

func (h handle) end() {
	cgo.Handle(h).Delete()
	handles.Add(-1)
}

// What the library calls, by way of shim.c. Nothing of the program's is called in here, so nothing of the program's
// can panic or block above C frames. The memory that is pointed to is the library's, and is copied.

//export confdgoQueryEnded
func confdgoQueryEnded(data C.uintptr_t, ending *C.struct_confdgo_ending) {
	own := handle(data)
	query := own.value().(*pending)
	own.end() // this was the one completion
	query.result = Result{
		Outcome:    Outcome(ending.outcome),
		Reply:      replyOf(&ending.reply),
		Sent:       int(ending.sent),
		Received:   int(ending.received),
		Needed:     int(ending.needed),
		Errors:     int(ending.errors),
		Consistent: bool(ending.consistent),
	}
	close(query.done)
}

//export confdgoSurveyEvent
func confdgoSurveyEvent(data C.uintptr_t, event *C.struct_confdgo_event) {
	own := handle(data)
	asked := own.value().(*survey)
	asked.result.Sent = int(event.sent)
	asked.result.Received = int(event.received)
	asked.result.Consistent = bool(event.consistent)
	switch event._type {
	case C.CONFD_UPCALL_REPLY:
		if reply := replyOf(&event.reply); reply != nil {
			asked.result.Replies = append(asked.result.Replies, *reply)
		}
	case C.CONFD_UPCALL_EXPIRE, C.CONFD_UPCALL_CANCEL:
		own.end() // this was the last call
		asked.reason = closed("survey")
		if event._type == C.CONFD_UPCALL_EXPIRE {
			asked.reason = context.DeadlineExceeded
		}
		close(asked.done)
	}
}

//export confdgoLogLine
func confdgoLogLine(data C.uintptr_t, level C.int32_t, message *C.char) {
	handle(data).value().(*logger).add(levelOf(level), C.GoString(message))
}
