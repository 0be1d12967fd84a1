//! A headless Chromium that a test talks to (Chrome DevTools Protocol, over pipes).

use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

/// The name of a Chromium that is installed.
pub(crate) fn chromium() -> Option<&'static str> {
    let runs = |name: &&str| {
        let mut command = Command::new(name);
        let status = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find(runs)
}

/// A tab.
pub(crate) struct Tab {
    browser: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: Option<String>,
    sent: u64,
    /// Events that came while an answer was waited for.
    events: VecDeque<Value>,
}

impl Tab {
    /// A new browser with an empty tab.
    pub(crate) fn open(browser: &str, profile: &Path) -> Self {
        let options = "--headless --no-sandbox --disable-gpu --disable-background-networking \
                       --no-first-run --remote-debugging-pipe";
        // The protocol is spoken on the descriptors 3 and 4.
        let script =
            format!("exec {browser} {options} --user-data-dir='{}' 3<&0 4>&1", profile.display());
        let mut browser = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (to, from) = (browser.stdin.take().unwrap(), browser.stdout.take().unwrap());
        let from = BufReader::new(from);
        let mut tab = Self { browser, to, from, session: None, sent: 0, events: VecDeque::new() };
        let target = tab.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = tab.call("Target.attachToTarget", attach);
        tab.session = Some(session["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page.enable", "Network.enable", "Runtime.enable", "Log.enable"] {
            tab.call(domain, json!({}));
        }
        tab
    }

    /// Calls a method; gives its result.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        self.sent += 1;
        let id = self.sent;
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let mut bytes = Vec::new();
            assert_ne!(self.from.read_until(0, &mut bytes).unwrap(), 0, "the browser has ended");
            bytes.pop();
            let message: Value = serde_json::from_slice(&bytes).unwrap();
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
            self.events.push_back(message);
        }
    }

    /// The value of an expression in the page.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let result = self.call("Runtime.evaluate", params);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub(crate) fn wait(&mut self, expression: &str) {
        let start = Instant::now();
        while self.evaluate(expression) != true {
            let text = self.evaluate("document.body.innerText");
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "{expression}, but there is: {text}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Presses a key.
    pub(crate) fn press(&mut self, key: &str) {
        let text = if key.chars().count() == 1 { key } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            self.call("Input.dispatchKeyEvent", json!({"type": kind, "key": key, "text": text}));
        }
    }

    /// Events of a method so far.
    pub(crate) fn events(&mut self, method: &str) -> Vec<Value> {
        // Everything before this answer has come.
        self.evaluate("0");
        self.events.iter().filter(|event| event["method"] == method).cloned().collect()
    }

    /// Keeps a picture of the page where LOCKSTEP_PICTURES names a folder, for a person to look at.
    pub(crate) fn picture(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("LOCKSTEP_PICTURES") else { return };
        let picture = self.call("Page.captureScreenshot", json!({"captureBeyondViewport": true}));
        let path = Path::new(&folder).join(format!("{name}.png.base64"));
        std::fs::write(path, picture["data"].as_str().unwrap()).unwrap();
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        let _ = self.browser.kill();
        let _ = self.browser.wait();
    }
}
