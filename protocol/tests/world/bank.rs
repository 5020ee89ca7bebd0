//! The words of money after the door: tills, bags, the bank, payouts, and what was paid ahead.
//!
//! ```text
//! s1 opens K1 500              s1 closes K1 460             s1 closes K1 460 expecting 500 (blindly)
//! central seals B1 of s1 500   central deposits D1 B1 B2    central confirms D1 1000
//! central matures P1 by D1     central pays Y1 to v1 E1 E2  central confirms Y1
//! central sweeps W1 195.50     central remits M1 of s1 1054 kept 15
//! central books L1 credit 700    central books L2 charge 115   central identifies L1 as M1
//! central consigns P1 to pathao              central hears pathao delivered P1 1069
//! central reads pathao returned P1           central settles M1 of pathao 1069 kept 70.69 10.60
//! central reserves R1 1000 at k1              central refunds R1 1000     (by bKash)     central withdraws R1
//! central rules F1 repaid 200 of a7 at s1   (written_off, to_customer, to_giver, unclaimed ... with or without `at`)
//! order O1 prepaid v1 P1 1069  central escrows O1 1069      (the balance that a capture leaves)
//! ```

use std::fmt::Write as _;

use protocol::account::Code as Chart;
use protocol::decide::Draft;
use protocol::fact::{
    BagIn, BagSealed, Cleared, Consigned, CourierDelivered, CourierRemitted, CourierReturned, CourierSource,
    DepositConfirmed, Deposited, Entered, Entry, Fact, How, LineBooked, LineIdentified, Matured, OrderPlaced,
    PaidAtDoor, ParcelCreated, PartnerRemitted, PayoutConfirmed, PayoutCreated, PayoutLine, PayoutReturned,
    PayoutWithFee, Provider, Put, RecordVoided, RefundPaid, RefundReserved, RefundWithdrawn, Ruled, Swept, TermsFrozen,
    TillClosed, TillOpened, TillPaidIn, TillPaidOut, TillResumed, TillSuspended,
};
use protocol::fold::State;
use protocol::id::{Id16, Kind, OpId, Subject};
use protocol::taka::Taka;

use crate::counter::REFUND_CODE;
use crate::people::id_of;
use crate::words::{Script, taka, terms};

impl Script {
    fn make(&mut self, kind: Kind, name: &str) -> Subject {
        let subject = Subject::new(kind, id_of(name));
        self.names.insert(name.to_owned(), subject);
        subject
    }

    /// A courier is named as a bank is.
    fn courier(&mut self, name: &str) -> Subject {
        let courier = Subject::bank(name);
        self.names.insert(name.to_owned(), courier);
        courier
    }

    /// The one who ordered all that is paid ahead.
    fn customer(&mut self) -> Subject {
        let customer = Subject::customer(id_of("customer"));
        self.names.insert("customer".to_owned(), customer);
        customer
    }

    /// What finance records through central.
    pub(crate) fn finance(&mut self, words: &[&str]) {
        let bank = Subject::bank("dbbl");
        self.names.insert("dbbl".to_owned(), bank);
        let reference = "UTR 1".to_owned();
        let (subject, fact) = match words {
            ["seals", bag, "of", site, amount] => {
                let (site, amount) = (self.subject(site), taka(amount));
                (self.make(Kind::Bag, bag), Fact::BagSealed(BagSealed { site, seal: "S-1".into(), amount }))
            }
            ["deposits", deposit, bags @ ..] => {
                let bag = |name: &&str| match self.world.central.store.fold(self.subject(name)).state {
                    State::Bag(bag) => {
                        BagIn { bag: self.subject(name), site: bag.site.expect("sealed"), amount: bag.amount }
                    }
                    _ => panic!("{name} is no bag"),
                };
                let bags = bags.iter().map(bag).collect();
                (self.make(Kind::Deposit, deposit), Fact::Deposited(Deposited { bank, slip: "7".into(), bags }))
            }
            ["confirms", deposit, amount] => {
                let credited = taka(amount);
                (self.subject(deposit), Fact::DepositConfirmed(DepositConfirmed { reference, credited }))
            }
            ["confirms", payout] => (self.subject(payout), Fact::PayoutConfirmed(PayoutConfirmed { bank, reference })),
            ["matures", parcel, "by", deposit] => {
                let about = self.subject(&parcel.replace('P', "E"));
                let net = match self.world.central.store.fold(about).state {
                    State::Earning(earning) => earning.net,
                    _ => Taka::ZERO,
                };
                let cause = match self.world.central.store.folded.get(&self.subject(deposit)).map(|f| &f.state) {
                    Some(State::Deposit(deposit)) => deposit.confirmed_by.expect("confirmed"),
                    _ => OpId([7; 32]),
                };
                (about, Fact::Matured(Matured { cause, net }))
            }
            ["pays", payout, "to", vendor, earnings @ ..] => {
                let line = |name: &&str| match self.world.central.store.fold(self.subject(name)).state {
                    State::Earning(earning) => PayoutLine { earning: self.subject(name), net: earning.net },
                    _ => panic!("{name} is no earning"),
                };
                let lines: Vec<PayoutLine> = earnings.iter().map(line).collect();
                let (vendor, total) = (self.subject(vendor), lines.iter().map(|line| line.net).sum());
                (self.make(Kind::Payout, payout), Fact::PayoutCreated(PayoutCreated { vendor, lines, total }))
            }
            ["pays", payout, "less", fee, vat, "to", vendor, earnings @ ..] => {
                let line = |name: &&str| match self.world.central.store.fold(self.subject(name)).state {
                    State::Earning(earning) => PayoutLine { earning: self.subject(name), net: earning.net },
                    _ => panic!("{name} is no earning"),
                };
                let lines: Vec<PayoutLine> = earnings.iter().map(line).collect();
                let (fee, vat, vendor) = (taka(fee), taka(vat), self.subject(vendor));
                let total = lines.iter().map(|line| line.net).sum::<Taka>().minus(fee).minus(vat);
                let made = PayoutWithFee { vendor, lines, fee, vat, total };
                (self.make(Kind::Payout, payout), Fact::PayoutWithFee(made))
            }
            ["sweeps", sweep, amount] => {
                let to = Subject::bank("city");
                self.names.insert("city".to_owned(), to);
                let swept = Swept { from: bank, to, amount: taka(amount), reference };
                (self.make(Kind::Sweep, sweep), Fact::Swept(swept))
            }
            ["remits", remittance, "of", site, net, "kept", commission] => {
                let (site, net, commission) = (self.subject(site), taka(net), taka(commission));
                let paid = PartnerRemitted { site, bank, net, commission, reference };
                (self.make(Kind::Remittance, remittance), Fact::PartnerRemitted(paid))
            }
            ["consigns", parcel, "to", courier] => {
                let fact = Consigned { courier: self.courier(courier), consignment: "DA-1".to_owned() };
                (self.subject(parcel), Fact::Consigned(fact))
            }
            ["hears", courier, "delivered", parcel, amount] => {
                let (courier, source) = (self.courier(courier), CourierSource::Query as u8);
                let fact = CourierDelivered { courier, collected: taka(amount), source };
                (self.subject(parcel), Fact::CourierDelivered(fact))
            }
            ["reads", courier, "returned", parcel] => {
                let (courier, source) = (self.courier(courier), CourierSource::File as u8);
                (self.subject(parcel), Fact::CourierReturned(CourierReturned { courier, source }))
            }
            ["hears", provider, "paid", parcel, amount] => {
                let provider = match *provider {
                    "bkash" => Provider::Bkash,
                    "nagad" => Provider::Nagad,
                    other => panic!("{other} is no provider"),
                };
                let (provider, reference) = (provider as u8, format!("TRX-{amount}"));
                (self.subject(parcel), Fact::PaidAtDoor(PaidAtDoor { provider, reference, amount: taka(amount) }))
            }
            ["clears", word, "of", name] => {
                let about = self.subject(name);
                let folded = self.world.central.store.fold(about);
                let contest = folded.contests().iter().find(|contest| contest.code.word() == *word).expect("contested");
                let (maker, reason) = (Id16([0x31; 16]), "asked both".to_owned());
                let cleared = Cleared { op: contest.op, code: contest.code as u16, reason, maker, checker: None };
                (about, Fact::Cleared(cleared))
            }
            ["voids", words @ .., "of", name] => {
                let (about, record) = (self.subject(name), words.join(" "));
                let history = self.world.central.store.history(about);
                // Of several the last one, by the clock of who recorded it.
                let named = history.facts.iter().filter(|seen| self.op_name(about, seen.id) == record);
                let op = named.max_by_key(|seen| seen.time_ms).expect("a record of this name").id;
                let (maker, reason) = (Id16([0x31; 16]), "asked the customer".to_owned());
                (about, Fact::RecordVoided(RecordVoided { op, reason, maker, checker: None }))
            }
            ["settles", remittance, "of", courier, gross, "kept", charge, vat] => {
                let (gross, charge, vat) = (taka(gross), taka(charge), taka(vat));
                let paid = CourierRemitted { courier: self.courier(courier), bank, gross, charge, vat, reference };
                (self.make(Kind::Remittance, remittance), Fact::CourierRemitted(paid))
            }
            ["books", line, what, amount] => {
                let (what, amount) = match *what {
                    "charge" => (LineBooked::CHARGE, taka(amount).negated()),
                    _ => (LineBooked::CREDIT, taka(amount)),
                };
                let booked = LineBooked { bank, side: 1, amount, what, reference };
                (self.make(Kind::Line, line), Fact::LineBooked(booked))
            }
            ["identifies", line, "as", other] => {
                (self.subject(line), Fact::LineIdentified(LineIdentified { subject: self.subject(other) }))
            }
            ["reserves", refund, amount, "at", point] => {
                let (subject, amount, point) = (self.make(Kind::Refund, refund), taka(amount), self.subject(point));
                let (customer, lock) = (self.customer(), REFUND_CODE.lock(&subject));
                let put = Fact::Put(Put { generation: 1, subjects: vec![subject] });
                self.world.central_authors(&[Draft { subject: point, fact: put }]);
                (subject, Fact::RefundReserved(RefundReserved { customer, amount, point, lock }))
            }
            ["withdraws", refund] => (self.subject(refund), Fact::RefundWithdrawn(RefundWithdrawn {})),
            ["refunds", refund, amount] => {
                let (customer, amount) = (self.customer(), taka(amount));
                let subject = self.names.get(*refund).copied();
                let subject = subject.unwrap_or_else(|| self.make(Kind::Refund, refund));
                (subject, Fact::RefundPaid(RefundPaid { customer, amount, provider: 1, reference }))
            }
            ["rules", ruling, way, amount, "of", owner, other @ ..] => {
                let how = How::ALL.iter().find(|(_, word)| word == way).expect("a way").0 as u8;
                let other = match other {
                    ["at", "customer"] => Some(self.customer()),
                    ["at", other] => Some(self.subject(other)),
                    _ => None,
                };
                let (owner, amount) = (self.subject(owner), taka(amount));
                let (reason, maker) = ("as counted again".to_owned(), id_of("maker"));
                let cause = OpId([0; 32]);
                let ruled = Ruled { how, cause, owner, other, amount, reason, maker, checker: None };
                (self.make(Kind::Ruling, ruling), Fact::Ruled(ruled))
            }
            ["returns", payout] => {
                (self.subject(payout), Fact::PayoutReturned(PayoutReturned { reason: 1, reference }))
            }
            ["enters", entry, what, amount, "less", part, "of", owner, other @ ..] => {
                let what = Entry::ALL.iter().find(|(_, word)| word == what).expect("an entry").0;
                let provider = u8::from(matches!(what, Entry::Settled | Entry::ChargedBack | Entry::ChargedBackEarly));
                let owner = match *owner {
                    "bank" => bank,
                    "customer" => self.customer(),
                    owner => self.subject(owner),
                };
                let other = match other {
                    ["at", "bank"] => Some(bank),
                    ["at", other] => Some(self.subject(other)),
                    _ => None,
                };
                let (amount, part, maker) = (taka(amount), taka(part), id_of("maker"));
                let what = what as u8;
                let entered = Entered { what, owner, other, provider, amount, part, reference, maker, checker: None };
                (self.make(Kind::Entry, entry), Fact::Entered(entered))
            }
            ["escrows", order, amount] => {
                let escrow = Chart::Escrow.of_owner(self.subject(order));
                self.world.central.store.balances.insert(escrow, taka(amount).negated());
                return;
            }
            other => panic!("finance does not do this: {}", other.join(" ")),
        };
        self.world.central_authors(&[Draft { subject, fact }]);
    }

    /// A parcel that was paid ahead: nothing is due at the door.
    pub(crate) fn place_prepaid(&mut self, order: &str, vendor: &str, name: &str, price: &str) {
        let (about, parcel) = (self.make(Kind::Order, order), self.make(Kind::Parcel, name));
        let (vendor, site, earning) = (self.subject(vendor), self.subject("s1"), Subject::earning_of(parcel));
        let customer = Subject::customer(id_of("customer"));
        self.names.insert(name.replace('P', "E"), earning);
        self.names.insert("customer".to_owned(), customer);
        let (old, lines) = (terms(parcel, vendor, taka(price)), Vec::new());
        let frozen = TermsFrozen {
            parcel,
            vendor,
            order: about,
            customer,
            prepaid: true,
            goods: old.goods,
            delivery: old.delivery,
            delivery_vat: old.delivery_vat,
            rounding: old.rounding,
            commission: old.commission,
            cod_fee: Taka::ZERO,
            vendor_vat: old.commission.basis_points(1_500),
            rto_fee: old.rto_fee,
            rto_vat: old.rto_vat,
            window_min: 0,
        };
        let created = ParcelCreated { order: about, vendor, site, due: Taka::ZERO, lines, sealed: Vec::new() };
        let placed =
            OrderPlaced { customer: id_of("customer"), parcels: vec![parcel], total: Taka::ZERO, sealed: Vec::new() };
        let put = |scope, subjects| Draft { subject: scope, fact: Fact::Put(Put { generation: 1, subjects }) };
        self.world.central_authors(&[
            Draft { subject: about, fact: Fact::OrderPlaced(placed) },
            Draft { subject: parcel, fact: Fact::ParcelCreated(created) },
            Draft { subject: earning, fact: Fact::TermsFrozen(frozen) },
            put(vendor, vec![parcel, earning]),
            put(site, vec![parcel]),
        ]);
    }

    /// A till act as a broken or hostile program would write it.
    pub(crate) fn blind_till(&mut self, words: &[&str]) -> (Subject, Fact) {
        match words {
            ["opens", shift, float] => {
                (self.make(Kind::Shift, shift), Fact::TillOpened(TillOpened { float: taka(float) }))
            }
            ["closes", shift, counted, "expecting", expected] => {
                let (counted, expected) = (taka(counted), taka(expected));
                let closed = TillClosed { z: 1, expected, counted, denominations: Vec::new() };
                (self.subject(shift), Fact::TillClosed(closed))
            }
            ["pays", amount, way @ ("out" | "in"), "at", shift] => {
                let (amount, voucher, subject) = (taka(amount), "V-1".to_owned(), self.subject(shift));
                let fact = if *way == "out" {
                    Fact::TillPaidOut(TillPaidOut { amount, reason: 1, voucher })
                } else {
                    Fact::TillPaidIn(TillPaidIn { amount, reason: 6, voucher })
                };
                (subject, fact)
            }
            ["suspends", shift] => (self.subject(shift), Fact::TillSuspended(TillSuspended {})),
            ["resumes", shift] => (self.subject(shift), Fact::TillResumed(TillResumed {})),
            other => panic!("no such act at a till: {}", other.join(" ")),
        }
    }

    /// The line of a money subject, and whether it is provisional.
    pub(crate) fn tell_money(&self, state: &State, line: &mut String) -> (bool, bool) {
        let optional = |amount: Option<Taka>| amount.map_or_else(|| "-".to_owned(), |amount| amount.to_string());
        match state {
            State::Shift(s) => {
                write!(line, ": {} at {}, z {}", s.word(), self.name_of(s.site), s.z.unwrap_or(0)).unwrap();
                write!(line, ", expected {}, counted {}", s.expected, optional(s.counted)).unwrap();
                (s.incomplete, s.newer)
            }
            State::Bag(b) => {
                write!(line, ": {} of {} in seal {}", b.amount, self.name_of(b.site), b.seal).unwrap();
                (b.incomplete, b.newer)
            }
            State::Deposit(d) => {
                write!(line, ": {} sealed {} credited {}", d.word(), d.sealed(), optional(d.credited)).unwrap();
                (d.incomplete, d.newer)
            }
            State::Payout(p) => {
                write!(line, ": {} {} to {}, lines {}", p.word(), p.total, self.name_of(p.vendor), p.lines.len())
                    .unwrap();
                (p.incomplete, p.newer)
            }
            State::Sweep(s) => {
                write!(line, ": swept {}", optional(s.swept.as_ref().map(|swept| swept.amount))).unwrap();
                (s.incomplete, s.newer)
            }
            State::Remittance(r) => {
                write!(line, ": remitted {} of what is owed", r.gross()).unwrap();
                (r.incomplete, r.newer)
            }
            State::Refund(r) => {
                let amount = r.reserved.as_ref().map(|kept| kept.amount).or(r.paid.as_ref().map(|paid| paid.amount));
                write!(line, ": {} {}", r.word(), optional(amount)).unwrap();
                (r.incomplete, r.newer)
            }
            State::Line(l) => {
                let amount = optional(l.booked.as_ref().map(|booked| booked.amount));
                write!(line, ": {} {amount}, {}", l.word(), self.name_of(l.identified)).unwrap();
                (l.incomplete, l.newer)
            }
            State::Ruling(r) => {
                let ruled = r.ruled.as_ref();
                let word = ruled.and_then(|ruled| How::of(ruled.how)).map_or("-", How::word);
                write!(line, ": {word} {}", optional(ruled.map(|ruled| ruled.amount))).unwrap();
                write!(line, " of {}", self.name_of(ruled.map(|ruled| ruled.owner))).unwrap();
                (r.incomplete, r.newer)
            }
            State::Entry(b) => {
                let entered = b.entered.as_ref();
                let word = entered.and_then(|entered| Entry::of(entered.what)).map_or("-", Entry::word);
                write!(line, ": {word} {}", optional(entered.map(|entered| entered.amount))).unwrap();
                write!(line, " of {}", self.name_of(entered.map(|entered| entered.owner))).unwrap();
                (b.incomplete, b.newer)
            }
            _ => panic!("a state that has no words"),
        }
    }
}
