//! Devices, for operations, and the one path that a device itself calls: enrolment.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::id::{Author, Scope};
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::OPERATIONS;
use super::error::Answer;
use super::extract::{Body, Page, Segment, bad_id};
use super::operation::Operation;
use crate::devices::{self, CodeRequest, Device, EnrolRequest, Enrolled, Invitation, Registrar};
use crate::finance::Paged;
use crate::problem::Error;
use crate::schema::Id;

/// Failed enrolments that are answered in a minute: a code has 128 bits, so this is about load, and
/// about a person who mistypes and must not be locked out.
const MAX_FAILED: usize = 60;
/// The window of [`MAX_FAILED`].
const WINDOW: Duration = Duration::from_secs(60);

/// Failed enrolments of the current minute.
#[derive(Default)]
pub(crate) struct Attempts(Mutex<Option<(Instant, usize)>>);

impl Attempts {
    fn failed(&self) -> usize {
        let window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        window.filter(|(since, _)| since.elapsed() < WINDOW).map_or(0, |(_, count)| count)
    }

    fn fail(&self) {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *window = match *window {
            Some((since, count)) if since.elapsed() < WINDOW => Some((since, count + 1)),
            _ => Some((Instant::now(), 1)),
        };
    }
}

/// The routes of this file.
pub(super) fn operations(tls: bool) -> Vec<Operation> {
    let told = "Spend an enrolment code on a device's key; over TLS only.";
    let enrolment = if tls {
        Operation::post("/enrol", "enrol_device", told, enrol)
    } else {
        Operation::post("/enrol", "enrol_device", told, enrol_needs_tls)
    };
    vec![
        Operation::get("/devices", "list_devices", "Every device.", list).roles(OPERATIONS).gives_page_of::<Device>(),
        Operation::post("/devices/codes", "create_device_code", "Make an enrolment code.", new_code)
            .roles(OPERATIONS)
            .takes::<CodeRequest>()
            .gives::<CreatedCode>(201, "The code, good for 15 minutes and one device.")
            .refuses(404, &["unknown_site", "unknown_vendor"])
            .refuses(422, &["bad_role", "bad_name", "bad_amount", "site_needed"]),
        Operation::post("/devices/{author}/revoke", "revoke_device", "Revoke a device's seat.", revoke)
            .roles(OPERATIONS)
            .segment("author", "The device's name as an author, 16 hex digits.", "0011223344556677")
            .gives::<RevokedDevice>(200, "It is revoked, now or before.")
            .refuses(404, &["unknown_device"]),
        enrolment
            .takes::<EnrolRequest>()
            .gives::<Enrolled>(200, "The device's certificates.")
            .refuses(403, &["tls_needed"])
            .refuses(404, &["code_unknown"])
            .refuses(409, &["code_used", "key_used"])
            .refuses(410, &["code_expired"])
            .refuses(422, &["bad_key", "weak_key", "bad_proof", "bad_name"])
            .refuses(429, &["too_many_attempts"]),
    ]
}

/// An enrolment code that was made.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedCode {
    /// The line that a person types or scans.
    code: String,
    /// Until when, UTC.
    expires_at: String,
    /// Whose seat it will be.
    #[schema(value_type = Id)]
    party: Scope,
}

/// A device that was revoked.
#[derive(Serialize, ToSchema)]
pub(super) struct RevokedDevice {
    /// Its name as an author, hex.
    author: String,
    /// When, UTC.
    revoked_at: String,
}

/// `POST /devices/codes`.
pub(super) async fn new_code(
    State(app): State<Arc<App>>,
    Body(request): Body<CodeRequest>,
) -> Result<(StatusCode, Json<CreatedCode>), Error> {
    let made = devices::new_code(&app.pool, &app.clock, &request).await?;
    let invitation = Invitation {
        central: app.public_https.clone(),
        hubs: app.hubs.clone(),
        ca_sha256: app.authority.ca_sha256(),
        code: made.code,
    };
    let answer = CreatedCode { code: invitation.to_string(), expires_at: made.expires_at, party: made.party };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// `POST /enrol`, over TLS.
pub(super) async fn enrol(State(app): State<Arc<App>>, Body(request): Body<EnrolRequest>) -> Answer<Enrolled> {
    if app.failed_enrolments.failed() >= MAX_FAILED {
        let told = "Too many enrolments failed in this minute.";
        return Err(Error::refuse(429, "too_many_attempts", told, "Wait a minute, then try again."));
    }
    let registrar = Registrar {
        authority: &app.authority,
        central_certificate: &app.certificate,
        hubs: &app.hubs,
        clock: &app.clock,
    };
    let enrolled = devices::enrol(&app.pool, &registrar, &request).await;
    if matches!(enrolled, Err(Error::Refused(_))) {
        app.failed_enrolments.fail();
    }
    Ok(Json(enrolled?))
}

/// `POST /enrol`, on the plain listener.
pub(super) async fn enrol_needs_tls() -> Error {
    let next = "Use the address of the enrolment code, with https.";
    Error::refuse(403, "tls_needed", "Enrolment is served over TLS only.", next)
}

/// `GET /devices`.
pub(super) async fn list(State(app): State<Arc<App>>, page: Page) -> Answer<Paged<Device>> {
    Ok(Json(devices::list(&app.pool, page.after(), page.limit()?).await?))
}

/// `POST /devices/{author}/revoke`.
pub(super) async fn revoke(State(app): State<Arc<App>>, author: Segment) -> Answer<RevokedDevice> {
    let author: Author = devices::parse_author(&author.0).ok_or_else(bad_id)?;
    let revoked_at = devices::revoke(&app.pool, &app.intake, author).await?;
    tracing::info!(%author, "device revoked");
    Ok(Json(RevokedDevice { author: author.to_string(), revoked_at }))
}
