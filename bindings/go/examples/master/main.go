// Master prints the name of the cluster's master node. On a node of a cluster it needs no arguments:
//
//	go run confdclient/examples/master
//
// Elsewhere it takes a folder with the two files hmac.key and ssconf_master_candidates_ips.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"time"

	"confdclient"
)

func main() {
	directory := flag.String("data-dir", "", "folder of the cluster's files (default /var/lib/ganeti)")
	port := flag.Uint("port", 0, "UDP port of the servers (default: of the service ganeti-confd, else 1814)")
	flag.Parse()

	client, err := confdclient.Open(*directory, &confdclient.Options{Port: uint16(*port)})
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
}
