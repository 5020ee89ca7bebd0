//! The physical world: where goods and cash really are, whatever any device or book says. Facts are never read here.

use std::collections::{BTreeMap, BTreeSet};

use protocol::id::{OpId, Scope, Subject};
use protocol::taka::Taka;

use super::roster;

/// Where a parcel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At its vendor's, packed or not.
    Vendor { packed: bool },
    /// At a site.
    Site(Scope),
    /// In the van between two sites; who sent it answers for it.
    Van { from: Scope, to: Scope },
    /// In an agent's bag; `back` when he did not get rid of it.
    Agent { agent: Scope, back: bool },
    /// With the courier; `back` when he did not get rid of it.
    Courier { back: bool },
    /// With its customer.
    Customer,
    /// On its way back to the vendor; the site that sent it answers for it.
    Returning(Scope),
    /// Back at the vendor's.
    Returned,
    /// Nobody finds it; who had it last answers for it.
    Lost { by: Scope },
}

/// A parcel as it lies in the street.
#[derive(Clone, Debug)]
pub struct Goods {
    pub customer: Subject,
    pub vendor: Scope,
    pub hub: Scope,
    pub point: Option<Scope>,
    /// What the customer shows at the counter.
    pub token: [u8; 16],
    pub due: Taka,
    pub place: Place,
    /// Somebody recorded something about it that no command would have recorded.
    pub misrecorded: bool,
    /// Somebody recorded a step of its way that was not so: a label without goods, a box taken for another.
    pub mistaken: bool,
    /// Records of it that are not so, and that their author knows of or could know.
    pub not_so: BTreeSet<OpId>,
    /// Who believes that he gave it to the customer: he does not do so again on another phone.
    pub given_by: BTreeSet<Scope>,
}

impl Goods {
    /// Who answers for it.
    pub fn holder(&self) -> Option<Scope> {
        match self.place {
            Place::Vendor { .. } | Place::Returned => Some(self.vendor),
            Place::Site(site) | Place::Van { from: site, .. } | Place::Returning(site) => Some(site),
            Place::Agent { agent, .. } => Some(agent),
            Place::Lost { by } => Some(by),
            Place::Courier { .. } => Some(super::courier::courier()),
            Place::Customer => None,
        }
    }
}

/// Cash that an agent put on the counter.
#[derive(Clone, Debug)]
pub struct Bundle {
    pub agent: Scope,
    pub site: Scope,
    pub cash: Taka,
    /// A fact about it says that it was counted.
    pub counted: bool,
}

/// The physical world.
#[derive(Clone, Debug, Default)]
pub struct Street {
    pub goods: BTreeMap<Subject, Goods>,
    /// Cash by who really has it: agents, tills, bags. Never the bank's, which keeps its own ledger.
    pub piles: BTreeMap<Subject, Taka>,
    /// Hand-ins on a counter; the cash of those that are not counted is the agent's.
    pub bundles: BTreeMap<Subject, Bundle>,
    /// Of those the ones that no phone has offered.
    pub silent: BTreeSet<Subject>,
    /// Deliveries whose cash was recorded, and was never there.
    pub unpaid: BTreeSet<(Subject, Scope)>,
    /// What partners have in their own drawers of ours.
    pub partners: BTreeMap<Scope, Taka>,
    /// What customers paid, at the door, at a counter or at a provider, by customer.
    pub paid: BTreeMap<Subject, Taka>,
    /// What customers got back.
    pub refunded: BTreeMap<Subject, Taka>,
    /// Cash that disappeared (positive) or turned up, by where that happened.
    pub lost: BTreeMap<Subject, Taka>,
    /// Bags that were taken from us.
    pub stolen: BTreeSet<Subject>,
    /// What each provider holds of ours, by its number; below zero when more was given back than taken since it settled.
    pub wallets: BTreeMap<u8, Taka>,
    /// Orders of which a customer's bank took something back, and the vendor whose goods it was about.
    pub disputed: BTreeSet<(Subject, Scope)>,
    /// Refunds that wait at tills, or did.
    pub fetches: BTreeMap<Subject, super::fetched::Fetch>,
    /// What was entered of that, by customer.
    pub taken_back: BTreeMap<Subject, Taka>,
    /// What customers had got both ways when the last chargeback of what was not theirs any more was entered.
    pub had_both: BTreeMap<Subject, Taka>,
    /// Cash that has come into the street, less what has left it.
    pub afoot: Taka,
}

impl Street {
    pub fn pile(&self, of: &Subject) -> Taka {
        self.piles.get(of).copied().unwrap_or_default()
    }

    pub fn add(&mut self, to: Subject, amount: Taka) {
        grow(&mut self.piles, to, amount);
    }

    /// A customer pays cash to an agent, into a till, or into a partner's drawer.
    pub fn collect(&mut self, parcel: Subject, by: Scope, amount: Taka) {
        if by == roster::PARTNER {
            grow(&mut self.partners, by, amount);
            self.afoot = self.afoot.plus(amount);
        } else {
            self.come(by, amount);
        }
        if let Some(customer) = self.goods.get(&parcel).map(|goods| goods.customer) {
            grow(&mut self.paid, customer, amount);
        }
    }

    /// Cash disappears, or turns up when `amount` is below zero.
    pub fn lose(&mut self, at: Subject, amount: Taka) {
        self.come(at, amount.negated());
        grow(&mut self.lost, at, amount);
    }

    /// Cash comes to us from outside, or leaves us when `amount` is below zero.
    pub fn come(&mut self, to: Subject, amount: Taka) {
        self.add(to, amount);
        self.afoot = self.afoot.plus(amount);
    }

    /// A bag is stolen on its way, with what is in it.
    pub fn steal(&mut self, bag: Subject) {
        let inside = self.pile(&bag);
        self.lose(bag, inside);
        self.stolen.insert(bag);
    }

    /// A partner sends what he has of ours.
    pub fn remit(&mut self, partner: Scope) -> Taka {
        let sent = self.partners.insert(partner, Taka::ZERO).unwrap_or_default();
        self.afoot = self.afoot.minus(sent);
        sent
    }

    /// Cash in all hands of ours, on all counters and in partners' drawers.
    pub fn in_hand(&self) -> Taka {
        let counters = self.bundles.values().filter(|bundle| !bundle.counted).map(|bundle| bundle.cash);
        self.piles.values().chain(self.partners.values()).copied().chain(counters).sum()
    }

    /// Cash moves.
    pub fn carry(&mut self, from: Subject, to: Subject, amount: Taka) {
        self.add(from, amount.negated());
        self.add(to, amount);
    }

    /// The agent puts cash on the counter of his site.
    pub fn put_on_counter(&mut self, handin: Subject, agent: Scope, site: Scope, cash: Taka) {
        self.add(agent, cash.negated());
        self.bundles.insert(handin, Bundle { agent, site, cash, counted: false });
    }

    /// The bundle goes into the till.
    pub fn count(&mut self, handin: &Subject) {
        let Some(bundle) = self.bundles.get_mut(handin).filter(|bundle| !bundle.counted) else { return };
        bundle.counted = true;
        let (site, cash) = (bundle.site, bundle.cash);
        self.add(site, cash);
    }

    /// What an agent has, on the counter or in his bag.
    pub fn of_agent(&self, agent: &Scope) -> Taka {
        let open = self.bundles.values().filter(|bundle| bundle.agent == *agent && !bundle.counted);
        self.pile(agent).plus(open.map(|bundle| bundle.cash).sum())
    }

    /// Somebody gave it, as he believes.
    pub fn given(&mut self, parcel: &Subject, by: Scope) {
        if let Some(goods) = self.goods.get_mut(parcel) {
            goods.given_by.insert(by);
        }
    }

    /// Whether somebody believes that he gave it.
    pub fn gave(&self, parcel: &Subject, by: &Scope) -> bool {
        self.goods.get(parcel).is_some_and(|goods| goods.given_by.contains(by))
    }

    pub fn place(&mut self, parcel: &Subject, place: Place) {
        if let Some(goods) = self.goods.get_mut(parcel) {
            goods.place = place;
        }
    }

    /// Somebody recorded a step of its way that was not so.
    pub fn mistake(&mut self, parcel: &Subject) {
        if let Some(goods) = self.goods.get_mut(parcel) {
            goods.mistaken = true;
        }
    }

    pub fn place_of(&self, parcel: &Subject) -> Option<Place> {
        self.goods.get(parcel).map(|goods| goods.place)
    }
}

/// Adds to one of many sums.
pub fn grow<K: Ord>(sums: &mut BTreeMap<K, Taka>, of: K, amount: Taka) {
    let sum = sums.entry(of).or_default();
    *sum = sum.plus(amount);
}
