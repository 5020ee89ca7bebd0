//! Which earnings a vendor may have: the return window is closed and the money confirmed (J16). Finance
//! asks for it; what matures is decided under the intake lock.
//!
//! Money is fungible and bags name no parcels, so the bank's confirmations are attributed by site: oldest
//! first by the log position of what satisfied the due, as long as the dues of the site's matured cash
//! parcels are not more than what the bank confirmed of its bags (of a partner or courier: what he remitted, what
//! he kept included) and what was missing of it and found its end without cash: kept from pay or from a
//! security, given up, let down with leave, or paid out of a till for us. That loss is not the vendors' who wait. Never more
//! matures than that. What a customer asks to give back waits until that is decided.

use std::collections::BTreeMap;

use protocol::account::Code;
use protocol::decide::Draft;
use protocol::fact::{Fact, Matured};
use protocol::id::{OpId, Subject};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::ledger::paisa;
use crate::problem::Error;
use crate::schema::Id;
use crate::store::signed;

/// Most earnings of one run: bounds how long the lock is held.
pub const MAX_EARNINGS: usize = 500;
/// Number of `CourierDelivered`.
const BY_COURIER: i32 = 0x1014;
/// Number of `PaidAtDoor`.
const AT_DOOR: i32 = 0x1016;
/// Number of `Distributed`.
const DISTRIBUTED: i32 = 0x1021;
/// Numbers of `PaymentCaptured`, `TransferCaptured` and `CreditSpent`.
const CAPTURED: [i32; 3] = [0x1003, 0x1004, 0x1005];

/// Asks for a run.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "dry_run": false }))]
pub struct MaturingRequest {
    /// Only say what would mature.
    #[serde(default)]
    pub dry_run: bool,
}

/// What matured, or would.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MaturingAnswer {
    /// Whether nothing was recorded.
    pub dry_run: bool,
    /// Σ of the nets, paisa.
    pub total_paisa: i64,
    /// Whether another run would find more.
    pub more: bool,
    /// The earnings, at most [`MAX_EARNINGS`].
    pub earnings: Vec<MaturedEarning>,
}

/// One earning of a run.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MaturedEarning {
    /// The earning.
    #[schema(value_type = Id)]
    pub earning: Subject,
    /// What the vendor may have, paisa.
    pub net_paisa: i64,
    /// The fact that covers it: a confirmed deposit, a remittance or a capture, hex.
    pub cause: String,
}

struct Covered {
    earning: Subject,
    net: i64,
    cause: OpId,
}

impl Covered {
    /// A row of an earning, its net and what covers it.
    const fn by((earning, net, cause): ([u8; 17], i64, [u8; 32])) -> Self {
        Self { earning: Subject(earning), net, cause: OpId(cause) }
    }
}

/// What an earning `e` of a parcel `p` needs besides its money, to mature: it is distributed ($1 is that kind) and nothing
/// about it waits, its return window, from when it was distributed last, is closed at $2, ms, and nobody asks to give it
/// back.
macro_rules! ripe {
    () => {
        "e.state = 'distributed' and e.held_paisa >= 0 and p.settled and not e.incomplete and not e.newer
           and not exists (select 1 from return_request q where q.earning = e.subject and q.state = 'asked')
           and (select max(d.time_ms) from op d
                where d.subject = e.subject and d.class_kind = $1 and d.apart is null)
               + e.window_min * 60000 <= $2"
    };
}

/// Finds what matures at `now_ms` of central's business clock.
///
/// # Errors
/// The database's.
pub async fn run(
    connection: &mut PgConnection,
    request: &MaturingRequest,
    now_ms: u64,
) -> Result<(Vec<Draft>, MaturingAnswer), Error> {
    let mut covered = cash(connection, now_ms).await?;
    covered.extend(at_door(connection, now_ms).await?);
    covered.extend(prepaid(connection, now_ms).await?);
    let more = covered.len() > MAX_EARNINGS;
    covered.truncate(MAX_EARNINGS);
    let draft = |due: &Covered| {
        let fact = Fact::Matured(Matured { cause: due.cause, net: paisa(due.net) });
        Draft { subject: due.earning, fact }
    };
    let told =
        |due: &Covered| MaturedEarning { earning: due.earning, net_paisa: due.net, cause: due.cause.to_string() };
    let drafts = if request.dry_run { Vec::new() } else { covered.iter().map(draft).collect() };
    let answer = MaturingAnswer {
        dry_run: request.dry_run,
        total_paisa: covered.iter().map(|due| due.net).sum(),
        more,
        earnings: covered.iter().map(told).collect(),
    };
    Ok((drafts, answer))
}

/// A site, by the first half of its id, which its agents share; or a courier, by that of his.
type Place = Vec<u8>;

/// Cash earnings that the bank's confirmations cover, oldest first at each site.
async fn cash(connection: &mut PgConnection, now_ms: u64) -> Result<Vec<Covered>, Error> {
    let confirmed = confirmations(connection).await?;
    let matured: Vec<(Place, i64)> = sqlx::query_as(
        "select substr(case when c.class_kind = $1 then p.courier else s.party end, 2, 8), sum(p.due_paisa)::bigint
         from view_earning e join view_parcel p on p.subject = e.parcel
         join op c on c.id = p.satisfied_by join seat s on s.author = c.author
         where e.matured_for is not null and not e.prepaid and c.class_kind <> $2 group by 1",
    )
    .bind(BY_COURIER)
    .bind(AT_DOOR)
    .fetch_all(&mut *connection)
    .await?;
    let mut spent: BTreeMap<Place, i64> = matured.into_iter().collect();
    let open: Vec<([u8; 17], i64, i64, Place)> = sqlx::query_as(concat!(
        "select e.subject, e.held_paisa, p.due_paisa,
                substr(case when c.class_kind = $3 then p.courier else s.party end, 2, 8)
             from view_earning e join view_parcel p on p.subject = e.parcel
             join op c on c.id = p.satisfied_by join seat s on s.author = c.author
             where not e.prepaid and c.class_kind <> $4 and ",
        ripe!(),
        " order by 4, c.position, e.subject"
    ))
    .bind(DISTRIBUTED)
    .bind(signed(now_ms))
    .bind(BY_COURIER)
    .bind(AT_DOOR)
    .fetch_all(connection)
    .await?;
    let mut covered = Vec::new();
    let mut stopped: Option<Place> = None;
    for (earning, net, due, place) in open {
        if stopped.as_ref() == Some(&place) {
            continue;
        }
        let sum = spent.entry(place.clone()).or_default();
        let after = sum.saturating_add(due);
        match confirmed.get(&place).and_then(|lines| covering(lines, after)) {
            Some(cause) => {
                *sum = after;
                covered.push(Covered { earning: Subject(earning), net, cause });
            }
            // The oldest is not covered: nothing younger overtakes it.
            None => stopped = Some(place),
        }
    }
    Ok(covered)
}

/// The confirmation with which the running sum reaches `needed`, if nothing that was taken off it since leaves less.
fn covering(lines: &[(OpId, i64)], needed: i64) -> Option<OpId> {
    let mut sum = 0i64;
    let all = lines.iter().fold(0i64, |all, (_, amount)| all.saturating_add(*amount));
    lines.iter().filter(|_| all >= needed).find_map(|(cause, amount)| {
        sum = sum.saturating_add(*amount);
        (sum >= needed).then_some(*cause)
    })
}

/// What the bank confirmed of each site's cash, and what was missing of it and is ours to bear, oldest first. A lost parcel
/// that somebody was charged for (J25a) was never cash, nor was what an agent was charged for and is owed (J12d).
async fn confirmations(connection: &mut PgConnection) -> Result<BTreeMap<Place, Vec<(OpId, i64)>>, Error> {
    let rows: Vec<(Place, i64, [u8; 32], i64)> = sqlx::query_as(
        "select substr(b.site, 2, 8), o.position, o.id, sum(b.confirmed_paisa)::bigint
         from view_deposit_bag b join view_deposit d on d.subject = b.deposit join op o on o.id = d.confirmed_by
         where b.confirmed_paisa is not null group by 1, 2, 3
         union all
         select substr(r.site, 2, 8), o.position, o.id, r.net_paisa + r.commission_paisa
         from view_remittance r join op o on o.id = r.remitted_by
         union all
         select substr(r.owner, 2, 8), o.position, o.id, r.amount_paisa
         from view_ruling r join op o on o.id = r.ruled_by
         where r.how in ('written_off', 'from_pay', 'from_security', 'expensed', 'conceded', 'conceded_by_vendor')
           and not exists (select 1 from journal_log j where j.cause = r.cause and j.rule = 'J25a')
         union all
         select substr(r.other, 2, 8), o.position, o.id, -r.amount_paisa
         from view_ruling r join op o on o.id = r.ruled_by where r.how = 'owed_to_agent'
         order by 1, 2",
    )
    .fetch_all(connection)
    .await?;
    let mut confirmed: BTreeMap<Place, Vec<(OpId, i64)>> = BTreeMap::new();
    for (place, _, cause, amount) in rows {
        confirmed.entry(place).or_default().push((OpId(cause), amount));
    }
    Ok(confirmed)
}

/// Prepaid earnings whose order was captured, and whose escrow is not overdrawn.
async fn prepaid(connection: &mut PgConnection, now_ms: u64) -> Result<Vec<Covered>, Error> {
    let rows: Vec<([u8; 17], i64, [u8; 32])> = sqlx::query_as(concat!(
        "select e.subject, e.held_paisa, c.id
             from view_earning e join view_parcel p on p.subject = e.parcel
             join lateral (select o.id from op o
                           where o.subject = e.order_subject and o.class_kind = any($3) and o.apart is null
                           order by o.position limit 1) c on true
             left join balance b on b.account_code = $4 and b.owner = e.order_subject
             where e.prepaid and coalesce(b.amount_paisa, 0) <= 0 and ",
        ripe!(),
        " order by e.subject"
    ))
    .bind(DISTRIBUTED)
    .bind(signed(now_ms))
    .bind(CAPTURED.to_vec())
    .bind(i32::from(Code::Escrow as u16))
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Covered::by).collect())
}

/// Earnings whose due a provider was paid: no bag brings that money to the bank, the provider settles it as what is paid
/// ahead.
async fn at_door(connection: &mut PgConnection, now_ms: u64) -> Result<Vec<Covered>, Error> {
    let rows: Vec<([u8; 17], i64, [u8; 32])> = sqlx::query_as(concat!(
        "select e.subject, e.held_paisa, c.id
         from view_earning e join view_parcel p on p.subject = e.parcel join op c on c.id = p.satisfied_by
         where not e.prepaid and c.class_kind = $3 and ",
        ripe!(),
        " order by e.subject"
    ))
    .bind(DISTRIBUTED)
    .bind(signed(now_ms))
    .bind(AT_DOOR)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Covered::by).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_due_is_covered_by_the_confirmation_that_reaches_it() {
        let lines = [(OpId([1; 32]), 1_000), (OpId([2; 32]), 500)];
        for (needed, by) in [(1, Some(1)), (1_000, Some(1)), (1_001, Some(2)), (1_500, Some(2)), (1_501, None)] {
            assert_eq!(covering(&lines, needed), by.map(|n| OpId([n; 32])), "{needed}");
        }
        assert_eq!(covering(&[], 1), None);
    }
}
