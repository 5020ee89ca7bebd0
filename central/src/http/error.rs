//! The one way from an error to a response: `{code, message, next}` with its status, always `application/problem+json`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::problem::Error;

/// What handlers return.
pub(super) type Answer<T> = Result<Json<T>, Error>;

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if !matches!(self, Self::Refused(_)) {
            // The only place where a failure is logged: once, and without the request.
            tracing::error!(error = %self, "request failed");
        }
        let problem = self.problem();
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = HeaderValue::from_static("application/problem+json");
        (status, [(header::CONTENT_TYPE, kind)], Json(problem)).into_response()
    }
}

/// Answers a path that does not exist.
pub(super) async fn no_such_path() -> Error {
    Error::refuse(404, "no_such_path", "There is nothing at this path.", "Check the path: the API is under /api/v1.")
}

/// Answers a method that a path does not have.
pub(super) async fn wrong_method() -> Error {
    Error::refuse(405, "wrong_method", "This path does not take this method.", "Use the method that the API names.")
}
