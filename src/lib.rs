pub mod client;
pub mod engine;
pub mod error;
pub mod ffi;
pub mod net;
pub mod wire;
