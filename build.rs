//! Gives the shared library its SONAME. The number is the ABI's and changes only when the ABI breaks.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libconfdclient.so.0");
}
