//! One change as read from its bytes: who wrote it, what it follows, which fields it sets.

use std::num::NonZeroU64;

use automerge::{ActorId, ChangeHash, ExpandedChange, ScalarValue, legacy};

use super::{Value, chunk};
use crate::id::{Author, Incarnation};
use crate::op::MAX_OP_BYTES;

/// Most fields that one change sets.
pub(super) const MAX_FIELDS: usize = 32;
/// Longest name of a field, bytes.
const MAX_FIELD_NAME: usize = 64;

/// The id of one value inside a document: its counter and its author.
pub(super) type ValueId = (u64, ActorId);

/// One field that a change sets.
#[derive(Clone, Debug)]
pub(super) struct Put {
    pub(super) id: ValueId,
    pub(super) field: String,
    pub(super) value: Value,
    /// The values that it takes the place of.
    pub(super) replaces: Vec<ValueId>,
}

/// A change whose bytes are sound.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) automerge: automerge::Change,
    pub(super) hash: ChangeHash,
    pub(super) deps: Vec<ChangeHash>,
    pub(super) seq: u64,
    pub(super) start_op: u64,
    pub(super) puts: Vec<Put>,
}

impl Change {
    /// The counter of its last value.
    pub(super) fn last_op(&self) -> u64 {
        self.start_op + self.puts.len() as u64 - 1
    }
}

/// The bytes of a change by `actor` that follows `deps`: fields, values, and what they replace.
pub(super) fn write(
    actor: ActorId,
    seq: u64,
    start_op: u64,
    mut deps: Vec<ChangeHash>,
    puts: Vec<(String, Value, Vec<ValueId>)>,
) -> Vec<u8> {
    deps.sort_unstable();
    let op = |(field, value, replaces): (String, Value, Vec<ValueId>)| legacy::Op {
        action: legacy::OpType::Put(match value {
            Value::Text(text) => ScalarValue::Str(text.into()),
            Value::Number(number) => ScalarValue::Int(number),
            Value::Unreadable => ScalarValue::Null,
        }),
        obj: legacy::ObjectId::Root,
        key: legacy::Key::Map(field.into()),
        pred: replaces.into_iter().map(|(counter, actor)| legacy::OpId(counter, actor)).collect::<Vec<_>>().into(),
        insert: false,
    };
    let change = ExpandedChange {
        operations: puts.into_iter().map(op).collect(),
        actor_id: actor,
        hash: None,
        seq,
        start_op: NonZeroU64::MIN.saturating_add(start_op.saturating_sub(1)),
        time: 0,
        message: None,
        deps,
        extra_bytes: Vec::new(),
        author: None,
    };
    automerge::Change::from(change).raw_bytes().to_vec()
}

/// The Automerge actor of a seat's incarnation. Nobody else can write as it: the op that carries a
/// change is signed by the seat.
pub(super) fn actor_of(author: Author, inc: Incarnation) -> ActorId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&author.0).update(&inc.0);
    ActorId::from(&hasher.finalize().as_bytes()[..16])
}

/// Reads a change of this author; `None` unless it is spelled exactly as Automerge spells a change
/// that sets plain fields of the root.
pub(super) fn read(bytes: &[u8], author: Author, inc: Incarnation) -> Option<Change> {
    if bytes.len() > MAX_OP_BYTES || !chunk::is_sound(bytes) {
        return None;
    }
    let change = automerge::Change::try_from(bytes).ok()?;
    let hash = change.hash();
    if bytes.get(4..8) != hash.0.get(..4) || *change.actor_id() != actor_of(author, inc) {
        return None;
    }
    let expanded = change.decode();
    let puts = puts_of(&expanded)?;
    let (deps, seq, start_op) = (change.deps().to_vec(), change.seq(), change.start_op().get());
    // One meaning has one spelling: what Automerge would write itself.
    if automerge::Change::from(expanded).raw_bytes() != bytes {
        return None;
    }
    Some(Change { automerge: change, hash, deps, seq, start_op, puts })
}

fn puts_of(change: &ExpandedChange) -> Option<Vec<Put>> {
    if change.operations.is_empty() || change.operations.len() > MAX_FIELDS {
        return None;
    }
    let mut puts: Vec<Put> = Vec::with_capacity(change.operations.len());
    for (op, counter) in change.operations.iter().zip(change.start_op.get()..) {
        let (legacy::ObjectId::Root, legacy::Key::Map(field), legacy::OpType::Put(value), false) =
            (&op.obj, &op.key, &op.action, op.insert)
        else {
            return None;
        };
        if field.is_empty() || field.len() > MAX_FIELD_NAME || puts.iter().any(|put| put.field == field.as_str()) {
            return None;
        }
        let value = match value {
            ScalarValue::Str(text) => Value::Text(text.to_string()),
            ScalarValue::Int(number) => Value::Number(*number),
            ScalarValue::Boolean(_) | ScalarValue::Null => Value::Unreadable,
            // Counters, floats and what later versions bring: not in documents of this version.
            _ => return None,
        };
        let replaces = op.pred.iter().map(|id| (id.0, id.1.clone())).collect();
        puts.push(Put { id: (counter, change.actor_id.clone()), field: field.to_string(), value, replaces });
    }
    Some(puts)
}
