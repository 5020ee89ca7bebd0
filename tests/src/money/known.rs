//! Faults of the product that these worlds found and that are not mended yet. Each is counted under its name in the report
//! (`known_faults`) where it would else be a violation; whoever mends one takes its name away here.

use protocol::account::Code;
use protocol::earning::Earning;
use protocol::fact::Fact;
use protocol::fold::State;
use protocol::id::{Scope, Subject};
use protocol::journal::Rule;
use protocol::taka::Taka;

use super::world::World;

/// A clerk with two windows scans or sends out a parcel once more on the one that has heard nothing since: two acts of one
/// person that did not know of each other are one act (R1), and the second is not seen (`protocol/src/history.rs`, `acts`).
pub const MERGED: &str = "two_acts_of_one_person_are_one";
/// A record is taken back from an agent's account that does not hold it any more
/// (`central/src/rulings.rs`, `check`, `RecordedInError`).
pub const TAKEN_BACK: &str = "recorded_in_error_below_zero";
/// A return was charged to the vendor, and the parcel turned out to be with the customer: the vendor is paid for the goods, and
/// the fee of the return stays with him (`protocol/src/earning.rs`, `fold`).
pub const FEE_STAYS: &str = "fee_of_a_return_that_was_none";
/// A courier said that he had delivered, paid for it, and brought it back when the vendor might have the money already: what
/// he collected is taken back, what the vendor has is not, and the parcel's clearing stays open (`protocol/src/react.rs`,
/// `settle`).
pub const BACK_TOO_LATE: &str = "brought_back_after_maturity";

/// Whether an earning was charged for a return, and paid out for the delivery.
pub(super) fn fee_stays(earning: &Earning) -> bool {
    earning.charged_for.is_some() && earning.distributed_for.is_some()
}

/// Whether a courier took back what a matured earning was distributed for.
pub(super) fn back_too_late(world: &World, parcel: Subject) -> bool {
    let earning = world.office.states.get(&Subject::earning_of(parcel)).map(|folded| &folded.state);
    let (Some(State::Earning(earning)), Some(state)) = (earning, world.parcel(parcel)) else { return false };
    earning.matured_for.is_some() && earning.distributed_for.is_some_and(|cause| state.taken_back.contains(&cause))
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
        let earning = world.office.states.get(&Subject::earning_of(subject)).map(|folded| &folded.state);
        let both = matches!(earning, Some(State::Earning(earning)) if fee_stays(earning));
        let late = back_too_late(world, subject);
        let said = goods.misrecorded || goods.mistaken || parcel.custodian == goods.holder();
        if !said && parcel.is_settled() && merged(world, subject) {
            world.report.fault(MERGED);
        }
        if both {
            world.report.fault(FEE_STAYS);
        }
        if late {
            world.report.fault(BACK_TOO_LATE);
        }
    }
    for agent in world.agents() {
        let below = world.tally.of(Code::AgentCash.of_owner(agent)) < Taka::ZERO;
        if below && taken_back(world, agent) > Taka::ZERO {
            world.report.fault(TAKEN_BACK);
        }
    }
}
