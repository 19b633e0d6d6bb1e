package confdclient

// #include "shim.h"
import "C"

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A RequestType is one of the twelve kinds of questions that a server answers.
type RequestType int32

// The types. Each has a function of its own that makes requests of it.
const (
	TypePing           RequestType = C.CONFD_REQ_PING
	TypeNodeRole       RequestType = C.CONFD_REQ_NODE_ROLE_BYNAME
	TypeInstanceNodeIP RequestType = C.CONFD_REQ_NODE_PIP_BY_INSTANCE_IP
	TypeMaster         RequestType = C.CONFD_REQ_CLUSTER_MASTER
	TypeNodeIPs        RequestType = C.CONFD_REQ_NODE_PIP_LIST
	TypeCandidateIPs   RequestType = C.CONFD_REQ_MC_PIP_LIST
	TypeInstanceIPs    RequestType = C.CONFD_REQ_INSTANCES_IPS_LIST
	TypeNodeDRBD       RequestType = C.CONFD_REQ_NODE_DRBD
	TypeNodeInstances  RequestType = C.CONFD_REQ_NODE_INSTANCES
	TypeInstanceDisks  RequestType = C.CONFD_REQ_INSTANCE_DISKS
	TypeConfig         RequestType = C.CONFD_REQ_CONFIG_QUERY
	TypeDataCollectors RequestType = C.CONFD_REQ_DATA_COLLECTORS
)

// A MasterField is what [MasterFields] asks for.
type MasterField int32

// The fields.
const (
	// FieldMasterName is the master's name.
	FieldMasterName MasterField = C.CONFD_REQFIELD_NAME
	// FieldClusterIP is the cluster's IP address.
	FieldClusterIP MasterField = C.CONFD_REQFIELD_IP
	// FieldMasterNodeIP is the primary IP address of the master node.
	FieldMasterNodeIP MasterField = C.CONFD_REQFIELD_MNODE_PIP
)

// How many peers a request asks at first; any positive number is that many.
const (
	// CoverageDefault is the smaller of 6 and the number of peers.
	CoverageDefault = 0
	// CoverageAll is all of them.
	CoverageAll = -1
)

// A Request is a question. It is a value: it can be asked any number of times, by any number of goroutines, each
// time with a salt of its own. The zero Request is a ping.
type Request struct {
	question C.struct_confdgo_question
	texts    []byte // packed, see shim.h
	link     []byte // with its NUL; nil for none
	fields   []C.int32_t
	err      error // what its maker has found; Query gives it
}

// Ping asks whether the servers are there, and for the version of their configuration: [Reply.Int].
func Ping() Request {
	return request(TypePing, C.CONFDGO_PLAIN)
}

// NodeRole asks for the role of a node, by its name: [Reply.Role].
func NodeRole(node string) Request {
	return request(TypeNodeRole, C.CONFDGO_PLAIN, node)
}

// InstanceNodeIP asks which node runs the instance with this IP address, and is answered with the node's primary IP
// address: [Reply.Text]. The address is meant on the cluster's default link unless [Request.WithLink] names another.
func InstanceNodeIP(ip string) Request {
	return request(TypeInstanceNodeIP, C.CONFDGO_IP, ip)
}

// InstanceNodeIPs asks the same of many instances at once, and is answered address by address: [Reply.NodeIPs]. A
// list that is too long for one datagram is asked in parts, and the answers are joined in order.
func InstanceNodeIPs(ips ...string) Request {
	return request(TypeInstanceNodeIP, C.CONFDGO_IPS, ips...)
}

// Master asks for the name of the master node: [Reply.Text].
func Master() Request {
	return request(TypeMaster, C.CONFDGO_PLAIN)
}

// MasterFields asks for fields of the master, answered in their order: [Reply.Strings].
func MasterFields(fields ...MasterField) Request {
	r := request(TypeMaster, C.CONFDGO_FIELDS)
	r.question.count = C.size_t(len(fields))
	for _, field := range fields {
		r.fields = append(r.fields, C.int32_t(field))
	}
	return r
}

// NodeIPs asks for the primary IP addresses of all nodes: [Reply.Strings].
func NodeIPs() Request {
	return request(TypeNodeIPs, C.CONFDGO_PLAIN)
}

// CandidateIPs asks for the primary IP addresses of the master candidates: [Reply.Strings].
func CandidateIPs() Request {
	return request(TypeCandidateIPs, C.CONFDGO_PLAIN)
}

// InstanceIPs asks for the IP addresses of the instances on the cluster's default link, or on that of
// [Request.WithLink]: [Reply.Strings].
func InstanceIPs() Request {
	return request(TypeInstanceIPs, C.CONFDGO_PLAIN)
}

// NodeDRBD asks for the DRBD minors of a node, by its name: [Reply.DRBDMinors].
func NodeDRBD(node string) Request {
	return request(TypeNodeDRBD, C.CONFDGO_PLAIN, node)
}

// NodeInstances asks for the instances of a node, by its name: [Reply.Instances].
func NodeInstances(node string) Request {
	return request(TypeNodeInstances, C.CONFDGO_PLAIN, node)
}

// InstanceDisks asks for the disks of an instance, by its name or UUID: [Reply.Disks].
func InstanceDisks(instance string) Request {
	return request(TypeInstanceDisks, C.CONFDGO_PLAIN, instance)
}

// Config asks for any part of the configuration, by an RFC 6901 JSON pointer such as "/cluster/cluster_name":
// [Reply.Decode]. A server never sends an answer that makes a datagram of more than 65,507 bytes: a question for a
// larger part gets no reply at all.
func Config(pointer string) Request {
	return request(TypeConfig, C.CONFDGO_PLAIN, pointer)
}

// DataCollectors asks for the data collectors of the monitoring daemon: [Reply.Decode].
func DataCollectors() Request {
	return request(TypeDataCollectors, C.CONFDGO_PLAIN)
}

// NewRequest makes a request of any type with any query, for what the other functions do not make: nil, a string,
// or what encoding/json makes an object of.
func NewRequest(kind RequestType, query any) Request {
	text, err := json.Marshal(query)
	if err != nil {
		return Request{err: invalid("request", err.Error())}
	}
	return request(kind, C.CONFDGO_JSON, string(text))
}

// WithCoverage gives the same request for another number of peers: CoverageDefault, CoverageAll, or that many.
func (r Request) WithCoverage(peers int) Request {
	if peers < CoverageAll || peers > maxInt32 {
		r.err = invalid("request", fmt.Sprintf("a coverage of %d", peers))
		return r
	}
	r.question.coverage = C.int32_t(peers)
	return r
}

// WithLink gives the same request for addresses on this link. It is for [InstanceNodeIP], [InstanceNodeIPs] and
// [InstanceIPs]; asking any other request with a link gives ErrRequestType.
func (r Request) WithLink(link string) Request {
	switch {
	case r.Type() == TypeInstanceIPs && r.question.form == C.CONFDGO_PLAIN:
		with := request(TypeInstanceIPs, C.CONFDGO_PLAIN, link)
		with.question.coverage = r.question.coverage
		if with.err == nil {
			with.err = r.err
		}
		return with
	case r.question.form == C.CONFDGO_IP || r.question.form == C.CONFDGO_IPS:
		packed, err := pack("request", link)
		if err != nil {
			r.err = err
		}
		r.link = packed
	default:
		r.err = &Error{Op: "request", Code: ErrRequestType, Detail: "a request of this kind has no link"}
	}
	return r
}

// Type gives the request's type.
func (r Request) Type() RequestType { return RequestType(r.question._type) }

func request(kind RequestType, form C.int32_t, texts ...string) Request {
	packed, err := pack("request", texts...)
	return Request{
		question: C.struct_confdgo_question{_type: C.int32_t(kind), form: form, count: C.size_t(len(texts))},
		texts:    packed,
		err:      err,
	}
}

// pack puts texts one after the other, each with a NUL, as shim.h wants them: one piece of memory without pointers.
func pack(op string, texts ...string) ([]byte, error) {
	size := 0
	for i, text := range texts {
		if strings.IndexByte(text, 0) >= 0 {
			return nil, invalid(op, fmt.Sprintf("text %d, %q, holds a NUL", i+1, text))
		}
		size += len(text) + 1
	}
	packed := make([]byte, 0, size)
	for _, text := range texts {
		packed = append(append(packed, text...), 0)
	}
	return packed, nil
}
