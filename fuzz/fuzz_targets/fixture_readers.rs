//! Hostile files: every reader must give tests or an error that names the file.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep_runner::source::{Batch, Content, File};

fuzz_target!(|bytes: &[u8]| {
    let content = Content::Plain(bytes.into());
    let file = File { path: "input.json".to_owned(), origin: "input.json".to_owned(), content };
    let (_, errors) = Batch::File(file).read();
    for error in errors {
        assert!(error.to_string().starts_with("input.json"), "{error}");
    }
});
