//! `lockstep fixtures pull` against a server on the loopback address: a redirect, a transfer that is cut
//! off, a wrong digest, no server.

use sha2::{Digest, Sha256};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use tempfile::TempDir;

/// A server's answer to each request, by the request's number from zero.
type Answer = fn(usize, &str, Option<usize>, &[u8], &mut TcpStream) -> std::io::Result<()>;

struct Server {
    address: String,
    requests: Arc<AtomicUsize>,
}

fn serve(content: Vec<u8>, answer: Answer) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let count = requests.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let path = lines.next().unwrap().unwrap().split(' ').nth(1).unwrap().to_owned();
            let mut from = None;
            for line in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {
                let line = line.to_ascii_lowercase();
                if let Some(range) = line.strip_prefix("range: bytes=") {
                    from = range.trim_end_matches('-').parse().ok();
                }
            }
            let number = count.fetch_add(1, Ordering::SeqCst);
            let _ = answer(number, &path, from, &content, &mut stream);
        }
    });
    Server { address, requests }
}

fn whole(stream: &mut TcpStream, content: &[u8]) -> std::io::Result<()> {
    let length = content.len();
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")?;
    stream.write_all(content)
}

fn release() -> Vec<u8> {
    (0..200_000_u32).flat_map(u32::to_le_bytes).collect()
}

/// A checkout whose manifest names one release at this address.
fn checkout(url: &str, content: &[u8]) -> TempDir {
    let folder = TempDir::new().unwrap();
    let digest: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    fs::create_dir(folder.path().join("ethereum-tests")).unwrap();
    let manifest = format!(
        "[[release]]\nname = \"v1\"\nurl = \"{url}/fixtures.tar.gz\"\nsha256 = \"{digest}\"\nlicence = \"MIT\"\n"
    );
    fs::write(folder.path().join("ethereum-tests/manifest.toml"), manifest).unwrap();
    folder
}

fn pull(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
    command.current_dir(folder).args(["fixtures", "pull"]).args(words).output().unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn there(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("ethereum-tests")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name != "manifest.toml").collect();
    names.sort();
    names
}

#[test]
fn a_release_is_fetched_verified_and_not_fetched_again() {
    let server = serve(release(), |_, _, _, content, stream| whole(stream, content));
    let folder = checkout(&server.address, &release());
    let output = pull(folder.path(), &[]);
    assert!(output.status.success(), "{}", errors(&output));
    assert_eq!(there(folder.path()), ["v1.tar.gz"]);
    let kept = fs::read(folder.path().join("ethereum-tests/v1.tar.gz")).unwrap();
    assert!(kept == release());
    let again = pull(folder.path(), &["v1"]);
    assert!(errors(&again).contains("already there, digest verified"), "{}", errors(&again));
    assert_eq!(server.requests.load(Ordering::SeqCst), 1);
}

#[test]
fn a_redirect_is_followed() {
    let server = serve(release(), |_, path, _, content, stream| {
        if path == "/elsewhere" {
            return whole(stream, content);
        }
        stream.write_all(
            b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        )
    });
    let folder = checkout(&server.address, &release());
    let output = pull(folder.path(), &[]);
    assert!(output.status.success(), "{}", errors(&output));
    assert_eq!(there(folder.path()), ["v1.tar.gz"]);
}

/// Sends half of the remaining bytes and closes the connection; a request for the rest is served.
fn cut(
    _: usize,
    _: &str,
    from: Option<usize>,
    content: &[u8],
    stream: &mut TcpStream,
) -> std::io::Result<()> {
    let from = from.unwrap_or(0);
    let rest = &content[from..];
    let status = if from == 0 { "200 OK" } else { "206 Partial Content" };
    let (first, last, all) = (from, content.len() - 1, content.len());
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nContent-Range: bytes {first}-{last}/{all}\r\n\
         Connection: close\r\n\r\n",
        rest.len()
    )?;
    // The last piece arrives whole.
    let sent = if rest.len() > 100_000 { rest.len() / 2 } else { rest.len() };
    stream.write_all(&rest[..sent])
}

#[test]
fn a_transfer_that_is_cut_off_goes_on_now_and_the_next_time() {
    let server = serve(release(), cut);
    let folder = checkout(&server.address, &release());
    let output = pull(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
    assert!(errors(&output).contains("cut off 3 times"), "{}", errors(&output));
    assert_eq!(there(folder.path()), [".v1.tar.gz.part"]);
    let output = pull(folder.path(), &[]);
    assert!(output.status.success(), "{}", errors(&output));
    assert_eq!(there(folder.path()), ["v1.tar.gz"]);
    assert_eq!(server.requests.load(Ordering::SeqCst), 4, "each piece was sent once");
}

#[test]
fn a_wrong_digest_is_refused_and_not_kept() {
    let server =
        serve(b"something else".to_vec(), |_, _, _, content, stream| whole(stream, content));
    let folder = checkout(&server.address, &release());
    let output = pull(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("expected SHA-256"), "{}", errors(&output));
    assert!(there(folder.path()).is_empty());
}

#[test]
fn nobody_there_and_nothing_there() {
    let folder = checkout("http://127.0.0.1:9", &release());
    let output = pull(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("cannot be reached"), "{}", errors(&output));
    let server = serve(Vec::new(), |_, _, _, _, stream| {
        stream
            .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    });
    let folder = checkout(&server.address, &release());
    let output = pull(folder.path(), &[]);
    assert!(errors(&output).contains("the server answers 404"), "{}", errors(&output));
    let output = pull(folder.path(), &["v9"]);
    let expected = "unknown release `v9`, expected one of: v1";
    assert!(errors(&output).contains(expected), "{}", errors(&output));
}

#[test]
fn a_release_comes_from_a_folder_too() {
    let mirror = TempDir::new().unwrap();
    fs::write(mirror.path().join("fixtures.tar.gz"), release()).unwrap();
    let folder = checkout("http://127.0.0.1:9", &release());
    let from = mirror.path().to_str().unwrap();
    let output = pull(folder.path(), &["--from", from]);
    assert!(output.status.success(), "{}", errors(&output));
    assert_eq!(there(folder.path()), ["v1.tar.gz"]);
    let output = pull(checkout("http://127.0.0.1:9", b"x").path(), &["--from", "/nowhere"]);
    assert!(
        errors(&output).contains("expected an address, a file, or a folder"),
        "{}",
        errors(&output)
    );
}

#[test]
fn an_archive_is_fetched_by_its_address_anywhere() {
    let server = serve(release(), |_, _, _, content, stream| whole(stream, content));
    let folder = TempDir::new().unwrap();
    let digest: String =
        Sha256::digest(release()).iter().map(|byte| format!("{byte:02X}")).collect();
    let url = format!("{}/tests%40v21.0.0.tar.gz?raw=1", server.address);

    let undigested = pull(folder.path(), &[&url]);
    assert_eq!(undigested.status.code(), Some(2));
    assert!(errors(&undigested).contains("--sha256"), "{}", errors(&undigested));

    let output = pull(folder.path(), &[&url, "--sha256", &digest]);
    assert!(output.status.success(), "{}", errors(&output));
    assert_eq!(there(folder.path()), ["tests@v21.0.0.tar.gz"]);

    let other = pull(folder.path(), &[&url.replace("v21", "v22"), "--sha256", &"0".repeat(64)]);
    assert_eq!(other.status.code(), Some(2));
    assert!(errors(&other).contains("expected SHA-256"), "{}", errors(&other));
    assert_eq!(there(folder.path()), ["tests@v21.0.0.tar.gz"]);
}

#[test]
fn without_a_manifest_the_releases_are_those_that_were_built_in() {
    let folder = TempDir::new().unwrap();
    let output = pull(folder.path(), &["v0"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("v5.1.0"), "{}", errors(&output));
}
