//! Central as the books see it: what it takes, what it authors under the lock, every journal in the order in which it
//! was posted, and in which month it counts.

use std::collections::BTreeMap;

use central::period::Month;
use protocol::account::{Account, Code};
use protocol::burst::{Burst, MAX_OPS};
use protocol::decide::Draft;
use protocol::fact::Fact;
use protocol::fold::{Folded, State};
use protocol::id::{Author, Incarnation, OpId, Subject};
use protocol::intake::{self, Clerk, Verified, Wanted, op_of};
use protocol::ledger::Entry;
use protocol::stamp::Stamp;
use protocol::taka::Taka;

use super::mutant::Mutant;
use crate::model::Central;

/// One row of the journal log.
#[derive(Clone, Debug)]
pub struct Row {
    pub entry: Entry,
    pub at_ms: u64,
    pub month: Month,
}

/// Central, and what its tables would hold.
pub struct Office {
    pub central: Central,
    /// The state of every subject, as the views of the product hold it.
    pub states: BTreeMap<Subject, Folded>,
    /// The journal log.
    pub log: Vec<Row>,
    /// The last closed month.
    pub closed_through: Option<Month>,
    /// Nothing is posted at an earlier time.
    pub journal_ms: u64,
    /// Subjects that changed since this was last looked at.
    pub touched: Vec<Subject>,
    parcels_of: BTreeMap<Subject, Vec<Subject>>,
    mutant: Option<Mutant>,
}

impl Office {
    pub fn new(central: Central, mutant: Option<Mutant>) -> Self {
        Self {
            central,
            states: BTreeMap::new(),
            log: Vec::new(),
            closed_through: None,
            journal_ms: 0,
            touched: Vec::new(),
            parcels_of: BTreeMap::new(),
            mutant,
        }
    }

    /// Takes bursts of devices; returns how many slots and bursts were refused.
    pub fn take(&mut self, bursts: Vec<Burst>, stamp: Stamp) -> u64 {
        let (mut refused, mut verified) = (0, Vec::new());
        for burst in bursts {
            if self.central.memory.holds(&burst) {
                continue;
            }
            let seat = self.central.memory.certificates.get(&burst.head.author).map(|certificate| &certificate.seat);
            match seat.map(|seat| intake::verify(burst, seat)) {
                Some(Ok(burst)) => verified.push(burst),
                _ => refused += 1,
            }
        }
        refused + self.enter(verified, stamp)
    }

    fn enter(&mut self, verified: Vec<Verified>, stamp: Stamp) -> u64 {
        if verified.is_empty() {
            return 0;
        }
        let mut wanted = Wanted::by(&verified);
        // As central's store loads them: a payment settles the parcels of its order.
        let of = |order: &Subject| self.parcels_of.get(order).into_iter().flatten();
        let parcels: Vec<Subject> = wanted.subjects.iter().flat_map(of).copied().collect();
        wanted.subjects.extend(&parcels);
        wanted.beside(&parcels);
        let clerk = Clerk { key: &self.central.key, place: self.central.place, stamp };
        let mut taken = intake::take(self.central.memory.desk(&wanted), verified, Some(clerk));
        self.central.place = taken.place.unwrap_or(self.central.place);
        if let Some(mutant) = self.mutant {
            mutant.twist(&mut taken);
        }
        let recorded_ms = taken.ops.iter().map(|row| row.held.time_ms).min().unwrap_or(stamp.now_ms);
        self.post(&taken.entries, if self.mutant == Some(Mutant::MonthReopened) { recorded_ms } else { stamp.now_ms });
        for (subject, folded) in &taken.folded {
            if let State::Order(order) = &folded.state {
                let parcels = order.placed.iter().flat_map(|placed| placed.parcels.clone()).collect();
                self.parcels_of.insert(*subject, parcels);
            }
            self.states.insert(*subject, folded.clone());
            self.touched.push(*subject);
        }
        let refused = taken.refused.len() as u64;
        self.central.memory.apply(taken);
        refused
    }

    /// A journal counts in the month in which it is posted, and time does not run backwards in the log.
    fn post(&mut self, entries: &[Entry], now_ms: u64) {
        let reopened = self.mutant == Some(Mutant::MonthReopened);
        let at_ms = if reopened { now_ms } else { self.journal_ms.max(now_ms) };
        if !entries.is_empty() {
            self.journal_ms = at_ms;
        }
        let row = |entry: &Entry| Row { entry: entry.clone(), at_ms, month: Month::at(at_ms) };
        self.log.extend(entries.iter().map(row));
    }

    /// Records facts as central, each after the heads that its subject has.
    pub fn author(&mut self, drafts: &[Draft], stamp: Stamp) {
        let op = |draft: &Draft| {
            let is_scope = draft.subject.is_scope();
            let heads = if is_scope { Vec::new() } else { self.central.memory.history(draft.subject).heads() };
            op_of(draft.subject, &draft.fact, heads)
        };
        let ops: Vec<_> = drafts.iter().map(op).collect();
        let mut bursts = Vec::new();
        for part in ops.chunks(MAX_OPS) {
            let burst = Burst::sign(&self.central.key, &self.central.place, stamp.now_ms, part);
            self.central.place = self.central.place.then(burst.digest());
            bursts.push(Verified::of_own(burst));
        }
        let refused = self.enter(bursts, stamp);
        assert_eq!(refused, 0, "central refuses nothing of its own");
    }

    /// Up to where an author's chain is held whole.
    pub fn held(&self, author: Author, inc: Incarnation) -> u64 {
        self.central.memory.chains.get(&(author, inc)).map_or(0, |chain| chain.upto)
    }

    /// The balance of an account, debit positive.
    pub fn balance(&self, account: Account) -> Taka {
        self.central.memory.balances.get(&account).copied().unwrap_or_default()
    }

    /// Σ of all accounts of a code.
    pub fn total(&self, code: Code) -> Taka {
        self.central.memory.balances.iter().filter(|(account, _)| account.code == code).map(|(_, sum)| *sum).sum()
    }

    /// Where an op stands in the log.
    pub fn position(&self, op: &OpId) -> u64 {
        self.central.memory.ops.get(op).map_or(0, |(position, _)| *position)
    }

    /// The facts of a subject with the position and claimed time of each, in log order.
    pub fn facts_of(&self, subject: &Subject) -> Vec<(u64, u64, OpId, Fact)> {
        let ids = self.central.memory.by_subject.get(subject).into_iter().flatten();
        let mut facts: Vec<_> = ids
            .filter_map(|id| {
                let (position, row) = self.central.memory.ops.get(id)?;
                let op = protocol::op::Op::decode(&row.held.bytes).ok().filter(|_| row.held.apart.is_none())?;
                match Fact::read(op.class_kind, &op.payload) {
                    protocol::fact::Reading::Known(fact) => Some((*position, row.held.time_ms, *id, fact)),
                    _ => None,
                }
            })
            .collect();
        facts.sort_by_key(|(position, ..)| *position);
        facts
    }
}
