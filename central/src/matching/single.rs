//! One line with one expected thing: stages 1 to 3.

use std::collections::BTreeMap;

use super::By;
use super::desk::{Desk, Fact};
use super::names::Kind;
use protocol::taka::Taka;

/// Stages 1 and 2: the line carries an id of this kind, and the amounts are equal.
///
/// Of several lines for one thing the nearest by date takes it; the others are left as duplicates. A line with several
/// candidates waits until other lines have taken all but one of them, and is ambiguous if that never happens.
pub(super) fn by_id(desk: &mut Desk<'_>, kind: Kind, by: By) {
    let mut undecided: Vec<(usize, Vec<usize>)> =
        desk.free_lines().map(|line| (line, candidates(desk, line, kind))).collect();
    loop {
        for (_, things) in &mut undecided {
            things.retain(|thing| desk.is_free(*thing));
        }
        undecided.retain(|(_, things)| !things.is_empty());
        let mut claims: BTreeMap<usize, (i64, usize)> = BTreeMap::new();
        for (line, things) in &undecided {
            if let [thing] = things[..] {
                let claim = (desk.days(*line, thing), *line);
                let best = claims.entry(thing).or_insert(claim);
                *best = claim.min(*best);
            }
        }
        if claims.is_empty() {
            break;
        }
        for (thing, (_, line)) in claims {
            desk.take(vec![line], vec![thing], by);
        }
        undecided.retain(|(line, _)| desk.is_left(*line));
    }
    for (line, things) in undecided {
        let set = desk.set(things);
        desk.doubt(line, set);
    }
}

fn candidates(desk: &Desk<'_>, line: usize, kind: Kind) -> Vec<usize> {
    let amount = desk.lines[line].amount;
    desk.names.direct[line]
        .iter()
        .filter(|link| link.1 == kind)
        .map(|link| link.0)
        .filter(|thing| desk.is_free(*thing) && desk.expected[*thing].amount == amount)
        .filter(|thing| !desk.is_late(line, *thing, kind))
        .collect()
}

/// Things or lines of one amount and counterparty, by day; without a counterparty in the key, all of the amount.
type Shelves = BTreeMap<ShelfKey, Vec<(i64, usize)>>;
type ShelfKey = (Taka, Option<usize>);

/// Stage 3: equal amounts and counterparties within the window, and nothing else that fits on either side.
///
/// A line that names something, and a thing that a line names, take no part: weaker evidence must not overrule an id.
pub(super) fn by_window(desk: &mut Desk<'_>) {
    let lines: Vec<usize> = desk.free_lines().filter(|line| !desk.speaks(*line)).collect();
    let unclaimed = desk.unclaimed();
    let line_shelves = shelves(lines.iter().map(|line| (*line, &desk.lines[*line])));
    let thing_shelves = thing_shelves(desk, &unclaimed);
    let width = i64::from(desk.policy.window_days);
    let mut pairs = Vec::new();
    for line in &lines {
        let fact = &desk.lines[*line];
        let key = (fact.amount, Some(fact.party));
        if fact.party == 0 {
            continue;
        }
        if let [(day, thing)] = near(&thing_shelves, key, fact.day, width).1
            && near(&line_shelves, key, *day, width).1.len() == 1
        {
            pairs.push((*line, *thing));
        }
    }
    for (line, thing) in pairs {
        desk.take(vec![line], vec![thing], By::WindowAndCounterparty);
    }
    doubt_the_rest(desk, &lines, &unclaimed);
}

fn doubt_the_rest(desk: &mut Desk<'_>, lines: &[usize], unclaimed: &[bool]) {
    let shelves = thing_shelves(desk, unclaimed);
    let width = i64::from(desk.policy.window_days);
    // Lines of one day share their candidates, so a crowd of equal amounts costs one list and not one per line.
    let mut known: BTreeMap<(ShelfKey, usize, usize), usize> = BTreeMap::new();
    for line in lines.iter().copied() {
        if !desk.is_left(line) {
            continue;
        }
        let (amount, party, day) = (desk.lines[line].amount, desk.lines[line].party, desk.lines[line].day);
        let keys = if party == 0 { [None, None] } else { [Some(party), Some(0)] };
        let found = keys.map(|party| ((amount, party), near(&shelves, (amount, party), day, width)));
        let Some((key, (start, things))) = found.into_iter().find(|(_, (_, things))| !things.is_empty()) else {
            continue;
        };
        let set = *known
            .entry((key, start, things.len()))
            .or_insert_with(|| desk.set(things.iter().map(|thing| thing.1).collect()));
        desk.doubt(line, set);
    }
}

fn thing_shelves(desk: &Desk<'_>, unclaimed: &[bool]) -> Shelves {
    let open = |thing: &usize| unclaimed[*thing] && desk.is_free(*thing);
    shelves((0..desk.expected.len()).filter(open).map(|thing| (thing, &desk.expected[thing])))
}

fn shelves<'f>(facts: impl Iterator<Item = (usize, &'f Fact)>) -> Shelves {
    let mut shelves = Shelves::new();
    for (index, fact) in facts {
        // Facts come in the order of their days, so every shelf is sorted.
        shelves.entry((fact.amount, Some(fact.party))).or_default().push((fact.day, index));
        shelves.entry((fact.amount, None)).or_default().push((fact.day, index));
    }
    shelves
}

fn near(shelves: &Shelves, key: ShelfKey, day: i64, width: i64) -> (usize, &[(i64, usize)]) {
    let shelf: &[(i64, usize)] = shelves.get(&key).map_or(&[], Vec::as_slice);
    let start = shelf.partition_point(|item| item.0 < day - width);
    let end = shelf.partition_point(|item| item.0 <= day + width);
    (start, shelf.get(start..end).unwrap_or_default())
}
