#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fieldscope_fuzz::harness::run("table_json_lines", data));
