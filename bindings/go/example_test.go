package confdclient_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sort"
	"time"

	"confdclient"
)

func Example() {
	// On a node of a cluster: confdclient.Open("", nil).
	client, err := confdclient.Open(dataDir, &confdclient.Options{Port: port})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	result, err := client.Query(ctx, confdclient.Master())
	if err != nil {
		log.Fatal(err)
	}
	name, err := result.Reply.Text()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(name)
	// Output: node1.example.com
}

func ExampleClient_Query() {
	client, err := confdclient.Open(dataDir, &confdclient.Options{Port: port})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()

	result, err := client.Query(ctx, confdclient.NodeRole("node6.example.com"))
	if err != nil {
		log.Fatal(err)
	}
	role, err := result.Reply.Role()
	fmt.Println(role, err)
	fmt.Println(result.Sent, "were asked,", result.Needed, "answers were needed")

	result, err = client.Query(ctx, confdclient.NodeRole("node9.example.com"))
	if err != nil {
		log.Fatal(err)
	}
	_, err = result.Reply.Role()
	var refused *confdclient.ServerError
	fmt.Println(errors.As(err, &refused))
	// Output:
	// offline <nil>
	// 3 were asked, 2 answers were needed
	// true
}

// A context that ends ends the query, too.
func ExampleClient_Query_deadline() {
	client, err := confdclient.New([]byte("another cluster's key\n"), []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"},
		&confdclient.Options{Port: port}) // where these servers say nothing to it
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	result, err := client.Query(ctx, confdclient.Ping())
	fmt.Println(err)
	fmt.Println(errors.Is(err, context.DeadlineExceeded), result.Outcome)
	// Output:
	// confdclient: 0 of 3 peers have answered, 2 were needed: the time is over
	// true no reply
}

// Which of the candidates are stale? Their serials are behind.
func ExampleClient_Survey() {
	client, err := confdclient.Open(dataDir, &confdclient.Options{Port: port})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()

	result, err := client.Survey(ctx, confdclient.Master().WithCoverage(confdclient.CoverageAll))
	if err != nil {
		log.Fatal(err)
	}
	sort.Slice(result.Replies, func(i, j int) bool {
		return result.Replies[i].Server.Addr().Less(result.Replies[j].Server.Addr())
	})
	for _, reply := range result.Replies {
		name, err := reply.Text()
		fmt.Println(reply.Server.Addr(), reply.Serial, name, err)
	}
	// Output:
	// 127.0.0.1 42 node1.example.com <nil>
	// 127.0.0.2 40 node2.example.com <nil>
	// 127.0.0.3 42 node1.example.com <nil>
}

func ExampleInstanceNodeIPs() {
	client, err := confdclient.Open(dataDir, &confdclient.Options{Port: port})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()

	instances := []string{"198.51.100.1", "198.51.100.99"}
	result, err := client.Query(ctx, confdclient.InstanceNodeIPs(instances...))
	if err != nil {
		log.Fatal(err)
	}
	nodes, err := result.Reply.NodeIPs()
	if err != nil {
		log.Fatal(err)
	}
	for i, node := range nodes {
		if node.Status == confdclient.StatusOK {
			fmt.Println(instances[i], "is on", node.IP)
		} else {
			fmt.Println(instances[i], "is on no node")
		}
	}
	// Output:
	// 198.51.100.1 is on 192.0.2.11
	// 198.51.100.99 is on no node
}

func ExampleNodeDRBD() {
	client, err := confdclient.Open(dataDir, &confdclient.Options{Port: port})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()

	result, err := client.Query(ctx, confdclient.NodeDRBD("node1.example.com"))
	if err != nil {
		log.Fatal(err)
	}
	minors, err := result.Reply.DRBDMinors()
	if err != nil {
		log.Fatal(err)
	}
	for _, minor := range minors {
		fmt.Println(minor.Minor, minor.Instance, minor.Disk, minor.Role, "with", minor.Peer)
	}
	// Output:
	// 0 web.example.com disk/0 primary with node2.example.com
	// 1 web.example.com disk/1 primary with node2.example.com
}

// Any part of the configuration, read by encoding/json.
func ExampleConfig() {
	client, err := confdclient.Open(dataDir, &confdclient.Options{Port: port})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()

	result, err := client.Query(ctx, confdclient.Config("/cluster"))
	if err != nil {
		log.Fatal(err)
	}
	var cluster struct {
		Name string `json:"cluster_name"`
	}
	err = result.Reply.Decode(&cluster)
	fmt.Println(cluster.Name, err)
	// Output: cluster.example.com <nil>
}

func ExampleError() {
	_, err := confdclient.New([]byte("key\n"), []string{"192.0.2.1", "node7"}, nil)
	fmt.Println(errors.Is(err, confdclient.ErrBadPeer))

	var details *confdclient.Error
	if errors.As(err, &details) {
		fmt.Println(details.Detail)
	}
	// Output:
	// true
	// peer 2, "node7", is not an IPv4 or IPv6 address
}
