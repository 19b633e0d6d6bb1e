pub mod engine;
pub mod error;
pub mod net;
pub mod wire;
