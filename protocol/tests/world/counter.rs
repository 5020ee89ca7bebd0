//! The words of a pickup point: placing an order to be fetched, and what its counter does.

use std::fmt::Write as _;

use data_encoding::HEXLOWER;
use protocol::command::Command;
use protocol::decide::Draft;
use protocol::fact::{
    CashRefunded, CounterPaid, Fact, HandedOver, HoldExpired, Line, Loaded, OrderPlaced, ParcelCreated, PartnerPaid,
    PickupChosen, Put, Shelved,
};
use protocol::fold::State;
use protocol::id::{Kind, Subject};
use protocol::parcel::{Step, lock_of};
use protocol::refund::RefundCode;

use crate::people::id_of;
use crate::words::{Script, taka, terms};

/// The token of every script.
const TOKEN: [u8; 16] = [7; 16];
/// The code of every refund in a script.
pub(crate) const REFUND_CODE: RefundCode = RefundCode([7; RefundCode::BYTES]);

impl Script {
    /// Central places an order to be fetched: vendor, hub and point hold the parcel.
    pub(crate) fn place_pickup(&mut self, order: &str, point: &str, vendor: &str, name: &str, due: &str) {
        let (about, parcel) = (Subject::new(Kind::Order, id_of(order)), Subject::new(Kind::Parcel, id_of(name)));
        let (site, point, vendor) = (self.subject("s1"), self.subject(point), self.subject(vendor));
        let (due, earning) = (taka(due), Subject::earning_of(parcel));
        for (word, subject) in [(order.to_owned(), about), (name.to_owned(), parcel), (name.replace('P', "E"), earning)]
        {
            self.names.insert(word, subject);
        }
        let lines = vec![Line { sku: "goods".into(), qty: 1, unit_price: due }];
        let placed = OrderPlaced { customer: id_of("customer"), parcels: vec![parcel], total: due, sealed: Vec::new() };
        let created = ParcelCreated { order: about, vendor, site, due, lines, sealed: Vec::new() };
        let pickup = PickupChosen { point, lock: lock_of(&parcel, &TOKEN), hold_days: 7 };
        let put = |scope, subjects| Draft { subject: scope, fact: Fact::Put(Put { generation: 1, subjects }) };
        self.world.central_authors(&[
            Draft { subject: about, fact: Fact::OrderPlaced(placed) },
            Draft { subject: parcel, fact: Fact::ParcelCreated(created) },
            Draft { subject: parcel, fact: Fact::PickupChosen(pickup) },
            Draft { subject: earning, fact: Fact::EarningOpened(terms(parcel, vendor, due)) },
            put(vendor, vec![parcel, earning]),
            put(site, vec![parcel]),
            put(point, vec![parcel]),
        ]);
    }

    /// What the counter would do next, as central sees the parcel.
    pub(crate) fn step(&mut self, name: &str) {
        let subject = self.subject(name);
        let State::Parcel(parcel) = self.world.central.store.fold(subject).state else { panic!("{name} is no parcel") };
        writeln!(self.out, "{name}: next {}", parcel.step().map_or("nothing", Step::word)).unwrap();
    }

    /// The command of a counter's words.
    pub(crate) fn at_counter(&self, words: &[&str]) -> Option<Command> {
        let parcel = |name: &str| self.subject(name);
        let hex = |token: [u8; 16]| HEXLOWER.encode(&token);
        Some(match words {
            ["forwards", p, "to", site] => Command::Forward { parcels: vec![parcel(p)], to: self.subject(site) },
            ["shelves", p, shelf] => Command::Shelve { parcel: parcel(p), shelf: (*shelf).to_owned() },
            ["expires", p] => Command::ExpireHold { parcel: parcel(p) },
            ["verifies", p] => Command::VerifyCode { parcel: parcel(p), token: hex(TOKEN) },
            ["verifies", p, "wrong"] => Command::VerifyCode { parcel: parcel(p), token: hex([8; 16]) },
            ["checks", p] => Command::CheckIdentity { parcel: parcel(p) },
            ["takes", p, amount] => Command::TakeCash { parcel: parcel(p), amount_paisa: taka(amount) },
            ["refunds", r] => Command::RefundCash { refund: parcel(r), code: REFUND_CODE.to_string() },
            ["refunds", r, code] => Command::RefundCash { refund: parcel(r), code: (*code).to_owned() },
            ["hands", p, "over"] => Command::HandOver { parcel: parcel(p) },
            _ => return None,
        })
    }

    /// The facts of a counter's command, with no decision before them.
    pub(crate) fn blind_at_counter(&self, name: &str, command: &Command) -> Option<Vec<Draft>> {
        let partner = self.world.people[name].seat.is_partner();
        let (subject, fact) = match command {
            Command::TakeCash { parcel, amount_paisa } if partner => {
                (*parcel, Fact::PartnerPaid(PartnerPaid { amount: *amount_paisa }))
            }
            Command::TakeCash { parcel, amount_paisa } => {
                (*parcel, Fact::CounterPaid(CounterPaid { amount: *amount_paisa }))
            }
            Command::RefundCash { refund, code } => {
                let code = RefundCode::read(code).expect("a code").0;
                (*refund, Fact::CashRefunded(CashRefunded { code }))
            }
            Command::HandOver { parcel } => (*parcel, Fact::HandedOver(HandedOver {})),
            Command::Load { parcels } => (*parcels.first()?, Fact::Loaded(Loaded {})),
            Command::ExpireHold { parcel } => (*parcel, Fact::HoldExpired(HoldExpired {})),
            Command::Shelve { parcel, shelf } => (*parcel, Fact::Shelved(Shelved { shelf: shelf.clone() })),
            Command::VerifyCode { parcel, token } => {
                let token: Vec<u8> = HEXLOWER.decode(token.as_bytes()).expect("hex");
                let token = token.try_into().expect("16 bytes");
                (*parcel, Fact::CodeVerified(protocol::fact::CodeVerified { token }))
            }
            _ => return None,
        };
        Some(vec![Draft { subject, fact }])
    }
}
