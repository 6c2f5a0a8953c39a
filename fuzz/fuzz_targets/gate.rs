#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| functions::parsers::gate(bytes));
