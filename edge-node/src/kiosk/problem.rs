//! Errors of the API: always `{code, message, next}`, and of a refusal its numbers as `params`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use protocol::refusal::Refusal;

use crate::node::NodeError;
use crate::record::RecordError;
use crate::screen::refused::Refused;
use crate::store::StoreError;

/// An answer that is no success.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    next: &'static str,
    /// The numbers of a refusal, amounts in paisa: the page says them in its own words.
    params: serde_json::Map<String, serde_json::Value>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, message: &str, next: &'static str) -> Self {
        Self { status, code, message: message.to_owned(), next, params: serde_json::Map::new() }
    }

    /// The request is not one of this API.
    pub(super) fn bad(code: &'static str, message: impl Into<String>, next: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, &message.into(), next)
    }

    pub(super) fn too_large() -> Self {
        let message = "the request is larger than 64 KiB";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message, "split the command")
    }

    pub(super) fn unauthorised() -> Self {
        let message = "the bearer token or the page's session is missing or wrong";
        let next = "a program: send Authorization: Bearer with the text of api.token in the data folder; \
                    a page: open it by a new link (edge-node open)";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorised", message, next)
    }

    pub(super) fn foreign_name() -> Self {
        let message = "this server answers to 127.0.0.1 and localhost only";
        Self::new(StatusCode::FORBIDDEN, "foreign_name", message, "use the address that the node printed")
    }

    pub(super) fn foreign_page() -> Self {
        let message = "another page may not do that";
        Self::new(StatusCode::FORBIDDEN, "foreign_page", message, "use the kiosk's own page")
    }

    pub(super) fn stale_link() -> Self {
        let message = "the link was opened before, or is older than ten minutes";
        Self::new(StatusCode::FORBIDDEN, "stale_link", message, "ask for a new one: edge-node open")
    }

    pub(super) fn till_open_elsewhere() -> Self {
        let message = "this till is open in another window";
        let next = "close that window first; if it is gone, wait 15 seconds";
        Self::new(StatusCode::CONFLICT, "till_open_elsewhere", message, next)
    }

    fn disk_full() -> Self {
        let message = "the disk is full: nothing new was recorded, everything recorded before is kept";
        let next = "free 50 MB on this machine, then do it again";
        Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk_full", message, next)
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "nothing is here", "check the path")
    }

    pub(super) fn method() -> Self {
        let message = "the path does not take this method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message, "use GET or POST")
    }

    pub(super) fn machinery() -> Self {
        let message = "nothing was recorded: the device had a fault";
        let next = "try once more; if it stays, call operations";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "machinery_failed", message, next)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = serde_json::json!({"code": self.code, "message": self.message, "next": self.next});
        if !self.params.is_empty() {
            body["params"] = serde_json::Value::Object(self.params);
        }
        (self.status, Json(body)).into_response()
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        // The sentence of a refusal ends in its next step.
        let next = "do what the message says, or cancel";
        let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, refusal.code(), &refusal.to_string(), next);
        Self { params: Refused::from(&refusal).params, ..problem }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        // Only reads give one here: what they fail with is the machine's.
        if refused.code == "disk_full" { Self::disk_full() } else { Self::machinery() }
    }
}

impl From<NodeError> for Problem {
    fn from(error: NodeError) -> Self {
        tracing::error!(%error, "a request failed");
        if matches!(&error, NodeError::Store(store) if store.is_full()) { Self::disk_full() } else { Self::machinery() }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        NodeError::from(error).into()
    }
}

impl From<RecordError> for Problem {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Refusal(refusal) => refusal.into(),
            RecordError::Error(error) => error.into(),
        }
    }
}
