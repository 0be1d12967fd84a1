//! The server, in a thread of its own.

use super::{events, guard::Guard};
use crate::Live;
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::IntoResponse,
    routing::get,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use rustix::rand::{GetRandomFlags, getrandom};
use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener},
    sync::Arc,
    thread,
    time::Duration,
};
use tokio::{runtime, sync::Semaphore, time::sleep};

/// Where the page is, unless it is said otherwise: on the loopback.
pub const DEFAULT_ADDRESS: SocketAddr =
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 7457));

/// The most connections; further ones are closed at once.
const MOST_CONNECTIONS: usize = 256;

/// The most of them that listen to events.
const MOST_STREAMS: usize = 64;

/// Within this time a request must be complete.
const REQUEST_TIME: Duration = Duration::from_secs(5);

/// The most bytes of a request's head, and the most headers in it.
const MOST_HEAD: usize = 16 << 10;
const MOST_HEADERS: usize = 64;

const PAGE: &str = include_str!("page.html");

/// The page runs only its own script, and connects only to its server.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
     connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Where to listen.
#[derive(Debug, Clone)]
pub struct Address {
    /// The address; port 0 is any that is free.
    pub at: SocketAddr,
    /// What requests must show, where that is not the loopback; `None`: a new one.
    pub token: Option<String>,
}

impl Default for Address {
    fn default() -> Self {
        Self { at: DEFAULT_ADDRESS, token: None }
    }
}

/// A server that runs until the process ends.
#[derive(Debug)]
pub struct Server {
    url: String,
}

impl fmt::Display for Server {
    /// The address to open in a browser.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

/// What the requests of a server share.
#[derive(Clone)]
struct Shared {
    live: Live,
    /// No other run has this number, not even one of the same program.
    run: u128,
    streams: Arc<Semaphore>,
}

/// Serves a run on an address, from a thread of its own.
///
/// # Errors
/// When nothing can listen there.
pub fn serve(live: Live, address: Address) -> io::Result<Server> {
    let listener = TcpListener::bind(address.at)?;
    listener.set_nonblocking(true)?;
    let at = listener.local_addr()?;
    let is_open = !at.ip().is_loopback();
    let token = match address.token {
        Some(token) if is_open => Some(token),
        None if is_open => Some(format!("{:032x}", random()?)),
        _ => None,
    };
    let shown = token.as_ref().map_or_else(String::new, |token| format!("?token={token}"));
    let url = format!("http://{at}/{shown}");
    let streams = Arc::new(Semaphore::new(MOST_STREAMS));
    let shared = Shared { live, run: random()?, streams };
    let router = router(shared, Guard { address: at, token });
    let runtime = runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    thread::Builder::new().name("web".to_owned()).spawn(move || {
        runtime.block_on(accept(listener, router));
    })?;
    Ok(Server { url })
}

/// A number that cannot be guessed.
fn random() -> io::Result<u128> {
    let mut bytes = [0; 16];
    getrandom(&mut bytes, GetRandomFlags::empty())?;
    Ok(u128::from_ne_bytes(bytes))
}

fn router(shared: Shared, guard: Guard) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/events", get(listen))
        .route("/view.json", get(view))
        .fallback(async || (StatusCode::NOT_FOUND, "there is /, /events and /view.json\n"))
        .with_state(shared)
        .layer(from_fn_with_state(guard, refuse))
        .layer(from_fn(harden))
}

async fn page() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], PAGE)
}

async fn view(State(shared): State<Shared>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], events::snapshot(&shared.live))
}

async fn listen(State(shared): State<Shared>, headers: HeaderMap) -> Response<Body> {
    match shared.streams.clone().try_acquire_owned() {
        Ok(permit) => events::stream(shared.live, shared.run, &headers, permit).into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "too many connections\n").into_response(),
    }
}

/// Answers only what the guard lets through.
async fn refuse(State(guard): State<Guard>, request: Request, next: Next) -> Response<Body> {
    match guard.check(request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Headers that every answer has.
async fn harden(request: Request, next: Next) -> Response<Body> {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}

async fn accept(listener: TcpListener, router: Router) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let connections = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // No file is left, for a moment.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(permit) = connections.clone().try_acquire_owned() else { continue };
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let _permit = permit;
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(REQUEST_TIME)
                .max_headers(MOST_HEADERS)
                .max_buf_size(MOST_HEAD)
                .serve_connection(TokioIo::new(stream), service);
            // A connection that fails concerns no other one.
            let _ = connection.await;
        });
    }
}
