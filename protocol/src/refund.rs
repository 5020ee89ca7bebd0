//! The refund: central pays a customer back by hand (J19a), or keeps what he is owed apart (J20e) so that a till may pay it
//! for a code that he shows there (J20d). The code is good for one payment on one rail. A till without network may pay while
//! central, on another word, pays as well: both happened, and the second is the customer's to give back (J37, R26). What central
//! withdraws is owed to the customer again; a till that had not heard of it gave him what was not his.
//!
//! Slots: `reserve` earliest, `withdraw` earliest, `pay` earliest by a provider, and each payment out of a till one of its own.

use std::fmt;

use crate::account::Code as Chart;
use crate::contest::{Code, Contest};
use crate::fact::{Fact, Provider, RefundPaid, RefundReserved};
use crate::handover::latin;
use crate::history::History;
use crate::id::{CROCKFORD, OpId, Scope, Subject, crockford_value};
use crate::journal::{Journal, Rule};
use crate::order::receivable;
use crate::parcel::lock_of;
use crate::record::Records;
use crate::slot::{self, Claim};

/// What a customer shows to be paid back out of a till: 80 random bits, 16 letters and digits. Six digits in a box, as for a
/// parcel, would not do: the till's own staff holds the box, and has a day for a million guesses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RefundCode(pub [u8; Self::BYTES]);

impl RefundCode {
    /// Bytes of a code.
    pub const BYTES: usize = 10;
    /// Letters and digits of a written one.
    pub const DIGITS: usize = 16;
    /// Longest text that is looked at.
    const MAX_TEXT: usize = 64;

    /// Reads a written code: either case, O for 0, I and L for 1, Bangla digits; spaces and dashes are skipped.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.len() > Self::MAX_TEXT {
            return None;
        }
        let plain = text.chars().filter(|c| !c.is_whitespace() && *c != '-').map(latin);
        let digits: Vec<u8> = plain.map(crockford_value).collect::<Option<_>>()?;
        if digits.len() != Self::DIGITS {
            return None;
        }
        let value = digits.iter().fold(0u128, |value, digit| value << 5 | u128::from(*digit));
        value.to_be_bytes()[16 - Self::BYTES..].try_into().ok().map(Self)
    }

    /// What stands in [`RefundReserved`]: every replica checks a code by it, and none can tell the code from it.
    #[must_use]
    pub fn lock(&self, refund: &Subject) -> [u8; 16] {
        lock_of(refund, &self.0)
    }
}

impl fmt::Display for RefundCode {
    /// `K7QF-2M8D-90AB-XY3T`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0.iter().fold(0u128, |value, byte| value << 8 | u128::from(*byte));
        for index in (0..Self::DIGITS).rev() {
            let dash = if index % 4 == 0 && index > 0 { "-" } else { "" };
            write!(f, "{}{dash}", CROCKFORD[(value >> (index * 5) & 31) as usize] as char)?;
        }
        Ok(())
    }
}

impl fmt::Debug for RefundCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefundCode(..)")
    }
}

impl RefundReserved {
    /// Whether this is the code that its customer was told.
    #[must_use]
    pub fn is_opened_by(&self, code: &RefundCode, refund: &Subject) -> bool {
        self.lock == code.lock(refund)
    }
}

/// What the facts of one refund come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refund {
    /// What is kept apart for a till to pay.
    pub reserved: Option<RefundReserved>,
    /// The fact that says so.
    pub reserved_by: Option<OpId>,
    /// It was withdrawn before anybody is known to have paid it.
    pub withdrawn: bool,
    /// What a provider paid.
    pub paid: Option<RefundPaid>,
    /// The fact that says so.
    pub paid_by: Option<OpId>,
    /// The tills that paid it, in cash: the first one, and whoever did not know of that.
    pub given: Vec<Scope>,
    /// What waits for a ruling.
    pub contests: Vec<Contest>,
    /// A head is not held: provisional.
    pub incomplete: bool,
    /// An op is of a later version: provisional.
    pub newer: bool,
}

impl Refund {
    /// `reserved`, `withdrawn`, `given` out of a till, `paid` by a provider, `overpaid` when more was paid than was kept apart,
    /// or `unknown` while nothing of it is here.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match (self.given.len(), &self.paid, &self.reserved) {
            (0, None, None) => "unknown",
            (0, None, Some(_)) if self.withdrawn => "withdrawn",
            (1, None, _) if self.withdrawn => "overpaid",
            (0, None, Some(_)) => "reserved",
            (0, Some(_), _) => "paid",
            (1, None, _) => "given",
            _ => "overpaid",
        }
    }

    /// Whether it is kept apart for a till, and nobody is known to have paid or withdrawn it.
    #[must_use]
    pub const fn waits(&self) -> bool {
        self.reserved.is_some() && !self.withdrawn && self.paid.is_none() && self.given.is_empty()
    }
}

/// Folds the facts of one refund, and yields J19a, J20d, J20e and J37.
#[must_use]
pub fn fold(subject: Subject, history: &History) -> (Refund, Vec<Journal>) {
    let mut refund = Refund { incomplete: history.incomplete, newer: history.newer, ..Refund::default() };
    let mut records = Records::of(history);
    let mut journals = Vec::new();
    let reserved = records.once(|fact| if let Fact::RefundReserved(kept) = fact { Some(kept) } else { None });
    refund.reserved = reserved.map(|(_, kept)| kept.clone());
    let withdrawn = records.once(|fact| if let Fact::RefundWithdrawn(back) = fact { Some(back) } else { None });
    let paid = records.once(|fact| if let Fact::RefundPaid(paid) = fact { Some(paid) } else { None });
    let cash = out_of_tills(subject, history, refund.reserved.as_ref(), &mut records);
    // What was paid before is not withdrawn.
    refund.withdrawn = withdrawn.is_some_and(|(index, _)| !cash.iter().any(|given| history.follows(index, *given)));
    if let Some((index, kept)) = reserved {
        let cause = history.facts[index].id;
        refund.reserved_by = Some(cause);
        let owed = (Chart::RefundsPayable.of_owner(kept.customer), kept.amount);
        let apart = (Chart::RefundsPayable.of_owner(subject), kept.amount);
        if !refund.withdrawn {
            journals.push(Journal::new(subject, Rule::J20e, cause, &[owed], &[apart]));
        }
    }
    let first_cash = first_of(history, &cash, paid.map(|(index, _)| index)).filter(|_| !refund.withdrawn);
    if let Some((index, paid)) = paid {
        let cause = history.facts[index].id;
        (refund.paid, refund.paid_by) = (Some(paid.clone()), Some(cause));
        // What was kept apart is paid from there; what a till paid before it is the customer's to give back.
        let apart = refund.reserved.is_some() && !refund.withdrawn;
        let (rule, debit) = match first_cash {
            Some(_) => (Rule::J37, Chart::CustomerReceivable.of_owner(paid.customer)),
            None => (Rule::J19a, Chart::RefundsPayable.of_owner(if apart { subject } else { paid.customer })),
        };
        if let Some(provider) = Provider::of(paid.provider) {
            let rail = (receivable(provider), paid.amount);
            journals.push(Journal::new(subject, rule, cause, &[(debit, paid.amount)], &[rail]));
        }
    }
    for (index, kept) in cash.iter().filter_map(|index| Some((*index, reserved?.1))) {
        let (till, cause) = (history.facts[index].party, history.facts[index].id);
        let (rule, debit) = if Some(index) == first_cash {
            (Rule::J20d, Chart::RefundsPayable.of_owner(subject))
        } else {
            (Rule::J37, Chart::CustomerReceivable.of_owner(kept.customer))
        };
        let drawer = (Chart::Till.of_owner(till), kept.amount);
        journals.push(Journal::new(subject, rule, cause, &[(debit, kept.amount)], &[drawer]));
        refund.given.push(till);
    }
    journals.retain(|journal| !journal.postings.is_empty());
    refund.contests = records.contests();
    (refund, journals)
}

/// Payments out of tills for which the code was shown. Of any other one nobody can say that the customer had the cash: it is
/// contested, and missing from its till.
fn out_of_tills(
    subject: Subject,
    history: &History,
    reserved: Option<&RefundReserved>,
    records: &mut Records<'_>,
) -> Vec<usize> {
    let given = history.acts_of(|fact| if let Fact::CashRefunded(given) = fact { Some(given) } else { None });
    let (opened, other): (Vec<_>, Vec<_>) =
        given.partition(|(_, given)| reserved.is_some_and(|kept| kept.is_opened_by(&RefundCode(given.code), &subject)));
    other.into_iter().for_each(|(index, _)| records.contest(index, Code::CodeMismatch));
    opened.into_iter().map(|(index, _)| index).collect()
}

/// The payment in cash that is the refund: none when all of them knew that a provider had paid it, or when there is none.
fn first_of(history: &History, cash: &[usize], paid: Option<usize>) -> Option<usize> {
    let claims: Vec<Claim> = cash.iter().map(|fact| Claim { fact: *fact, evidence: 0, authority: 0 }).collect();
    let first = slot::earliest(history, &claims)?.winner.fact;
    let knew = paid.is_some_and(|paid| cash.iter().all(|given| history.follows(*given, paid)));
    (!knew).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Id16, Kind};

    #[test]
    fn a_code_is_read_as_it_is_written_and_as_people_type_it() {
        let code = RefundCode([0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0x01, 0xff]);
        let text = code.to_string();
        assert_eq!(text, "28T5-CY4T-QKFF-00FZ");
        for typed in
            [text.clone(), text.to_lowercase(), text.replace('-', " "), text.replace('0', "O"), text.replace('2', "২")]
        {
            assert_eq!(RefundCode::read(&typed), Some(code), "{typed}");
        }
        let long = "2".repeat(65);
        for wrong in ["", "28T5-CY4T-QKFF-00F", "28T5-CY4T-QKFF-00FZ2", "28T5-CY4T-QKFF-00F*", "কোড", long.as_str()]
        {
            assert_eq!(RefundCode::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_lock_of_a_code_is_another_one_for_every_refund() {
        let (code, of) = (RefundCode([7; 10]), |n| Subject::new(Kind::Refund, Id16([n; 16])));
        assert_ne!(code.lock(&of(1)), code.lock(&of(2)));
        assert_ne!(code.lock(&of(1)), RefundCode([8; 10]).lock(&of(1)));
    }
}
