//! Faults of the product that these worlds found and that are not mended yet. Each is counted under its name in the report
//! (`known_faults`) where it would else be a violation; whoever mends one takes its name away here.

use protocol::account::Code;
use protocol::fact::Fact;
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
        if !said && parcel.is_settled() && merged(world, subject) {
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
