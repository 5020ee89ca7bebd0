//! Reconciliation of an account at a bank or a provider: the lines of a statement against what the books expect there. What fits is
//! confirmed by the facts that say so; a credit that nobody expects stands on suspense under its own name; money that
//! left without a reason stays open until a person says why. A dry run comes to the same answer and records nothing.

mod courier;
mod expected;
mod line;
mod plan;
mod prepaid;

use jiff::Span;
use jiff::civil::Date;
use protocol::account::{Account, Code};
use protocol::fact::{Fact, LineBooked, LineIdentified, PayoutReturned, Provider, ReturnReason};
use protocol::id::{Id16, Kind, Subject};
use protocol::taka::Taka;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::banking::{self, Decided};
use crate::ledger;
use crate::matching::{self, Policy};
use crate::payouts;
use crate::problem::Error;
use crate::schema::Id;
use crate::statement::{Mapping, Reading, Statement, Unreadable};
use courier::Remits;
use line::Line;
use plan::{Plan, State};

/// Lines of one import: matching and signing them keeps everybody else from the books meanwhile.
const MOST_AT_ONCE: usize = 20_000;
/// Rows of each list that an answer holds; the lines themselves page.
const MOST_TOLD: usize = 200;

/// Which side of the books an account is on: at a bank, or at a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Customers' money, 1010.
    Settlement = 1,
    /// Our own, 1020.
    Operating = 2,
    /// What bKash holds of ours, 1030.
    Bkash = 3,
    /// What Nagad holds, 1031.
    Nagad = 4,
    /// What Rocket holds, 1032.
    Rocket = 5,
    /// What the card acquirer holds, 1033.
    Card = 6,
    /// What a courier collected for us, 1130: his file, by parcel.
    Courier = 7,
}

impl Side {
    const ALL: [Self; 7] =
        [Self::Settlement, Self::Operating, Self::Bkash, Self::Nagad, Self::Rocket, Self::Card, Self::Courier];

    /// The account in the books that a statement of `bank` is about.
    fn account(self, bank: Subject) -> Account {
        match self {
            Self::Settlement => Code::Settlement.of_owner(bank),
            Self::Operating => Code::Operating.of_owner(bank),
            Self::Bkash => Code::Bkash.whole(),
            Self::Nagad => Code::Nagad.whole(),
            Self::Rocket => Code::Rocket.whole(),
            Self::Card => Code::Card.whole(),
            Self::Courier => Code::CourierReceivable.of_owner(bank),
        }
    }

    /// Whether it is an account at a bank, where money lies.
    const fn is_bank(self) -> bool {
        matches!(self, Self::Settlement | Self::Operating)
    }

    /// The provider whose statement it is; of a bank's and a courier's, none.
    const fn provider(self) -> Option<Provider> {
        match self {
            Self::Settlement | Self::Operating | Self::Courier => None,
            Self::Bkash => Some(Provider::Bkash),
            Self::Nagad => Some(Provider::Nagad),
            Self::Rocket => Some(Provider::Rocket),
            Self::Card => Some(Provider::Card),
        }
    }

    fn of(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|side| *side as i16 == number)
    }
}

/// What a statement is imported as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// Short name of the account at the bank.
    pub bank: String,
    /// `settlement` or `operating`; of a provider's statement `bkash`, `nagad`, `rocket` or `card`; of a courier's file
    /// `courier`, and `bank` is then his short name.
    pub side: Side,
    /// `auto`, `camt053`, `mt940`, or the name of a CSV layout: `bank` and the others that are built in.
    #[serde(default = "auto")]
    pub format: String,
    /// Only say what would be recorded.
    #[serde(default)]
    pub dry_run: bool,
}

fn auto() -> String {
    "auto".to_owned()
}

impl Import {
    /// How to read the file.
    ///
    /// # Errors
    /// `unknown_format`.
    pub fn reading(&self) -> Result<Reading, Error> {
        match self.format.as_str() {
            "auto" => Ok(Reading::Auto),
            "camt053" => Ok(Reading::Camt053),
            "mt940" => Ok(Reading::Mt940),
            name => Mapping::built_in(name).map(|mapping| Reading::Csv(Box::new(mapping))).ok_or_else(|| {
                let next = format!("Name one of auto, camt053, mt940, {}.", Mapping::BUILT_IN.join(", "));
                Error::refuse(422, "unknown_format", "There is no such format.", next)
            }),
        }
    }
}

impl From<Unreadable> for Error {
    fn from(unreadable: Unreadable) -> Self {
        let Unreadable { code, at, message, next } = unreadable;
        match at {
            Some(at) => Self::refuse_in_state(422, code, message, next, serde_json::json!({ "at": at })),
            None => Self::refuse(422, code, message, next),
        }
    }
}

/// What became of a statement.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Reconciled {
    /// The statement, hex; absent in a dry run.
    pub statement: Option<String>,
    /// Lines of the file.
    pub lines: u64,
    /// Of them, those that an earlier statement had brought.
    pub known: u64,
    /// Lines, of this file or waiting from earlier ones, that were matched now.
    pub matched: u64,
    /// Lines that stand on suspense now.
    pub booked: u64,
    /// Lines that a person has to explain.
    pub open: u64,
    /// What was matched, at most 200.
    pub matches: Vec<LineMatch>,
    /// What was not, at most 200; the rest by `GET /finance/lines`.
    pub exceptions: Vec<LineException>,
    /// Of a courier's file, what he should have sent to the bank: it is posted when a statement shows it.
    pub remitted_paisa: Option<i64>,
    /// What the bank says the account holds at the end.
    pub closing_paisa: Option<i64>,
    /// What the books say after this.
    pub book_paisa: i64,
    /// What nobody has named: closing, less the books without what no statement has shown yet, less what is open. 0, or what
    /// the account held before its first statement; of a statement that is not the latest, also what happened since.
    pub unexplained_paisa: Option<i64>,
}

/// A line, or several, with the things they are.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LineMatch {
    /// The lines.
    #[schema(value_type = Vec<Id>)]
    pub lines: Vec<Subject>,
    /// Deposits, payouts, sweeps, remittances, entries; of a provider's line an order or a refund, of a courier's a parcel.
    #[schema(value_type = Vec<Id>)]
    pub things: Vec<Subject>,
    /// `id`, `reference`, `counterparty`, `sum`, `parts`, `reversed`, `amount_diff`, `came_back` or `carried`; of a line that a
    /// person explained `charge`, `by_hand`, `payout_returned` or `paid_ahead`.
    pub by: String,
    /// Σ of the lines, paisa.
    pub amount_paisa: i64,
}

impl LineMatch {
    /// One line that a person explained, by one thing or by none.
    fn explained(line: &Line, thing: Option<Subject>, by: &str) -> Self {
        let (lines, things) = (vec![line.subject], thing.into_iter().collect());
        Self { lines, things, by: by.to_owned(), amount_paisa: line.amount.paisa() }
    }
}

/// A line, or a thing, that did not fit.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LineException {
    /// `ambiguous_match`, `date_out_of_window`, `amount_diff`, `duplicate_money`, `missing_ours` or `missing_theirs`.
    pub why: String,
    /// The lines.
    #[schema(value_type = Vec<Id>)]
    pub lines: Vec<Subject>,
    /// The things that were looked at.
    #[schema(value_type = Vec<Id>)]
    pub things: Vec<Subject>,
    /// Σ of the lines, or of the things where there is no line, paisa.
    pub amount_paisa: i64,
    /// Lines less things, where that has a meaning.
    pub difference_paisa: i64,
}

/// Imports a statement that was read. `file` is the hash of its bytes.
///
/// # Errors
/// `bad_bank`, `too_many_lines`, `other_account`, `statement_known`, `nothing_remitted`.
pub async fn import(
    conn: &mut PgConnection,
    import: &Import,
    statement: &Statement,
    file: [u8; 32],
    caller: Id16,
    now_ms: u64,
) -> Decided<Reconciled> {
    // A dry run leaves nothing, not even the name.
    let bank = match import.dry_run {
        true => banking::bank_of(&import.bank)?,
        false => banking::bank(conn, &import.bank).await?,
    };
    if statement.lines.len() > MOST_AT_ONCE {
        let told = format!("The file has {} lines; {MOST_AT_ONCE} are taken at once.", statement.lines.len());
        return Err(Error::refuse(422, "too_many_lines", told, "Ask the bank for shorter periods."));
    }
    line::same_account(conn, bank, import.side, &statement.account).await?;
    let id = *blake3::Hasher::new_derive_key("getit statement 1").update(&bank.0).update(&file).finalize().as_bytes();
    line::not_known(conn, &id).await?;
    let fresh = line::of(bank, import.side, statement);
    let known = line::known(conn, &fresh).await?;
    let news = statement.lines.iter().zip(&fresh).filter(|(_, line)| !known.contains(&line.subject));
    let remits = match import.side {
        Side::Courier => Remits::of(bank, news.map(|(line, _)| line))?,
        _ => None,
    };
    let mut lines = line::waiting(conn, bank, import.side).await?;
    lines.extend(fresh.into_iter().filter(|line| !known.contains(&line.subject)));
    let last = statement.lines.iter().map(|line| line.date).max();
    let plan = plan(conn, bank, import.side, &lines, last).await?;
    let book = ledger::balance(conn, import.side.account(bank)).await?.plus(plan.moved);
    if !import.dry_run {
        line::keep_statement(conn, &id, bank, import.side, statement, caller, now_ms).await?;
        line::keep(conn, &id, bank, import.side, &lines, &plan).await?;
        if let (Some(remits), Some(day)) = (&remits, last) {
            courier::keep(conn, &id, remits, day).await?;
        }
    }
    let of_these = lines.iter().zip(&plan.rows).filter(|(_, row)| row.state == State::Open);
    let still_open: Taka = of_these.map(|(line, _)| line.amount).sum();
    let count = |state: State| plan.rows.iter().filter(|row| row.state == state).count() as u64;
    let answer = Reconciled {
        statement: (!import.dry_run).then(|| data_encoding::HEXLOWER.encode(&id)),
        lines: statement.lines.len() as u64,
        known: known.len() as u64,
        matched: count(State::Matched),
        booked: count(State::Booked),
        open: count(State::Open),
        matches: plan.matches.iter().take(MOST_TOLD).cloned().collect(),
        exceptions: plan.exceptions.iter().take(MOST_TOLD).cloned().collect(),
        remitted_paisa: remits.as_ref().map(|remits| remits.net().paisa()),
        closing_paisa: statement.closing.map(Taka::paisa),
        book_paisa: book.paisa(),
        unexplained_paisa: statement
            .closing
            .map(|closing| closing.minus(book).plus(plan.unseen).minus(still_open).paisa()),
    };
    let drafts = if import.dry_run { Vec::new() } else { plan.drafts };
    Ok((drafts, answer))
}

async fn plan(
    conn: &mut PgConnection,
    bank: Subject,
    side: Side,
    lines: &[Line],
    upto: Option<Date>,
) -> Result<Plan, Error> {
    let mut expected = expected::of(conn, bank, side).await?;
    let back = match side {
        Side::Courier => courier::come_back(conn, bank, lines).await?,
        _ => Vec::new(),
    };
    expected.retain(|thing| !courier::brings_back(&back, thing.subject));
    let policy = Policy::default();
    let first = lines.iter().map(|line| line.date).min().unwrap_or(Date::MAX);
    let since = first.saturating_sub(Span::new().days(policy.longest_window_days));
    let before = expected::seen_since(conn, bank, side, since).await?;
    let upto = upto.or_else(|| lines.iter().map(|line| line.date).max()).unwrap_or(Date::MIN);
    // A courier's line of nothing is a parcel that comes back: it is told by itself, and no money is looked for.
    let told = |(_, line): &(u64, &Line)| side != Side::Courier || line.amount != Taka::ZERO;
    let seen: Vec<matching::Line<'_>> = (0..).zip(lines).filter(told).map(|(key, line)| line.seen(key)).collect();
    let wanted: Vec<matching::Expected<'_>> = (0..).zip(&expected).map(|(key, thing)| thing.wanted(key)).collect();
    let outcome = matching::reconcile(&seen, &wanted, &policy, upto);
    let mut plan = plan::of(bank, side, lines, &expected, &before, &outcome);
    courier::tell(bank, lines, &back, &mut plan);
    prepaid::propose(conn, side, lines, &mut plan).await?;
    Ok(plan)
}

/// What a line is, in a person's words.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[schema(example = json!({ "charge": true }))]
pub struct Explained {
    /// It is what the bank charged (J13c).
    #[serde(default)]
    pub charge: bool,
    /// It is this deposit, payout, sweep, remittance or entry; of a credit, a payout that came back, or the order for which
    /// a customer paid ahead.
    #[schema(value_type = Option<Id>)]
    pub thing: Option<Subject>,
}

/// A person says what a line is that the matching left.
///
/// # Errors
/// `bad_explanation`, `unknown_line`, `line_matched`, `unknown_thing`, `amounts_differ`, `not_a_charge`; of a credit that is
/// a payout, `unknown_payout`, `already_returned`; of one that is an order, `not_a_payment`, `unknown_order`,
/// `not_prepaid`, `amount_differs`, `already_paid`.
pub async fn explain(conn: &mut PgConnection, subject: Subject, explained: &Explained) -> Decided<LineMatch> {
    let (line, bank, side) = line::one(conn, subject).await?;
    let thing = match (explained.charge, explained.thing) {
        (true, None) => {
            let draft = plan::charge(&line, bank, side)?;
            line::set(conn, subject, State::Booked, "charge", &[]).await?;
            return Ok((vec![draft], LineMatch::explained(&line, None, "charge")));
        }
        (false, Some(thing)) => thing,
        _ => {
            let next = "Send either {\"charge\": true} or {\"thing\": \"D…\"}.";
            return Err(Error::refuse(422, "bad_explanation", "A line is either a charge or one thing.", next));
        }
    };
    if thing.kind() == Some(Kind::Payout) && line.amount > Taka::ZERO && side.is_bank() {
        return give_back(conn, &line, bank, thing).await;
    }
    if thing.kind() == Some(Kind::Order) {
        return prepaid::pay_ahead(conn, &line, bank, side, thing).await;
    }
    let expected = expected::of(conn, bank, side).await?;
    let Some(thing) = expected.iter().find(|expected| expected.subject == thing) else {
        let next =
            "Name a deposit, payout, sweep, remittance or entry of this account that no line was matched with yet.";
        return Err(Error::refuse(404, "unknown_thing", "This account does not wait for such a thing.", next));
    };
    if !thing.may_be(line.amount) {
        let next = "Only a deposit may be credited with another amount than it says, and never with ten times as much.";
        return Err(banking::beyond("amounts_differ", "The thing is of", "the line", thing.amount, line.amount, next));
    }
    let drafts = plan::settle(bank, &[&line], &[thing]);
    line::set(conn, subject, State::Matched, "by_hand", &[thing.subject]).await?;
    Ok((drafts, LineMatch::explained(&line, Some(thing.subject), "by_hand")))
}

/// A credit is a payout that the bank sent back (J17b).
async fn give_back(conn: &mut PgConnection, line: &Line, bank: Subject, payout: Subject) -> Decided<LineMatch> {
    let sent = payouts::returnable(conn, payout).await?;
    if sent.bank != Some(bank.0) || sent.total != line.amount {
        let next = "Name a payout that left this account with exactly the amount of the line.";
        let held = if sent.bank == Some(bank.0) { sent.total } else { Taka::ZERO };
        return Err(banking::beyond("amounts_differ", "From this account left", "the line", held, line.amount, next));
    }
    let mut drafts = Vec::new();
    match &sent.back {
        // Recorded by hand before the statement came: the line is that return, unless another line is.
        Some(back) if line::brings_back(conn, payout).await? => return Err(payouts::already_returned(back)),
        Some(_) => {}
        None => {
            let back = PayoutReturned { reason: ReturnReason::Other as u8, reference: line.name() };
            drafts.push(protocol::decide::Draft { subject: payout, fact: Fact::PayoutReturned(back) });
        }
    }
    line::set(conn, line.subject, State::Matched, "payout_returned", &[payout]).await?;
    if line.is_booked {
        let fact = Fact::LineIdentified(LineIdentified { subject: payout });
        drafts.push(protocol::decide::Draft { subject: line.subject, fact });
    }
    Ok((drafts, LineMatch::explained(line, Some(payout), "payout_returned")))
}

/// The fact by which a line stands in the books under its own name.
fn booked(line: &Line, bank: Subject, side: Side, what: u8) -> protocol::decide::Draft {
    let (amount, reference) = (line.amount, line.name());
    let fact = Fact::LineBooked(LineBooked { bank, side: side as u8, amount, what, reference });
    debug_assert_eq!(line.subject.kind(), Some(Kind::Line));
    protocol::decide::Draft { subject: line.subject, fact }
}
