//! `/openapi.json`: the API described for machines.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::App;
use super::operation::{self, Operation};
use crate::problem::Problem;

/// What to know before the first call.
const DESCRIPTION: &str = "Orders, devices and books of GetIt. Amounts are whole numbers of paisa. Every error is \
application/problem+json with a stable code, what is wrong, and what to do next. Lists page: give `next` of one page \
as `after` for the next one.";

/// The routes of this file.
pub(super) fn operations() -> Vec<Operation> {
    vec![Operation::get("/openapi.json", "read_openapi", "This document.", read).at_root().gives_text(
        200,
        "application/json",
        "OpenAPI 3.1.",
    )]
}

/// `GET /openapi.json`.
async fn read(State(app): State<Arc<App>>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], app.openapi.clone()).into_response()
}

/// The document of these operations.
pub(super) fn document(operations: &[Operation]) -> Value {
    let mut paths: BTreeMap<String, BTreeMap<&str, Value>> = BTreeMap::new();
    let mut schemas = BTreeMap::new();
    operation::collect::<Problem>(&mut schemas);
    for operation in operations {
        let path = paths.entry(operation.full_path()).or_default();
        path.insert(operation.method, operation.described());
        schemas.extend(operation.schemas.clone());
    }
    let token = json!({
        "type": "http",
        "scheme": "bearer",
        "description": "Operations make one with `central token --role ROLE`.",
    });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "GetIt central",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": { "schemas": schemas, "securitySchemes": { "token": token } },
    })
}
