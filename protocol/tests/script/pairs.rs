//! Facts that did not know of each other: R1, R2, R7, J12, and pairs that no rule settles.

use expect_test::expect;

use crate::{LOADED, TWO_BAGS, check};

#[test]
fn r1_a_double_tap_is_one_act() {
    check(
        &[
            LOADED,
            "a7 delivers P1 cash 1250 twice",
            "print P1",
            "a7 offers H1 1250",
            "s1 counts H1 1250 twice",
            "print H1",
            "books",
        ],
        &expect![[r#"
            P1: delivered due 1,250.00 collected 1,250.00, with -, run of a7
              J4  Dr 1110{a7} 1,250.00  Cr 2045{P1} 1,250.00
            H1: counted a7 to s1, offered 1,250.00, counted 1,250.00
              J8  Dr 1120{s1} 1,250.00  Cr 1110{a7} 1,250.00
              1120{s1} 1,250.00
              2010{v1} -1,031.60
              2070 -28.49
              4010 -118.10
              4020 -60.00
              4030 -11.81
              trial balance 0.00
        "#]],
    );
}

#[test]
fn r1_a_double_tap_with_two_amounts_owes_the_larger() {
    check(
        &[
            LOADED,
            "a7 delivers P1 cash 1250 twice 1300",
            "print P1",
            "print E1",
            "a7 offers H1 1300",
            "s1 counts H1 1250 twice 1300",
            "print H1",
            "books",
        ],
        &expect![[r#"
            P1: delivered due 1,250.00 collected 1,300.00, with -, run of a7
              double_tap_differs: Delivered by a7
              J11  Dr 1110{a7} 1,300.00  Cr 2045{P1} 1,250.00  Cr 2095{P1} 50.00
            E1: held net 1,031.60
              J5  Dr 2045{P1} 1,250.00  Cr 2010{v1} 1,181.00  Cr 4020 60.00  Cr 2070 9.00
              J7  Dr 2010{v1} 149.40  Cr 4010 118.10  Cr 4030 11.81  Cr 2070 19.49
            H1: counted a7 to s1, offered 1,300.00, counted 1,300.00
              double_tap_differs: HandInCounted by s1
              J8  Dr 1120{s1} 1,300.00  Cr 1110{a7} 1,300.00
              1120{s1} 1,300.00
              2010{v1} -1,031.60
              2070 -28.49
              2095{P1} -50.00
              4010 -118.10
              4020 -60.00
              4030 -11.81
              trial balance 0.00
        "#]],
    );
}

#[test]
fn r2_j12_two_agents_deliver_and_both_collect() {
    check(
        &[
            LOADED,
            TWO_BAGS,
            "a7 delivers P1 cash 1250 by E1",
            "a8 delivers P1 cash 1250 by E3",
            "a7 syncs",
            "print P1",
            "print E1",
            "a8 syncs",
            "print P1",
            "print E1",
            "ledger P1",
            "books",
        ],
        &expect![[r#"
            P1: delivered due 1,250.00 collected 1,250.00, with -, run of a8
              unlisted_pair: Loaded by a8
              J4  Dr 1110{a7} 1,250.00  Cr 2045{P1} 1,250.00
            E1: held net 0.00
            P1: delivered due 1,250.00 collected 2,500.00, with -, run of a8
              contested_delivery: Delivered by a7
              duplicate_money: Delivered by a7
              J4  Dr 1110{a8} 1,250.00  Cr 2045{P1} 1,250.00
              J12  Dr 1110{a7} 1,250.00  Cr 2095{P1} 1,250.00
            E1: held net 0.00
              rev 0 posts J4  Dr 1110{a7} 1,250.00  Cr 2045{P1} 1,250.00
              rev 1 reverses J4  Cr 1110{a7} 1,250.00  Dr 2045{P1} 1,250.00
              rev 0 posts J12  Dr 1110{a7} 1,250.00  Cr 2095{P1} 1,250.00
              rev 0 posts J4  Dr 1110{a8} 1,250.00  Cr 2045{P1} 1,250.00
              1110{a7} 1,250.00
              1110{a8} 1,250.00
              2045{P1} -1,250.00
              2095{P1} -1,250.00
              trial balance 0.00
        "#]],
    );
}

#[test]
fn r2_two_agents_deliver_and_one_collects() {
    check(
        &[
            LOADED,
            TWO_BAGS,
            "a7 blindly delivers P1 by E2",
            "a8 delivers P1 cash 1250",
            "a8 syncs",
            "a7 syncs",
            "print P1",
            "books",
        ],
        &expect![[r#"
            P1: delivered due 1,250.00 collected 1,250.00, with -, run of a8
              contested_delivery: Delivered by a8
              J4  Dr 1110{a8} 1,250.00  Cr 2045{P1} 1,250.00
              1110{a8} 1,250.00
              2010{v1} -1,031.60
              2070 -28.49
              4010 -118.10
              4020 -60.00
              4030 -11.81
              trial balance 0.00
        "#]],
    );
}

#[test]
fn r7_cancelled_and_delivered_on_a_tap_is_contested() {
    check(
        &[
            LOADED,
            "a7 offline",
            "central cancels O1",
            "a7 delivers P1 cash 1250 by E1",
            "print P1",
            "a7 syncs",
            "print P1",
            "print E1",
            "print O1",
            "books",
        ],
        &expect![[r#"
            P1: loaded due 1,250.00 collected 0.00, with a7, run of a7, stop requested
            P1: delivered due 1,250.00 collected 1,250.00, with -, run of a7
              cancelled_and_delivered: Delivered by a7
              J4  Dr 1110{a7} 1,250.00  Cr 2045{P1} 1,250.00
            E1: held net 0.00
            O1: cancelled total 1,250.00
              1110{a7} 1,250.00
              2045{P1} -1,250.00
              trial balance 0.00
        "#]],
    );
}

#[test]
fn r7_cancelled_and_delivered_with_evidence_asks_it_back() {
    check(
        &[
            LOADED,
            "a7 offline",
            "central cancels O1",
            "a7 delivers P1 cash 1250 by E2",
            "a7 syncs",
            "print P1",
            "print E1",
            "books",
        ],
        &expect![[r#"
            P1: delivered due 1,250.00 collected 1,250.00, with -, run of a7, return requested
              J4  Dr 1110{a7} 1,250.00  Cr 2045{P1} 1,250.00
            E1: distributed net 1,031.60
              J5  Dr 2045{P1} 1,250.00  Cr 2010{v1} 1,181.00  Cr 4020 60.00  Cr 2070 9.00
              J7  Dr 2010{v1} 149.40  Cr 4010 118.10  Cr 4030 11.81  Cr 2070 19.49
              1110{a7} 1,250.00
              2010{v1} -1,031.60
              2070 -28.49
              4010 -118.10
              4020 -60.00
              4030 -11.81
              trial balance 0.00
        "#]],
    );
}

#[test]
fn r7_a_cancellation_that_knew_of_the_delivery_does_not_undo_it() {
    let cancelled = ["central cancels O1", "print P1", "print E1", "books"].join("\n");
    check(
        &[LOADED, "a7 delivers P1 cash 1250 by E2", &cancelled],
        &expect![[r#"
        P1: delivered due 1,250.00 collected 1,250.00, with -, run of a7, return requested
          J4  Dr 1110{a7} 1,250.00  Cr 2045{P1} 1,250.00
        E1: distributed net 1,031.60
          J5  Dr 2045{P1} 1,250.00  Cr 2010{v1} 1,181.00  Cr 4020 60.00  Cr 2070 9.00
          J7  Dr 2010{v1} 149.40  Cr 4010 118.10  Cr 4030 11.81  Cr 2070 19.49
          1110{a7} 1,250.00
          2010{v1} -1,031.60
          2070 -28.49
          4010 -118.10
          4020 -60.00
          4030 -11.81
          trial balance 0.00
    "#]],
    );
    check(
        &[LOADED, "a7 delivers P1 cash 1250 by E1", &cancelled],
        &expect![[r#"
        P1: delivered due 1,250.00 collected 1,250.00, with -, run of a7
          cancelled_and_delivered: Delivered by a7
          J4  Dr 1110{a7} 1,250.00  Cr 2045{P1} 1,250.00
        E1: held net 1,031.60
          J5  Dr 2045{P1} 1,250.00  Cr 2010{v1} 1,181.00  Cr 4020 60.00  Cr 2070 9.00
          J7  Dr 2010{v1} 149.40  Cr 4010 118.10  Cr 4030 11.81  Cr 2070 19.49
          1110{a7} 1,250.00
          2010{v1} -1,031.60
          2070 -28.49
          4010 -118.10
          4020 -60.00
          4030 -11.81
          trial balance 0.00
    "#]],
    );
}

#[test]
fn a_cancellation_before_the_parcel_moves_is_all() {
    check(
        &[
            "order O1 of v1: P1 due 1250 and v2: P2 due 500",
            "v1 accepts P1",
            "central cancels O1",
            "v1 packs P1",
            "print O1",
            "print P1",
            "print P2",
        ],
        &expect![[r#"
            v1 packs P1: wrong_state - P1 is cancelled: accept it first
            O1: cancelled total 1,750.00
            P1: cancelled due 1,250.00 collected 0.00, with v1, run of -
            P2: cancelled due 500.00 collected 0.00, with v2, run of -
        "#]],
    );
}

#[test]
fn r8_a_cancellation_that_the_vendor_did_not_know_of_wins() {
    check(
        &[
            "order O1 of v1: P1 due 1250",
            "v1 accepts P1",
            "v1 offline",
            "central cancels O1",
            "v1 packs P1",
            "v1 syncs",
            "print P1",
        ],
        &expect![[r#"
            P1: cancelled due 1,250.00 collected 0.00, with v1, run of -
        "#]],
    );
}

#[test]
fn a_scan_at_the_hub_comes_before_the_phone_has_synced() {
    check(
        &[LOADED, "a7 offline", "a7 fails P1 cash_not_ready", "s1 receives P1", "a7 syncs", "print P1"],
        &expect![[r#"
            P1: at_hub due 1,250.00 collected 0.00, with s1, run of -
        "#]],
    );
}

#[test]
fn a_pair_that_no_rule_settles_waits() {
    check(
        &[LOADED, "a7 offline", "a7 fails P1 cash_not_ready", "s1 dispatches P1 to a8", "a7 syncs", "print P1"],
        &expect![[r#"
            P1: on_run due 1,250.00 collected 0.00, with s1, run of a8
              unlisted_pair: Attempted by a7
        "#]],
    );
}

#[test]
fn a_delivery_by_somebody_who_did_not_hold_the_parcel() {
    check(
        &[
            LOADED,
            "a9 delivers P1 cash 1250",
            "a8 loads P1",
            "a9 blindly delivers P1 cash 1250",
            "print P1",
            "print E1",
            "books",
        ],
        &expect![[r#"
            a9 delivers P1 cash 1250: unknown_subject - P1 is not known here: scan it again, or sync first
            a8 loads P1: unknown_subject - P1 is not known here: scan it again, or sync first
            P1: delivered due 1,250.00 collected 1,250.00, with -, run of a7
              not_in_custody: Delivered by a9
              unlisted_pair: Loaded by a7
              J4  Dr 1110{a9} 1,250.00  Cr 2045{P1} 1,250.00
            E1: held net 0.00
              1110{a9} 1,250.00
              2045{P1} -1,250.00
              trial balance 0.00
        "#]],
    );
}

#[test]
fn r2_a_second_delivery_that_took_nothing_posts_nothing() {
    let both = "a7 delivers P1 cash 1250 by E3\na8 delivers P1 cash 0 confirmed\na7 syncs\na8 syncs";
    check(
        &[LOADED, TWO_BAGS, both, "print P1", "ledger P1"],
        &expect![[r#"
        P1: delivered due 1,250.00 collected 1,250.00, with -, run of a8
          contested_delivery: Delivered by a8
          J4  Dr 1110{a7} 1,250.00  Cr 2045{P1} 1,250.00
          rev 0 posts J4  Dr 1110{a7} 1,250.00  Cr 2045{P1} 1,250.00
    "#]],
    );
}
