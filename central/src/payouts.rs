//! Payouts: which earnings go to which vendor, what sending them costs, when the bank has sent them, and when it sends
//! them back (J17, J17a, J17b, J17c). Decided under the intake lock, so that two runs at once never pay one earning twice.
//! A line is what an earning has made available (2020) less what earlier lines paid of it, so that what is taken back, or
//! given back, after a payout is in the next one.

use std::collections::BTreeMap;

use protocol::account::Code;
use protocol::decide::Draft;
use protocol::fact::{
    Fact, MAX_PAYOUT_LINES, PayoutConfirmed, PayoutCreated, PayoutLine, PayoutReturned, PayoutWithFee, ReturnReason,
};
use protocol::id::{Kind, Scope, Subject};
use protocol::stamp::Stamp;
use protocol::taka::Taka;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::banking::{Decided, bank, bank_holds, beyond, identify, text, waiting_line};
use crate::ledger::{self, paisa};
use crate::problem::Error;
use crate::schema::Id;
use crate::settings::Settings;
use crate::terms::Terms;
use crate::vendor_account;

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
    /// Vendors who have something to be paid and are not, with the reason.
    pub held: Vec<HeldPayout>,
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
    /// What the vendor gets: Σ of its lines less the fee, paisa.
    pub total_paisa: i64,
    /// What sending it costs the vendor, VAT included, paisa.
    #[serde(default)]
    #[schema(required = true)]
    pub fee_paisa: i64,
    /// How many earnings.
    pub lines: usize,
}

/// A vendor who is not paid now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HeldPayout {
    /// Whose.
    #[schema(value_type = Id)]
    pub vendor: Subject,
    /// `account_cooling`: the account was changed lately.
    pub why: String,
    /// Until when, milliseconds of business time.
    pub until_ms: u64,
    /// What the vendor would be paid, paisa.
    pub total_paisa: i64,
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
/// `unknown_vendor`, `more_than_available`, `account_cooling`.
pub async fn create(connection: &mut PgConnection, request: &PayoutRequest, stamp: Stamp) -> Decided<PayoutAnswer> {
    let vendor = if request.vendor == "all" { None } else { Some(known_vendor(connection, &request.vendor).await?) };
    let (payouts, held) = (Vec::new(), Vec::new());
    let mut answer = PayoutAnswer { dry_run: request.dry_run, total_paisa: 0, more: false, payouts, held };
    let mut drafts = Vec::new();
    let mut number = 0;
    let named = vendor.is_some();
    let cooling = vendor_account::cooling(connection, stamp.now_ms).await?;
    let fee = Settings::at(connection, stamp.now_ms).await?.payout_fee();
    let vat = fee.basis_points(Terms::at(connection, stamp.now_ms).await?.vat_bp);
    let cost = fee.plus(vat);
    let mut vendors = match vendor {
        Some(vendor) => vec![vendor],
        None => with_credit(connection, None).await?,
    };
    'vendors: while let Some(last) = vendors.last().copied() {
        for (vendor, lines) in unpaid(connection, &vendors).await? {
            if let Some(until_ms) = cooling.get(&vendor) {
                if named {
                    return Err(vendor_account::is_cooling(*until_ms));
                }
                let total_paisa = lines.iter().map(|line| line.net).sum::<Taka>().paisa();
                let why = "account_cooling".to_owned();
                answer.held.push(HeldPayout { vendor, why, until_ms: *until_ms, total_paisa });
                continue;
            }
            // 2020 is a liability: what the vendor has available is its credit balance.
            let mut available = ledger::balance(connection, Code::VendorAvailable.of_owner(vendor)).await?.negated();
            for lines in lines.chunks(MAX_PAYOUT_LINES) {
                let earned: Taka = lines.iter().map(|line| line.net).sum();
                let total = earned.minus(cost);
                // Charged returns and the fee outweigh what was earned: they wait for more.
                if total <= Taka::ZERO {
                    continue;
                }
                if earned > available {
                    let next = "Tell operations: earnings and the vendor's account differ; nothing was paid.";
                    return Err(beyond("more_than_available", "The vendor has", "the payout", available, earned, next));
                }
                if answer.payouts.len() == MAX_PAYOUTS {
                    answer.more = true;
                    break 'vendors;
                }
                available = available.minus(earned);
                number += 1;
                let payout = Subject::new(Kind::Payout, stamp.id(number));
                answer.total_paisa = answer.total_paisa.saturating_add(total.paisa());
                answer.payouts.push(NewPayout {
                    payout: (!request.dry_run).then_some(payout),
                    vendor,
                    total_paisa: total.paisa(),
                    fee_paisa: cost.paisa(),
                    lines: lines.len(),
                });
                if !request.dry_run {
                    let lines = lines.to_vec();
                    let fact = match cost {
                        Taka::ZERO => Fact::PayoutCreated(PayoutCreated { vendor, lines, total }),
                        _ => Fact::PayoutWithFee(PayoutWithFee { vendor, lines, fee, vat, total }),
                    };
                    drafts.push(Draft { subject: payout, fact });
                }
            }
        }
        vendors = if named { Vec::new() } else { with_credit(connection, Some(last)).await? };
    }
    Ok((drafts, answer))
}

/// The next vendors whose account has something for them (2020), as many as a run pays, by their ids.
async fn with_credit(connection: &mut PgConnection, after: Option<Scope>) -> Result<Vec<Scope>, Error> {
    let vendors: Vec<([u8; 17],)> = sqlx::query_as(
        "select owner from balance where account_code = $1 and amount_paisa < 0 and owner > $2 order by owner limit $3",
    )
    .bind(Code::VendorAvailable as i32)
    .bind(after.map_or(Vec::new(), |vendor| vendor.0.to_vec()))
    .bind(i64::try_from(MAX_PAYOUTS).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    Ok(vendors.into_iter().map(|(vendor,)| Subject(vendor)).collect())
}

/// What these vendors have available and is in no payout yet: matured earnings, charged returns that count against them,
/// payouts that came back, what was paid for lost parcels, and what was kept for what the vendor owes. What is contested
/// waits, but for what it lacks: the vendor's account lacks it all the same, and lines that come to more than the account
/// would stop the run of everybody.
async fn unpaid(connection: &mut PgConnection, vendors: &[Scope]) -> Result<BTreeMap<Scope, Vec<PayoutLine>>, Error> {
    // What was paid of an earning is kept with it (`views/bank.rs`), so that this reads what waits and nothing older.
    let rows: Vec<([u8; 17], [u8; 17], i64)> = sqlx::query_as(
        "select u.vendor, u.subject, u.available from (
             select e.vendor, e.subject, e.available_paisa - e.paid_paisa as available
             from view_earning e
             where e.available_paisa <> e.paid_paisa and not e.incomplete and not e.newer
               and (e.state <> 'held' or e.available_paisa < e.paid_paisa)
             union all
             select p.vendor, p.subject, p.total_paisa from view_payout p
             where p.state = 'returned' and not p.incomplete and not p.newer
               and not exists (select 1 from view_payout_line l where l.earning = p.subject)
             union all
             select z.owner, z.subject, z.available_paisa from view_entry z
             where z.available_paisa <> 0 and not z.incomplete and not z.newer
               and not exists (select 1 from view_payout_line l where l.earning = z.subject)
         ) as u
         where u.vendor = any($1)
         order by u.vendor, u.subject",
    )
    .bind(vendors.iter().map(|vendor| vendor.0).collect::<Vec<_>>())
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
    if state == "confirmed" || state == "returned" {
        let told = match state.as_str() {
            "returned" => "The bank sent this payout back.".to_owned(),
            _ => format!("The bank sent this payout already, by {sent}."),
        };
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

/// The bank sent a payout back.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reference": "RTN 1", "reason": "no_such_account" }))]
pub struct ReturnRequest {
    /// The bank's reference of the return.
    #[schema(min_length = 1, max_length = 64)]
    pub reference: String,
    /// `no_such_account`, `account_closed`, `name_differs` or `other`.
    #[schema(value_type = String, example = "no_such_account")]
    pub reason: ReturnReason,
}

/// A payout that came back.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReturnAnswer {
    /// The payout.
    #[schema(value_type = Id)]
    pub payout: Subject,
    /// Whose.
    #[schema(value_type = Id)]
    pub vendor: Subject,
    /// What the vendor may have again, paisa: the next run takes it as one line.
    pub total_paisa: i64,
}

/// J17b: the bank sent it back.
///
/// # Errors
/// `bad_text`, `unknown_payout`, `already_returned`, `line_waits`.
pub async fn give_back(
    connection: &mut PgConnection,
    payout: Subject,
    request: &ReturnRequest,
) -> Decided<ReturnAnswer> {
    let reference = text(&request.reference, "The bank's reference")?;
    let sent = returnable(connection, payout).await?;
    if let Some(back) = sent.back {
        return Err(already_returned(&back));
    }
    let line = match sent.bank {
        Some(bank) => waiting_line(connection, bank, &reference, sent.total, true).await?,
        None => None,
    };
    let identified = identify(connection, line, payout).await?;
    let answer = ReturnAnswer { payout, vendor: sent.vendor, total_paisa: sent.total.paisa() };
    let fact = Fact::PayoutReturned(PayoutReturned { reason: request.reason as u8, reference });
    let returned = Draft { subject: payout, fact };
    Ok(([returned].into_iter().chain(identified).collect(), answer))
}

/// A payout that the bank may send back.
#[derive(Clone, Debug)]
pub(crate) struct Returnable {
    pub(crate) vendor: Subject,
    pub(crate) total: Taka,
    /// The account it left, as bytes of its subject.
    pub(crate) bank: Option<[u8; 17]>,
    /// By which reference it came back already, where it did.
    pub(crate) back: Option<String>,
}

/// Such a payout, also one that came back.
///
/// # Errors
/// `unknown_payout`.
pub(crate) async fn returnable(connection: &mut PgConnection, payout: Subject) -> Result<Returnable, Error> {
    let row: Option<(Option<[u8; 17]>, String, i64, Option<[u8; 17]>, String)> =
        sqlx::query_as("select vendor, state, total_paisa, bank, return_reference from view_payout where subject = $1")
            .bind(payout.0)
            .fetch_optional(connection)
            .await?;
    let Some((Some(vendor), state, total, bank, back)) = row else {
        let next = "Copy the id as POST /api/v1/finance/payouts gave it.";
        return Err(Error::refuse(404, "unknown_payout", "There is no payout of this id.", next));
    };
    let back = (state == "returned").then_some(back);
    Ok(Returnable { vendor: Subject(vendor), total: paisa(total), bank, back })
}

/// The no to a second return.
pub(crate) fn already_returned(back: &str) -> Error {
    let told = format!("The bank sent this payout back already, by {back}.");
    let state = serde_json::json!({ "reference": back });
    Error::refuse_in_state(409, "already_returned", told, "Look at the payout.", state)
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
