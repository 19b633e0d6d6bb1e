package confdclient

// #cgo pkg-config: confdclient
// #include "shim.h"
import "C"

import (
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// A Client asks the confd servers of one cluster. All its methods may be called from any goroutine at any time. It
// has a socket and a goroutine, which are gone when Close returns; it is not closed by the garbage collector. The zero
// Client is a closed one.
type Client struct {
	log       *logger // nil without a hook
	logHandle handle
	ready     *os.File      // a duplicate of the library's descriptor, in Go's own poller
	processed chan struct{} // closed when the goroutine has ended
	broken    chan struct{} // closed when the library has told of a defect: what is outstanding may never end
	closing   atomic.Bool
	closed    chan struct{} // closed when Close has done all

	// Callers wait at the gate, so that the goroutine that takes in the replies waits for one of them at most.
	gate sync.Mutex
	// Held during each call of the library, whose own lock is for one thread, too: those that wait are then goroutines
	// and not threads. Nothing of the program's runs while it is held.
	mu      sync.Mutex
	library *C.confd_client // nil once closed
}

// Open makes a client of the cluster that this node belongs to, by two files of its data directory: hmac.key, every
// byte of which is the key, and ssconf_master_candidates_ips, one address in each line. "" is /var/lib/ganeti.
//
// A file that is absent, unreadable, empty or malformed is ErrClusterDir.
func Open(dataDir string, options *Options) (*Client, error) {
	var directory []byte
	if dataDir != "" {
		packed, err := pack("open", dataDir)
		if err != nil {
			return nil, err
		}
		directory = packed
	}
	return newClient("open", nil, nil, 0, directory, true, options)
}

// New makes a client with the cluster's HMAC key and the addresses of its master candidates.
//
// The key is every byte of /var/lib/ganeti/hmac.key, its trailing newline included. The library copies it, and wipes
// its copy from memory when it is needed no longer. This package makes no other copy: a program that wants none left
// wipes its own after New.
//
// Peers are IPv4 or IPv6 addresses of one family, with a port where they have their own (192.0.2.1:2000,
// [2001:db8::1]:2000) and a zone where they are link-local (fe80::1%eth0).
func New(key []byte, peers []string, options *Options) (*Client, error) {
	packed, err := pack("new", peers...)
	if err != nil {
		return nil, err
	}
	return newClient("new", key, packed, len(peers), nil, false, options)
}

func newClient(op string, key, peers []byte, nPeers int, directory []byte, opens bool, options *Options) (*Client, error) {
	if options == nil {
		options = &Options{}
	}
	settings, bind, err := options.settings()
	if err != nil {
		return nil, err
	}
	settings.opens = C.bool(opens)
	c := &Client{
		processed: make(chan struct{}),
		broken:    make(chan struct{}),
		closed:    make(chan struct{}),
	}
	if options.Log != nil {
		c.log = newLogger(options.Log)
		c.logHandle = newHandle(c.log)
		settings.log = C.uintptr_t(c.logHandle)
	}
	made := C.confdgo_make(bytesPointer(key), C.size_t(len(key)), textPointer(peers), C.size_t(nPeers),
		textPointer(directory), textPointer(bind), settings)
	if err := failure(op, made.status); err != nil {
		c.endLog()
		return nil, err
	}
	c.library = made.client
	c.ready = os.NewFile(uintptr(made.fd), "confdclient")
	// Only what Go's poller has taken knows deadlines.
	err = c.ready.SetReadDeadline(time.Time{})
	var ready syscall.RawConn
	if err == nil {
		ready, err = c.ready.SyscallConn()
	}
	if err != nil {
		close(c.processed)
		c.Close()
		return nil, &Error{Op: op, Code: ErrIO, Detail: "no place in Go's poller: " + err.Error()}
	}
	go c.process(ready)
	return c, nil
}

// process has the library do what is to be done whenever its descriptor says so, until the client is closed. It
// waits in Go's poller and so on no thread. The poller is edge-triggered: the library makes an edge for everything
// that comes, and for what it leaves to do, also while process runs, and an edge that comes before the wait is not lost.
func (c *Client) process(ready syscall.RawConn) {
	defer close(c.processed)
	// The error is that the file is closed.
	_ = ready.Read(func(uintptr) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.library == nil {
			return true
		}
		return c.check(C.confd_client_process(c.library)) != C.CONFD_OK
	})
}

// check takes note of a defect of the library. mu is held.
func (c *Client) check(code C.confd_error) C.confd_error {
	if code == C.CONFD_ERR_INTERNAL {
		select {
		case <-c.broken:
		default:
			close(c.broken)
		}
	}
	return code
}

// Close ends what is outstanding, which returns with ErrClosed, and releases all that the client has. When it
// returns, no goroutine, descriptor or memory of the client is left, and the log hook is called no more. It may be
// called from anywhere and any number of times; only in a log hook it does not wait for the hook. It gives nil.
func (c *Client) Close() error {
	if c.closed == nil {
		return nil // the zero Client
	}
	if c.closing.Swap(true) {
		if c.log == nil || !inLogHook() { // which Close may be waiting for
			<-c.closed
		}
		return nil
	}
	c.gate.Lock()
	c.mu.Lock()
	C.confd_client_free(c.library) // everything outstanding gets its last call in here
	c.library = nil
	c.mu.Unlock()
	c.gate.Unlock()
	c.ready.Close()
	<-c.processed
	c.endLog()
	close(c.closed)
	return nil
}

func (c *Client) endLog() {
	if c.log != nil {
		c.logHandle.end()
		c.log.close()
	}
}

// enter gives the library's client to the caller alone, until leave. It fails if the client is closed.
func (c *Client) enter(op string) (*C.confd_client, error) {
	c.gate.Lock()
	c.mu.Lock()
	c.gate.Unlock()
	if c.library == nil {
		c.mu.Unlock()
		return nil, closed(op)
	}
	return c.library, nil
}

func (c *Client) leave() { c.mu.Unlock() }

// UpdatePeers replaces the peers, with addresses of the family that the client was made with. Replies to what was
// asked before still count.
func (c *Client) UpdatePeers(peers []string) error {
	packed, err := pack("update peers", peers...)
	if err != nil {
		return err
	}
	library, err := c.enter("update peers")
	if err != nil {
		return err
	}
	defer c.leave()
	return failure("update peers", C.confdgo_update_peers(library, textPointer(packed), C.size_t(len(peers))))
}

// SetKey signs new requests with another key, given as for [New]. Since servers read their key at their start only,
// queries try the old one, too, until every peer has answered under the new one, or for 10 minutes; then the old one
// is wiped from memory.
func (c *Client) SetKey(key []byte) error {
	library, err := c.enter("set key")
	if err != nil {
		return err
	}
	defer c.leave()
	return failure("set key", C.confdgo_set_key(library, bytesPointer(key), C.size_t(len(key))))
}

// Reload reads both files of a client of [Open] again. When it fails, the client goes on with what it has.
func (c *Client) Reload() error {
	library, err := c.enter("reload")
	if err != nil {
		return err
	}
	defer c.leave()
	return failure("reload", C.confdgo_reload(library))
}

// NeededReplies gives how many replies make an answer safe, for a request that was sent to so many peers: all of
// fewer than three, all but one of fewer than five, else half of them, rounded down, and one.
func NeededReplies(sent int) int {
	return int(C.confd_needed_replies(C.uint32_t(sent)))
}

// Version gives the version of the library that the program runs with, such as "0.1.0".
func Version() string { return C.GoString(C.confd_version()) }

func bytesPointer(data []byte) unsafe.Pointer {
	if len(data) == 0 {
		return nil
	}
	return unsafe.Pointer(&data[0])
}

func textPointer(packed []byte) *C.char { return (*C.char)(bytesPointer(packed)) }
