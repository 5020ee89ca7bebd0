//! What was reached, and whether each pair of facts came to what the catalogue says of it (FACTS.md, "Rules for pairs").
//! What follows from misrecords is not counted.

use std::collections::BTreeSet;

use protocol::account::Code as Chart;
use protocol::contest::Code;
use protocol::entry::Booked;
use protocol::fact::{Entry, Fact, TermsFrozen};
use protocol::fold::{Folded, State};
use protocol::history::History;
use protocol::id::{Author, Kind, Subject};
use protocol::journal::Rule;
use protocol::parcel::{Parcel, Status};
use protocol::taka::Taka;

use super::tally::on;
use super::verdict::{DUES, ensure};
use super::world::World;

/// From this evidence on goods that arrived win over a cancellation (R7).
const BEATS_CANCEL: u8 = 2;

pub(super) fn count(world: &mut World) -> Result<(), String> {
    let mut reached: Vec<&'static str> = Vec::new();
    let clean = |subject: &Subject| !world.misrecorded.contains(subject);
    let wrong: BTreeSet<Author> =
        world.devices.iter().filter(|device| device.clock_off_ms != 0).map(|device| device.edge.author).collect();
    for (at, row) in world.office.log.iter().enumerate() {
        let journal = &row.entry.journal;
        if row.entry.rev > 0 || !clean(&journal.subject) {
            continue;
        }
        reached.push(journal.rule.name());
        // That it comes to what was frozen is looked at when it is posted.
        let is_of_before =
            |terms: &&TermsFrozen| terms.commission != terms.goods.basis_points(world.market.commission_at(at));
        let old = world.terms_of(&journal.subject).filter(|_| journal.rule == Rule::J7).filter(is_of_before);
        reached.extend(old.map(|_| "R36"));
    }
    for (subject, folded) in world.office.states.iter().filter(|(subject, _)| clean(subject)) {
        let history = world.office.central.memory.history(*subject);
        reached.extend(once(folded, &history));
        reached.extend(history.facts.iter().any(|seen| wrong.contains(&seen.author)).then_some("R29"));
        match &folded.state {
            State::Parcel(parcel) => reached.extend(of_parcel(world, *subject, parcel, &history)?),
            State::Order(order) => {
                let captured = order.captured_by.and_then(|id| history.facts.iter().position(|seen| seen.id == id));
                let is_off = |index: &usize| matches!(history.facts[*index].fact, Some(Fact::OrderCancelled(_)));
                let off = (0..history.facts.len()).find(is_off);
                let late = off.zip(captured).is_some_and(|(off, captured)| history.follows(captured, off));
                let moves = order.placed.iter().flat_map(|placed| &placed.parcels).any(|parcel| {
                    let parcel = world.parcel(*parcel);
                    parcel.is_some_and(|parcel| parcel.status != Status::Cancelled)
                });
                ensure(!late || !moves, || format!("{subject} was paid after it was called off, and moves"))?;
                reached.extend(late.then_some("R23"));
            }
            State::HandIn(handin) => {
                let has = |code| told(folded, &history, code);
                let posted = |rule| world.tally.standing(subject).any(|journal| journal.rule == rule);
                let outcomes = [
                    ("R14", posted(Rule::J9) || posted(Rule::J10)),
                    ("R15", handin.offered.is_some() && handin.counted.is_none()),
                    ("R16", came_first(world, subject)),
                    ("R17", has(Code::SecondCount)),
                ];
                reached.extend(outcomes.into_iter().filter(|(_, is)| *is).map(|(what, _)| what));
                let lies = handin.counted.is_none() && world.tally.standing(subject).next().is_some();
                ensure(!lies, || format!("{subject} is offered and not counted, and something is posted"))?;
            }
            State::Shift(shift) => {
                let close = shift.closed_by.and_then(|id| history.facts.iter().position(|seen| seen.id == id));
                let late = |close: usize, other: usize| {
                    let paid = matches!(history.facts[other].fact, Some(Fact::TillPaidOut(_) | Fact::TillPaidIn(_)));
                    paid && history.concurrent(close, other)
                };
                let late = close.is_some_and(|close| (0..history.facts.len()).any(|other| late(close, other)));
                let z = world.tally.standing(subject).filter(|journal| journal.rule == Rule::J27a);
                let differs: Taka = z.map(|journal| on(journal, Chart::Till)).sum();
                let says = shift.counted.map_or(Taka::ZERO, |counted| counted.minus(shift.expected));
                ensure(!late || differs == says, || format!("{subject}: the Z says {says}, {differs} is booked"))?;
                reached.extend(late.then_some("R18"));
            }
            State::Entry(booked) => reached.extend(charged_back_after(world, booked).then_some("R24")),
            State::Deposit(deposit) => {
                let differs = deposit.credited.is_some_and(|credited| credited != deposit.sealed());
                let booked: Taka = world.tally.standing(subject).map(|journal| on(journal, Chart::Settlement)).sum();
                let says = deposit.credited.unwrap_or_default();
                ensure(deposit.bags.is_empty() || booked == says, || {
                    format!("{subject}: the bank says {says}, {booked} is booked")
                })?;
                reached.extend(differs.then_some("R19"));
            }
            State::Line(line) => {
                let late = line.identified.is_some_and(|thing| thing.kind() == Some(Kind::Deposit));
                let stays = line.identified.is_some() && world.tally.standing(subject).next().is_some();
                ensure(!stays, || format!("{subject} is identified, and stands on suspense"))?;
                reached.extend(late.then_some("R20"));
            }
            State::Refund(refund) if refund.reserved.is_some() => {
                let posted = |rule| world.tally.standing(subject).any(|journal| journal.rule == rule);
                let both = refund.paid.is_some() && !refund.given.is_empty();
                ensure(!both || posted(Rule::J37), || format!("{subject} was paid by two, and nobody owes it"))?;
                reached.extend(both.then_some("R26"));
            }
            State::Earning(earning) => {
                let both = earning.contests.iter().any(|contest| contest.code == Code::GoodsAndMoney);
                let paid = world.tally.standing(subject).any(|journal| matches!(journal.rule, Rule::J5 | Rule::J6));
                ensure(!both || !paid, || format!("{subject}: the goods, the money, and the vendor is paid"))?;
                reached.extend(both.then_some("R7_goods_and_money"));
            }
            _ => {}
        }
    }
    reached.into_iter().for_each(|what| world.report.reached(what));
    Ok(())
}

/// Whether a chargeback was entered of an order whose goods are out or given.
fn charged_back_after(world: &World, booked: &Booked) -> bool {
    let Some(entered) = booked.entered.as_ref() else { return false };
    if ![Entry::ChargedBack as u8, Entry::ChargedBackEarly as u8].contains(&entered.what) {
        return false;
    }
    let deal = [entered.other, Some(entered.owner)].into_iter().flatten().find_map(|of| world.market.deals.get(&of));
    let out = |parcel: &Subject| {
        let left = |fact: &Fact| matches!(fact, Fact::Loaded(_) | Fact::HandedOver(_) | Fact::Consigned(_));
        world.office.facts_of(parcel).iter().any(|(.., fact)| left(fact))
    };
    deal.is_some_and(|deal| deal.parcels.iter().any(out))
}

/// Two records of what is said once, any other pair, and one act that was recorded twice.
fn once(folded: &Folded, history: &History) -> Vec<&'static str> {
    let has = |code| told(folded, history, code);
    let echoes = (0..history.facts.len()).any(|index| !history.is_canonical(index));
    let outcomes =
        [("recorded_twice", has(Code::RecordedTwice)), ("unlisted_pair", has(Code::UnlistedPair)), ("R1", echoes)];
    outcomes.into_iter().filter(|(_, is)| *is).map(|(what, _)| what).collect()
}

/// Whether it waits for this, or did, and people looked at it.
fn told(folded: &Folded, history: &History, code: Code) -> bool {
    let looked = |fact: &Fact| matches!(fact, Fact::Cleared(one) if one.code == code as u16);
    let waits = folded.contests().iter().any(|contest| contest.code == code);
    waits || history.facts.iter().any(|seen| seen.fact.as_ref().is_some_and(looked))
}

/// The count came before the offer, or without one.
fn came_first(world: &World, subject: &Subject) -> bool {
    let facts = world.office.facts_of(subject);
    let offer = facts.iter().position(|(.., fact)| matches!(fact, Fact::HandInOffered(_)));
    let count = facts.iter().position(|(.., fact)| matches!(fact, Fact::HandInCounted(_)));
    match (offer, count) {
        (Some(offer), Some(count)) => count < offer,
        (None, Some(_)) => true,
        _ => false,
    }
}

fn of_parcel(world: &World, subject: Subject, parcel: &Parcel, history: &History) -> Result<Vec<&'static str>, String> {
    let mut reached = Vec::new();
    let void = voided(history);
    let of = |wanted: fn(&Fact) -> bool| -> Vec<usize> {
        let is = |index: &usize| {
            let fact = history.facts[*index].fact.as_ref();
            history.is_canonical(*index) && !void.contains(index) && fact.is_some_and(wanted)
        };
        (0..history.facts.len()).filter(is).collect()
    };
    let due = world.tally.standing(&subject).find(|journal| DUES.contains(&journal.rule));
    let posted = |rule| world.tally.standing(&subject).any(|journal| journal.rule == rule);

    reached.extend((!parcel.taken_back.is_empty()).then_some("R21"));
    for index in &void {
        let given = matches!(history.facts[*index].fact, Some(Fact::Delivered(_)));
        reached.push(if given { "R5" } else { "R5_scan" });
        let id = history.facts[*index].id;
        ensure(due.is_none_or(|due| due.cause != id) && parcel.status_by != Some(id), || {
            format!("{subject}: {id:?} was voided, and counts")
        })?;
    }
    let doors = of(|fact| matches!(fact, Fact::Delivered(_)));
    let counters = of(|fact| matches!(fact, Fact::HandedOver(_)));
    let ends: Vec<usize> = doors.iter().chain(&counters).copied().collect();
    if doors.len() > 1 {
        reached.push("R2");
        two_deliveries(subject, parcel, history, &doors)?;
    }
    if !doors.is_empty() && !counters.is_empty() {
        reached.push("door_and_counter");
    }
    let looked = !of(|fact| matches!(fact, Fact::Cleared(_))).is_empty();
    reached.extend(looked.then_some("cleared"));
    ensure(ends.len() < 2 || looked || !parcel.contests.is_empty(), || {
        format!("{subject} was given twice, and nobody is told")
    })?;

    let paid_at_door = of(|fact| matches!(fact, Fact::Delivered(d) if d.collected.is_some_and(|c| c > Taka::ZERO)));
    let paid_at_counter = of(|fact| matches!(fact, Fact::CounterPaid(_) | Fact::PartnerPaid(_)));
    let apart = |one: &usize| paid_at_counter.iter().any(|other| history.concurrent(*one, *other));
    if paid_at_door.iter().any(apart) {
        reached.push("R4");
        ensure(due.is_some() && posted(Rule::J12), || format!("{subject} was paid twice, and J12 is not posted"))?;
    }
    let by_phone = of(|fact| matches!(fact, Fact::PaidAtDoor(_)));
    let apart = |one: &usize| by_phone.iter().any(|other| history.concurrent(*one, *other));
    let cash = || paid_at_door.iter().chain(&paid_at_counter);
    // Cash that central knew of when it was told of the payment stands.
    let knew = cash().any(|one| by_phone.iter().any(|other| history.follows(*other, *one)));
    if cash().any(apart) && !knew && parcel.status.is_with_customer() {
        reached.push("R3");
        ensure(due.is_some_and(|due| due.rule == Rule::J24) && posted(Rule::J12), || {
            format!("{subject} was paid in cash and by phone, and {due:?} satisfies it")
        })?;
    }
    reached.extend(posted(Rule::J11a).then_some("R12"));
    reached.extend(posted(Rule::J11).then_some("R13"));
    called_off(subject, parcel, history, &mut reached)?;

    let scans =
        of(|fact| matches!(fact, Fact::Received(_) | Fact::Shelved(_) | Fact::HoldExpired(_) | Fact::HandedOver(_)));
    let one_site = |one: usize, other: usize| {
        let (one_seen, other_seen) = (&history.facts[one], &history.facts[other]);
        one_seen.party == other_seen.party && one_seen.person != other_seen.person && history.concurrent(one, other)
    };
    let pair = scans.iter().any(|one| scans.iter().any(|other| one < other && one_site(*one, *other)));
    reached.extend(pair.then_some("one_site"));
    Ok(reached)
}

/// What people found not to be so, with every other record of the same act that they had heard of.
fn voided(history: &History) -> BTreeSet<usize> {
    let mut void = BTreeSet::new();
    for (at, seen) in history.facts.iter().enumerate() {
        let Some(Fact::RecordVoided(of)) = &seen.fact else { continue };
        let Some(named) = history.facts.iter().position(|other| other.id == of.op) else { continue };
        let act = (0..history.facts.len()).find(|act| *act == named || history.echoes(*act).any(|echo| echo == named));
        let all = act.into_iter().flat_map(|act| history.echoes(act).chain([act, named]));
        void.extend(all.filter(|one| history.follows(at, *one)));
    }
    void
}

/// R2: of deliveries that did not know of each other the one with the higher evidence stands.
fn two_deliveries(subject: Subject, parcel: &Parcel, history: &History, doors: &[usize]) -> Result<(), String> {
    let rank = |index: usize| match &history.facts[index].fact {
        Some(Fact::Delivered(delivered)) => delivered.evidence,
        _ => 0,
    };
    let stands =
        doors.iter().copied().find(|door| parcel.given.is_some_and(|given| given.op == history.facts[*door].id));
    let Some(stands) = stands else { return Ok(()) };
    let better = doors.iter().copied().find(|door| history.concurrent(*door, stands) && rank(*door) > rank(stands));
    // One that a later fact follows, or that was overtaken, claims nothing any more.
    let followed = |door: usize| (0..history.facts.len()).any(|other| history.follows(other, door));
    ensure(better.is_none_or(followed), || format!("{subject}: the delivery with less evidence stands"))
}

/// R7 and R8: what a cancellation comes to.
fn called_off(
    subject: Subject,
    parcel: &Parcel,
    history: &History,
    reached: &mut Vec<&'static str>,
) -> Result<(), String> {
    let index = |wanted: fn(&Fact) -> bool| {
        let is = move |index: &usize| history.facts[*index].fact.as_ref().is_some_and(wanted);
        (0..history.facts.len()).filter(is).collect::<Vec<usize>>()
    };
    let cancels = index(|fact| matches!(fact, Fact::ParcelCancelled(_)));
    if cancels.is_empty() {
        return Ok(());
    }
    let told = index(|fact| matches!(fact, Fact::Accepted(_) | Fact::Packed(_) | Fact::Rejected(_)));
    let unknowing = |one: &usize| cancels.iter().any(|cancel| history.concurrent(*one, *cancel));
    if parcel.status == Status::Cancelled {
        reached.extend(told.iter().any(unknowing).then_some("R8_vendor"));
        ensure(parcel.contests.is_empty() || parcel.newer, || format!("{subject} is cancelled, and contested"))?;
    } else if parcel.status.is_with_customer() {
        reached.push("R7");
        let cleared =
            |fact: &Fact| matches!(fact, Fact::Cleared(one) if one.code == Code::CancelledAndDelivered as u16);
        let looked = history.facts.iter().any(|seen| seen.fact.as_ref().is_some_and(cleared));
        let judged = looked || parcel.contests.iter().any(|contest| contest.code == Code::CancelledAndDelivered);
        let given = parcel.given.and_then(|given| history.facts.iter().find(|seen| seen.id == given.op));
        if let Some(Some(Fact::Delivered(delivered))) = given.map(|seen| &seen.fact) {
            let sure = delivered.evidence >= BEATS_CANCEL;
            ensure(parcel.return_requested == sure && judged != sure, || {
                format!("{subject} is cancelled and delivered with E{}, and {judged}", delivered.evidence)
            })?;
        }
    } else {
        reached.push("R8_under_way");
        ensure(parcel.stop_requested, || format!("{subject} is called off under way, and nobody is asked to stop"))?;
    }
    Ok(())
}
