pub mod client;
pub mod cluster_dir;
pub mod engine;
pub mod error;
pub mod ffi;
pub mod net;
pub mod wire;
