//! The console's page, under `/console/`: files that the build embedded, with the policy under which they may run. It holds
//! no data and needs no token; what it shows it asks of the API with the token of whoever signs in.

use axum::Router;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use getit_pages::GUARDS;

use super::error;

/// Every file of the built page.
static FILES: &[getit_pages::File] = include!(concat!(env!("OUT_DIR"), "/page_files.rs"));

/// The routes of the page. They are no operations of the API, so the document does not describe them.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/console", get(|| async { Redirect::permanent("/console/") }))
        .route("/console/", get(file))
        .route("/console/{*path}", get(file))
}

async fn file(uri: Uri) -> Response {
    let asked = uri.path().strip_prefix("/console/").unwrap_or_default();
    let mut response = match getit_pages::find(FILES, asked) {
        Some((name, bytes)) => {
            let (kind, keep) = (getit_pages::content_type(name), getit_pages::cache_control(name));
            ([(CONTENT_TYPE, kind), (CACHE_CONTROL, keep)], Body::from(bytes)).into_response()
        }
        None => error::no_such_path().await.into_response(),
    };
    for (name, value) in GUARDS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}
