//! Golden bytes: what this version writes, another one must read, and the other way round.
//!
//! A file holds, line by line, `text` (what it means), `hex` (its bytes) and `id` (the name that follows
//! from them). A kind without a file fails; so does a file that no longer comes out. New files:
//! `GETIT_WRITE_GOLDEN=1 cargo test -p protocol --test golden`, which never changes one that exists.

#[path = "world/people.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod people;
#[path = "world/store.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod store;

use std::path::PathBuf;

use data_encoding::HEXLOWER as HEX;
use people::{Person, authority, person};
use protocol::blob::BlobId;
use protocol::burst::{Burst, Head, Slot};
use protocol::document::{Document, Value};
use protocol::fact::*;
use protocol::id::{Author, Id16, Incarnation, Kind, OpId, ShortId, Subject};
use protocol::intake::{Verified, op_of, verify};
use protocol::op::Op;
use protocol::root::Root;
use protocol::sealed::{self, Personal};
use protocol::seat::{Certificate, Role};
use protocol::taka::Taka;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Compares with the file, or writes it if there is none and writing was asked for.
/// Returns the bytes that the file holds.
fn golden(name: &str, text: &str, bytes: &[u8], id: &str) -> Vec<u8> {
    let path = folder().join(format!("{name}.golden"));
    let now = format!("text {text}\nhex {}\nid {id}\n", HEX.encode(bytes));
    if !path.exists() && std::env::var_os("GETIT_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, &now).expect("the folder is ours");
    }
    let shipped = std::fs::read_to_string(&path)
        .unwrap_or_else(|_| panic!("{name} has no golden file: run with GETIT_WRITE_GOLDEN=1, and commit it"));
    assert_eq!(shipped, now, "{name}: shipped bytes may not change; a changed meaning is a new kind");
    let hex = shipped.lines().find_map(|line| line.strip_prefix("hex ")).expect("a hex line");
    HEX.decode(hex.as_bytes()).expect("hex")
}

fn id(n: u8) -> Id16 {
    Id16([n; 16])
}

fn parcel() -> Subject {
    Subject::new(Kind::Parcel, id(0x11))
}

fn site() -> Subject {
    Subject::new(Kind::Site, id(0x22))
}

fn proof(form: u8) -> Proof {
    Proof { form, blob: BlobId([0xb1; 32]), bytes: 48_213, media: 1 }
}

fn agent() -> Person {
    person("golden agent", Role::Agent, Subject::agent(site(), id(0x33)))
}

fn taka(paisa: i64) -> Taka {
    Taka::from_paisa(paisa).expect("small")
}

fn personal() -> Personal {
    Personal {
        name: "রহিমা বেগম".into(),
        phone: "+8801712345678".into(),
        address: "House 7, Road 3, Mirpur, Dhaka".into(),
        note: "Ring twice".into(),
    }
}

fn product() -> (Subject, String) {
    (Subject::new(Kind::Vendor, id(0x44)), "চাল-5kg".to_owned())
}

/// A change by the author of the golden burst.
fn change() -> Vec<u8> {
    let fields = [("name_en", Value::Text("Rice".into())), ("price", Value::Number(59_050))];
    Document::of([]).edit(Author([3; 8]), Incarnation(*b"inc1"), &fields).expect("an edit")
}

fn product_change() -> ProductChange {
    let (vendor, sku) = product();
    ProductChange { vendor, sku, change: change() }
}

fn detail_change(class_kind: u16) -> (Subject, DetailChange) {
    let subject = Subject::note_of(parcel());
    let sealed = sealed::seal_bytes(&[7; 32], &[9; 24], &subject, class_kind, &change());
    (subject, DetailChange { parcel: parcel(), sealed })
}

fn sealed_field(subject: &Subject, class_kind: u16) -> Vec<u8> {
    sealed::seal(&[7; 32], &[9; 24], subject, class_kind, &personal())
}

/// One example of every kind, with every field filled.
fn examples() -> Vec<(Subject, Fact)> {
    let order = Subject::new(Kind::Order, id(0x10));
    let vendor = Subject::new(Kind::Vendor, id(0x44));
    let earning = Subject::earning_of(parcel());
    let handin = Subject::new(Kind::HandIn, id(0x55));
    let (bag, bank) = (Subject::new(Kind::Bag, id(0x88)), Subject::bank("dbbl-settlement"));
    let (deposit, payout) = (Subject::new(Kind::Deposit, id(0x99)), Subject::new(Kind::Payout, id(0xaa)));
    let (shift, other) = (Subject::new(Kind::Shift, id(0xdd)), Subject::new(Kind::Parcel, id(0x12)));
    let credit = Subject::new(Kind::Line, id(0xee));
    let (cause, inc, agent) = (OpId([0xab; 32]), Incarnation(*b"inc1"), agent().seat.party);
    let line = Line { sku: "চাল-5kg".into(), qty: 2, unit_price: taka(59_050) };
    let product = Subject::product(product().0, &product().1);
    let detail = |class_kind, fact: fn(DetailChange) -> Fact| {
        let (subject, change) = detail_change(class_kind);
        (subject, fact(change))
    };
    vec![
        (site(), Fact::Put(Put { generation: 1, subjects: vec![parcel(), handin] })),
        (
            site(),
            Fact::Close(Close {
                generation: 1,
                subjects: vec![parcel()],
                carry: vec![
                    Carry { code: 1110, owner: Some(agent), net: taka(-5) },
                    Carry { code: 2070, owner: None, net: taka(5) },
                ],
            }),
        ),
        (
            Subject::tenant(),
            Fact::Revoked(Revoked { author: Author([3; 8]), beacon: 0, known: vec![Known { inc, seq: 300 }] }),
        ),
        (
            order,
            Fact::OrderPlaced(OrderPlaced {
                customer: id(0x66),
                parcels: vec![parcel()],
                total: taka(125_000),
                sealed: sealed_field(&order, 0x1001),
            }),
        ),
        (order, Fact::OrderCancelled(OrderCancelled { by: 1 })),
        (
            order,
            Fact::PaymentCaptured(PaymentCaptured { provider: 1, reference: "9K7TXA".into(), amount: taka(125_000) }),
        ),
        (
            order,
            Fact::TransferCaptured(TransferCaptured {
                bank: Subject::bank("brac-7781"),
                line: Subject::new(Kind::Line, id(0x1e)),
                reference: "FT26-0091".into(),
                amount: taka(125_000),
            }),
        ),
        (order, Fact::CreditSpent(CreditSpent { customer: Subject::customer(id(0x66)), amount: taka(125_000) })),
        (
            parcel(),
            Fact::ParcelCreated(ParcelCreated {
                order,
                vendor,
                site: site(),
                due: taka(125_000),
                lines: vec![line],
                sealed: sealed_field(&parcel(), 0x1010),
            }),
        ),
        (parcel(), Fact::ParcelCancelled(ParcelCancelled { by: 2 })),
        (parcel(), Fact::PickupChosen(PickupChosen { point: site(), lock: [0x4c; 16], hold_days: 7 })),
        (parcel(), Fact::Consigned(Consigned { courier: Subject::bank("pathao"), consignment: "DA-260726-1".into() })),
        (
            parcel(),
            Fact::CourierDelivered(CourierDelivered {
                courier: Subject::bank("pathao"),
                collected: taka(106_900),
                source: CourierSource::Query as u8,
            }),
        ),
        (
            parcel(),
            Fact::CourierReturned(CourierReturned {
                courier: Subject::bank("pathao"),
                source: CourierSource::File as u8,
            }),
        ),
        (parcel(), Fact::PaidAtDoor(PaidAtDoor { provider: 1, reference: "9K7TXB".into(), amount: taka(106_900) })),
        (
            earning,
            Fact::EarningOpened(EarningOpened {
                parcel: parcel(),
                vendor,
                goods: taka(118_100),
                delivery: taka(6_000),
                delivery_vat: taka(900),
                rounding: taka(40),
                commission: taka(11_810),
                cod_fee: taka(1_181),
                vendor_vat: taka(1_949),
                rto_fee: taka(5_000),
                rto_vat: taka(750),
            }),
        ),
        (earning, Fact::Distributed(Distributed { cause })),
        (earning, Fact::EarningHeld(EarningHeld { cause, code: 1 })),
        (earning, Fact::RtoCharged(RtoCharged { cause, available: taka(3_000), receivable: taka(2_750) })),
        (
            earning,
            Fact::TermsFrozen(TermsFrozen {
                parcel: parcel(),
                vendor,
                order,
                customer: Subject::customer(id(0x66)),
                prepaid: true,
                goods: taka(118_100),
                delivery: taka(6_000),
                delivery_vat: taka(900),
                rounding: taka(40),
                commission: taka(11_810),
                cod_fee: taka(0),
                vendor_vat: taka(1_772),
                rto_fee: taka(5_000),
                rto_vat: taka(750),
                window_min: 10_080,
            }),
        ),
        (earning, Fact::EscrowReleased(EscrowReleased { cause, how: 2 })),
        (earning, Fact::Matured(Matured { cause, net: taka(103_160) })),
        (
            earning,
            Fact::ReturnAccepted(ReturnAccepted {
                ret: id(0x70),
                customer: Subject::customer(id(0x71)),
                lines: vec![ReturnedPieces {
                    sku: "চাল-5kg".into(), asked: 2, counted: 1, unit_price: taka(59_050)
                }],
                goods: taka(59_050),
                commission: taka(5_905),
                vat: taka(886),
                held: taka(52_259),
                available: taka(0),
                receivable: taka(0),
                reason: 2,
                maker: id(0x72),
            }),
        ),
        (earning, Fact::DistributionReversed(DistributionReversed { cause })),
        (earning, Fact::HoldEnded(HoldEnded { cause })),
        (earning, Fact::ChargeReversed(ChargeReversed { cause, receivable: taka(2_750) })),
        (
            earning,
            Fact::EarningClawedBack(EarningClawedBack { cause, matured: OpId([0xcd; 32]), receivable: taka(87_350) }),
        ),
        (parcel(), Fact::Judged(Judged { op: cause, code: 3 })),
        (
            parcel(),
            Fact::Cleared(Cleared {
                op: cause,
                code: 10,
                reason: "asked both agents".into(),
                maker: Id16([0x31; 16]),
                checker: Some(Id16([0x32; 16])),
            }),
        ),
        (
            parcel(),
            Fact::RecordVoided(RecordVoided {
                op: cause,
                reason: "the customer has nothing".into(),
                maker: Id16([0x31; 16]),
                checker: Some(Id16([0x32; 16])),
            }),
        ),
        (bag, Fact::BagSealed(BagSealed { site: site(), seal: "S-0042".into(), amount: taka(5_000_000) })),
        (
            deposit,
            Fact::Deposited(Deposited {
                bank,
                slip: "DBBL-77-১".into(),
                bags: vec![BagIn { bag, site: site(), amount: taka(5_000_000) }],
            }),
        ),
        (
            deposit,
            Fact::DepositConfirmed(DepositConfirmed {
                reference: "STMT 2026-11-23/7".into(),
                credited: taka(4_950_000),
            }),
        ),
        (
            payout,
            Fact::PayoutCreated(PayoutCreated {
                vendor,
                lines: vec![
                    PayoutLine { earning, net: taka(103_160) },
                    PayoutLine { earning: Subject::earning_of(other), net: taka(-3_000) },
                ],
                total: taka(100_160),
            }),
        ),
        (payout, Fact::PayoutConfirmed(PayoutConfirmed { bank, reference: "UTR 9".into() })),
        (payout, Fact::PayoutReturned(PayoutReturned { reason: 2, reference: "RTN ৯".into() })),
        (
            payout,
            Fact::PayoutWithFee(PayoutWithFee {
                vendor,
                lines: vec![PayoutLine { earning, net: taka(103_160) }],
                fee: taka(1_000),
                vat: taka(150),
                total: taka(102_010),
            }),
        ),
        (
            Subject::new(Kind::Sweep, id(0xbb)),
            Fact::Swept(Swept {
                from: bank,
                to: Subject::bank("city-operating"),
                amount: taka(19_550),
                reference: "UTR 10".into(),
            }),
        ),
        (
            Subject::new(Kind::Remittance, id(0xcc)),
            Fact::PartnerRemitted(PartnerRemitted {
                site: site(),
                bank,
                net: taka(105_400),
                commission: taka(1_500),
                reference: "UTR 11".into(),
            }),
        ),
        (
            Subject::new(Kind::Remittance, id(0xcd)),
            Fact::CourierRemitted(CourierRemitted {
                courier: Subject::bank("pathao"),
                bank,
                gross: taka(106_900),
                charge: taka(7_069),
                vat: taka(1_060),
                reference: "UTR 12".into(),
            }),
        ),
        (
            Subject::new(Kind::Refund, id(0xce)),
            Fact::RefundPaid(RefundPaid {
                customer: Subject::customer(id(0x66)),
                amount: taka(125_000),
                provider: 2,
                reference: "NG-17".into(),
            }),
        ),
        (
            Subject::new(Kind::Refund, id(0xce)),
            Fact::RefundReserved(RefundReserved {
                customer: Subject::customer(id(0x66)),
                amount: taka(125_000),
                point: Subject::new(Kind::Site, id(0x22)),
                lock: [0x5c; 16],
            }),
        ),
        (Subject::new(Kind::Refund, id(0xce)), Fact::RefundWithdrawn(RefundWithdrawn {})),
        (product, Fact::ProductEntered(product_change())),
        detail(0x1081, Fact::DetailEntered),
        (
            credit,
            Fact::LineBooked(LineBooked {
                bank,
                side: 1,
                amount: taka(70_000),
                what: LineBooked::CREDIT,
                reference: "FT26327001".into(),
            }),
        ),
        (credit, Fact::LineIdentified(LineIdentified { subject: deposit })),
        (
            Subject::new(Kind::Ruling, id(0xdd)),
            Fact::Ruled(Ruled {
                how: How::Repaid as u8,
                cause,
                owner: agent,
                other: Some(site()),
                amount: taka(20_000),
                reason: "brought on Sunday".into(),
                maker: id(0x71),
                checker: Some(id(0x72)),
            }),
        ),
        (
            Subject::new(Kind::Entry, id(0xde)),
            Fact::Entered(Entered {
                what: Entry::Settled as u8,
                owner: bank,
                other: None,
                provider: 1,
                amount: taka(106_900),
                part: taka(1_604),
                reference: "BKASH 2026-11-25".into(),
                maker: id(0x71),
                checker: None,
            }),
        ),
        (parcel(), Fact::Accepted(Accepted {})),
        (parcel(), Fact::Rejected(Rejected { reason: 1 })),
        (parcel(), Fact::Packed(Packed { pieces: 2 })),
        (parcel(), Fact::ReturnReceived(ReturnReceived {})),
        (product, Fact::ProductChanged(product_change())),
        (parcel(), Fact::Received(Received { pieces: 2 })),
        (parcel(), Fact::Dispatched(Dispatched { agent, run: id(0x77) })),
        (parcel(), Fact::RtoInitiated(RtoInitiated { reason: AttemptReason::Refused as u8 })),
        (parcel(), Fact::Forwarded(Forwarded { to: site() })),
        (parcel(), Fact::Shelved(Shelved { shelf: "তাক A3".into() })),
        (parcel(), Fact::HoldExpired(HoldExpired {})),
        (parcel(), Fact::CodeVerified(CodeVerified { token: [0x7e; 16] })),
        (parcel(), Fact::HandedOver(HandedOver {})),
        (parcel(), Fact::IdentityChecked(IdentityChecked {})),
        detail(0x3010, Fact::SiteDetailChanged),
        (parcel(), Fact::CounterProof(proof(2))),
        (parcel(), Fact::Loaded(Loaded {})),
        (parcel(), Fact::Delivered(Delivered { evidence: 2, collected: Some(taka(125_000)) })),
        (parcel(), Fact::Attempted(Attempted { reason: AttemptReason::Unreachable as u8 })),
        (handin, Fact::HandInOffered(HandInOffered { site: site(), amount: taka(125_000), inc, upto: 7 })),
        detail(0x4020, Fact::AgentDetailChanged),
        (parcel(), Fact::DoorProof(proof(1))),
        (
            handin,
            Fact::HandInCounted(HandInCounted {
                agent,
                counted: taka(120_000),
                denominations: vec![Denomination { taka: 1_000, pieces: 1 }, Denomination { taka: 100, pieces: 2 }],
            }),
        ),
        (parcel(), Fact::CounterPaid(CounterPaid { amount: taka(125_000) })),
        (shift, Fact::TillOpened(TillOpened { float: taka(500_000) })),
        (
            shift,
            Fact::TillClosed(TillClosed {
                z: 7,
                expected: taka(504_000),
                counted: taka(500_000),
                denominations: vec![Denomination { taka: 1_000, pieces: 5 }],
            }),
        ),
        (shift, Fact::TillPaidOut(TillPaidOut { amount: taka(12_000), reason: 1, voucher: "V-0042".into() })),
        (shift, Fact::TillPaidIn(TillPaidIn { amount: taka(50_000), reason: 6, voucher: "V-0043".into() })),
        (shift, Fact::TillSuspended(TillSuspended {})),
        (shift, Fact::TillResumed(TillResumed {})),
        (
            Subject::new(Kind::Refund, id(0xce)),
            Fact::CashRefunded(CashRefunded { code: [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0x01, 0xff] }),
        ),
        (parcel(), Fact::PartnerPaid(PartnerPaid { amount: taka(125_000) })),
    ]
}

/// How many kinds of subjects were shipped in each file, in the order of [`Kind::LETTERS`].
const SHIPMENTS: [(&str, usize); 5] =
    [("subjects", 17), ("subjects_2", 6), ("subjects_3", 1), ("subjects_4", 1), ("subjects_5", 1)];

/// A chain's second burst by the golden agent.
fn signed(ops: &[Op]) -> Burst {
    let agent = agent();
    let first = Burst::sign(&agent.key, &agent.place, 1_700_000_000_000, ops);
    Burst::sign(&agent.key, &agent.place.then(first.digest()), 1_700_000_060_000, ops)
}

#[test]
fn every_kind_has_its_bytes() {
    let examples = examples();
    let names: Vec<&str> = examples.iter().map(|(_, fact)| fact.name()).collect();
    let kinds: Vec<&str> = Fact::KINDS.iter().map(|(_, name, _)| *name).collect();
    assert_eq!(names, kinds, "one example of every kind, in the order of the catalogue");
    for (subject, fact) in examples {
        assert!(fact.is_about(&subject), "{}", fact.name());
        let op = op_of(subject, &fact, vec![ShortId([0x5a; 8])]);
        // The id is that of the op as slot 0 of the golden agent's second burst.
        let id = signed(std::slice::from_ref(&op)).ids()[0].to_string();
        let name = format!("fact_{:04x}_{}", fact.class_kind(), fact.name());
        let text = format!("{subject} lane {} {fact:?}", fact.lane());
        let shipped = golden(&name, &text, &op.encode(), &id);
        let read = Op::decode(&shipped).expect("shipped bytes are an op");
        assert_eq!(read, op);
        assert_eq!(Fact::read(read.class_kind, &read.payload), Reading::Known(fact));
    }
}

#[test]
fn no_golden_file_without_a_meaning() {
    let mut expected: Vec<String> =
        Fact::KINDS.iter().map(|(number, name, _)| format!("fact_{number:04x}_{name}.golden")).collect();
    let others = [
        "head",
        "burst",
        "burst_withheld",
        "certificate",
        "sealed",
        "subjects",
        "subjects_2",
        "subjects_3",
        "subjects_4",
        "subjects_5",
        "root",
    ];
    expected.extend(others.map(|name| format!("{name}.golden")));
    expected.sort();
    let files = std::fs::read_dir(folder()).expect("the folder is here");
    let mut found: Vec<String> =
        files.map(|file| file.expect("readable").file_name().to_string_lossy().into_owned()).collect();
    found.sort();
    if std::env::var_os("GETIT_WRITE_GOLDEN").is_none() {
        assert_eq!(found, expected);
    }
}

#[test]
fn head_and_burst() {
    let shipped = ["Delivered", "Attempted", "HandInOffered", "HandInCounted"];
    let ops: Vec<Op> = examples()
        .iter()
        .filter(|(_, fact)| shipped.contains(&fact.name()))
        .map(|(subject, fact)| op_of(*subject, fact, Vec::new()))
        .collect();
    let burst = signed(&ops);
    let head = Head { beacon: 300, ..burst.head.clone() };
    let shipped = golden("head", &format!("{head:?}"), &head.encode(), "-");
    assert_eq!(Head::decode_front(&shipped), Ok((head, shipped.len())));

    let seat = agent().seat;
    let shipped = golden("burst", &format!("{:?}", burst.ids()), &burst.encode(), &burst.digest().to_string());
    let read = Burst::decode(&shipped).expect("shipped bytes are a burst");
    assert_eq!(read, burst);
    assert!(verify(read, &seat).is_ok(), "shipped bytes verify");

    let kept = burst.ids()[1];
    let part = burst.withhold(|id| *id == kept);
    let shipped = golden("burst_withheld", &format!("only {kept}"), &part.encode(), &burst.digest().to_string());
    let read = verify(Burst::decode(&shipped).expect("a burst"), &seat).expect("a part verifies like the whole");
    assert_eq!((read.digest, &read.ids), (burst.digest(), &Verified::of_own(burst.clone()).ids));
    assert!(matches!(read.burst.slots[0], Slot::Withheld(_)));
}

#[test]
fn certificate() {
    let agent = agent();
    let issued = Certificate::issue(&authority(), agent.seat.clone()).expect("the key is strong");
    let shipped = golden("certificate", &format!("{:?}", issued.seat), &issued.encode(), &issued.author().to_string());
    let read = Certificate::decode(&shipped, &authority().verifying_key()).expect("shipped bytes verify");
    assert_eq!((read.author(), read.seat), (agent.author, issued.seat));
}

#[test]
fn sealed_and_subjects_and_root() {
    let field = sealed_field(&parcel(), 0x1010);
    let key = HEX.encode(&[7; 32]);
    let shipped = golden("sealed", &format!("key {key} subject {} kind 1010", parcel()), &field, "-");
    assert_eq!(sealed::open(&[7; 32], &parcel(), 0x1010, &shipped), Some(personal()));

    let all: Vec<Subject> =
        Kind::LETTERS.iter().map(|(kind, _)| Subject::new(*kind, Id16(*b"\xff0123456789abcde"))).collect();
    let text: Vec<String> = all.iter().map(ToString::to_string).collect();
    let bytes: Vec<u8> = all.iter().flat_map(|subject| subject.0).collect();
    let derived = format!("{} {}", Subject::earning_of(parcel()), Subject::agent(site(), id(0x33)));
    let later = format!(
        "{} {} {} {}",
        Subject::bank("settlement"),
        Subject::product(site(), "চাল-5kg"),
        Subject::note_of(parcel()),
        parcel().label()
    );
    // The kinds that were shipped together have a file of their own, which never changes.
    let mut shipped = Vec::new();
    let mut from = 0;
    for (name, kinds) in SHIPMENTS {
        let derived = match name {
            "subjects" => derived.as_str(),
            "subjects_2" => later.as_str(),
            _ => "-",
        };
        let upto = from + kinds;
        shipped.extend(golden(name, &text[from..upto].join(" "), &bytes[from * 17..upto * 17], derived));
        from = upto;
    }
    assert_eq!(from, all.len(), "a kind is in no shipment");
    for (chunk, text) in shipped.chunks(17).zip(&text) {
        assert_eq!(Subject::from_slice(chunk), Subject::parse(text));
    }

    let mut root = Root::default();
    [[0xff; 32], [0x01; 32], [0x80; 32]].iter().for_each(|id| root.join(&OpId(*id)));
    let shipped = golden("root", "3 ids: ff.. 01.. 80..", &root.sum_bytes(), &HEX.encode(&root.wire()));
    assert_eq!(Root::from_parts(3, shipped.as_slice().try_into().expect("32 bytes")), root);
}
