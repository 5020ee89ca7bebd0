//! Documents: what people edit together, on Automerge (product, delivery note, address).
//!
//! An op carries one change. A document is a function of the set of its changes: the order in which
//! they arrive, and how often, does not matter. Edits of different fields merge; two edits of one field
//! that did not know of each other are both kept, and one is in use, the same on every replica.
//!
//! Documents are loaded where they are read, never on the sync path: 0.5 ms each is too much there.
//!
//! Automerge never sees what could part replicas or stop the program: of two changes of one author's
//! number only the one with the lowest op id reaches it, and none whose bytes or causes are not what
//! Automerge itself would have written. Those stay in the log and are named in [`Document::aside`].

mod change;
mod chunk;
pub mod detail;
pub mod product;

use std::collections::BTreeMap;

use automerge::{ActorId, Automerge, ChangeHash, ObjId, ROOT, ReadDoc};

use crate::fact::{Fact, Reading};
use crate::id::{Author, Incarnation, OpId, Scope, Subject};
use crate::intake::HeldOp;
use crate::op::Op;
use crate::sealed;
use crate::seat::{Role, Seat};
use change::{Change, ValueId, actor_of};

/// Most changes of one document: at one a day it lasts for years, and it loads in a blink.
pub const MAX_CHANGES: usize = 1_000;

/// A change with the op that carried it.
#[derive(Clone, Debug)]
pub struct Given {
    /// The op.
    pub op: OpId,
    /// Who and when.
    pub by: By,
    /// The author's incarnation.
    pub inc: Incarnation,
    /// Automerge's bytes.
    pub change: Vec<u8>,
}

/// Who changed something, and when by his own claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct By {
    /// The seat.
    pub author: Author,
    /// The seat's own scope.
    pub party: Scope,
    /// The seat's role.
    pub role: Role,
    /// The author's claim of the time, ms since 1970.
    pub time_ms: u64,
}

/// The value of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Something that this version has no use for.
    Unreadable,
}

/// A value with who set it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What.
    pub value: Value,
    /// By which op.
    pub op: OpId,
    /// Who and when.
    pub by: By,
}

/// One field: the value in use, and those of edits that did not know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// In use.
    pub used: Claim,
    /// Kept beside it, in order of their op; a later edit that sets the field settles them.
    pub others: Vec<Claim>,
}

/// What one change did to one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alteration {
    /// Which field.
    pub field: String,
    /// The values that its author saw there; none when it was empty.
    pub was: Vec<Value>,
    /// What he set.
    pub now: Value,
}

/// One change of the document's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The op.
    pub op: OpId,
    /// Who and when.
    pub by: By,
    /// What.
    pub alterations: Vec<Alteration>,
}

/// Why a change is not part of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Its bytes, its author or its causes are not what they have to be.
    Broken,
    /// Another change of the same author has its number.
    DoubleNumber,
    /// It follows a change that is not here.
    Waiting,
    /// The document has [`MAX_CHANGES`] before it.
    Full,
}

impl Reason {
    /// The stable code.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Broken => "broken_change",
            Self::DoubleNumber => "double_number",
            Self::Waiting => "waiting_change",
            Self::Full => "document_full",
        }
    }
}

/// Why a document cannot be edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Every value is there already.
    #[error("nothing is changed")]
    Nothing,
    /// No room for another change.
    #[error("the document is full")]
    Full,
    /// A change of this same seat is set aside: another one would take its number.
    #[error("an edit of this device waits for one before it")]
    Disputed,
}

struct Applied {
    op: OpId,
    by: By,
    change: Change,
    /// Bit i: follows the i-th applied change.
    follows: Vec<u64>,
}

impl Applied {
    fn has(&self, index: usize) -> bool {
        self.follows.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }
}

/// A loaded document.
pub struct Document {
    automerge: Automerge,
    applied: Vec<Applied>,
    /// Where each value was set: change, and place in it.
    values: BTreeMap<ValueId, (usize, usize)>,
    aside: Vec<(OpId, By, Reason)>,
    /// Authors of changes that are set aside.
    barred: Vec<ActorId>,
}

impl Document {
    /// The document of a set of changes.
    #[must_use]
    pub fn of(changes: impl IntoIterator<Item = Given>) -> Self {
        let mut document = Self {
            automerge: Automerge::new(),
            applied: Vec::new(),
            values: BTreeMap::new(),
            aside: Vec::new(),
            barred: Vec::new(),
        };
        let changes: BTreeMap<OpId, Given> = changes.into_iter().map(|given| (given.op, given)).collect();
        let mut numbered: BTreeMap<(ActorId, u64), (OpId, By, Change)> = BTreeMap::new();
        for given in changes.into_values() {
            let Some(change) = change::read(&given.change, given.by.author, given.inc) else {
                document.set_aside(given.op, given.by, Reason::Broken, None);
                continue;
            };
            let actor = actor_of(given.by.author, given.inc);
            // In order of op ids: the first to come is the lowest.
            if numbered.contains_key(&(actor.clone(), change.seq)) {
                document.set_aside(given.op, given.by, Reason::DoubleNumber, None);
            } else {
                numbered.insert((actor, change.seq), (given.op, given.by, change));
            }
        }
        // A change begins behind the counters of all that it follows: this order is causal.
        let mut ordered: Vec<(OpId, By, Change)> = numbered.into_values().collect();
        ordered.sort_by_key(|(op, _, change)| (change.start_op, *op));
        let mut known: BTreeMap<ChangeHash, usize> = BTreeMap::new();
        for (op, by, change) in ordered {
            match document.causes(&change, &known) {
                Ok(follows) => document.apply(Applied { op, by, change, follows }, &mut known),
                Err(reason) => document.set_aside(op, by, reason, Some(change.automerge.actor_id().clone())),
            }
        }
        document.aside.sort_by_key(|(op, _, _)| *op);
        document
    }

    fn set_aside(&mut self, op: OpId, by: By, reason: Reason, actor: Option<ActorId>) {
        self.aside.push((op, by, reason));
        self.barred.extend(actor);
    }

    /// What the change follows, if that is all here and the change is honest about it.
    fn causes(&self, change: &Change, known: &BTreeMap<ChangeHash, usize>) -> Result<Vec<u64>, Reason> {
        let mut follows = vec![0u64; self.applied.len().div_ceil(64)];
        let mut last = 0;
        for dep in &change.deps {
            let index = *known.get(dep).ok_or(Reason::Waiting)?;
            let cause = &self.applied[index];
            follows.iter_mut().zip(&cause.follows).for_each(|(word, add)| *word |= add);
            follows[index / 64] |= 1 << (index % 64);
        }
        let mut own = 0;
        for (index, cause) in self.applied.iter().enumerate() {
            if follows[index / 64] >> (index % 64) & 1 == 1 {
                last = last.max(cause.change.last_op());
                own += u64::from(cause.change.automerge.actor_id() == change.automerge.actor_id());
            }
        }
        // All earlier changes of the same author, and counters without a gap, as Automerge writes them.
        if own + 1 != change.seq || last + 1 != change.start_op {
            return Err(Reason::Broken);
        }
        let replaces = |put: &change::Put| {
            put.replaces.iter().all(|id| {
                self.values.get(id).is_some_and(|(index, at)| {
                    follows[index / 64] >> (index % 64) & 1 == 1
                        && self.applied[*index].change.puts[*at].field == put.field
                })
            })
        };
        if !change.puts.iter().all(replaces) {
            return Err(Reason::Broken);
        }
        if self.applied.len() >= MAX_CHANGES {
            return Err(Reason::Full);
        }
        Ok(follows)
    }

    fn apply(&mut self, applied: Applied, known: &mut BTreeMap<ChangeHash, usize>) {
        // Everything that Automerge refuses was refused before; a disagreement must not go unseen.
        if self.automerge.apply_changes([applied.change.automerge.clone()]).is_err() {
            let actor = applied.change.automerge.actor_id().clone();
            self.set_aside(applied.op, applied.by, Reason::Broken, Some(actor));
            return;
        }
        let index = self.applied.len();
        known.insert(applied.change.hash, index);
        for (at, put) in applied.change.puts.iter().enumerate() {
            self.values.insert(put.id.clone(), (index, at));
        }
        self.applied.push(applied);
    }

    /// Whether nobody wrote anything that counts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.applied.is_empty()
    }

    /// A field by its name, if anybody set it.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Field> {
        let all = self.automerge.get_all(ROOT, name).ok()?;
        let mut claims: Vec<Claim> = all.iter().filter_map(|(_, id)| self.claim(id)).collect();
        // Automerge orders them by counter, then author; the last is in use.
        let used = claims.pop()?;
        claims.sort_by_key(|claim| claim.op);
        Some(Field { used, others: claims })
    }

    fn claim(&self, id: &ObjId) -> Option<Claim> {
        let ObjId::Id(counter, actor, _) = id else { return None };
        let (index, at) = self.values.get(&(*counter, actor.clone()))?;
        let applied = &self.applied[*index];
        Some(Claim { value: applied.change.puts[*at].value.clone(), op: applied.op, by: applied.by })
    }

    /// Every change that counts, causes before what follows them.
    #[must_use]
    pub fn history(&self) -> Vec<Revision> {
        let was = |put: &change::Put| {
            let value = |id: &ValueId| {
                let (index, at) = self.values.get(id)?;
                Some(self.applied[*index].change.puts[*at].value.clone())
            };
            put.replaces.iter().filter_map(value).collect()
        };
        let alteration =
            |put: &change::Put| Alteration { field: put.field.clone(), was: was(put), now: put.value.clone() };
        let revision = |applied: &Applied| Revision {
            op: applied.op,
            by: applied.by,
            alterations: applied.change.puts.iter().map(alteration).collect(),
        };
        self.applied.iter().map(revision).collect()
    }

    /// Whether the author of change `a` knew of change `b`; false for changes that do not count.
    #[must_use]
    pub fn follows(&self, a: OpId, b: OpId) -> bool {
        let place = |op: OpId| self.applied.iter().position(|applied| applied.op == op);
        place(a).zip(place(b)).is_some_and(|(a, b)| self.applied[a].has(b))
    }

    /// Changes that do not count, with the reason.
    #[must_use]
    pub fn aside(&self) -> &[(OpId, By, Reason)] {
        &self.aside
    }

    /// The bytes of a change that sets these fields, for an op of this author. A field keeps out of it
    /// that has the value already and no other beside it.
    ///
    /// # Errors
    /// See [`EditError`].
    pub fn edit(&self, author: Author, inc: Incarnation, values: &[(&str, Value)]) -> Result<Vec<u8>, EditError> {
        let stands = |field: &str, value: &Value| {
            self.field(field).is_some_and(|field| field.used.value == *value && field.others.is_empty())
        };
        let fresh: Vec<_> = values.iter().filter(|(field, value)| !stands(field, value)).collect();
        if fresh.is_empty() {
            return Err(EditError::Nothing);
        }
        let actor = actor_of(author, inc);
        if self.barred.contains(&actor) {
            return Err(EditError::Disputed);
        }
        if self.applied.len() >= MAX_CHANGES || self.automerge.get_heads().len() as u64 > chunk::MAX_DEPS {
            return Err(EditError::Full);
        }
        // Not by a transaction: it leaves out a value that is in use already, also where it is to settle
        // another one beside it.
        let own = self.applied.iter().filter(|applied| *applied.change.automerge.actor_id() == actor).count();
        let last = self.applied.iter().map(|applied| applied.change.last_op()).max().unwrap_or(0);
        let put = |(field, value): &(&str, Value)| {
            let all = self.automerge.get_all(ROOT, *field).unwrap_or_default();
            let replaces = all.into_iter().filter_map(|(_, id)| match id {
                ObjId::Id(counter, actor, _) => Some((counter, actor)),
                ObjId::Root => None,
            });
            ((*field).to_owned(), value.clone(), replaces.collect())
        };
        let puts = fresh.into_iter().map(put).collect();
        Ok(change::write(actor, own as u64 + 1, last + 1, self.automerge.get_heads(), puts))
    }
}

impl Value {
    /// The text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The changes that these ops of `subject` carry. `key` is that of the parcel and opens what is sealed;
/// a change that does not open has no bytes here: the document names it as broken.
#[must_use]
pub fn changes_of(
    subject: &Subject,
    ops: &[HeldOp],
    seats: &BTreeMap<Author, Seat>,
    key: Option<&[u8; 32]>,
) -> Vec<Given> {
    let given = |held: &HeldOp| {
        let seat = seats.get(&held.author).filter(|_| held.apart.is_none())?;
        let op = Op::decode(&held.bytes).ok()?;
        let change = match Fact::read(op.class_kind, &op.payload) {
            Reading::Known(Fact::ProductEntered(edit) | Fact::ProductChanged(edit)) => edit.change,
            Reading::Known(
                Fact::DetailEntered(edit) | Fact::SiteDetailChanged(edit) | Fact::AgentDetailChanged(edit),
            ) => sealed::open_bytes(key?, subject, op.class_kind, &edit.sealed).unwrap_or_default(),
            _ => return None,
        };
        let by = By { author: held.author, party: seat.party, role: seat.role(), time_ms: held.time_ms };
        Some(Given { op: held.id, by, inc: held.inc, change })
    };
    ops.iter().filter_map(given).collect()
}
