//! Customers who pay by phone at the door, and people who look at what is contested, in every fourth world: decided as
//! `central::door_payment` and `central::clearings` do (J24, R3).

use protocol::contest::Contest;
use protocol::decide::Draft;
use protocol::fact::{Cleared, Fact, PaidAtDoor, Provider};
use protocol::fold::State;
use protocol::id::{Id16, Subject};
use protocol::taka::Taka;

use super::banking::Decided;
use super::market::PROVIDERS;
use super::street::{Place, grow};
use super::world::World;

impl World {
    /// What people do in some worlds only, now and then.
    pub(super) fn beside(&mut self) -> bool {
        if self.market.fetching && self.dice.chance(20) {
            self.about_fetching();
            return true;
        }
        if self.market.taps_wrong && self.dice.chance(12) {
            self.void();
            return true;
        }
        if !self.market.phones || !self.dice.chance(12) {
            return false;
        }
        if self.dice.chance(60) {
            self.pay_by_phone()
        } else {
            self.clear()
        }
        true
    }

    /// A customer pays what a parcel is due at a provider: while it is on its way mostly, and again at times.
    fn pay_by_phone(&mut self) {
        let again = self.dice.chance(8);
        let late = self.dice.chance(15);
        let open = |(parcel, goods): &(&Subject, &super::street::Goods)| {
            let before = self.market.phoned.contains_key(*parcel) == again;
            goods.due > Taka::ZERO && before && (late || goods.place != Place::Customer)
        };
        let parcels: Vec<Subject> = self.street.goods.iter().filter(open).map(|(parcel, _)| *parcel).collect();
        let Some(parcel) = self.dice.pick(&parcels).copied() else { return };
        let due = self.street.goods[&parcel].due;
        let amount = if self.dice.chance(6) { due.minus(Taka::whole(1)) } else { due };
        let provider = PROVIDERS[self.dice.below(PROVIDERS.len())];
        let (provider, reference) = match self.market.phoned.get(&parcel) {
            Some((provider, reference)) if self.dice.chance(40) => (*provider, reference.clone()),
            _ => (provider, format!("QR-{:08x}", self.dice.draw() & 0xffff_ffff)),
        };
        let decided = self.paid_at_door(parcel, provider, &reference, amount);
        if self.record(if again { "phone_again" } else { "phone" }, decided) {
            let customer = self.street.goods[&parcel].customer;
            grow(&mut self.street.paid, customer, amount);
            grow(&mut self.street.wallets, provider as u8, amount);
            self.market.used.insert((provider as u8, reference.clone()), parcel);
            self.market.phoned.insert(parcel, (provider, reference));
        }
    }

    fn paid_at_door(&self, parcel: Subject, provider: Provider, reference: &str, amount: Taka) -> Decided {
        let Some(state) = self.parcel(parcel).filter(|state| state.created.is_some()) else {
            return Err("unknown_parcel");
        };
        if state.due() == Taka::ZERO {
            return Err("nothing_due");
        }
        if state.due() != amount {
            return Err("amount_differs");
        }
        if let Some(before) = self.market.used.get(&(provider as u8, reference.to_owned())) {
            return if *before == parcel { Ok(Vec::new()) } else { Err("reference_used") };
        }
        if self.market.phoned.contains_key(&parcel) {
            return Err("already_paid");
        }
        let fact = PaidAtDoor { provider: provider as u8, reference: reference.to_owned(), amount };
        Ok(vec![Draft { subject: parcel, fact: Fact::PaidAtDoor(fact) }])
    }

    /// Somebody asks those who were there, and says that it is as the records say; of what is not so he says nothing.
    fn clear(&mut self) {
        let of = |(subject, folded): (&Subject, &protocol::fold::Folded)| -> Vec<(Subject, Contest)> {
            match &folded.state {
                State::Parcel(_) | State::HandIn(_) => folded.contests().iter().map(|one| (*subject, *one)).collect(),
                _ => Vec::new(),
            }
        };
        let open: Vec<(Subject, Contest)> = self.office.states.iter().flat_map(of).collect();
        let Some((subject, contest)) = self.dice.pick(&open).copied() else { return };
        if let Some(goods) = self.street.goods.get(&subject) {
            let told = self.parcel(subject).is_some_and(|state| state.custodian == goods.holder());
            if !told || goods.misrecorded || goods.mistaken {
                return self.refused("clear", "not_so");
            }
        }
        let (reason, maker) = ("asked both".to_owned(), Id16([0x31; 16]));
        let cleared = Cleared { op: contest.op, code: contest.code as u16, reason, maker, checker: None };
        self.record("clear", Ok(vec![Draft { subject, fact: Fact::Cleared(cleared) }]));
    }
}
