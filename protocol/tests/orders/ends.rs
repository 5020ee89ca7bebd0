//! The ends at which facts arrive: a phone or a kiosk, central, and a rebuild from what is held. Each takes
//! batches through the intake that the product takes them through, and keeps the ledger as central does.

use std::collections::BTreeMap;

use protocol::fold::{Folded, fold};
use protocol::history::History;
use protocol::id::{Incarnation, Subject};
use protocol::intake::{Clerk, Desk, Verified, history_of, take};
use protocol::journal::Key;
use protocol::ledger::{self, Entry, Standing, net};
use protocol::stamp::Stamp;

use crate::sets::{CENTRAL, Cast, Roll, Set};
use crate::store::Store;

/// A replica that holds one subject, and its journals. What it holds between batches is what a store loads.
#[derive(Clone)]
pub(crate) struct End {
    desk: Desk,
    subject: Subject,
    folded: Folded,
    standing: BTreeMap<Key, Standing>,
    posted: Vec<Entry>,
}

impl End {
    pub(crate) fn new(cast: &Cast, set: &Set) -> Self {
        let authors = set.bursts.iter().map(|verified| verified.burst.head.author);
        let seats = authors.map(|author| (author, cast.seats[&author].clone())).collect();
        let folded = fold(set.subject, &History::default());
        let desk = Desk { seats, ..Desk::default() };
        Self { desk, subject: set.subject, folded, standing: BTreeMap::new(), posted: Vec::new() }
    }

    /// Takes a batch, keeps what it wrote, and posts the difference that it makes.
    pub(crate) fn take(&mut self, batch: Vec<Verified>) {
        let taken = take(self.desk.clone(), batch, None);
        for row in &taken.bursts {
            let at = (row.burst.head.author, row.burst.head.inc, row.burst.head.seq);
            self.desk.numbered.insert(at, row.digest);
        }
        for (digest, answered) in taken.answered {
            self.desk.bursts.entry(digest).or_default().answered |= answered;
        }
        for row in taken.ops {
            if row.subject.is_scope() {
                self.desk.control_ids.insert(row.held.id);
            } else {
                self.desk.ops.entry(row.subject).or_default().push(row.held);
            }
        }
        for ((scope, subject), (generations, _)) in taken.members {
            self.desk.members.entry(subject).or_default().insert(scope, generations);
        }
        self.desk.roots.extend(taken.roots);
        self.desk.chains.extend(taken.chains);
        for revoked in taken.revoked {
            self.desk.revocations.entry(revoked.author).or_default().push(revoked);
        }
        let Some(folded) = taken.folded.get(&self.subject) else { return };
        self.folded.clone_from(folded);
        let entries = ledger::difference(&self.standing, &folded.journals);
        ledger::stand(&mut self.standing, &entries);
        self.posted.extend(entries);
    }

    /// What the last batch came to.
    pub(crate) const fn folded(&self) -> &Folded {
        &self.folded
    }

    /// All that is held about the subject.
    pub(crate) fn history(&self) -> History {
        let ops = self.desk.ops.get(&self.subject).map_or(&[][..], Vec::as_slice);
        history_of(ops, &self.desk.seats, &self.desk.revocations)
    }

    /// Whether something that was posted had to be taken back.
    pub(crate) fn is_corrected(&self) -> bool {
        self.posted.iter().any(|entry| entry.rev % 2 == 1)
    }

    /// Against the end of another order: state, T, a fold from all that is held, and the ledger.
    pub(crate) fn compare(&self, wanted: &Folded) -> Result<(), String> {
        same("state and T", &self.folded, wanted)?;
        same("rebuilt", &fold(self.subject, &self.history()), wanted)?;
        let replayed = ledger::difference(&self.standing, &wanted.journals);
        if !replayed.is_empty() {
            return Err(format!("a replay posts {replayed:?}"));
        }
        let mut by_key: BTreeMap<Key, Vec<_>> = BTreeMap::new();
        for entry in &self.posted {
            by_key.entry(entry.journal.key()).or_default().extend(entry.journal.postings.iter().copied());
        }
        let nets = by_key.into_iter().map(|(key, postings)| (key, net(&postings))).filter(|(_, net)| !net.is_empty());
        let owed = wanted.journals.iter().map(|journal| (journal.key(), net(&journal.postings)));
        let (nets, owed): (BTreeMap<_, _>, BTreeMap<_, _>) =
            (nets.collect(), owed.filter(|(_, net)| !net.is_empty()).collect());
        if nets == owed { Ok(()) } else { Err(format!("the ledger's net by key is {nets:?}, T is {owed:?}")) }
    }
}

fn same(what: &str, found: &Folded, wanted: &Folded) -> Result<(), String> {
    if found == wanted {
        Ok(())
    } else {
        Err(format!("{what} is\n{found:#?}\nand in the first order was\n{wanted:#?}"))
    }
}

/// Central takes the same batches, with reactions, routing and posting, and comes to the same end.
pub(crate) fn at_central(
    cast: &Cast,
    batches: &[Vec<Verified>],
    subject: Subject,
    wanted: &Folded,
) -> Result<(), String> {
    let (mut store, person) = (Store { seats: cast.seats.clone(), ..Store::default() }, &cast.people[CENTRAL]);
    let mut place = person.place;
    place.inc = Incarnation(*b"live");
    for batch in batches {
        let clerk = Clerk { key: &person.key, place, stamp: Stamp { now_ms: 1, entropy: [1; 32] } };
        place = store.take(batch.clone(), Some(clerk)).place.expect("a clerk returns his place");
    }
    same("state and T at central", &store.fold(subject), wanted)
}

/// An order of arrival cut into batches: some bursts come twice, some first without one of their ops.
pub(crate) fn in_batches(bursts: &[Verified], order: &[usize], roll: &mut Roll) -> Vec<Vec<Verified>> {
    let mut batches: Vec<Vec<Verified>> = vec![Vec::new()];
    for (at, index) in order.iter().enumerate() {
        let verified = &bursts[*index];
        let mut arrives = |roll: &mut Roll, verified: Verified| {
            if roll.chance(25) {
                batches.push(Vec::new());
            }
            if let Some(batch) = batches.last_mut() {
                batch.push(verified);
            }
        };
        if verified.ids.len() > 1 && roll.chance(50) {
            let kept = roll.one(&verified.ids);
            arrives(roll, Verified::of_own(verified.burst.withhold(|id| *id != kept)));
        }
        arrives(roll, verified.clone());
        if roll.chance(15) {
            let again = bursts[order[roll.below(at + 1)]].clone();
            arrives(roll, again);
        }
    }
    batches
}
