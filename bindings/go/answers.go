package confdclient

// #include "shim.h"
import "C"

import (
	"encoding/json"
	"fmt"
)

// A Role is what a node is in its cluster.
type Role int64

// The roles.
const (
	RoleMaster    Role = C.CONFD_NODE_ROLE_MASTER
	RoleCandidate Role = C.CONFD_NODE_ROLE_CANDIDATE
	RoleOffline   Role = C.CONFD_NODE_ROLE_OFFLINE
	RoleDrained   Role = C.CONFD_NODE_ROLE_DRAINED
	RoleRegular   Role = C.CONFD_NODE_ROLE_REGULAR
)

// String gives the role in a word, such as "candidate".
func (r Role) String() string {
	if name := C.confd_node_role_name(C.int64_t(r)); name != nil {
		return C.GoString(name)
	}
	return fmt.Sprintf("Role(%d)", int64(r))
}

// Role reads the answer of [NodeRole].
func (r *Reply) Role() (Role, error) {
	return decode[Role](r)
}

// A NodeIP is the answer for one address of [InstanceNodeIPs].
type NodeIP struct {
	// Status is StatusOK if IP is there; else the server knows no instance with the address, or nobody has answered
	// for it.
	Status Status
	// IP is the primary IP address of the node that runs the instance; "" unless Status is StatusOK.
	IP string
	// Serial is that of the configuration.
	Serial int64
}

// UnmarshalJSON reads the server's form, [status, answer, serial].
func (n *NodeIP) UnmarshalJSON(data []byte) error {
	var answer json.RawMessage
	*n = NodeIP{}
	if err := unpackRow(data, &n.Status, &answer, &n.Serial); err != nil || n.Status != StatusOK {
		return err // in the place of an address there is the number of an error
	}
	return json.Unmarshal(answer, &n.IP)
}

// NodeIPs reads the answer of [InstanceNodeIPs]: one element for each address that was asked for, in order.
func (r *Reply) NodeIPs() ([]NodeIP, error) {
	return decode[[]NodeIP](r)
}

// A DRBDMinor is a DRBD device of a node.
type DRBDMinor struct {
	// Node is the node's name, and Minor the number of the device there.
	Node  string
	Minor int64
	// Instance is the instance's name, and Disk which of its disks it is, such as "disk/0".
	Instance, Disk string
	// Role is "primary" or "secondary".
	Role string
	// Peer is the name of the node at the other end.
	Peer string
}

// UnmarshalJSON reads the server's form, [node, minor, instance, disk, role, peer].
func (d *DRBDMinor) UnmarshalJSON(data []byte) error {
	return unpackRow(data, &d.Node, &d.Minor, &d.Instance, &d.Disk, &d.Role, &d.Peer)
}

// DRBDMinors reads the answer of [NodeDRBD].
func (r *Reply) DRBDMinors() ([]DRBDMinor, error) {
	return decode[[]DRBDMinor](r)
}

// An Instance is an instance as the configuration has it.
type Instance struct {
	Name        string   `json:"name"`
	UUID        string   `json:"uuid"`
	PrimaryNode string   `json:"primary_node"` // a node's UUID
	OS          string   `json:"os"`
	Hypervisor  string   `json:"hypervisor"`
	AdminState  string   `json:"admin_state"` // "up", "down" or "offline"
	Disks       []string `json:"disks"`       // their UUIDs
	Tags        []string `json:"tags"`
	Serial      int64    `json:"serial_no"`
	// Raw is all of it, as the server sent it.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads an object of the configuration.
func (i *Instance) UnmarshalJSON(data []byte) error {
	type plain Instance
	*i = Instance{Raw: append(json.RawMessage(nil), data...)}
	return json.Unmarshal(data, (*plain)(i))
}

// Instances reads the answer of [NodeInstances]: the instances that the node is the primary node of, and those that
// it is the secondary node of.
func (r *Reply) Instances() (primary, secondary []Instance, err error) {
	if err := r.Err(); err != nil {
		return nil, nil, err
	}
	if err := unpackRow(r.Answer, &primary, &secondary); err != nil {
		return nil, nil, wrongType(err.Error())
	}
	return primary, secondary, nil
}

// A Disk is a disk of an instance as the configuration has it.
type Disk struct {
	UUID     string   `json:"uuid"`
	Name     string   `json:"iv_name"`  // such as "disk/0"
	Type     string   `json:"dev_type"` // such as "drbd"
	Mode     string   `json:"mode"`     // "rw" or "ro"
	Size     int64    `json:"size"`     // in MiB
	Nodes    []string `json:"nodes"`    // their UUIDs
	Children []Disk   `json:"children"`
	Serial   int64    `json:"serial_no"`
	// Raw is all of it, as the server sent it.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads an object of the configuration.
func (d *Disk) UnmarshalJSON(data []byte) error {
	type plain Disk
	*d = Disk{Raw: append(json.RawMessage(nil), data...)}
	return json.Unmarshal(data, (*plain)(d))
}

// Disks reads the answer of [InstanceDisks].
func (r *Reply) Disks() ([]Disk, error) {
	return decode[[]Disk](r)
}
