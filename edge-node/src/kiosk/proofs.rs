//! Pictures of parcels, by the API: the body is the picture, everything else stands in the query.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use protocol::fact::ProofForm;
use protocol::id::Subject;
use protocol::refusal::Refusal;
use serde::Deserialize;

use super::commands::act_of;
use super::problem::Problem;
use super::{Api, blocking};
use crate::proof::MAX_PICTURE_BYTES;
use crate::receipt::Receipt;

/// Which act it is, of which parcel, and what it shows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    act: String,
    parcel: Subject,
    form: ProofForm,
}

const EXAMPLE: &str = "send the picture to /api/v1/proofs?act=<32 hex digits>&parcel=P...&form=photo (or signature)";

pub(super) async fn keep(
    State(api): State<Api>,
    asked: Result<Query<Asked>, QueryRejection>,
    picture: Result<Bytes, BytesRejection>,
) -> Result<Json<Receipt>, Problem> {
    let Query(asked) = asked.map_err(|_| Problem::bad("malformed_proof", "the query cannot be read", EXAMPLE))?;
    let act = act_of(&asked.act)?;
    let picture = picture.map_err(|_| Problem::from(Refusal::PictureTooLarge(MAX_PICTURE_BYTES / (1024 * 1024))))?;
    let kept = blocking(&api, move |node| Ok(node.prove(act, asked.parcel, asked.form, &picture)?)).await?;
    Ok(Json(kept))
}
