//! Who is in a world, and what is ordered.

use ed25519_dalek::SigningKey;
use protocol::burst::ChainPlace;
use protocol::decide::Draft;
use protocol::fact::{EarningOpened, Fact, Line, ParcelCreated, Put};
use protocol::frame::Cursor;
use protocol::id::{Id16, Incarnation, Kind, Scope, Subject};
use protocol::seat::{Certificate, Role, Seat};
use protocol::stamp::Stamp;
use protocol::taka::Taka;

use super::Dice;
use super::central::Central;
use super::edge::Edge;
use super::memory::Memory;

const SITES: u8 = 2;
const AGENTS: u8 = 4;
const VENDORS: u8 = 2;

/// Central and the edges of its people, on their first day.
pub struct Parties {
    pub central: Central,
    pub edges: Vec<Edge>,
}

impl Parties {
    /// Everybody is enrolled.
    pub fn meet(dice: &mut Dice) -> Self {
        let authority = SigningKey::from_bytes(&dice.bytes());
        let seat_of = |role, party: Scope, dice: &mut Dice| {
            let key = SigningKey::from_bytes(&dice.bytes());
            let (classes, grants) = Seat::rights(role, party);
            let mut person = Id16::default();
            person.0.copy_from_slice(&dice.bytes()[..16]);
            let seat = Seat {
                tenant: Id16::default(),
                device: person,
                person,
                party,
                key: key.verifying_key().to_bytes(),
                classes,
                grants,
                cash_ceiling: Taka::whole(100_000),
                issued_ms: 1,
                issuer: [0; 32],
            };
            let certificate = Certificate::issue(&authority, seat).unwrap_or_else(|error| panic!("{error}"));
            (key, certificate)
        };
        let mut memory = Memory::default();
        let (key, certificate) = seat_of(Role::Central, Subject::tenant(), dice);
        let place = ChainPlace::start(certificate.author(), Incarnation([1; 4]));
        let own = certificate.clone();
        memory.add_certificate(certificate);
        let site = |n: u8| Subject::new(Kind::Site, Id16([n; 16]));
        let mut parties: Vec<(Role, Scope)> = (1..=SITES).map(|n| (Role::Site, site(n))).collect();
        parties.extend((1..=AGENTS).map(|n| (Role::Agent, Subject::agent(site(1 + n % SITES), Id16([n; 16])))));
        parties.extend((1..=VENDORS).map(|n| (Role::Vendor, Subject::new(Kind::Vendor, Id16([0x40 + n; 16])))));
        let mut edges = Vec::new();
        for (role, party) in parties {
            let (key, certificate) = seat_of(role, party, dice);
            let author = certificate.author();
            memory.add_certificate(certificate.clone());
            edges.push(Edge {
                author,
                seat: certificate.seat.clone(),
                key,
                authority: authority.verifying_key(),
                memory: Memory::with_certificates([certificate.clone(), own.clone()]).of(author),
                place: ChainPlace::start(author, Incarnation([7; 4])),
                own: Vec::new(),
                safe: 0,
                earlier: Vec::new(),
                wrote: std::collections::BTreeSet::new(),
                last_ms: 0,
                broken: None,
                cursor: Cursor::default(),
                compared: None,
                refused: 0,
                repairs: std::collections::BTreeMap::new(),
            });
        }
        let central = Central { memory, key, log_id: [1; 8], place, broken: None };
        Self { central, edges }
    }
}

/// An order of one parcel: it, and what central records of it.
pub fn order(vendor: Scope, site: Scope, stamp: Stamp, dice: &mut Dice) -> (Subject, [Draft; 4]) {
    let parcel = Subject::new(Kind::Parcel, stamp.id(1));
    let earning = Subject::earning_of(parcel);
    let goods = Taka::from_paisa(100_000 + 37 * dice.below(1_000) as i64).unwrap_or_default();
    let (delivery, delivery_vat) = (Taka::whole(60), Taka::whole(9));
    let price = goods.plus(delivery).plus(delivery_vat);
    let due = price.whole_taka();
    let (commission, cod_fee) = (goods.basis_points(1_000), goods.basis_points(100));
    let lines = vec![Line { sku: "RG-0001".to_owned(), qty: 1, unit_price: goods }];
    let order = Subject::new(Kind::Order, stamp.id(0));
    let created = ParcelCreated { order, vendor, site, due, lines, sealed: Vec::new() };
    let terms = EarningOpened {
        parcel,
        vendor,
        goods,
        delivery,
        delivery_vat,
        rounding: price.minus(due),
        commission,
        cod_fee,
        vendor_vat: commission.plus(cod_fee).basis_points(1_500),
        rto_fee: Taka::whole(50),
        rto_vat: Taka::from_paisa(750).unwrap_or_default(),
    };
    let put = |scope, subjects| Draft { subject: scope, fact: Fact::Put(Put { generation: 1, subjects }) };
    let drafts = [
        Draft { subject: parcel, fact: Fact::ParcelCreated(created) },
        Draft { subject: earning, fact: Fact::EarningOpened(terms) },
        put(vendor, vec![parcel, earning]),
        put(site, vec![parcel]),
    ];
    (parcel, drafts)
}
