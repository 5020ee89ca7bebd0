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
        let message = "the bearer token is missing or wrong".to_owned();
        Self {
            status: StatusCode::UNAUTHORIZED,
            code: "unauthorised",
            message,
            next: "send Authorization: Bearer with the text of api.token in the data folder",
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
        Self::machinery()
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
