//! Customers who pay ahead by a transfer to our account, in every fourth world: the bank states a credit that nobody
//! expects, and finance reads of it for which order it is (J29a).

use protocol::decide::Draft;
use protocol::fact::{Fact, TransferCaptured};
use protocol::id::Subject;
use protocol::taka::Taka;

use super::banking::Decided;
use super::statement::{Line, Side};
use super::street::grow;
use super::world::World;

/// Of a hundred payments ahead in such a world.
const BY_TRANSFER: u64 = 40;

impl World {
    /// Whether this payment comes by a transfer.
    pub(super) fn by_transfer(&mut self) -> bool {
        self.market.transfers && self.dice.chance(BY_TRANSFER)
    }

    /// The customer sends it; nobody here knows before the bank states it.
    pub(super) fn send_ahead(&mut self, order: Subject, amount: Taka) {
        let day = self.today();
        self.bank.settlement.book(day, amount, "NPSB of a customer", Some(order));
        if let Some(deal) = self.market.deals.get_mut(&order) {
            grow(&mut self.street.paid, deal.customer, amount);
            deal.sent = true;
        }
        self.did("transfer");
    }

    /// Decides as `reconcile::prepaid::pay_ahead` does.
    pub(super) fn decide_paid_ahead(&mut self, line: &Line, order: Subject) -> Decided {
        if line.side != Side::Settlement || line.amount <= Taka::ZERO {
            return Err("not_a_payment");
        }
        let (bank, amount) = (self.bank.settlement.subject, line.amount);
        let captured = TransferCaptured { bank, line: line.subject, reference: line.reference.clone(), amount };
        let mut drafts: Vec<Draft> = self.captured(order, amount, Fact::TransferCaptured(captured))?;
        drafts.extend(self.identify(Some(line.subject), order));
        Ok(drafts)
    }
}
