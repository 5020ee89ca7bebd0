//! Months of the books: finance closes them in their order, and what is posted afterwards counts in the open one.

use central::period::Month;
use protocol::taka::Taka;

use super::world::World;

/// A closed month: what its journals had come to when it was handed out.
#[derive(Clone, Debug)]
pub struct Closed {
    pub month: Month,
    /// Journals up to its end.
    pub rows: usize,
    /// Σ of debits, from the first journal to the last of this month.
    pub debits: Taka,
}

impl World {
    /// Closes the oldest open month, as `central::periods` does.
    pub(super) fn close_month(&mut self) {
        let first = self.office.log.iter().map(|row| row.month);
        let open = first.filter(|month| self.office.closed_through.is_none_or(|through| *month > through)).min();
        let Some(month) = open else { return };
        if self.now_ms < month.ends_ms() {
            return self.refused("close_month", "month_not_over");
        }
        let rows = self.office.log.iter().take_while(|row| row.month <= month).count();
        self.office.closed_through = Some(month);
        // Whatever the clock does, nothing is posted at a time of the closed month any more.
        self.office.journal_ms = self.office.journal_ms.max(month.ends_ms());
        self.closed.push(Closed { month, rows, debits: self.debits_of(rows) });
        self.did("close_month");
    }

    /// Σ of the debits of the first journals of the log.
    pub(super) fn debits_of(&self, rows: usize) -> Taka {
        let lines = self.office.log.iter().take(rows).flat_map(|row| &row.entry.journal.postings);
        lines.map(|line| line.amount).filter(|amount| *amount > Taka::ZERO).sum()
    }
}
