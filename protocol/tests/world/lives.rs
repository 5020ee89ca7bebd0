//! Generated lives: several people write about one parcel or one hand-in, each knowing only part of
//! what the others wrote.

use std::collections::BTreeSet;

use proptest::prelude::*;
use protocol::burst::Burst;
use protocol::decide::Draft;
use protocol::fact::{
    Accepted, Attempted, BagIn, BagSealed, ChargeReversed, CodeVerified, CounterPaid, CourierRemitted, Delivered,
    DepositConfirmed, Deposited, Dispatched, Distributed, DistributionReversed, EarningClawedBack, EarningHeld,
    EarningOpened, Entered, EscrowReleased, Fact, Forwarded, HandInCounted, HandInOffered, HandedOver, HoldExpired,
    IdentityChecked, LineBooked, LineIdentified, Loaded, Matured, Packed, ParcelCancelled, ParcelCreated,
    PartnerRemitted, PayoutConfirmed, PayoutCreated, PayoutLine, PayoutReturned, PayoutWithFee, PickupChosen, Put,
    Received, ReturnAccepted, ReturnReceived, ReturnedPieces, RtoCharged, RtoInitiated, Ruled, Shelved, Swept,
    TermsFrozen, TillClosed, TillOpened, TillPaidIn, TillPaidOut, TillResumed, TillSuspended,
};
use protocol::id::{Id16, Incarnation, Kind, OpId, Scope, ShortId, Subject};
use protocol::intake::{Verified, op_of};
use protocol::seat::Role;
use protocol::taka::Taka;

use crate::people::{Person, World, id_of, person};

/// One step of a life, as numbers that the writer turns into a fact.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) who: u8,
    pub(crate) what: u8,
    pub(crate) learns: u8,
    pub(crate) amount: u8,
}

/// Up to `most` steps.
pub(crate) fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = (any::<u8>(), any::<u8>(), any::<u8>(), any::<u8>());
    let step = step.prop_map(|(who, what, learns, amount)| Step { who, what, learns, amount });
    prop::collection::vec(step, 1..most)
}

/// Everybody who writes; a second cashier stands at the same till.
pub(crate) fn cast(world: &World) -> Vec<Person> {
    let site = world.party("s1");
    let named = ["a7", "a8", "a9", "s1", "v1"].map(|name| world.people[name].clone());
    named.into_iter().chain([person("s1b", Role::Site, site), world.central.clone()]).collect()
}

/// What was written about one subject, in the order of writing: every prefix is causally closed.
#[derive(Clone)]
pub(crate) struct Life {
    pub(crate) subject: Subject,
    pub(crate) bursts: Vec<Verified>,
    heads: Vec<ShortId>,
    /// Indexes of the bursts each of the cast knows.
    knows: Vec<BTreeSet<usize>>,
    /// Heads each burst named.
    after: Vec<BTreeSet<usize>>,
    cast: Vec<Person>,
    ticks: u64,
}

impl Life {
    /// Nothing written yet; chains start in an incarnation of the subject's own.
    pub(crate) fn new(subject: Subject, cast: &[Person]) -> Self {
        let mut cast = cast.to_vec();
        for person in &mut cast {
            person.place.inc = Incarnation([subject.0[1], subject.0[2], subject.0[3], subject.0[4]]);
        }
        let knows = vec![BTreeSet::new(); cast.len()];
        Self { subject, bursts: Vec::new(), heads: Vec::new(), knows, after: Vec::new(), cast, ticks: 0 }
    }

    /// Everybody learns all that was written.
    pub(crate) fn all_know(&mut self) {
        let all: BTreeSet<usize> = (0..self.bursts.len()).collect();
        self.knows.iter_mut().for_each(|knows| knows.clone_from(&all));
    }

    /// One of the cast writes drafts in a burst; those on a scope follow nothing.
    pub(crate) fn write(&mut self, who: usize, drafts: &[Draft]) {
        let known = self.knows[who].clone();
        self.write_knowing(who, drafts, &known);
    }

    fn write_knowing(&mut self, who: usize, drafts: &[Draft], known: &BTreeSet<usize>) {
        let covered: BTreeSet<usize> = known.iter().flat_map(|index| self.after[*index].clone()).collect();
        let heads: BTreeSet<usize> = known.difference(&covered).copied().take(8).collect();
        let shorts: Vec<ShortId> = heads.iter().map(|index| self.heads[*index]).collect();
        let after = |draft: &Draft| if draft.subject == self.subject { shorts.clone() } else { Vec::new() };
        let ops: Vec<_> = drafts.iter().map(|draft| op_of(draft.subject, &draft.fact, after(draft))).collect();
        self.ticks += 1;
        let person = &mut self.cast[who];
        let burst = Burst::sign(&person.key, &person.place, self.ticks, &ops);
        person.place = person.place.then(burst.digest());
        let verified = Verified::of_own(burst);
        self.heads.push(verified.ids[0].short());
        self.after.push(known.clone());
        self.knows[who].insert(self.bursts.len());
        self.bursts.push(verified);
    }

    /// Learns from another, then writes; now and then twice.
    fn step(&mut self, step: Step, fact: impl Fn(&Self, usize, Step) -> Fact) {
        let who = usize::from(step.who) % self.cast.len();
        match step.learns % 4 {
            0 => {}
            1 => self.knows[who] = (0..self.bursts.len()).collect(),
            _ => {
                let from = self.knows[usize::from(step.learns / 4) % self.cast.len()].clone();
                self.knows[who].extend(from);
            }
        }
        let known = self.knows[who].clone();
        let role = self.cast[who].seat.role();
        let draft = |fact| Draft { subject: self.subject, fact };
        let mut drafts = vec![draft(fact(self, who, step))];
        if matches!(role, Role::Agent | Role::Site) {
            let put = Fact::Put(Put { generation: 1, subjects: vec![self.subject] });
            drafts.push(Draft { subject: self.cast[who].seat.party, fact: put });
        }
        let again = (step.what >= 230).then(|| fact(self, who, Step { amount: step.amount / 2, ..step }));
        let again = again.map(|fact| vec![draft(fact)]);
        self.write_knowing(who, &drafts, &known);
        if let Some(again) = again {
            self.write_knowing(who, &again, &known);
        }
    }
}

/// The due of generated parcels.
pub(crate) const DUE: Taka = Taka::whole(1_250);

/// A parcel on the run of a7, and what then happens to it.
pub(crate) fn parcel(name: &str, cast: &[Person], steps: &[Step]) -> Life {
    let subject = Subject::new(Kind::Parcel, id_of(name));
    let (site, vendor) = (cast[3].seat.party, cast[4].seat.party);
    let mut life = Life::new(subject, cast);
    let central = cast.len() - 1;
    let created = ParcelCreated {
        order: Subject::new(Kind::Order, id_of(name)),
        vendor,
        site,
        due: DUE,
        lines: Vec::new(),
        sealed: Vec::new(),
    };
    let earning = Draft { subject: Subject::earning_of(subject), fact: Fact::EarningOpened(terms(subject, vendor)) };
    life.write(central, &[Draft { subject, fact: Fact::ParcelCreated(created) }, earning]);
    life.all_know();
    for (who, fact) in [
        (3, Fact::Received(Received { pieces: 1 })),
        (3, Fact::Dispatched(Dispatched { agent: cast[0].seat.party, run: Id16([1; 16]) })),
        (0, Fact::Loaded(Loaded {})),
    ] {
        life.write(who, &[Draft { subject, fact }]);
        life.all_know();
    }
    steps.iter().for_each(|step| life.step(*step, parcel_fact));
    life
}

/// A parcel on the shelf of the point of s1, and what then happens to it; paid ahead, nothing is due.
pub(crate) fn pickup(name: &str, cast: &[Person], steps: &[Step], prepaid: bool) -> Life {
    let subject = Subject::new(Kind::Parcel, id_of(name));
    let (point, vendor) = (cast[3].seat.party, cast[4].seat.party);
    let mut life = Life::new(subject, cast);
    let created = ParcelCreated {
        order: Subject::new(Kind::Order, id_of(name)),
        vendor,
        site: point,
        due: if prepaid { Taka::ZERO } else { DUE },
        lines: Vec::new(),
        sealed: Vec::new(),
    };
    let pickup = PickupChosen { point, lock: protocol::parcel::lock_of(&subject, &[7; 16]), hold_days: 7 };
    let earning = Draft { subject: Subject::earning_of(subject), fact: Fact::EarningOpened(terms(subject, vendor)) };
    let facts = [Fact::ParcelCreated(created), Fact::PickupChosen(pickup)];
    let mut drafts: Vec<Draft> = facts.into_iter().map(|fact| Draft { subject, fact }).collect();
    drafts.extend((!prepaid).then_some(earning));
    life.write(cast.len() - 1, &drafts);
    life.all_know();
    for fact in [Fact::Received(Received { pieces: 1 }), Fact::Shelved(Shelved { shelf: "A".into() })] {
        life.write(3, &[Draft { subject, fact }]);
        life.all_know();
    }
    steps.iter().for_each(|step| life.step(*step, pickup_fact));
    life
}

fn pickup_fact(life: &Life, who: usize, step: Step) -> Fact {
    let amount = [DUE, DUE, Taka::whole(1_200), Taka::whole(1_300)][usize::from(step.amount) % 4];
    match (life.cast[who].seat.role(), step.what % 9) {
        (Role::Site, 0) => Fact::Shelved(Shelved { shelf: format!("B{}", step.amount % 4) }),
        (Role::Site, 1) => Fact::HoldExpired(HoldExpired {}),
        (Role::Site, 2) => Fact::CodeVerified(CodeVerified { token: [7 + step.amount % 4 / 3; 16] }),
        (Role::Site, 3) => Fact::IdentityChecked(IdentityChecked {}),
        (Role::Site, 4 | 5) => Fact::CounterPaid(CounterPaid { amount }),
        (Role::Site, 6) => Fact::Forwarded(Forwarded { to: life.cast[3].seat.party }),
        (Role::Site, _) => Fact::HandedOver(HandedOver {}),
        _ => parcel_fact(life, who, step),
    }
}

fn parcel_fact(life: &Life, who: usize, step: Step) -> Fact {
    let evidence = 1 + step.amount % 5;
    let collected = [Some(DUE), Some(DUE), Some(Taka::whole(1_200)), Some(Taka::whole(1_300)), None];
    let collected = collected[usize::from(step.amount) % collected.len()];
    let agent: Scope = life.cast[usize::from(step.amount) % 3].seat.party;
    match (life.cast[who].seat.role(), step.what % 4) {
        (Role::Agent, 0) => Fact::Loaded(Loaded {}),
        (Role::Agent, 1) => Fact::Attempted(Attempted { reason: 1 + step.amount % 15 }),
        (Role::Agent, _) => Fact::Delivered(Delivered { evidence, collected }),
        (Role::Site, 0 | 1) => Fact::Dispatched(Dispatched { agent, run: Id16([step.amount; 16]) }),
        (Role::Site, 2) => Fact::Received(Received { pieces: 1 }),
        (Role::Site, _) => Fact::RtoInitiated(RtoInitiated { reason: 5 }),
        (Role::Vendor, 0) => Fact::Accepted(Accepted {}),
        (Role::Vendor, 1) => Fact::Packed(Packed { pieces: 1 }),
        (Role::Vendor, _) => Fact::ReturnReceived(ReturnReceived {}),
        (Role::Central | Role::Hub, _) => Fact::ParcelCancelled(ParcelCancelled { by: 1 }),
    }
}

/// A hand-in of a7 to s1, offered and counted by more people than should.
pub(crate) fn handin(name: &str, cast: &[Person], steps: &[Step]) -> Life {
    let mut life = Life::new(Subject::new(Kind::HandIn, id_of(name)), &cast[..cast.len() - 1]);
    let hands = [0, 0, 0, 3, 3, 5, 1];
    for step in steps {
        let who = hands[usize::from(step.who) % hands.len()];
        life.step(Step { who, ..*step }, handin_fact);
    }
    life
}

fn handin_fact(life: &Life, who: usize, step: Step) -> Fact {
    let amount = [1_250, 1_250, 1_200, 1_300][usize::from(step.amount) % 4];
    let amount = Taka::whole(amount);
    let (site, place) = (life.cast[3].seat.party, life.cast[who].place);
    match life.cast[who].seat.role() {
        Role::Site => {
            let agent = life.cast[usize::from(step.what == 7)].seat.party;
            Fact::HandInCounted(HandInCounted { agent, counted: amount, denominations: Vec::new() })
        }
        _ => Fact::HandInOffered(HandInOffered { site, amount, inc: place.inc, upto: place.seq - 1 }),
    }
}

/// The kinds of subject from the earning to the payout.
pub(crate) const MONEY: [Kind; 10] = [
    Kind::Earning,
    Kind::Shift,
    Kind::Bag,
    Kind::Deposit,
    Kind::Payout,
    Kind::Sweep,
    Kind::Remittance,
    Kind::Line,
    Kind::Ruling,
    Kind::Entry,
];

/// A money subject that central, and at a till two cashiers, record more often than they should.
pub(crate) fn money(kind: Kind, cast: &[Person], steps: &[Step]) -> Life {
    let mut life = Life::new(Subject::new(kind, id_of("M")), cast);
    let hands = if kind == Kind::Shift { vec![3, 5] } else { vec![cast.len() - 1] };
    for step in steps {
        let who = hands[usize::from(step.who) % hands.len()];
        life.step(Step { who: who as u8, ..*step }, money_fact);
    }
    life
}

fn money_fact(life: &Life, _: usize, step: Step) -> Fact {
    let taka = |whole: i32| Taka::whole(whole);
    let (site, vendor, parcel) =
        (life.cast[3].seat.party, life.cast[4].seat.party, Subject::new(Kind::Parcel, id_of("P")));
    let (bank, cause) = (Subject::bank("b"), OpId([step.amount % 3; 32]));
    let amount = taka([1_000, 1_200, 0][usize::from(step.amount) % 3]);
    let reference = || "line".to_owned();
    let second = step.what % 2 == 1;
    match life.subject.kind() {
        Some(Kind::Shift) if second => Fact::TillClosed(TillClosed {
            z: u32::from(step.amount % 2),
            expected: taka(1_000),
            counted: amount,
            denominations: Vec::new(),
        }),
        Some(Kind::Shift) => match step.amount % 5 {
            0 => Fact::TillPaidOut(TillPaidOut { amount, reason: 1, voucher: reference() }),
            1 => Fact::TillPaidIn(TillPaidIn { amount, reason: 6, voucher: reference() }),
            2 => Fact::TillSuspended(TillSuspended {}),
            3 => Fact::TillResumed(TillResumed {}),
            _ => Fact::TillOpened(TillOpened { float: amount }),
        },
        Some(Kind::Bag) => Fact::BagSealed(BagSealed { site, seal: "S".into(), amount }),
        Some(Kind::Deposit) if second => {
            Fact::DepositConfirmed(DepositConfirmed { reference: reference(), credited: amount })
        }
        Some(Kind::Deposit) => {
            let bag = |n: u8| BagIn { bag: Subject::new(Kind::Bag, Id16([n; 16])), site, amount: taka(500) };
            // Now and then one bag twice.
            let bags = vec![bag(1), bag(if step.amount > 200 { 1 } else { 2 })];
            Fact::Deposited(Deposited { bank, slip: "7".into(), bags })
        }
        Some(Kind::Payout) if step.what % 5 == 4 => {
            Fact::PayoutReturned(PayoutReturned { reason: step.what % 6, reference: reference() })
        }
        Some(Kind::Payout) if second => Fact::PayoutConfirmed(PayoutConfirmed { bank, reference: reference() }),
        Some(Kind::Payout) => {
            let lines = vec![PayoutLine { earning: Subject::earning_of(parcel), net: taka(1_000) }];
            if step.what % 2 == 0 {
                let (fee, vat) = (taka(i32::from(step.what % 3)), taka(i32::from(step.learns % 2)));
                let total = taka(1_000).minus(fee).minus(vat);
                return Fact::PayoutWithFee(PayoutWithFee { vendor, lines, fee, vat, total });
            }
            Fact::PayoutCreated(PayoutCreated { vendor, lines, total: amount })
        }
        Some(Kind::Sweep) => Fact::Swept(Swept { from: bank, to: Subject::bank("c"), amount, reference: reference() }),
        Some(Kind::Remittance) if second => {
            let (charge, vat) = (taka(i32::from(step.what % 3)), taka(i32::from(step.amount % 2)));
            let gross = amount.plus(charge).plus(vat);
            let courier = Subject::bank("c");
            Fact::CourierRemitted(CourierRemitted { courier, bank, gross, charge, vat, reference: reference() })
        }
        Some(Kind::Remittance) => {
            let commission = taka(i32::from(step.what % 3));
            Fact::PartnerRemitted(PartnerRemitted { site, bank, net: amount, commission, reference: reference() })
        }
        Some(Kind::Line) if second => Fact::LineIdentified(LineIdentified { subject: site }),
        Some(Kind::Line) => {
            let (amount, what) = match step.amount % 3 {
                0 => (taka(-115), LineBooked::CHARGE),
                more => (taka(700 * i32::from(more)), LineBooked::CREDIT),
            };
            Fact::LineBooked(LineBooked { bank, side: 1 + step.what / 2 % 2, amount, what, reference: reference() })
        }
        Some(Kind::Ruling) => {
            // Each way with each other side, so that most of them lack the one they need.
            let others = [None, Some(site), Some(Subject::customer(id_of("C"))), Some(life.cast[1].seat.party)];
            Fact::Ruled(Ruled {
                how: step.what % 10,
                cause,
                owner: if step.amount > 100 { parcel } else { site },
                other: others[usize::from(step.amount) % 4],
                amount,
                reason: reference(),
                maker: id_of("maker"),
                checker: None,
            })
        }
        Some(Kind::Entry) => {
            let owners = [site, bank, vendor, parcel, life.cast[1].seat.party, Subject::new(Kind::Bag, id_of("B"))];
            let others = [None, Some(bank), Some(parcel)];
            Fact::Entered(Entered {
                what: step.what % 17,
                owner: owners[usize::from(step.amount) % 6],
                other: others[usize::from(step.amount) / 6 % 3],
                provider: step.amount % 5,
                amount,
                part: taka(i32::from(step.amount) % 2 * 16),
                reference: reference(),
                maker: id_of("maker"),
                checker: None,
            })
        }
        _ => earning_fact(parcel, vendor, cause, step),
    }
}

fn earning_fact(parcel: Subject, vendor: Scope, cause: OpId, step: Step) -> Fact {
    let old = terms(parcel, vendor);
    match step.what % 10 {
        5 if step.amount % 4 == 1 => Fact::ChargeReversed(ChargeReversed { cause, receivable: Taka::ZERO }),
        5 if step.amount % 4 > 1 => {
            let receivable = Taka::from_paisa(i64::from(step.amount)).expect("small");
            Fact::EarningClawedBack(EarningClawedBack { cause, matured: cause, receivable })
        }
        9 if step.amount % 4 == 3 => Fact::DistributionReversed(DistributionReversed { cause }),
        0 => Fact::EarningOpened(old),
        1 | 2 => Fact::TermsFrozen(TermsFrozen {
            parcel,
            vendor,
            order: Subject::new(Kind::Order, id_of("O")),
            customer: Subject::customer(id_of("customer")),
            prepaid: step.what % 10 == 1,
            goods: old.goods,
            delivery: old.delivery,
            delivery_vat: old.delivery_vat,
            rounding: old.rounding,
            commission: old.commission,
            cod_fee: old.cod_fee,
            vendor_vat: old.vendor_vat,
            rto_fee: old.rto_fee,
            rto_vat: old.rto_vat,
            window_min: 60,
        }),
        3 => Fact::Distributed(Distributed { cause }),
        4 => Fact::EscrowReleased(EscrowReleased { cause, how: 1 + step.amount % 2 }),
        5 => Fact::EarningHeld(EarningHeld { cause, code: 1 }),
        6 => {
            let available = Taka::from_paisa(i64::from(step.amount)).expect("small");
            let fee = old.rto_fee.plus(old.rto_vat);
            Fact::RtoCharged(RtoCharged { cause, available, receivable: fee.minus(available) })
        }
        8 => Fact::ReturnAccepted(returned(&old, step)),
        _ => {
            let fees =
                old.commission.plus(old.vendor_vat).plus(if step.amount % 2 == 0 { old.cod_fee } else { Taka::ZERO });
            let before = if step.amount / 2 % 3 == 0 { returned(&old, step).held } else { Taka::ZERO };
            Fact::Matured(Matured { cause, net: old.goods.minus(fees).minus(before) })
        }
    }
}

/// A third of the goods, by one of four names: the fourth third is more than was bought.
fn returned(old: &EarningOpened, step: Step) -> ReturnAccepted {
    let third = |amount: Taka| Taka::from_paisa(amount.paisa() / 3).expect("small");
    let (goods, commission) = (third(old.goods), third(old.commission));
    let net = goods.minus(commission);
    let (held, available) = match step.amount % 3 {
        0 => (net, Taka::ZERO),
        1 => (Taka::ZERO, third(net)),
        _ => (Taka::ZERO, Taka::ZERO),
    };
    ReturnAccepted {
        ret: Id16([step.amount / 3 % 4; 16]),
        customer: Subject::customer(id_of("customer")),
        lines: vec![ReturnedPieces { sku: "RG-0001".into(), asked: 1, counted: 1, unit_price: goods }],
        goods,
        commission,
        vat: Taka::ZERO,
        held,
        available,
        receivable: net.minus(held).minus(available),
        reason: 1,
        maker: id_of("maker"),
    }
}

/// Terms of a parcel of [`DUE`] with 40 odd paisa (J32).
pub(crate) fn terms(parcel: Subject, vendor: Scope) -> EarningOpened {
    let paisa = |paisa| Taka::from_paisa(paisa).expect("small");
    EarningOpened {
        parcel,
        vendor,
        goods: paisa(118_140),
        delivery: paisa(6_000),
        delivery_vat: paisa(900),
        rounding: paisa(40),
        commission: paisa(11_814),
        cod_fee: paisa(1_181),
        vendor_vat: paisa(1_949),
        rto_fee: paisa(5_000),
        rto_vat: paisa(750),
    }
}
