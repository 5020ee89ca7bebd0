//! FACTS.md lists exactly what the code has.

use std::collections::BTreeMap;

use protocol::contest::Code;
use protocol::fact::Fact;
use protocol::journal::Rule;
use protocol::seat::class;

const CATALOGUE: &str = include_str!("../FACTS.md");
const MONEY: &str = include_str!("../MONEY.md");
/// Every journal of the books: posted, or on paper.
const JOURNALS: &str = "J1 J2 J3 J4 J4p J5 J6 J7 J8 J9 J9a J9b J9c J10 J10a J10b J10c J11 J11a J11b J11c J12 J12b J12c J12d \
    J13 J13a J13b J13c J14 J14a J15 J16 J17 J17a J17b J17c J18 J19 J19a J20 J20a J20b J20c J20d J20e J20f J21 J21a J22 J22a J23 \
    J23a J24 J25 J25a J26 J27 J27a J27b J27c J27d J28 J29 J29a J30 J30a J31 J32 J33 J34 J35 J36 J36a J37 J37a";

/// The rows of a table of the catalogue of facts.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    table(CATALOGUE, heading)
}

/// The rows of the table under a heading, as trimmed cells, without its two header lines.
fn table(document: &'static str, heading: &str) -> Vec<Vec<&'static str>> {
    let section = document.split("\n## ").find(|part| part.starts_with(heading)).expect("the heading is there");
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect();
    section.lines().filter(|line| line.starts_with('|')).skip(2).map(cells).collect()
}

#[test]
fn every_kind_with_its_number_lane_and_authors() {
    let listed: Vec<(u16, &str, u8)> = rows("Kinds")
        .iter()
        .map(|row| {
            assert_eq!(row.len(), 11, "{}: a cell is missing or one too many", row[1]);
            assert!(row.iter().all(|cell| !cell.is_empty()), "{}: an empty cell", row[1]);
            let number = u16::from_str_radix(row[0].trim_start_matches("0x"), 16).expect("a hex number");
            (number, row[1], row[2].parse().expect("a lane"))
        })
        .collect();
    assert_eq!(listed, Fact::KINDS);
    let words = BTreeMap::from([
        (class::CONTROL, "control"),
        (class::CENTRAL, "central"),
        (class::VENDOR, "vendor"),
        (class::SITE, "site"),
        (class::AGENT, "agent"),
        (class::CASHIER, "cashier"),
        (class::PARTNER, "partner"),
    ]);
    for ((number, name, _), row) in listed.iter().zip(rows("Kinds")) {
        let class = u8::try_from(number >> 12).expect("4 bits");
        assert!(row[4].starts_with(words[&class]), "{name}: authors do not begin with its class");
    }
}

#[test]
fn every_journal_rule() {
    let listed: Vec<&str> = rows("Journals").iter().map(|row| row[0]).collect();
    let rules: Vec<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
    assert_eq!(listed, rules);
    let yields: String = rows("Kinds").iter().map(|row| format!("{}, ", row[8])).collect();
    for rule in rules {
        assert!(yields.contains(&format!("{rule},")), "{rule}: no kind says that it yields it");
    }
}

#[test]
fn every_journal_is_posted_or_on_paper_and_every_rule_for_a_pair_is_somewhere() {
    let posted: Vec<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
    let paper = table(MONEY, "Journals on paper");
    for row in &paper {
        assert!(row.len() == 6 && row.iter().all(|cell| !cell.is_empty()), "{}: an empty cell", row[0]);
        assert!(!posted.contains(&row[0]), "{}: is posted, so its row belongs into FACTS.md", row[0]);
    }
    let paper: Vec<&str> = paper.iter().map(|row| row[0]).collect();
    let all: Vec<&str> = JOURNALS.split_whitespace().collect();
    for name in posted.iter().chain(&paper) {
        assert!(all.contains(name), "{name}: is not in the list of journals");
    }
    for name in all {
        assert!(posted.contains(&name) || paper.contains(&name), "{name}: neither posted nor on paper");
    }
    let pairs = rows("Rules for pairs").into_iter().chain(table(MONEY, "Rules on paper"));
    let pairs: Vec<&str> = pairs.map(|row| row[0]).collect();
    // Stock (R9, R10), addresses (R33) and the vendor's papers (R34) are no money.
    for rule in (1..=36).filter(|rule| ![9, 10, 33, 34].contains(rule)) {
        assert!(pairs.contains(&format!("R{rule}").as_str()), "R{rule}: has no row");
    }
}

#[test]
fn every_contest_code() {
    let listed: Vec<(u16, &str)> =
        rows("Contest codes").iter().map(|row| (row[0].parse().expect("a number"), row[1])).collect();
    let known: Vec<(u16, &str)> =
        (0..=u16::MAX).filter_map(|number| Code::of(number).map(|code| (number, code.word()))).collect();
    assert_eq!(listed, known);
    for (number, word) in known {
        let code = Code::of(number).expect("known");
        assert_eq!(code as u16, number);
        assert!(code.next_step().ends_with('.'), "{word}: a sentence that says what is next");
    }
}
