//! Gives the shared library its SONAME. The number is the ABI's and changes only when the ABI breaks.

use std::path::Path;

/// What the makefile has the linker read.
const ORDER: &str = "tools/hot.ld";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // The crate's archive has none, and for a file that is absent cargo would build anew each time.
    if Path::new(ORDER).exists() {
        println!("cargo:rerun-if-changed={ORDER}");
    }
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libconfdclient.so.0");
}
