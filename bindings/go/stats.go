package confdclient

// #include "shim.h"
import "C"

import (
	"errors"
	"time"
)

// Stats are what a client has counted since it was made; the last two are of now. Every datagram that came in is
// counted in exactly one of Replies and the Dropped counters other than DroppedOverflow.
type Stats struct {
	Requests         uint64 // accepted
	DatagramsOut     uint64 // sent
	SendErrors       uint64 // datagrams that the system refused to send
	DatagramsIn      uint64 // received
	Replies          uint64 // that counted or, with AnySource, were delivered
	DroppedMagic     uint64 // without the protocol's magic
	DroppedMalformed uint64 // not a well-formed datagram of the protocol
	DroppedSignature uint64 // signed with another key, or altered
	DroppedSalt      uint64 // for no outstanding request
	DroppedSource    uint64 // from an address that the request was not sent to
	DroppedDuplicate uint64 // a further one from an address that has answered
	DroppedOverflow  uint64 // lost in the system: the socket's receive buffer was full
	Expired          uint64 // requests that reached their expiry
	Cancelled        uint64 // requests that were cancelled
	Retries          uint64 // datagrams that were sent again
	Refused          uint64 // ICMP refusals of what was sent
	Outstanding      uint64 // requests, now
	Queued           uint64 // datagrams that wait to be sent, now
}

// Stats gives what the client has counted.
func (c *Client) Stats() (Stats, error) {
	library, err := c.enter("stats")
	if err != nil {
		return Stats{}, err
	}
	defer c.leave()
	var s C.confd_stats
	if err := failure("stats", C.confdgo_stats(library, &s)); err != nil {
		return Stats{}, err
	}
	return Stats{
		Requests:         uint64(s.requests),
		DatagramsOut:     uint64(s.datagrams_out),
		SendErrors:       uint64(s.send_errors),
		DatagramsIn:      uint64(s.datagrams_in),
		Replies:          uint64(s.replies),
		DroppedMagic:     uint64(s.dropped_magic),
		DroppedMalformed: uint64(s.dropped_malformed),
		DroppedSignature: uint64(s.dropped_signature),
		DroppedSalt:      uint64(s.dropped_salt),
		DroppedSource:    uint64(s.dropped_source),
		DroppedDuplicate: uint64(s.dropped_duplicate),
		DroppedOverflow:  uint64(s.dropped_overflow),
		Expired:          uint64(s.expired),
		Cancelled:        uint64(s.cancelled),
		Retries:          uint64(s.retries),
		Refused:          uint64(s.refused),
		Outstanding:      uint64(s.outstanding),
		Queued:           uint64(s.queued),
	}, nil
}

// PeerStats are what is known of a peer.
type PeerStats struct {
	// Address is the peer as it was written, with its port where it names one.
	Address string
	// Sent is how many datagrams were sent to it, Answered how many requests it has answered, and Refused how often
	// its host said that nothing listens there.
	Sent, Answered, Refused uint64
	// RTT is its smoothed round trip, RTTLast the last one; 0 if none was measured yet.
	RTT, RTTLast time.Duration
	// Serial is the cluster's in its last answer that carries it; 0 if there was none. Of two peers the one with the
	// lower serial is the staler.
	Serial int64
}

// PeerStats gives what is known of each peer, in the order of the list of peers without its repetitions.
func (c *Client) PeerStats() ([]PeerStats, error) {
	library, err := c.enter("peer stats")
	if err != nil {
		return nil, err
	}
	defer c.leave()
	var peers []PeerStats
	for {
		var p C.confd_peer_stats
		err := failure("peer stats", C.confdgo_peer_stats(library, C.size_t(len(peers)), &p))
		if errors.Is(err, ErrNotFound) {
			return peers, nil
		}
		if err != nil {
			return nil, err
		}
		peers = append(peers, PeerStats{
			Address:  C.GoString(&p.address[0]),
			Sent:     uint64(p.sent),
			Answered: uint64(p.answered),
			Refused:  uint64(p.refused),
			RTT:      time.Duration(p.rtt_us) * time.Microsecond,
			RTTLast:  time.Duration(p.rtt_last_us) * time.Microsecond,
			Serial:   int64(p.serial),
		})
	}
}
