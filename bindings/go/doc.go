// Package confdclient asks the ganeti-confd servers of a Ganeti cluster: who is the master, which node runs the
// instance with this address, any part of the configuration. It is a binding to the C library libconfdclient.
//
// # Asking
//
// On a node of a cluster a program opens a client and asks:
//
//	client, err := confdclient.Open("", nil)
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//
//	result, err := client.Query(ctx, confdclient.Master())
//	if err != nil {
//		return err
//	}
//	name, err := result.Reply.Text()
//
// Elsewhere [New] makes a client with the cluster's key and the addresses of its master candidates.
//
// Any candidate may be stale, slow or down. So [Client.Query] asks several of them at once over UDP, asks again, asks
// others in the place of those that are silent or refuse, checks the signature of what comes back, and gives the
// freshest reply as soon as enough of them have answered. [Client.Survey] gives the reply of each instead, to see who
// is stale.
//
// There are twelve types of questions, each with a function that makes a [Request] of it, and a method of [Reply] that
// reads its answer into values of Go:
//
//	Ping                                 Reply.Int
//	NodeRole                             Reply.Role
//	InstanceNodeIP                       Reply.Text
//	InstanceNodeIPs                      Reply.NodeIPs, one element for each address, each with its status
//	Master                               Reply.Text
//	MasterFields                         Reply.Strings
//	NodeIPs, CandidateIPs, InstanceIPs   Reply.Strings
//	NodeDRBD                             Reply.DRBDMinors
//	NodeInstances                        Reply.Instances
//	InstanceDisks                        Reply.Disks
//	Config, DataCollectors               Reply.Decode, into any value, as encoding/json does
//
// # Time
//
// How long a query takes is up to its context. Give it a deadline: without one it goes on asking until somebody
// answers. A query that the context ends returns at once, with an error in which errors.Is finds
// context.DeadlineExceeded or context.Canceled, with what was found until then, and with nothing left outstanding.
//
// # Errors
//
// An [*Error] is a call that could not do what it was to do; it has a [Code], which errors.Is compares with, and the
// detail in words. An [*IncompleteError] is a query that ended before enough peers had answered. A [*ServerError] is
// an answer that a server refused, for instance about a node that it does not know: the query itself has no error
// then, but the methods that read the answer have.
//
//	switch _, err := confdclient.Open(directory, nil); {
//	case errors.Is(err, confdclient.ErrClusterDir):
//		// not a node of a cluster, or not its root
//
// # Goroutines and threads
//
// Every method may be called from any goroutine at any time, and a [Request] and a [Reply] are values that any number
// of goroutines may share. A client has one goroutine, which waits in Go's own poller for replies and deadlines; a
// query that waits is a goroutine that waits. So ten thousand queries outstanding take no more threads than one.
//
// # Closing
//
// [Client.Close] may be called from anywhere and any number of times. What is outstanding returns with [ErrClosed].
// When Close has returned, nothing of the client is left. A client that is not closed stays, with its goroutine and
// its socket: there is no finalizer. Results and replies need no closing, since they are copies in Go's memory.
//
// # The key
//
// The library wipes its copy of the key from memory when it is needed no longer. [New] and [Client.SetKey] make no other
// copy, so a program can wipe its own right after. With [Open] the key never gets into Go's memory.
package confdclient
