//! Which requests are answered.
//!
//! A page on the loopback is within reach of every program of this machine and, by its browser, of every page
//! that the user looks at. So the host must be the one that the server was asked to be (a name that an attacker's
//! DNS points here is not), no other origin is answered, and any address but the loopback wants a token.

use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use std::net::SocketAddr;

/// Decides about requests.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    /// Where the server listens.
    pub(super) address: SocketAddr,
    /// What a request must show, where the address is not the loopback.
    pub(super) token: Option<String>,
}

/// Why a request is not answered.
pub(super) type Refusal = (StatusCode, &'static str);

impl Guard {
    pub(super) fn check(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<(), Refusal> {
        if method != Method::GET && method != Method::HEAD {
            return Err((StatusCode::METHOD_NOT_ALLOWED, "the page is read-only\n"));
        }
        let host =
            headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        if !self.is_ours(host) {
            return Err((
                StatusCode::MISDIRECTED_REQUEST,
                "unknown host: expected the address that was printed\n",
            ));
        }
        if headers.get(header::ORIGIN).is_some_and(|origin| !is_of(origin.as_bytes(), host)) {
            return Err((StatusCode::FORBIDDEN, "no other origin is answered\n"));
        }
        match &self.token {
            Some(token) if !shows(uri, token) => Err((
                StatusCode::UNAUTHORIZED,
                "expected ?token=… as in the address that was printed\n",
            )),
            _ => Ok(()),
        }
    }

    /// With a token any name will do: it is as good as a name.
    fn is_ours(&self, host: &str) -> bool {
        let Self { address, token } = self;
        let port = address.port();
        let names = ["127.0.0.1", "localhost", "[::1]"];
        token.is_some()
            || host == address.to_string()
            || names.iter().any(|name| host == format!("{name}:{port}"))
            // Browsers leave the port of HTTP out.
            || port == 80 && names.contains(&host)
    }
}

fn is_of(origin: &[u8], host: &str) -> bool {
    origin == format!("http://{host}").as_bytes()
}

/// Compares without telling by its time how much of it is right.
fn shows(uri: &Uri, token: &str) -> bool {
    let parts = uri.query().unwrap_or_default().split('&');
    parts.filter_map(|part| part.strip_prefix("token=")).any(|shown| {
        let differs = shown.bytes().zip(token.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
        shown.len() == token.len() && differs == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(guard: &Guard, method: &str, uri: &str, headers: &[(&str, &str)]) -> u16 {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(
                header::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                value.parse().unwrap(),
            );
        }
        let checked = guard.check(&method.parse().unwrap(), &uri.parse().unwrap(), &map);
        checked.map_or_else(|(status, _)| status.as_u16(), |()| 200)
    }

    #[test]
    fn only_this_host_and_its_own_page_are_answered() {
        let guard = Guard { address: "127.0.0.1:80".parse().unwrap(), token: None };
        let ask = |method, headers: &[_]| status(&guard, method, "/", headers);
        assert_eq!(ask("GET", &[("host", "127.0.0.1:80")]), 200);
        assert_eq!(ask("GET", &[("host", "localhost:80"), ("origin", "http://localhost:80")]), 200);
        assert_eq!(ask("POST", &[("host", "localhost:80")]), 405);
        assert_eq!(ask("GET", &[("host", "evil.example:80")]), 421);
        assert_eq!(ask("GET", &[("host", "127.0.0.1")]), 200);
        assert_eq!(ask("GET", &[("host", "127.0.0.1:81")]), 421);
        assert_eq!(ask("GET", &[]), 421);
        assert_eq!(ask("GET", &[("host", "localhost:80"), ("origin", "http://evil.example")]), 403);
        assert_eq!(ask("GET", &[("host", "localhost:80"), ("origin", "null")]), 403);
    }

    #[test]
    fn elsewhere_the_token_counts() {
        let guard = Guard { address: "0.0.0.0:80".parse().unwrap(), token: Some("abc".to_owned()) };
        let ask = |uri| status(&guard, "GET", uri, &[("host", "machine:80")]);
        assert_eq!(ask("/events?token=abc"), 200);
        assert_eq!(ask("/?x=1&token=abc"), 200);
        for wrong in ["/", "/?token=", "/?token=ab", "/?token=abx", "/?token=abcd", "/token=abc"] {
            assert_eq!(ask(wrong), 401, "{wrong}");
        }
    }
}
