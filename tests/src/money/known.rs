//! Faults of the product that these worlds found and that are not mended yet. Each is counted under its name in the report
//! (`known_faults`) where it would else be a violation; whoever mends one takes its name away here.

use std::collections::BTreeMap;

use protocol::account::Code;
use protocol::fact::{Entry, Fact};
use protocol::id::{Scope, Subject};
use protocol::journal::Rule;
use protocol::parcel::{Parcel, Status};
use protocol::taka::Taka;

use super::world::World;

/// Two sites each sent a parcel to the other, and each scanned it in before it had heard of that: every claim is overtaken
/// by the other's scan, no claim is left, and the parcel is where it was before it moved
/// (`protocol/src/parcel/custody.rs`, `standing_claims`).
pub const NOBODY_LEFT: &str = "custody_claims_overtake_each_other";
/// A second window's old scan of a parcel is taken for the scan of a later van: the van that brings it back to that site,
/// or what lies at the other one, is overtaken by it without a contest (as above).
pub const OLD_SCAN: &str = "old_scan_overtakes_later_forward";
/// A clerk with two windows scans or sends out a parcel once more on the one that has heard nothing since: two acts of one
/// person that did not know of each other are one act (R1), and the second is not seen (`protocol/src/history.rs`, `acts`).
pub const MERGED: &str = "two_acts_of_one_person_are_one";
/// A record is taken back from an agent's account that does not hold it any more
/// (`central/src/rulings.rs`, `check`, `RecordedInError`).
pub const TAKEN_BACK: &str = "recorded_in_error_below_zero";
/// An agent brings a parcel back, it is scanned in, and he takes it from the shelf again, by a run sheet of before and
/// without having heard of the scan: his load is overtaken by the scan, without a contest, though it came later
/// (`protocol/src/parcel/custody.rs`, `standing_claims`, `came_back`).
pub const TAKEN_AGAIN: &str = "scan_overtakes_a_second_load";
/// A provider settled, and gave back to a customer before finance entered that: its account holds less than it paid out,
/// and the settlement cannot be entered until more is taken there (`protocol/src/entry.rs`, `way`, `held` of `Settled`).
pub const SETTLED_LATE: &str = "settlement_behind_a_refund";
/// What a customer's bank took back (J31) is not kept from what is to be refunded for the same order: he gets both
/// (`central/src/payments.rs`, `refund`; `protocol/src/react.rs`, `EscrowReleased`).
pub const BACK_TWICE: &str = "disputed_and_refunded";

/// Whether the parcel moved, and the fold says that it never did.
pub(super) fn nobody_left(world: &World, subject: Subject, parcel: &Parcel) -> bool {
    let before = matches!(
        parcel.status,
        Status::Placed | Status::Accepted | Status::Rejected | Status::Packed | Status::Cancelled
    );
    let facts = world.office.facts_of(&subject);
    let sent = facts.iter().filter(|(.., fact)| matches!(fact, Fact::Forwarded(_))).count();
    before && sent > 1
}

/// Whether a scan that says where the parcel is answers an earlier van than the one that it overtakes.
pub(super) fn old_scan(world: &World, subject: Subject, parcel: &Parcel) -> bool {
    let history = world.office.central.memory.history(subject);
    let all = 0..history.facts.len();
    let Some(stands) = all.clone().find(|index| Some(history.facts[*index].id) == parcel.status_by) else {
        return false;
    };
    let here = history.facts[stands].party;
    let to_here = |index: &usize| matches!(&history.facts[*index].fact, Some(Fact::Forwarded(sent)) if sent.to == here);
    let scan = |index: &usize| {
        let seen = &history.facts[*index];
        let is = matches!(seen.fact, Some(Fact::Received(_))) && seen.party == here;
        is && (*index == stands || history.follows(stands, *index))
    };
    // A claim that a later step follows stands only when that step was overtaken, by a scan that answers another van.
    let step = |index: &usize| {
        let fact = history.facts[*index].fact.as_ref();
        matches!(fact, Some(Fact::Received(_) | Fact::Forwarded(_) | Fact::Dispatched(_) | Fact::Loaded(_)))
    };
    if all.clone().filter(step).any(|later| history.follows(later, stands)) {
        return true;
    }
    let vans: Vec<usize> = all.clone().filter(to_here).collect();
    all.filter(scan).any(|scan| {
        // It answers one of several vans, by whatever it had heard of them.
        vans.len() > 1 && vans.iter().any(|van| history.concurrent(scan, *van))
    })
}

/// Whether an agent who had it before the scan that says where it is took it again without knowing of that scan.
pub(super) fn taken_again(world: &World, subject: Subject, parcel: &Parcel) -> bool {
    let history = world.office.central.memory.history(subject);
    let all = 0..history.facts.len();
    let Some(stands) = all.clone().find(|index| Some(history.facts[*index].id) == parcel.status_by) else {
        return false;
    };
    let loads: Vec<usize> = all.filter(|index| matches!(history.facts[*index].fact, Some(Fact::Loaded(_)))).collect();
    let before = |load: usize| {
        let same = |earlier: &&usize| history.facts[**earlier].party == history.facts[load].party;
        loads.iter().filter(same).any(|earlier| history.follows(load, *earlier) && history.follows(stands, *earlier))
    };
    let scanned = matches!(history.facts[stands].fact, Some(Fact::Received(_)));
    scanned && loads.iter().any(|load| history.concurrent(*load, stands) && before(*load))
}

/// Whether a step of its way is taken for another tap of an earlier one.
pub(super) fn merged(world: &World, subject: Subject) -> bool {
    let history = world.office.central.memory.history(subject);
    let step = |index: &usize| matches!(&history.facts[*index].fact, Some(Fact::Received(_) | Fact::Dispatched(_)));
    (0..history.facts.len()).filter(step).any(|index| !history.is_canonical(index))
}

/// What was taken back from an agent by rulings, as posted.
pub(super) fn taken_back(world: &World, agent: Scope) -> Taka {
    let account = Code::AgentCash.of_owner(agent);
    let of = world.tally.all_standing().filter(|journal| journal.rule == Rule::J12c);
    of.flat_map(|journal| &journal.postings)
        .filter(|line| line.account == account)
        .map(|line| line.amount.negated())
        .sum()
}

/// Counts them.
pub(super) fn count(world: &mut World) {
    let subjects: Vec<Subject> = world.street.goods.keys().copied().collect();
    for subject in subjects {
        let (Some(parcel), Some(goods)) = (world.parcel(subject), world.street.goods.get(&subject)) else { continue };
        let said = goods.misrecorded || goods.mistaken || parcel.custodian == goods.holder();
        let (lost, old) = (nobody_left(world, subject, parcel), old_scan(world, subject, parcel));
        if lost {
            world.report.fault(NOBODY_LEFT);
        } else if old && !said && parcel.is_settled() {
            world.report.fault(OLD_SCAN);
        } else if !said && parcel.is_settled() && taken_again(world, subject, parcel) {
            world.report.fault(TAKEN_AGAIN);
        } else if !said && parcel.is_settled() && merged(world, subject) {
            world.report.fault(MERGED);
        }
    }
    for agent in world.agents() {
        let below = world.tally.of(Code::AgentCash.of_owner(agent)) < Taka::ZERO;
        if below && taken_back(world, agent) > Taka::ZERO {
            world.report.fault(TAKEN_BACK);
        }
    }
    let waits = world.desk.papers.values().filter(|paper| paper.entry.is_none());
    let settled = waits.filter(|paper| paper.what == Entry::Settled).count();
    (0..settled).for_each(|_| world.report.fault(SETTLED_LATE));
    let both = world.street.disputed.iter().filter(|(customer, disputed)| {
        let of = |sums: &BTreeMap<Subject, Taka>| sums.get(customer).copied().unwrap_or_default();
        disputed.plus(of(&world.street.refunded)) > of(&world.street.paid)
    });
    let both = both.count();
    (0..both).for_each(|_| world.report.fault(BACK_TWICE));
}
