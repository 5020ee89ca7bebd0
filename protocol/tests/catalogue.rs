//! FACTS.md lists exactly what the code has.

use std::collections::BTreeMap;

use protocol::contest::Code;
use protocol::fact::Fact;
use protocol::journal::Rule;
use protocol::seat::class;

const CATALOGUE: &str = include_str!("../FACTS.md");

/// The rows of the table under a heading, as trimmed cells, without its two header lines.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let section = CATALOGUE.split("\n## ").find(|part| part.starts_with(heading)).expect("the heading is there");
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
