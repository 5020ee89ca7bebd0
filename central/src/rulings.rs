//! Rulings on differences: who says what becomes of missing, surplus or doubled money, on whose second word. Each is
//! decided under the intake lock against what is still open of the difference, and is a fact that reaches the devices
//! of those whom it concerns.

use data_encoding::HEXLOWER;
use protocol::account::Code;
use protocol::decide::Draft;
use protocol::fact::{Fact, How, Ruled};
use protocol::id::{Id16, Kind, OpId, Subject};
use protocol::journal::Rule;
use protocol::ruling::{Way, way};
use protocol::stamp::Stamp;
use protocol::taka::Taka;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::banking::{Decided, amount, beyond, known_site, text};
use crate::ledger;
use crate::problem::Error;
use crate::schema::Id;
use crate::settings::Settings;
use crate::store::signed;

/// What is to become of a difference.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "how": "repaid", "cause": "7d1ec0e4f2a1b6c39d0f5e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c",
    "owner": "A01KASWBNZ0M6SC7N75YR3HGA9T2", "other": "S01KASWBNZ0M6SC7N75YR3HGA9T2", "amount_paisa": 20_000,
    "reason": "brought on Sunday, counted twice",
}))]
pub struct RulingRequest {
    /// `repaid`, `written_off`, `to_customer`, `to_giver`, `unclaimed`, `excess_to_customer`, `recorded_in_error`, `owed_to_agent`,
    /// `from_pay`, `from_security`, `expensed`, `conceded`, `conceded_by_vendor`; of what a customer owes `repaid`,
    /// `from_refunds`, `from_credit` or `written_off`.
    pub how: String,
    /// The fact that the difference follows from, 64 hex digits, as `GET /finance/differences` names it.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub cause: String,
    /// Whose difference it is.
    #[schema(value_type = Id)]
    pub owner: Subject,
    /// The site whose till took or gives the cash, the customer, the agent or the vendor, where the way has one.
    #[schema(value_type = Option<Id>)]
    pub other: Option<Subject>,
    /// How much of it, paisa.
    #[schema(minimum = 1, maximum = 100_000_000_000_000i64)]
    pub amount_paisa: i64,
    /// Why, without names, phone numbers or addresses.
    #[schema(min_length = 1, max_length = 64)]
    pub reason: String,
    /// Only say what would be posted.
    #[serde(default)]
    pub dry_run: bool,
}

/// A ruling, or what it would be.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RulingAnswer {
    /// The ruling; absent in a dry run.
    #[schema(value_type = Option<Id>)]
    pub ruling: Option<Subject>,
    /// `ruled`; `waiting` for a second person; or `dry_run`.
    pub state: String,
    /// By which rule it posts.
    pub rule: String,
    /// Debited, as the books write an account.
    pub debit: String,
    /// Credited.
    pub credit: String,
    /// How much, paisa.
    pub amount_paisa: i64,
    /// What is left of the difference after it, paisa.
    pub open_paisa: i64,
    /// Whether a second person has to agree.
    pub needs_two: bool,
}

/// Rules, or proposes where two have to agree.
///
/// # Errors
/// `bad_amount`, `bad_text`, `bad_ruling`, `unknown_difference`, `unknown_site`, `more_than_open`, `more_than_held`,
/// `not_the_customer`, `not_the_collector`, `not_the_vendor`, `not_short_at_door`, `not_paid_out`, `too_young`.
pub async fn rule(
    connection: &mut PgConnection,
    request: &RulingRequest,
    maker: Id16,
    stamp: Stamp,
) -> Decided<RulingAnswer> {
    let ruled = read(request, maker)?;
    let (way, open) = check(connection, &ruled, stamp.now_ms).await?;
    let ruling = Subject::new(Kind::Ruling, stamp.id(1));
    let settings = Settings::at(connection, stamp.now_ms).await?;
    let needs_two = needs_two(connection, &ruled, settings.two_people_from()).await?;
    let state = match (request.dry_run, needs_two) {
        (true, _) => "dry_run",
        (false, true) => "waiting",
        (false, false) => "ruled",
    };
    let told = answer((!request.dry_run).then_some(ruling), state, &way, &ruled, open, needs_two);
    if request.dry_run {
        return Ok((Vec::new(), told));
    }
    if needs_two {
        propose(connection, ruling, &ruled, stamp.now_ms).await?;
        return Ok((Vec::new(), told));
    }
    Ok((vec![Draft { subject: ruling, fact: Fact::Ruled(ruled) }], told))
}

/// Whether a second person has to agree: to what is given up, and from an amount on that counts what was ruled or
/// proposed of this difference before, so that it cannot be cut into pieces.
async fn needs_two(connection: &mut PgConnection, ruled: &Ruled, from: Taka) -> Result<bool, sqlx::Error> {
    let (before,): (i64,) = sqlx::query_as(
        "select (coalesce((select sum(amount_paisa) from view_ruling where cause = $1 and owner = $2), 0)
               + coalesce((select sum(amount_paisa) from proposed_ruling
                           where cause = $1 and owner = $2 and state = 'waiting'), 0))::bigint",
    )
    .bind(ruled.cause.0)
    .bind(ruled.owner.0)
    .fetch_one(connection)
    .await?;
    let together = ledger::paisa(before).plus(ruled.amount);
    let gives_up = [How::WrittenOff, How::Conceded, How::ConcededByVendor].iter().any(|how| ruled.how == *how as u8);
    Ok(gives_up || together >= from)
}

fn answer(ruling: Option<Subject>, state: &str, way: &Way, ruled: &Ruled, open: Taka, needs_two: bool) -> RulingAnswer {
    RulingAnswer {
        ruling,
        state: state.to_owned(),
        rule: way.rule.name().to_owned(),
        debit: way.debit.to_string(),
        credit: way.credit.to_string(),
        amount_paisa: ruled.amount.paisa(),
        open_paisa: open.minus(ruled.amount).paisa(),
        needs_two,
    }
}

fn read(request: &RulingRequest, maker: Id16) -> Result<Ruled, Error> {
    let how = How::ALL.iter().find(|(_, word)| *word == request.how).map(|(how, _)| *how as u8);
    let cause = HEXLOWER.decode(request.cause.as_bytes()).ok().and_then(|id| <[u8; 32]>::try_from(id).ok());
    let (Some(how), Some(cause)) = (how, cause) else {
        let next = "Take `cause` from GET /api/v1/finance/differences, and one of the words that this path describes.";
        return Err(Error::refuse(422, "bad_ruling", "The way or the cause is not one.", next));
    };
    Ok(Ruled {
        how,
        cause: OpId(cause),
        owner: request.owner,
        other: request.other,
        amount: amount(request.amount_paisa, 1)?,
        reason: text(&request.reason, "The reason")?,
        maker,
        checker: None,
    })
}

/// Holds a ruling against the books: the accounts it moves between, and what is open of the difference before it.
async fn check(connection: &mut PgConnection, ruled: &Ruled, now_ms: u64) -> Result<(Way, Taka), Error> {
    let how = How::of(ruled.how);
    let Some((how, way)) = how.and_then(|how| Some((how, way(how, ruled.owner, ruled.other)?))) else {
        let next = "repaid and to_giver need the site in `other`, to_customer and excess_to_customer the customer, \
                    recorded_in_error and owed_to_agent the agent, conceded_by_vendor the vendor; the others need none.";
        return Err(Error::refuse(422, "bad_ruling", "This way does not fit what is in `other`.", next));
    };
    let row: Option<(i64, i64, String)> = sqlx::query_as(
        "select open_paisa, (extract(epoch from since) * 1000)::bigint, rule from finance.difference
         where cause = $1 and owner = $2 and account_code = $3",
    )
    .bind(ruled.cause.0)
    .bind(ruled.owner.0)
    .bind(i32::from(way.difference.code as u16))
    .fetch_optional(&mut *connection)
    .await?;
    let Some((open, since, rule)) = row else {
        let next = "Take cause and owner from GET /api/v1/finance/differences.";
        return Err(Error::refuse(404, "unknown_difference", "There is no such difference to rule on.", next));
    };
    let open = ledger::paisa(open);
    if ruled.amount > open {
        let next = "Look at the difference again: it may have been ruled on, or a late record may have explained it.";
        return Err(beyond("more_than_open", "Still open are", "the ruling", open, ruled.amount, next));
    }
    // A late record may have moved the difference to another cause: the account has to hold the amount, too.
    let stands = ledger::balance(connection, way.difference).await?;
    let owes = matches!(way.difference.code, Code::Shortage | Code::CustomerReceivable);
    let stands = if owes { stands } else { stands.negated() };
    if ruled.amount > stands {
        let next = "Look at all differences of this owner: a late record has explained some of them.";
        return Err(beyond("more_than_open", "The account holds", "the ruling", stands, ruled.amount, next));
    }
    match how {
        How::Repaid => known_site(connection, ruled.other.unwrap_or(ruled.owner)).await?,
        How::ToGiver => {
            known_site(connection, ruled.other.unwrap_or(ruled.owner)).await?;
            let held = ledger::balance(connection, way.credit).await?;
            if ruled.amount > held {
                let next = "Let the till's device sync first, or pay it out of another till.";
                return Err(beyond("more_than_held", "The till holds", "the ruling", held, ruled.amount, next));
            }
        }
        How::Unclaimed => {
            let settings = Settings::at(connection, now_ms).await?;
            if now_ms < u64::try_from(since).unwrap_or(0).saturating_add(settings.unclaimed_after_ms()) {
                let told = format!("The surplus is younger than {} days.", settings.unclaimed_after_days);
                let next = "Look for whose it is; after that time it may be ruled unclaimed.";
                return Err(Error::refuse(409, "too_young", told, next));
            }
        }
        How::ToCustomer | How::ExcessToCustomer => is_customer(connection, ruled).await?,
        How::RecordedInError => {
            is_collector(connection, ruled).await?;
            // What he has handed in since, without that cash, is missing on his name already, or was his own.
            if has_handed_in_since(connection, ruled).await? {
                let next = "Rule that it is owed to him (owed_to_agent), and keep from that what he was short.";
                return Err(Error::refuse(409, "handed_in_since", "The agent has handed in cash since.", next));
            }
            let held = ledger::balance(connection, way.credit).await?;
            if ruled.amount > held {
                let next = "Let the devices of his hub sync first: a hand-in of his is not here yet.";
                return Err(beyond("more_than_held", "The agent holds", "the ruling", held, ruled.amount, next));
            }
        }
        How::OwedToAgent => {
            is_collector(connection, ruled).await?;
            if !has_handed_in_since(connection, ruled).await? {
                let next = "He was charged for nothing: take the record off his account (recorded_in_error).";
                return Err(Error::refuse(409, "not_handed_in", "The agent has handed in nothing since.", next));
            }
        }
        How::FromPay | How::FromSecurity | How::FromRefunds | How::FromCredit => {
            // All are ours to give: what is kept has to be there.
            let held = ledger::balance(connection, way.debit).await?.negated();
            if ruled.amount > held {
                let next = "Keep less of it, and let the rest be repaid or ruled on another way.";
                return Err(beyond(
                    "more_than_held",
                    "Of this person's we hold",
                    "the ruling",
                    held,
                    ruled.amount,
                    next,
                ));
            }
        }
        How::Expensed if rule != Rule::J27b.name() => {
            let next =
                "Only what a till paid out on paper can be an expense: let it be repaid, kept, or given up by two.";
            return Err(Error::refuse(409, "not_paid_out", "This cash was not paid out of a till.", next));
        }
        How::Conceded | How::ConcededByVendor if rule != Rule::J11a.name() => {
            let next = "Only what an agent took less at the door can have been let down: see the other ways.";
            return Err(Error::refuse(409, "not_short_at_door", "This is not a price that was let down.", next));
        }
        How::ConcededByVendor => is_vendor(connection, ruled).await?,
        How::WrittenOff | How::Expensed | How::Conceded => {}
    }
    Ok((way, open))
}

/// Of a doubled payment the customer is the one who ordered; of surplus cash anybody who has.
async fn is_customer(connection: &mut PgConnection, ruled: &Ruled) -> Result<(), Error> {
    let (known,): (bool,) = sqlx::query_as(
        "select exists (
             select 1 from view_order o left join view_parcel p on p.order_subject = o.subject
             where o.customer = $1 and ($2 or o.subject = $3 or p.subject = $3))",
    )
    .bind(ruled.other.map(|customer| customer.id().0))
    .bind(ruled.how == How::ToCustomer as u8)
    .bind(ruled.owner.0)
    .fetch_one(connection)
    .await?;
    if known {
        return Ok(());
    }
    let next = "Name the customer of the parcel's order.";
    Err(Error::refuse(409, "not_the_customer", "This customer did not order it.", next))
}

/// The goods were this vendor's.
async fn is_vendor(connection: &mut PgConnection, ruled: &Ruled) -> Result<(), Error> {
    let (sold,): (bool,) = sqlx::query_as(
        "select exists (select 1 from op o join view_parcel p on p.subject = o.subject where o.id = $1 and p.vendor = $2)",
    )
    .bind(ruled.cause.0)
    .bind(ruled.other.map(|vendor| vendor.0))
    .fetch_one(connection)
    .await?;
    if sold {
        return Ok(());
    }
    let next = "Name the vendor whose parcel it was.";
    Err(Error::refuse(409, "not_the_vendor", "This vendor did not sell it.", next))
}

/// Whether a hand-in of the agent was counted, by central's log, after the record that is ruled on.
async fn has_handed_in_since(connection: &mut PgConnection, ruled: &Ruled) -> Result<bool, Error> {
    let (since,): (bool,) = sqlx::query_as(
        "select exists (
             select 1 from view_handin h join op c on c.id = h.counted_by join op r on r.id = $1
             where h.agent = $2 and c.position > r.position)",
    )
    .bind(ruled.cause.0)
    .bind(ruled.other.map(|agent| agent.0))
    .fetch_one(connection)
    .await?;
    Ok(since)
}

/// A record without cash is taken back from whoever made it.
async fn is_collector(connection: &mut PgConnection, ruled: &Ruled) -> Result<(), Error> {
    let (collected,): (bool,) = sqlx::query_as(
        "select exists (
             select 1 from journal_log j join posting p on p.position = j.position
             where j.cause = $1 and p.account_code = $2 and p.owner = $3 and p.amount_paisa > 0)",
    )
    .bind(ruled.cause.0)
    .bind(i32::from(Code::AgentCash as u16))
    .bind(ruled.other.map(|agent| agent.0))
    .fetch_one(connection)
    .await?;
    if collected {
        return Ok(());
    }
    let next = "Name the agent who recorded the second collection.";
    Err(Error::refuse(409, "not_the_collector", "This agent did not record it.", next))
}

async fn propose(conn: &mut PgConnection, ruling: Subject, ruled: &Ruled, now_ms: u64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into proposed_ruling
            (subject, how, cause, owner, other, amount_paisa, reason, maker, proposed_at_ms, state)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'waiting')",
    )
    .bind(ruling.0)
    .bind(How::of(ruled.how).map_or("", How::word))
    .bind(ruled.cause.0)
    .bind(ruled.owner.0)
    .bind(ruled.other.map(|other| other.0))
    .bind(ruled.amount.paisa())
    .bind(&ruled.reason)
    .bind(ruled.maker.0)
    .bind(signed(now_ms))
    .execute(conn)
    .await
    .map(drop)
}

type Proposal = (String, [u8; 32], [u8; 17], Option<[u8; 17]>, i64, String, [u8; 16], String);

/// The proposal that waits under this id.
async fn proposal(connection: &mut PgConnection, ruling: Subject) -> Result<Ruled, Error> {
    let row: Option<Proposal> = sqlx::query_as(
        "select how, cause, owner, other, amount_paisa, reason, maker, state from proposed_ruling where subject = $1",
    )
    .bind(ruling.0)
    .fetch_optional(connection)
    .await?;
    let Some((how, cause, owner, other, amount, reason, maker, state)) = row else {
        let next = "Copy the id from GET /api/v1/finance/rulings?status=waiting.";
        return Err(Error::refuse(404, "unknown_ruling", "No proposal has this id.", next));
    };
    if state != "waiting" {
        let told = format!("This proposal is {state} already.");
        let state = serde_json::json!({ "state": state });
        return Err(Error::refuse_in_state(409, "ruling_ended", told, "Look at the difference again.", state));
    }
    let how = How::ALL.iter().find(|(_, word)| *word == how).map_or(0, |(how, _)| *how as u8);
    Ok(Ruled {
        how,
        cause: OpId(cause),
        owner: Subject(owner),
        other: other.map(Subject),
        amount: ledger::paisa(amount),
        reason,
        maker: Id16(maker),
        checker: None,
    })
}

/// The second person agrees, and the ruling is posted as it stands then.
///
/// # Errors
/// `unknown_ruling`, `ruling_ended`, `same_person`, and those of [`rule`].
pub async fn approve(
    connection: &mut PgConnection,
    ruling: Subject,
    checker: Id16,
    now_ms: u64,
) -> Decided<RulingAnswer> {
    let mut ruled = proposal(connection, ruling).await?;
    if ruled.maker == checker {
        let next = "Ask somebody else in finance: the one who proposed it cannot agree to it.";
        return Err(Error::refuse(409, "same_person", "You proposed this ruling yourself.", next));
    }
    ruled.checker = Some(checker);
    let (way, open) = check(connection, &ruled, now_ms).await?;
    end(connection, ruling, "ruled").await?;
    let told = answer(Some(ruling), "ruled", &way, &ruled, open, true);
    Ok((vec![Draft { subject: ruling, fact: Fact::Ruled(ruled) }], told))
}

/// Takes a proposal back; nothing was posted.
///
/// # Errors
/// `unknown_ruling`, `ruling_ended`.
pub async fn withdraw(connection: &mut PgConnection, ruling: Subject) -> Decided<Withdrawn> {
    proposal(connection, ruling).await?;
    end(connection, ruling, "withdrawn").await?;
    Ok((Vec::new(), Withdrawn { ruling, state: "withdrawn".to_owned() }))
}

/// A proposal that was taken back.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Withdrawn {
    /// The proposal.
    #[schema(value_type = Id)]
    pub ruling: Subject,
    /// `withdrawn`.
    pub state: String,
}

async fn end(connection: &mut PgConnection, ruling: Subject, state: &str) -> Result<(), sqlx::Error> {
    sqlx::query("update proposed_ruling set state = $2 where subject = $1")
        .bind(ruling.0)
        .bind(state)
        .execute(connection)
        .await
        .map(drop)
}
