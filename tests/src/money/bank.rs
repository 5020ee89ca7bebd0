//! The bank: keeps its accounts as a bank does, counts what is brought, charges, errs and takes back, and states what it
//! booked. It knows nothing of our books, and its ledger is the truth that theirs is held to.

use jiff::civil::Date;
use protocol::id::Subject;
use protocol::taka::Taka;

/// What the bank booked.
#[derive(Clone, Debug)]
pub struct Entry {
    pub day: Date,
    /// Positive when credited to us.
    pub amount: Taka,
    pub reference: String,
    pub ids: Vec<String>,
    pub narration: String,
    pub reversal: bool,
    /// What it truly is, where it is a thing of ours; the statement does not say.
    pub thing: Option<Subject>,
}

/// One account at the bank.
#[derive(Clone, Debug)]
pub struct Account {
    pub name: &'static str,
    pub subject: Subject,
    pub entries: Vec<Entry>,
    /// How many of them were stated.
    pub stated: usize,
}

impl Account {
    pub fn new(name: &'static str) -> Self {
        Self { name, subject: Subject::bank(name), entries: Vec::new(), stated: 0 }
    }

    /// Books money in (positive) or out.
    pub fn book(&mut self, day: Date, amount: Taka, narration: &str, thing: Option<Subject>) -> &mut Entry {
        let reference = format!("FT{:06}", self.entries.len() + 1);
        let (ids, narration) = (Vec::new(), narration.to_owned());
        let at = self.entries.len();
        self.entries.push(Entry { day, amount, reference, ids, narration, reversal: false, thing });
        &mut self.entries[at]
    }

    /// What the account truly holds.
    pub fn balance(&self) -> Taka {
        self.entries.iter().map(|entry| entry.amount).sum()
    }

    /// What was booked and no statement has shown yet.
    pub fn unstated(&self) -> Taka {
        self.entries.iter().skip(self.stated).map(|entry| entry.amount).sum()
    }

    /// The next statement: the entries since the last one, with the number of each.
    pub fn state(&mut self) -> Vec<(usize, Entry)> {
        let from = self.stated;
        self.stated = self.entries.len();
        self.entries.iter().cloned().enumerate().skip(from).collect()
    }
}

/// The bank, with our two accounts.
#[derive(Clone, Debug)]
pub struct Bank {
    /// Customers' money, 1010.
    pub settlement: Account,
    /// Our own, 1020.
    pub operating: Account,
}

impl Default for Bank {
    fn default() -> Self {
        Self { settlement: Account::new("sim-settlement"), operating: Account::new("sim-operating") }
    }
}
