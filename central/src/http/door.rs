//! What every request passes: a place among those in work, a deadline, the roles of its route, and
//! the counting of its answer. Labels name the route's template, never a URL.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use crate::problem::Error;
use crate::tokens::{self, Role};

/// Longest a request may take, its body included: a caller on a bad line gives up later than that.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// Requests in work at once: several times what the database pool serves, few enough to stay quick.
pub(super) const MAX_IN_WORK: usize = 256;

/// Bounds and counts a request.
pub(super) async fn bound(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let template = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = request.method().as_str().to_owned();
    let started = Instant::now();
    let response = match app.in_work.try_acquire() {
        Ok(_permit) => tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await.unwrap_or_else(|_| {
            let told = "The request took longer than 20 seconds.";
            Error::refuse(408, "timeout", told, "Try again, with the same Idempotency-Key.").into_response()
        }),
        Err(_) => {
            Error::refuse(503, "busy", "Too many requests are in work.", "Try again in a second.").into_response()
        }
    };
    let status = response.status().as_u16();
    tracing::debug!(method, route = template, status, "answered");
    let labels = [("method", method), ("route", template), ("status", status.to_string())];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_seconds", &labels[..2]).record(started.elapsed());
    response
}

/// Which roles a group of routes is for.
#[derive(Clone)]
pub(super) struct Door {
    /// The app.
    pub(super) app: Arc<App>,
    /// The roles.
    pub(super) roles: &'static [Role],
}

/// Lets a caller with a fitting token in, and leaves who it is for the handler.
pub(super) async fn admit(State(door): State<Door>, mut request: Request, next: Next) -> Result<Response, Error> {
    let bearer = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token =
        bearer.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let Some((_, token)) = token else {
        let next = "Send the header Authorization: Bearer TOKEN; operations make one with `central token`.";
        return Err(Error::refuse(401, "token_needed", "This path needs a token.", next));
    };
    let Some(caller) = tokens::caller(&door.app.pool, token.trim()).await? else {
        let next = "Check that it was copied whole, or ask operations for a new one.";
        return Err(Error::refuse(401, "token_unknown", "The token is not known.", next));
    };
    if !door.roles.contains(&caller.role) {
        let roles: Vec<&str> = door.roles.iter().map(|role| role.word()).collect();
        let next = format!("Use a token of the role {}.", roles.join(" or "));
        return Err(Error::refuse(403, "role_not_allowed", "The token is not of a role that may do this.", next));
    }
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}
