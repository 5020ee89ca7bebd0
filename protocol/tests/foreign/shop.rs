//! A shop whose people write facts as they are, and whose uploads can be repeated, cut and mixed.

use std::collections::BTreeMap;

use protocol::account::Account;
use protocol::burst::Burst;
use protocol::contest::Code;
use protocol::decide::Draft;
use protocol::earning::Terms;
use protocol::fact::{Dispatched, Fact, Loaded, ParcelCreated, Put, Received, TermsFrozen};
use protocol::fold::State;
use protocol::id::{Id16, Kind, Scope, Subject};
use protocol::intake::{Chain, Clerk, Taken, Verified, op_of, verify};
use protocol::journal::Rule;
use protocol::parcel::Parcel;
use protocol::stamp::Stamp;
use protocol::taka::Taka;

use crate::people::{World, id_of};
use crate::words;

/// What each parcel costs at the door.
pub(crate) const DUE: Taka = Taka::whole(1_250);
/// What a vendor pays when a parcel comes back: 50, and VAT.
pub(crate) const RTO_FEE: Taka = match Taka::from_paisa(5_750) {
    Some(fee) => fee,
    None => Taka::ZERO,
};

pub(crate) fn draft(subject: Subject, fact: Fact) -> Draft {
    Draft { subject, fact }
}

pub(crate) struct Shop {
    pub(crate) world: World,
}

impl Shop {
    pub(crate) fn new() -> Self {
        Self { world: World::new() }
    }

    pub(crate) fn party(&self, name: &str) -> Scope {
        self.world.party(name)
    }

    pub(crate) fn offline(&mut self, name: &str) {
        self.world.people.get_mut(name).expect("a person").online = false;
    }

    /// A fact as it stands, with no decision before it.
    pub(crate) fn writes(&mut self, name: &str, subject: Subject, fact: Fact) {
        self.world.record(name, &[vec![draft(subject, fact)]]);
    }

    /// A parcel with a cash due, in the bag of a7.
    pub(crate) fn loaded(&mut self, name: &str) -> Subject {
        let parcel = Subject::new(Kind::Parcel, id_of(name));
        let (vendor, site, agent) = (self.party("v1"), self.party("s1"), self.party("a7"));
        let (earning, order) = (Subject::earning_of(parcel), Subject::new(Kind::Order, id_of(name)));
        let created = ParcelCreated { order, vendor, site, due: DUE, lines: Vec::new(), sealed: Vec::new() };
        let put = |scope, subjects| draft(scope, Fact::Put(Put { generation: 1, subjects }));
        self.world.central_authors(&[
            draft(parcel, Fact::ParcelCreated(created)),
            draft(earning, Fact::EarningOpened(words::terms(parcel, vendor, DUE))),
            put(vendor, vec![parcel, earning]),
            put(site, vec![parcel]),
            put(agent, vec![parcel]),
        ]);
        self.writes("s1", parcel, Fact::Received(Received { pieces: 1 }));
        self.writes("s1", parcel, Fact::Dispatched(Dispatched { agent, run: Id16([1; 16]) }));
        self.writes("a7", parcel, Fact::Loaded(Loaded {}));
        parcel
    }

    /// The terms of a parcel that was paid ahead, as one fact.
    pub(crate) fn frozen(&self, name: &str) -> TermsFrozen {
        let parcel = Subject::new(Kind::Parcel, id_of(name));
        let vendor = self.party("v1");
        let old = words::terms(parcel, vendor, DUE);
        TermsFrozen {
            parcel,
            vendor,
            order: Subject::new(Kind::Order, id_of("O")),
            customer: Subject::customer(id_of("C")),
            prepaid: true,
            goods: old.goods,
            delivery: old.delivery,
            delivery_vat: old.delivery_vat,
            rounding: old.rounding,
            commission: old.commission,
            cod_fee: Taka::ZERO,
            vendor_vat: old.vendor_vat,
            rto_fee: old.rto_fee,
            rto_vat: old.rto_vat,
            window_min: 0,
        }
    }

    /// The earning of such a parcel.
    pub(crate) fn prepaid_terms(&mut self, name: &str) -> Subject {
        let frozen = self.frozen(name);
        let earning = Subject::earning_of(frozen.parcel);
        self.world.central_authors(&[draft(earning, Fact::TermsFrozen(frozen))]);
        earning
    }

    /// All that a person wrote on his device, in order.
    pub(crate) fn bursts_of(&self, name: &str) -> Vec<Verified> {
        let person = &self.world.people[name];
        let own = |digest| &person.store.bursts[digest].0;
        let bursts = person.store.log.iter().map(own).filter(|burst| burst.head.author == person.author);
        bursts.map(|burst| verify(burst.clone(), &person.seat).expect("his own")).collect()
    }

    /// A burst at the place where the next one goes, as a second window would write it: the place stays.
    pub(crate) fn signs_at_its_place(&self, name: &str, subject: Subject, fact: Fact) -> Verified {
        let person = &self.world.people[name];
        let op = op_of(subject, &fact, person.heads(subject));
        verify(Burst::sign(&person.key, &person.place, 1, &[op]), &person.seat).expect("his own")
    }

    /// Central takes these bursts in one batch.
    pub(crate) fn upload(&mut self, bursts: &[Verified]) -> Taken {
        let stamp: Stamp = self.world.stamp();
        let central = &mut self.world.central;
        let clerk = Clerk { key: &central.key, place: central.place, stamp };
        let taken = central.store.take(bursts.to_vec(), Some(clerk));
        central.place = taken.place.expect("a clerk returns his place");
        taken
    }

    /// All that central holds arrives at a device that has sent nothing.
    pub(crate) fn page_to(&mut self, name: &str) {
        let central = &self.world.central.store;
        let held = central.log.iter().map(|digest| Verified::of_own(central.bursts[digest].0.clone()));
        let held: Vec<Verified> = held.collect();
        self.world.people.get_mut(name).expect("a person").store.take(held, None);
    }

    pub(crate) fn chain_of(&self, name: &str) -> Chain {
        let person = &self.world.people[name];
        self.world.central.store.chains[&(person.author, person.place.inc)].clone()
    }

    pub(crate) fn parcel(&self, subject: Subject) -> Parcel {
        match self.world.central.store.fold(subject).state {
            State::Parcel(parcel) => *parcel,
            other => panic!("no parcel: {other:?}"),
        }
    }

    pub(crate) fn terms_of(&self, earning: Subject) -> Option<Terms> {
        match self.world.central.store.fold(earning).state {
            State::Earning(earning) => earning.terms,
            other => panic!("no earning: {other:?}"),
        }
    }

    /// By which rules central has posted on a subject.
    pub(crate) fn rules(&self, subject: Subject) -> Vec<Rule> {
        let mut rules: Vec<Rule> =
            self.world.central.store.fold(subject).journals.iter().map(|journal| journal.rule).collect();
        rules.sort_unstable();
        rules
    }

    /// What waits for a ruling on a subject.
    pub(crate) fn codes(&self, subject: Subject) -> Vec<Code> {
        self.world.central.store.fold(subject).contests().iter().map(|contest| contest.code).collect()
    }

    pub(crate) fn at(&self, account: Account) -> Taka {
        self.world.central.store.balances.get(&account).copied().unwrap_or_default()
    }

    pub(crate) fn entries(&self) -> usize {
        self.world.central.store.entries.len()
    }

    pub(crate) fn balances(&self) -> BTreeMap<Account, Taka> {
        self.world.central.store.balances.clone()
    }
}
