//! What is written in each scene, by whom: amounts exact, short and over, evidence of every rank, codes that
//! open the lock and that do not.

use protocol::fact::{
    Accepted, Attempted, BagIn, BagSealed, CashRefunded, ChargeReversed, CodeVerified, Consigned, CounterPaid,
    CourierDelivered, CourierRemitted, CourierReturned, CreditSpent, Delivered, DepositConfirmed, Deposited,
    Dispatched, Distributed, DistributionReversed, EarningClawedBack, EarningHeld, EarningOpened, EscrowReleased, Fact,
    Forwarded, HandInCounted, HandInOffered, HandedOver, HoldEnded, HoldExpired, IdentityChecked, Judged, LineBooked,
    LineIdentified, Loaded, Matured, OrderCancelled, OrderPlaced, Packed, PaidAtDoor, ParcelCancelled, ParcelCreated,
    PartnerPaid, PartnerRemitted, PaymentCaptured, PayoutConfirmed, PayoutCreated, PayoutLine, PayoutWithFee,
    PickupChosen, Received, RefundPaid, RefundReserved, RefundWithdrawn, Rejected, ReturnAccepted, ReturnReceived,
    ReturnedPieces, RtoCharged, RtoInitiated, Ruled, Shelved, Swept, TermsFrozen, TillClosed, TillOpened, TillPaidIn,
    TillPaidOut, TillResumed, TillSuspended, TransferCaptured,
};
use protocol::id::{Id16, Incarnation, Kind, OpId, Subject};
use protocol::parcel::lock_of;
use protocol::refund::RefundCode;
use protocol::taka::Taka;

use crate::people::id_of;
use crate::sets::{A7, A7_AGAIN, A8, CENTRAL, Cast, K1, K1_AGAIN, K2, Roll, S1, S1_AGAIN, V1};

/// What a set is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scene {
    /// A parcel on the vendor's shelf.
    Vendor,
    /// A parcel in the bag of a7.
    Door,
    /// The same, paid ahead.
    Prepaid,
    /// A parcel on a shelf of our own point.
    Counter,
    /// A parcel on a shelf of a partner's point.
    Partner,
    /// A parcel that another company carries.
    Courier,
    Order,
    Earning,
    HandIn,
    Shift,
    Bag,
    Deposit,
    Payout,
    Sweep,
    Remittance,
    Refund,
    Line,
    Ruling,
}

impl Scene {
    /// So many scenes there are.
    pub(crate) const COUNT: usize = 18;

    /// Every scene, and once more those with most rules.
    pub(crate) const WEIGHTED: [Self; 22] = [
        Self::Vendor,
        Self::Door,
        Self::Counter,
        Self::HandIn,
        Self::Order,
        Self::Partner,
        Self::Courier,
        Self::Earning,
        Self::Prepaid,
        Self::Shift,
        Self::Deposit,
        Self::Line,
        Self::Payout,
        Self::Ruling,
        Self::Bag,
        Self::Sweep,
        Self::Remittance,
        Self::Refund,
        Self::Door,
        Self::Counter,
        Self::Partner,
        Self::HandIn,
    ];

    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::Vendor | Self::Door | Self::Prepaid | Self::Counter | Self::Partner | Self::Courier => Kind::Parcel,
            Self::Order => Kind::Order,
            Self::Earning => Kind::Earning,
            Self::HandIn => Kind::HandIn,
            Self::Shift => Kind::Shift,
            Self::Bag => Kind::Bag,
            Self::Deposit => Kind::Deposit,
            Self::Payout => Kind::Payout,
            Self::Sweep => Kind::Sweep,
            Self::Remittance => Kind::Remittance,
            Self::Refund => Kind::Refund,
            Self::Line => Kind::Line,
            Self::Ruling => Kind::Ruling,
        }
    }
}

/// What a parcel costs at the door.
const DUE: Taka = Taka::whole(1_250);
const TOKEN: [u8; 16] = [7; 16];

/// Who writes in a scene; whoever writes more stands more often.
pub(crate) const fn hands(scene: Scene) -> &'static [usize] {
    match scene {
        Scene::Vendor => &[V1, V1, V1, CENTRAL, S1, S1],
        Scene::Door | Scene::Prepaid => &[A7, A7, A7_AGAIN, A8, A8, S1, S1, S1_AGAIN, V1, CENTRAL],
        Scene::Counter => &[K1, K1, K1, K1_AGAIN, K1_AGAIN, A7, A8, S1, V1, CENTRAL],
        Scene::Partner => &[K2, K2, K2, K2, A7, S1, K1, CENTRAL],
        Scene::Courier => &[CENTRAL, CENTRAL, CENTRAL, CENTRAL, S1, S1_AGAIN, A7, V1],
        Scene::HandIn => &[A7, A7, A7_AGAIN, A8, S1, S1, S1_AGAIN, K1],
        Scene::Shift => &[S1, S1, S1_AGAIN, K1],
        Scene::Refund => &[CENTRAL, CENTRAL, CENTRAL, K1, K1, K1_AGAIN],
        _ => &[CENTRAL],
    }
}

/// The undisputed way to the conflict: who wrote what, each knowing all before.
pub(crate) fn way(scene: Scene, subject: Subject, cast: &Cast) -> Vec<(usize, Vec<Fact>)> {
    let received = || vec![Fact::Received(Received { pieces: 1 })];
    let dispatched = || Fact::Dispatched(Dispatched { agent: cast.party(A7), run: Id16([1; 16]) });
    let shelved = || vec![Fact::Shelved(Shelved { shelf: "A".into() })];
    match scene {
        Scene::Vendor => vec![(CENTRAL, vec![created(cast, S1, DUE)])],
        Scene::Door | Scene::Prepaid => vec![
            (CENTRAL, vec![created(cast, S1, if scene == Scene::Door { DUE } else { Taka::ZERO })]),
            (S1, received()),
            (S1, vec![dispatched()]),
            (A7, vec![Fact::Loaded(Loaded {})]),
        ],
        Scene::Counter | Scene::Partner => {
            let point = if scene == Scene::Counter { K1 } else { K2 };
            vec![
                (CENTRAL, vec![created(cast, point, DUE), pickup(subject, cast, point)]),
                (point, received()),
                (point, shelved()),
            ]
        }
        Scene::Courier => {
            vec![(CENTRAL, vec![created(cast, S1, DUE)]), (S1, received()), (CENTRAL, vec![consigned("c")])]
        }
        _ => Vec::new(),
    }
}

fn consigned(courier: &str) -> Fact {
    Fact::Consigned(Consigned { courier: Subject::bank(courier), consignment: "DA-1".into() })
}

fn created(cast: &Cast, site: usize, due: Taka) -> Fact {
    let (order, lines, sealed) = (Subject::new(Kind::Order, id_of("O")), Vec::new(), Vec::new());
    Fact::ParcelCreated(ParcelCreated { order, vendor: cast.party(V1), site: cast.party(site), due, lines, sealed })
}

fn pickup(subject: Subject, cast: &Cast, point: usize) -> Fact {
    Fact::PickupChosen(PickupChosen { point: cast.party(point), lock: lock_of(&subject, &TOKEN), hold_days: 7 })
}

/// One more fact of the scene by one of its hands.
pub(crate) fn fact(scene: Scene, subject: Subject, who: usize, cast: &Cast, roll: &mut Roll) -> Fact {
    match scene {
        Scene::Vendor | Scene::Door | Scene::Prepaid | Scene::Counter | Scene::Partner | Scene::Courier => {
            of_parcel(scene, subject, who, cast, roll)
        }
        Scene::Order => of_order(subject, roll),
        Scene::Earning => of_earning(cast, roll),
        Scene::HandIn => of_handin(who, cast, roll),
        Scene::Refund => of_refund(subject, who, cast, roll),
        _ => of_bank(scene, cast, roll),
    }
}

/// Cash for a due: exact, short, over, and now and then a slip of the finger that no parcel costs.
fn cash(roll: &mut Roll) -> Taka {
    match roll.below(16) {
        0..8 => DUE,
        8..11 => Taka::whole(1_200),
        11..14 => Taka::whole(1_300),
        14 => Taka::ZERO,
        _ => Taka::whole(2_000_000),
    }
}

fn of_parcel(scene: Scene, subject: Subject, who: usize, cast: &Cast, roll: &mut Roll) -> Fact {
    let point = if scene == Scene::Partner { K2 } else { K1 };
    match who {
        A7 | A7_AGAIN | A8 => match roll.below(6) {
            0 => Fact::Loaded(Loaded {}),
            1 => Fact::Attempted(Attempted { reason: 1 + roll.below(15) as u8 }),
            2 => Fact::Delivered(Delivered { evidence: 1 + roll.below(5) as u8, collected: None }),
            _ => Fact::Delivered(Delivered { evidence: 1 + roll.below(5) as u8, collected: Some(cash(roll)) }),
        },
        V1 => match roll.below(if scene == Scene::Vendor { 3 } else { 5 }) {
            0 => Fact::Accepted(Accepted {}),
            1 => Fact::Packed(Packed { pieces: 1 }),
            2 => Fact::Rejected(Rejected { reason: 1 + roll.below(3) as u8 }),
            _ => Fact::ReturnReceived(ReturnReceived {}),
        },
        CENTRAL if scene == Scene::Courier => by_courier(roll),
        CENTRAL => match roll.below(10) {
            8 | 9 => {
                let reference = roll.one(&["9F12AB", "9F12AB", "9F12AC"]).to_owned();
                Fact::PaidAtDoor(PaidAtDoor { provider: 1 + roll.below(4) as u8, reference, amount: cash(roll) })
            }
            0 => pickup(subject, cast, point),
            1 => created(cast, S1, Taka::whole(1_300)),
            2 => Fact::Judged(Judged { op: OpId([roll.below(3) as u8; 32]), code: 1 }),
            _ => Fact::ParcelCancelled(ParcelCancelled { by: 1 }),
        },
        _ if scene == Scene::Vendor => Fact::Received(Received { pieces: 1 }),
        S1 | S1_AGAIN => match roll.below(6) {
            0 | 1 => Fact::Received(Received { pieces: 1 }),
            2 => Fact::Dispatched(Dispatched { agent: cast.party(A8), run: Id16([2; 16]) }),
            3 => Fact::RtoInitiated(RtoInitiated { reason: 5 }),
            4 => Fact::Forwarded(Forwarded { to: cast.party(point) }),
            _ => Fact::Shelved(Shelved { shelf: "H".into() }),
        },
        _ => at_counter(who, cast, roll),
    }
}

fn by_courier(roll: &mut Roll) -> Fact {
    // Now and then another one than who has it.
    let courier = Subject::bank(roll.one(&["c", "c", "c", "d"]));
    let source = 1 + roll.below(2) as u8;
    match roll.below(8) {
        0 => consigned("d"),
        1 => consigned("c"),
        2 | 3 => Fact::CourierReturned(CourierReturned { courier, source }),
        4 => Fact::ParcelCancelled(ParcelCancelled { by: 1 }),
        _ => Fact::CourierDelivered(CourierDelivered { courier, collected: cash(roll), source }),
    }
}

fn at_counter(who: usize, cast: &Cast, roll: &mut Roll) -> Fact {
    match roll.below(12) {
        0 => Fact::Received(Received { pieces: 1 }),
        1 => Fact::Shelved(Shelved { shelf: roll.one(&["B", "C"]).into() }),
        2 => Fact::HoldExpired(HoldExpired {}),
        3 => Fact::Forwarded(Forwarded { to: cast.party(S1) }),
        4 => Fact::IdentityChecked(IdentityChecked {}),
        5 | 6 => Fact::CodeVerified(CodeVerified { token: [roll.one(&[7, 7, 7, 8]); 16] }),
        7..10 if who == K2 => Fact::PartnerPaid(PartnerPaid { amount: cash(roll) }),
        7..10 => Fact::CounterPaid(CounterPaid { amount: cash(roll) }),
        _ => Fact::HandedOver(HandedOver {}),
    }
}

fn of_order(subject: Subject, roll: &mut Roll) -> Fact {
    match roll.below(6) {
        0 => {
            let (customer, parcels, sealed) = (id_of("C"), vec![Subject::new(Kind::Parcel, subject.id())], Vec::new());
            Fact::OrderPlaced(OrderPlaced { customer, parcels, total: cash(roll), sealed })
        }
        1 => Fact::OrderCancelled(OrderCancelled { by: 1 + roll.below(2) as u8 }),
        _ => {
            let reference = roll.one(&["9F12AB", "9F12AB", "9F12AC"]).to_owned();
            match (1 + roll.below(4) as u8, cash(roll)) {
                // One in four comes by a bank's transfer.
                (4, amount) => {
                    let (bank, line) = (Subject::bank("brac-7781"), Subject::new(Kind::Line, id_of(&reference)));
                    Fact::TransferCaptured(TransferCaptured { bank, line, reference, amount })
                }
                // Another one is credit, of one customer or another.
                (3, amount) => {
                    let customer = Subject::customer(id_of(&reference));
                    Fact::CreditSpent(CreditSpent { customer, amount })
                }
                (provider, amount) => Fact::PaymentCaptured(PaymentCaptured { provider, reference, amount }),
            }
        }
    }
}

fn of_handin(who: usize, cast: &Cast, roll: &mut Roll) -> Fact {
    let site = cast.party(roll.one(&[S1, S1, S1, K1]));
    let agent = cast.party(roll.one(&[A7, A7, A7, A8]));
    match who {
        A7 | A7_AGAIN | A8 => {
            Fact::HandInOffered(HandInOffered { site, amount: cash(roll), inc: Incarnation(*b"life"), upto: 1 })
        }
        _ => Fact::HandInCounted(HandInCounted { agent, counted: cash(roll), denominations: Vec::new() }),
    }
}

/// Tills pay for the code or for another one, and central for whatever it heard.
fn of_refund(subject: Subject, who: usize, cast: &Cast, roll: &mut Roll) -> Fact {
    let (customer, point) = (Subject::customer(id_of("C")), cast.party(K1));
    let amount = roll.one(&[Taka::whole(1_000), Taka::whole(1_100), Taka::ZERO]);
    if who != CENTRAL {
        return Fact::CashRefunded(CashRefunded { code: [roll.one(&[7, 7, 7, 8]); RefundCode::BYTES] });
    }
    if roll.chance(15) {
        return Fact::RefundWithdrawn(RefundWithdrawn {});
    }
    if roll.chance(60) {
        let lock = RefundCode([7; RefundCode::BYTES]).lock(&subject);
        return Fact::RefundReserved(RefundReserved { customer, amount, point, lock });
    }
    Fact::RefundPaid(RefundPaid { customer, amount, provider: 1 + roll.below(4) as u8, reference: "9F12AC".into() })
}

fn of_bank(scene: Scene, cast: &Cast, roll: &mut Roll) -> Fact {
    let (site, bank, reference) = (cast.party(S1), Subject::bank("b"), "line".to_owned());
    let amount = roll.one(&[Taka::whole(1_000), Taka::whole(1_000), Taka::whole(1_100), Taka::ZERO]);
    let first = roll.chance(50);
    match scene {
        Scene::Shift if first => Fact::TillOpened(TillOpened { float: amount }),
        Scene::Shift if roll.below(2) == 0 => match roll.below(4) {
            0 => Fact::TillPaidOut(TillPaidOut { amount, reason: 1, voucher: "V-1".into() }),
            1 => Fact::TillPaidIn(TillPaidIn { amount, reason: 6, voucher: "V-1".into() }),
            2 => Fact::TillSuspended(TillSuspended {}),
            _ => Fact::TillResumed(TillResumed {}),
        },
        Scene::Shift => {
            let (z, expected) = (roll.below(2) as u32, Taka::whole(1_000));
            Fact::TillClosed(TillClosed { z, expected, counted: amount, denominations: Vec::new() })
        }
        Scene::Bag => Fact::BagSealed(BagSealed { site, seal: "S".into(), amount }),
        Scene::Deposit if first => {
            let bag = |n: u8| BagIn { bag: Subject::new(Kind::Bag, Id16([n; 16])), site, amount: Taka::whole(525) };
            let bags = vec![bag(1), bag(roll.one(&[2, 2, 2, 1]))];
            Fact::Deposited(Deposited { bank, slip: "7".into(), bags })
        }
        Scene::Deposit => Fact::DepositConfirmed(DepositConfirmed { reference, credited: amount }),
        Scene::Payout if first => {
            let lines = vec![PayoutLine { earning: Subject::new(Kind::Earning, id_of("E")), net: Taka::whole(1_000) }];
            let vendor = cast.party(V1);
            // One in three bears what it costs.
            if roll.below(3) == 0 {
                let (fee, vat) = (Taka::whole(10), Taka::whole(2));
                return Fact::PayoutWithFee(PayoutWithFee { vendor, lines, fee, vat, total: Taka::whole(988) });
            }
            Fact::PayoutCreated(PayoutCreated { vendor, lines, total: amount })
        }
        Scene::Payout => Fact::PayoutConfirmed(PayoutConfirmed { bank, reference }),
        Scene::Sweep => Fact::Swept(Swept { from: bank, to: Subject::bank("c"), amount, reference }),
        Scene::Remittance if first => {
            let (charge, vat) = (Taka::whole(roll.below(3) as i32), Taka::whole(roll.below(2) as i32));
            let gross = amount.plus(charge).plus(vat);
            Fact::CourierRemitted(CourierRemitted { courier: Subject::bank("c"), bank, gross, charge, vat, reference })
        }
        Scene::Remittance => {
            let commission = Taka::whole(roll.below(20) as i32);
            Fact::PartnerRemitted(PartnerRemitted { site: cast.party(K2), bank, net: amount, commission, reference })
        }
        Scene::Line if first => Fact::LineIdentified(LineIdentified { subject: site }),
        Scene::Line => {
            let (amount, what) =
                roll.one(&[(700, LineBooked::CREDIT), (700, LineBooked::CREDIT), (-115, LineBooked::CHARGE)]);
            let (amount, side) = (Taka::whole(amount), 1 + roll.below(2) as u8);
            Fact::LineBooked(LineBooked { bank, side, amount, what, reference })
        }
        _ => {
            let others = [None, Some(site), Some(Subject::customer(id_of("C"))), Some(cast.party(A7))];
            let owner = roll.one(&[site, Subject::new(Kind::Parcel, id_of("P"))]);
            let (other, cause, maker) = (roll.one(&others), OpId([1; 32]), id_of("maker"));
            let how = 1 + roll.below(8) as u8;
            Fact::Ruled(Ruled {
                how,
                cause,
                owner,
                other,
                amount,
                reason: "counted again".into(),
                maker,
                checker: None,
            })
        }
    }
}

fn of_earning(cast: &Cast, roll: &mut Roll) -> Fact {
    let (parcel, vendor) = (Subject::new(Kind::Parcel, id_of("P")), cast.party(V1));
    let paisa = |paisa| Taka::from_paisa(paisa).expect("small");
    let (goods, delivery, delivery_vat, rounding) = (paisa(118_140), paisa(6_000), paisa(900), paisa(40));
    let (commission, cod_fee, vendor_vat) = (paisa(11_814), paisa(1_181), paisa(1_949));
    let (rto_fee, rto_vat) = (paisa(5_000), paisa(750));
    let cause = OpId([roll.below(3) as u8; 32]);
    match roll.below(16) {
        13 => Fact::ChargeReversed(ChargeReversed { cause, receivable: paisa(roll.below(5_750) as i64) }),
        14 | 15 => {
            let matured = OpId([roll.below(3) as u8; 32]);
            Fact::EarningClawedBack(EarningClawedBack { cause, matured, receivable: paisa(roll.below(99_999) as i64) })
        }
        12 => Fact::DistributionReversed(DistributionReversed { cause }),
        0 => Fact::EarningOpened(EarningOpened {
            parcel,
            vendor,
            goods,
            delivery,
            delivery_vat,
            rounding,
            commission,
            cod_fee,
            vendor_vat,
            rto_fee,
            rto_vat,
        }),
        1 | 2 => Fact::TermsFrozen(TermsFrozen {
            parcel,
            vendor,
            order: Subject::new(Kind::Order, id_of("O")),
            customer: Subject::customer(id_of("C")),
            prepaid: roll.chance(60),
            goods,
            delivery,
            delivery_vat,
            rounding,
            commission,
            cod_fee,
            vendor_vat,
            rto_fee,
            rto_vat,
            window_min: 60,
        }),
        3 | 4 => Fact::Distributed(Distributed { cause }),
        5 => Fact::EscrowReleased(EscrowReleased { cause, how: 1 + roll.below(2) as u8 }),
        6 => Fact::EarningHeld(EarningHeld { cause, code: 1 }),
        7 => Fact::EarningHeld(EarningHeld { cause, code: 15 }),
        11 => Fact::HoldEnded(HoldEnded { cause }),
        8 => {
            let available = paisa(roll.below(5_750) as i64);
            Fact::RtoCharged(RtoCharged { cause, available, receivable: rto_fee.plus(rto_vat).minus(available) })
        }
        9 | 10 => Fact::ReturnAccepted(returned(roll)),
        _ => {
            let fees = commission.plus(vendor_vat).plus(if roll.chance(50) { cod_fee } else { Taka::ZERO });
            let before = if roll.chance(30) { returned(roll).held } else { Taka::ZERO };
            Fact::Matured(Matured { cause, net: goods.minus(fees).minus(before) })
        }
    }
}

/// Half of the goods, by one of three names: the third half is more than was bought.
fn returned(roll: &mut Roll) -> ReturnAccepted {
    let paisa = |paisa| Taka::from_paisa(paisa).expect("small");
    let (goods, commission, vat) = (paisa(59_070), paisa(5_907), paisa(886));
    let net = goods.minus(commission).minus(vat);
    let (held, available) = match roll.below(4) {
        0 | 1 => (net, Taka::ZERO),
        2 => (Taka::ZERO, paisa(roll.below(52_000) as i64)),
        _ => (Taka::ZERO, Taka::ZERO),
    };
    ReturnAccepted {
        ret: Id16([roll.below(3) as u8; 16]),
        customer: Subject::customer(id_of("C")),
        lines: vec![ReturnedPieces { sku: "RG-0001".into(), asked: 2, counted: 1, unit_price: goods }],
        goods,
        commission,
        vat,
        held,
        available,
        receivable: net.minus(held).minus(available),
        reason: 1,
        maker: id_of("maker"),
    }
}
