//! Search. What is asked may be a name: it comes in the body, never in the address.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use super::{Api, blocking};
use crate::search::{Hit, MAX_HITS, SearchStatus};

/// Hits of a kind when nothing is asked for: what K1 shows without scrolling.
const DEFAULT_LIMIT: usize = 20;
const EXAMPLE: &str = r#"send {"q": "rahima", "limit": 20}, with limit from 1 to 100"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    q: String,
    #[serde(default)]
    limit: Option<usize>,
}

#[derive(Serialize)]
pub(super) struct Answer {
    hits: Vec<Hit>,
    /// Anything but `ready`: some are missing for now.
    index: SearchStatus,
}

pub(super) async fn search(
    State(api): State<Api>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Answer>, Problem> {
    let body = body.map_err(|rejection| {
        if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
            Problem::too_large()
        } else {
            Problem::bad("body_unreadable", "the request's body could not be read", EXAMPLE)
        }
    })?;
    let malformed = || Problem::bad("malformed_search", "the search cannot be read", EXAMPLE);
    let asked: Asked = serde_json::from_slice(&body).map_err(|_| malformed())?;
    let limit = asked.limit.unwrap_or(DEFAULT_LIMIT);
    if limit == 0 || limit > MAX_HITS {
        return Err(malformed());
    }
    let answer =
        blocking(&api, move |node| Ok(Answer { hits: node.search(&asked.q, limit)?, index: node.search_status() }));
    Ok(Json(answer.await?))
}
