//! Rows of the projections from folded states. Live intake and the rebuild write through this one
//! door, so that both give equal bytes.

mod bank;

use std::collections::BTreeMap;

use protocol::account::Code;
use protocol::earning::Earning;
use protocol::fact::{Fact, Reading};
use protocol::fold::{Folded, State};
use protocol::handin::HandIn;
use protocol::id::{Author, OpId, Subject};
use protocol::journal::{Journal, Rule};
use protocol::op::Op;
use protocol::order::Order;
use protocol::parcel::{Parcel, Status, Step};
use sqlx::postgres::PgConnection;

use crate::store::copy::Rows;
use crate::store::signed;

/// Kinds of exceptions, as counted in reports.
pub mod kind {
    /// A contest on a parcel; the code says which.
    pub const CONTESTED_DELIVERY: &str = "contested_delivery";
    /// A contest on a hand-in; the code says which.
    pub const CONTESTED_HANDIN: &str = "contested_handin";
    /// Something that is said once was recorded twice; the code says what else.
    pub const CONTESTED_RECORD: &str = "contested_record";
    /// A second real collection (J12), or a second payment of a refund (J37).
    pub const DUPLICATE_MONEY: &str = "duplicate_money";
    /// Less cash than there should be (J9, J11a, J11c, J13b, J27a).
    pub const SHORT: &str = "short";
    /// More cash than there should be (J10, J11, J13a with a surplus, J27a).
    pub const OVER: &str = "over";
    /// An op that is stored and not folded.
    pub const QUARANTINED_FACT: &str = "quarantined_fact";
    /// Cash that a site paid out of its till, and whose paper waits to be accepted (J27b).
    pub const PAID_OUT: &str = "paid_out";
    /// Cash that came into a till for no parcel (J27c).
    pub const PAID_IN: &str = "paid_in";
    /// A credit at the bank that nobody here expects (J29).
    pub const MISSING_OURS: &str = "missing_ours";
    /// Cash below zero, with nothing missing that could explain it.
    pub const CUSTODY_GAP: &str = "custody_gap";
    /// A courier takes back what he said he had delivered, and the goods are not here.
    pub const COURIER_DIFF: &str = "courier_diff";
    /// A slot that was refused.
    pub const REFUSED: &str = "refused";
}

/// Writes the views and exceptions of these subjects in place of those that were there.
pub(crate) async fn write(conn: &mut PgConnection, folded: &BTreeMap<Subject, Folded>) -> Result<(), sqlx::Error> {
    let mut orders: Vec<(&Subject, &Order)> = Vec::new();
    let mut parcels: Vec<(&Subject, &Parcel)> = Vec::new();
    let mut earnings: Vec<(&Subject, &Earning)> = Vec::new();
    let mut handins: Vec<(&Subject, &HandIn)> = Vec::new();
    for (subject, folded) in folded {
        match &folded.state {
            State::Order(order) => orders.push((subject, order)),
            State::Parcel(parcel) => parcels.push((subject, parcel)),
            State::Earning(earning) => earnings.push((subject, earning)),
            State::HandIn(handin) => handins.push((subject, handin)),
            money => bank::write(conn, subject, money).await?,
        }
    }
    if !orders.is_empty() {
        write_orders(conn, &orders).await?;
    }
    if !parcels.is_empty() {
        write_parcels(conn, &parcels).await?;
    }
    if !earnings.is_empty() {
        write_earnings(conn, &earnings).await?;
    }
    if !handins.is_empty() {
        write_handins(conn, &handins).await?;
    }
    write_exceptions(conn, folded).await
}

/// One value of every row, as an array to bind.
fn each<R, T>(rows: &[R], pick: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(pick).collect()
}

async fn write_orders(conn: &mut PgConnection, rows: &[(&Subject, &Order)]) -> Result<(), sqlx::Error> {
    let parcels = |order: &Order| {
        order.placed.iter().flat_map(|placed| &placed.parcels).flat_map(|parcel| parcel.0).collect::<Vec<u8>>()
    };
    sqlx::query(
        "INSERT INTO view_order (subject, customer, parcels, total_paisa, placed, cancelled, incomplete, newer)
         SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bool[], $6::bool[],
                              $7::bool[], $8::bool[])
         ON CONFLICT (subject) DO UPDATE SET customer = excluded.customer, parcels = excluded.parcels,
            total_paisa = excluded.total_paisa, placed = excluded.placed, cancelled = excluded.cancelled,
            incomplete = excluded.incomplete, newer = excluded.newer",
    )
    .bind(each(rows, |(subject, _)| subject.0))
    .bind(each(rows, |(_, order)| order.placed.as_ref().map(|placed| placed.customer.0)))
    .bind(each(rows, |(_, order)| parcels(order)))
    .bind(each(rows, |(_, order)| order.placed.as_ref().map(|placed| placed.total.paisa())))
    .bind(each(rows, |(_, order)| order.placed.is_some()))
    .bind(each(rows, |(_, order)| order.cancelled))
    .bind(each(rows, |(_, order)| order.incomplete))
    .bind(each(rows, |(_, order)| order.newer))
    .execute(conn)
    .await?;
    Ok(())
}

async fn write_parcels(conn: &mut PgConnection, rows: &[(&Subject, &Parcel)]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO view_parcel (subject, order_subject, vendor, site, agent, status, custodian, due_paisa,
            collected_paisa, attempts, contested, settled, incomplete, newer, satisfied_by, returned_by,
            return_requested, point, shelf, step, stop_requested, prepaid, courier, consignment, carrying,
            courier_paisa)
         SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], $6::text[],
            $7::bytea[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bool[], $12::bool[], $13::bool[],
            $14::bool[], $15::bytea[], $16::bytea[], $17::bool[], $18::bytea[], $19::text[], $20::text[],
            $21::bool[], $22::bool[], $23::bytea[], $24::text[], $25::text[], $26::bigint[])
         ON CONFLICT (subject) DO UPDATE SET order_subject = excluded.order_subject, vendor = excluded.vendor,
            site = excluded.site, agent = excluded.agent, status = excluded.status,
            custodian = excluded.custodian, due_paisa = excluded.due_paisa,
            collected_paisa = excluded.collected_paisa, attempts = excluded.attempts,
            contested = excluded.contested, settled = excluded.settled, incomplete = excluded.incomplete,
            newer = excluded.newer, satisfied_by = excluded.satisfied_by, returned_by = excluded.returned_by,
            return_requested = excluded.return_requested, point = excluded.point, shelf = excluded.shelf,
            step = excluded.step, stop_requested = excluded.stop_requested, prepaid = excluded.prepaid,
            courier = excluded.courier, consignment = excluded.consignment, carrying = excluded.carrying,
            courier_paisa = excluded.courier_paisa",
    )
    .bind(each(rows, |(subject, _)| subject.0))
    .bind(each(rows, |(_, parcel)| parcel.created.as_ref().map(|created| created.order.0)))
    .bind(each(rows, |(_, parcel)| parcel.created.as_ref().map(|created| created.vendor.0)))
    .bind(each(rows, |(_, parcel)| parcel.created.as_ref().map(|created| created.site.0)))
    .bind(each(rows, |(_, parcel)| parcel.agent.map(|agent| agent.0)))
    .bind(each(rows, |(_, parcel)| parcel.status.word()))
    .bind(each(rows, |(_, parcel)| parcel.custodian.map(|custodian| custodian.0)))
    .bind(each(rows, |(_, parcel)| parcel.due().paisa()))
    .bind(each(rows, |(_, parcel)| parcel.collected.paisa()))
    .bind(each(rows, |(_, parcel)| i64::from(parcel.attempts)))
    .bind(each(rows, |(_, parcel)| !parcel.contests.is_empty()))
    .bind(each(rows, |(_, parcel)| parcel.is_settled()))
    .bind(each(rows, |(_, parcel)| parcel.incomplete))
    .bind(each(rows, |(_, parcel)| parcel.newer))
    .bind(each(rows, |(_, parcel)| parcel.satisfied_by.map(|op| op.0)))
    .bind(each(rows, |(_, parcel)| parcel.returned_by.map(|op| op.0)))
    .bind(each(rows, |(_, parcel)| parcel.return_requested))
    .bind(each(rows, |(_, parcel)| parcel.pickup.as_ref().map(|pickup| pickup.point.0)))
    .bind(each(rows, |(_, parcel)| parcel.shelf.clone()))
    .bind(each(rows, |(_, parcel)| parcel.step().map(Step::word)))
    .bind(each(rows, |(_, parcel)| parcel.stop_requested))
    .bind(each(rows, |(_, parcel)| parcel.is_prepaid()))
    .bind(each(rows, |(_, parcel)| parcel.carried.as_ref().map(|by| by.courier.0)))
    .bind(each(rows, |(_, parcel)| parcel.carried.as_ref().map(|by| by.consignment.clone())))
    .bind(each(rows, |(_, parcel)| parcel.carried.as_ref().map(|by| by.state.word())))
    .bind(each(rows, |(_, parcel)| parcel.carried.as_ref().map_or(0, |by| by.owes.paisa())))
    .execute(conn)
    .await?;
    Ok(())
}

async fn write_earnings(conn: &mut PgConnection, rows: &[(&Subject, &Earning)]) -> Result<(), sqlx::Error> {
    let order = |earning: &Earning| earning.terms.as_ref()?.prepaid.map(|paid| paid.order.0);
    sqlx::query(
        "INSERT INTO view_earning (subject, parcel, vendor, state, net_paisa, distributed_for, charged_for,
            incomplete, newer, prepaid, order_subject, window_min, available_paisa, released_for, matured_for, held_paisa,
            returned_paisa, paid_paisa)
         SELECT u.*, coalesce((SELECT sum(l.net_paisa)::bigint FROM view_payout_line l WHERE l.earning = u.subject), 0)
         FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::text[], $5::bigint[], $6::bytea[],
            $7::bytea[], $8::bool[], $9::bool[], $10::bool[], $11::bytea[], $12::bigint[], $13::bigint[],
            $14::bytea[], $15::bytea[], $16::bigint[], $17::bigint[]) AS u(subject, parcel, vendor, state, net,
            distributed, charged, incomplete, newer, prepaid, order_subject, window_min, available, released, matured, held,
            returned)
         ON CONFLICT (subject) DO UPDATE SET parcel = excluded.parcel, vendor = excluded.vendor,
            state = excluded.state, net_paisa = excluded.net_paisa, distributed_for = excluded.distributed_for,
            charged_for = excluded.charged_for, incomplete = excluded.incomplete, newer = excluded.newer,
            prepaid = excluded.prepaid, order_subject = excluded.order_subject, window_min = excluded.window_min,
            available_paisa = excluded.available_paisa, released_for = excluded.released_for,
            matured_for = excluded.matured_for, held_paisa = excluded.held_paisa,
            returned_paisa = excluded.returned_paisa",
    )
    .bind(each(rows, |(subject, _)| subject.0))
    .bind(each(rows, |(_, earning)| earning.terms.as_ref().map(|terms| terms.parcel.0)))
    .bind(each(rows, |(_, earning)| earning.terms.as_ref().map(|terms| terms.vendor.0)))
    .bind(each(rows, |(_, earning)| earning.word()))
    .bind(each(rows, |(_, earning)| earning.net.paisa()))
    .bind(each(rows, |(_, earning)| earning.distributed_for.map(|op| op.0)))
    .bind(each(rows, |(_, earning)| earning.charged_for.map(|op| op.0)))
    .bind(each(rows, |(_, earning)| earning.incomplete))
    .bind(each(rows, |(_, earning)| earning.newer))
    .bind(each(rows, |(_, earning)| earning.terms.as_ref().is_some_and(|terms| terms.prepaid.is_some())))
    .bind(each(rows, |(_, earning)| order(earning)))
    .bind(each(rows, |(_, earning)| earning.terms.as_ref().map_or(0, |terms| i64::from(terms.window_min))))
    .bind(each(rows, |(_, earning)| earning.available.paisa()))
    .bind(each(rows, |(_, earning)| earning.released_for.map(|op| op.0)))
    .bind(each(rows, |(_, earning)| earning.matured_for.map(|op| op.0)))
    .bind(each(rows, |(_, earning)| earning.held.paisa()))
    .bind(each(rows, |(_, earning)| earning.returned.goods.paisa()))
    .execute(conn)
    .await?;
    Ok(())
}

async fn write_handins(conn: &mut PgConnection, rows: &[(&Subject, &HandIn)]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO view_handin (subject, agent, site, offered_paisa, counted_paisa, state, counted_by,
            contested, incomplete, newer)
         SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[], $6::text[],
            $7::bytea[], $8::bool[], $9::bool[], $10::bool[])
         ON CONFLICT (subject) DO UPDATE SET agent = excluded.agent, site = excluded.site,
            offered_paisa = excluded.offered_paisa, counted_paisa = excluded.counted_paisa,
            state = excluded.state, counted_by = excluded.counted_by, contested = excluded.contested,
            incomplete = excluded.incomplete, newer = excluded.newer",
    )
    .bind(each(rows, |(subject, _)| subject.0))
    .bind(each(rows, |(_, handin)| handin.agent.map(|agent| agent.0)))
    .bind(each(rows, |(_, handin)| handin.site.map(|site| site.0)))
    .bind(each(rows, |(_, handin)| handin.offered.map(|amount| amount.paisa())))
    .bind(each(rows, |(_, handin)| handin.counted.map(|amount| amount.paisa())))
    .bind(each(rows, |(_, handin)| handin.word()))
    .bind(each(rows, |(_, handin)| handin.counted_by.map(|op| op.0)))
    .bind(each(rows, |(_, handin)| !handin.contests.is_empty()))
    .bind(each(rows, |(_, handin)| handin.incomplete))
    .bind(each(rows, |(_, handin)| handin.newer))
    .execute(conn)
    .await?;
    Ok(())
}

/// Exceptions that follow from the state of a subject alone.
async fn write_exceptions(conn: &mut PgConnection, folded: &BTreeMap<Subject, Folded>) -> Result<(), sqlx::Error> {
    let subjects: Vec<[u8; 17]> = folded.keys().map(|subject| subject.0).collect();
    sqlx::query(
        "DELETE FROM exception WHERE subject = ANY($1)
         AND kind IN ('contested_delivery', 'contested_handin', 'contested_record', 'duplicate_money', 'short', 'over',
            'missing_ours', 'courier_diff')",
    )
    .bind(subjects)
    .execute(&mut *conn)
    .await?;
    let mut rows: Vec<([u8; 17], &str, [u8; 32], &str)> = Vec::new();
    for (subject, folded) in folded {
        let contested = match folded.state {
            State::Parcel(_) => kind::CONTESTED_DELIVERY,
            State::HandIn(_) => kind::CONTESTED_HANDIN,
            _ => kind::CONTESTED_RECORD,
        };
        rows.extend(folded.contests().iter().map(|contest| (subject.0, contested, contest.op.0, contest.code.word())));
        if let State::Parcel(parcel) = &folded.state {
            rows.extend(taken_back(parcel).map(|op| (subject.0, kind::COURIER_DIFF, op.0, "R21")));
        }
        for journal in &folded.journals {
            if let Some(kind) = kind_of(journal) {
                rows.push((subject.0, kind, journal.cause.0, journal.rule.name()));
            }
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO exception (subject, kind, cause, code, opened_position)
         SELECT u.subject, u.kind, u.cause, u.code, coalesce(op.position, 0)
         FROM unnest($1::bytea[], $2::text[], $3::bytea[], $4::text[]) AS u(subject, kind, cause, code)
         LEFT JOIN op ON op.id = u.cause
         ON CONFLICT DO NOTHING",
    )
    .bind(each(&rows, |row| row.0))
    .bind(each(&rows, |row| row.1))
    .bind(each(&rows, |row| row.2))
    .bind(each(&rows, |row| row.3))
    .execute(conn)
    .await?;
    Ok(())
}

/// What a courier said he had delivered and takes back, until somebody here has the goods.
fn taken_back(parcel: &Parcel) -> impl Iterator<Item = OpId> {
    let waits = parcel.status == Status::WithCourier && !parcel.taken_back.is_empty();
    parcel.status_by.filter(|_| waits).into_iter()
}

fn kind_of(journal: &Journal) -> Option<&'static str> {
    let posts_on = |code| journal.postings.iter().any(|line| line.account.code == code);
    match journal.rule {
        Rule::J12 | Rule::J37 => Some(kind::DUPLICATE_MONEY),
        Rule::J9 | Rule::J11a | Rule::J11c | Rule::J13b => Some(kind::SHORT),
        Rule::J10 | Rule::J11 => Some(kind::OVER),
        Rule::J13a | Rule::J27a if posts_on(Code::CashOver) => Some(kind::OVER),
        Rule::J27a => Some(kind::SHORT),
        Rule::J27b => Some(kind::PAID_OUT),
        Rule::J27c => Some(kind::PAID_IN),
        Rule::J29 => Some(kind::MISSING_OURS),
        _ => None,
    }
}

/// Number of `HandInOffered`.
const HAND_IN_OFFERED: u16 = 0x4010;

/// One op as the rows beside the states need it.
pub(crate) struct Noted<'a> {
    pub(crate) id: OpId,
    pub(crate) subject: Subject,
    pub(crate) author: Author,
    pub(crate) bytes: &'a [u8],
    pub(crate) apart: Option<&'a str>,
    pub(crate) position: u64,
}

/// Writes what single ops say beside their subject's state: offers, and ops that are apart.
pub(crate) async fn note(conn: &mut PgConnection, ops: &[Noted<'_>]) -> Result<(), sqlx::Error> {
    let offer = |noted: &Noted<'_>| {
        // Nearly every op is of another kind: its number is in front.
        let kind = noted.bytes.first_chunk::<2>().map(|kind| u16::from_be_bytes(*kind));
        kind.filter(|kind| *kind == HAND_IN_OFFERED && noted.apart.is_none())?;
        let op = Op::decode(noted.bytes).ok()?;
        match Fact::read(op.class_kind, &op.payload) {
            Reading::Known(Fact::HandInOffered(offer)) => Some((noted.id.0, noted.subject.0, noted.author.0, offer)),
            _ => None,
        }
    };
    let offers: Vec<_> = ops.iter().filter_map(offer).collect();
    if !offers.is_empty() {
        let mut rows = Rows::of(5);
        for (op, subject, author, offer) in &offers {
            rows.row().bytes(op).bytes(subject).bytes(author).bytes(&offer.inc.0).bigint(signed(offer.upto));
        }
        let statement = "COPY view_offer (op, subject, author, inc, upto) FROM STDIN (FORMAT binary)";
        rows.send(&mut *conn, statement).await?;
    }
    crate::blobs::note(&mut *conn, ops).await?;
    let apart: Vec<_> = ops.iter().filter_map(|noted| Some((noted, noted.apart?))).collect();
    if !apart.is_empty() {
        sqlx::query(
            "INSERT INTO exception (subject, kind, cause, code, opened_position)
             SELECT subject, 'quarantined_fact', cause, code, position
             FROM unnest($1::bytea[], $2::bytea[], $3::text[], $4::bigint[]) AS u(subject, cause, code, position)
             ON CONFLICT DO NOTHING",
        )
        .bind(each(&apart, |(noted, _)| noted.subject.0))
        .bind(each(&apart, |(noted, _)| noted.id.0))
        .bind(each(&apart, |(_, code)| *code))
        .bind(each(&apart, |(noted, _)| signed(noted.position)))
        .execute(conn)
        .await?;
    }
    Ok(())
}

/// Looks again at the cash of these owners: below zero is an exception, unless bursts are missing
/// that could explain it (SPEC S5).
pub(crate) async fn watch_custody(conn: &mut PgConnection, owners: &[[u8; 17]]) -> Result<(), sqlx::Error> {
    if owners.is_empty() {
        return Ok(());
    }
    sqlx::query("DELETE FROM exception WHERE kind = 'custody_gap' AND subject = ANY($1)")
        .bind(owners)
        .execute(&mut *conn)
        .await?;
    sqlx::query(
        "INSERT INTO exception (subject, kind, cause, code, opened_position)
         SELECT b.owner, 'custody_gap', ''::bytea, b.account_code::text, 0
         FROM balance b
         WHERE b.owner = ANY($1) AND b.account_code = ANY($2) AND b.amount_paisa < 0
           AND NOT EXISTS (SELECT 1 FROM seat s JOIN chain c ON c.author = s.author
                           WHERE s.party = b.owner AND c.highest > c.upto)
           AND NOT EXISTS (SELECT 1 FROM seat s JOIN view_offer o ON o.author = s.author
                           LEFT JOIN chain c ON c.author = o.author AND c.inc = o.inc
                           WHERE s.party = b.owner AND coalesce(c.upto, 0) < o.upto)
         ON CONFLICT DO NOTHING",
    )
    .bind(owners)
    .bind([Code::AgentCash, Code::Till, Code::InTransit, Code::Settlement].map(|code| i32::from(code as u16)).to_vec())
    .execute(conn)
    .await?;
    Ok(())
}
