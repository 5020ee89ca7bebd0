//! What the books expect to see on a bank account's statement, or have booked there without having seen it.

use jiff::civil::Date;
use protocol::id::{Kind, Subject};
use protocol::taka::Taka;
use sqlx::PgConnection;

use super::Side;
use super::courier::{self, Remits};
use crate::ledger;
use crate::matching;
use crate::problem::Error;

/// A credit beyond this many times what was sealed in is a slip of somebody's finger.
const ABSURD_TIMES: i64 = 10;

/// One thing that no line was matched with yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    /// A deposit, payout, sweep, remittance or entry.
    pub(super) subject: Subject,
    /// Its written id: what is printed on slips and transfers.
    pub(super) id: String,
    /// The day it was recorded, in Dhaka.
    pub(super) date: Date,
    /// As the statement would show it.
    pub(super) amount: Taka,
    /// Slip, seals, the bank's reference where somebody has recorded it by hand.
    pub(super) ids: Vec<String>,
    /// Who sends it, where a statement may name him.
    pub(super) counterparty: String,
    /// Whether the books have it already, so that the line only has to be tied to it.
    pub(super) is_booked: bool,
    /// What a courier's file comes to that this is.
    pub(super) remits: Option<Remits>,
}

impl Expected {
    pub(super) fn wanted(&self, key: u64) -> matching::Expected<'_> {
        matching::Expected {
            key,
            date: self.date,
            amount: self.amount,
            id: &self.id,
            ids: self.ids.iter().map(String::as_str).collect(),
            counterparty: &self.counterparty,
            group: None,
        }
    }

    /// Whether a line of this amount may be this thing: the bank's own count of a deposit is what is booked (R19).
    pub(super) fn may_be(&self, amount: Taka) -> bool {
        let counted = self.subject.kind() == Some(Kind::Deposit) && !self.is_booked;
        amount == self.amount
            || (counted && amount >= Taka::ZERO && amount.paisa() / ABSURD_TIMES <= self.amount.paisa())
    }
}

type Columns = ([u8; 17], String, i64, Vec<String>, bool);

/// The day on which a thing was first recorded; of those that no line of this account was matched with, or that one was
/// since a day. A sweep has a line at each of its two accounts. A credit that was matched with a payout (first byte 0x18,
/// that is 24) is its return: the transfer itself may be stated later.
macro_rules! things {
    ($select:literal, $from:literal) => {
        things!("select min(time_ms) from op where op.subject = v.subject", $select, $from)
    };
    ($when:literal, $select:literal, $from:literal) => {
        concat!(
            "select v.subject, to_char(to_timestamp((",
            $when,
            ") / 1000) at time zone interval '6 hours', 'YYYY-MM-DD'), ",
            $select,
            " from ",
            $from,
            " and case when $2::date is null
                then not exists (select 1 from statement_line l
                                 where l.state = 'matched' and l.bank = $1 and l.things @> array[v.subject]
                                   and not (l.amount_paisa > 0 and get_byte(v.subject, 0) = 24))
                else exists (select 1 from statement_line l
                             where l.state = 'matched' and l.bank = $1 and l.things @> array[v.subject]
                               and not (l.amount_paisa > 0 and get_byte(v.subject, 0) = 24)
                               and l.day >= $2::date)
            end"
        )
    };
}

const SETTLEMENT: [&str; 5] = [
    things!(
        "coalesce(v.credited_paisa, v.sealed_paisa), array[v.slip, v.reference] || coalesce((
            select array_agg(b.seal order by b.seal) from view_deposit_bag d join view_bag b on b.subject = d.bag
            where d.deposit = v.subject), '{}'), v.confirmed_by is not null",
        "view_deposit v where v.bank = $1"
    ),
    things!(
        "-v.total_paisa, array[v.reference], v.confirmed_by is not null",
        "view_payout v where (v.bank = $1 or v.bank is null) and v.total_paisa > 0"
    ),
    things!("-v.amount_paisa, array[v.reference], true", "view_sweep v where v.from_bank = $1"),
    things!("v.net_paisa, array[v.reference], true", "view_remittance v where v.bank = $1"),
    things!(
        "v.amount_paisa - v.part_paisa, array[v.reference], true",
        "view_entry v where v.what = 'settled' and v.owner = $1"
    ),
];
const OPERATING: [&str; 2] = [
    things!("v.amount_paisa, array[v.reference], true", "view_sweep v where v.to_bank = $1"),
    things!(
        "case when v.what in ('security_taken', 'claim_paid') then v.amount_paisa else -v.amount_paisa end,
         array[v.reference], true",
        "view_entry v where (v.other = $1 and v.what in ('float_issued', 'pay_paid', 'security_taken', 'claim_paid')
             or v.owner = $1 and v.what = 'vat_paid')"
    ),
];

/// Of a provider's account, `$3`: what customers paid there, what went back to them, what it settled.
const PROVIDER: [&str; 3] = [
    things!(
        // The day it was paid, not the day the parcel was made: kinds 0x1003 and 0x1016.
        "select min(time_ms) from op where op.subject = v.subject and class_kind in (4099, 4118)",
        "v.amount_paisa, array[v.reference], true",
        "(select paid_for as subject, provider, reference, amount_paisa from payment) v where v.provider = $3"
    ),
    things!("-v.amount_paisa, array[v.reference], true", "refund v where v.provider = $3"),
    things!("-v.amount_paisa, array[v.reference], true", "view_entry v where v.what = 'settled' and v.provider = $3"),
];

/// Of a courier: what he has, and what he delivered.
const COURIER: [&str; 1] = [things!(
    // Since he has it, or said that he delivered it: kinds 0x1013 and 0x1014.
    "select max(time_ms) from op where op.subject = v.subject and class_kind in (4115, 4116)",
    "case when v.carrying = 'delivered' then v.courier_paisa else v.due_paisa end, array[v.consignment],
     v.carrying = 'delivered'",
    "view_parcel v where v.courier = $1 and v.due_paisa > 0
        and (v.carrying = 'delivered' or v.carrying = 'out' and v.status = 'with_courier')"
)];

/// What is expected of an account, each by its id.
pub(super) async fn of(conn: &mut PgConnection, bank: Subject, side: Side) -> Result<Vec<Expected>, Error> {
    let mut all = things(conn, bank, side, None).await?;
    if side == Side::Settlement {
        all.extend(courier::on_the_way(conn).await?);
    }
    Ok(all)
}

/// What lines since a day were matched with: another line that names one of these is money for it once more.
pub(super) async fn seen_since(
    conn: &mut PgConnection,
    bank: Subject,
    side: Side,
    day: Date,
) -> Result<Vec<Expected>, Error> {
    things(conn, bank, side, Some(day)).await
}

async fn things(
    conn: &mut PgConnection,
    bank: Subject,
    side: Side,
    since: Option<Date>,
) -> Result<Vec<Expected>, Error> {
    let since = since.map(|day| day.to_string());
    let mut all = Vec::new();
    let queries: &[&str] = match side {
        Side::Settlement => &SETTLEMENT,
        Side::Operating => &OPERATING,
        Side::Courier => &COURIER,
        Side::Bkash | Side::Nagad | Side::Rocket | Side::Card => &PROVIDER,
    };
    for query in queries {
        let mut asked = sqlx::query_as(*query).bind(bank.0).bind(&since);
        if let Some(provider) = side.provider() {
            asked = asked.bind(provider as i16);
        }
        let rows: Vec<Columns> = asked.fetch_all(&mut *conn).await?;
        all.extend(rows.into_iter().filter_map(|(subject, day, amount, ids, is_booked)| {
            let subject = Subject(subject);
            Some(Expected {
                subject,
                id: subject.to_string(),
                date: day.parse().ok()?,
                amount: ledger::paisa(amount),
                ids: ids.into_iter().filter(|id| !id.is_empty()).collect(),
                counterparty: String::new(),
                is_booked,
                remits: None,
            })
        }));
    }
    Ok(all)
}
