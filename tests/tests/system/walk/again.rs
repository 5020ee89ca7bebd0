//! A network repeats and reorders: bursts that come again change nothing, gaps close.

use protocol::fact::{Accepted, Fact, Packed};
use protocol::frame::Safe;

use super::hostile::{Pen, after, answered};
use super::house::House;
use super::raw::Raw;

#[tokio::test(flavor = "multi_thread")]
async fn walk_bursts_that_come_again_or_out_of_order_end_safe_once() {
    let house = House::start().await;
    let (hub, other) = (house.hub("hub-1").await, house.hub("hub-2").await);
    let vendor = house.vendor().await;
    let parcel = house.place("1").await;
    let mut pen = Pen::of(&vendor.node);
    let inc = pen.place.inc;
    let safe = |upto| vec![Safe { inc, upto }];
    let first = pen.write(&[after(&house, parcel, &Fact::Accepted(Accepted {})).await]);
    let second = pen.write(&[protocol::intake::op_of(
        parcel,
        &Fact::Packed(Packed { pieces: 1 }),
        vec![first.ids()[0].short()],
    )]);

    let (mut raw, _) = Raw::welcomed(&vendor.node, hub.quic).await;
    let (gap, refused) = answered(&mut raw, &[&second]).await;
    assert!(gap.iter().all(|safe| safe.upto == 0) && refused.is_empty(), "{gap:?} {refused:?}");
    let (mut elsewhere, welcome) = Raw::welcomed(&vendor.node, other.quic).await;
    let own = welcome.heads.iter().find(|head| head.inc == inc).unwrap();
    assert_eq!((own.upto, own.highest, own.forked), (0, 2, false));
    assert_eq!(answered(&mut elsewhere, &[&first]).await, (safe(2), vec![]));

    let (before, duplicates) = (house.digests().await, house.counter("duplicates_received").await);
    assert_eq!(answered(&mut raw, &[&first, &second, &first]).await, (safe(2), vec![]));
    assert_eq!(answered(&mut elsewhere, &[&second]).await, (safe(2), vec![]));
    let (mut third, _) = Raw::welcomed(&vendor.node, hub.quic).await;
    assert_eq!(answered(&mut third, &[&first]).await, (safe(2), vec![]));
    assert_eq!(house.digests().await, before);
    assert_eq!(house.counter("duplicates_received").await, duplicates + 5);
    other.stop().await;
    hub.stop().await;
    house.stop().await;
}
