package confdclient

// #include "shim.h"
import "C"

import (
	"math"
	"net/netip"
	"time"
)

const maxInt32 = math.MaxInt32

// Options are what a client is told at its making. The zero value, and a nil *Options, are the defaults.
type Options struct {
	// Port is the port of peers that name none. Default: that of ganeti-confd in the services database, else 1814.
	Port uint16
	// BindAddress is the local address to send from, of the peers' family. Default: as the kernel routes.
	BindAddress netip.Addr

	// Retry is after how long a query that is short of replies asks again: the peers that have not answered, and as
	// many others. Default: one second. Negative: never.
	Retry time.Duration
	// Refresh is how often the peers are brought up to date: a client of Open reads its files again when they have
	// changed, another one asks its peers for the list of master candidates. Default: never.
	Refresh time.Duration
	// SurveyLimit is how long a Survey waits for peers at the most. Default: ten seconds.
	SurveyLimit time.Duration

	// MaxRequestBytes is the most bytes of a request's datagram, up to 65507; a larger one is refused with
	// ErrRequestTooBig. Default: 4096, which is what ganeti-confd 3.0 reads.
	MaxRequestBytes int
	// ReceiveBuffer is how many bytes to ask of the kernel for the socket's receive buffer. A program with hundreds
	// of queries outstanding at once wants some. Default: what the kernel gives by itself.
	ReceiveBuffer int
	// AnySource delivers to surveys correctly signed replies from addresses that were not asked, too, as from a
	// daemon bound to the wildcard address of a node with several addresses.
	AnySource bool

	// Log takes the client's log lines, without a newline. It is called on a goroutine of the client's own, one line
	// at a time, and may do whatever it likes, Query and Close included. While it takes its time lines wait; when
	// there are too many, some are lost, and a line says how many. A panic in it is a panic of that goroutine.
	Log func(level LogLevel, line string)
	// LogLevel is the least level to log. Default: LevelInfo.
	LogLevel LogLevel
}

// settings checks and converts what the library takes.
func (o *Options) settings() (settings C.struct_confdgo_settings, bind []byte, err error) {
	settings.port = C.uint16_t(o.Port)
	settings.retry_ms = -1
	if o.Retry < 0 {
		settings.retry_ms = 0
	} else if o.Retry > 0 {
		settings.retry_ms = milliseconds(o.Retry)
	}
	if o.Refresh < 0 || o.SurveyLimit < 0 || o.MaxRequestBytes < 0 || o.ReceiveBuffer < 0 {
		return settings, nil, invalid("options", "a number or a time is negative")
	}
	settings.refresh_ms = milliseconds(o.Refresh)
	settings.expire_ms = milliseconds(o.SurveyLimit)
	settings.max_request_bytes = C.size_t(o.MaxRequestBytes)
	settings.receive_buffer = C.size_t(o.ReceiveBuffer)
	if o.AnySource {
		settings.any_source = 1
	}
	if o.LogLevel < LevelDebug || o.LogLevel > LevelError {
		return settings, nil, invalid("options", "LogLevel is no level")
	}
	settings.log_level = o.LogLevel.number()
	if o.BindAddress.IsValid() {
		bind, err = pack("options", o.BindAddress.String())
	}
	return settings, bind, err
}

// milliseconds rounds up, so that a short time is not none at all, and saturates.
func milliseconds(d time.Duration) C.int32_t {
	ms := (d + time.Millisecond - 1) / time.Millisecond
	if d > time.Duration(maxInt32)*time.Millisecond {
		return maxInt32
	}
	return C.int32_t(ms)
}
