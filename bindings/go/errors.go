package confdclient

// #include "shim.h"
// #include <stdlib.h>
import "C"

import (
	"context"
	"errors"
	"fmt"
	"unsafe"
)

// A Code says what kind of error an [Error] is. The codes are errors themselves, to be compared with by [errors.Is]:
//
//	if errors.Is(err, confdclient.ErrClusterDir) { … }
//
// Their numbers are those of the C library and never change.
type Code int32

// The codes.
const (
	// ErrInvalidArgument: an argument is outside what the function takes, such as an empty key, a text that is not
	// UTF-8 or holds a NUL, or Reload of a client that was made by New.
	ErrInvalidArgument Code = C.CONFD_ERR_INVALID_ARGUMENT
	// ErrBadPeer: a peer is not an IPv4 or IPv6 address of one host.
	ErrBadPeer Code = C.CONFD_ERR_BAD_PEER
	// ErrNoPeers: the list of peers is empty.
	ErrNoPeers Code = C.CONFD_ERR_NO_PEERS
	// ErrMixedFamilies: the peers are not all of one address family, that of the client.
	ErrMixedFamilies Code = C.CONFD_ERR_MIXED_FAMILIES
	// ErrCoverage: the coverage asks for more peers than are known.
	ErrCoverage Code = C.CONFD_ERR_COVERAGE
	// ErrRequestType: the type is none of the twelve, or the request cannot have what was given to it.
	ErrRequestType Code = C.CONFD_ERR_REQUEST_TYPE
	// ErrMissingSalt: the request has an empty salt. Requests of this package have a fresh one each time.
	ErrMissingSalt Code = C.CONFD_ERR_MISSING_SALT
	// ErrDuplicateSalt: the request's salt has been used. Requests of this package have a fresh one each time.
	ErrDuplicateSalt Code = C.CONFD_ERR_DUPLICATE_SALT
	// ErrRequestTooBig: the signed datagram would pass Options.MaxRequestBytes.
	ErrRequestTooBig Code = C.CONFD_ERR_REQUEST_TOO_BIG
	// ErrUnknownRequest: no outstanding request has this salt.
	ErrUnknownRequest Code = C.CONFD_ERR_UNKNOWN_REQUEST
	// ErrIO: the operating system refused an operation on the socket.
	ErrIO Code = C.CONFD_ERR_IO
	// ErrNotFound: there is nothing at this place, such as the reply of a query that had none.
	ErrNotFound Code = C.CONFD_ERR_NOT_FOUND
	// ErrWrongType: the answer is there, and is not of the type that was asked for.
	ErrWrongType Code = C.CONFD_ERR_WRONG_TYPE
	// ErrClusterDir: a file of the cluster's data directory is absent, unreadable or malformed.
	ErrClusterDir Code = C.CONFD_ERR_CLUSTER_DIR
	// ErrBusy: the call waits for callbacks, and was made inside one. Nothing of this package does.
	ErrBusy Code = C.CONFD_ERR_BUSY
	// ErrClosed: the client is closed.
	ErrClosed Code = C.CONFD_ERR_CLOSED
	// ErrInternal: a defect of the library. Each later call on the client gives this, too; close it.
	ErrInternal Code = C.CONFD_ERR_INTERNAL
	// ErrNoMemory: memory could not be had.
	ErrNoMemory Code = C.CONFD_ERR_NO_MEMORY
)

// Error gives one line for the code, without the particulars that an [Error] has.
func (c Code) Error() string {
	return C.GoString(C.confd_strerror(C.confd_error(c)))
}

// An Error is what a call gives that could not do what it was to do. It leaves everything as it was.
type Error struct {
	// Op is what was to be done, such as "open".
	Op string
	// Code is the kind of error; errors.Is finds it.
	Code Code
	// Detail is what went wrong in words, one line, such as
	//	peer 3, "node7", is not an IPv4 or IPv6 address
	Detail string
}

func (e *Error) Error() string {
	if e.Detail == "" {
		return "confdclient: " + e.Op + ": " + e.Code.Error()
	}
	return "confdclient: " + e.Op + ": " + e.Detail
}

// Unwrap gives the code.
func (e *Error) Unwrap() error { return e.Code }

// failure makes an error of what a call of the library gave, and nil of success.
func failure(op string, status C.struct_confdgo_status) error {
	if status.code == C.CONFD_OK {
		return nil
	}
	err := &Error{Op: op, Code: Code(status.code)}
	if status.detail != nil {
		err.Detail = C.GoString(status.detail)
		C.free(unsafe.Pointer(status.detail))
	}
	return err
}

func invalid(op, detail string) error {
	return &Error{Op: op, Code: ErrInvalidArgument, Detail: detail}
}

func closed(op string) error {
	return &Error{Op: op, Code: ErrClosed, Detail: "the client is closed"}
}

// An IncompleteError is what Query and Survey give when they ended before enough peers had answered. What was found
// until then is in the result beside it.
type IncompleteError struct {
	// Sent is how many peers were asked, Received how many of them have answered, and Needed how many had to.
	Sent, Received, Needed int
	// Err is why it ended: the context's error, or an *Error with ErrClosed.
	Err error
}

func (e *IncompleteError) Error() string {
	text := fmt.Sprintf("confdclient: %d of %d peers have answered, %d were needed", e.Received, e.Sent, e.Needed)
	var detail *Error
	switch {
	case errors.Is(e.Err, context.DeadlineExceeded):
		return text + ": the time is over"
	case errors.As(e.Err, &detail):
		return text + ": " + detail.Detail
	}
	return text + ": " + e.Err.Error()
}

// Unwrap gives why it ended, so that errors.Is finds context.DeadlineExceeded, context.Canceled and ErrClosed.
func (e *IncompleteError) Unwrap() error { return e.Err }

// A ServerError is what the answer of a reply is when the server could not answer, such as for a node that it does
// not know.
type ServerError struct {
	// Status is StatusError, StatusNotImplemented, or what else the server said.
	Status Status
	// Text is for a person. It may be the server's own and may hold newlines.
	Text string
}

func (e *ServerError) Error() string {
	return fmt.Sprintf("confdclient: the server could not answer: %s", e.Text)
}
