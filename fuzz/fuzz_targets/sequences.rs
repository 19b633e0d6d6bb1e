#![no_main]

libfuzzer_sys::fuzz_target!(init: confd_fuzz_bodies::begin("sequences"), |data: &[u8]| confd_fuzz_bodies::run("sequences", data));
