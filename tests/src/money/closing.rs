//! What holds when the evening is over, beside all that holds at every step.

use std::collections::BTreeMap;

use central::period::Month;
use protocol::account::Code;
use protocol::fold::State;
use protocol::id::{Kind, Subject};
use protocol::journal::Rule;
use protocol::parcel::Status;
use protocol::taka::Taka;

use super::coverage;
use super::hands;
use super::known;
use super::replay;
use super::report::Report;
use super::street::{Place, grow};
use super::tally::on;
use super::verdict::{ensure, told};
use super::world::World;

pub(super) fn at_the_end(mut world: World) -> Result<Report, String> {
    replay::hold(&mut world)?;
    hands::hold(&world)?;
    hands::on_devices(&world)?;
    clearing(&world)?;
    holders(&world)?;
    vat(&world)?;
    months(&world)?;
    shares(&world)?;
    world.refunded_twice()?;
    balances(&world)?;
    left(&mut world);
    known::count(&mut world);
    coverage::count(&mut world)?;
    world.report.facts = world.office.central.memory.ops.len() as u64;
    world.report.journals = world.office.log.len() as u64;
    Ok(world.report)
}

/// Invariant 5: what was collected for a parcel that is done has gone where it belongs.
fn clearing(world: &World) -> Result<(), String> {
    for parcel in world.market.terms.keys() {
        let Some(state) = world.parcel(*parcel) else { continue };
        let earning = world.office.states.get(&Subject::earning_of(*parcel)).map(|folded| &folded.state);
        let Some(State::Earning(earning)) = earning else { continue };
        let closed = state.is_settled() && state.status.is_with_customer();
        let left = world.tally.of(Code::Clearing.of_owner(*parcel));
        ensure(!closed || left == Taka::ZERO, || format!("{parcel} is closed, and {left} is left in clearing"))?;
        let waits = closed && !state.is_prepaid() && earning.distributed_for.is_none();
        ensure(!waits, || format!("{parcel} is settled and not distributed"))?;
    }
    Ok(())
}

/// Invariant 18: of a parcel that nobody contests, the holder by the facts is who has it in the street.
fn holders(world: &World) -> Result<(), String> {
    for (parcel, goods) in &world.street.goods {
        let Some(state) = world.parcel(*parcel) else { continue };
        let known = known::merged(world, *parcel);
        // A courier gave it to the customer, and nobody has asked him, nor did his file come.
        let untold = state.status == Status::WithCourier && goods.place == Place::Customer;
        // He says that he gave it, and nobody has scanned in what he brought, or lost.
        let kept = matches!(goods.place, Place::Agent { back: true, .. } | Place::Lost { .. });
        let unseen = !goods.not_so.is_empty() && kept;
        if goods.misrecorded || goods.mistaken || known || untold || unseen || !state.is_settled() {
            continue;
        }
        let (said, truth) = (state.custodian, goods.holder());
        ensure(said == truth, || {
            let of = told(world, *parcel);
            let (word, place) = (state.status.word(), goods.place);
            format!("{parcel} is {word}: the facts say that {said:?} has it, and {truth:?} has ({place:?}): {of}")
        })?;
    }
    Ok(())
}

/// Invariant 19: the movement of 2070 in each month is the VAT of what was distributed, charged and kept in it.
fn vat(world: &World) -> Result<(), String> {
    let (mut moved, mut due): (BTreeMap<Month, Taka>, BTreeMap<Month, Taka>) = (BTreeMap::new(), BTreeMap::new());
    for row in &world.office.log {
        let journal = &row.entry.journal;
        grow(&mut moved, row.month, on(journal, Code::Vat).negated());
        if journal.rule == Rule::J17 {
            let vat = world.market.payout_vat();
            grow(&mut due, row.month, if row.entry.rev % 2 == 0 { vat } else { vat.negated() });
        }
        let Some(terms) = world.terms_of(&journal.subject) else { continue };
        let vat = match journal.rule {
            Rule::J5 | Rule::J6 | Rule::J21a => terms.delivery_vat,
            Rule::J7 => terms.commission.plus(terms.cod_fee).basis_points(1_500),
            Rule::J21 => terms.rto_vat,
            // What stands of these in all is held against the terms in [`super::returned`].
            Rule::J20a | Rule::J20b if row.entry.rev % 2 == 0 => on(journal, Code::Vat).negated(),
            Rule::J20a | Rule::J20b => on(journal, Code::Vat),
            _ => continue,
        };
        grow(&mut due, row.month, if row.entry.rev % 2 == 0 { vat } else { vat.negated() });
    }
    for row in world.office.log.iter().filter(|row| row.entry.journal.rule == Rule::J33) {
        let paid = world.desk.behind(&row.entry.journal.subject).map_or(Taka::ZERO, |paper| paper.amount);
        grow(&mut due, row.month, paid.negated());
    }
    for (month, moved) in moved {
        let due = due.get(&month).copied().unwrap_or_default();
        ensure(moved == due, || format!("{month}: 2070 moved by {moved}, and the VAT of its lines is {due}"))?;
    }
    Ok(())
}

/// Invariant 16: a closed month is what it was when it was handed out.
fn months(world: &World) -> Result<(), String> {
    for closed in &world.closed {
        let rows = world.office.log.iter().filter(|row| row.month <= closed.month).count();
        let debits = world.debits_of(rows);
        ensure(rows == closed.rows && debits == closed.debits, || {
            format!(
                "{} was closed with {} journals of {}, and has {rows} of {debits}",
                closed.month, closed.rows, closed.debits
            )
        })?;
    }
    Ok(())
}

/// Invariant 20: what a heap lacked is shared by what each site sealed in, to the paisa, and nothing is left over.
fn shares(world: &World) -> Result<(), String> {
    for (subject, folded) in &world.office.states {
        let State::Deposit(deposit) = &folded.state else { continue };
        let (Some(credited), sealed) = (deposit.credited, deposit.sealed()) else { continue };
        let gap = credited.minus(sealed);
        let mut sites: BTreeMap<Subject, (Taka, i128)> = BTreeMap::new();
        for bag in &deposit.bags {
            let site = sites.entry(bag.site).or_default();
            *site = (site.0.plus(bag.amount), site.1 + 1);
        }
        let mut total = Taka::ZERO;
        for journal in world.tally.standing(subject) {
            for (site, (amount, bags)) in &sites {
                let of = [Code::Shortage.of_owner(*site), Code::CashOver.of_owner(*site)];
                let lines = journal.postings.iter().filter(|line| of.contains(&line.account));
                let share: Taka = lines.map(|line| line.amount.negated()).sum();
                total = total.plus(share);
                let exact = i128::from(gap.paisa()) * i128::from(amount.paisa());
                let off = (i128::from(share.paisa()) * i128::from(sealed.paisa()) - exact).abs();
                ensure(off <= bags * i128::from(sealed.paisa()), || {
                    format!("{subject}: {site} bears {share} of {gap}")
                })?;
            }
        }
        ensure(total == gap || deposit.bags.is_empty(), || format!("{subject}: of {gap} somebody bears {total}"))?;
    }
    Ok(())
}

/// All balances, account by account; and that whatever is owed to nobody is nothing.
fn balances(world: &World) -> Result<(), String> {
    for (account, balance) in &world.office.central.memory.balances {
        let own = world.tally.of(*account);
        ensure(own == *balance, || format!("{account} has {balance}, and its rows come to {own}"))?;
    }
    let escrow = world.tally.sums.iter().filter(|(account, _)| account.code == Code::Escrow);
    for (account, sum) in escrow {
        ensure(*sum <= Taka::ZERO, || {
            let moved = world
                .office
                .log
                .iter()
                .map(|row| &row.entry)
                .filter(|entry| entry.journal.postings.iter().any(|line| line.account == *account));
            let moved: Vec<String> = moved.map(|entry| format!("rev {} {}", entry.rev, entry.journal)).collect();
            format!("{account} is overdrawn by {sum}: {}", moved.join(" | "))
        })?;
    }
    Ok(())
}

/// What is left, for the report: accounts below zero that facts may bring there, contests, lines on suspense.
fn left(world: &mut World) {
    let below = |code: Code, sum: Taka| match code {
        Code::AgentCash | Code::Till | Code::Shortage | Code::InTransit | Code::Settlement => sum < Taka::ZERO,
        Code::CashOver | Code::OverCollected => sum > Taka::ZERO,
        _ => false,
    };
    for (account, sum) in &world.tally.sums {
        if below(account.code, *sum) {
            world.report.leaves(match account.code {
                Code::AgentCash => "1110_below_zero",
                Code::Till => "1120_below_zero",
                Code::Shortage => "1140_below_zero",
                Code::Settlement => "1010_below_zero",
                Code::CashOver => "2090_below_zero",
                Code::OverCollected => "2095_below_zero",
                _ => "1040_below_zero",
            });
        }
    }
    let contested = world.office.states.values().filter(|folded| !folded.contests().is_empty()).count();
    (0..contested).for_each(|_| world.report.leaves("contested"));
    let waits = world.street.fetches.keys().filter(|refund| world.waits_at_till(**refund).is_ok()).count();
    (0..waits).for_each(|_| world.report.leaves("refunds_at_tills"));
    let waiting = world.lines.values().filter(|line| line.state != super::statement::State::Matched);
    let (booked, open): (Vec<_>, Vec<_>) = waiting.partition(|line| line.state == super::statement::State::Booked);
    booked.iter().for_each(|_| world.report.leaves("lines_on_suspense"));
    let open = open.iter().filter(|line| line.state == super::statement::State::Open);
    open.for_each(|_| world.report.leaves("lines_open"));
    let papers = world.desk.papers.values().filter(|paper| paper.entry.is_none()).count();
    (0..papers).for_each(|_| world.report.leaves("papers_not_entered"));
    let open = world.street.bundles.values().filter(|bundle| !bundle.counted);
    open.for_each(|_| world.report.leaves("offers_not_counted"));
    let unknown = world.office.states.keys().filter(|subject| subject.kind() == Some(Kind::Ruling)).count();
    (0..unknown).for_each(|_| world.report.leaves("rulings"));
}
