//! Faults of the product that these worlds found and that are not mended yet. Each is counted under its name in the report
//! (`known_faults`) where it would else be a violation; whoever mends one takes its name away here.

use protocol::account::Code;
use protocol::fact::Fact;
use protocol::id::{Scope, Subject};
use protocol::journal::Rule;
use protocol::parcel::{Parcel, Status};
use protocol::taka::Taka;

use super::world::World;

/// Two sites each sent a parcel to the other, and each scanned it in before it had heard of that: every claim is overtaken
/// by the other's scan, no claim is left, and the parcel is where it was before it moved
/// (`protocol/src/parcel/custody.rs`, `standing_claims`).
pub const NOBODY_LEFT: &str = "custody_claims_overtake_each_other";
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

/// A site sent a parcel to another one, got it back, and sent it once more, and the other's scan has heard of neither van: it
/// is taken for one of the later, and everything before that is overtaken, without a contest
/// (`protocol/src/parcel/custody.rs`, `standing_claims`, `arrived`).
pub const LATER_VAN: &str = "scan_overtakes_a_later_van";

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

/// Whether an agent who had it before took it again without knowing of the scan, or of the run sheet after it, that says
/// where it is. The scan may not have heard of his first load either: his phone was dark all the time.
pub(super) fn taken_again(world: &World, subject: Subject, parcel: &Parcel) -> bool {
    let history = world.office.central.memory.history(subject);
    let all = 0..history.facts.len();
    let Some(stands) = all.clone().find(|index| Some(history.facts[*index].id) == parcel.status_by) else {
        return false;
    };
    let loads: Vec<usize> = all.filter(|index| matches!(history.facts[*index].fact, Some(Fact::Loaded(_)))).collect();
    let before = |load: usize| {
        let same = |earlier: &&usize| history.facts[**earlier].party == history.facts[load].party;
        loads.iter().filter(same).any(|earlier| history.follows(load, *earlier))
    };
    let scanned = matches!(history.facts[stands].fact, Some(Fact::Received(_) | Fact::Dispatched(_)));
    scanned && loads.iter().any(|load| history.concurrent(*load, stands) && before(*load))
}

/// Whether a scan has heard of neither of two vans to its site, one sent after the other.
pub(super) fn later_van(world: &World, subject: Subject) -> bool {
    let history = world.office.central.memory.history(subject);
    let all = 0..history.facts.len();
    all.clone().filter(|scan| matches!(history.facts[*scan].fact, Some(Fact::Received(_)))).any(|scan| {
        let here = history.facts[scan].party;
        let unheard = |van: &usize| {
            matches!(&history.facts[*van].fact, Some(Fact::Forwarded(sent)) if sent.to == here)
                && history.concurrent(scan, *van)
        };
        let vans: Vec<usize> = all.clone().filter(unheard).collect();
        vans.iter().any(|later| vans.iter().any(|earlier| history.follows(*later, *earlier)))
    })
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
        if nobody_left(world, subject, parcel) {
            world.report.fault(NOBODY_LEFT);
        } else if !said && parcel.is_settled() && taken_again(world, subject, parcel) {
            world.report.fault(TAKEN_AGAIN);
        } else if !said && parcel.is_settled() && later_van(world, subject) {
            world.report.fault(LATER_VAN);
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
}
