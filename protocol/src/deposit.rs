//! The bank deposit: bags brought to the bank, and what the bank says was in them (J13a, J13b).
//!
//! The bank's figure is booked. What is missing is owed by the sites that sealed the bags, in
//! proportion to what each sealed in, because the bank counts the heap and not the bag; what is too
//! much waits on the same sites' cash over.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::account::{Account, Code as Chart};
use crate::contest::{Code, Contest};
use crate::fact::{BagIn, Fact};
use crate::history::History;
use crate::id::{OpId, Scope, Subject};
use crate::journal::{Journal, Rule};
use crate::record::Records;
use crate::taka::Taka;

/// What the facts of one deposit come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deposit {
    /// The settlement account.
    pub bank: Option<Subject>,
    /// Number of the slip.
    pub slip: String,
    /// What was brought.
    pub bags: Vec<Banked>,
    /// The fact that says so.
    pub deposited_by: Option<OpId>,
    /// The line of the statement.
    pub reference: String,
    /// How much the bank credited.
    pub credited: Option<Taka>,
    /// The fact that says so.
    pub confirmed_by: Option<OpId>,
    /// What waits for a ruling.
    pub contests: Vec<Contest>,
    /// A head is not held: provisional.
    pub incomplete: bool,
    /// An op is of a later version: provisional.
    pub newer: bool,
}

/// One bag of a deposit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Banked {
    /// The bag.
    pub bag: Subject,
    /// Who sealed it.
    pub site: Scope,
    /// How much was sealed in.
    pub amount: Taka,
    /// How much of it the bank confirmed; a surplus is not counted.
    pub confirmed: Option<Taka>,
}

impl Deposit {
    /// `unknown`, `deposited`, `confirmed`, `short` or `over`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match (self.deposited_by, self.credited) {
            (None, _) => "unknown",
            (Some(_), None) => "deposited",
            (Some(_), Some(credited)) if credited < self.sealed() => "short",
            (Some(_), Some(credited)) if credited > self.sealed() => "over",
            (Some(_), Some(_)) => "confirmed",
        }
    }

    /// Σ of what was sealed in.
    #[must_use]
    pub fn sealed(&self) -> Taka {
        self.bags.iter().map(|bag| bag.amount).sum()
    }
}

/// Folds the facts of one deposit, and yields J13a or J13b once the bank has confirmed.
#[must_use]
pub fn fold(subject: Subject, history: &History) -> (Deposit, Vec<Journal>) {
    let mut deposit = Deposit { incomplete: history.incomplete, newer: history.newer, ..Deposit::default() };
    let mut records = Records::of(history);
    let mut journals = Vec::new();
    if let Some((index, brought)) = records.once(|fact| if let Fact::Deposited(d) = fact { Some(d) } else { None }) {
        deposit.bank = Some(brought.bank);
        deposit.slip.clone_from(&brought.slip);
        deposit.deposited_by = Some(history.facts[index].id);
        let banked = |bag: &BagIn| Banked { bag: bag.bag, site: bag.site, amount: bag.amount, confirmed: None };
        deposit.bags = brought.bags.iter().map(banked).collect();
        let bags: std::collections::BTreeSet<Subject> = deposit.bags.iter().map(|bag| bag.bag).collect();
        if bags.len() != deposit.bags.len() {
            records.contest(index, Code::RecordedTwice);
            deposit.bags.clear();
        }
    }
    if let Some((index, line)) = records.once(|fact| if let Fact::DepositConfirmed(l) = fact { Some(l) } else { None })
    {
        let cause = history.facts[index].id;
        deposit.reference.clone_from(&line.reference);
        deposit.credited = Some(line.credited);
        deposit.confirmed_by = Some(cause);
        // Without a bag that it knows, nothing says whose the credit is: it waits with the contest.
        if let (Some(bank), false) = (deposit.bank, deposit.bags.is_empty()) {
            journals.push(credit(subject, cause, bank, line.credited, &mut deposit.bags));
        }
    }
    journals.retain(|journal| !journal.postings.is_empty());
    deposit.contests = records.contests();
    (deposit, journals)
}

/// The bank's credit against the bags; the difference goes to the sites.
fn credit(subject: Subject, cause: OpId, bank: Subject, credited: Taka, bags: &mut [Banked]) -> Journal {
    let sealed: Taka = bags.iter().map(|bag| bag.amount).sum();
    let short = credited < sealed;
    let gap = if short { sealed.minus(credited) } else { credited.minus(sealed) };
    let amounts: Vec<Taka> = bags.iter().map(|bag| bag.amount).collect();
    let mut sites: BTreeMap<Scope, Taka> = BTreeMap::new();
    for (bag, share) in bags.iter_mut().zip(shares(gap, &amounts)) {
        let sum = sites.entry(bag.site).or_default();
        *sum = sum.plus(share);
        bag.confirmed = Some(if short { bag.amount.minus(share) } else { bag.amount });
    }
    let side = if short { Chart::Shortage } else { Chart::CashOver };
    let differences = sites.into_iter().map(|(site, sum)| (side.of_owner(site), sum));
    let mut debits: Vec<(Account, Taka)> = vec![(Chart::Settlement.of_owner(bank), credited)];
    let mut credits: Vec<(Account, Taka)> =
        bags.iter().map(|bag| (Chart::InTransit.of_owner(bag.bag), bag.amount)).collect();
    if short {
        debits.extend(differences)
    } else {
        credits.extend(differences)
    }
    Journal::new(subject, if short { Rule::J13b } else { Rule::J13a }, cause, &debits, &credits)
}

/// `total` in proportion to `weights`, by the largest remainder: the parts add up to it, to the paisa.
fn shares(total: Taka, weights: &[Taka]) -> Vec<Taka> {
    let sum: i128 = weights.iter().map(|weight| i128::from(weight.paisa())).sum();
    if sum == 0 {
        // Empty bags: there is no proportion, the first one takes it.
        return weights.iter().enumerate().map(|(at, _)| if at == 0 { total } else { Taka::ZERO }).collect();
    }
    let exact = |weight: &Taka| i128::from(total.paisa()) * i128::from(weight.paisa());
    let mut parts: Vec<i128> = weights.iter().map(|weight| exact(weight) / sum).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|at| (Reverse(exact(&weights[*at]) % sum), *at));
    let left = i128::from(total.paisa()) - parts.iter().sum::<i128>();
    for at in order.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        parts[at] += 1;
    }
    parts.into_iter().map(|part| i64::try_from(part).ok().and_then(Taka::from_paisa).unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_shared_to_the_paisa() {
        let taka = |paisa: &[i64]| paisa.iter().map(|p| Taka::from_paisa(*p).unwrap()).collect::<Vec<_>>();
        for (total, weights, parts) in [
            (0, &[5, 5][..], &[0, 0][..]),
            (100, &[100, 200], &[33, 67]),
            (10, &[1, 1, 1], &[4, 3, 3]),
            // The remainders decide, not the weights.
            (10, &[6, 3, 7], &[4, 2, 4]),
            (7, &[0, 0], &[7, 0]),
            (50_000, &[5_000_000], &[50_000]),
            (1, &[Taka::MAX_PAISA, Taka::MAX_PAISA], &[1, 0]),
        ] {
            assert_eq!(shares(Taka::from_paisa(total).unwrap(), &taka(weights)), taka(parts), "{total} by {weights:?}");
        }
        assert_eq!(shares(Taka::whole(5), &[]), Vec::new());
    }
}
