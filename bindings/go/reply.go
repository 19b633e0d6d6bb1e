package confdclient

// #include "shim.h"
import "C"

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"unsafe"
)

// A Status says whether a server has answered the question.
type Status int32

// The statuses.
const (
	// StatusOK: the server has answered.
	StatusOK Status = C.CONFD_STATUS_OK
	// StatusError: it could not answer, for instance because it does not know the node.
	StatusError Status = C.CONFD_STATUS_ERROR
	// StatusNotImplemented: it does not know the question.
	StatusNotImplemented Status = C.CONFD_STATUS_NOT_IMPLEMENTED
)

// A Reply is what one server said, verified. It is a value of Go's own, with nothing to release, that any number of
// goroutines may read. The methods that read the answer give a *[ServerError] where Status is not StatusOK, and
// ErrNotFound for a nil Reply.
type Reply struct {
	// Status says whether the server has answered the question.
	Status Status
	// Protocol is the version of the protocol that the server speaks, 1.
	Protocol int
	// Serial is that of the configuration: of two replies the one with the higher serial is the fresher. It is 0 for
	// a ping and for every error.
	Serial int64
	// Answer is JSON, as the server sent it.
	Answer json.RawMessage
	// ErrorText says what went wrong where Status is not StatusOK.
	ErrorText string
	// Server is who said it.
	Server netip.AddrPort
}

// replyOf copies all that there is out of the library's memory; nil if there is no reply.
func replyOf(reply *C.struct_confdgo_reply) *Reply {
	if reply.answer == nil {
		return nil
	}
	// What is no address leaves the zero one; the library gives none such.
	address, _ := netip.ParseAddr(C.GoString(reply.server_ip))
	return &Reply{
		Status:    Status(reply.status),
		Protocol:  int(reply.protocol),
		Serial:    int64(reply.serial),
		Answer:    C.GoBytes(unsafe.Pointer(reply.answer), reply.answer_len),
		ErrorText: C.GoString(reply.error_text),
		Server:    netip.AddrPortFrom(address, uint16(reply.server_port)),
	}
}

// Err gives nil if the server has answered, else a *[ServerError].
func (r *Reply) Err() error {
	if r == nil {
		return &Error{Op: "answer", Code: ErrNotFound, Detail: "there is no reply"}
	}
	if r.Status != StatusOK {
		return &ServerError{Status: r.Status, Text: r.ErrorText}
	}
	return nil
}

// Decode reads the answer into the value that v points to, as [json.Unmarshal] does. An answer of another shape is
// an *[Error] with ErrWrongType.
func (r *Reply) Decode(v any) error {
	if err := r.Err(); err != nil {
		return err
	}
	if err := json.Unmarshal(r.Answer, v); err != nil {
		return wrongType(err.Error())
	}
	return nil
}

// Text reads an answer that is a text: of [Master] and [InstanceNodeIP].
func (r *Reply) Text() (string, error) {
	return decode[string](r)
}

// Int reads an answer that is an integer: of [Ping].
func (r *Reply) Int() (int64, error) {
	return decode[int64](r)
}

// Strings reads an answer that is a list of texts: of [NodeIPs], [CandidateIPs], [InstanceIPs], [MasterFields].
func (r *Reply) Strings() ([]string, error) {
	return decode[[]string](r)
}

// decode reads an answer that must not be null, which encoding/json would take for the zero value.
func decode[T any](r *Reply) (value T, err error) {
	var present *T
	if err = r.Decode(&present); err != nil {
		return value, err
	}
	if present == nil {
		return value, wrongType("the answer is null")
	}
	return *present, nil
}

func wrongType(detail string) error {
	return &Error{Op: "answer", Code: ErrWrongType, Detail: detail}
}

// unpackRow reads a JSON array of exactly as many elements as there are places.
func unpackRow(data []byte, places ...any) error {
	var row []json.RawMessage
	if err := json.Unmarshal(data, &row); err != nil {
		return err
	}
	if len(row) != len(places) {
		return fmt.Errorf("%d elements where there should be %d", len(row), len(places))
	}
	for i, place := range places {
		if err := json.Unmarshal(row[i], place); err != nil {
			return err
		}
	}
	return nil
}
