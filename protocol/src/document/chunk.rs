//! The form of a change's bytes, walked before Automerge reads them. Its columns are run-length coded:
//! ten bytes may claim 2^60 rows, and a reader that believes them never ends. What passes here claims
//! no more than [`MAX_ROWS`] rows, names no actor that is not listed, and holds no number that could
//! overflow where it is added up.

use std::ops::RangeInclusive;

/// Most rows of one column: the fields of one change, and what each of them replaces.
const MAX_ROWS: u64 = 256;
/// Largest number in a column and in the head: counters of ops stay far below.
const MAX_NUMBER: u64 = 1 << 31;
/// Most columns; Automerge 0.12 writes ten.
const MAX_COLUMNS: u64 = 16;
/// Most changes that one follows directly.
pub(super) const MAX_DEPS: u64 = 128;
/// Most other authors that one names.
const MAX_ACTORS: u64 = 64;
/// Length of an actor's id, bytes.
const ACTOR: u64 = 16;
const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
/// The type byte of a change that is not compressed: a compressed one could be a bomb.
const PLAIN_CHANGE: u8 = 1;

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: u64) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(usize::try_from(n).ok()?)?;
        self.0 = rest;
        Some(head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// Seven bits a byte; nothing here needs more than nine bytes.
    fn groups(&mut self) -> Option<(u64, u32, u8)> {
        let (mut value, mut shift) = (0u64, 0u32);
        while shift < 63 {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return Some((value, shift, byte));
            }
        }
        None
    }

    fn unsigned(&mut self) -> Option<u64> {
        self.groups().map(|(value, _, _)| value)
    }

    fn signed(&mut self) -> Option<i64> {
        let (value, shift, last) = self.groups()?;
        let value = value.cast_signed();
        Some(if last & 0x40 == 0 { value } else { value | i64::MIN >> (63 - shift) })
    }
}

/// Whether the bytes have the form of one plain change within the limits.
pub(super) fn is_sound(bytes: &[u8]) -> bool {
    walk(bytes).is_some()
}

fn walk(bytes: &[u8]) -> Option<()> {
    let mut reader = Reader(bytes);
    must(reader.take(4)? == MAGIC)?;
    reader.take(4)?;
    must(reader.byte()? == PLAIN_CHANGE)?;
    let length = reader.unsigned()?;
    must(length == reader.0.len() as u64)?;
    let deps = within(reader.unsigned()?, 0..=MAX_DEPS)?;
    reader.take(deps * 32)?;
    actor(&mut reader)?;
    let (_seq, _start_op) = (within(reader.unsigned()?, 1..=MAX_NUMBER)?, within(reader.unsigned()?, 1..=MAX_NUMBER)?);
    // Time and message are the op's own business: here they are left out.
    must(reader.signed()? == 0 && reader.unsigned()? == 0)?;
    let others = within(reader.unsigned()?, 0..=MAX_ACTORS)?;
    (0..others).try_for_each(|_| actor(&mut reader))?;
    let mut columns = Vec::new();
    for _ in 0..within(reader.unsigned()?, 0..=MAX_COLUMNS)? {
        columns.push((reader.unsigned()?, within(reader.unsigned()?, 0..=bytes.len() as u64)?));
    }
    for (spec, length) in columns {
        column(spec, Reader(reader.take(length)?), others)?;
    }
    must(reader.0.is_empty())
}

fn must(so: bool) -> Option<()> {
    so.then_some(())
}

fn within(value: u64, range: RangeInclusive<u64>) -> Option<u64> {
    range.contains(&value).then_some(value)
}

fn actor(reader: &mut Reader<'_>) -> Option<()> {
    must(reader.unsigned()? == ACTOR)?;
    reader.take(ACTOR).map(|_| ())
}

fn column(spec: u64, mut reader: Reader<'_>, others: u64) -> Option<()> {
    const DEFLATED: u64 = 8;
    must(spec <= u64::from(u32::MAX) && spec & DEFLATED == 0)?;
    let kind = spec & 7;
    match kind {
        4 => booleans(&mut reader),
        7 => Some(()),
        _ => runs(&mut reader, kind, others),
    }
}

fn booleans(reader: &mut Reader<'_>) -> Option<()> {
    let mut rows = 0;
    while !reader.0.is_empty() {
        rows = within(rows + within(reader.unsigned()?, 0..=MAX_ROWS)?, 0..=MAX_ROWS)?;
    }
    Some(())
}

/// Runs: `n > 0` says that one value comes n times, `n < 0` that -n values follow, 0 counts nulls.
fn runs(reader: &mut Reader<'_>, kind: u64, others: u64) -> Option<()> {
    let (mut rows, mut values_left) = (0, MAX_ROWS);
    while !reader.0.is_empty() {
        let run = reader.signed()?;
        let (count, values) = match run {
            0 => (reader.unsigned()?, 0),
            1.. => (run.unsigned_abs(), 1),
            _ => (run.unsigned_abs(), run.unsigned_abs()),
        };
        rows = within(rows + within(count, 1..=MAX_ROWS)?, 0..=MAX_ROWS)?;
        values_left = values_left.checked_sub(values)?;
        (0..values).try_for_each(|_| value(reader, kind, others))?;
    }
    Some(())
}

fn value(reader: &mut Reader<'_>, kind: u64, others: u64) -> Option<()> {
    match kind {
        1 => within(reader.unsigned()?, 0..=others).map(|_| ()),
        3 => within(reader.signed()?.unsigned_abs(), 0..=MAX_NUMBER).map(|_| ()),
        5 => {
            let length = reader.unsigned()?;
            reader.take(length).map(|_| ())
        }
        _ => within(reader.unsigned()?, 0..=MAX_NUMBER).map(|_| ()),
    }
}
