//! The rules of the engine, each by its name and in virtual time; and [`simulated`] clusters, which look for what
//! nobody thought of.

mod choice;
mod coverage;
mod deadlines;
mod events;
mod filter;
mod foreign;
mod knowledge;
mod log;
mod parts;
mod peers;
mod query;
mod readings;
mod refusal;
mod replies;
mod salts;
mod scene;
mod simulated;
mod transmit;
