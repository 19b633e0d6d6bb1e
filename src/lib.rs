//! A client for `ganeti-confd`, the read-only query daemon of Ganeti clusters, with a C ABI.
//!
//! Several nodes of a cluster, the master candidates, hold a copy of its configuration and answer questions about it
//! over UDP. Any of them may be stale, slow or down. So a client puts one question to several of them, verifies what
//! comes back, and the answer with the highest configuration serial is to be believed.
//!
//! The product is `libconfdclient`, the shared and static library with `include/confdclient.h`. The Rust items are its
//! inside: they may change with any version.
//!
//! # The data's way through
//!
//! A request: `confd_client_send` in [`ffi`] checks what C passed → [`client`] takes the lock → [`engine`] chooses peers,
//! signs once ([`wire`]), enters the request into its table, queues datagrams → [`net`] sends them in batches.
//!
//! A reply: [`net`] receives a batch → [`engine`] looks whether source and salt are known → [`wire`] verifies and parses →
//! the table counts → the event waits in a queue → [`client`] lets the lock go and makes the upcall.
//!
//! # What to read first
//!
//! | | |
//! |---|---|
//! | [`wire`] | bytes and nothing else: envelope, key, request, reply, answers by JSON pointer |
//! | [`engine`] | the protocol without socket, clock or random source; the heart of it all |
//! | [`net`] | one UDP socket in batches, ICMP errors, the one descriptor to poll, random bytes |
//! | [`client`] | engine, socket and clock behind one lock; upcalls made with no lock held |
//! | [`cluster_dir`] | the files of a cluster node that tell the key and the candidates |
//! | [`ffi`] | the C API: what C passes is checked here, and nothing is decided |
//! | [`error`] | the one error type; its C numbers never change |
//!
//! They depend on each other in one direction: `ffi → client → {engine → wire, net, cluster_dir}`. `unsafe` is in `net` and `ffi` only.

pub mod client;
pub mod cluster_dir;
pub mod engine;
pub mod error;
pub mod ffi;
pub mod net;
pub mod wire;
