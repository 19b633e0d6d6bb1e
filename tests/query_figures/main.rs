//! Queries in simulated clusters, in virtual time, from many seeds. Each test prints its figures:
//!
//!     cargo test --release --test query_figures -- --nocapture
//!
//! CONFD_SEEDS says how many seeds each goes through, 10,000 unless the code is not optimised.

mod choice;
mod endings;
mod parts;
mod retries;
mod rotation;
mod targets;
mod world;
