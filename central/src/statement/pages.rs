//! What every format has in common: statements that follow one another, and figures that must add up.

use std::collections::BTreeSet;

use super::{Format, Line, MAX_LINES, Statement, Unreadable};
use protocol::taka::Taka;

/// One statement of a file as its format reads it.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// The account as the file names it.
    pub account: String,
    /// The statement's number as the file names it.
    pub number: String,
    /// The balance before the first line.
    pub opening: Option<Taka>,
    /// The balance after the last line.
    pub closing: Option<Taka>,
    /// Booked entries, oldest first.
    pub lines: Vec<Line>,
    /// Entries left out because they are not booked.
    pub pending: u32,
}

/// One statement out of all of a file: each adds up, and each begins where the one before it ends.
pub(super) fn join(format: Format, pages: Vec<Page>) -> Result<Statement, Unreadable> {
    let mut pages = pages.into_iter();
    let Some(mut whole) = pages.next() else { return Err(no_statement()) };
    adds_up(&whole)?;
    let first_number = whole.number.clone();
    for page in pages {
        adds_up(&page)?;
        if page.account != whole.account {
            return Err(Unreadable::file(
                "several_accounts",
                "The file holds statements of more than one account.",
                "Export one file per account and upload each to its account.",
            ));
        }
        chains(whole.closing, page.opening)?;
        if !page.number.is_empty() && page.number != first_number {
            whole.number = format!("{first_number} - {}", page.number);
        }
        whole.closing = page.closing;
        whole.pending = whole.pending.saturating_add(page.pending);
        whole.lines.extend(page.lines);
        room(whole.lines.len())?;
    }
    no_line_twice(&whole.lines)?;
    let Page { account, number, opening, closing, lines, pending } = whole;
    Ok(Statement { format, account, number, opening, closing, pending, lines })
}

/// The count of entries as a place in the file, or the refusal of too many.
pub(super) fn room(entries: usize) -> Result<u32, Unreadable> {
    let at = u32::try_from(entries).ok().filter(|_| entries <= MAX_LINES);
    at.ok_or_else(|| {
        Unreadable::file(
            "too_many_lines",
            format!("The file has more than {MAX_LINES} entries."),
            "Export a shorter period and upload the files one by one.",
        )
    })
}

/// The refusal of an entry in another currency.
pub(super) fn foreign_currency(at: Option<u32>, currency: &str) -> Unreadable {
    // Only what looks like a currency code is shown: a shifted column may hold anything.
    let shown = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase());
    Unreadable {
        code: "foreign_currency",
        at,
        message: format!("The statement is in {}, not in BDT.", if shown { currency } else { "an unknown currency" }),
        next: "Upload statements of taka accounts only; book other currencies by hand.".to_owned(),
    }
}

/// The refusal of an entry whose status is not known.
pub(super) fn unknown_status(at: u32) -> Unreadable {
    Unreadable::line(
        at,
        "unknown_status",
        format!("Line {at} has a status that is not known, so it cannot be told whether it is booked."),
        "Ask the sender what the status means. For a CSV file, add it to the mapping.",
    )
}

/// The refusal of a file that ends too early.
pub(super) fn truncated() -> Unreadable {
    Unreadable::file(
        "truncated",
        "The file ends in the middle of a statement.",
        "Download the statement again and check that the download completed.",
    )
}

/// The refusal of a line with more ids than a line can have.
pub(super) fn too_many_ids(at: u32) -> Unreadable {
    Unreadable::line(
        at,
        "too_many_ids",
        format!("Line {at} names more than {} ids.", super::MAX_IDS),
        "Ask the bank for a statement with every payment booked singly.",
    )
}

/// The refusal where two figures that must be equal are not.
pub(super) fn does_not_add_up(at: Option<u32>, told: Taka, sum: i128) -> Unreadable {
    let whose = at.map_or_else(|| "The closing balance".to_owned(), |at| format!("The balance at line {at}"));
    let sum = i64::try_from(sum).ok().and_then(Taka::from_paisa);
    let sum = sum.map_or_else(|| "more than an account can hold".to_owned(), |sum| sum.to_string());
    Unreadable {
        code: "does_not_add_up",
        at,
        message: format!("{whose} is {told}, but the balance before it and the amounts come to {sum}."),
        next: "An entry is missing, double or changed. Export the whole period again and do not edit the file."
            .to_owned(),
    }
}

fn no_statement() -> Unreadable {
    Unreadable::file(
        "no_statement",
        "The file holds no account statement.",
        "Download a camt.053 or MT940 statement from the bank; reports of the day (camt.052, MT942) do not do.",
    )
}

fn adds_up(page: &Page) -> Result<(), Unreadable> {
    let (Some(opening), Some(closing)) = (page.opening, page.closing) else { return Ok(()) };
    // In i128, because the sum of many amounts may pass i64 on the way to a closing balance that is in range.
    let sum = page.lines.iter().fold(i128::from(opening.paisa()), |sum, line| sum + i128::from(line.amount.paisa()));
    if sum == i128::from(closing.paisa()) { Ok(()) } else { Err(does_not_add_up(None, closing, sum)) }
}

fn chains(closing: Option<Taka>, opening: Option<Taka>) -> Result<(), Unreadable> {
    let shown = |balance: Option<Taka>| balance.map_or_else(|| "not told".to_owned(), |balance| balance.to_string());
    if closing.is_some() && closing == opening {
        return Ok(());
    }
    Err(Unreadable::file(
        "statements_do_not_follow",
        format!("One statement of the file closes with {}, the next opens with {}.", shown(closing), shown(opening)),
        "Upload the statements as single files, or export the missing one between them too.",
    ))
}

fn no_line_twice(lines: &[Line]) -> Result<(), Unreadable> {
    let mut seen = BTreeSet::new();
    for line in lines.iter().filter(|line| !line.reference.is_empty()) {
        if !seen.insert((line.reference.as_str(), line.date, line.amount)) {
            return Err(Unreadable::line(
                line.at,
                "line_twice",
                format!("Line {} repeats the reference, date and amount of another line of the file.", line.at),
                "Remove the repetition at its source and export again; if both are real, ask for a reference of its own.",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(opening: i32, amounts: &[i32], closing: i32) -> Page {
        let lines = amounts.iter().zip(1..).map(|(amount, at)| Line {
            at,
            date: jiff::civil::date(2026, 11, 1),
            amount: Taka::whole(*amount),
            fee: Taka::ZERO,
            fee_vat: Taka::ZERO,
            reference: String::new(),
            ids: Vec::new(),
            counterparty: String::new(),
            text: String::new(),
            reversal: false,
        });
        let (opening, closing) = (Some(Taka::whole(opening)), Some(Taka::whole(closing)));
        Page {
            number: closing.map_or_else(String::new, |c| c.to_string()),
            opening,
            closing,
            lines: lines.collect(),
            ..Page::default()
        }
    }

    #[test]
    fn statements_that_follow_one_another_become_one() {
        let joined = join(Format::Mt940, vec![page(10, &[5, -2], 13), page(13, &[1], 14)]).unwrap();
        assert_eq!((joined.opening, joined.closing), (Some(Taka::whole(10)), Some(Taka::whole(14))));
        assert_eq!((joined.lines.len(), joined.number.as_str()), (3, "13.00 - 14.00"));
    }

    #[test]
    fn a_wrong_sum_is_refused_with_both_figures() {
        let refusal = join(Format::Mt940, vec![page(10, &[5], 1_300)]).unwrap_err();
        assert_eq!(refusal.code, "does_not_add_up");
        assert!(refusal.message.contains("1,300.00") && refusal.message.contains("15.00"), "{}", refusal.message);
    }

    #[test]
    fn refuses_gaps_other_accounts_repeated_lines_and_nothing_at_all() {
        let other = Page { account: "2".to_owned(), ..page(10, &[], 10) };
        let mut twice = page(0, &[5, 5], 10);
        twice.lines.iter_mut().for_each(|line| line.reference = "R1".to_owned());
        for (pages, code) in [
            (vec![page(10, &[], 10), page(11, &[], 11)], "statements_do_not_follow"),
            (vec![page(10, &[], 10), other], "several_accounts"),
            (vec![twice], "line_twice"),
            (vec![], "no_statement"),
        ] {
            assert_eq!(join(Format::Mt940, pages).unwrap_err().code, code);
        }
        assert_eq!(room(MAX_LINES + 1).unwrap_err().code, "too_many_lines");
    }
}
