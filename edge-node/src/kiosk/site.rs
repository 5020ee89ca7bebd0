//! The counter's screens over HTTP: see `crate::screen::site` for what each answers.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use protocol::id::{Scope, Subject};
use serde::Deserialize;

use super::commands::act_of;
use super::problem::Problem;
use super::views::{DEFAULT_LIMIT, MAX_LIMIT};
use super::{Api, blocking};
use crate::screen::site::{
    ReceiptLanguage, SiteAgent, SiteCounted, SiteHome, SiteList, SiteOffer, SitePage, SiteParcel, SiteReceipt,
    SiteScan, SiteTill,
};
use crate::screen::waiting::WaitingAct;
use crate::slip::{HandInSlip, SlipTaken, TakeSlipError};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listing {
    list: SiteList,
    #[serde(default)]
    agent: Option<Scope>,
    #[serde(default)]
    after: Option<Subject>,
    #[serde(default)]
    limit: Option<u32>,
}

/// What was scanned stands in the body: a scan may hold a phone number, and addresses are logged.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scan {
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wording {
    #[serde(default)]
    language: ReceiptLanguage,
}

pub(super) async fn home(State(api): State<Api>) -> Result<Json<SiteHome>, Problem> {
    Ok(Json(blocking(&api, |node| Ok(node.site_home()?)).await?))
}

pub(super) async fn parcels(
    State(api): State<Api>,
    asked: Result<Query<Listing>, QueryRejection>,
) -> Result<Json<SitePage>, Problem> {
    let next = "use ?list=expected|here|shelf|hold_warn|hold_over|on_run&after=P...&limit=50, limit from 1 to 500";
    let Query(asked) = asked.map_err(|_| Problem::bad("malformed_query", "the query cannot be read", next))?;
    let limit = asked.limit.unwrap_or(DEFAULT_LIMIT);
    if limit == 0 || limit > MAX_LIMIT {
        return Err(Problem::bad("malformed_query", "the limit is out of range", next));
    }
    let read = move |node: &crate::Node| Ok(node.site_parcels(asked.list, asked.agent, asked.after, limit)?);
    Ok(Json(blocking(&api, read).await?))
}

pub(super) async fn parcel(
    State(api): State<Api>,
    id: Result<Path<Subject>, PathRejection>,
) -> Result<Json<SiteParcel>, Problem> {
    let Path(id) = id.map_err(|_| Problem::not_found())?;
    blocking(&api, move |node| Ok(node.site_parcel(id)?)).await?.map(Json).ok_or_else(Problem::not_found)
}

pub(super) async fn scan(State(api): State<Api>, body: Bytes) -> Result<Json<SiteScan>, Problem> {
    let next = r#"send {"text": "<what the scanner read>"}"#;
    let asked: Scan =
        serde_json::from_slice(&body).map_err(|_| Problem::bad("malformed_scan", "the scan cannot be read", next))?;
    Ok(Json(blocking(&api, move |node| Ok(node.site_scan(&asked.text)?)).await?))
}

pub(super) async fn agents(State(api): State<Api>) -> Result<Json<Vec<SiteAgent>>, Problem> {
    Ok(Json(blocking(&api, |node| Ok(node.site_agents()?)).await?))
}

pub(super) async fn offers(State(api): State<Api>) -> Result<Json<Vec<SiteOffer>>, Problem> {
    Ok(Json(blocking(&api, |node| Ok(node.site_offers()?)).await?))
}

pub(super) async fn counted(
    State(api): State<Api>,
    id: Result<Path<Subject>, PathRejection>,
) -> Result<Json<SiteCounted>, Problem> {
    let Path(id) = id.map_err(|_| Problem::not_found())?;
    blocking(&api, move |node| Ok(node.site_counted(id)?)).await?.map(Json).ok_or_else(Problem::not_found)
}

pub(super) async fn slip(
    State(api): State<Api>,
    id: Result<Path<Subject>, PathRejection>,
) -> Result<Json<HandInSlip>, Problem> {
    let Path(id) = id.map_err(|_| Problem::not_found())?;
    blocking(&api, move |node| Ok(node.slip(id)?)).await?.map(Json).ok_or_else(Problem::not_found)
}

pub(super) async fn take_slip(State(api): State<Api>, body: Bytes) -> Result<Json<SlipTaken>, Problem> {
    let next = r#"send {"text": "<what the scanner read>"}"#;
    let asked: Scan =
        serde_json::from_slice(&body).map_err(|_| Problem::bad("malformed_scan", "the scan cannot be read", next))?;
    let no = |error| match error {
        TakeSlipError::Node(error) => error.into(),
        told => Problem::bad(told.code().unwrap_or("slip_damaged"), told.to_string(), "scan the code on the phone"),
    };
    blocking(&api, move |node| node.take_slip(&asked.text).map_err(no)).await.map(Json)
}

pub(super) async fn till(State(api): State<Api>) -> Result<Json<SiteTill>, Problem> {
    Ok(Json(blocking(&api, |node| Ok(node.site_till()?)).await?))
}

pub(super) async fn waiting(State(api): State<Api>) -> Result<Json<Vec<WaitingAct>>, Problem> {
    Ok(Json(blocking(&api, |node| Ok(node.waiting_acts()?)).await?))
}

pub(super) async fn receipt(
    State(api): State<Api>,
    act: Result<Path<String>, PathRejection>,
    wording: Result<Query<Wording>, QueryRejection>,
) -> Result<Json<SiteReceipt>, Problem> {
    let act = act_of(&act.map(|Path(act)| act).unwrap_or_default())?;
    let language = wording.map(|Query(wording)| wording.language).unwrap_or_default();
    blocking(&api, move |node| Ok(node.site_receipt(act, language)?)).await?.map(Json).ok_or_else(Problem::not_found)
}
