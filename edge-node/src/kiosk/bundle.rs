//! Bundles by the API: for the page of the kiosk, and for `edge-node export` and `import`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;

use super::problem::Problem;
use super::{Api, blocking};
use crate::bundle::{ImportError, Imported};

/// What the browser calls the file.
const FILE_NAME: &str = "attachment; filename=\"getit.bundle\"";
const NEXT: &str = "export it again from the device, and carry it to the place it belongs to";

pub(super) async fn export(State(api): State<Api>) -> Result<impl IntoResponse, Problem> {
    let file = blocking(&api, |node| Ok(node.export_bundle()?)).await?;
    Ok(([(CONTENT_TYPE, "application/octet-stream"), (CONTENT_DISPOSITION, FILE_NAME)], file))
}

pub(super) async fn import(
    State(api): State<Api>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Imported>, Problem> {
    let body = body.map_err(|_| Problem::bad("bundle_too_large", "the bundle is larger than 128 MB", NEXT))?;
    blocking(&api, move |node| {
        node.import_bundle(&body).map_err(|error| match error {
            ImportError::Node(error) => error.into(),
            told => Problem::bad(told.code().unwrap_or("bundle_damaged"), told.to_string(), NEXT),
        })
    })
    .await
    .map(Json)
}
