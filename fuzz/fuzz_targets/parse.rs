#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| flowline_fuzz::parses(text));
