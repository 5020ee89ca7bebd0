//! What finance enters on paper evidence: settlements of providers, floats, pay, claims, taxes, securities. Each is decided
//! under the intake lock against the accounts it moves between, by two people from an amount on, and one paper of a kind is
//! entered once.

use protocol::account::{Account, Code};
use protocol::decide::Draft;
use protocol::entry::{Way, way};
use protocol::fact::{Entered, Entry, Fact, Provider, Reading};
use protocol::id::{Id16, Kind, Subject};
use protocol::stamp::Stamp;
use protocol::taka::Taka;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::banking::{Decided, amount, bank, bank_of, beyond, identify, text, waiting_line};
use crate::ledger;
use crate::problem::Error;
use crate::schema::Id;
use crate::settings::Settings;
use crate::store::signed;

mod chargeback;
mod paper;

/// What is to be entered.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "what": "settled", "bank": "dbbl-settlement", "provider": "bkash", "amount_paisa": 106_900, "part_paisa": 1_604,
    "reference": "BKASH 2026-11-25",
}))]
pub struct EntryRequest {
    /// `settled`, `float_issued`, `pay_accrued`, `pay_paid`, `vat_paid`, `security_taken`, `bag_stolen`, `claim_paid`,
    /// `claim_lost`, `loss_paid`, `loss_charged`, `loss_claimed`, `netted`, `credit_issued`, `charged_back` or
    /// `charged_back_early`.
    pub what: String,
    /// Whose account: the agent, site, vendor, customer, bag or parcel. Of `settled` and `vat_paid` it is the bank.
    #[schema(value_type = Option<Id>)]
    pub owner: Option<Subject>,
    /// Of what was lost the parcel, of a chargeback the order (of an early one from escrow the order is the owner).
    #[schema(value_type = Option<Id>)]
    pub other: Option<Subject>,
    /// Short name of the account at the bank, where money comes from one or goes to one.
    #[schema(min_length = 2, max_length = 32, pattern = "^[a-z0-9-]+$", example = "dbbl-settlement")]
    pub bank: Option<String>,
    /// Of a settlement or a chargeback: `bkash`, `nagad`, `rocket` or `card`.
    #[schema(value_type = Option<String>, example = "bkash")]
    pub provider: Option<Provider>,
    /// How much in all, paisa.
    #[schema(minimum = 1, maximum = 100_000_000_000_000i64)]
    pub amount_paisa: i64,
    /// Of it the fee of a settlement, or our share of a chargeback, paisa.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100_000_000_000_000i64)]
    pub part_paisa: i64,
    /// What the paper is called: the line, the receipt, the report. No names, phone numbers or addresses.
    #[schema(min_length = 1, max_length = 64)]
    pub reference: String,
    /// Only say what would be posted.
    #[serde(default)]
    pub dry_run: bool,
}

/// An entry, or what it would be.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EntryAnswer {
    /// The entry; absent in a dry run.
    #[schema(value_type = Option<Id>)]
    pub entry: Option<Subject>,
    /// `entered`; `waiting` for a second person; `withdrawn`; or `dry_run`.
    pub state: String,
    /// By which rule it posts.
    pub rule: String,
    /// What it posts.
    pub postings: Vec<EntryPosting>,
    /// Whether a second person has to agree.
    pub needs_two: bool,
}

/// One line of what an entry posts.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EntryPosting {
    /// As the books write an account.
    pub account: String,
    /// Debit positive, credit negative.
    pub amount_paisa: i64,
}

/// Enters, or proposes where two have to agree.
///
/// # Errors
/// `bad_amount`, `bad_text`, `bad_bank`, `bad_entry`, `reference_used`, `line_waits`, `more_than_held`, and those of [`paper`] and [`chargeback`].
pub async fn enter(conn: &mut PgConnection, request: &EntryRequest, maker: Id16, stamp: Stamp) -> Decided<EntryAnswer> {
    let entered = read(conn, request, maker).await?;
    let (way, line) = check(conn, &entered, None).await?;
    let entry = Subject::new(Kind::Entry, stamp.id(1));
    let settings = Settings::at(conn, stamp.now_ms).await?;
    let needs_two = needs_two(&entered, settings.two_people_from());
    let state = match (request.dry_run, needs_two) {
        (true, _) => "dry_run",
        (false, true) => "waiting",
        (false, false) => "entered",
    };
    let told = answer((!request.dry_run).then_some(entry), state, &way, needs_two);
    match state {
        "entered" => Ok((drafts(conn, entry, entered, line).await?, told)),
        "waiting" => {
            propose(conn, entry, &entered, stamp.now_ms).await?;
            Ok((Vec::new(), told))
        }
        _ => Ok((Vec::new(), told)),
    }
}

/// What the bank or a provider says by itself needs one person; what is given up needs two, however little it is.
fn needs_two(entered: &Entered, from: Taka) -> bool {
    match Entry::of(entered.what) {
        Some(Entry::Settled) => false,
        Some(Entry::ClaimLost | Entry::LossPaid | Entry::BagStolen | Entry::ChargedBack | Entry::ChargedBackEarly) => {
            true
        }
        _ => entered.amount >= from,
    }
}

fn answer(entry: Option<Subject>, state: &str, way: &Way, needs_two: bool) -> EntryAnswer {
    let line =
        |account: &Account, amount: Taka| EntryPosting { account: account.to_string(), amount_paisa: amount.paisa() };
    let debits = way.debits.iter().map(|(account, amount)| line(account, *amount));
    let credits = way.credits.iter().map(|(account, amount)| line(account, amount.negated()));
    EntryAnswer {
        entry,
        state: state.to_owned(),
        rule: way.rule.name().to_owned(),
        postings: debits.chain(credits).filter(|posting| posting.amount_paisa != 0).collect(),
        needs_two,
    }
}

async fn read(conn: &mut PgConnection, request: &EntryRequest, maker: Id16) -> Result<Entered, Error> {
    let Some((what, _)) = Entry::ALL.iter().find(|(_, word)| *word == request.what) else {
        let next = "Take one of the words that this path describes.";
        return Err(Error::refuse(422, "bad_entry", "This is nothing that can be entered.", next));
    };
    let named = match (&request.bank, request.dry_run) {
        (Some(name), true) => Some(bank_of(name)?),
        (Some(name), false) => Some(bank(conn, name).await?),
        (None, _) => None,
    };
    // The bank is the owner of what is about the bank alone, and the other side of everything else.
    let (owner, other) = match (what, named) {
        (Entry::Settled | Entry::VatPaid, Some(bank)) if request.owner.is_none() => (Some(bank), request.other),
        (_, Some(bank)) if request.other.is_none() => (request.owner, Some(bank)),
        (_, Some(_)) => (None, None),
        (_, None) => (request.owner, request.other),
    };
    Ok(Entered {
        what: *what as u8,
        owner: owner.ok_or_else(unfit)?,
        other,
        provider: request.provider.map_or(0, |provider| provider as u8),
        amount: amount(request.amount_paisa, 1)?,
        part: amount(request.part_paisa, 0)?,
        reference: text(&request.reference, "The reference")?,
        maker,
        checker: None,
    })
}

fn unfit() -> Error {
    let next = "settled: bank, provider, the fee in part_paisa; vat_paid: bank; float_issued: a site and bank; pay_accrued: \
                an agent; pay_paid: an agent and bank; security_taken: an agent or site, and bank; bag_stolen: a bag; \
                claim_paid: a bag or parcel, and bank; claim_lost: a bag or parcel; loss_paid: a vendor, the parcel in other; \
                loss_charged: an agent or site, the parcel in other; loss_claimed: a parcel; netted: a vendor; \
                credit_issued: a customer; charged_back: a vendor, the order in other, provider, our share in part_paisa; \
                charged_back_early: the order (from escrow), or the customer with the order in other, and provider.";
    Error::refuse(422, "bad_entry", "This entry does not fit what it names.", next)
}

/// Holds an entry against the books and against the papers before it; with its journal the line on suspense that it is.
async fn check(
    conn: &mut PgConnection,
    entered: &Entered,
    own: Option<Subject>,
) -> Result<(Way, Option<Subject>), Error> {
    let way = way(entered).ok_or_else(unfit)?;
    paper::is_new(conn, entered, own).await?;
    let debited = entered.amount;
    if let Some(account) = way.held {
        holds(conn, account, debited).await?;
    }
    // What a statement brought first stands on suspense: it is explained, not recorded once more.
    let line = match credits_bank(entered) {
        Some((bank, credited)) => waiting_line(conn, bank.0, &entered.reference, credited, false).await?,
        None => None,
    };
    match Entry::of(entered.what) {
        // What is kept from a vendor has to be there on both sides.
        Some(Entry::Netted) => holds(conn, Code::VendorAvailable.of_owner(entered.owner), debited).await?,
        Some(Entry::FloatIssued | Entry::SecurityTaken | Entry::PayAccrued) => {
            paper::is_known(conn, entered.owner).await?
        }
        Some(Entry::LossPaid) => paper::is_lost(conn, entered).await?,
        Some(Entry::LossCharged | Entry::LossClaimed) => paper::is_answered(conn, entered).await?,
        Some(Entry::BagStolen) => paper::is_on_its_way(conn, entered.owner).await?,
        Some(Entry::Settled) => chargeback::was_taken(conn, entered).await?,
        Some(Entry::ChargedBack) => chargeback::is_nobody_elses(conn, entered).await?,
        Some(Entry::ChargedBackEarly) => chargeback::is_the_customers(conn, entered).await?,
        _ => {}
    }
    Ok((way, line))
}

/// The entry, and of a credit that waited on suspense that it is this.
async fn drafts(
    conn: &mut PgConnection,
    entry: Subject,
    entered: Entered,
    line: Option<Subject>,
) -> Result<Vec<Draft>, sqlx::Error> {
    let identified = identify(conn, line, entry).await?;
    let entered = Draft { subject: entry, fact: Fact::Entered(entered) };
    Ok([entered].into_iter().chain(identified).collect())
}

/// The account at a bank that an entry credits, as its statement shows it.
fn credits_bank(entered: &Entered) -> Option<(Subject, Taka)> {
    match Entry::of(entered.what)? {
        Entry::Settled => Some((entered.owner, entered.amount.minus(entered.part))),
        Entry::SecurityTaken | Entry::ClaimPaid => Some((entered.other?, entered.amount)),
        _ => None,
    }
}

/// The account holds the amount: an asset on its debit side, a liability on its credit side.
async fn holds(conn: &mut PgConnection, account: Account, amount: Taka) -> Result<(), Error> {
    let balance = ledger::balance(conn, account).await?;
    let held = if (account.code as u16) < 2_000 { balance } else { balance.negated() };
    if amount <= held {
        return Ok(());
    }
    let next = "Look at the account's lines: GET /api/v1/finance/accounts/{code.owner}/lines.";
    let holder = format!("The account {account} holds");
    Err(beyond("more_than_held", &holder, "the entry", held, amount, next))
}

async fn propose(conn: &mut PgConnection, entry: Subject, entered: &Entered, now_ms: u64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into proposed_entry (subject, fact, what, owner, other, provider, amount_paisa, part_paisa, reference, maker,
            proposed_at_ms, state)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'waiting')",
    )
    .bind(entry.0)
    .bind(Fact::Entered(entered.clone()).encode())
    .bind(Entry::of(entered.what).map_or("", Entry::word))
    .bind(entered.owner.0)
    .bind(entered.other.map(|other| other.0))
    .bind(i16::from(entered.provider))
    .bind(entered.amount.paisa())
    .bind(entered.part.paisa())
    .bind(&entered.reference)
    .bind(entered.maker.0)
    .bind(signed(now_ms))
    .execute(conn)
    .await
    .map(drop)
}

/// The number of [`Entered`] in the catalogue of facts.
const ENTERED: u16 = 0x1093;

async fn proposal(conn: &mut PgConnection, entry: Subject) -> Result<Entered, Error> {
    let row: Option<(Vec<u8>, String)> = sqlx::query_as("select fact, state from proposed_entry where subject = $1")
        .bind(entry.0)
        .fetch_optional(conn)
        .await?;
    let Some((fact, state)) = row else {
        let next = "Copy the id from GET /api/v1/finance/entries?status=waiting.";
        return Err(Error::refuse(404, "unknown_entry", "No proposal has this id.", next));
    };
    if state != "waiting" {
        let told = format!("This proposal is {state} already.");
        let state = serde_json::json!({ "state": state });
        return Err(Error::refuse_in_state(409, "entry_ended", told, "Look at the entries again.", state));
    }
    match Fact::read(ENTERED, &fact) {
        Reading::Known(Fact::Entered(entered)) => Ok(entered),
        _ => Err(anyhow::anyhow!("a proposed entry does not read as one").into()),
    }
}

/// The second person agrees, and the entry is posted as it stands then.
///
/// # Errors
/// `unknown_entry`, `entry_ended`, `same_person`, and those of [`enter`].
pub async fn approve(conn: &mut PgConnection, entry: Subject, checker: Id16) -> Decided<EntryAnswer> {
    let mut entered = proposal(conn, entry).await?;
    if entered.maker == checker {
        let next = "Ask somebody else in finance: the one who proposed it cannot agree to it.";
        return Err(Error::refuse(409, "same_person", "You proposed this entry yourself.", next));
    }
    entered.checker = Some(checker);
    let (way, line) = check(conn, &entered, Some(entry)).await?;
    end(conn, entry, "entered").await?;
    let told = answer(Some(entry), "entered", &way, true);
    Ok((drafts(conn, entry, entered, line).await?, told))
}

/// Takes a proposal back; nothing was posted.
///
/// # Errors
/// `unknown_entry`, `entry_ended`.
pub async fn withdraw(conn: &mut PgConnection, entry: Subject) -> Decided<EntryAnswer> {
    let entered = proposal(conn, entry).await?;
    end(conn, entry, "withdrawn").await?;
    let told = way(&entered).map(|way| answer(Some(entry), "withdrawn", &way, true)).ok_or_else(unfit)?;
    Ok((Vec::new(), told))
}

async fn end(conn: &mut PgConnection, entry: Subject, state: &str) -> Result<(), sqlx::Error> {
    sqlx::query("update proposed_entry set state = $2 where subject = $1")
        .bind(entry.0)
        .bind(state)
        .execute(conn)
        .await
        .map(drop)
}
