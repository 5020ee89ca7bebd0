//! Payouts: which earnings go to which vendor, and when the bank has sent them (J17, J17a). Decided under
//! the intake lock, so that two runs at once never pay one earning twice; the table of payout lines holds
//! an earning once, whatever decides.

use std::collections::BTreeMap;

use protocol::account::Code;
use protocol::decide::Draft;
use protocol::fact::{Fact, MAX_PAYOUT_LINES, PayoutConfirmed, PayoutCreated, PayoutLine};
use protocol::id::{Kind, Scope, Subject};
use protocol::stamp::Stamp;
use protocol::taka::Taka;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::banking::{Decided, bank, bank_holds, beyond, text};
use crate::ledger::{self, paisa};
use crate::problem::Error;
use crate::schema::Id;

/// Most payouts of one run: bounds how long the lock is held.
pub const MAX_PAYOUTS: usize = 50;

/// Asks for a run.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "vendor": "all", "dry_run": false }))]
pub struct PayoutRequest {
    /// A vendor's id, or `all`.
    pub vendor: String,
    /// Only say what would be paid.
    #[serde(default)]
    pub dry_run: bool,
}

/// What is on its way, or would be.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PayoutAnswer {
    /// Whether nothing was recorded.
    pub dry_run: bool,
    /// Σ of the payouts, paisa.
    pub total_paisa: i64,
    /// Whether another run would find more.
    pub more: bool,
    /// The payouts, at most [`MAX_PAYOUTS`].
    pub payouts: Vec<NewPayout>,
}

/// One payout of a run.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewPayout {
    /// The payout; of a dry run, absent.
    #[schema(value_type = Option<Id>)]
    pub payout: Option<Subject>,
    /// Whose.
    #[schema(value_type = Id)]
    pub vendor: Subject,
    /// Σ of its lines, paisa.
    pub total_paisa: i64,
    /// How many earnings.
    pub lines: usize,
}

/// The bank sent a payout.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "bank": "dbbl-settlement", "reference": "UTR 1" }))]
pub struct SentRequest {
    /// Short name of the settlement account.
    #[schema(min_length = 2, max_length = 32, pattern = "^[a-z0-9-]+$", example = "dbbl-settlement")]
    pub bank: String,
    /// The bank's reference (UTR).
    #[schema(min_length = 1, max_length = 64)]
    pub reference: String,
}

/// A payout that the bank sent.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SentAnswer {
    /// The payout.
    #[schema(value_type = Id)]
    pub payout: Subject,
    /// Whose.
    #[schema(value_type = Id)]
    pub vendor: Subject,
    /// How much, paisa.
    pub total_paisa: i64,
    /// The bank's reference.
    pub reference: String,
}

/// J17: creates the payouts of one vendor or of all.
///
/// # Errors
/// `unknown_vendor`, `more_than_available`.
pub async fn create(connection: &mut PgConnection, request: &PayoutRequest, stamp: Stamp) -> Decided<PayoutAnswer> {
    let vendor = if request.vendor == "all" { None } else { Some(known_vendor(connection, &request.vendor).await?) };
    let mut answer = PayoutAnswer { dry_run: request.dry_run, total_paisa: 0, more: false, payouts: Vec::new() };
    let mut drafts = Vec::new();
    let mut number = 0;
    'vendors: for (vendor, lines) in unpaid(connection, vendor).await? {
        // 2020 is a liability: what the vendor has available is its credit balance.
        let mut available = ledger::balance(connection, Code::VendorAvailable.of_owner(vendor)).await?.negated();
        for lines in lines.chunks(MAX_PAYOUT_LINES) {
            let total: Taka = lines.iter().map(|line| line.net).sum();
            // Charged returns outweigh what was earned: they wait for more.
            if total <= Taka::ZERO {
                continue;
            }
            if total > available {
                let next = "Tell operations: earnings and the vendor's account differ; nothing was paid.";
                return Err(beyond("more_than_available", "The vendor has", "the payout", available, total, next));
            }
            if answer.payouts.len() == MAX_PAYOUTS {
                answer.more = true;
                break 'vendors;
            }
            available = available.minus(total);
            number += 1;
            let payout = Subject::new(Kind::Payout, stamp.id(number));
            answer.total_paisa = answer.total_paisa.saturating_add(total.paisa());
            answer.payouts.push(NewPayout {
                payout: (!request.dry_run).then_some(payout),
                vendor,
                total_paisa: total.paisa(),
                lines: lines.len(),
            });
            if !request.dry_run {
                let fact = Fact::PayoutCreated(PayoutCreated { vendor, lines: lines.to_vec(), total });
                drafts.push(Draft { subject: payout, fact });
            }
        }
    }
    Ok((drafts, answer))
}

/// What each vendor has available and is in no payout yet: matured earnings, and charged returns that
/// count against them.
async fn unpaid(
    connection: &mut PgConnection,
    vendor: Option<Scope>,
) -> Result<BTreeMap<Scope, Vec<PayoutLine>>, Error> {
    let rows: Vec<([u8; 17], [u8; 17], i64)> = sqlx::query_as(
        "select e.vendor, e.subject, e.available_paisa from view_earning e
         where e.state in ('matured', 'charged') and e.available_paisa <> 0 and not e.incomplete and not e.newer
           and ($1::bytea is null or e.vendor = $1)
           and not exists (select 1 from view_payout_line l where l.earning = e.subject)
         order by e.vendor, e.subject",
    )
    .bind(vendor.map(|vendor| vendor.0))
    .fetch_all(connection)
    .await?;
    let mut unpaid: BTreeMap<Scope, Vec<PayoutLine>> = BTreeMap::new();
    for (vendor, earning, net) in rows {
        let line = PayoutLine { earning: Subject(earning), net: paisa(net) };
        unpaid.entry(Subject(vendor)).or_default().push(line);
    }
    Ok(unpaid)
}

/// J17a: the bank sent it.
///
/// # Errors
/// `bad_bank`, `bad_text`, `unknown_payout`, `already_confirmed`, `reference_used`, `bank_too_low`.
pub async fn confirm(connection: &mut PgConnection, payout: Subject, request: &SentRequest) -> Decided<SentAnswer> {
    let reference = text(&request.reference, "The bank's reference")?;
    let row: Option<(Option<[u8; 17]>, String, i64, String)> =
        sqlx::query_as("select vendor, state, total_paisa, reference from view_payout where subject = $1")
            .bind(payout.0)
            .fetch_optional(&mut *connection)
            .await?;
    let Some((Some(vendor), state, total, sent)) = row else {
        let next = "Copy the id as POST /api/v1/finance/payouts gave it.";
        return Err(Error::refuse(404, "unknown_payout", "There is no payout of this id.", next));
    };
    if state == "confirmed" {
        let told = format!("The bank sent this payout already, by {sent}.");
        let state = serde_json::json!({ "reference": sent });
        return Err(Error::refuse_in_state(409, "already_confirmed", told, "Look at the payout.", state));
    }
    let (total, bank) = (paisa(total), bank(connection, &request.bank).await?);
    unused_reference(connection, bank, &reference).await?;
    bank_holds(connection, bank, total, "the payout").await?;
    let flight = ledger::balance(connection, Code::PayoutInFlight.of_owner(payout)).await?.negated();
    if total > flight {
        let next = "Tell operations: the payout was not booked as it was created.";
        return Err(beyond("not_in_flight", "On its way are", "the payout", flight, total, next));
    }
    let fact = Fact::PayoutConfirmed(PayoutConfirmed { bank, reference: reference.clone() });
    let answer = SentAnswer { payout, vendor: Subject(vendor), total_paisa: total.paisa(), reference };
    Ok((vec![Draft { subject: payout, fact }], answer))
}

/// One line of a statement sends one payout.
async fn unused_reference(connection: &mut PgConnection, bank: Subject, reference: &str) -> Result<(), Error> {
    let used: Option<([u8; 17],)> =
        sqlx::query_as("select subject from view_payout where bank = $1 and reference = $2 limit 1")
            .bind(bank.0)
            .bind(reference)
            .fetch_optional(connection)
            .await?;
    let Some((by,)) = used else { return Ok(()) };
    let told = format!("The reference {reference} was used for {} already.", Subject(by));
    Err(Error::refuse(409, "reference_used", told, "Read the statement again: one line settles one thing."))
}

async fn known_vendor(connection: &mut PgConnection, text: &str) -> Result<Scope, Error> {
    let unknown = || {
        let next = "Give a vendor's id as operations gave it, or `all`.";
        Error::refuse(422, "unknown_vendor", "There is no vendor of this id.", next)
    };
    let vendor = Subject::parse(text).filter(|vendor| vendor.kind() == Some(Kind::Vendor)).ok_or_else(unknown)?;
    let (known,): (bool,) = sqlx::query_as(
        "select exists (select 1 from vendor where subject = $1)
             or exists (select 1 from view_earning where vendor = $1)",
    )
    .bind(vendor.0)
    .fetch_one(connection)
    .await?;
    if known { Ok(vendor) } else { Err(unknown()) }
}
