//! Pictures of parcels, for those who have to judge.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use protocol::blob::BlobId;
use protocol::id::Kind;

use super::App;
use super::JUDGES;
use super::error::Answer;
use super::extract::{Segment, bad_id};
use super::operation::Operation;
use crate::blobs::{self, NotShown, Picture, Proofs};
use crate::problem::Error;

/// The routes of this file.
pub(super) fn operations() -> Vec<Operation> {
    let blob = "A picture (64 hex digits), as the list of its parcel names it.";
    let example = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b";
    vec![
        Operation::get("/proofs/of/{parcel}", "list_proofs", "The pictures of a parcel, oldest first.", of_parcel)
            .roles(JUDGES)
            .id("parcel", "The parcel.")
            .gives::<Proofs>(200, "What there is, and how much of it has come."),
        Operation::get("/proofs/{blob}", "read_proof", "A picture, opened.", picture)
            .roles(JUDGES)
            .segment("blob", blob, example)
            .gives::<Picture>(200, "The picture.")
            .refuses(404, &["unknown_blob"])
            .refuses(409, &["on_its_way"])
            .refuses(410, &["forgotten"]),
    ]
}

/// `GET /proofs/of/{parcel}`.
async fn of_parcel(State(app): State<Arc<App>>, parcel: Segment) -> Answer<Proofs> {
    Ok(Json(blobs::of_parcel(&app.pool, &parcel.subject(Kind::Parcel)?).await?))
}

/// `GET /proofs/{blob}`.
async fn picture(State(app): State<Arc<App>>, blob: Segment) -> Answer<Picture> {
    let id = BlobId::parse(&blob.0).ok_or_else(bad_id)?;
    let no = |not_shown| match not_shown {
        NotShown::Unknown => {
            let next = "Copy the name from GET /api/v1/proofs/of/{parcel}.";
            Error::refuse(404, "unknown_blob", "No fact names this picture.", next)
        }
        NotShown::OnItsWay => {
            let next = "Ask again when the device has had a network for a while.";
            Error::refuse(409, "on_its_way", "The picture has not come yet, or not all of it.", next)
        }
        NotShown::Forgotten => {
            let next = "The fact stands without it.";
            Error::refuse(410, "forgotten", "The key of this parcel is gone, and the picture with it.", next)
        }
    };
    Ok(Json(blobs::picture(&app.pool, &id).await?.map_err(no)?))
}
