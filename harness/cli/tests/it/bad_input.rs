//! Bad input: a clear error that names the file, the place in it and the input expected there; every
//! other file is still judged; no panic.

use crate::{
    command::{Run, gzip, lockstep, tar_of, write},
    state_test::{accepted, rejected},
};
use serde_json::{Value, json};
use tempfile::TempDir;

fn good() -> Value {
    accepted("Cancun", &json!({ "gasPrice": "0x0a" }))
}

/// Checks a folder that holds a good file and this one.
fn beside_a_good_file(name: &str, content: impl AsRef<[u8]>) -> Run {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "a-good.json", good().to_string());
    let bad = write(folder.path(), name, content);
    let good = folder.path().join("a-good.json");
    let paths = [good.to_str().unwrap(), bad.to_str().unwrap()];
    lockstep(&["check", "--format", "json", paths[0], paths[1]])
}

/// The good file is judged, the bad one is named with these words, the status is 2.
#[track_caller]
fn named(run: &Run, words: &[&str]) {
    assert_eq!(run.status, 2, "{}{}", run.stdout, run.stderr);
    assert_eq!(run.summary()["passed"], 2, "{}", run.stderr);
    assert!(run.summary()["unreadable"].as_u64().unwrap() >= 1);
    assert!(run.stderr.contains("UNREADABLE"), "{}", run.stderr);
    for word in words {
        assert!(run.stderr.contains(word), "{word} is not in:\n{}", run.stderr);
    }
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
}

#[test]
fn malformed_json() {
    named(&beside_a_good_file("bad.json", "{\"a\": {\"env\": "), &["bad.json", "line 1", "EOF"]);
    named(&beside_a_good_file("bad.json", "not json"), &["bad.json", "line 1 column 2"]);
    named(&beside_a_good_file("bad.json", "[1, 2]"), &["bad.json", "expected state tests"]);
    named(&beside_a_good_file("bad.json", [0xff, 0xfe, 0x00]), &["bad.json", "expected JSON"]);
    let broken = good().to_string();
    let broken = &broken[..broken.len() - 40];
    named(&beside_a_good_file("bad.json", broken), &["bad.json", "EOF while parsing"]);
}

#[test]
fn wrong_fields() {
    let wrong = |change: &dyn Fn(&mut Value)| {
        let mut suite = good();
        change(&mut suite["ours"]);
        beside_a_good_file("bad.json", suite.to_string())
    };
    let missing = wrong(&|test| {
        test["env"].as_object_mut().unwrap().remove("currentCoinbase");
    });
    named(&missing, &["bad.json", "ours.env", "missing field `currentCoinbase`"]);
    let mistyped = wrong(&|test| test["env"]["currentNumber"] = json!(7));
    named(&mistyped, &["ours.env.currentNumber", "invalid type", "hexadecimal number"]);
    let odd = wrong(&|test| test["transaction"]["data"][1] = json!("0x123"));
    named(&odd, &["ours.transaction.data[1]", "even number of digits", "0x123"]);
    let letters = wrong(&|test| test["env"]["currentNumber"] = json!("0xz1"));
    named(&letters, &["ours.env.currentNumber", "found `z`"]);
    let large = wrong(&|test| test["env"]["currentNumber"] = json!("0x10000000000000000"));
    named(&large, &["ours.env.currentNumber", "expected at most 64 bits"]);
    let unsigned = wrong(&|test| {
        test["transaction"].as_object_mut().unwrap().remove("sender");
        test["transaction"].as_object_mut().unwrap().remove("secretKey");
    });
    named(&unsigned, &["bad.json", "ours.transaction", "`sender` or `secretKey`"]);
}

/// A fork or an index that is unknown costs its own posts, not those beside it.
#[test]
fn unknown_fork_index_and_exception() {
    let wrong = |change: &dyn Fn(&mut Value)| {
        let mut suite = good();
        change(&mut suite["ours"]["post"]);
        let run = beside_a_good_file("bad.json", suite.to_string());
        assert_eq!(run.status, 2, "{}{}", run.stdout, run.stderr);
        (run.summary()["passed"].as_u64().unwrap(), run.stderr)
    };
    let (passed, text) = wrong(&|post| post["Atlantis"] = post["Cancun"].clone());
    assert_eq!(passed, 4);
    assert!(text.contains("post.Atlantis") && text.contains("unknown fork `Atlantis`"), "{text}");
    let (passed, text) = wrong(&|post| post["Cancun"][1]["indexes"]["data"] = json!(7));
    assert_eq!(passed, 3);
    assert!(text.contains("post.Cancun[1]") && text.contains("transaction.data"), "{text}");
}

/// An unknown name costs the comparison of the reason, not the test: whether the transaction is rejected
/// still counts.
#[test]
fn unknown_exceptions() {
    let mut suite = rejected("Cancun");
    suite["ours"]["post"]["Cancun"][0]["expectException"] = json!("TR_Unheard");
    let run = beside_a_good_file("bad.json", suite.to_string());
    assert_eq!(run.status, 2, "{}{}", run.stdout, run.stderr);
    assert_eq!(run.summary()["passed"], 4, "{}", run.stdout);
    assert!(run.stderr.contains("post.Cancun[0].expectException"), "{}", run.stderr);
    assert!(run.stderr.contains("unknown exception `TR_Unheard`"), "{}", run.stderr);
    assert!(
        run.stdout.contains("`TR_Unheard` is not a rule that is checked here"),
        "{}",
        run.stdout
    );
    suite["ours"]["post"]["Cancun"][0]["expectException"] = json!("TR_NoFunds");
    let wrong = beside_a_good_file("bad.json", suite.to_string());
    assert_eq!(wrong.status, 1, "another reason is known to be wrong: {}", wrong.stdout);
}

/// A number too large for its type is the case under test where a rejection is expected, and a bad
/// file elsewhere.
#[test]
fn numbers_too_large() {
    let mut suite = good();
    suite["ours"]["transaction"]["value"] = json!(["0x:bigint 0x1".to_owned() + &"0".repeat(64)]);
    let run = beside_a_good_file("bad.json", suite.to_string());
    named(&run, &["bad.json", "post.Cancun[0]", "cannot be encoded"]);
}

#[test]
fn archives_that_break_off() {
    let text = good().to_string();
    let tar = tar_of(&[("first.json", text.as_bytes()), ("second.json", text.as_bytes())]);
    let cut = |bytes: &[u8]| bytes[..bytes.len() * 2 / 3].to_vec();
    let gz = gzip(&tar);
    named(&beside_a_good_file("cut.tar.gz", cut(&gz)), &["cut.tar.gz", "the archive ends in"]);
    let zst = zstd::encode_all(&*tar, 3).unwrap();
    named(&beside_a_good_file("cut.tar.zst", cut(&zst)), &["cut.tar.zst", "the archive ends in"]);
    let mut garbled = gz;
    garbled[40..80].fill(0x55);
    assert_eq!(beside_a_good_file("garbled.tar.gz", garbled).status, 2);
}

/// An archive whose entry has this name and type.
fn entry(name: &[u8], kind: tar::EntryType) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_size(0);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend([0; 1024]);
    bytes
}

#[test]
fn hostile_archives() {
    let climbing = gzip(&entry(b"../../etc/evil.json", tar::EntryType::Regular));
    named(&beside_a_good_file("evil.tar.gz", climbing), &["../../etc/evil.json", "without `..`"]);
    let absolute = gzip(&entry(b"/etc/evil.json", tar::EntryType::Regular));
    named(&beside_a_good_file("evil.tar.gz", absolute), &["/etc/evil.json", "below the archive"]);
    for kind in [tar::EntryType::Symlink, tar::EntryType::Link, tar::EntryType::Fifo] {
        let link = gzip(&entry(b"link.json", kind));
        named(&beside_a_good_file("evil.tar.gz", link), &["link.json", "expected a plain file"]);
    }
}

/// A header that announces exabytes, and a megabyte of zeros that unpacks to a gigabyte.
#[test]
fn bombs() {
    let mut header = tar::Header::new_gnu();
    header.set_path("huge.json").unwrap();
    header.set_size(1 << 60);
    header.set_cksum();
    let announced = gzip(header.as_bytes());
    let run = beside_a_good_file("bomb.tar.gz", announced);
    named(&run, &["bomb.tar.gz", "GiB"]);

    let mut header = tar::Header::new_gnu();
    header.set_path("zeros.json").unwrap();
    header.set_size(1 << 30);
    header.set_cksum();
    let mut encoder = zstd::Encoder::new(header.as_bytes().to_vec(), 1).unwrap();
    encoder = {
        let _ = encoder.finish().unwrap();
        zstd::Encoder::new(Vec::new(), 1).unwrap()
    };
    std::io::Write::write_all(&mut encoder, header.as_bytes()).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..1 << 10 {
        std::io::Write::write_all(&mut encoder, &zeros).unwrap();
    }
    std::io::Write::write_all(&mut encoder, &[0; 1024]).unwrap();
    let run = beside_a_good_file("bomb.tar.zst", encoder.finish().unwrap());
    named(&run, &["zeros.json", "expected at most 128 MiB, found 1024 MiB"]);

    // A long name is read into memory by the tar reader: its length is bounded too.
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_size(1 << 29);
    header.set_cksum();
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    std::io::Write::write_all(&mut encoder, header.as_bytes()).unwrap();
    for _ in 0..1 << 9 {
        std::io::Write::write_all(&mut encoder, &zeros).unwrap();
    }
    let run = beside_a_good_file("bomb.tar.zst", encoder.finish().unwrap());
    named(&run, &["bomb.tar.zst", "more bytes than an archive may have here"]);
}

#[test]
fn paths_that_do_not_exist() {
    named(&beside_a_good_file_and_path("/no/such/path"), &["/no/such/path", "No such file"]);
    let run = lockstep(&["check", "/no/such/path"]);
    assert_eq!(run.status, 2, "{}", run.stdout);
    assert!(run.stdout.contains("/no/such/path"), "{}", run.stdout);
}

fn beside_a_good_file_and_path(path: &str) -> Run {
    let folder = TempDir::new().unwrap();
    let good = write(folder.path(), "a-good.json", good().to_string());
    lockstep(&["check", "--format", "json", path, good.to_str().unwrap()])
}

#[test]
fn nothing_ran_is_an_error() {
    let run = lockstep(&["check", "--filter", "no test has this name"]);
    assert_eq!(run.status, 4, "{}", run.stdout);
    assert!(run.stdout.contains("NOTHING RAN"), "{}", run.stdout);
    let empty = TempDir::new().unwrap();
    assert_eq!(lockstep(&["check", empty.path().to_str().unwrap()]).status, 4);
}

#[test]
fn usage_is_checked_before_anything_runs() {
    let cases: [(&[&str], &str); 10] = [
        (
            &["check", "--executor", "unknown"],
            "unknown executor `unknown`, expected one of: reference, sequential, block_stm, repair, access_list, sharded",
        ),
        (&["check", "--threads", "0"], "--threads 0: expected 1 to 1024"),
        (&["check", "--threads", "2,many"], "invalid value 'many'"),
        (&["check", "--jobs", "0"], "--jobs 0"),
        (
            &["check", "--partition", "slice:4/3"],
            "expected `slice:I/N` with 1 <= I <= N, or `env`, found `slice:4/3`",
        ),
        (&["check", "--filter", "("], "expected a regular expression"),
        (&["check", "--pack", "1"], "--pack 1: expected at least 2"),
        (&["check", "--pack-mode", "shared"], "--pack"),
        (&["check", "--hang-after", "-1"], "--hang-after"),
        (&["chekc"], "unrecognized subcommand"),
    ];
    for (args, words) in cases {
        let run = lockstep(args);
        assert_eq!(run.status, 2, "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains(words), "{words} is not in:\n{}", run.stderr);
        assert_eq!(run.stdout, "", "{args:?}");
    }
}

/// A real block that lacks a file, or contradicts itself.
#[test]
fn incomplete_real_block() {
    let folder = TempDir::new().unwrap();
    let good_file = write(folder.path(), "good/a.json", good().to_string());
    write(folder.path(), "block/pre_state.json", "{}");
    let block = folder.path().join("block");
    let paths = [good_file.to_str().unwrap(), block.to_str().unwrap()];
    let run = lockstep(&["check", "--format", "json", paths[0], paths[1]]);
    named(&run, &["expected `block.rlp` or `block.json` beside"]);
}
