//! The whole fact set once more: into the same books, and in another order into empty ones. Invariants 3, 13 and 14.

use std::collections::BTreeSet;

use protocol::burst::Burst;
use protocol::id::OpId;
use protocol::intake::{self, Clerk, Verified, Wanted};
use protocol::ledger;
use protocol::stamp::Stamp;

use super::device::shuffle;
use super::verdict::ensure;
use super::world::World;
use crate::model::Memory;

/// Bursts of one batch of the second reading.
const BATCH: usize = 40;

pub(super) fn hold(world: &mut World) -> Result<(), String> {
    let ids: BTreeSet<OpId> = world.office.central.memory.ops.keys().copied().collect();
    let mut bursts = world.office.central.memory.bursts_with(&ids);
    chains(world, &bursts)?;
    shuffle(&mut bursts, &mut world.dice);
    once_more(world, &bursts)?;
    from_nothing(world, bursts)
}

/// Every chain is signed by its seat, without a gap, each burst naming the one before.
fn chains(world: &World, bursts: &[Burst]) -> Result<(), String> {
    let mut all: Vec<&Burst> = bursts.iter().collect();
    all.sort_by_key(|burst| (burst.head.author, burst.head.inc, burst.head.seq));
    for pair in all.windows(2) {
        let (one, next) = (&pair[0].head, &pair[1].head);
        // A burst of which every slot was refused is not kept.
        if one.author == next.author && one.inc == next.inc && next.seq == one.seq + 1 {
            let follows = next.prev[..] == pair[0].digest().0[..16];
            ensure(follows, || format!("{} breaks its chain at {}", next.author, next.seq))?;
        }
    }
    // Signatures are looked at whenever a burst comes in; one of each chain is looked at here again.
    for burst in all.iter().step_by(17) {
        let seat = world.office.central.memory.certificates.get(&burst.head.author).map(|held| &held.seat);
        let signed = seat.is_some_and(|seat| intake::verify((*burst).clone(), seat).is_ok());
        ensure(signed, || format!("{} {} is not signed by its seat", burst.head.author, burst.head.seq))?;
    }
    Ok(())
}

/// Central is told everything again: nothing is taken, nothing posted.
fn once_more(world: &World, bursts: &[Burst]) -> Result<(), String> {
    let verified: Vec<Verified> = bursts.iter().cloned().map(Verified::of_own).collect();
    let office = &world.office;
    let desk = office.central.memory.desk(&Wanted::by(&verified));
    let stamp = Stamp { now_ms: world.now_ms, entropy: [9; 32] };
    let clerk = Clerk { key: &office.central.key, place: office.central.place, stamp };
    let taken = intake::take(desk, verified, Some(clerk));
    let (ops, entries) = (taken.ops.len(), taken.entries.len());
    ensure(ops == 0 && entries == 0, || format!("told again, central takes {ops} facts and posts {entries} journals"))
}

/// Somebody who heard everything in another order comes to the same states, and posts nothing that does not stand.
fn from_nothing(world: &World, bursts: Vec<Burst>) -> Result<(), String> {
    let memory = &world.office.central.memory;
    let mut other = Memory::with_certificates(memory.certificates.values().cloned());
    let mut rest = bursts;
    while !rest.is_empty() {
        let batch = rest.split_off(rest.len().saturating_sub(BATCH));
        let verified: Vec<Verified> = batch.into_iter().map(Verified::of_own).collect();
        let desk = other.desk(&Wanted::by(&verified));
        let taken = intake::take(desk, verified, None);
        other.apply(taken);
    }
    for (subject, folded) in &world.office.states {
        let again = other.folded(*subject);
        ensure(again.as_ref() == Some(folded), || format!("{subject} is not what it was, in another order"))?;
        let standing = memory.standing.get(subject).cloned().unwrap_or_default();
        let fresh = ledger::difference(&standing, &folded.journals);
        ensure(fresh.is_empty(), || format!("{subject}: {} would be posted again", fresh[0].journal))?;
    }
    Ok(())
}
