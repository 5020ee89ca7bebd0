//! The physical world of the day: where parcels and cash really are, whatever any screen says.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::id::{Scope, Subject};
use protocol::taka::Taka;

/// What a parcel is like in reality.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// Whose goods.
    pub vendor: Scope,
    /// What the label says is due.
    pub due: Taka,
    /// It is done: with the customer, back at the vendor, or called off.
    pub ended: bool,
    /// Deliveries that were tried.
    pub tried: u32,
    /// Where the customer fetches it, if he does.
    pub point: Option<Scope>,
    /// What he shows there: six digits, or the square on his phone.
    pub code: Option<(String, String)>,
}

/// A bundle of cash that an agent puts on the counter.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// His offer.
    pub handin: Subject,
    /// Who gives.
    pub agent: Scope,
    /// What is really in it.
    pub cash: Taka,
}

#[derive(Default)]
struct World {
    parcels: BTreeMap<Subject, Parcel>,
    /// Packed goods on the van to the courier hub.
    van: VecDeque<Subject>,
    /// Parcels that agents brought back, and whether the customer refused them.
    counter: VecDeque<(Subject, bool)>,
    /// Returned goods on their way to their vendors.
    returns: BTreeMap<Scope, VecDeque<Subject>>,
    bundles: VecDeque<Bundle>,
    /// Parcels whose label an agent has in the bag.
    runs: BTreeMap<Scope, VecDeque<Vec<Subject>>>,
    /// Cash by who really has it.
    piles: BTreeMap<Scope, Taka>,
    placed_all: bool,
    /// Parcels that two agents claim, and whether the second has delivered.
    twins: BTreeMap<Subject, bool>,
    /// Twins that the first agent has in his bag, off line: they may go on a second run.
    loose: VecDeque<(Subject, Scope)>,
    lost: Taka,
    found: Taka,
    cancelled: BTreeSet<Subject>,
    /// Parcels on the van to a pickup point.
    to_points: BTreeMap<Scope, VecDeque<Subject>>,
    /// What partners took for us and have not remitted, and from how many customers.
    partners: BTreeMap<Scope, (Taka, i64)>,
    /// Customers who wait for their money: order, customer's provider, how much.
    refunds: VecDeque<(String, &'static str, Taka)>,
}

/// The physical world; every change is one call.
#[derive(Default)]
pub struct Street(Mutex<World>);

impl Street {
    fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn expect(
        &self,
        parcel: Subject,
        vendor: Scope,
        due: Taka,
        point: Option<Scope>,
        code: Option<(String, String)>,
    ) {
        self.lock().parcels.insert(parcel, Parcel { vendor, due, ended: false, tried: 0, point, code });
    }

    pub fn all_placed(&self) {
        self.lock().placed_all = true;
    }

    /// Whether every parcel has come to its end.
    pub fn is_done(&self) -> bool {
        let world = self.lock();
        world.placed_all && world.parcels.values().all(|parcel| parcel.ended)
    }

    /// Parcels that have not come to their end.
    pub fn unfinished(&self) -> Vec<Subject> {
        self.lock().parcels.iter().filter(|(_, parcel)| !parcel.ended).map(|(id, _)| *id).collect()
    }

    pub fn open(&self) -> usize {
        self.lock().parcels.values().filter(|parcel| !parcel.ended).count()
    }

    pub fn parcel(&self, id: &Subject) -> Option<Parcel> {
        self.lock().parcels.get(id).cloned()
    }

    pub fn knows(&self, id: &Subject) -> bool {
        self.lock().parcels.contains_key(id)
    }

    pub fn end(&self, id: &Subject) {
        if let Some(parcel) = self.lock().parcels.get_mut(id) {
            parcel.ended = true;
        }
    }

    pub fn try_delivery(&self, id: &Subject) -> u32 {
        let mut world = self.lock();
        let Some(parcel) = world.parcels.get_mut(id) else { return 0 };
        parcel.tried += 1;
        parcel.tried
    }

    pub fn packed(&self, id: Subject) {
        self.lock().van.push_back(id);
    }

    /// Next parcel at the hub's door: from the van, or brought back (and refused).
    pub fn arrived(&self) -> Option<(Subject, Option<bool>)> {
        let mut world = self.lock();
        if let Some((id, refused)) = world.counter.pop_front() {
            return Some((id, Some(refused)));
        }
        world.van.pop_front().map(|id| (id, None))
    }

    /// The parcel cannot be scanned yet: it waits at the door.
    pub fn wait_at_door(&self, id: Subject, back: Option<bool>) {
        let mut world = self.lock();
        match back {
            Some(refused) => world.counter.push_back((id, refused)),
            None => world.van.push_back(id),
        }
    }

    pub fn brought_back(&self, id: Subject, refused: bool) {
        self.lock().counter.push_back((id, refused));
    }

    pub fn sent_back(&self, id: Subject) {
        let mut world = self.lock();
        let Some(vendor) = world.parcels.get(&id).map(|parcel| parcel.vendor) else { return };
        world.returns.entry(vendor).or_default().push_back(id);
    }

    pub fn returned_to(&self, vendor: &Scope) -> Option<Subject> {
        self.lock().returns.get_mut(vendor)?.pop_front()
    }

    pub fn give_run(&self, agent: Scope, parcels: Vec<Subject>) {
        self.lock().runs.entry(agent).or_default().push_back(parcels);
    }

    pub fn take_run(&self, agent: &Scope) -> Option<Vec<Subject>> {
        self.lock().runs.get_mut(agent)?.pop_front()
    }

    pub fn waiting_runs(&self, agent: &Scope) -> usize {
        self.lock().runs.get(agent).map_or(0, VecDeque::len)
    }

    pub fn twin(&self, id: Subject) {
        self.lock().twins.insert(id, false);
    }

    /// It never left the counter with the first agent, so it cannot be given to a second.
    pub fn not_twin(&self, id: &Subject) {
        self.lock().twins.remove(id);
    }

    pub fn is_twin(&self, id: &Subject) -> bool {
        self.lock().twins.contains_key(id)
    }

    pub fn twins(&self) -> usize {
        self.lock().twins.len()
    }

    /// The first agent is on the road with it, and off line.
    pub fn let_loose(&self, id: Subject, first: Scope) {
        self.lock().loose.push_back((id, first));
    }

    pub fn next_loose(&self) -> Option<(Subject, Scope)> {
        self.lock().loose.pop_front()
    }

    /// The second agent has delivered it, or never will.
    pub fn second_done(&self, id: &Subject) {
        self.lock().twins.insert(*id, true);
    }

    pub fn is_second_done(&self, id: &Subject) -> bool {
        self.lock().twins.get(id).copied().unwrap_or(true)
    }

    pub fn called_off(&self, id: Subject) {
        let mut world = self.lock();
        world.cancelled.insert(id);
        if let Some(parcel) = world.parcels.get_mut(&id) {
            parcel.ended = true;
        }
    }

    pub fn is_called_off(&self, id: &Subject) -> bool {
        self.lock().cancelled.contains(id)
    }

    /// The van to a pickup point leaves.
    pub fn forward(&self, point: Scope, id: Subject) {
        self.lock().to_points.entry(point).or_default().push_back(id);
    }

    /// Next parcel at a pickup point's door.
    pub fn arrived_at(&self, point: &Scope) -> Option<Subject> {
        self.lock().to_points.get_mut(point)?.pop_front()
    }

    /// A customer pays at a partner's counter: the partner's own till, which owes us.
    pub fn pay_partner(&self, point: Scope, amount: Taka) {
        let mut world = self.lock();
        let owed = world.partners.entry(point).or_default();
        *owed = (owed.0.plus(amount), owed.1 + 1);
    }

    /// What the partner owes and for how many customers; nothing afterwards.
    pub fn partner_pays(&self, point: &Scope) -> (Taka, i64) {
        self.lock().partners.remove(point).unwrap_or_default()
    }

    /// A customer who paid ahead waits for his money.
    pub fn wait_for_refund(&self, order: String, provider: &'static str, amount: Taka) {
        self.lock().refunds.push_back((order, provider, amount));
    }

    pub fn next_refund(&self) -> Option<(String, &'static str, Taka)> {
        self.lock().refunds.pop_front()
    }

    pub fn refunds(&self) -> usize {
        self.lock().refunds.len()
    }

    /// Cash moves from one place to another: till to bag, bag to bank.
    pub fn carry(&self, from: Subject, to: Subject, amount: Taka) {
        let mut world = self.lock();
        let (left, there) = (world.piles.entry(from).or_default().minus(amount), amount);
        world.piles.insert(from, left);
        let pile = world.piles.entry(to).or_default();
        *pile = pile.plus(there);
    }

    /// Money leaves the bank: a payout, a sweep. Or arrives there: `amount` below zero.
    pub fn leave_bank(&self, bank: Subject, amount: Taka) {
        let mut world = self.lock();
        let pile = world.piles.entry(bank).or_default();
        *pile = pile.minus(amount);
    }

    /// A customer pays an agent, or at a counter of ours.
    pub fn pay(&self, agent: Scope, amount: Taka) {
        let mut world = self.lock();
        let pile = world.piles.entry(agent).or_default();
        *pile = pile.plus(amount);
    }

    pub fn pile(&self, of: &Scope) -> Taka {
        self.lock().piles.get(of).copied().unwrap_or_default()
    }

    /// Cash falls out of the bag.
    pub fn lose(&self, agent: Scope, amount: Taka) {
        let mut world = self.lock();
        let pile = world.piles.entry(agent).or_default();
        *pile = pile.minus(amount);
        world.lost = world.lost.plus(amount);
    }

    /// The agent's own money gets among it.
    pub fn find(&self, agent: Scope, amount: Taka) {
        let mut world = self.lock();
        let pile = world.piles.entry(agent).or_default();
        *pile = pile.plus(amount);
        world.found = world.found.plus(amount);
    }

    /// The agent puts all he has on the counter.
    pub fn put_on_counter(&self, handin: Subject, agent: Scope) {
        let mut world = self.lock();
        let cash = world.piles.insert(agent, Taka::ZERO).unwrap_or_default();
        world.bundles.push_back(Bundle { handin, agent, cash });
    }

    pub fn next_bundle(&self) -> Option<Bundle> {
        self.lock().bundles.pop_front()
    }

    pub fn bundles(&self) -> usize {
        self.lock().bundles.len()
    }

    /// A bundle goes into the till.
    pub fn fill_till(&self, till: Scope, amount: Taka) {
        let mut world = self.lock();
        let pile = world.piles.entry(till).or_default();
        *pile = pile.plus(amount);
    }

    /// All piles, for the witness of the report.
    pub fn piles(&self) -> BTreeMap<Scope, Taka> {
        self.lock().piles.clone()
    }
}
