//! One line with several expected things, and several lines with one: stages 4 and 5.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::By;
use super::desk::{Desk, opposed};
use super::names::Kind;
use super::sums::{Found, Pool, union};
use protocol::taka::Taka;

/// Lines and expected things that add up.
type Proposal = (Vec<usize>, Vec<usize>);

/// Stage 4 with names: a whole group the line names, or a sum out of the things and groups it names.
pub(super) fn named_sums(desk: &mut Desk<'_>) {
    let mut proposals: Vec<Proposal> = Vec::new();
    let mut known: BTreeSet<Vec<usize>> = BTreeSet::new();
    let lines: Vec<usize> = desk.free_lines().collect();
    for line in lines {
        match named_sum(desk, line) {
            Found::Nothing => {}
            Found::One(things) => {
                // A further line with the same name and total is not a rival: it is left as a duplicate.
                if known.insert(things.clone()) {
                    proposals.push((vec![line], things));
                }
            }
            Found::Several(things) | Found::GaveUp(things) => {
                let set = desk.set(things);
                desk.doubt(line, set);
            }
        }
    }
    settle(desk, proposals, By::OneLineManyExpected, false);
}

fn named_sum(desk: &Desk<'_>, line: usize) -> Found {
    let amount = desk.lines[line].amount;
    let direct: Vec<usize> = desk.names.direct[line]
        .iter()
        .filter(|(thing, kind)| desk.is_free(*thing) && !desk.is_late(line, *thing, *kind))
        .map(|link| link.0)
        .collect();
    let of_things = direct.iter().filter_map(|thing| desk.names.group_of[*thing]);
    let groups: BTreeSet<usize> = desk.names.groups[line].iter().copied().chain(of_things).collect();
    let mut pool = direct.clone();
    let mut whole: Vec<Vec<usize>> = Vec::new();
    for group in groups {
        let members = desk.group(group, line);
        let near = |thing: &usize| !desk.is_late(line, *thing, Kind::Foreign);
        pool.extend(members.iter().copied().filter(near));
        if !members.is_empty() && members.iter().all(near) && total(desk, &members) == amount {
            whole.push(members);
        }
    }
    match whole.len() {
        0 => {}
        1 => return Found::One(whole.concat()),
        _ => return Found::Several(whole.concat()),
    }
    let parts = union(pool, &[]);
    if parts.is_empty() {
        return Found::Nothing;
    }
    let pool = Pool::new(parts.into_iter().map(|thing| (thing, desk.expected[thing].amount)));
    let mut tries = desk.policy.most_tries;
    let found = pool.find(amount, desk.policy.most_in_a_sum, &mut tries, |set| {
        direct.is_empty() || set.iter().any(|thing| direct.contains(thing))
    });
    found.or_the_pool(&pool, desk.policy.most_in_a_sum)
}

/// Stage 4 without names: all of one group, within the window and with no other counterparty, add up to the line.
pub(super) fn whole_groups(desk: &mut Desk<'_>) {
    let unclaimed = desk.unclaimed();
    let mut by_total: BTreeMap<Taka, Vec<Vec<usize>>> = BTreeMap::new();
    for members in &desk.names.members {
        for sign in [Ordering::Greater, Ordering::Less] {
            let side = |thing: &usize| desk.is_free(*thing) && desk.expected[*thing].amount.cmp(&Taka::ZERO) == sign;
            let things: Vec<usize> = members.iter().copied().filter(side).collect();
            if things.len() > 1 && things.iter().all(|thing| unclaimed[*thing]) {
                by_total.entry(total(desk, &things)).or_default().push(things);
            }
        }
    }
    let mut proposals: Vec<Proposal> = Vec::new();
    let lines: Vec<usize> = desk.free_lines().filter(|line| !desk.speaks(*line)).collect();
    for line in lines {
        let groups = by_total.get(&desk.lines[line].amount).into_iter().flatten();
        let fits = |thing: &usize| in_window(desk, line, *thing) && may_be_party(desk, line, *thing);
        let fitting: Vec<&Vec<usize>> = groups.filter(|things| things.iter().all(fits)).collect();
        match fitting[..] {
            [] => {}
            [things] => proposals.push((vec![line], things.clone())),
            _ => {
                let set = desk.set(fitting.into_iter().flatten().copied().collect());
                desk.doubt(line, set);
            }
        }
    }
    settle(desk, proposals, By::OneLineManyExpected, true);
}

/// Lines of one counterparty, day and sign share their pools.
type PoolKey = (usize, i64, Ordering);

/// Stage 4 without names: things of the line's counterparty, or of one group, within the window add up to the line.
pub(super) fn window_sums(desk: &mut Desk<'_>) {
    let unclaimed = desk.unclaimed();
    let shelves = Shelves::new(desk, &unclaimed);
    let mut pools: BTreeMap<PoolKey, Vec<Pool>> = BTreeMap::new();
    let mut proposals: Vec<Proposal> = Vec::new();
    let lines: Vec<usize> = desk.free_lines().filter(|line| !desk.speaks(*line)).collect();
    for line in lines {
        let fact = &desk.lines[line];
        let key = (fact.party, fact.day, fact.amount.cmp(&Taka::ZERO));
        let pools = pools.entry(key).or_insert_with(|| shelves.pools(desk, line));
        match window_sum(desk, line, pools) {
            Found::Nothing => {}
            Found::One(things) => proposals.push((vec![line], things)),
            Found::Several(things) | Found::GaveUp(things) => {
                let set = desk.set(things);
                desk.doubt(line, set);
            }
        }
    }
    settle(desk, proposals, By::OneLineManyExpected, true);
}

fn window_sum(desk: &Desk<'_>, line: usize, pools: &[Pool]) -> Found {
    let mut tries = desk.policy.most_tries;
    let mut answer = Found::Nothing;
    for pool in pools {
        let found = pool.find(desk.lines[line].amount, desk.policy.most_in_a_sum, &mut tries, |set| set.len() > 1);
        answer = match (answer, found.or_the_pool(pool, desk.policy.most_in_a_sum)) {
            (known, Found::Nothing) => known,
            (Found::Nothing, found) => found,
            (Found::One(known), Found::One(same)) if known == same => Found::One(known),
            (Found::One(known), Found::GaveUp(more)) => Found::GaveUp(union(known, &more)),
            (known, found) => Found::Several(union(known.into_things(), &found.into_things())),
        };
        if matches!(answer, Found::Several(_) | Found::GaveUp(_)) {
            break;
        }
    }
    answer
}

/// The things weak evidence may take, by counterparty and by group, each in the order of days.
struct Shelves {
    by_party: BTreeMap<usize, Vec<usize>>,
    by_group: BTreeMap<usize, Vec<usize>>,
    group_days: BTreeMap<i64, BTreeSet<usize>>,
}

impl Shelves {
    fn new(desk: &Desk<'_>, unclaimed: &[bool]) -> Self {
        let mut shelves = Self { by_party: BTreeMap::new(), by_group: BTreeMap::new(), group_days: BTreeMap::new() };
        for (thing, fact) in desk.expected.iter().enumerate().filter(|(thing, _)| unclaimed[*thing]) {
            shelves.by_party.entry(fact.party).or_default().push(thing);
            if let Some(group) = desk.names.group_of[thing] {
                shelves.by_group.entry(group).or_default().push(thing);
                shelves.group_days.entry(fact.day).or_default().insert(group);
            }
        }
        shelves
    }

    /// The pool of the line's counterparty and those of the groups around its day, without those too small for a sum.
    fn pools(&self, desk: &Desk<'_>, line: usize) -> Vec<Pool> {
        let fact = &desk.lines[line];
        let width = i64::from(desk.policy.window_days.max(0));
        let around = self.group_days.range(fact.day - width..=fact.day + width);
        let groups: BTreeSet<usize> = around.flat_map(|(_, groups)| groups).copied().collect();
        let own = self.by_party.get(&fact.party).filter(|_| fact.party != 0);
        let shelves = own.into_iter().chain(groups.iter().filter_map(|group| self.by_group.get(group)));
        shelves.map(|things| pool(desk, line, things)).filter(|pool| pool.members().len() > 1).collect()
    }
}

/// The things of a shelf that may be part of the line.
fn pool(desk: &Desk<'_>, line: usize, things: &[usize]) -> Pool {
    let (day, width) = (desk.lines[line].day, i64::from(desk.policy.window_days));
    let start = things.partition_point(|thing| desk.expected[*thing].day < day - width);
    let near = things.iter().skip(start).copied().take_while(|thing| in_window(desk, line, *thing));
    let fits = |thing: &usize| {
        may_be_party(desk, line, *thing) && !opposed(desk.expected[*thing].amount, desk.lines[line].amount)
    };
    Pool::new(near.filter(fits).map(|thing| (thing, desk.expected[thing].amount)))
}

/// Stage 5: several lines that name one thing add up to it.
pub(super) fn many_lines(desk: &mut Desk<'_>) {
    let mut named_by: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for line in desk.free_lines() {
        for (thing, kind) in &desk.names.direct[line] {
            if desk.is_free(*thing) && !desk.is_late(line, *thing, *kind) {
                named_by.entry(*thing).or_default().push(line);
            }
        }
    }
    let mut proposals: Vec<Proposal> = Vec::new();
    for (thing, lines) in named_by.into_iter().filter(|(_, lines)| lines.len() > 1) {
        let amount = desk.expected[thing].amount;
        let shown: Taka = lines.iter().map(|line| desk.lines[*line].amount).sum();
        if shown == amount {
            proposals.push((lines, vec![thing]));
            continue;
        }
        let pool = Pool::new(lines.into_iter().map(|line| (line, desk.lines[line].amount)));
        let mut tries = desk.policy.most_tries;
        match pool.find(amount, desk.policy.most_in_a_sum, &mut tries, |set| set.len() > 1) {
            Found::Nothing => {}
            Found::One(lines) => proposals.push((lines, vec![thing])),
            Found::Several(lines) | Found::GaveUp(lines) => {
                let set = desk.set(vec![thing]);
                for line in lines {
                    desk.doubt(line, set);
                }
            }
        }
    }
    let (shaken, proposals): (Vec<Proposal>, Vec<Proposal>) =
        proposals.into_iter().partition(|(lines, _)| lines.iter().any(|line| desk.is_doubtful(*line)));
    doubt_all(desk, shaken);
    settle(desk, proposals, By::ManyLinesOneExpected, false);
}

/// Takes the proposals that share nothing with another one; the others are ambiguous.
///
/// Weak proposals also give way to the candidates of lines that are ambiguous already.
fn settle(desk: &mut Desk<'_>, proposals: Vec<Proposal>, by: By, weak: bool) {
    let mut line_uses: BTreeMap<usize, usize> = BTreeMap::new();
    let mut thing_uses: BTreeMap<usize, usize> = BTreeMap::new();
    for (lines, things) in &proposals {
        for line in lines {
            *line_uses.entry(*line).or_default() += 1;
        }
        for thing in things {
            *thing_uses.entry(*thing).or_default() += 1;
        }
    }
    let once = |uses: &BTreeMap<usize, usize>, all: &[usize]| all.iter().all(|one| uses.get(one) == Some(&1));
    let (clear, rivals): (Vec<Proposal>, Vec<Proposal>) = proposals.into_iter().partition(|(lines, things)| {
        let shaken = weak && things.iter().any(|thing| desk.is_doubted(*thing));
        once(&line_uses, lines) && once(&thing_uses, things) && !shaken
    });
    for (lines, things) in clear {
        desk.take(lines, things, by);
    }
    doubt_all(desk, rivals);
}

fn doubt_all(desk: &mut Desk<'_>, proposals: Vec<Proposal>) {
    for (lines, things) in proposals {
        let set = desk.set(things);
        for line in lines {
            desk.doubt(line, set);
        }
    }
}

impl Found {
    /// When the search gave up without an answer, the pool itself is the answer if a person can look through it.
    fn or_the_pool(self, pool: &Pool, most: usize) -> Self {
        match self {
            Self::GaveUp(things) if things.is_empty() => {
                let members = pool.members();
                Self::GaveUp(if members.len() > most { things } else { members })
            }
            other => other,
        }
    }

    fn into_things(self) -> Vec<usize> {
        match self {
            Self::Nothing => Vec::new(),
            Self::One(things) | Self::Several(things) | Self::GaveUp(things) => things,
        }
    }
}

fn total(desk: &Desk<'_>, things: &[usize]) -> Taka {
    things.iter().map(|thing| desk.expected[*thing].amount).sum()
}

fn in_window(desk: &Desk<'_>, line: usize, thing: usize) -> bool {
    desk.days(line, thing) <= i64::from(desk.policy.window_days)
}

/// Whether the counterparties are equal, or one of them is unknown.
fn may_be_party(desk: &Desk<'_>, line: usize, thing: usize) -> bool {
    let (one, other) = (desk.lines[line].party, desk.expected[thing].party);
    one == 0 || other == 0 || one == other
}
