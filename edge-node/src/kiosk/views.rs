//! Lists. Each pages by id: `after` is the last id of the page before.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use protocol::id::Subject;
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use super::{Api, blocking};
use crate::store::{EarningView, HandInView, ParcelView};

/// Rows of a page when nothing is asked for: three screens of a kiosk.
pub(super) const DEFAULT_LIMIT: u32 = 50;
/// Most rows of a page: about 200 kB of JSON.
pub(super) const MAX_LIMIT: u32 = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    after: Option<Subject>,
    #[serde(default)]
    limit: Option<u32>,
}

#[derive(Serialize)]
pub(super) struct Rows<T> {
    rows: Vec<T>,
    /// Ask for `after` this one, while there are more.
    after: Option<Subject>,
}

type Asked = Result<Query<Page>, QueryRejection>;

pub(super) async fn parcels(State(api): State<Api>, asked: Asked) -> Result<Json<Rows<ParcelView>>, Problem> {
    let (page, limit) = page(asked)?;
    let read = move |node: &crate::Node| {
        Ok(node.store().read(|rows| rows.parcels(page.status.as_deref(), page.after, limit))?)
    };
    Ok(rows(blocking(&api, read).await?, limit, |view| view.parcel))
}

pub(super) async fn handins(State(api): State<Api>, asked: Asked) -> Result<Json<Rows<HandInView>>, Problem> {
    let (page, limit) = page(asked)?;
    let read = move |node: &crate::Node| Ok(node.store().read(|rows| rows.handins(page.after, limit))?);
    Ok(rows(blocking(&api, read).await?, limit, |view| view.handin))
}

pub(super) async fn earnings(State(api): State<Api>, asked: Asked) -> Result<Json<Rows<EarningView>>, Problem> {
    let (page, limit) = page(asked)?;
    let read = move |node: &crate::Node| Ok(node.store().read(|rows| rows.earnings(page.after, limit))?);
    Ok(rows(blocking(&api, read).await?, limit, |view| view.earning))
}

fn page(asked: Asked) -> Result<(Page, u32), Problem> {
    let next = "use ?status=loaded&after=P...&limit=50, with limit from 1 to 500";
    let Query(page) = asked.map_err(|_| Problem::bad("malformed_query", "the query cannot be read", next))?;
    let limit = page.limit.unwrap_or(DEFAULT_LIMIT);
    if limit == 0 || limit > MAX_LIMIT {
        return Err(Problem::bad("malformed_query", "the limit is out of range", next));
    }
    Ok((page, limit))
}

fn rows<T>(rows: Vec<T>, limit: u32, id: impl Fn(&T) -> Subject) -> Json<Rows<T>> {
    let full = rows.len() == limit as usize;
    let after = rows.last().filter(|_| full).map(id);
    Json(Rows { rows, after })
}
