//! The page itself: files that the build embedded, under a content policy that runs nothing else.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use getit_pages::GUARDS;

use super::problem::Problem;

/// Every file of the built page.
static FILES: &[getit_pages::File] = include!(concat!(env!("OUT_DIR"), "/page_files.rs"));

/// A file of the page; the root is its `index.html`.
pub(super) async fn file(uri: Uri) -> Result<Response, Problem> {
    let (name, bytes) = getit_pages::find(FILES, uri.path()).ok_or_else(Problem::not_found)?;
    let (kind, keep) = (getit_pages::content_type(name), getit_pages::cache_control(name));
    Ok(([(CONTENT_TYPE, kind), (CACHE_CONTROL, keep)], Body::from(bytes)).into_response())
}

/// Headers of every answer: also an error page of ours runs nothing.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in GUARDS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
