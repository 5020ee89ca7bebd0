//! Who may speak to the loopback API.
//!
//! - **Programs** send `Authorization: Bearer` with the token of the data folder. Whoever can read that
//!   file is the owner of the process.
//! - **The page** is opened once by a link, `http://127.0.0.1:7081/#open=CODE`. The code works once and
//!   for ten minutes; it stands in the fragment, which no browser sends, logs or passes on. The page
//!   exchanges it for a cookie: `HttpOnly`, so that no script can read it, and `SameSite=Strict`, so
//!   that no other site's page can send it. The cookie is a keyed hash over the token, not the token: a
//!   stolen cookie opens no program's door, and it outlives a power cut, because nothing about it is
//!   kept in memory. A new token (delete `api.token`, restart) ends every session.
//! - **Ports are not sites.** To a browser, every server on 127.0.0.1 is the same site, whatever its
//!   port. So a request with the cookie must also carry this server's own `Origin` when it changes
//!   something, and the cookie's name holds the seat, so that two kiosks of one machine do not take
//!   each other's.
//! - **Rebinding.** A foreign name that resolves to 127.0.0.1 is refused: `Host` must be this loopback
//!   address or `localhost`, with this port, on every route.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER;
use serde::Deserialize;

use super::Api;
use super::problem::Problem;
use crate::node::random;

/// How long a link may be opened.
const LINK_LIFE: Duration = Duration::from_secs(600);
/// Links that nobody opened yet; the oldest gives way.
const MOST_LINKS: usize = 16;
/// A month: a counter's page stays open for weeks.
const COOKIE_LIFE_SECONDS: u32 = 30 * 24 * 3_600;
const CONTEXT: &str = "getit kiosk page session 1";

/// Codes of links that were not opened yet, by their hash.
#[derive(Default)]
pub(super) struct Links(Mutex<BTreeMap<[u8; 32], Instant>>);

impl Links {
    fn add(&self, code: &str) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, made| made.elapsed() < LINK_LIFE);
        if open.len() >= MOST_LINKS {
            if let Some(oldest) = open.iter().min_by_key(|(_, made)| **made).map(|(hash, _)| *hash) {
                open.remove(&oldest);
            }
        }
        open.insert(*blake3::hash(code.as_bytes()).as_bytes(), Instant::now());
    }

    /// Takes the code: true once.
    fn take(&self, code: &str) -> bool {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let made = open.remove(blake3::hash(code.as_bytes()).as_bytes());
        made.is_some_and(|made| made.elapsed() < LINK_LIFE)
    }
}

/// How a request proved itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// A program with the token.
    Program,
    /// The page, by its cookie.
    Page,
}

/// Refuses a request that was not meant for this server by its name.
pub(super) async fn own_name(State(api): State<Api>, request: Request, next: Next) -> Result<Response, Problem> {
    let host = header(request.headers(), HOST).or_else(|| request.uri().authority().map(|name| name.as_str()));
    if !host.is_some_and(|host| api.is_own_name(host)) {
        return Err(Problem::foreign_name());
    }
    Ok(next.run(request).await)
}

/// Keeps the page out of what only programs may do: a page must not make links to itself.
pub(super) async fn programs_only(request: Request, next: Next) -> Result<Response, Problem> {
    if request.extensions().get::<Caller>() == Some(&Caller::Program) {
        return Ok(next.run(request).await);
    }
    Err(Problem::unauthorised())
}

/// Lets programs and the page in, and notes which it was.
pub(super) async fn authorise(State(api): State<Api>, mut request: Request, next: Next) -> Result<Response, Problem> {
    let caller = caller(&api, &request)?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

fn caller(api: &Api, request: &Request) -> Result<Caller, Problem> {
    let headers = request.headers();
    if let Some(given) = header(headers, AUTHORIZATION) {
        let given = given.strip_prefix("Bearer ").unwrap_or_default();
        // Hashes are compared, so that the time says nothing about the token.
        let equal = blake3::hash(given.as_bytes()) == blake3::hash(api.token.as_bytes());
        return if equal { Ok(Caller::Program) } else { Err(Problem::unauthorised()) };
    }
    if !cookie(headers, &cookie_name(api)).is_some_and(|value| is_session(&api.token, value)) {
        return Err(Problem::unauthorised());
    }
    let own = header(headers, ORIGIN).and_then(|origin| origin.strip_prefix("http://"));
    let foreign = match own {
        Some(host) => !api.is_own_name(host),
        // A browser leaves Origin out of a same-origin read, and never out of a change.
        None => !matches!(*request.method(), Method::GET | Method::HEAD) || header(headers, ORIGIN).is_some(),
    };
    if foreign { Err(Problem::foreign_page()) } else { Ok(Caller::Page) }
}

/// A new link to the page, for the program that opens the browser.
pub(super) async fn link(State(api): State<Api>) -> Result<Json<serde_json::Value>, Problem> {
    let code = HEXLOWER.encode(&random::<16>().map_err(crate::node::NodeError::from)?);
    api.links.add(&code);
    Ok(Json(serde_json::json!({"link": format!("http://{}/#open={code}", api.address)})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Opening {
    code: String,
}

/// Exchanges the code of a link for the cookie.
pub(super) async fn open(State(api): State<Api>, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    let origin = header(&headers, ORIGIN).and_then(|origin| origin.strip_prefix("http://"));
    if !origin.is_some_and(|host| api.is_own_name(host)) {
        return Err(Problem::foreign_page());
    }
    let next = r#"send {"code": "<from the link>"}"#;
    let opening: Opening =
        serde_json::from_slice(&body).map_err(|_| Problem::bad("malformed_code", "the code cannot be read", next))?;
    if !api.links.take(&opening.code) {
        return Err(Problem::stale_link());
    }
    let value = new_session(&api.token, &HEXLOWER.encode(&random::<16>().map_err(crate::node::NodeError::from)?));
    let name = cookie_name(&api);
    let cookie = format!("{name}={value}; Path=/; Max-Age={COOKIE_LIFE_SECONDS}; HttpOnly; SameSite=Strict");
    Ok(([(SET_COOKIE, cookie)], Json(serde_json::json!({"open": true}))).into_response())
}

fn cookie_name(api: &Api) -> String {
    format!("getit_{}", api.node.author())
}

fn new_session(token: &str, nonce: &str) -> String {
    let key = blake3::derive_key(CONTEXT, token.as_bytes());
    format!("{nonce}.{}", blake3::keyed_hash(&key, nonce.as_bytes()).to_hex())
}

fn is_session(token: &str, value: &str) -> bool {
    let Some((nonce, _)) = value.split_once('.') else { return false };
    // Equality of hashes takes the same time wherever they differ.
    blake3::hash(new_session(token, nonce).as_bytes()) == blake3::hash(value.as_bytes())
}

fn header(headers: &HeaderMap, name: axum::http::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|line| line.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_of_its_token_and_a_link_opens_once() {
        let session = new_session("secret", "aa");
        assert!(is_session("secret", &session));
        for wrong in ["", ".", "aa.", "aa.00", &session[1..], &format!("b{session}")] {
            assert!(!is_session("secret", wrong), "{wrong}");
        }
        assert!(!is_session("other", &session));
        let links = Links::default();
        links.add("one");
        assert!(!links.take("two") && links.take("one") && !links.take("one"));
        for n in 0..20 {
            links.add(&n.to_string());
        }
        assert!(!links.take("0") && links.take("19"));
    }
}
