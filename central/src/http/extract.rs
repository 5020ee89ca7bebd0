//! Reading requests: every way in which one can be wrong becomes an [`Error`].

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use protocol::id::{Kind, Subject};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::problem::Error;

/// Rows of a page when the caller does not say.
const DEFAULT_PAGE: i64 = 100;
/// Most rows of one page: bounds the memory behind one request.
pub(super) const MAX_PAGE: i64 = 1_000;
/// Longest cursor: ours are far shorter.
const MAX_CURSOR_BYTES: usize = 400;

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| unreadable(&rejection))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| {
            Error::refuse(
                400,
                "broken_utf8",
                "The body is not UTF-8.",
                "Send the text as UTF-8, without cutting characters.",
            )
        })?;
        serde_json::from_str(text).map(Self).map_err(|error| match error.classify() {
            Category::Data => Error::refuse(
                422,
                "wrong_type",
                format!("The body does not have the form of this request: {}.", told(&error)),
                "Correct the field; numbers are whole numbers without quotes, amounts are in paisa.",
            ),
            _ => Error::refuse(
                400,
                "malformed_json",
                format!("The body is not JSON (line {}, column {}).", error.line(), error.column()),
                "Send one JSON object.",
            ),
        })
    }
}

/// What serde says, without the value: it may be somebody's phone number.
fn told(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let expected = said.split_once("expected ").map(|(_, expected)| format!("expected {expected}"));
    let kind = ["missing field", "unknown field", "duplicate field"].into_iter().find(|kind| said.starts_with(kind));
    match (kind, expected) {
        (Some("missing field" | "duplicate field"), _) => said,
        (Some(kind), Some(expected)) => format!("{kind}, {expected}"),
        (_, Some(expected)) => expected,
        _ => format!("line {}, column {}", error.line(), error.column()),
    }
}

fn unreadable(rejection: &BytesRejection) -> Error {
    if let BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) = rejection {
        return Error::refuse(413, "body_too_large", "The body is larger than this path takes.", "Split the request.");
    }
    Error::refuse(400, "body_unreadable", "The body did not arrive whole.", "Send the request again.")
}

/// A body that is a file, as it came.
pub(super) struct File(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for File {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        Bytes::from_request(request, state).await.map(Self).map_err(|rejection| unreadable(&rejection))
    }
}

/// The one variable segment of a path.
pub(super) struct Segment(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| bad_id())?;
        // No id and no slug holds control characters, and Postgres takes no NUL.
        if text.chars().any(char::is_control) { Err(bad_id()) } else { Ok(Self(text)) }
    }
}

impl Segment {
    /// The subject it names, which must be of `kind`.
    pub(super) fn subject(&self, kind: Kind) -> Result<Subject, Error> {
        Subject::parse(&self.0).filter(|subject| subject.kind() == Some(kind)).ok_or_else(bad_id)
    }
}

/// An id that is not one.
pub(super) fn bad_id() -> Error {
    Error::refuse(400, "bad_id", "The id in the path is not an id of this kind.", "Copy the id as the API gave it.")
}

/// Which part of a list.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Page {
    after: Option<String>,
    limit: Option<String>,
    kind: Option<String>,
    status: Option<String>,
    at: Option<String>,
    account: Option<String>,
    owner: Option<String>,
    days: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Query(page) = Query::<Self>::from_request_parts(parts, state).await.map_err(|_| bad_page())?;
        // Control characters are in no cursor and no word, and Postgres takes no NUL.
        let bad = |text: &str| text.len() > MAX_CURSOR_BYTES || text.chars().any(char::is_control);
        let words = [&page.after, &page.kind, &page.status, &page.at, &page.account, &page.owner, &page.days];
        if words.into_iter().chain([&page.from, &page.to]).flatten().any(|text| bad(text)) {
            return Err(bad_page());
        }
        Ok(page)
    }
}

impl Page {
    /// The cursor of the page before, as it was given.
    pub(super) fn after(&self) -> Option<&str> {
        self.after.as_deref().filter(|after| !after.is_empty())
    }

    /// Of which account, for lists that have accounts.
    pub(super) fn account(&self) -> Option<&str> {
        self.account.as_deref().filter(|account| !account.is_empty())
    }

    /// Whose.
    pub(super) fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// How many days; `usual` when the caller does not say.
    pub(super) fn days<'a>(&'a self, usual: &'a str) -> &'a str {
        self.days.as_deref().unwrap_or(usual)
    }

    /// From when to when, as they were asked for.
    pub(super) fn stretch(&self) -> (&str, &str) {
        (self.from.as_deref().unwrap_or_default(), self.to.as_deref().unwrap_or_default())
    }

    /// Of which kind, for lists that have kinds.
    pub(super) fn kind(&self) -> Option<&str> {
        self.kind.as_deref().filter(|kind| !kind.is_empty())
    }

    /// Of which status, for lists of things that have one.
    pub(super) fn status(&self) -> Option<&str> {
        self.status.as_deref().filter(|status| !status.is_empty())
    }

    /// At what time, for lists of what was.
    pub(super) fn at(&self) -> Option<&str> {
        self.at.as_deref().filter(|at| !at.is_empty())
    }

    /// How many rows.
    pub(super) fn limit(&self) -> Result<i64, Error> {
        let Some(limit) = self.limit.as_deref() else { return Ok(DEFAULT_PAGE) };
        limit.parse().ok().filter(|limit| (1..=MAX_PAGE).contains(limit)).ok_or_else(bad_page)
    }
}

/// A page that cannot be asked for.
pub(super) fn bad_page() -> Error {
    Error::refuse(
        400,
        "bad_page",
        "The page asked for does not exist.",
        "Give `limit` from 1 to 1000, and `after` as `next` of the page before.",
    )
}
