//! One operation of the API: what the router serves and what `/openapi.json` says of it come from the
//! same value, so that they cannot drift apart.
//!
//! ```text
//! Operation::post("/orders", "place_order", "Place an order.", orders::place)
//!     .roles(CUSTOMER)
//!     .takes::<OrderRequest>()
//!     .gives::<Placed>(201, "The order was placed.")
//!     .refuses(409, &["price_changed"])
//! ```
//! What follows from the form of a request (a broken body, a token of another role, an id that is none,
//! a page that is none) need not be said: `roles`, `takes`, `id` and `paged` add their codes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::middleware;
use axum::routing::{MethodFilter, MethodRouter, on};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::door::{self, Door};
use super::extract::MAX_PAGE;
use super::{App, MAX_BODY_BYTES, csv};
use crate::schema::Id;
use crate::tokens::Role;

/// A route and its description.
pub(super) struct Operation {
    /// Where it is served; under `/api/v1` unless it is [`Operation::at_root`].
    pub(super) path: &'static str,
    pub(super) is_api: bool,
    /// Lower case, as documents write it.
    pub(super) method: &'static str,
    id: &'static str,
    summary: &'static str,
    tag: &'static str,
    roles: Option<&'static [Role]>,
    parameters: Vec<Value>,
    body: Option<Value>,
    takes_file: bool,
    max_body_bytes: usize,
    answers: BTreeMap<u16, Value>,
    refusals: BTreeMap<u16, BTreeSet<&'static str>>,
    /// The schemas that it names.
    pub(super) schemas: BTreeMap<String, Value>,
    route: MethodRouter<Arc<App>>,
}

impl Operation {
    fn new<H, T>(method: (&'static str, MethodFilter), path: &'static str, told: [&'static str; 2], handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        let tag = path.split('/').nth(1).unwrap_or_default();
        Self {
            path,
            is_api: true,
            method: method.0,
            id: told[0],
            summary: told[1],
            tag,
            roles: None,
            parameters: Vec::new(),
            body: None,
            takes_file: false,
            max_body_bytes: MAX_BODY_BYTES,
            answers: BTreeMap::new(),
            refusals: BTreeMap::new(),
            schemas: BTreeMap::new(),
            route: on(method.1, handler),
        }
        .refuses(408, &["timeout"])
        .refuses(500, &["internal"])
        .refuses(503, &["busy", "not_ready", "stopping"])
    }

    /// A read. `id` names the operation in generated clients; `summary` is one sentence.
    pub(super) fn get<H, T>(path: &'static str, id: &'static str, summary: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        Self::new(("get", MethodFilter::GET), path, [id, summary], handler)
    }

    /// A command.
    pub(super) fn post<H, T>(path: &'static str, id: &'static str, summary: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        Self::new(("post", MethodFilter::POST), path, [id, summary], handler)
    }

    /// A command that may be repeated without changing more.
    pub(super) fn put<H, T>(path: &'static str, id: &'static str, summary: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        Self::new(("put", MethodFilter::PUT), path, [id, summary], handler)
    }

    /// Served beside the API, not under it.
    pub(super) const fn at_root(mut self) -> Self {
        self.is_api = false;
        self.tag = "process";
        self
    }

    /// For tokens of these roles; without it, for everybody.
    pub(super) fn roles(mut self, roles: &'static [Role]) -> Self {
        self.roles = Some(roles);
        self.refuses(401, &["token_needed", "token_unknown"]).refuses(403, &["role_not_allowed"])
    }

    /// The variable segment of the path is an id.
    pub(super) fn id(self, name: &'static str, description: &str) -> Self {
        let schema = reference::<Id>();
        let mut this = self.parameter("path", name, true, description, schema).refuses(400, &["bad_id"]);
        collect::<Id>(&mut this.schemas);
        this
    }

    /// The variable segment of the path is text, with an example of it.
    pub(super) fn segment(self, name: &'static str, description: &str, example: &str) -> Self {
        let schema = json!({ "type": "string", "example": example });
        self.parameter("path", name, true, description, schema).refuses(400, &["bad_id"])
    }

    /// A header that must be sent.
    pub(super) fn header(self, name: &'static str, description: &str, schema: Value) -> Self {
        self.parameter("header", name, true, description, schema)
    }

    /// A header that some requests do without.
    pub(super) fn may_header(self, name: &'static str, description: &str, schema: Value) -> Self {
        self.parameter("header", name, false, description, schema)
    }

    /// A part of the query.
    pub(super) fn query(self, name: &'static str, description: &str, schema: Value) -> Self {
        self.parameter("query", name, false, description, schema)
    }

    /// A part of the query that must be sent.
    pub(super) fn needs_query(self, name: &'static str, description: &str, schema: Value) -> Self {
        self.parameter("query", name, true, description, schema)
    }

    fn parameter(mut self, place: &str, name: &str, required: bool, description: &str, schema: Value) -> Self {
        self.parameters.push(json!({
            "in": place, "name": name, "required": required, "description": description, "schema": schema,
        }));
        self
    }

    /// Takes a JSON body.
    pub(super) fn takes<T: ToSchema>(mut self) -> Self {
        collect::<T>(&mut self.schemas);
        self.body = Some(reference::<T>());
        self.refuses(400, &["broken_utf8", "malformed_json", "body_unreadable"])
            .refuses(413, &["body_too_large"])
            .refuses(422, &["wrong_type"])
    }

    /// Takes a JSON array.
    pub(super) fn takes_list_of<T: ToSchema>(self, most: usize) -> Self {
        let mut this = self.takes::<T>();
        this.body = Some(json!({ "type": "array", "items": reference::<T>(), "maxItems": most }));
        this
    }

    /// Takes a file as it is, up to this size.
    pub(super) fn takes_file(self, bytes: usize) -> Self {
        let mut this = self.largest(bytes).refuses(400, &["body_unreadable"]).refuses(413, &["body_too_large"]);
        this.takes_file = true;
        this
    }

    /// Takes bodies up to this size in place of the usual one.
    pub(super) fn largest(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self.route = self.route.layer(DefaultBodyLimit::max(bytes));
        self
    }

    /// Answers with JSON.
    pub(super) fn gives<T: ToSchema>(mut self, status: u16, description: &str) -> Self {
        collect::<T>(&mut self.schemas);
        let content = json!({ "application/json": { "schema": reference::<T>() } });
        self.answers.insert(status, json!({ "description": description, "content": content }));
        self
    }

    /// Answers with text.
    pub(super) fn gives_text(mut self, status: u16, kind: &str, description: &str) -> Self {
        let content = json!({ kind: { "schema": { "type": "string" } } });
        self.answers.insert(status, json!({ "description": description, "content": content }));
        self
    }

    /// Answers with a page of rows, and takes `limit` and `after`.
    pub(super) fn gives_page_of<T: ToSchema>(mut self) -> Self {
        collect::<T>(&mut self.schemas);
        let name = format!("PageOf{}", T::name());
        let next = json!({
            "type": ["string", "null"],
            "description": "What to give as `after` for the next page; null on the last one.",
        });
        let page = json!({
            "type": "object",
            "description": "A page of a list.",
            "required": ["rows", "next"],
            "properties": { "rows": { "type": "array", "items": reference::<T>() }, "next": next },
        });
        self.schemas.insert(name.clone(), page);
        let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
        let content = json!({ "application/json": { "schema": schema } });
        self.answers.insert(200, json!({ "description": "The page.", "content": content }));
        self.paged().with_file()
    }

    /// Gives its rows as a file too, to whoever prefers that (see [`super::csv`]).
    pub(super) fn with_file(mut self) -> Self {
        self.route = self.route.layer(middleware::from_fn(csv::as_asked));
        if let Some(answer) = self.answers.get_mut(&200) {
            let told = answer["description"].as_str().unwrap_or_default();
            answer["description"] = json!(format!("{told} Its rows as a file, to whoever prefers `text/csv`."));
        }
        self
    }

    /// Takes `limit` and `after`.
    pub(super) fn paged(self) -> Self {
        let limit = json!({ "type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 100, "example": 100 });
        let after = json!({ "type": "string", "maxLength": 400 });
        self.query("limit", "Most rows of the page.", limit)
            .query("after", "`next` of the page before; leave it out for the first page.", after)
            .refuses(400, &["bad_page"])
    }

    /// May say no with these codes.
    pub(super) fn refuses(mut self, status: u16, codes: &[&'static str]) -> Self {
        self.refusals.entry(status).or_default().extend(codes);
        self
    }

    /// The full path, as callers write it.
    pub(super) fn full_path(&self) -> String {
        if self.is_api { format!("/api/v1{}", self.path) } else { self.path.to_owned() }
    }

    /// The route, behind its door.
    pub(super) fn route(&self, app: &Arc<App>) -> MethodRouter<Arc<App>> {
        let route = self.route.clone();
        let Some(roles) = self.roles else { return route };
        route.route_layer(middleware::from_fn_with_state(Door { app: Arc::clone(app), roles }, door::admit))
    }

    /// What the document says of it.
    pub(super) fn described(&self) -> Value {
        let mut responses = serde_json::Map::new();
        for (status, answer) in &self.answers {
            responses.insert(status.to_string(), answer.clone());
        }
        for (status, codes) in &self.refusals {
            responses.insert(status.to_string(), refusal(codes));
        }
        let mut told = json!({
            "operationId": self.id,
            "summary": self.summary,
            "tags": [self.tag],
            "parameters": self.parameters,
            "responses": responses,
        });
        if let Some(body) = &self.body {
            told["requestBody"] = json!({
                "required": true,
                "content": { "application/json": { "schema": body } },
                "x-max-bytes": self.max_body_bytes,
            });
        }
        if self.takes_file {
            told["requestBody"] = json!({
                "required": true,
                "content": { "application/octet-stream": { "schema": { "type": "string", "format": "binary" } } },
                "x-max-bytes": self.max_body_bytes,
            });
        }
        match self.roles {
            None => told["security"] = json!([]),
            Some(roles) => {
                let words: Vec<&str> = roles.iter().map(|role| role.word()).collect();
                told["description"] = json!(format!("For tokens of the role {}.", words.join(", ")));
                told["security"] = json!([{ "token": [] }]);
                told["x-roles"] = json!(words);
            }
        }
        told
    }
}

/// A response that says no with one of these codes.
fn refusal(codes: &BTreeSet<&'static str>) -> Value {
    let list: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
    let schema = json!({
        "allOf": [
            { "$ref": "#/components/schemas/Problem" },
            { "type": "object", "properties": { "code": { "type": "string", "enum": codes } } },
        ],
    });
    json!({ "description": list.join(", "), "content": { "application/problem+json": { "schema": schema } } })
}

fn reference<T: ToSchema>() -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", T::name()) })
}

/// Adds the schema of `T` and of everything it is made of.
pub(super) fn collect<T: ToSchema>(schemas: &mut BTreeMap<String, Value>) {
    let mut found = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut found);
    for (name, schema) in found {
        // A schema of a derive is a tree of maps and strings: it has nothing that JSON cannot say.
        schemas.entry(name).or_insert_with(|| serde_json::to_value(schema).unwrap_or_default());
    }
}
