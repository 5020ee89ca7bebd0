//! In whose hands cash is, three times: by the facts alone, by the books, and in the street. Invariant 4, as a whole.

use std::collections::BTreeMap;

use protocol::account::{Account, Code};
use protocol::decide::Shelf;
use protocol::fact::{Entry, Fact, How};
use protocol::history::History;
use protocol::id::{Kind, Scope, Subject};
use protocol::seat::Role;
use protocol::taka::Taka;

use super::roster::{PARTNER, TILLS};
use super::street::grow;
use super::verdict::ensure;
use super::world::World;

/// Where it is read from facts: accounts of which only facts speak.
const BY_FACTS: [Code; 4] = [Code::AgentCash, Code::Till, Code::PartnerReceivable, Code::InTransit];

/// Holds the three against each other.
pub(super) fn hold(world: &World) -> Result<(), String> {
    let said = by_facts(world);
    for account in said.keys().chain(world.tally.sums.keys()).filter(|account| BY_FACTS.contains(&account.code)) {
        let (said, booked) = (said.get(account).copied().unwrap_or_default(), world.tally.of(*account));
        ensure(said == booked, || format!("{account}: the facts come to {said}, the books to {booked}"))?;
    }
    unaccounted(world)?;
    in_the_street(world)
}

/// What each device says of its own cash is what central says.
pub(super) fn on_devices(world: &World) -> Result<(), String> {
    for device in &world.devices {
        let party = device.party();
        let code = if device.role() == Role::Agent { Code::AgentCash } else { Code::Till };
        let books = device.edge.memory.books(&device.edge.memory.readable(&device.edge.seat));
        let here = books.get(&code.of_owner(party)).copied().unwrap_or_default();
        let there = world.office.balance(code.of_owner(party));
        ensure(here == there, || format!("{party} has {here} by his device, and {there} by central"))?;
        if device.role() == Role::Agent {
            let open = world.street.bundles.values().filter(|bundle| bundle.agent == party && !bundle.counted).count();
            ensure(open > 0 || device.edge.cash_on_hand() == there, || format!("{party} has no offer open"))?;
        }
    }
    Ok(())
}

/// Sums by account, from facts and their causality only: no fold, no journal.
fn by_facts(world: &World) -> BTreeMap<Account, Taka> {
    let mut sums = BTreeMap::new();
    for subject in world.office.states.keys() {
        let history = world.office.central.memory.history(*subject);
        match subject.kind() {
            Some(Kind::Parcel) => collected(&history, &mut sums),
            Some(Kind::HandIn) => counted(&history, &mut sums),
            Some(Kind::Shift) => {
                closed(&history, &mut sums);
                on_paper(&history, &mut sums);
            }
            Some(Kind::Refund) => fetched(*subject, &history, &mut sums),
            Some(Kind::Bag | Kind::Deposit | Kind::Remittance | Kind::Ruling | Kind::Entry) => {
                finance(*subject, &history, &mut sums)
            }
            _ => {}
        }
    }
    sums.retain(|_, sum| *sum != Taka::ZERO);
    sums
}

/// The acts of a kind: one for each person who did not know of his other tap, with all that he said of it.
fn acts<'a, T>(history: &'a History, pick: impl Fn(&'a Fact) -> Option<T>) -> Vec<(usize, Vec<T>)> {
    let mut acts: Vec<(usize, Vec<T>)> = Vec::new();
    for (index, seen) in history.facts.iter().enumerate() {
        let Some(said) = seen.fact.as_ref().and_then(&pick) else { continue };
        let kind = seen.fact.as_ref().map(Fact::class_kind);
        let same = |first: usize| {
            let other = &history.facts[first];
            other.person == seen.person
                && other.fact.as_ref().map(Fact::class_kind) == kind
                && history.concurrent(first, index)
        };
        match acts.iter_mut().find(|(first, _)| seen.role != Role::Central && same(*first)) {
            Some((_, all)) => all.push(said),
            None => acts.push((index, vec![said])),
        }
    }
    acts
}

/// Of several acts the one that follows no other, and of those the one with the smallest id.
fn first<T>(history: &History, acts: Vec<(usize, Vec<T>)>) -> Option<(usize, Vec<T>)> {
    let indexes: Vec<usize> = acts.iter().map(|(index, _)| *index).collect();
    acts.into_iter().find(|(index, _)| indexes.iter().all(|other| !history.follows(*index, *other)))
}

fn collected(history: &History, sums: &mut BTreeMap<Account, Taka>) {
    let took = acts(history, |fact| match fact {
        Fact::Delivered(delivered) => delivered.collected.map(|amount| (Code::AgentCash, amount)),
        Fact::CounterPaid(paid) => Some((Code::Till, paid.amount)),
        Fact::PartnerPaid(paid) => Some((Code::PartnerReceivable, paid.amount)),
        _ => None,
    });
    for (index, said) in took {
        let most = said.iter().map(|(_, amount)| *amount).max().unwrap_or_default();
        grow(sums, said[0].0.of_owner(history.facts[index].party), most);
    }
}

fn counted(history: &History, sums: &mut BTreeMap<Account, Taka>) {
    let offer = acts(history, |fact| if let Fact::HandInOffered(offer) = fact { Some(offer.amount) } else { None });
    let count = acts(history, |fact| match fact {
        Fact::HandInCounted(count) => Some((count.agent, count.counted)),
        _ => None,
    });
    let Some((index, said)) = first(history, count) else { return };
    let most = said.iter().map(|(_, amount)| *amount).max().unwrap_or_default();
    let given = first(history, offer).map_or(most, |(_, said)| said[0]);
    grow(sums, Code::AgentCash.of_owner(said[0].0), given.negated());
    grow(sums, Code::Till.of_owner(history.facts[index].party), most);
}

fn closed(history: &History, sums: &mut BTreeMap<Account, Taka>) {
    let close = acts(history, |fact| if let Fact::TillClosed(close) = fact { Some(close) } else { None });
    let Some((index, said)) = first(history, close) else { return };
    let least = said.iter().map(|close| close.counted).min().unwrap_or_default();
    grow(sums, Code::Till.of_owner(history.facts[index].party), least.minus(said[0].expected));
}

/// What went out of a drawer and came into it on paper: of a double tap that differs the larger amount.
fn on_paper(history: &History, sums: &mut BTreeMap<Account, Taka>) {
    let out = acts(history, |fact| if let Fact::TillPaidOut(paid) = fact { Some(paid.amount.negated()) } else { None });
    let into = acts(history, |fact| if let Fact::TillPaidIn(paid) = fact { Some(paid.amount) } else { None });
    for (index, said) in out.iter().chain(&into) {
        let till = Code::Till.of_owner(history.facts[*index].party);
        let most = said.iter().copied().max_by_key(|amount| amount.paisa().abs()).unwrap_or_default();
        grow(sums, till, most);
    }
}

/// What was given out of a drawer for the code of a refund: each act is cash, whatever else was paid of it.
fn fetched(subject: Subject, history: &History, sums: &mut BTreeMap<Account, Taka>) {
    let kept = history.facts.iter().find_map(|seen| match &seen.fact {
        Some(Fact::RefundReserved(kept)) => Some(kept),
        _ => None,
    });
    let given = acts(history, |fact| if let Fact::CashRefunded(given) = fact { Some(given.code) } else { None });
    let opens = |code: [u8; 10], lock: [u8; 16]| protocol::refund::RefundCode(code).lock(&subject) == lock;
    for (index, said) in given {
        let Some(kept) = kept.filter(|kept| opens(said[0], kept.lock)) else { continue };
        grow(sums, Code::Till.of_owner(history.facts[index].party), kept.amount.negated());
    }
}

fn finance(subject: Subject, history: &History, sums: &mut BTreeMap<Account, Taka>) {
    let brought = history.facts.iter().find_map(|seen| match &seen.fact {
        Some(Fact::Deposited(deposit)) => Some(deposit),
        _ => None,
    });
    for seen in &history.facts {
        match &seen.fact {
            Some(Fact::BagSealed(bag)) => {
                grow(sums, Code::Till.of_owner(bag.site), bag.amount.negated());
                grow(sums, Code::InTransit.of_owner(subject), bag.amount);
            }
            Some(Fact::DepositConfirmed(_)) => {
                for bag in brought.into_iter().flat_map(|deposit| &deposit.bags) {
                    grow(sums, Code::InTransit.of_owner(bag.bag), bag.amount.negated());
                }
            }
            Some(Fact::PartnerRemitted(paid)) => {
                grow(sums, Code::PartnerReceivable.of_owner(paid.site), paid.net.plus(paid.commission).negated());
            }
            Some(Fact::Entered(entered)) => match Entry::of(entered.what) {
                Some(Entry::FloatIssued) => grow(sums, Code::Till.of_owner(entered.owner), entered.amount),
                Some(Entry::BagStolen) => {
                    grow(sums, Code::InTransit.of_owner(entered.owner), entered.amount.negated());
                }
                _ => {}
            },
            Some(Fact::Ruled(ruled)) => match (How::of(ruled.how), ruled.other) {
                (Some(How::Repaid), Some(till)) => grow(sums, Code::Till.of_owner(till), ruled.amount),
                (Some(How::ToGiver), Some(till)) => grow(sums, Code::Till.of_owner(till), ruled.amount.negated()),
                (Some(How::RecordedInError), Some(agent)) => {
                    grow(sums, Code::AgentCash.of_owner(agent), ruled.amount.negated());
                }
                _ => {}
            },
            _ => {}
        }
    }
}

/// Cash that is neither in a hand of ours, nor with the bank, nor known to be lost: none.
fn unaccounted(world: &World) -> Result<(), String> {
    let (afoot, in_hand) = (world.street.afoot, world.street.in_hand());
    ensure(afoot == in_hand, || format!("{afoot} of cash came and did not go, and {in_hand} is in all hands"))
}

/// After the evening's counts the books' cash is where the cash is, to the paisa; what was different stands on 1140, 2090
/// and 2095 under somebody's name.
fn in_the_street(world: &World) -> Result<(), String> {
    for site in TILLS {
        let (pile, booked) = (world.street.pile(&site), world.tally.of(Code::Till.of_owner(site)));
        ensure(pile == booked, || format!("{site}: {pile} is in the drawer, {booked} in the books"))?;
    }
    for agent in world.agents() {
        let (pile, booked) = (world.street.of_agent(&agent), world.tally.of(Code::AgentCash.of_owner(agent)));
        ensure(pile == booked || is_named(world, agent, pile, booked), || {
            let of = ways(world, agent);
            format!("{agent}: {pile} is in his hands, {booked} in the books: {of}")
        })?;
    }
    let gone: Taka = world.remitted.iter().map(|(_, gross, _)| *gross).sum();
    let owed = world.tally.of(Code::PartnerReceivable.of_owner(PARTNER));
    let has = world.street.partners.get(&PARTNER).copied().unwrap_or_default();
    let known = has.plus(gone);
    ensure(owed == known, || format!("{PARTNER}: he has {has} and sent {gone}, and owes {owed}"))?;
    for (bag, sum) in world.tally.sums.iter().filter(|(account, _)| account.code == Code::InTransit) {
        let Some(bag) = bag.owner else { continue };
        let in_deposit = world.expected(super::statement::Side::Settlement);
        let waits = in_deposit.iter().any(|thing| !thing.is_booked && thing.subject.kind() == Some(Kind::Deposit));
        let stolen = world.desk.about(Entry::BagStolen, bag).any(|paper| paper.entry.is_none());
        ensure(*sum == Taka::ZERO || waits || stolen, || {
            format!("{bag}: {sum} is in it by the books, and no deposit waits")
        })?;
    }
    Ok(())
}

/// An agent whose account is not what he has is an exception of the product, and it is known by what: he was counted as
/// another or for nothing, or a record of his was taken back by a ruling before a hand-in without it was known (see
/// [`super::known`]).
fn is_named(world: &World, agent: Scope, pile: Taka, booked: Taka) -> bool {
    let crossed = world.crossed.contains(&agent) && (booked <= Taka::ZERO || pile == Taka::ZERO);
    crossed || super::known::taken_back(world, agent) >= pile.minus(booked)
}

/// What stands on an agent's account, for whoever looks into it.
fn ways(world: &World, agent: Scope) -> String {
    let own = [Code::AgentCash.of_owner(agent), Code::Shortage.of_owner(agent), Code::CashOver.of_owner(agent)];
    let standing =
        world.tally.all_standing().filter(|journal| journal.postings.iter().any(|l| own.contains(&l.account)));
    standing.map(ToString::to_string).collect::<Vec<_>>().join(" | ")
}
