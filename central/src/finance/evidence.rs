//! All that is known of one difference on one page: who recorded what on which device, what was posted of it, and how often
//! it happened to the same person.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use protocol::fact::{Fact, Reading};
use protocol::id::{OpId, ShortId, Subject};
use protocol::op::Op;
use serde::Serialize;
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;

use super::difference::{self, Difference};
use super::{About, Revision, journals, written};
use crate::problem::Error;
use crate::schema::Id;
use crate::store::signed;

/// Most records of one page: a subject has rarely a dozen.
pub(super) const MAX_RECORDS: i64 = 200;
/// What "lately" means for how often it happened, ms.
const LATELY_MS: u64 = 30 * 24 * 3_600_000;

/// A difference with what is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Evidence {
    /// The difference.
    pub difference: Difference,
    /// What was recorded about the thing, in the order in which central took it.
    pub records: Vec<Record>,
    /// What was posted about it.
    pub journals: Vec<Revision>,
    /// How often the owner had one in the last 30 days, this one included.
    pub history: Before,
    /// The parcel whose pictures `GET /proofs/of/{parcel}` lists.
    #[schema(value_type = Option<Id>)]
    pub proofs: Option<String>,
}

/// One recorded fact.
#[derive(Debug, Serialize, ToSchema)]
pub struct Record {
    /// Its id, hex.
    pub op: String,
    /// What it is about.
    #[schema(value_type = Id)]
    pub subject: String,
    /// The name of its kind in the catalogue of facts; of a later version's, its number.
    pub what: String,
    /// Who recorded it: a seat, hex.
    pub author: String,
    /// The person's name, as operations gave it.
    pub name: Option<String>,
    /// Role of the seat.
    pub role: Option<String>,
    /// What the device is called.
    pub device_name: Option<String>,
    /// When, by the device's clock, UTC.
    pub recorded_at: String,
    /// When central posted what follows from it, UTC; absent when nothing does.
    pub posted_at: Option<String>,
    /// How much it says, paisa.
    pub amount_paisa: Option<i64>,
    /// How well it is proven that the goods reached the customer, 1 to 5.
    pub evidence: Option<u8>,
    /// Whether it and the record before it did not know of each other.
    pub parallel: bool,
    /// Why it stands apart, where it does.
    pub apart: Option<String>,
    /// Whether this is the fact that the difference follows from, or that is contested.
    pub is_cause: bool,
}

/// How often.
#[derive(Debug, Serialize, ToSchema)]
pub struct Before {
    /// How many differences.
    pub count: i64,
    /// How much together, paisa.
    pub amount_paisa: i64,
}

/// The evidence of a difference by its cause (hex) and owner.
///
/// # Errors
/// The database's, `bad_id` and `unknown_difference`.
pub async fn evidence(pool: &PgPool, cause: &str, owner: Option<&str>, now_ms: u64) -> Result<Evidence, Error> {
    let fact = HEXLOWER.decode(cause.to_ascii_lowercase().as_bytes()).ok().and_then(|id| <[u8; 32]>::try_from(id).ok());
    let owner = owner.and_then(Subject::parse);
    let (Some(fact), Some(owner)) = (fact, owner) else {
        let next = "Take `cause` and `owner` from GET /api/v1/finance/differences.";
        return Err(Error::refuse(400, "bad_id", "The cause or the owner is not one.", next));
    };
    let mut conn = pool.acquire().await?;
    let Some(difference) = difference::of(&mut conn, fact, owner).await? else {
        let next = "Take `cause` and `owner` from GET /api/v1/finance/differences.";
        return Err(Error::refuse(404, "unknown_difference", "There is no such difference.", next));
    };
    let subject = Subject::parse(&difference.subject).unwrap_or(owner);
    let (count, amount_paisa): (i64, i64) = sqlx::query_as(
        "select count(*), coalesce(sum(amount_paisa), 0)::bigint from finance.difference
         where owner = $1 and account_code = $2 and since > to_timestamp($3::bigint / 1000.0)",
    )
    .bind(owner.0)
    .bind(difference.account)
    .bind(signed(now_ms.saturating_sub(LATELY_MS)))
    .fetch_one(&mut *conn)
    .await?;
    let records = records(&mut conn, subject, &BTreeSet::from([OpId(fact)])).await?;
    drop(conn);
    let journals = journals(pool, About::Subject(subject), None, MAX_RECORDS).await?.rows;
    let proofs = (subject.kind() == Some(protocol::id::Kind::Parcel)).then(|| subject.to_string());
    Ok(Evidence { difference, records, journals, history: Before { count, amount_paisa }, proofs })
}

type Columns = (
    [u8; 32],
    i32,
    i64,
    Vec<u8>,
    Vec<u8>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

/// What was recorded of a subject, in the order in which central took it; `causes` are marked.
pub(super) async fn records(
    conn: &mut PgConnection,
    subject: Subject,
    causes: &BTreeSet<OpId>,
) -> Result<Vec<Record>, Error> {
    let rows: Vec<Columns> = sqlx::query_as(
        "select o.id, o.class_kind, o.time_ms, o.author, o.bytes, o.apart, e.name, s.role, s.device_name,
            (select to_char(min(j.posted_at) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') from journal_log j
             where j.subject = o.subject and j.cause = o.id)
         from op o left join enrolled e on e.author = o.author left join seat s on s.author = o.author
         where o.subject = $1 order by o.position limit $2",
    )
    .bind(subject.0)
    .bind(MAX_RECORDS)
    .fetch_all(conn)
    .await?;
    let mut records = Vec::with_capacity(rows.len());
    // What each record knew of, through whatever it names.
    let mut knew: BTreeMap<ShortId, BTreeSet<ShortId>> = BTreeMap::new();
    let mut before: Option<ShortId> = None;
    for (id, kind, time_ms, author, bytes, apart, name, role, device_name, posted_at) in rows {
        let op = Op::decode(&bytes).map_err(|_| anyhow::anyhow!("an op in the log does not read as one"))?;
        let kind = u16::try_from(kind).unwrap_or_default();
        let fact = match Fact::read(kind, &op.payload) {
            Reading::Known(fact) => Some(fact),
            Reading::Newer | Reading::Broken => None,
        };
        let heads = op.after.iter().flat_map(|head| knew.get(head).into_iter().flatten().chain([head]));
        let known: BTreeSet<ShortId> = heads.copied().collect();
        let parallel = before.is_some_and(|before| !known.contains(&before));
        before = Some(OpId(id).short());
        knew.insert(OpId(id).short(), known);
        records.push(Record {
            op: HEXLOWER.encode(&id),
            subject: written(&subject.0).unwrap_or_default(),
            what: fact.as_ref().map_or_else(|| format!("{kind:04x}"), |fact| fact.name().to_owned()),
            author: HEXLOWER.encode(&author),
            name,
            role,
            device_name,
            recorded_at: moment(time_ms),
            posted_at,
            amount_paisa: fact.as_ref().and_then(amount_of),
            evidence: match &fact {
                Some(Fact::Delivered(delivered)) => Some(delivered.evidence),
                _ => None,
            },
            parallel,
            apart,
            is_cause: causes.contains(&OpId(id)),
        });
    }
    Ok(records)
}

fn moment(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| String::new(), |at| format!("{at:.3}"))
}

/// The amount that a fact is about, where it has one.
fn amount_of(fact: &Fact) -> Option<i64> {
    let amount = match fact {
        Fact::Delivered(delivered) => delivered.collected?,
        Fact::CounterPaid(paid) => paid.amount,
        Fact::PartnerPaid(paid) => paid.amount,
        Fact::HandInOffered(offer) => offer.amount,
        Fact::HandInCounted(count) => count.counted,
        Fact::TillOpened(opened) => opened.float,
        Fact::TillClosed(closed) => closed.counted,
        Fact::TillPaidOut(paid) => paid.amount,
        Fact::TillPaidIn(paid) => paid.amount,
        Fact::RefundReserved(kept) => kept.amount,
        Fact::RefundPaid(paid) => paid.amount,
        Fact::BagSealed(bag) => bag.amount,
        Fact::DepositConfirmed(line) => line.credited,
        Fact::PaymentCaptured(payment) => payment.amount,
        Fact::PaidAtDoor(payment) => payment.amount,
        Fact::TransferCaptured(payment) => payment.amount,
        Fact::CreditSpent(spent) => spent.amount,
        Fact::LineBooked(line) => line.amount,
        Fact::Entered(entered) => entered.amount,
        Fact::ParcelCreated(parcel) => parcel.due,
        Fact::OrderPlaced(order) => order.total,
        _ => return None,
    };
    Some(amount.paisa())
}
