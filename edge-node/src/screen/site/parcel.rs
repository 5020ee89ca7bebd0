//! One parcel as the counter sees it.

use protocol::fold::State;
use protocol::id::{Scope, Subject};
use protocol::parcel::{Parcel, Proof, Status, Step};
use protocol::seat::Seat;
use serde::Serialize;
use ts_rs::TS;

use super::code_of;
use crate::store::{Rows, StoreError};

const DAY_MS: i64 = 24 * 3_600 * 1_000;
/// Digits of a phone that name a customer to the clerk without showing the number.
const TAIL: usize = 4;

/// A parcel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct SiteParcel {
    /// Its id.
    #[ts(type = "string")]
    pub parcel: Subject,
    /// What stands on its label.
    pub label: String,
    /// The customer's name, when this device holds the key.
    pub name: Option<String>,
    /// Last four digits of his phone.
    pub phone_tail: Option<String>,
    /// Where he lives.
    pub address: Option<String>,
    /// What he wants us to know.
    pub note: Option<String>,
    /// Cash to take.
    pub due_paisa: i64,
    /// Paid ahead: take nothing.
    pub prepaid: bool,
    /// Word of the status.
    pub status: String,
    /// Its shelf, while it lies on one.
    pub shelf: Option<String>,
    /// Whether it is in this site's hands.
    pub here: bool,
    /// Who has it, as people write it; `null` when the customer has.
    pub holder_code: Option<String>,
    /// What they are called, once central said so.
    pub holder_name: Option<String>,
    /// The agent on whose run it is, as people write it.
    pub agent_code: Option<String>,
    /// What he is called, once central said so.
    pub agent_name: Option<String>,
    /// The courier hub it goes through, and back to.
    #[ts(type = "string")]
    pub hub: Scope,
    /// Where it is to be fetched.
    #[ts(type = "string | null")]
    pub point: Option<Scope>,
    /// That point, as people write it.
    pub point_code: Option<String>,
    /// What it is called, once central said so.
    pub point_name: Option<String>,
    /// Failed deliveries.
    pub attempts: u32,
    /// Days until it goes back; 0 is today, below is overdue.
    pub hold_days_left: Option<i64>,
    /// Called off: it goes back.
    pub called_off: bool,
    /// What is in it.
    pub lines: Vec<SiteLine>,
    /// What waits for a ruling, as codes.
    pub contested: Vec<String>,
    /// What the counter does next.
    pub next: SiteNext,
    /// How far the hand-over is.
    pub handover: SiteHandover,
}

/// Goods in a parcel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct SiteLine {
    /// Stock keeping unit.
    pub sku: String,
    /// Pieces.
    pub qty: u32,
}

/// What the counter does next with a parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SiteNext {
    /// Scan it in.
    Receive,
    /// Scan it in, if it is here: it is recorded as given to the customer.
    ReceiveBack,
    /// Put it on a shelf.
    Shelve,
    /// Give it to its customer.
    HandOver,
    /// Put it on an agent's run.
    Dispatch,
    /// Send it to its pickup point.
    Forward,
    /// Send it back.
    Return,
    /// Nothing is to be done here.
    Nothing,
}

/// How far a hand-over is: each step that is done is a fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct SiteHandover {
    /// `code` or `identity`, when the customer is known.
    pub verified: Option<String>,
    /// Nothing is to be taken any more.
    pub paid: bool,
    /// What was taken.
    pub taken_paisa: i64,
    /// When the customer got it, and from whom, as people write it.
    pub given_ms: Option<u64>,
    /// Who gave it.
    pub given_by: Option<String>,
    /// `verify`, `take_cash` or `hand_over`; `null` when it is not handed over here.
    pub step: Option<String>,
}

/// Days until the parcel goes back; `None` when it is not held for a customer.
pub(super) fn hold_days_left(parcel: &Parcel, now_ms: u64) -> Option<i64> {
    let (pickup, since) = (parcel.pickup.as_ref()?, parcel.held_since_ms?);
    let ends = i64::try_from(since).ok()?.saturating_add(i64::from(pickup.hold_days) * DAY_MS);
    Some(ends.saturating_sub(i64::try_from(now_ms).ok()?).div_euclid(DAY_MS))
}

/// The parcel `subject`; `None` when what made it is not held.
pub(super) fn read(
    rows: &Rows<'_>,
    seat: &Seat,
    subject: &Subject,
    now_ms: u64,
) -> Result<Option<SiteParcel>, StoreError> {
    let Some(State::Parcel(parcel)) = rows.folded(subject)?.map(|folded| folded.state) else { return Ok(None) };
    let Some(created) = &parcel.created else { return Ok(None) };
    let customer = rows.customer(subject, &parcel)?;
    let tail = |phone: &str| phone.chars().skip(phone.chars().count().saturating_sub(TAIL)).collect();
    let named = |party: Option<Scope>| party.map_or(Ok(None), |party| rows.name_of(&party));
    let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let mut contested: Vec<String> = parcel.contests.iter().map(|contest| contest.code.word().to_owned()).collect();
    contested.dedup();
    Ok(Some(SiteParcel {
        parcel: *subject,
        label: subject.label().to_string(),
        name: customer.as_ref().map(|person| person.name.clone()),
        phone_tail: customer.as_ref().map(|person| tail(&person.phone)),
        address: customer.as_ref().and_then(|person| filled(&person.address)),
        note: customer.as_ref().and_then(|person| filled(&person.note)),
        due_paisa: parcel.due().paisa(),
        prepaid: parcel.is_prepaid(),
        status: parcel.status.word().to_owned(),
        shelf: parcel.shelf.clone(),
        here: is_here(seat, &parcel),
        holder_code: parcel.custodian.map(|holder| code_of(&holder)),
        holder_name: named(parcel.custodian)?,
        agent_code: parcel.agent.map(|agent| code_of(&agent)),
        agent_name: named(parcel.agent)?,
        hub: created.site,
        point: parcel.pickup.as_ref().map(|pickup| pickup.point),
        point_code: parcel.pickup.as_ref().map(|pickup| code_of(&pickup.point)),
        point_name: named(parcel.pickup.as_ref().map(|pickup| pickup.point))?,
        attempts: parcel.attempts,
        hold_days_left: hold_days_left(&parcel, now_ms),
        called_off: parcel.stop_requested || parcel.status == Status::Cancelled,
        lines: created.lines.iter().map(|line| SiteLine { sku: line.sku.clone(), qty: line.qty }).collect(),
        contested,
        next: next(seat, &parcel),
        handover: handover(&parcel),
    }))
}

fn is_here(seat: &Seat, parcel: &Parcel) -> bool {
    let lies = matches!(parcel.status, Status::AtHub | Status::AtPoint | Status::Shelved | Status::HoldExpired);
    lies && parcel.custodian == Some(seat.party)
}

fn next(seat: &Seat, parcel: &Parcel) -> SiteNext {
    let me = Some(seat.party);
    let point = parcel.pickup.as_ref().map(|pickup| pickup.point);
    let hub = parcel.created.as_ref().map(|created| created.site);
    match parcel.status {
        Status::InTransit if parcel.bound_for == me => SiteNext::Receive,
        Status::Placed | Status::Accepted | Status::Packed | Status::WithCourier if hub == me => SiteNext::Receive,
        Status::OnRun | Status::Loaded | Status::Attempted | Status::Refused
            if parcel.agent.is_some_and(|agent| agent.0[1..9] == seat.party.0[1..9]) =>
        {
            SiteNext::Receive
        }
        Status::Delivered | Status::Collected if hub == me || point == me => SiteNext::ReceiveBack,
        _ if !is_here(seat, parcel) => SiteNext::Nothing,
        _ if parcel.stop_requested => SiteNext::Return,
        Status::HoldExpired => SiteNext::Return,
        Status::AtPoint => SiteNext::Shelve,
        Status::Shelved => SiteNext::HandOver,
        Status::AtHub if parcel.hold_expired => SiteNext::Return,
        Status::AtHub if point.is_some() && point != me => SiteNext::Forward,
        Status::AtHub => SiteNext::Dispatch,
        _ => SiteNext::Nothing,
    }
}

fn handover(parcel: &Parcel) -> SiteHandover {
    let proof = |proof: Proof| match proof {
        Proof::Code => "code",
        Proof::Identity => "identity",
    };
    SiteHandover {
        verified: parcel.verified.map(|how| proof(how).to_owned()),
        paid: parcel.paid,
        taken_paisa: parcel.collected.paisa(),
        given_ms: parcel.given.map(|given| given.at_ms),
        given_by: parcel.given.map(|given| code_of(&given.by)),
        step: parcel.step().map(|step: Step| step.word().to_owned()),
    }
}
