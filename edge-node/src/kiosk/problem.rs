//! Errors of the API: always `{code, message, next}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use protocol::refusal::Refusal;

use crate::node::NodeError;
use crate::record::RecordError;
use crate::store::StoreError;

/// An answer that is no success.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    next: &'static str,
}

impl Problem {
    /// The request is not one of this API.
    pub(super) fn bad(code: &'static str, message: impl Into<String>, next: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into(), next }
    }

    pub(super) fn too_large() -> Self {
        let message = "the request is larger than 64 KiB".to_owned();
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, code: "body_too_large", message, next: "split the command" }
    }

    pub(super) fn unauthorised() -> Self {
        let message = "the bearer token or the page's session is missing or wrong".to_owned();
        Self {
            status: StatusCode::UNAUTHORIZED,
            code: "unauthorised",
            message,
            next: "a program: send Authorization: Bearer with the text of api.token in the data folder; \
                   a page: open it by a new link (edge-node open)",
        }
    }

    fn forbidden(code: &'static str, message: &str, next: &'static str) -> Self {
        Self { status: StatusCode::FORBIDDEN, code, message: message.to_owned(), next }
    }

    pub(super) fn foreign_name() -> Self {
        let message = "this server answers to 127.0.0.1 and localhost only";
        Self::forbidden("foreign_name", message, "use the address that the node printed")
    }

    pub(super) fn foreign_page() -> Self {
        Self::forbidden("foreign_page", "another page may not do that", "use the kiosk's own page")
    }

    pub(super) fn stale_link() -> Self {
        let message = "the link was opened before, or is older than ten minutes";
        Self::forbidden("stale_link", message, "ask for a new one: edge-node open")
    }

    pub(super) fn till_open_elsewhere() -> Self {
        Self {
            status: StatusCode::CONFLICT,
            code: "till_open_elsewhere",
            message: "this till is open in another window".to_owned(),
            next: "close that window first; if it is gone, wait 15 seconds",
        }
    }

    fn disk_full() -> Self {
        Self {
            status: StatusCode::INSUFFICIENT_STORAGE,
            code: "disk_full",
            message: "the disk is full: nothing new was recorded, everything recorded before is kept".to_owned(),
            next: "free 50 MB on this machine, then do it again",
        }
    }

    pub(super) fn not_found() -> Self {
        let message = "nothing is here".to_owned();
        Self { status: StatusCode::NOT_FOUND, code: "not_found", message, next: "check the path" }
    }

    pub(super) fn method() -> Self {
        let message = "the path does not take this method".to_owned();
        Self { status: StatusCode::METHOD_NOT_ALLOWED, code: "method_not_allowed", message, next: "use GET or POST" }
    }

    pub(super) fn machinery() -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: "machinery_failed",
            message: "nothing was recorded: the device had a fault".to_owned(),
            next: "try once more; if it stays, call operations",
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::json!({"code": self.code, "message": self.message, "next": self.next});
        (self.status, Json(body)).into_response()
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        // The sentence of a refusal ends in its next step.
        let message = refusal.to_string();
        Self { status, code: refusal.code(), message, next: "do what the message says, or cancel" }
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
