//! What holds of what finance entered: a paper says so, the second person signed, and the accounts that only papers and
//! rulings move have what the papers come to, by this file's own table (B4.1), not by the code that posts it. Providers'
//! accounts have what providers hold.

use std::collections::BTreeMap;

use protocol::account::{Account, Code};
use protocol::fact::{Entry, Fact, How, Provider};
use protocol::fold::State;
use protocol::id::{Id16, Kind, Subject};
use protocol::journal::{Journal, Rule};
use protocol::taka::Taka;

use super::paper::Paper;
use super::street::grow;
use super::verdict::ensure;
use super::world::World;

/// From so much on two people answer for it (B4).
const TWO_FROM: Taka = Taka::whole(5_000);
/// Accounts that nothing but papers, rulings and the customers whose credit it is moves.
const BY_PAPER: [Code; 8] = [
    Code::Claims,
    Code::AgentPayable,
    Code::Security,
    Code::StoreCredit,
    Code::ProviderFees,
    Code::AgentIncentive,
    Code::SiteExpense,
    Code::Goodwill,
];

/// Looks at all entries, and at the sums when something was posted.
pub(super) fn hold(world: &World, posted: bool) -> Result<(), String> {
    if posted {
        entries(world)?;
        sums(world)?;
    }
    providers(world)
}

/// Each entry has its own paper, says what that says, moved its amount once, and was signed by whom it needs.
fn entries(world: &World) -> Result<(), String> {
    let (from, to) = (Subject::new(Kind::Entry, Id16([0; 16])), Subject::new(Kind::Entry, Id16([0xff; 16])));
    for (subject, folded) in world.office.states.range(from..=to) {
        let State::Entry(booked) = &folded.state else { continue };
        let Some(entered) = &booked.entered else { continue };
        let Some(paper) = world.desk.behind(subject) else {
            return Err(format!("no paper says what {subject} says: {}", named(entered.what)));
        };
        ensure(paper.says(entered), || format!("{subject} is not what its paper {} says", paper.reference))?;
        let journals: Vec<&Journal> = world.tally.standing(subject).collect();
        let debits = journals.iter().flat_map(|journal| &journal.postings).map(|line| line.amount);
        let moved: Taka = debits.filter(|amount| *amount > Taka::ZERO).sum();
        ensure(journals.len() == 1 && moved == paper.amount, || {
            format!("{subject} is of {}, and {moved} moved in {} journals", paper.amount, journals.len())
        })?;
        let gives_up = matches!(
            paper.what,
            Entry::ClaimLost | Entry::LossPaid | Entry::BagStolen | Entry::ChargedBack | Entry::ChargedBackEarly
        );
        let two = gives_up || paper.amount >= TWO_FROM && paper.what != Entry::Settled;
        let signed = entered.checker.is_some_and(|checker| checker != entered.maker);
        ensure(signed || !two, || format!("{subject}, {}, has one signature", named(entered.what)))?;
    }
    for forged in &world.desk.forged {
        let taken = world.office.facts_of(forged).iter().any(|(.., fact)| matches!(fact, Fact::Entered(_)));
        ensure(!taken, || format!("{forged} was entered by a device"))?;
    }
    Ok(())
}

fn named(what: u8) -> &'static str {
    Entry::of(what).map_or("newer", Entry::word)
}

/// Accounts that only papers, rulings and customers move have what these come to.
fn sums(world: &World) -> Result<(), String> {
    let mut sums: BTreeMap<Account, Taka> = BTreeMap::new();
    let mut answered: BTreeMap<Subject, Taka> = BTreeMap::new();
    for paper in world.desk.papers.values().filter(|paper| paper.entry.is_some()) {
        for (account, amount) in says(paper) {
            grow(&mut sums, account, amount);
        }
        match paper.what {
            Entry::LossPaid => grow(&mut answered, paper.other.unwrap_or(paper.owner), paper.amount),
            Entry::LossCharged => grow(&mut answered, paper.other.unwrap_or(paper.owner), paper.amount.negated()),
            Entry::LossClaimed => grow(&mut answered, paper.owner, paper.amount.negated()),
            _ => {}
        }
    }
    let rulings = world.office.states.values().filter_map(|folded| match &folded.state {
        State::Ruling(ruling) => ruling.ruled.as_ref(),
        _ => None,
    });
    for ruled in rulings {
        match How::of(ruled.how) {
            Some(How::FromPay) => grow(&mut sums, Code::AgentPayable.of_owner(ruled.owner), ruled.amount),
            Some(How::OwedToAgent) => {
                let agent = ruled.other.unwrap_or(ruled.owner);
                grow(&mut sums, Code::AgentPayable.of_owner(agent), ruled.amount.negated());
            }
            Some(How::Expensed) => {
                // As it was posted: a second tap that comes late may have taken its place since.
                let mut posted = world.office.log.iter().map(|row| &row.entry.journal);
                let paid = posted.any(|journal| journal.rule == Rule::J27b && journal.cause == ruled.cause);
                ensure(paid, || format!("{}: no till paid it out", ruled.owner))?;
                grow(&mut sums, Code::SiteExpense.whole(), ruled.amount);
            }
            Some(How::FromCredit) => grow(&mut sums, Code::StoreCredit.of_owner(ruled.owner), ruled.amount),
            Some(How::WrittenOff) if ruled.owner.kind() == Some(Kind::Customer) => {
                grow(&mut sums, Code::Goodwill.whole(), ruled.amount);
            }
            Some(How::Conceded) => grow(&mut sums, Code::Goodwill.whole(), ruled.amount),
            Some(How::FromSecurity) => grow(&mut sums, Code::Security.of_owner(ruled.owner), ruled.amount),
            _ => {}
        }
    }
    for deal in world.market.deals.values() {
        if let Some(customer) = deal.credit_of {
            grow(&mut sums, Code::StoreCredit.of_owner(customer), deal.total);
        }
    }
    for account in sums.keys().chain(world.tally.sums.keys()).filter(|account| BY_PAPER.contains(&account.code)) {
        let (said, booked) = (sums.get(account).copied().unwrap_or_default(), world.tally.of(*account));
        ensure(said == booked, || format!("{account}: the papers come to {said}, the books to {booked}"))?;
        // What is owed to us is not below zero, what we owe not above: nobody is paid or asked for more than there is.
        let held = if matches!(account.code, Code::AgentPayable | Code::Security | Code::StoreCredit) {
            booked.negated()
        } else {
            booked
        };
        ensure(held >= Taka::ZERO, || format!("{account} is at {booked}"))?;
    }
    for (parcel, left) in answered {
        ensure(left >= Taka::ZERO, || format!("{parcel}: {} more is asked for than was paid", left.negated()))?;
    }
    Ok(())
}

/// What an entered paper does to these accounts, debit positive.
fn says(paper: &Paper) -> Vec<(Account, Taka)> {
    let (owner, amount, back) = (paper.owner, paper.amount, paper.amount.negated());
    match paper.what {
        Entry::Settled => vec![(Code::ProviderFees.whole(), paper.part)],
        Entry::PayAccrued => {
            vec![(Code::AgentIncentive.whole(), amount), (Code::AgentPayable.of_owner(owner), back)]
        }
        Entry::PayPaid => vec![(Code::AgentPayable.of_owner(owner), amount)],
        Entry::SecurityTaken => vec![(Code::Security.of_owner(owner), back)],
        Entry::BagStolen | Entry::LossClaimed => vec![(Code::Claims.of_owner(owner), amount)],
        Entry::ClaimPaid | Entry::ClaimLost => vec![(Code::Claims.of_owner(owner), back)],
        Entry::CreditIssued => vec![(Code::StoreCredit.of_owner(owner), back)],
        Entry::FloatIssued
        | Entry::VatPaid
        | Entry::LossPaid
        | Entry::LossCharged
        | Entry::Netted
        | Entry::ChargedBack
        | Entry::ChargedBackEarly => Vec::new(),
    }
}

/// Invariant 15, of providers: the books' account is what the provider holds, and what it has paid out or taken back and
/// finance has not entered.
fn providers(world: &World) -> Result<(), String> {
    for (provider, code) in [
        (Provider::Bkash, Code::Bkash),
        (Provider::Nagad, Code::Nagad),
        (Provider::Rocket, Code::Rocket),
        (Provider::Card, Code::Card),
    ] {
        let number = provider as u8;
        let open = world.desk.papers.values().filter(|paper| paper.provider == number && paper.entry.is_none());
        let open: Taka = open.map(|paper| paper.amount).sum();
        let holds = world.street.wallets.get(&number).copied().unwrap_or_default();
        let booked = world.tally.of(code.whole());
        ensure(booked == holds.plus(open), || {
            format!("{}: it holds {holds}, {open} is to be entered, the books say {booked}", code as u16)
        })?;
    }
    Ok(())
}
