#![no_main]

libfuzzer_sys::fuzz_target!(init: confd_fuzz_bodies::begin("answers"), |data: &[u8]| confd_fuzz_bodies::run("answers", data));
