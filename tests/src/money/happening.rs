//! What happens to our money outside: providers settle what they hold and take back what was disputed, people leave
//! securities, bags are stolen, parcels are lost, and who insures us pays or does not. A paper tells finance.

use protocol::fact::Entry;
use protocol::fold::State;
use protocol::id::Subject;
use protocol::taka::Taka;

use super::paper::Paper;
use super::roster::TILLS;
use super::statement::Side;
use super::street::{Place, grow};
use super::world::World;

/// What providers keep of a settlement, basis points.
const PROVIDER_FEE: u32 = 150;

impl World {
    /// One thing happens.
    pub(super) fn happen(&mut self) {
        match self.dice.below(12) {
            0..=3 => self.provider_settles(),
            4 => self.customer_disputes(),
            5 | 6 => self.security_is_left(),
            7 => self.bag_is_stolen(),
            8 => self.parcel_is_lost(),
            _ => self.claim_is_answered(),
        }
    }

    fn provider_settles(&mut self) {
        let full: Vec<(u8, Taka)> =
            self.street.wallets.iter().filter(|(_, held)| **held > Taka::ZERO).map(|(of, held)| (*of, *held)).collect();
        let Some((provider, held)) = self.dice.pick(&full).copied() else { return };
        let half = Taka::from_paisa(held.paisa() / 2).unwrap_or_default();
        let gross = if half > Taka::ZERO && self.dice.chance(25) { half } else { held };
        let fee = gross.basis_points(PROVIDER_FEE);
        grow(&mut self.street.wallets, provider, gross.negated());
        self.did("provider_settles");
        let paper = Paper::of(Entry::Settled, self.bank.settlement.subject, gross);
        let paper = Paper { provider, part: fee, ..paper };
        self.file_credit(Side::Settlement, gross.minus(fee), "a provider settles", paper);
    }

    fn security_is_left(&mut self) {
        let parties: Vec<Subject> = self.agents().into_iter().chain(TILLS).collect();
        let Some(owner) = self.dice.pick(&parties).copied() else { return };
        let hundreds = i32::try_from(10 + self.dice.below(60)).unwrap_or(10);
        let amount = Taka::whole(100 * hundreds);
        self.did("security_is_left");
        let paper = Paper::of(Entry::SecurityTaken, owner, amount);
        let paper = Paper { other: Some(self.bank.operating.subject), ..paper };
        self.file_credit(Side::Operating, amount, "a security", paper);
    }

    fn bag_is_stolen(&mut self) {
        let Some(bag) = self.dice.pick(&self.bags_at_hand()).copied() else { return };
        let Some(State::Bag(state)) = self.office.states.get(&bag).map(|folded| &folded.state) else { return };
        let sealed = state.amount;
        self.street.steal(bag);
        self.did("bag_is_stolen");
        self.file(Paper::of(Entry::BagStolen, bag, sealed));
    }

    fn parcel_is_lost(&mut self) {
        let with_us = |place: Place| matches!(place, Place::Site(_) | Place::Van { .. } | Place::Agent { .. });
        let all = self.street.goods.iter().filter(|(_, goods)| with_us(goods.place));
        let all: Vec<Subject> = all.map(|(parcel, _)| *parcel).collect();
        let Some(parcel) = self.dice.pick(&all).copied() else { return };
        let Some(by) = self.street.goods.get(&parcel).and_then(super::street::Goods::holder) else { return };
        self.street.place(&parcel, Place::Lost { by });
        self.did("parcel_is_lost");
    }

    /// Whoever was asked for what was lost or stolen pays all of it, a part, or nothing.
    fn claim_is_answered(&mut self) {
        let open = self.open_claims();
        let Some((owner, open)) = self.dice.pick(&open).copied() else { return };
        let half = Taka::from_paisa(open.paisa() / 2).unwrap_or_default();
        if self.dice.chance(40) {
            self.did("claim_is_declined");
            return self.file(Paper::of(Entry::ClaimLost, owner, open));
        }
        let amount = if half > Taka::ZERO && self.dice.chance(40) { half } else { open };
        self.did("claim_is_paid");
        let paper = Paper { other: Some(self.bank.operating.subject), ..Paper::of(Entry::ClaimPaid, owner, amount) };
        self.file_credit(Side::Operating, amount, "a claim is paid", paper);
    }

    /// What was claimed in the books, and not answered yet.
    fn open_claims(&self) -> Vec<(Subject, Taka)> {
        let claims = |what: Entry| matches!(what, Entry::BagStolen | Entry::LossClaimed);
        let asked = self.desk.papers.values().filter(|paper| claims(paper.what) && paper.entry.is_some());
        let mut owners: Vec<Subject> = asked.map(|paper| paper.owner).collect();
        owners.sort_unstable();
        owners.dedup();
        let open = |owner: Subject| {
            let asked = self.desk.papers.values().filter(|paper| paper.entry.is_some() && paper.owner == owner);
            let asked: Taka = asked.filter(|paper| claims(paper.what)).map(|paper| paper.amount).sum();
            asked.minus(self.desk.sum(Entry::ClaimPaid, owner)).minus(self.desk.sum(Entry::ClaimLost, owner))
        };
        owners.into_iter().map(|owner| (owner, open(owner))).filter(|(_, open)| *open > Taka::ZERO).collect()
    }
}
