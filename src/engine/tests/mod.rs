//! The rules of the engine, each by its name and in virtual time.

mod coverage;
mod deadlines;
mod events;
mod filter;
mod foreign;
mod log;
mod peers;
mod readings;
mod refusal;
mod replies;
mod salts;
mod scene;
mod transmit;
