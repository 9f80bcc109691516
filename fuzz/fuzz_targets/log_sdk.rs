#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fieldscope_fuzz::harness::run("log_sdk", data));
