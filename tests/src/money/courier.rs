//! Couriers: parcels that another company carries, what it says of them, what it remits, decided as `central::couriers` and
//! `central::reconcile` do (J14, J14a, R21). What a courier owes is held here against what was said, remitted and taken back.

use std::collections::BTreeMap;

use protocol::account::Code;
use protocol::decide::Draft;
use protocol::fact::{
    Consigned, CourierDelivered, CourierRemitted, CourierReturned, CourierSource, Fact, LineIdentified,
};
use protocol::fold::State;
use protocol::id::{Id16, Kind, Subject};
use protocol::parcel::{Carrying, Status};
use protocol::taka::Taka;

use super::banking::Decided;
use super::mutant::Mutant;
use super::statement::State as LineState;
use super::street::{Place, grow};
use super::verdict::ensure;
use super::world::World;

/// What he keeps of a parcel, without VAT, and the VAT on it.
const CHARGE: Taka = Taka::whole(60);
const VAT: Taka = Taka::whole(9);

/// A parcel as the courier knows it.
#[derive(Clone, Debug)]
struct Carried {
    /// Whether the customer has it; nothing while he is on his way.
    ended: Option<bool>,
    /// He was paid for it, and it is in no file yet.
    unpaid: Taka,
    /// It is in a file as delivered or as coming back.
    filed: bool,
}

/// What a file comes to, and where the bank booked it.
#[derive(Clone, Debug)]
struct Sent {
    reference: String,
    gross: Taka,
    charge: Taka,
    vat: Taka,
}

/// The courier.
#[derive(Clone, Debug, Default)]
pub struct Couriers {
    /// Whether this world has one.
    pub are_here: bool,
    parcels: BTreeMap<Subject, Carried>,
    sent: Vec<Sent>,
    /// What of his files is in the books.
    remitted: Taka,
}

impl Couriers {
    /// Three worlds of eight have one.
    pub fn of(seed: u64) -> Self {
        Self { are_here: matches!(seed % 8, 1 | 3 | 7), ..Self::default() }
    }
}

/// His name.
pub fn courier() -> Subject {
    Subject::bank("sim-courier")
}

impl World {
    /// Operations give him a parcel, he gets rid of one or not, is asked of one, sends a file, or finance finds his money.
    pub(super) fn courier(&mut self) {
        match self.dice.below(20) {
            0..=3 => self.consign(),
            4..=6 => self.carry(),
            7..=9 => self.ask_courier(),
            10 | 11 => self.courier_file(),
            12..=17 => self.takes_back_late(),
            _ => self.courier_money(),
        }
    }

    fn consign(&mut self) {
        let lies = |(_, goods): &(&Subject, &super::street::Goods)| matches!(goods.place, Place::Site(site) if site == goods.hub);
        let sure = |parcel: &Subject| self.decide_consigning(*parcel, String::new()).is_ok();
        let here = self.street.goods.iter().filter(lies).map(|(parcel, _)| *parcel);
        // Now and then one that central does not believe to lie there.
        let blindly = self.numbers % 9 == 0;
        let here: Vec<Subject> = here.filter(|parcel| blindly || sure(parcel)).collect();
        let Some(parcel) = self.dice.pick(&here).copied() else { return };
        self.numbers += 1;
        let consignment = format!("SC-{:05}", self.numbers);
        let decided = self.decide_consigning(parcel, consignment);
        if self.record("consign", decided) {
            self.street.place(&parcel, Place::Courier { back: false });
            self.couriers.parcels.insert(parcel, Carried { ended: None, unpaid: Taka::ZERO, filed: false });
        }
    }

    fn decide_consigning(&self, parcel: Subject, consignment: String) -> Decided {
        let state = self.parcel(parcel).ok_or("unknown_parcel")?;
        let lies = state.status == Status::AtHub && state.pickup.is_none() && !state.stop_requested;
        if !lies || !state.is_settled() {
            return Err("not_consignable");
        }
        Ok(vec![Draft { subject: parcel, fact: Fact::Consigned(Consigned { courier: courier(), consignment }) }])
    }

    /// He stands at a door.
    fn carry(&mut self) {
        let out = self.couriers.parcels.iter().filter(|(_, carried)| carried.ended.is_none());
        let out: Vec<Subject> = out.map(|(parcel, _)| *parcel).collect();
        let Some(parcel) = self.dice.pick(&out).copied() else { return };
        let with_him = self.street.place_of(&parcel) == Some(Place::Courier { back: false });
        let given = with_him && self.dice.chance(80);
        let Some(carried) = self.couriers.parcels.get_mut(&parcel) else { return };
        carried.ended = Some(given);
        let Some(goods) = self.street.goods.get(&parcel).filter(|_| with_him) else { return };
        if given {
            carried.unpaid = goods.due;
            let (customer, due) = (goods.customer, goods.due);
            grow(&mut self.street.paid, customer, due);
            self.street.place(&parcel, Place::Customer);
        } else {
            self.street.place(&parcel, Place::Courier { back: true });
        }
        self.did("courier_ends");
    }

    /// The customer thinks better of it: the courier takes it back at the door, gives the money back, and operations write
    /// down what he says. Late, as he likes it: when the vendor may have the money, or has it.
    fn takes_back_late(&mut self) {
        let given = |(parcel, carried): &(&Subject, &Carried)| {
            let untouched = !self.returns.open.contains_key(*parcel) && !self.is_disputed(parcel);
            carried.ended == Some(true) && self.street.place_of(parcel) == Some(Place::Customer) && untouched
        };
        let given = self.couriers.parcels.iter().filter(given).map(|(parcel, _)| *parcel);
        let mut given: Vec<(u8, Subject)> =
            given.filter_map(|parcel| Some((self.lateness(&parcel)?, parcel))).collect();
        let latest = given.iter().map(|(late, _)| *late).max().unwrap_or_default();
        given.retain(|(late, _)| *late == latest);
        // Mostly he calls when finance has gone on with it.
        match latest {
            0 if !given.is_empty() && self.dice.chance(97) => return self.mature(),
            1 if self.dice.chance(70) => return self.pay_out(),
            _ => {}
        }
        let Some((_, parcel)) = self.dice.pick(&given).copied() else { return };
        let decided = self.decide_report(parcel, false, CourierSource::Query);
        if self.record("courier_takes_back", decided) {
            let Some(goods) = self.street.goods.get(&parcel) else { return };
            let (customer, due) = (goods.customer, goods.due);
            grow(&mut self.street.paid, customer, due.negated());
            self.street.place(&parcel, Place::Courier { back: true });
            if let Some(carried) = self.couriers.parcels.get_mut(&parcel) {
                (carried.ended, carried.unpaid) = (Some(false), Taka::ZERO);
            }
        }
    }

    /// How far its money is: 0 the vendor may not have it, 1 may, 2 has it. Nothing when its customer gave pieces back.
    fn lateness(&self, parcel: &Subject) -> Option<u8> {
        let State::Earning(earning) = &self.office.states.get(&Subject::earning_of(*parcel))?.state else {
            return None;
        };
        let vendor = earning.terms.as_ref()?.vendor;
        let has = self.office.balance(Code::VendorAvailable.of_owner(vendor)).negated();
        let gone = has < earning.net;
        (earning.returned.goods == Taka::ZERO).then_some(match earning.matured_for {
            None => 0,
            Some(_) if !gone => 1,
            Some(_) => 2,
        })
    }

    /// Whether the customer's bank took back what was paid for it.
    pub(super) fn is_disputed(&self, parcel: &Subject) -> bool {
        let order = self.market.terms.get(parcel).map(|terms| terms.order);
        self.street.disputed.iter().any(|(disputed, _)| Some(*disputed) == order)
    }

    /// Operations ask him; now and then he says that he delivered what he has still in his van.
    fn ask_courier(&mut self) {
        // Of what his file told nobody asks any more.
        let open = self.couriers.parcels.iter().filter(|(_, carried)| !carried.filed);
        let known: Vec<(Subject, Option<bool>)> = open.map(|(parcel, carried)| (*parcel, carried.ended)).collect();
        let Some((parcel, ended)) = self.dice.pick(&known).copied() else { return };
        let delivered = match ended {
            Some(given) if given || !self.dice.chance(70) => given,
            None if !self.dice.chance(40) => return,
            _ => true,
        };
        let decided = self.decide_report(parcel, delivered, CourierSource::Query);
        if self.record("courier_says", decided) && ended != Some(true) && delivered {
            // What he says is not so, and may never be taken back.
            self.street.mistake(&parcel);
        }
    }

    fn decide_report(&self, parcel: Subject, delivered: bool, source: CourierSource) -> Decided {
        let state = self.parcel(parcel).ok_or("unknown_parcel")?;
        let carried = state.carried.as_ref().ok_or("not_with_courier")?;
        let out = carried.state == Carrying::Out && state.status == Status::WithCourier;
        let back = carried.state == Carrying::Delivered && !delivered;
        if !(out || back) {
            return Err("not_with_courier");
        }
        let (courier, source, collected) = (carried.courier, source as u8, state.due());
        let fact = match delivered {
            true => Fact::CourierDelivered(CourierDelivered { courier, collected, source }),
            false => Fact::CourierReturned(CourierReturned { courier, source }),
        };
        Ok(vec![Draft { subject: parcel, fact }])
    }

    /// He pays for what he delivered and names what he brings back; the money is at the bank before or after.
    fn courier_file(&mut self) {
        let ended = self.couriers.parcels.iter().filter(|(_, carried)| carried.ended.is_some() && !carried.filed);
        let lines: Vec<(Subject, bool, Taka)> =
            ended.map(|(parcel, carried)| (*parcel, carried.ended == Some(true), carried.unpaid)).collect();
        let gross: Taka = lines.iter().map(|(.., unpaid)| *unpaid).sum();
        let of_each = |amount: Taka| lines.iter().map(|_| amount).sum::<Taka>();
        let (charge, vat) = (of_each(CHARGE), of_each(VAT));
        if gross <= charge.plus(vat) {
            return;
        }
        for (parcel, delivered, _) in lines {
            // A line of what was said before ties it; of what was not, the file says so.
            let says = self.parcel(parcel).and_then(|state| state.carried.as_ref()).map(|carried| carried.state);
            let tied = match delivered {
                true => says == Some(Carrying::Delivered),
                false => says == Some(Carrying::Returned),
            };
            if !tied {
                let decided = self.decide_report(parcel, delivered, CourierSource::File);
                self.record("courier_file_line", decided);
            }
            if let Some(carried) = self.couriers.parcels.get_mut(&parcel) {
                carried.filed = true;
            }
        }
        self.numbers += 1;
        let (reference, day) = (format!("PI-{:05}", self.numbers), self.today());
        let net = gross.minus(charge).minus(vat);
        let entry = self.bank.settlement.book(day, net, "a courier remits", None);
        entry.reference.clone_from(&reference);
        self.couriers.sent.push(Sent { reference, gross, charge, vat });
        self.did("courier_file");
    }

    /// A statement shows his credit: it is identified as what his file comes to (J14a).
    fn courier_money(&mut self) {
        let shown = |sent: &Sent| {
            let waits =
                |line: &&super::statement::Line| line.reference == sent.reference && line.state == LineState::Booked;
            self.lines.values().find(waits).map(|line| line.subject)
        };
        let found = self.couriers.sent.iter().enumerate().find_map(|(at, sent)| Some((at, shown(sent)?)));
        let Some((at, line)) = found else { return };
        let sent = self.couriers.sent[at].clone();
        let bank = self.bank.settlement.subject;
        let stamp = self.stamp();
        let remittance = Subject::new(Kind::Remittance, Id16(stamp.entropy[..16].try_into().unwrap_or_default()));
        let gross = if self.mutant == Some(Mutant::CourierNet) { sent.gross.minus(sent.charge) } else { sent.gross };
        let charge = if self.mutant == Some(Mutant::CourierNet) { Taka::ZERO } else { sent.charge };
        let fact = CourierRemitted {
            courier: courier(),
            bank,
            gross,
            charge,
            vat: sent.vat,
            reference: sent.reference.clone(),
        };
        let remitted = Draft { subject: remittance, fact: Fact::CourierRemitted(fact) };
        let identified = Draft { subject: line, fact: Fact::LineIdentified(LineIdentified { subject: remittance }) };
        if self.record("courier_remits", Ok(vec![remitted, identified])) {
            self.set_line(line, LineState::Matched, vec![remittance]);
            if let Some(entry) = self.bank.settlement.entries.iter_mut().find(|of| of.reference == sent.reference) {
                entry.thing = Some(remittance);
            }
            self.couriers.sent.remove(at);
            self.couriers.remitted = self.couriers.remitted.plus(sent.gross);
        }
    }
}

/// What the courier owes by the books is what he said he collected and did not take back, less what he remitted by his
/// own files.
pub(super) fn hold(world: &World) -> Result<(), String> {
    let mut said = Taka::ZERO;
    for parcel in world.couriers.parcels.keys() {
        let history = world.office.central.memory.history(*parcel);
        for (index, seen) in history.facts.iter().enumerate() {
            let Some(Fact::CourierDelivered(of)) = &seen.fact else { continue };
            let back = history.facts.iter().enumerate().any(|(later, other)| {
                matches!(other.fact, Some(Fact::CourierReturned(_))) && history.follows(later, index)
            });
            if !back {
                said = said.plus(of.collected);
            }
        }
    }
    let (owes, booked) =
        (said.minus(world.couriers.remitted), world.tally.of(Code::CourierReceivable.of_owner(courier())));
    ensure(owes == booked, || format!("the courier owes {owes} by what he said, {booked} by the books"))
}
