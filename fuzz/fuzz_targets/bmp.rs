#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| patchcore_mutants::feed("bmp", bytes));
