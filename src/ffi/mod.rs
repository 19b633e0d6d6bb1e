//! The C API: one file for each C type, no protocol in any of them. Every export goes through [`guard`], which
//! turns errors into codes, remembers what went wrong for `confd_last_error`, and lets no panic out.
//!
//! What a C program passes is checked for NULL, for range and for UTF-8 before it is used; that a pointer which is
//! not NULL points to what its type says is the program's promise, as in any C API.

#![allow(non_camel_case_types, reason = "these are the names of the C API")]
#![allow(
    clippy::missing_safety_doc,
    reason = "the pages of the C API say for every argument what it has to point to"
)]

pub mod client;
pub mod error;
pub mod external;
mod guard;
mod number;
pub mod options;
pub mod query;
pub mod reply;
pub mod request;
pub mod stats;
pub mod typed;
pub mod upcall;

pub(crate) use guard::{guard, guard_value};
