//! JSON-RPC over HTTP, politely: a rate, retries with growing pauses, and no credentials in any message.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{
    fmt,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// How often a call is tried.
const TRIES: u32 = 5;

/// The pause before the second try; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause that a server may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The largest answer.
const MOST_BYTES: u64 = 1 << 30;

/// A node, and how it is asked.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its address.
    pub url: String,
    /// Headers of each request, as `Name: value`.
    pub headers: Vec<(String, String)>,
    /// The most requests a second.
    pub rate: f64,
    /// How long an answer may take.
    pub patience: Duration,
}

/// Why a call gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RpcError {
    /// The node does not have the method.
    #[error("{0}: the node does not offer it")]
    Unsupported(&'static str),
    /// The node answers with an error.
    #[error("{method}: the node answers with an error: {code}: {message}")]
    Node {
        /// The method.
        method: &'static str,
        /// JSON-RPC's code.
        code: i64,
        /// The node's text.
        message: String,
    },
    /// There is no answer, or none in JSON-RPC.
    #[error("{method}: {server}: {problem}")]
    Transport {
        /// The method.
        method: &'static str,
        /// The node, without credentials.
        server: String,
        /// The problem.
        problem: String,
    },
    /// The answer is not what the method gives.
    #[error("{method}: expected {expected}, found {found}")]
    Shape {
        /// The method.
        method: &'static str,
        /// The right shape.
        expected: &'static str,
        /// The answer, or the problem with it.
        found: String,
    },
}

/// A connection.
pub(super) struct Rpc {
    agent: ureq::Agent,
    endpoint: Endpoint,
    /// When the next request may be sent.
    next: Mutex<Instant>,
}

impl fmt::Debug for Rpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rpc").field("server", &self.server()).finish_non_exhaustive()
    }
}

/// An attempt that failed, and when the next one makes sense.
struct Failed {
    error: RpcError,
    pause: Option<Duration>,
}

impl Rpc {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // A header with a key goes to this server and no other one.
            .max_redirects(0)
            .timeout_global(Some(endpoint.patience))
            .build();
        let agent = ureq::Agent::new_with_config(config);
        Self { agent, endpoint, next: Mutex::new(Instant::now()) }
    }

    /// Scheme, host and port: an address may hold a key in its user, its path or its query.
    pub(super) fn server(&self) -> String {
        let (scheme, rest) =
            self.endpoint.url.split_once("://").unwrap_or(("http", &self.endpoint.url));
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        format!("{scheme}://{host}")
    }

    /// Calls a method; an answer of `null` is one.
    pub(super) fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        expected: &'static str,
        params: Value,
    ) -> Result<T, RpcError> {
        let result = self.value(method, &params)?;
        T::deserialize(&result).map_err(|error| RpcError::Shape {
            method,
            expected,
            found: self.redacted(&format!("{}: {error}", shown(&result))),
        })
    }

    fn value(&self, method: &'static str, params: &Value) -> Result<Value, RpcError> {
        let mut pause = FIRST_PAUSE;
        for left in (0..TRIES).rev() {
            match self.attempt(method, params) {
                Ok(value) => return Ok(value),
                Err(Failed { error, pause: None }) => return Err(error),
                Err(Failed { error, .. }) if left == 0 => return Err(error),
                Err(Failed { pause: asked, .. }) => {
                    thread::sleep(asked.unwrap_or_default().clamp(pause, LONGEST_PAUSE));
                    pause *= 2;
                }
            }
        }
        unreachable!("the last try returns")
    }

    /// Waits until the next request may be sent.
    fn wait(&self) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if *next > now {
            thread::sleep(*next - now);
        }
        *next = Instant::now() + Duration::from_secs_f64(1.0 / self.endpoint.rate);
    }

    fn attempt(&self, method: &'static str, params: &Value) -> Result<Value, Failed> {
        self.wait();
        let transport =
            |problem: String| RpcError::Transport { method, server: self.server(), problem };
        let again = |problem: String, pause: Duration| Failed {
            error: transport(problem),
            pause: Some(pause),
        };
        let never = |problem: String| Failed { error: transport(problem), pause: None };
        let mut request = self.agent.post(&self.endpoint.url);
        for (name, value) in &self.endpoint.headers {
            request = request.header(name, value);
        }
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request = request.header("content-type", "application/json");
        let sent = request.send(body.to_string());
        // An address may stand in the error's text.
        let mut response = sent.map_err(|error| match error {
            ureq::Error::BadUri(_) => {
                never("expected an address as in http://host:port".to_owned())
            }
            error => again(error.to_string(), Duration::ZERO),
        })?;
        let status = response.status().as_u16();
        let wait = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let wait = wait.and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        if status == 429 || status >= 500 {
            return Err(again(format!("the server answers {status}"), wait.unwrap_or_default()));
        }
        let text = response.body_mut().with_config().limit(MOST_BYTES).read_to_string();
        let text = text.map_err(|error| again(format!("cut off: {error}"), Duration::ZERO))?;
        let mut answer: Value = serde_json::from_str(&text).map_err(|_| {
            never(format!("expected JSON-RPC, found {} (status {status})", shown_text(&text)))
        })?;
        if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
            let error = node_error(method, error, &|text| self.redacted(text));
            return Err(Failed { error, pause: None });
        }
        match answer.get_mut("result") {
            Some(result) => Ok(result.take()),
            None => Err(never(format!("expected JSON-RPC, found {}", shown_text(&text)))),
        }
    }

    /// The text without anything that may be a key: of the address all but the server, and values of headers.
    fn redacted(&self, text: &str) -> String {
        let url = &self.endpoint.url;
        let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        let passwords = user.into_iter().flat_map(|user| user.split(':'));
        let parts = path.split(['/', '?', '&', '=', '#']);
        let headers = self.endpoint.headers.iter().flat_map(|(_, value)| value.split(' '));
        let secrets = passwords.chain(parts).chain(headers).filter(|secret| secret.len() >= 4);
        let text = text.replace(url, &self.server());
        secrets.fold(text, |text, secret| text.replace(secret, "***"))
    }
}

fn node_error(method: &'static str, error: &Value, redacted: &dyn Fn(&str) -> String) -> RpcError {
    let code = error["code"].as_i64().unwrap_or_default();
    let message = redacted(error["message"].as_str().unwrap_or_default());
    // -32601 is JSON-RPC's; some nodes answer so with a code of their own.
    if code == -32601 || message.contains("does not exist/is not available") {
        return RpcError::Unsupported(method);
    }
    RpcError::Node { method, code, message }
}

fn shown(value: &Value) -> String {
    shown_text(&value.to_string())
}

/// The beginning of a text.
fn shown_text(text: &str) -> String {
    const MOST: usize = 80;
    let mut shown: String = text.chars().take(MOST).collect();
    if text.chars().count() > MOST {
        shown.push('…');
    }
    if shown.is_empty() { "nothing".to_owned() } else { format!("`{shown}`") }
}
