//! From the till to the bank, as finance records it: bags, deposits, what the bank confirms, sweeps and
//! partners' remittances. Every function decides under the intake lock, by the rows as they stand.

use data_encoding::HEXLOWER;
use protocol::account::{Account, Code};
use protocol::decide::Draft;
use protocol::fact::{
    BagIn, BagSealed, DepositConfirmed, Deposited, Fact, LineIdentified, MAX_BAGS, PartnerRemitted, Swept,
};
use protocol::id::{Kind, Subject};
use protocol::stamp::Stamp;
use protocol::taka::{Taka, digit_value};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::ledger;
use crate::problem::Error;
use crate::schema::Id;

/// Longest seal, slip or reference, characters.
const MAX_TEXT: usize = 64;
/// Length of a bank account's short name, characters.
const NAME_LENGTH: std::ops::RangeInclusive<usize> = 2..=32;
/// A credit beyond this many times what was sealed in is a slip of the finger.
const ABSURD_TIMES: i64 = 10;

/// Cash leaves a till in a sealed bag.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "site": "S01KASWBNZ0M6SC7N75YR3HGA9T2", "seal": "A-1041", "amount_paisa": 106_900 }))]
pub struct BagRequest {
    /// Whose till.
    #[schema(value_type = Id)]
    pub site: Subject,
    /// Number of the seal.
    #[schema(min_length = 1, max_length = 64)]
    pub seal: String,
    /// How much, paisa.
    #[schema(minimum = 1, maximum = 100_000_000_000_000i64)]
    pub amount_paisa: i64,
}

/// A recorded bag.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BagAnswer {
    /// The bag.
    #[schema(value_type = Id)]
    pub bag: Subject,
    /// Whose till it came from.
    #[schema(value_type = Id)]
    pub site: Subject,
    /// Number of the seal.
    pub seal: String,
    /// How much is in it, paisa.
    pub amount_paisa: i64,
}

/// Bags are brought to the bank.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "bank": "dbbl-settlement", "slip": "88123", "bags": ["B01KASWBNZ0M6SC7N75YR3HGA9T2"] }))]
pub struct DepositRequest {
    /// Short name of the settlement account: `a-z`, `0-9`, `-`.
    #[schema(min_length = 2, max_length = 32, pattern = "^[a-z0-9-]+$", example = "dbbl-settlement")]
    pub bank: String,
    /// Number of the slip.
    #[schema(min_length = 1, max_length = 64)]
    pub slip: String,
    /// Which bags.
    #[schema(value_type = Vec<Id>)]
    pub bags: Vec<Subject>,
}

/// A recorded deposit.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DepositAnswer {
    /// The deposit.
    #[schema(value_type = Id)]
    pub deposit: Subject,
    /// Σ of what was sealed in, paisa.
    pub sealed_paisa: i64,
    /// Which bags.
    #[schema(value_type = Vec<Id>)]
    pub bags: Vec<Subject>,
}

/// The bank's statement shows a deposit.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reference": "line 17", "credited_paisa": 106_900 }))]
pub struct ConfirmRequest {
    /// The line of the statement.
    #[schema(min_length = 1, max_length = 64)]
    pub reference: String,
    /// How much the bank credited, paisa.
    #[schema(minimum = 0, maximum = 100_000_000_000_000i64)]
    pub credited_paisa: i64,
}

/// A confirmed deposit.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ConfirmAnswer {
    /// The deposit.
    #[schema(value_type = Id)]
    pub deposit: Subject,
    /// Σ of what was sealed in, paisa.
    pub sealed_paisa: i64,
    /// What the bank credited, paisa.
    pub credited_paisa: i64,
    /// Credited less sealed: negative is owed by the sites that sealed, positive waits for an owner.
    pub difference_paisa: i64,
}

/// Our own money leaves the settlement account.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "from": "dbbl-settlement", "to": "city", "amount_paisa": 19_550, "reference": "UTR 2" }))]
pub struct SweepRequest {
    /// Short name of the settlement account.
    #[schema(min_length = 2, max_length = 32, pattern = "^[a-z0-9-]+$", example = "dbbl-settlement")]
    pub from: String,
    /// Short name of the operating account.
    #[schema(min_length = 2, max_length = 32, pattern = "^[a-z0-9-]+$", example = "dbbl-settlement")]
    pub to: String,
    /// How much, paisa.
    #[schema(minimum = 1, maximum = 100_000_000_000_000i64)]
    pub amount_paisa: i64,
    /// The bank's reference.
    #[schema(min_length = 1, max_length = 64)]
    pub reference: String,
}

/// A recorded sweep.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SweepAnswer {
    /// The sweep.
    #[schema(value_type = Id)]
    pub sweep: Subject,
    /// How much, paisa.
    pub amount_paisa: i64,
}

/// A partner remits what he took for us, less his commission.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "site": "S01KASWBNZ0M6SC7N75YR3HGA9T2", "bank": "dbbl-settlement", "net_paisa": 100_000, "commission_paisa": 6_900, "reference": "line 18" }))]
pub struct RemittanceRequest {
    /// The partner's point.
    #[schema(value_type = Id)]
    pub site: Subject,
    /// Short name of the settlement account.
    #[schema(min_length = 2, max_length = 32, pattern = "^[a-z0-9-]+$", example = "dbbl-settlement")]
    pub bank: String,
    /// What arrived, paisa.
    #[schema(minimum = 0, maximum = 100_000_000_000_000i64)]
    pub net_paisa: i64,
    /// What he kept for himself, paisa.
    #[schema(minimum = 0, maximum = 100_000_000_000_000i64)]
    pub commission_paisa: i64,
    /// The line of the statement.
    #[schema(min_length = 1, max_length = 64)]
    pub reference: String,
}

/// A recorded remittance.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RemittanceAnswer {
    /// The remittance.
    #[schema(value_type = Id)]
    pub remittance: Subject,
    /// What the partner no longer owes, paisa.
    pub gross_paisa: i64,
    /// What he still owes, paisa.
    pub owed_paisa: i64,
}

/// Facts to be recorded, and the answer.
pub type Decided<T> = Result<(Vec<Draft>, T), Error>;

/// J13: cash leaves a till in a sealed bag.
///
/// # Errors
/// `bad_amount`, `bad_text`, `unknown_site`, `seal_used`, `more_than_held`.
pub async fn seal(connection: &mut PgConnection, request: &BagRequest, stamp: Stamp) -> Decided<BagAnswer> {
    let amount = amount(request.amount_paisa, 1)?;
    let seal = text(&request.seal, "The number of the seal")?;
    known_site(connection, request.site).await?;
    let used: Option<([u8; 17],)> = sqlx::query_as("select subject from view_bag where seal = $1 limit 1")
        .bind(&seal)
        .fetch_optional(&mut *connection)
        .await?;
    if let Some((bag,)) = used {
        let told = format!("The seal {seal} is on the bag {} already.", Subject(bag));
        return Err(Error::refuse(409, "seal_used", told, "Read the number on the bag again."));
    }
    let held = ledger::balance(connection, Code::Till.of_owner(request.site)).await?;
    if amount > held {
        let next = "Count the bag again, or let the till's device sync its facts first.";
        return Err(beyond("more_than_held", "The till holds", "the bag", held, amount, next));
    }
    let bag = Subject::new(Kind::Bag, stamp.id(1));
    let fact = Fact::BagSealed(BagSealed { site: request.site, seal: seal.clone(), amount });
    let answer = BagAnswer { bag, site: request.site, seal, amount_paisa: amount.paisa() };
    Ok((vec![Draft { subject: bag, fact }], answer))
}

/// Bags are brought to the bank; nothing is posted until it confirms.
///
/// # Errors
/// `bad_bags`, `bad_bank`, `bad_text`, `unknown_bag`, `bag_deposited`, `bag_stolen`.
pub async fn deposit(connection: &mut PgConnection, request: &DepositRequest, stamp: Stamp) -> Decided<DepositAnswer> {
    let slip = text(&request.slip, "The number of the slip")?;
    let distinct: std::collections::BTreeSet<&Subject> = request.bags.iter().collect();
    if request.bags.is_empty() || request.bags.len() > MAX_BAGS || distinct.len() != request.bags.len() {
        let told = format!("A deposit takes from 1 to {MAX_BAGS} bags, each once.");
        return Err(Error::refuse(422, "bad_bags", told, "Name each bag once; split a larger deposit."));
    }
    let bank = bank(connection, &request.bank).await?;
    let rows: Vec<([u8; 17], [u8; 17], i64, Option<[u8; 17]>, bool)> = sqlx::query_as(
        "select b.subject, b.site, b.amount_paisa, d.deposit, exists (
             select 1 from view_entry e where e.what = 'bag_stolen' and e.owner = b.subject)
         from view_bag b left join view_deposit_bag d on d.bag = b.subject
         where b.subject = any($1) and b.site is not null",
    )
    .bind(request.bags.iter().map(|bag| bag.0).collect::<Vec<_>>())
    .fetch_all(&mut *connection)
    .await?;
    let mut bags = Vec::with_capacity(request.bags.len());
    for bag in &request.bags {
        let Some((_, site, paisa, deposited, stolen)) = rows.iter().find(|row| row.0 == bag.0) else {
            let next = "Copy the bag's id as POST /api/v1/finance/bags gave it.";
            return Err(Error::refuse(422, "unknown_bag", format!("There is no bag {bag}."), next));
        };
        if *stolen {
            let told = format!("The bag {bag} was entered as stolen.");
            return Err(Error::refuse(409, "bag_stolen", told, "Leave the bag out; if it was found, tell finance."));
        }
        if let Some(other) = deposited {
            let told = format!("The bag {bag} is in the deposit {} already.", Subject(*other));
            let state = serde_json::json!({ "bag": bag, "deposit": Subject(*other) });
            return Err(Error::refuse_in_state(409, "bag_deposited", told, "Leave the bag out.", state));
        }
        bags.push(BagIn { bag: *bag, site: Subject(*site), amount: ledger::paisa(*paisa) });
    }
    let deposit = Subject::new(Kind::Deposit, stamp.id(1));
    let sealed: Taka = bags.iter().map(|bag| bag.amount).sum();
    let fact = Fact::Deposited(Deposited { bank, slip, bags });
    let answer = DepositAnswer { deposit, sealed_paisa: sealed.paisa(), bags: request.bags.clone() };
    Ok((vec![Draft { subject: deposit, fact }], answer))
}

/// J13a, J13b: the bank's statement shows the deposit, with the bank's figure.
///
/// # Errors
/// `bad_amount`, `bad_text`, `unknown_deposit`, `already_confirmed`, `absurd_amount`, `reference_used`, `line_waits`.
pub async fn confirm(
    connection: &mut PgConnection,
    deposit: Subject,
    request: &ConfirmRequest,
) -> Decided<ConfirmAnswer> {
    let credited = amount(request.credited_paisa, 0)?;
    let reference = text(&request.reference, "The line of the statement")?;
    let row: Option<(Option<[u8; 17]>, i64, Option<i64>, String)> =
        sqlx::query_as("select bank, sealed_paisa, credited_paisa, reference from view_deposit where subject = $1")
            .bind(deposit.0)
            .fetch_optional(&mut *connection)
            .await?;
    let Some((Some(bank), sealed, before, line)) = row else {
        let next = "Copy the id as POST /api/v1/finance/deposits gave it.";
        return Err(Error::refuse(404, "unknown_deposit", "There is no deposit of this id.", next));
    };
    if let Some(before) = before {
        let told = format!("The bank confirmed {} taka for this deposit already.", ledger::paisa(before));
        let state = serde_json::json!({ "credited_paisa": before, "reference": line });
        return Err(Error::refuse_in_state(409, "already_confirmed", told, "Look at the deposit.", state));
    }
    let sealed = ledger::paisa(sealed);
    if credited.paisa() / ABSURD_TIMES > sealed.paisa() {
        let next = "Read the statement again; the amount is in paisa.";
        return Err(beyond("absurd_amount", "The bags hold", "the statement", sealed, credited, next));
    }
    unused_reference(connection, bank, &reference).await?;
    let line = waiting_line(connection, bank, &reference, credited, true).await?;
    let identified = identify(connection, line, deposit).await?;
    let answer = ConfirmAnswer {
        deposit,
        sealed_paisa: sealed.paisa(),
        credited_paisa: credited.paisa(),
        difference_paisa: credited.minus(sealed).paisa(),
    };
    let fact = Fact::DepositConfirmed(DepositConfirmed { reference, credited });
    let confirmed = Draft { subject: deposit, fact };
    Ok(([confirmed].into_iter().chain(identified).collect(), answer))
}

/// J18: our own money leaves the settlement account.
///
/// # Errors
/// `bad_amount`, `bad_text`, `bad_bank`, `bank_too_low`.
pub async fn sweep(connection: &mut PgConnection, request: &SweepRequest, stamp: Stamp) -> Decided<SweepAnswer> {
    let amount = amount(request.amount_paisa, 1)?;
    let reference = text(&request.reference, "The bank's reference")?;
    let (from, to) = (bank(connection, &request.from).await?, bank(connection, &request.to).await?);
    if from == to {
        let next = "Name two accounts: the settlement account, and the operating account.";
        return Err(Error::refuse(422, "bad_bank", "A sweep goes from one account to another.", next));
    }
    bank_holds(connection, from, amount, "the sweep").await?;
    let sweep = Subject::new(Kind::Sweep, stamp.id(1));
    let fact = Fact::Swept(Swept { from, to, amount, reference });
    Ok((vec![Draft { subject: sweep, fact }], SweepAnswer { sweep, amount_paisa: amount.paisa() }))
}

/// J36a: a partner remits what he took for us, less his commission.
///
/// # Errors
/// `bad_amount`, `bad_text`, `bad_bank`, `unknown_site`, `more_than_owed`, `reference_used`, `line_waits`.
pub async fn remit(
    connection: &mut PgConnection,
    request: &RemittanceRequest,
    stamp: Stamp,
) -> Decided<RemittanceAnswer> {
    let (net, commission) = (amount(request.net_paisa, 0)?, amount(request.commission_paisa, 0)?);
    let gross = net.plus(commission);
    amount(gross.paisa(), 1)?;
    let reference = text(&request.reference, "The line of the statement")?;
    known_site(connection, request.site).await?;
    let bank = bank(connection, &request.bank).await?;
    let owed = ledger::balance(connection, Code::PartnerReceivable.of_owner(request.site)).await?;
    if gross > owed {
        let next = "Read the statement again, or let the partner's device sync its facts first.";
        return Err(beyond("more_than_owed", "The partner owes", "the remittance", owed, gross, next));
    }
    unused_reference(connection, bank.0, &reference).await?;
    let line = waiting_line(connection, bank.0, &reference, net, false).await?;
    let remittance = Subject::new(Kind::Remittance, stamp.id(1));
    let identified = identify(connection, line, remittance).await?;
    let fact = Fact::PartnerRemitted(PartnerRemitted { site: request.site, bank, net, commission, reference });
    let owed_paisa = owed.minus(gross).paisa();
    let answer = RemittanceAnswer { remittance, gross_paisa: gross.paisa(), owed_paisa };
    let remitted = Draft { subject: remittance, fact };
    Ok(([remitted].into_iter().chain(identified).collect(), answer))
}

/// The account at a bank behind a short name; a new name is remembered with the request.
///
/// # Errors
/// `bad_bank`.
pub(crate) async fn bank(connection: &mut PgConnection, name: &str) -> Result<Subject, Error> {
    let subject = bank_of(name)?;
    sqlx::query("insert into bank (subject, name) values ($1, $2) on conflict do nothing")
        .bind(subject.0)
        .bind(name)
        .execute(connection)
        .await?;
    Ok(subject)
}

/// The account at a bank behind a short name.
///
/// # Errors
/// `bad_bank`.
pub(crate) fn bank_of(name: &str) -> Result<Subject, Error> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !NAME_LENGTH.contains(&name.len()) || !name.bytes().all(plain) {
        let next = "Name the account by 2 to 32 characters: a-z, 0-9 and -.";
        return Err(Error::refuse(422, "bad_bank", "This is not the short name of a bank account.", next));
    }
    Ok(Subject::bank(name))
}

/// The credit on suspense that is this very money, brought by a statement before anybody recorded what it is: whoever
/// records it explains it with the same word, for it is in the account once. What is recorded before (`exists`) can be
/// named by whoever explains the line, so there the amount alone is enough to make sure first.
///
/// # Errors
/// `line_waits` when one has this reference and another amount, or this amount and no reference of its own; or, of what
/// exists, this amount.
pub(crate) async fn waiting_line(
    connection: &mut PgConnection,
    bank: [u8; 17],
    reference: &str,
    amount: Taka,
    exists: bool,
) -> Result<Option<Subject>, Error> {
    let waits: Option<([u8; 17], String, i64)> = sqlx::query_as(
        "select subject, reference, amount_paisa from statement_line
         where bank = $1 and state = 'booked' and amount_paisa > 0
           and (reference = $2 or (amount_paisa = $3 and (reference = '' or $4)))
         order by reference = $2 desc, amount_paisa = $3 desc, subject limit 1",
    )
    .bind(bank)
    .bind(reference)
    .bind(amount.paisa())
    .bind(exists)
    .fetch_optional(connection)
    .await?;
    let Some((line, its, credited)) = waits else { return Ok(None) };
    if its == reference && credited == amount.paisa() {
        return Ok(Some(Subject(line)));
    }
    let credited = ledger::paisa(credited);
    let told = format!("The line {} of a statement, of {credited} taka, waits for what it is.", Subject(line));
    let next = "Give the line's own reference and amount when it is this money; the credit is in the books once. Else say of \
                the line what it is: POST /api/v1/finance/lines/{id}/explain.";
    let state = serde_json::json!({ "line": Subject(line), "credited_paisa": credited.paisa() });
    Err(Error::refuse_in_state(409, "line_waits", told, next, state))
}

/// Says of a line on suspense that it is this thing.
pub(crate) async fn identify(
    connection: &mut PgConnection,
    line: Option<Subject>,
    thing: Subject,
) -> Result<Option<Draft>, sqlx::Error> {
    let Some(line) = line else { return Ok(None) };
    sqlx::query(
        "update statement_line set state = 'matched', why = 'reference', things = array[$2] where subject = $1",
    )
    .bind(line.0)
    .bind(thing.0)
    .execute(connection)
    .await?;
    Ok(Some(Draft { subject: line, fact: Fact::LineIdentified(LineIdentified { subject: thing }) }))
}

/// A bank account is never booked below zero.
pub(crate) async fn bank_holds(
    connection: &mut PgConnection,
    bank: Subject,
    amount: Taka,
    what: &str,
) -> Result<(), Error> {
    let account: Account = Code::Settlement.of_owner(bank);
    let held = ledger::balance(connection, account).await?;
    if amount > held {
        let next = "Confirm the deposits that the statement shows first, or name another account.";
        return Err(beyond("bank_too_low", "The account holds", what, held, amount, next));
    }
    Ok(())
}

/// An amount of paisa from `least` up.
///
/// # Errors
/// `bad_amount`.
pub(crate) fn amount(paisa: i64, least: i64) -> Result<Taka, Error> {
    Taka::from_paisa(paisa).filter(|amount| amount.paisa() >= least).ok_or_else(|| {
        let told = format!("The amount must be from {least} to {} paisa.", Taka::MAX_PAISA);
        Error::refuse(422, "bad_amount", told, "Send the amount in paisa, 100 to a taka.")
    })
}

/// A short text as it is kept: one spelling, Bangla digits as ASCII digits.
///
/// # Errors
/// `bad_text`.
pub(crate) fn text(text: &str, what: &str) -> Result<String, Error> {
    let digit = |c: char| digit_value(c).and_then(|value| char::from_digit(u32::try_from(value).ok()?, 10));
    let plain: String = text.trim().chars().map(|c| digit(c).unwrap_or(c)).collect();
    let length = plain.chars().count();
    // Three bytes a character keep it inside the limit of a fact.
    if length == 0 || length > MAX_TEXT || plain.len() > 3 * MAX_TEXT || plain.chars().any(char::is_control) {
        let told = format!("{what} must be 1 to {MAX_TEXT} characters of plain text.");
        return Err(Error::refuse(422, "bad_text", told, "Copy it as it is printed."));
    }
    Ok(plain)
}

/// A no with both numbers.
pub(crate) fn beyond(
    code: &'static str,
    holder: &str,
    what: &str,
    held: Taka,
    entered: Taka,
    next: &'static str,
) -> Error {
    let told = format!("{holder} {held} taka, {what} says {entered}.");
    let state = serde_json::json!({ "held_paisa": held.paisa(), "entered_paisa": entered.paisa() });
    Error::refuse_in_state(409, code, told, next, state)
}

pub(crate) async fn known_site(connection: &mut PgConnection, site: Subject) -> Result<(), Error> {
    let (known,): (bool,) = sqlx::query_as(
        "select exists (select 1 from site where subject = $1)
             or exists (select 1 from seat where party = $1 and role = 'site')",
    )
    .bind(site.0)
    .fetch_one(connection)
    .await?;
    if known && site.kind() == Some(Kind::Site) {
        return Ok(());
    }
    let next = "Copy the site's id as operations gave it.";
    Err(Error::refuse(422, "unknown_site", "There is no site of this id.", next))
}

/// One line of a statement settles one thing.
async fn unused_reference(connection: &mut PgConnection, bank: [u8; 17], reference: &str) -> Result<(), Error> {
    let used: Option<(String,)> = sqlx::query_as(
        "select encode(subject, 'hex') from view_deposit where bank = $1 and reference = $2
         union all select encode(subject, 'hex') from view_remittance where bank = $1 and reference = $2 limit 1",
    )
    .bind(bank)
    .bind(reference)
    .fetch_optional(connection)
    .await?;
    let Some((by,)) = used else { return Ok(()) };
    let by = HEXLOWER.decode(by.as_bytes()).ok().and_then(|bytes| Subject::from_slice(&bytes));
    let told = format!("The line {reference} was used for {} already.", by.map_or_else(String::new, |s| s.to_string()));
    Err(Error::refuse(409, "reference_used", told, "Read the statement again: one line settles one thing."))
}
