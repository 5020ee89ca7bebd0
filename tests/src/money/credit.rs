//! Customers who took credit in place of a refund, and pay for another order with it (J30a).

use protocol::account::Code;
use protocol::fact::{CreditSpent, Fact};
use protocol::fold::{Folded, State};
use protocol::id::{Kind, Subject};
use protocol::taka::Taka;

use super::banking::Decided;
use super::mutant::Mutant;
use super::street::grow;
use super::world::World;

/// Of a hundred payments ahead where somebody has credit.
const BY_CREDIT: u64 = 85;

impl World {
    /// Whether this payment is of credit; without any no die is thrown.
    pub(super) fn by_credit(&mut self) -> Option<(Subject, Taka)> {
        let held = self.office.central.memory.balances.iter();
        let held = held.filter(|(account, sum)| account.code == Code::StoreCredit && **sum < Taka::ZERO);
        let held = held.filter_map(|(account, sum)| Some((account.owner?, sum.negated())));
        let held: Vec<(Subject, Taka)> = held.filter(|(owner, _)| owner.kind() == Some(Kind::Customer)).collect();
        if held.is_empty() || !self.dice.chance(BY_CREDIT) {
            return None;
        }
        self.dice.pick(&held).copied()
    }

    /// He pays for an order that his credit is enough for, mostly.
    pub(super) fn spend_credit(&mut self, customer: Subject, held: Taka) {
        let careless = self.dice.chance(12);
        let again = self.dice.chance(8);
        let Some(order) =
            self.any_order(|deal| deal.prepaid && deal.is_paid() == again && (careless || deal.total <= held))
        else {
            return;
        };
        let deal = self.market.deals[&order].clone();
        let decided = self.decide_credit(order, CreditSpent { customer, amount: deal.total });
        if self.record("spend_credit", decided) {
            grow(&mut self.street.paid, deal.customer, deal.total);
            if let Some(deal) = self.market.deals.get_mut(&order) {
                deal.credit_of = Some(customer);
            }
        }
    }

    /// Decides as `credit::spend` does.
    fn decide_credit(&self, order: Subject, spent: CreditSpent) -> Decided {
        if self.market.deals.get(&order).and_then(|deal| deal.credit_of) == Some(spent.customer) {
            return Ok(Vec::new());
        }
        // Nobody else's money waits for it: nothing is taken for what was called off.
        let called_off = |folded: &Folded| matches!(&folded.state, State::Order(state) if state.cancelled);
        if self.office.states.get(&order).is_some_and(called_off) {
            return Err("order_cancelled");
        }
        let drafts = self.captured(order, spent.amount, Fact::CreditSpent(spent))?;
        let held = self.office.balance(Code::StoreCredit.of_owner(spent.customer)).negated();
        let blind = self.mutant == Some(Mutant::CreditUnchecked);
        if spent.amount > held && !blind {
            return Err("more_than_credit");
        }
        Ok(drafts)
    }
}
