//! The books, from rows: what stands, what was posted twice, and whether two sides agree.

use std::collections::{BTreeMap, BTreeSet};

use protocol::account::Code;
use protocol::id::{OpId, Subject};
use protocol::journal::{Journal, Key, Rule};
use protocol::seat::Role;

use super::postgres_rows::{CentralRows, JournalRow};
use super::sqlite_rows::EdgeRows;

/// One line of what stands: subject, key, rule, account, owner.
type Line = (Subject, [u8; 16], String, i32, Option<Subject>);
/// Net paisa of each line; lines that net to nothing are left out.
pub(super) type Net = BTreeMap<Line, i64>;
/// Net paisa by account and owner.
pub(super) type Balances = BTreeMap<(i32, Option<Subject>), i64>;

/// Net by key of the journal log.
pub(super) fn net(journals: &[JournalRow]) -> Net {
    let mut net = Net::new();
    for journal in journals {
        for (code, owner, paisa) in &journal.lines {
            let line = (journal.subject, journal.key, journal.rule.clone(), *code, *owner);
            add(net.entry(line).or_default(), *paisa);
        }
    }
    net.retain(|_, paisa| *paisa != 0);
    net
}

/// What facts fold to, in the form of [`net`].
pub(super) fn folded(journals: &BTreeMap<Subject, Vec<Journal>>) -> Net {
    let mut net = Net::new();
    for journal in journals.values().flatten() {
        let (key, rule) = (journal.key().0, journal.rule.name());
        for posting in &journal.postings {
            let code = i32::from(posting.account.code as u16);
            let line = (journal.subject, key, rule.to_owned(), code, posting.account.owner);
            add(net.entry(line).or_default(), posting.amount.paisa());
        }
    }
    net.retain(|_, paisa| *paisa != 0);
    net
}

/// Names every line in which two nets differ.
pub(super) fn differences(who: &str, left: (&str, &Net), right: (&str, &Net)) -> Vec<String> {
    let lines: BTreeSet<&Line> = left.1.keys().chain(right.1.keys()).collect();
    let mut found = Vec::new();
    for line in lines {
        let (ours, theirs) = (left.1.get(line).copied().unwrap_or(0), right.1.get(line).copied().unwrap_or(0));
        if ours != theirs {
            let (subject, _, rule, code, owner) = line;
            let account = owner.map_or_else(|| code.to_string(), |owner| format!("{code}{{{owner}}}"));
            found.push(format!(
                "{who}: {rule} of {subject} on {account}: {} has {ours} paisa, {} has {theirs}",
                left.0, right.0
            ));
        }
    }
    found
}

/// Balances of all accounts, from postings.
pub(super) fn balances(journals: &[JournalRow]) -> Balances {
    let mut balances = Balances::new();
    for (code, owner, paisa) in journals.iter().flat_map(|journal| &journal.lines) {
        add(balances.entry((*code, *owner)).or_default(), *paisa);
    }
    balances
}

/// Total of one account over all owners.
pub(super) fn total(balances: &Balances, code: Code) -> i64 {
    balances.iter().filter(|((of, _), _)| *of == code as i32).map(|(_, paisa)| paisa).sum()
}

/// Whether the rows of an edge are the rows of central (SPEC S4): line by line for its open member
/// subjects, and in whole for the accounts that its party owns.
pub(super) fn edge_equals(edge: &EdgeRows, standing: &Net, balances: &Balances, problems: &mut Vec<String>) -> bool {
    let before = problems.len();
    let open: BTreeSet<Subject> =
        edge.members.iter().filter(|(scope, _)| edge.may_read(scope)).map(|(_, subject)| *subject).collect();
    let mut ours = Net::new();
    let mut owned = Balances::new();
    for row in &edge.ledger {
        add(owned.entry((row.code, row.owner)).or_default(), row.paisa);
        if open.contains(&row.subject) {
            let line = (row.subject, row.key, row.rule.clone(), row.code, row.owner);
            add(ours.entry(line).or_default(), row.paisa);
        }
    }
    ours.retain(|_, paisa| *paisa != 0);
    let theirs = standing.iter().filter(|((subject, ..), _)| open.contains(subject));
    let theirs: Net = theirs.map(|(line, paisa)| (line.clone(), *paisa)).collect();
    problems.extend(differences(&edge.name, ("the edge", &ours), ("central", &theirs)));
    let party = edge.seat.party;
    for code in owned_by(edge.seat.role()) {
        let account = (*code as i32, Some(party));
        let (ours, theirs) = (owned.get(&account).copied().unwrap_or(0), balances.get(&account).copied().unwrap_or(0));
        if ours != theirs {
            problems.push(format!(
                "{}: its account {}{{{party}}} is {ours} paisa on the edge and {theirs} in central",
                edge.name, account.0
            ));
        }
    }
    problems.len() == before
}

/// The accounts whose whole balance a role's own facts make.
const fn owned_by(role: Role) -> &'static [Code] {
    match role {
        Role::Agent => &[Code::AgentCash],
        Role::Site => &[Code::Till, Code::PartnerReceivable],
        Role::Vendor => &[Code::VendorHeld, Code::VendorAvailable, Code::VendorReceivable],
        Role::Central | Role::Hub => &[],
    }
}

/// What can happen only once, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    /// The due of a parcel is satisfied.
    Due(Subject),
    /// A hand-in moves cash.
    HandIn(Subject),
    /// An earning is distributed, its fees charged, its return charged.
    Earning(Subject, Rule),
    /// A till closes, a bag is sealed, a deposit credited, a payout created, a payout sent, a sweep or a
    /// remittance is booked.
    Once(Subject, Rule),
    /// One fact has one consequence by one rule.
    Cause(Subject, Rule, OpId),
}

/// Journals that stand although their effect stands already: names of rows, by journal id.
pub(super) fn applied_twice(journals: &[JournalRow]) -> BTreeMap<[u8; 16], String> {
    let mut twice = BTreeMap::new();
    let mut standing: BTreeMap<Effect, Vec<&JournalRow>> = BTreeMap::new();
    for row in journals {
        let Some(rule) = Rule::of(&row.rule) else { continue };
        for effect in effects(row, rule) {
            let stands = standing.entry(effect).or_default();
            if row.rev % 2 == 0 {
                stands.push(row);
            } else if let Some(at) = stands.iter().position(|posted| posted.key == row.key) {
                stands.remove(at);
            }
        }
    }
    for stands in standing.values() {
        for extra in stands.iter().skip(1) {
            twice.insert(
                extra.id,
                format!("central: {}: its effect was posted before, by {}", named(extra), hex(&stands[0].id)),
            );
        }
    }
    twice
}

fn effects(row: &JournalRow, rule: Rule) -> Vec<Effect> {
    let once = match rule {
        Rule::J4 | Rule::J4p | Rule::J14 | Rule::J24 | Rule::J36 | Rule::J11 | Rule::J11a | Rule::J11c => {
            Some(Effect::Due(row.subject))
        }
        Rule::J8 | Rule::J9 | Rule::J10 => Some(Effect::HandIn(row.subject)),
        // What was collected or paid ahead goes one way: to the vendor, or back to the customer.
        Rule::J5 | Rule::J6 | Rule::J19 | Rule::J21a => Some(Effect::Earning(row.subject, Rule::J5)),
        Rule::J7 | Rule::J16 | Rule::J21 | Rule::J32 => Some(Effect::Earning(row.subject, rule)),
        Rule::J13a | Rule::J13b => Some(Effect::Once(row.subject, Rule::J13a)),
        Rule::J13
        | Rule::J17
        | Rule::J17a
        | Rule::J17b
        | Rule::J17c
        | Rule::J18
        | Rule::J27a
        | Rule::J36a
        | Rule::J14a => Some(Effect::Once(row.subject, rule)),
        // A ruling is one, and so are a line of a statement and an entry.
        Rule::J9a
        | Rule::J9b
        | Rule::J9c
        | Rule::J11b
        | Rule::J27d
        | Rule::J10a
        | Rule::J10b
        | Rule::J10c
        | Rule::J12b
        | Rule::J12c
        | Rule::J12d
        | Rule::J37a => Some(Effect::Once(row.subject, Rule::J9b)),
        // A refund is kept apart once, and paid once: what is paid after that its customer owes, each time anew.
        Rule::J20e => Some(Effect::Once(row.subject, rule)),
        Rule::J20d => Some(Effect::Once(row.subject, Rule::J19a)),
        Rule::J37 => None,
        Rule::J13c | Rule::J29 => Some(Effect::Once(row.subject, Rule::J29)),
        Rule::J3
        | Rule::J20c
        | Rule::J25
        | Rule::J25a
        | Rule::J26
        | Rule::J27
        | Rule::J28
        | Rule::J30
        | Rule::J31
        | Rule::J33
        | Rule::J35 => Some(Effect::Once(row.subject, Rule::J3)),
        Rule::J19a => Some(Effect::Once(row.subject, rule)),
        // One order may be paid in parts.
        Rule::J2 | Rule::J29a | Rule::J30a | Rule::J12 => None,
        // Whatever is taken back is, by a fact of its own.
        Rule::J20f => None,
        // Goods come back in parts.
        Rule::J20 | Rule::J20a | Rule::J20b => None,
        // A till pays out and in as often as it has to.
        Rule::J27b | Rule::J27c => None,
    };
    once.into_iter().chain([Effect::Cause(row.subject, rule, row.cause)]).collect()
}

/// Rows whose key or id is not the one that subject, rule and cause give, revisions out of turn, and
/// journals whose debits are not their credits.
pub(super) fn malformed(journals: &[JournalRow]) -> Vec<String> {
    let mut found = Vec::new();
    let mut last: BTreeMap<[u8; 16], i32> = BTreeMap::new();
    for row in journals {
        let rev = u32::try_from(row.rev).unwrap_or(u32::MAX);
        let wanted = Rule::of(&row.rule).map(|rule| key_of(row, rule));
        if wanted.is_none_or(|key| key.0 != row.key || key.revision(rev) != row.id) {
            found.push(format!("central: {} has an id that is not of its subject, rule and cause", named(row)));
        }
        let before = last.insert(row.key, row.rev);
        if before.map_or(0, |before| before + 1) != row.rev {
            found.push(format!("central: {} is revision {} out of turn", named(row), row.rev));
        }
        let sum: i64 = row.lines.iter().map(|(_, _, paisa)| paisa).sum();
        if sum != 0 {
            found.push(format!("central: {}: debits and credits differ by {sum} paisa", named(row)));
        }
    }
    found
}

fn key_of(row: &JournalRow, rule: Rule) -> Key {
    Journal { subject: row.subject, rule, cause: row.cause, postings: Vec::new() }.key()
}

/// How many journals of each rule stand.
pub(super) fn by_rule(journals: &[JournalRow]) -> BTreeMap<String, u64> {
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for row in journals {
        *counts.entry(row.rule.clone()).or_default() += if row.rev % 2 == 0 { 1 } else { -1 };
    }
    counts.into_iter().filter_map(|(rule, count)| Some((rule, u64::try_from(count).ok().filter(|n| *n > 0)?))).collect()
}

/// Cash that was taken at doors and at our own counters: what stands on their custody by the rules of
/// collection.
pub(super) fn collected(journals: &[JournalRow]) -> i64 {
    let rules = [Rule::J4, Rule::J4p, Rule::J11, Rule::J11a, Rule::J12];
    [Code::AgentCash, Code::Till].into_iter().map(|code| moved(journals, &rules, code)).sum()
}

/// What stands on one account by some rules, over all owners.
pub(super) fn moved(journals: &[JournalRow], rules: &[Rule], code: Code) -> i64 {
    let rules: Vec<&str> = rules.iter().map(|rule| rule.name()).collect();
    let rows = journals.iter().filter(|row| rules.contains(&row.rule.as_str()));
    rows.flat_map(|row| &row.lines).filter(|line| line.0 == code as i32).map(|line| line.2).sum()
}

/// Names every balance row that is not the sum of its postings.
pub(super) fn stored_balances(central: &CentralRows, balances: &Balances) -> Vec<String> {
    let accounts: BTreeSet<_> = balances.keys().chain(central.balances.keys()).collect();
    let differs = |account: &&(i32, Option<Subject>)| {
        balances.get(*account).copied().unwrap_or(0) != central.balances.get(*account).copied().unwrap_or(0)
    };
    let name = |account: &(i32, Option<Subject>)| {
        let owner = account.1.map_or_else(String::new, |owner| format!("{{{owner}}}"));
        let (stored, sum) = (central.balances.get(account).copied(), balances.get(account).copied());
        format!(
            "central: balance {}{owner} is stored as {} paisa; its postings come to {}",
            account.0,
            stored.unwrap_or(0),
            sum.unwrap_or(0)
        )
    };
    accounts.into_iter().filter(differs).map(name).collect()
}

fn named(row: &JournalRow) -> String {
    format!(
        "journal {} ({} of {}, position {}, cause {})",
        hex(&row.id),
        row.rule,
        row.subject,
        row.position,
        row.cause
    )
}

/// Bytes as people and logs write them.
pub(super) fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// Sums of a damaged database may pass any bound.
fn add(sum: &mut i64, paisa: i64) {
    *sum = sum.saturating_add(paisa);
}

#[cfg(test)]
mod tests {
    use protocol::id::{Id16, Kind};

    use super::*;

    /// Posted in this order: rule, number of the cause, revision.
    fn rows(posted: &[(Rule, u8, i32)]) -> Vec<JournalRow> {
        let subject = Subject::new(Kind::Parcel, Id16([1; 16]));
        let row = |(position, (rule, cause, rev)): (usize, &(Rule, u8, i32))| {
            let mut row = JournalRow {
                id: [0; 16],
                position: position as i64 + 1,
                key: [0; 16],
                rev: *rev,
                subject,
                rule: rule.name().to_owned(),
                cause: OpId([*cause; 32]),
                lines: vec![(1110, Some(subject), 100), (2045, Some(subject), -100)],
            };
            let key = key_of(&row, *rule);
            (row.key, row.id) = (key.0, key.revision(*rev as u32));
            row
        };
        posted.iter().enumerate().map(row).collect()
    }

    #[test]
    fn an_effect_stands_once_by_its_business_key_and_not_by_its_id() {
        for (posted, twice) in [
            // Reversed and posted again: once.
            (&[(Rule::J4, 1, 0), (Rule::J4, 1, 1), (Rule::J4, 1, 2)][..], 0),
            // Another delivery satisfies the due, after the first was taken back.
            (&[(Rule::J4, 1, 0), (Rule::J4, 1, 1), (Rule::J11, 2, 0)], 0),
            // One due satisfied by two deliveries, under two keys.
            (&[(Rule::J4, 1, 0), (Rule::J11, 2, 0)], 1),
            // Two further collections are two events; one of them twice is not.
            (&[(Rule::J12, 1, 0), (Rule::J12, 2, 0)], 0),
            (&[(Rule::J12, 1, 0), (Rule::J12, 1, 2)], 1),
            (&[(Rule::J8, 1, 0), (Rule::J10, 1, 0)], 1),
            (&[(Rule::J5, 1, 0), (Rule::J7, 1, 0), (Rule::J21, 2, 0)], 0),
            (&[(Rule::J5, 1, 0), (Rule::J5, 2, 0)], 1),
            (&[(Rule::J6, 1, 0), (Rule::J7, 1, 0), (Rule::J16, 2, 0)], 0),
            (&[(Rule::J6, 1, 0), (Rule::J19, 2, 0)], 1),
            (&[(Rule::J13a, 1, 0), (Rule::J13b, 2, 0)], 1),
            (&[(Rule::J17, 1, 0), (Rule::J17a, 2, 0)], 0),
            (&[(Rule::J17, 1, 0), (Rule::J17, 2, 0)], 1),
        ] {
            assert_eq!(applied_twice(&rows(posted)).len(), twice, "{posted:?}");
        }
        let mut second = rows(&[(Rule::J4, 1, 0), (Rule::J4, 1, 0)]);
        (second[1].id, second[1].key) = ([9; 16], [9; 16]);
        assert_eq!(applied_twice(&second).into_keys().collect::<Vec<_>>(), [[9; 16]]);
        assert_eq!(malformed(&second).len(), 1);
    }

    #[test]
    fn a_journal_out_of_turn_or_out_of_balance_is_named() {
        assert!(malformed(&rows(&[(Rule::J4, 1, 0), (Rule::J4, 1, 1), (Rule::J4, 1, 2)])).is_empty());
        assert_eq!(malformed(&rows(&[(Rule::J4, 1, 0), (Rule::J4, 1, 2)])).len(), 1);
        let mut lost = rows(&[(Rule::J4, 1, 0)]);
        lost[0].lines.pop();
        assert!(malformed(&lost)[0].contains("differ by 100 paisa"));
        assert_eq!(by_rule(&rows(&[(Rule::J4, 1, 0), (Rule::J4, 1, 1), (Rule::J11, 2, 0)])).len(), 1);
    }
}
