//! Hostile files: every reader must give tests or an error that names the file.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep_cases::batch::Batch;
use lockstep_formats::File;

fuzz_target!(|bytes: &[u8]| {
    let found = Batch::File(File::of_bytes("input.json", bytes)).read();
    for error in found.unreadable {
        assert!(error.to_string().starts_with("input.json"), "{error}");
    }
});
