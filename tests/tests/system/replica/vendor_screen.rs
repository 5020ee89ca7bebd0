//! What a vendor's screens show, without a network: orders, a product of two devices, a payout.

use edge_node::screen::vendor::VendorList;
use edge_node::screen::vendor::money::PayoutLineOf;
use edge_node::screen::vendor::product::ProductAuthor;
use edge_node::store::Place;
use protocol::command::Command;
use protocol::document::product::ProductEdit;
use protocol::fact::{
    ChargeReversed, Distributed, EarningClawedBack, EarningOpened, Fact, ParcelCancelled, PayoutConfirmed,
    PayoutCreated, PayoutLine, PayoutReturned, PayoutWithFee, Put, ReturnAccepted, ReturnedPieces, RtoCharged,
};
use protocol::id::{Id16, Kind, OpId, Subject};
use protocol::intake::op_of;
use protocol::seat::Role;
use protocol::taka::Taka;

use super::seats::{World, acquaint, own};
use super::{DUE, folder};

fn taka(amount: i32) -> Taka {
    Taka::whole(amount)
}

fn terms(world: &World, parcel: Subject) -> Fact {
    Fact::EarningOpened(EarningOpened {
        parcel,
        vendor: world.vendor,
        goods: taka(1_000),
        delivery: taka(60),
        delivery_vat: taka(9),
        rounding: Taka::ZERO,
        commission: taka(100),
        cod_fee: taka(10),
        vendor_vat: Taka::from_paisa(1_650).unwrap(),
        rto_fee: taka(60),
        rto_vat: taka(9),
    })
}

#[test]
fn an_order_is_taken_on_and_then_called_off() {
    let (place, mut world) = (folder(), World::new());
    let node = world.node(place.path(), Role::Vendor, world.vendor, 40);
    let (parcel, placed) = world.parcel(30, DUE);
    let created = placed.ids()[2];
    node.receive(vec![placed]).unwrap();
    assert_eq!(node.vendor_orders(VendorList::New, 10).unwrap().orders[0].terms, None);
    let earning = Subject::earning_of(parcel);
    let put = Fact::Put(Put { generation: 1, subjects: vec![earning] });
    let opened = [op_of(world.vendor, &put, Vec::new()), op_of(earning, &terms(&world, parcel), Vec::new())];
    node.receive(vec![world.central_says(&opened)]).unwrap();

    let new = node.vendor_orders(VendorList::New, 10).unwrap();
    assert_eq!((new.new, new.to_pack, new.all, new.more), (1, 0, 1, false));
    let order = &new.orders[0];
    assert_eq!((order.parcel, order.label.clone(), order.act.is_none()), (parcel, parcel.label().to_string(), true));
    assert_eq!(order.terms.unwrap().net_paisa, 87_350);
    assert_eq!((order.lines[0].sku.as_str(), order.lines[0].qty), ("rice-5kg", 1));

    node.record([1; 16], &Command::Accept { parcel }).unwrap();
    let packing = node.vendor_orders(VendorList::ToPack, 10).unwrap();
    assert_eq!((packing.new, packing.to_pack), (0, 1));
    let act = packing.orders[0].act.clone().unwrap();
    assert_eq!((act.kind.as_str(), act.place), ("Accepted", Place::Device));
    let hello = node.store().hello().unwrap();
    node.store().set_safe(hello.inc, hello.last_seq).unwrap();
    let shown = |list| node.vendor_orders(list, 10).unwrap().orders.into_iter().next();
    assert_eq!(shown(VendorList::ToPack).unwrap().act.unwrap().place, Place::Hub);
    node.store().note_compared(7, true, true, None).unwrap();
    assert_eq!(shown(VendorList::ToPack).unwrap().act.unwrap().place, Place::Books);

    let now = own(&node)[0].ids()[0];
    let called_off = op_of(parcel, &Fact::ParcelCancelled(ParcelCancelled { by: 1 }), vec![now.short()]);
    assert_ne!(now, created);
    node.receive(vec![world.central_says(&[called_off])]).unwrap();
    let order = shown(VendorList::All).unwrap();
    assert_eq!((order.status.as_str(), order.restock), ("cancelled", true));
    assert!(shown(VendorList::Ready).is_none());
}

#[test]
fn two_devices_change_one_price_and_somebody_chooses() {
    let (places, world) = ([folder(), folder()], World::new());
    let shop = world.node(places[0].path(), Role::Vendor, world.vendor, 40);
    let phone = world.node(places[1].path(), Role::Vendor, world.vendor, 41);
    acquaint(&[&shop, &phone]);
    let edit = |price: i64| ProductEdit { price_paisa: Some(price), ..ProductEdit::default() };
    let rice = ProductEdit {
        name_en: Some("Miniket rice 5 kg".to_owned()),
        name_bn: Some("মিনিকেট চাল ৫ কেজি".to_owned()),
        unit: Some("bag".to_owned()),
        ..edit(40_000)
    };
    shop.new_product([1; 16], "rice-5kg", &rice).unwrap();
    let product = Subject::product(world.vendor, "rice-5kg");
    let mut world = world;
    let put = Fact::Put(Put { generation: 1, subjects: vec![product] });
    let routed = world.central_says(&[op_of(world.vendor, &put, Vec::new())]);
    for node in [&shop, &phone] {
        node.receive(vec![routed.clone()]).unwrap();
    }
    phone.receive(own(&shop)).unwrap();
    shop.vendor_edit_product([2; 16], product, &edit(41_000)).unwrap();
    phone
        .vendor_edit_product([3; 16], product, &ProductEdit { unit: Some("5 kg".to_owned()), ..edit(41_500) })
        .unwrap();
    shop.receive(own(&phone)).unwrap();

    let found = shop.vendor_products("MINIKET").unwrap().products;
    assert_eq!((found.len(), found[0].to_choose), (1, true));
    assert!(shop.vendor_products("ইলিশ").unwrap().products.is_empty());
    let told: Vec<&str> = found[0].told.iter().map(|told| told.field.as_str()).collect();
    assert!(told.contains(&"unit") && told.contains(&"price"), "{told:?}");
    assert!(found[0].told.iter().all(|told| told.who == ProductAuthor::OtherDevice));
    let price = |node: &edge_node::Node| {
        let shown = node.vendor_product(product).unwrap();
        shown.fields.into_iter().find(|field| field.field == "price").unwrap()
    };
    let both = price(&shop);
    let mut values = vec![both.used.value.clone(), both.others[0].value.clone()];
    values.sort();
    assert_eq!(values, [Some("41000".to_owned()), Some("41500".to_owned())]);
    shop.vendor_edit_product([4; 16], product, &edit(41_500)).unwrap();
    assert_eq!((price(&shop).used.value.as_deref(), price(&shop).others.len()), (Some("41500"), 0));
    phone.receive(own(&shop)).unwrap();
    assert_eq!(price(&phone).used.value.as_deref(), Some("41500"));
    let foreign = Subject::product(world.site, "rice-5kg");
    assert_eq!(shop.vendor_edit_product([5; 16], foreign, &edit(50)).unwrap_err().code, "unknown_subject");
}

#[test]
fn what_a_customer_brought_back_is_told_with_what_it_costs() {
    let (place, mut world) = (folder(), World::new());
    let node = world.node(place.path(), Role::Vendor, world.vendor, 40);
    let (parcel, placed) = world.parcel(30, DUE);
    let (earning, payout) = (Subject::earning_of(parcel), Subject::new(Kind::Payout, Id16([9; 16])));
    let put = Fact::Put(Put { generation: 1, subjects: vec![earning, payout] });
    let paisa = |paisa| Taka::from_paisa(paisa).unwrap();
    let accepted = |number: u8, (held, receivable): (i64, i64)| {
        Fact::ReturnAccepted(ReturnAccepted {
            ret: Id16([number; 16]),
            customer: Subject::customer(Id16([5; 16])),
            lines: vec![ReturnedPieces { sku: "rice-5kg".to_owned(), asked: 2, counted: 1, unit_price: paisa(50_000) }],
            goods: paisa(50_000),
            commission: paisa(5_000),
            vat: paisa(750),
            held: paisa(held),
            available: Taka::ZERO,
            receivable: paisa(receivable),
            reason: 2,
            maker: Id16([7; 16]),
        })
    };
    let lines = vec![PayoutLine { earning, net: paisa(87_350 - 44_250) }];
    let created = PayoutCreated { vendor: world.vendor, lines, total: paisa(87_350 - 44_250) };
    let distributed = Fact::Distributed(Distributed { cause: OpId([1; 32]) });
    let says = [
        op_of(world.vendor, &put, Vec::new()),
        op_of(earning, &terms(&world, parcel), Vec::new()),
        op_of(earning, &distributed, Vec::new()),
        op_of(earning, &accepted(1, (44_250, 0)), Vec::new()),
        op_of(payout, &Fact::PayoutCreated(created), Vec::new()),
        op_of(earning, &accepted(2, (0, 44_250)), Vec::new()),
    ];
    node.receive(vec![placed, world.central_says(&says)]).unwrap();
    let money = node.vendor_money().unwrap();
    assert_eq!((money.owed_paisa, money.held_paisa), (44_250, 87_350 - 44_250));
    assert_eq!(money.returns.len(), 2);
    let first = money.returns.iter().find(|one| one.owed_paisa == 0).unwrap();
    assert_eq!((first.goods_paisa, first.fees_back_paisa, first.net_paisa), (50_000, 5_750, 44_250));
    assert_eq!((first.label.clone(), first.reason), (Some(parcel.label().to_string()), 2));
    assert_eq!((first.lines[0].asked, first.lines[0].counted), (2, 1));
    let line = node.vendor_payout(payout).unwrap().parcels.remove(0);
    assert_eq!(line.terms.unwrap().net_paisa - line.returned_paisa, line.net_paisa, "the line adds up");
}

#[test]
fn a_payout_goes_down_to_its_parcels() {
    let (place, mut world) = (folder(), World::new());
    let node = world.node(place.path(), Role::Vendor, world.vendor, 40);
    let empty = node.vendor_money().unwrap();
    assert_eq!((empty.can_be_paid_paisa, empty.payouts.len(), empty.as_of_ms), (0, 0, None));
    let (parcel, placed) = world.parcel(30, DUE);
    let (earning, payout) = (Subject::earning_of(parcel), Subject::new(Kind::Payout, Id16([9; 16])));
    let foreign = Subject::new(Kind::Payout, Id16([8; 16]));
    let put = Fact::Put(Put { generation: 1, subjects: vec![earning, payout, foreign] });
    let of = |vendor| {
        let lines = vec![
            PayoutLine { earning, net: Taka::from_paisa(87_350).unwrap() },
            PayoutLine { earning: Subject::earning_of(earning), net: taka(-69) },
        ];
        Fact::PayoutCreated(PayoutCreated { vendor, lines, total: Taka::from_paisa(80_450).unwrap() })
    };
    let bank = Subject::bank("settlement");
    let says = [
        op_of(world.vendor, &put, Vec::new()),
        op_of(earning, &terms(&world, parcel), Vec::new()),
        op_of(payout, &of(world.vendor), Vec::new()),
        op_of(foreign, &of(world.site), Vec::new()),
    ];
    let created = world.central_says(&says);
    let first = created.ids()[2].short();
    node.receive(vec![placed, created]).unwrap();
    let money = node.vendor_money().unwrap();
    assert_eq!(money.payouts.len(), 1, "only the own ones");
    assert_eq!((money.payouts[0].total_paisa, money.payouts[0].sent_ms), (80_450, None));
    assert_eq!((money.payouts[0].parcels, money.payouts[0].deductions), (1, 1));
    let sent = Fact::PayoutConfirmed(PayoutConfirmed { bank, reference: "EFT-1".to_owned() });
    node.receive(vec![world.central_says(&[op_of(payout, &sent, vec![first])])]).unwrap();
    let detail = node.vendor_payout(payout).unwrap();
    assert_eq!(detail.payout.reference.as_deref(), Some("EFT-1"));
    assert_eq!(detail.parcels[0].label, Some(parcel.label().to_string()));
    assert_eq!(detail.parcels[0].terms.unwrap().net_paisa, 87_350);
    assert_eq!((detail.deductions[0].net_paisa, detail.deductions[0].label.clone()), (-6_900, None));
    assert_eq!(detail.deductions[0].of, PayoutLineOf::ReturnFee);
    assert_eq!(node.vendor_payout(foreign).unwrap_err().code, "not_found");

    // The bank sends it back: it reads as that, and is one line of the next payout, from which the first can be opened.
    let back = Fact::PayoutReturned(PayoutReturned { reason: 3, reference: "RTN-1".to_owned() });
    let next = Subject::new(Kind::Payout, Id16([10; 16]));
    let put = Fact::Put(Put { generation: 1, subjects: vec![next] });
    let total = Taka::from_paisa(80_450).unwrap();
    let (fee, vat) = (Taka::whole(10), Taka::from_paisa(150).unwrap());
    let lines = vec![PayoutLine { earning: payout, net: total }];
    let again = PayoutWithFee { vendor: world.vendor, lines, fee, vat, total: total.minus(fee).minus(vat) };
    let says = [
        op_of(payout, &back, vec![first]),
        op_of(world.vendor, &put, Vec::new()),
        op_of(next, &Fact::PayoutWithFee(again), Vec::new()),
    ];
    node.receive(vec![world.central_says(&says)]).unwrap();
    let returned = node.vendor_payout(payout).unwrap().payout;
    assert_eq!((returned.returned_ms.is_some(), returned.returned_reason), (true, Some(3)));
    // What sending it costs is a line that takes off, and the lines come to what is sent.
    let detail = node.vendor_payout(next).unwrap();
    let taken = &detail.deductions[0];
    assert_eq!((taken.of, taken.net_paisa, detail.payout.deductions), (PayoutLineOf::PayoutFee, -1_150, 1));
    assert_eq!(detail.payout.total_paisa, 80_450 - 1_150);
    let line = node.vendor_payout(next).unwrap().parcels.remove(0);
    assert_eq!((line.of, line.payout), (PayoutLineOf::ReturnedPayout, Some(payout)));
    assert_eq!(line.label, Some(payout.label().to_string()));
}

#[test]
fn a_line_of_a_payout_says_what_it_takes_and_what_it_gives_back() {
    let (place, mut world) = (folder(), World::new());
    let node = world.node(place.path(), Role::Vendor, world.vendor, 40);
    let (parcel, placed) = world.parcel(30, DUE);
    let earning = Subject::earning_of(parcel);
    let (door, hub, ripe) = (OpId([1; 32]), OpId([2; 32]), OpId([3; 32]));
    let (share, fee) = (Taka::from_paisa(87_350).unwrap(), taka(69));
    let back = EarningClawedBack { cause: door, matured: ripe, receivable: Taka::ZERO };
    let charged = RtoCharged { cause: hub, available: fee, receivable: Taka::ZERO };
    // Paid, then taken back, then charged, then the fee was none after all: each is a line of a payout of its own.
    let nets = [share, share.negated(), fee.negated(), fee];
    let payouts = [1, 2, 3, 4].map(|number| Subject::new(Kind::Payout, Id16([number; 16])));
    let mut says = vec![
        op_of(
            world.vendor,
            &Fact::Put(Put { generation: 1, subjects: [&[earning][..], &payouts].concat() }),
            Vec::new(),
        ),
        op_of(earning, &terms(&world, parcel), Vec::new()),
        op_of(earning, &Fact::EarningClawedBack(back), Vec::new()),
        op_of(earning, &Fact::RtoCharged(charged), Vec::new()),
        op_of(earning, &Fact::ChargeReversed(ChargeReversed { cause: hub, receivable: Taka::ZERO }), Vec::new()),
    ];
    for (payout, net) in payouts.iter().zip(nets) {
        // A payout is never below zero: another parcel's earning is in it.
        let other = PayoutLine { earning: Subject::earning_of(earning), net: taka(2_000) };
        let (lines, total) = (vec![PayoutLine { earning, net }, other], net.plus(other.net));
        let made = Fact::PayoutCreated(PayoutCreated { vendor: world.vendor, lines, total });
        says.push(op_of(*payout, &made, Vec::new()));
    }
    node.receive(vec![placed, world.central_says(&says)]).unwrap();
    let of = payouts.map(|payout| {
        let detail = node.vendor_payout(payout).unwrap();
        let lines = detail.parcels.iter().chain(&detail.deductions);
        lines.filter(|line| line.label.is_some()).map(|line| (line.of, line.earlier_paisa)).collect::<Vec<_>>()
    });
    let wanted = [PayoutLineOf::Parcel, PayoutLineOf::TakenBack, PayoutLineOf::ReturnFee, PayoutLineOf::FeeBack];
    assert_eq!(of, wanted.map(|of| vec![(of, 0)]));
}
