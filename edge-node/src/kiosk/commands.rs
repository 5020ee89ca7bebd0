//! Commands and their receipts.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use data_encoding::HEXLOWER_PERMISSIVE;
use protocol::command::Command;
use protocol::id::Subject;
use serde::Deserialize;

use super::problem::Problem;
use super::session::Caller;
use super::{Api, blocking, window};
use crate::receipt::Receipt;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    act: String,
    command: Command,
}

const EXAMPLE: &str =
    r#"send {"act": "<32 hex digits, made when the form opened>", "command": {"do": "load", "parcels": ["P..."]}}"#;

pub(super) async fn record(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Receipt>, Problem> {
    let body = body.map_err(|rejection| {
        if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
            Problem::too_large()
        } else {
            Problem::bad("body_unreadable", "the request's body could not be read", EXAMPLE)
        }
    })?;
    let request: Request = serde_json::from_slice(&body).map_err(|error| {
        // Place and kind only: the text may hold what a person typed.
        let at = format!("the command is malformed at line {}, column {}", error.line(), error.column());
        Problem::bad("malformed_command", at, EXAMPLE)
    })?;
    let act = act_of(&request.act)?;
    window::allows(&api, caller, &headers, &request.command)?;
    let receipt = blocking(&api, move |node| Ok(node.record(act, &request.command)?)).await?;
    Ok(Json(receipt))
}

/// What the customer said or showed for a parcel.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    act: String,
    parcel: Subject,
    code: String,
}

/// Tries a handover code: five wrong ones lock it, whoever asks.
pub(super) async fn try_code(State(api): State<Api>, body: Bytes) -> Result<Json<Receipt>, Problem> {
    let next = r#"send {"act": "<32 hex digits>", "parcel": "P...", "code": "<six digits, or the scanned square>"}"#;
    let shown: Shown =
        serde_json::from_slice(&body).map_err(|_| Problem::bad("malformed_code", "the code cannot be read", next))?;
    let act = act_of(&shown.act)?;
    let tried = blocking(&api, move |node| Ok(node.try_code(act, shown.parcel, &shown.code)?)).await?;
    Ok(Json(tried))
}

pub(super) async fn receipt(
    State(api): State<Api>,
    act: Result<Path<String>, PathRejection>,
) -> Result<Json<Receipt>, Problem> {
    let act = act_of(&act.map(|Path(act)| act).unwrap_or_default())?;
    let receipt = blocking(&api, move |node| Ok(node.receipt(act)?)).await?;
    receipt.map(Json).ok_or_else(Problem::not_found)
}

pub(super) fn act_of(text: &str) -> Result<[u8; 16], Problem> {
    let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok();
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| Problem::bad("malformed_act", "the act is not 32 hex digits", EXAMPLE))
}
