//! Papers: what happened to our money that no device records, or what finance wants to happen. A paper lies on finance's
//! desk until it is entered; what it says is true, whoever reads it.

use std::collections::BTreeMap;

use protocol::fact::{Entered, Entry};
use protocol::id::{Id16, Subject};
use protocol::taka::Taka;

use super::statement::Side;
use super::world::World;

/// One paper.
#[derive(Clone, Debug)]
pub struct Paper {
    pub what: Entry,
    pub owner: Subject,
    pub other: Option<Subject>,
    pub provider: u8,
    pub amount: Taka,
    pub part: Taka,
    pub reference: String,
    /// Finance wrote it itself: until it is entered nothing has happened.
    pub own: bool,
    /// The bank's entry for it, where the money was there before finance heard of it.
    pub credit: Option<(Side, usize)>,
    /// As what it was entered.
    pub entry: Option<Subject>,
}

impl Paper {
    /// A paper that says this of this owner, and nothing else yet.
    pub fn of(what: Entry, owner: Subject, amount: Taka) -> Self {
        let (provider, part, reference) = (0, Taka::ZERO, String::new());
        Self { what, owner, other: None, provider, amount, part, reference, own: false, credit: None, entry: None }
    }

    /// As `maker` enters it.
    pub fn entered(&self, maker: Id16) -> Entered {
        Entered {
            what: self.what as u8,
            owner: self.owner,
            other: self.other,
            provider: self.provider,
            amount: self.amount,
            part: self.part,
            reference: self.reference.clone(),
            maker,
            checker: None,
        }
    }

    /// Whether an entry says what the paper says.
    pub fn says(&self, entered: &Entered) -> bool {
        *entered == Entered { checker: entered.checker, ..self.entered(entered.maker) }
    }
}

/// An entry that waits for a second person.
#[derive(Clone, Debug)]
pub struct Proposal {
    pub paper: u32,
    pub entry: Subject,
    pub entered: Entered,
}

/// What lies on finance's desk.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    /// All papers, by the number under which they came.
    pub papers: BTreeMap<u32, Paper>,
    pub proposals: Vec<Proposal>,
    /// Entries that somebody without authority recorded on his device.
    pub forged: Vec<Subject>,
}

impl Desk {
    /// Papers that nobody has entered or proposed.
    pub fn open(&self) -> Vec<u32> {
        let waits = |number: &u32| self.proposals.iter().any(|proposal| proposal.paper == *number);
        let open = self.papers.iter().filter(|(_, paper)| paper.entry.is_none()).map(|(number, _)| *number);
        open.filter(|number| !waits(number)).collect()
    }

    /// The paper behind an entry.
    pub fn behind(&self, entry: &Subject) -> Option<&Paper> {
        self.papers.values().find(|paper| paper.entry == Some(*entry))
    }

    /// Papers of a kind about an owner.
    pub fn about(&self, what: Entry, owner: Subject) -> impl Iterator<Item = &Paper> {
        self.papers.values().filter(move |paper| paper.what == what && paper.owner == owner)
    }

    /// Σ of such papers, entered or not.
    pub fn sum(&self, what: Entry, owner: Subject) -> Taka {
        self.about(what, owner).map(|paper| paper.amount).sum()
    }
}

impl World {
    /// A paper comes onto the desk, and mostly somebody enters it at once.
    pub(super) fn file(&mut self, mut paper: Paper) {
        self.numbers += 1;
        let number = self.numbers;
        if paper.reference.is_empty() {
            paper.reference = format!("P-{number:05}");
        }
        self.desk.papers.insert(number, paper);
        if self.dice.chance(60) {
            self.enter_paper(number);
        }
    }

    /// Money came to an account of ours, and a paper says for what.
    pub(super) fn file_credit(&mut self, side: Side, amount: Taka, narration: &str, mut paper: Paper) {
        let (day, named, by_its_own) = (self.today(), self.dice.chance(80), self.dice.chance(70));
        self.numbers += 1;
        let number = self.numbers;
        let account = self.account(side);
        let at = account.entries.len();
        let entry = account.book(day, amount, narration, None);
        if by_its_own {
            paper.reference = format!("R-{number:05}");
            entry.ids.extend(named.then(|| paper.reference.clone()));
        } else {
            // Finance takes the reference from the bank's screen.
            paper.reference.clone_from(&entry.reference);
        }
        paper.credit = Some((side, at));
        self.file(paper);
    }
}
