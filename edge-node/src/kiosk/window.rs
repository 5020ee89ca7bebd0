//! One till, one window: cash is taken in the window that holds the till.
//!
//! A window makes an id when it opens and asks for the till again and again. It gives it back when it
//! is closed; a window that is silent for [`SILENT`] has lost it, so that a browser that crashed does
//! not close the counter. The till is held in memory only: after a power cut no window holds it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use protocol::command::Command;
use serde::Deserialize;

use super::Api;
use super::problem::Problem;
use super::session::Caller;

/// A window that says nothing for this long has lost the till: three heartbeats of the page.
pub(super) const SILENT: Duration = Duration::from_secs(15);
/// The page sends its id with every command.
const HEADER: &str = "x-getit-window";
const EXAMPLE: &str = r#"send {"window": "<16 to 64 letters and digits, made when the page opened>"}"#;

/// Which window holds the till, and when it last said so.
#[derive(Default)]
pub(super) struct Till(Mutex<Option<(String, Instant)>>);

impl Till {
    /// Takes the till for `window`, or keeps it.
    fn hold(&self, window: &str, now: Instant) -> Result<(), Problem> {
        let mut holder = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*holder {
            Some((other, heard)) if other != window && now.duration_since(*heard) < SILENT => {
                Err(Problem::till_open_elsewhere())
            }
            _ => {
                *holder = Some((window.to_owned(), now));
                Ok(())
            }
        }
    }

    fn leave(&self, window: &str) {
        let mut holder = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if holder.as_ref().is_some_and(|(holder, _)| holder == window) {
            *holder = None;
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Window {
    window: String,
}

fn window(body: &Bytes) -> Result<String, Problem> {
    let bad = || Problem::bad("malformed_window", "the window's id cannot be read", EXAMPLE);
    let Window { window } = serde_json::from_slice(body).map_err(|_| bad())?;
    let good = (16..=64).contains(&window.len()) && window.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if good { Ok(window) } else { Err(bad()) }
}

/// The window is here and wants the till.
pub(super) async fn hold(State(api): State<Api>, body: Bytes) -> Result<Json<serde_json::Value>, Problem> {
    api.till.hold(&window(&body)?, Instant::now())?;
    Ok(Json(serde_json::json!({"held": true})))
}

/// The window is closing.
pub(super) async fn leave(State(api): State<Api>, body: Bytes) -> Result<Json<serde_json::Value>, Problem> {
    api.till.leave(&window(&body)?);
    Ok(Json(serde_json::json!({"held": false})))
}

/// Whether this caller may give this command now. Programs have no window: whoever runs them answers.
pub(super) fn allows(api: &Api, caller: Caller, headers: &HeaderMap, command: &Command) -> Result<(), Problem> {
    if caller == Caller::Program || !moves_cash(command) {
        return Ok(());
    }
    let named = headers.get(HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    api.till.hold(named, Instant::now())
}

fn moves_cash(command: &Command) -> bool {
    matches!(
        command,
        Command::Count { .. }
            | Command::TakeCash { .. }
            | Command::HandOver { .. }
            | Command::OpenTill { .. }
            | Command::CloseTill { .. }
            | Command::PayOut { .. }
            | Command::PayIn { .. }
            | Command::RefundCash { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_window_waits_until_the_first_is_closed_or_silent() {
        let (till, start) = (Till::default(), Instant::now());
        assert!(till.hold("first", start).is_ok());
        assert!(till.hold("second", start).is_err());
        assert!(till.hold("first", start + SILENT / 2).is_ok());
        assert!(till.hold("second", start + SILENT).is_err(), "the first was heard in between");
        till.leave("second");
        assert!(till.hold("second", start + SILENT).is_err(), "only its holder gives it back");
        till.leave("first");
        assert!(till.hold("second", start + SILENT).is_ok());
        assert!(till.hold("third", start + SILENT * 2).is_ok(), "the second was silent");
    }
}
