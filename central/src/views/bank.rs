//! Rows of the projections from shift to payout. Few and small: they are written one by one.

use std::collections::BTreeSet;

use protocol::bag::Bag;
use protocol::deposit::Deposit;
use protocol::entry::Booked;
use protocol::fact::{Entry, How};
use protocol::fold::State;
use protocol::id::Subject;
use protocol::line::Line;
use protocol::payout::Payout;
use protocol::refund::Refund;
use protocol::remittance::Remittance;
use protocol::ruling::Ruling;
use protocol::shift::Shift;
use protocol::sweep::Sweep;
use protocol::taka::Taka;
use sqlx::postgres::PgConnection;

use crate::store::signed;

/// Writes the view of a subject in place of the one that was there; states of other kinds are left alone.
pub(super) async fn write(conn: &mut PgConnection, subject: &Subject, state: &State) -> Result<(), sqlx::Error> {
    match state {
        State::Shift(shift) => write_shift(conn, subject, shift).await,
        State::Bag(bag) => write_bag(conn, subject, bag).await,
        State::Deposit(deposit) => write_deposit(conn, subject, deposit).await,
        State::Payout(payout) => write_payout(conn, subject, payout).await,
        State::Sweep(sweep) => write_sweep(conn, subject, sweep).await,
        State::Remittance(remittance) => write_remittance(conn, subject, remittance).await,
        State::Refund(refund) => write_refund(conn, subject, refund).await,
        State::Line(line) => write_line(conn, subject, line).await,
        State::Ruling(ruling) => write_ruling(conn, subject, ruling).await,
        State::Entry(booked) => write_entry(conn, subject, booked).await,
        _ => Ok(()),
    }
}

async fn write_shift(conn: &mut PgConnection, subject: &Subject, shift: &Shift) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO view_shift (subject, site, state, float_paisa, z, expected_paisa, counted_paisa, contested,
            incomplete, newer)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (subject) DO UPDATE SET site = excluded.site, state = excluded.state,
            float_paisa = excluded.float_paisa, z = excluded.z, expected_paisa = excluded.expected_paisa,
            counted_paisa = excluded.counted_paisa, contested = excluded.contested,
            incomplete = excluded.incomplete, newer = excluded.newer",
    )
    .bind(subject.0)
    .bind(shift.site.map(|site| site.0))
    .bind(shift.word())
    .bind(shift.float.paisa())
    .bind(shift.z.map(i64::from))
    .bind(shift.expected.paisa())
    .bind(shift.counted.map(|counted| counted.paisa()))
    .bind(!shift.contests.is_empty())
    .bind(shift.incomplete)
    .bind(shift.newer)
    .execute(conn)
    .await
    .map(drop)
}

async fn write_bag(conn: &mut PgConnection, subject: &Subject, bag: &Bag) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO view_bag (subject, site, seal, amount_paisa, sealed_by, contested, incomplete, newer)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (subject) DO UPDATE SET site = excluded.site, seal = excluded.seal,
            amount_paisa = excluded.amount_paisa, sealed_by = excluded.sealed_by,
            contested = excluded.contested, incomplete = excluded.incomplete, newer = excluded.newer",
    )
    .bind(subject.0)
    .bind(bag.site.map(|site| site.0))
    .bind(&bag.seal)
    .bind(bag.amount.paisa())
    .bind(bag.sealed_by.map(|op| op.0))
    .bind(!bag.contests.is_empty())
    .bind(bag.incomplete)
    .bind(bag.newer)
    .execute(conn)
    .await
    .map(drop)
}

async fn write_deposit(conn: &mut PgConnection, subject: &Subject, deposit: &Deposit) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO view_deposit (subject, bank, slip, state, sealed_paisa, reference, credited_paisa,
            confirmed_by, contested, incomplete, newer)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (subject) DO UPDATE SET bank = excluded.bank, slip = excluded.slip, state = excluded.state,
            sealed_paisa = excluded.sealed_paisa, reference = excluded.reference,
            credited_paisa = excluded.credited_paisa, confirmed_by = excluded.confirmed_by,
            contested = excluded.contested, incomplete = excluded.incomplete, newer = excluded.newer",
    )
    .bind(subject.0)
    .bind(deposit.bank.map(|bank| bank.0))
    .bind(&deposit.slip)
    .bind(deposit.word())
    .bind(deposit.sealed().paisa())
    .bind(&deposit.reference)
    .bind(deposit.credited.map(|credited| credited.paisa()))
    .bind(deposit.confirmed_by.map(|op| op.0))
    .bind(!deposit.contests.is_empty())
    .bind(deposit.incomplete)
    .bind(deposit.newer)
    .execute(&mut *conn)
    .await?;
    sqlx::query("DELETE FROM view_deposit_bag WHERE deposit = $1").bind(subject.0).execute(&mut *conn).await?;
    let bags = &deposit.bags;
    sqlx::query(
        "INSERT INTO view_deposit_bag (bag, deposit, site, amount_paisa, confirmed_paisa)
         SELECT u.bag, $1, u.site, u.amount, u.confirmed
         FROM unnest($2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[]) AS u(bag, site, amount, confirmed)",
    )
    .bind(subject.0)
    .bind(bags.iter().map(|bag| bag.bag.0).collect::<Vec<_>>())
    .bind(bags.iter().map(|bag| bag.site.0).collect::<Vec<_>>())
    .bind(bags.iter().map(|bag| bag.amount.paisa()).collect::<Vec<_>>())
    .bind(bags.iter().map(|bag| bag.confirmed.map(|confirmed| confirmed.paisa())).collect::<Vec<_>>())
    .execute(conn)
    .await
    .map(drop)
}

async fn write_payout(conn: &mut PgConnection, subject: &Subject, payout: &Payout) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO view_payout (subject, vendor, state, total_paisa, lines, bank, reference, confirmed_by,
            contested, incomplete, newer, returned_by, return_reference, return_reason, fee_paisa)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         ON CONFLICT (subject) DO UPDATE SET returned_by = excluded.returned_by,
            return_reference = excluded.return_reference, return_reason = excluded.return_reason,
            vendor = excluded.vendor, state = excluded.state, fee_paisa = excluded.fee_paisa,
            total_paisa = excluded.total_paisa, lines = excluded.lines, bank = excluded.bank,
            reference = excluded.reference, confirmed_by = excluded.confirmed_by,
            contested = excluded.contested, incomplete = excluded.incomplete, newer = excluded.newer",
    )
    .bind(subject.0)
    .bind(payout.vendor.map(|vendor| vendor.0))
    .bind(payout.word())
    .bind(payout.total.paisa())
    .bind(signed(payout.lines.len() as u64))
    .bind(payout.bank.map(|bank| bank.0))
    .bind(&payout.reference)
    .bind(payout.confirmed_by.map(|op| op.0))
    .bind(!payout.contests.is_empty())
    .bind(payout.incomplete)
    .bind(payout.newer)
    .bind(payout.returned_by.map(|op| op.0))
    .bind(&payout.return_reference)
    .bind(i16::from(payout.return_reason))
    .bind(payout.fee.plus(payout.vat).paisa())
    .execute(&mut *conn)
    .await?;
    write_lines(conn, subject, payout).await
}

/// Its lines, and with each earning what its lines come to (`view_earning.paid_paisa`); also with one that is none any more.
async fn write_lines(conn: &mut PgConnection, subject: &Subject, payout: &Payout) -> Result<(), sqlx::Error> {
    let dropped: Vec<([u8; 17],)> = sqlx::query_as("DELETE FROM view_payout_line WHERE payout = $1 RETURNING earning")
        .bind(subject.0)
        .fetch_all(&mut *conn)
        .await?;
    // Not ON CONFLICT: an earning twice in a payout, or anything else in a second one, has to fail, and the payout with it.
    sqlx::query(
        "INSERT INTO view_payout_line (earning, payout, net_paisa)
         SELECT u.earning, $1, u.net FROM unnest($2::bytea[], $3::bigint[]) AS u(earning, net)",
    )
    .bind(subject.0)
    .bind(payout.lines.iter().map(|line| line.earning.0).collect::<Vec<_>>())
    .bind(payout.lines.iter().map(|line| line.net.paisa()).collect::<Vec<_>>())
    .execute(&mut *conn)
    .await?;
    let lines = payout.lines.iter().map(|line| line.earning.0);
    let touched: BTreeSet<[u8; 17]> = dropped.into_iter().map(|(earning,)| earning).chain(lines).collect();
    sqlx::query(
        "UPDATE view_earning e SET paid_paisa = u.paid
         FROM (SELECT w.earning, coalesce(sum(l.net_paisa), 0)::bigint AS paid
               FROM unnest($1::bytea[]) AS w(earning) LEFT JOIN view_payout_line l USING (earning) GROUP BY w.earning) AS u
         WHERE e.subject = u.earning AND e.paid_paisa <> u.paid",
    )
    .bind(touched.into_iter().collect::<Vec<_>>())
    .execute(conn)
    .await
    .map(drop)
}

async fn write_refund(conn: &mut PgConnection, subject: &Subject, refund: &Refund) -> Result<(), sqlx::Error> {
    let (reserved, paid) = (refund.reserved.as_ref(), refund.paid.as_ref());
    let amount = reserved.map(|kept| kept.amount).or_else(|| paid.map(|paid| paid.amount)).unwrap_or_default();
    sqlx::query(
        "INSERT INTO view_refund (subject, customer, point, amount_paisa, state, contested, incomplete, newer)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (subject) DO UPDATE SET customer = excluded.customer, point = excluded.point,
            amount_paisa = excluded.amount_paisa, state = excluded.state, contested = excluded.contested,
            incomplete = excluded.incomplete, newer = excluded.newer",
    )
    .bind(subject.0)
    .bind(reserved.map(|kept| kept.customer.0).or_else(|| paid.map(|paid| paid.customer.0)))
    .bind(reserved.map(|kept| kept.point.0))
    .bind(amount.paisa())
    .bind(refund.word())
    .bind(!refund.contests.is_empty())
    .bind(refund.incomplete)
    .bind(refund.newer)
    .execute(conn)
    .await
    .map(drop)
}

async fn write_sweep(conn: &mut PgConnection, subject: &Subject, sweep: &Sweep) -> Result<(), sqlx::Error> {
    let swept = sweep.swept.as_ref();
    sqlx::query(
        "INSERT INTO view_sweep (subject, from_bank, to_bank, amount_paisa, reference, contested, incomplete, newer)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (subject) DO UPDATE SET from_bank = excluded.from_bank, to_bank = excluded.to_bank,
            amount_paisa = excluded.amount_paisa, reference = excluded.reference,
            contested = excluded.contested, incomplete = excluded.incomplete, newer = excluded.newer",
    )
    .bind(subject.0)
    .bind(swept.map(|swept| swept.from.0))
    .bind(swept.map(|swept| swept.to.0))
    .bind(swept.map_or(0, |swept| swept.amount.paisa()))
    .bind(swept.map_or("", |swept| &swept.reference))
    .bind(!sweep.contests.is_empty())
    .bind(sweep.incomplete)
    .bind(sweep.newer)
    .execute(conn)
    .await
    .map(drop)
}

async fn write_remittance(
    conn: &mut PgConnection,
    subject: &Subject,
    remittance: &Remittance,
) -> Result<(), sqlx::Error> {
    let paid = remittance.remitted.as_ref();
    sqlx::query(
        "INSERT INTO view_remittance (subject, site, bank, net_paisa, commission_paisa, reference, remitted_by,
            contested, incomplete, newer)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (subject) DO UPDATE SET site = excluded.site, bank = excluded.bank,
            net_paisa = excluded.net_paisa, commission_paisa = excluded.commission_paisa,
            reference = excluded.reference, remitted_by = excluded.remitted_by,
            contested = excluded.contested, incomplete = excluded.incomplete, newer = excluded.newer",
    )
    .bind(subject.0)
    .bind(paid.map(|paid| paid.sender.0))
    .bind(paid.map(|paid| paid.bank.0))
    .bind(paid.map_or(0, |paid| paid.net.paisa()))
    .bind(paid.map_or(0, |paid| paid.kept.paisa()))
    .bind(paid.map_or("", |paid| &paid.reference))
    .bind(remittance.remitted_by.map(|op| op.0))
    .bind(!remittance.contests.is_empty())
    .bind(remittance.incomplete)
    .bind(remittance.newer)
    .execute(conn)
    .await
    .map(drop)
}

async fn write_line(conn: &mut PgConnection, subject: &Subject, line: &Line) -> Result<(), sqlx::Error> {
    let booked = line.booked.as_ref();
    sqlx::query(
        "INSERT INTO view_line (subject, bank, state, amount_paisa, reference, identified, contested, incomplete, newer)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (subject) DO UPDATE SET bank = excluded.bank, state = excluded.state,
            amount_paisa = excluded.amount_paisa, reference = excluded.reference, identified = excluded.identified,
            contested = excluded.contested, incomplete = excluded.incomplete, newer = excluded.newer",
    )
    .bind(subject.0)
    .bind(booked.map(|booked| booked.bank.0))
    .bind(line.word())
    .bind(booked.map_or(0, |booked| booked.amount.paisa()))
    .bind(booked.map_or("", |booked| &booked.reference))
    .bind(line.identified.map(|subject| subject.0))
    .bind(!line.contests.is_empty())
    .bind(line.incomplete)
    .bind(line.newer)
    .execute(conn)
    .await
    .map(drop)
}

async fn write_ruling(conn: &mut PgConnection, subject: &Subject, ruling: &Ruling) -> Result<(), sqlx::Error> {
    let ruled = ruling.ruled.as_ref();
    let how = ruled.and_then(|ruled| How::of(ruled.how)).map_or("unknown", How::word);
    sqlx::query(
        "INSERT INTO view_ruling (subject, how, cause, owner, other, amount_paisa, reason, maker, checker, ruled_by,
            contested, incomplete, newer)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (subject) DO UPDATE SET how = excluded.how, cause = excluded.cause, owner = excluded.owner,
            other = excluded.other, amount_paisa = excluded.amount_paisa, reason = excluded.reason,
            maker = excluded.maker, checker = excluded.checker, ruled_by = excluded.ruled_by,
            contested = excluded.contested, incomplete = excluded.incomplete, newer = excluded.newer",
    )
    .bind(subject.0)
    .bind(how)
    .bind(ruled.map(|ruled| ruled.cause.0))
    .bind(ruled.map(|ruled| ruled.owner.0))
    .bind(ruled.and_then(|ruled| ruled.other).map(|other| other.0))
    .bind(ruled.map_or(0, |ruled| ruled.amount.paisa()))
    .bind(ruled.map_or("", |ruled| &ruled.reason))
    .bind(ruled.map(|ruled| ruled.maker.0))
    .bind(ruled.and_then(|ruled| ruled.checker).map(|checker| checker.0))
    .bind(ruling.ruled_by.map(|op| op.0))
    .bind(!ruling.contests.is_empty())
    .bind(ruling.incomplete)
    .bind(ruling.newer)
    .execute(conn)
    .await
    .map(drop)
}

async fn write_entry(conn: &mut PgConnection, subject: &Subject, booked: &Booked) -> Result<(), sqlx::Error> {
    let entered = booked.entered.as_ref();
    let what = entered.and_then(|entered| Entry::of(entered.what));
    // What a payout takes as a line: paid for what was lost, or kept for what is owed.
    let available = match (what, entered) {
        (Some(Entry::LossPaid), Some(entered)) => entered.amount,
        (Some(Entry::Netted), Some(entered)) => entered.amount.negated(),
        _ => Taka::ZERO,
    };
    sqlx::query(
        "INSERT INTO view_entry (subject, what, owner, other, provider, amount_paisa, part_paisa, available_paisa,
            reference, maker, checker, entered_by, contested, incomplete, newer)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         ON CONFLICT (subject) DO UPDATE SET what = excluded.what, owner = excluded.owner, other = excluded.other,
            provider = excluded.provider, amount_paisa = excluded.amount_paisa, part_paisa = excluded.part_paisa,
            available_paisa = excluded.available_paisa, reference = excluded.reference, maker = excluded.maker,
            checker = excluded.checker, entered_by = excluded.entered_by, contested = excluded.contested,
            incomplete = excluded.incomplete, newer = excluded.newer",
    )
    .bind(subject.0)
    .bind(what.map_or("unknown", Entry::word))
    .bind(entered.map(|entered| entered.owner.0))
    .bind(entered.and_then(|entered| entered.other).map(|other| other.0))
    .bind(entered.map_or(0, |entered| i16::from(entered.provider)))
    .bind(entered.map_or(0, |entered| entered.amount.paisa()))
    .bind(entered.map_or(0, |entered| entered.part.paisa()))
    .bind(available.paisa())
    .bind(entered.map_or("", |entered| &entered.reference))
    .bind(entered.map(|entered| entered.maker.0))
    .bind(entered.and_then(|entered| entered.checker).map(|checker| checker.0))
    .bind(booked.entered_by.map(|op| op.0))
    .bind(!booked.contests.is_empty())
    .bind(booked.incomplete)
    .bind(booked.newer)
    .execute(conn)
    .await
    .map(drop)
}
