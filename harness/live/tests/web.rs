//! The server, asked as browsers ask, and as they do not.

use lockstep_live::{
    Control, Live, View,
    view::{Finding, State},
    web::{Address, serve},
};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

fn start(token: Option<&str>, at: &str) -> (Live, SocketAddr, String) {
    let live =
        Live::new(View { command: "fuzz".to_owned(), ..View::default() }, Control::default());
    let token = token.map(str::to_owned);
    let server = serve(live.clone(), Address { at: at.parse().unwrap(), token }).unwrap();
    let url = server.to_string();
    let address = url.strip_prefix("http://").unwrap().split('/').next().unwrap();
    (live, address.parse().unwrap(), url)
}

fn connect(at: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Sends the text; gives everything that comes back until the server closes.
fn ask(at: SocketAddr, request: &str) -> String {
    let mut stream = connect(at);
    // The server may answer and close before everything is sent.
    let _ = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(at: SocketAddr, path: &str) -> String {
    ask(at, &format!("GET {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n"))
}

/// The status of an answer.
fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

fn finding(signature: &str, count: u64) -> Finding {
    Finding { signature: signature.to_owned(), count, ..Finding::default() }
}

/// Events, one after the other.
struct Events(BufReader<TcpStream>);

impl Events {
    fn open(at: SocketAddr, last: Option<&str>) -> Self {
        let mut stream = connect(at);
        let last = last.map_or(String::new(), |id| format!("Last-Event-ID: {id}\r\n"));
        write!(stream, "GET /events HTTP/1.1\r\nHost: {at}\r\n{last}\r\n").unwrap();
        Self(BufReader::new(stream))
    }

    /// The id and the content of the next event.
    fn next(&mut self) -> (String, String) {
        let (mut id, mut line) = (String::new(), String::new());
        loop {
            line.clear();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "the stream has ended");
            if let Some(text) = line.strip_prefix("id: ") {
                text.trim().clone_into(&mut id);
            } else if let Some(text) = line.strip_prefix("data: ") {
                return (id, text.to_owned());
            }
        }
    }
}

#[test]
fn the_page_and_the_view_are_there_and_nothing_else() {
    let (live, at, _) = start(None, "127.0.0.1:0");
    live.update(|view| view.find(finding("<script>alert(1)</script>", 7)));
    let page = get(at, "/");
    assert_eq!(status(&page), "200");
    assert!(page.contains("content-security-policy: default-src 'none'"), "{page}");
    assert!(page.contains("<!doctype html>") && !page.contains("alert(1)"));
    let view = get(at, "/view.json");
    assert!(view.contains("\"count\":7") && view.contains("application/json"), "{view}");
    for path in
        ["/../Cargo.toml", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/page.html", "/events/"]
    {
        assert_eq!(status(&get(at, path)), "404", "{path}");
    }
}

#[test]
fn what_changes_is_told_and_what_was_seen_is_not_told_again() {
    let (live, at, _) = start(None, "127.0.0.1:0");
    live.update(|view| view.find(finding("first", 1)));
    let mut events = Events::open(at, None);
    let (id, text) = events.next();
    assert!(
        text.contains("\"is_first\":true") && text.contains("\"signature\":\"first\""),
        "{text}"
    );
    live.update(|view| view.find(finding("second", 1)));
    let (_, text) = events.next();
    assert!(text.contains("\"is_first\":false") && text.contains("second"), "{text}");
    assert!(!text.contains("\"signature\":\"first\""), "{text}");
    // Cut off after the first event, and connected again.
    drop(events);
    let (_, text) = Events::open(at, Some(&id)).next();
    assert!(text.contains("\"is_first\":false") && text.contains("second"), "{text}");
    assert!(!text.contains("\"signature\":\"first\""), "{text}");
    // An id of another run, or of nothing: everything is told.
    for id in ["1-1", "nonsense", "1-99999999999999999999999"] {
        let (_, text) = Events::open(at, Some(id)).next();
        assert!(
            text.contains("\"is_first\":true") && text.contains("\"signature\":\"first\""),
            "{text}"
        );
    }
    live.update(|view| view.state = State::Finished);
}

#[test]
fn hostile_requests_are_refused() {
    let (_live, at, _) = start(None, "127.0.0.1:0");
    let head =
        |lines: &str| ask(at, &format!("GET / HTTP/1.1\r\n{lines}Connection: close\r\n\r\n"));
    assert_eq!(status(&head("Host: evil.example\r\n")), "421");
    assert_eq!(status(&head(&format!("Host: {at}\r\nOrigin: http://evil.example\r\n"))), "403");
    let post = format!(
        "POST / HTTP/1.1\r\nHost: {at}\r\nContent-Length: 1000000000\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(status(&ask(at, &post)), "405");
    assert_eq!(status(&ask(at, "this is no request\r\n\r\n")), "400");
    let long = format!("GET /{} HTTP/1.1\r\nHost: {at}\r\n\r\n", "a".repeat(1 << 20));
    assert!(["431", "414", "400", "none"].contains(&status(&ask(at, &long))));
    let many: String = (0..1_000).map(|number| format!("X-{number}: 1\r\n")).collect();
    assert_eq!(status(&head(&format!("Host: {at}\r\n{many}"))), "431");
    assert_eq!(status(&get(at, "/")), "200");
}

#[test]
fn thousands_of_connections_and_slow_ones_pass() {
    let (_live, at, _) = start(None, "127.0.0.1:0");
    let mut slow: Vec<TcpStream> = (0..2_000)
        .filter_map(|_| {
            let mut stream = TcpStream::connect(at).ok()?;
            stream.write_all(b"GET / HTTP/1.1\r\nHost: ").ok()?;
            Some(stream)
        })
        .collect();
    assert!(slow.len() > 256);
    // Those that are too many are closed at once, the others when their time is up: then there is room again.
    let start = Instant::now();
    while status(&get(at, "/")) != "200" {
        assert!(start.elapsed() < Duration::from_secs(60), "the server does not answer any more");
        std::thread::sleep(Duration::from_millis(100));
    }
    slow.clear();
}

#[test]
fn elsewhere_a_token_is_wanted() {
    let (_live, at, url) = start(Some("secret"), "0.0.0.0:0");
    assert!(url.ends_with("/?token=secret"), "{url}");
    let local: SocketAddr = format!("127.0.0.1:{}", at.port()).parse().unwrap();
    for path in ["/", "/view.json", "/events", "/?token=secre", "/nothing"] {
        assert_eq!(status(&get(local, path)), "401", "{path}");
    }
    assert_eq!(status(&get(local, "/view.json?token=secret")), "200");
    // Without one that is given, there is a new one each time.
    let [first, second] = [0, 0].map(|_| start(None, "0.0.0.0:0").2);
    let token = |url: &str| url.split("token=").nth(1).unwrap().to_owned();
    assert_ne!(token(&first), token(&second));
    assert_eq!(token(&first).len(), 32);
}
