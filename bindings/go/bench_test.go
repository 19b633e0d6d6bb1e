package confdclient_test

import (
	"context"
	"testing"
	"time"

	"confdclient"
)

// One question after the other, of one server: the time of a round trip.
func BenchmarkQuery(b *testing.B) {
	client := open(b, candidates(b, `"candidates": [{"address": "127.0.0.1"}]`), nil)
	request := confdclient.Master()
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		if _, err := client.Query(context.Background(), request); err != nil {
			b.Fatal(err)
		}
	}
}

// The same with a deadline, as a program has it.
func BenchmarkQueryDeadline(b *testing.B) {
	client := open(b, candidates(b, `"candidates": [{"address": "127.0.0.1"}]`), nil)
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	request := confdclient.Master()
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		if _, err := client.Query(ctx, request); err != nil {
			b.Fatal(err)
		}
	}
}

// 64 goroutines for each processor, on one client: the time that a query takes of a busy program.
func BenchmarkQueryParallel(b *testing.B) {
	client := open(b, candidates(b, `"candidates": [{"address": "127.0.0.1"}]`), &confdclient.Options{ReceiveBuffer: 4 << 20})
	request := confdclient.Master()
	b.ReportAllocs()
	b.SetParallelism(64)
	b.ResetTimer()
	b.RunParallel(func(of *testing.PB) {
		for of.Next() {
			if _, err := client.Query(context.Background(), request); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
