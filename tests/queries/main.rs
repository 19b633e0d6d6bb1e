//! Queries through clients with real sockets, on loopback, beside simulated servers in this process. Figures are
//! printed, and held to five times their targets, since machines that run tests are busy:
//!
//!     cargo test --release --test queries -- --nocapture

mod completion;
mod data_dir;
mod figures;
mod knowledge;
mod support;
mod threads;
