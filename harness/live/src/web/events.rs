//! The stream of views, as server-sent events.
//!
//! Each event has the whole view and those findings that changed since the event before. Its id says up to which
//! change of which run, so that a browser that was cut off gets what it has missed, and one that was connected
//! to another run begins anew.

use crate::{Live, View, view::Finding};
use axum::{
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::{Stream, stream};
use serde::Serialize;
use std::{convert::Infallible, time::Duration};
use tokio::{sync::OwnedSemaphorePermit, time::sleep};

/// How often it is looked whether there is something new.
const LOOK: Duration = Duration::from_millis(250);

/// How often something is sent although nothing is new, so that a lost connection is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// The content of an event.
#[derive(Serialize)]
struct Update {
    /// Whether the findings are all that there are: what is shown of another run is to be forgotten.
    is_first: bool,
    view: View,
    findings: Vec<Finding>,
}

/// How far a connection is.
struct At {
    live: Live,
    run: u128,
    /// The last change of the view that was sent.
    sent: Option<u64>,
    /// The last change of a finding that was sent.
    finding: u64,
    is_first: bool,
    /// One of the connections that are allowed.
    _permit: OwnedSemaphorePermit,
}

/// Events for a browser with these headers. `run` is a number that no other run has.
pub(super) fn stream(
    live: Live,
    run: u128,
    headers: &HeaderMap,
    permit: OwnedSemaphorePermit,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let seen = last.and_then(|id| seen(id, run));
    let at = At {
        live,
        run,
        sent: None,
        finding: seen.unwrap_or_default(),
        is_first: seen.is_none(),
        _permit: permit,
    };
    let events = stream::unfold(at, async |at| Some(next(at).await));
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// The change that an id of an event stands for, where it is of this run.
fn seen(id: &str, run: u128) -> Option<u64> {
    let (of, change) = id.split_once('-')?;
    (of.parse() == Ok(run)).then(|| change.parse().ok())?
}

async fn next(mut at: At) -> (Result<Event, Infallible>, At) {
    while at.sent == Some(at.live.changes()) {
        sleep(LOOK).await;
    }
    if at.sent.is_some() {
        // A run that changes all the time is told of now and then.
        sleep(LOOK).await;
    }
    at.sent = Some(at.live.changes());
    // Copied under the lock, written as JSON without it: the run does not wait.
    let (view, findings, finding) = at.live.look(|view| {
        let findings: Vec<Finding> = view.findings.since(at.finding).cloned().collect();
        (view.without_findings(), findings, view.findings.changes())
    });
    let text = text(&Update { is_first: at.is_first, view, findings });
    (at.finding, at.is_first) = (finding, false);
    let id = format!("{}-{finding}", at.run);
    (Ok(Event::default().id(id).data(text)), at)
}

/// All that there is to see, at once.
pub(super) fn snapshot(live: &Live) -> String {
    let (view, findings) =
        live.look(|view| (view.without_findings(), view.findings.rows().to_vec()));
    text(&Update { is_first: true, view, findings })
}

fn text(update: &Update) -> String {
    serde_json::to_string(update).expect("strings and numbers")
}
