pub mod error;
pub mod net;
