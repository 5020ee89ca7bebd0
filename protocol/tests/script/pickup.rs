//! The pickup point: on the shelf, over the counter in steps, back when nobody comes; and what two
//! people write who do not know of each other (R4, R7, R8).

use expect_test::expect;

use crate::{LOADED, SHELVED, check};

#[test]
fn j4p_verified_paid_and_handed_over_step_by_step() {
    check(
        &[
            SHELVED,
            "print P1",
            "step P1",
            "k1 hands P1 over",
            "k1 takes P1 1250",
            "k1 verifies P1 wrong",
            "k1 verifies P1",
            "step P1",
            "k1 hands P1 over",
            "k1 takes P1 1200",
            "k1 takes P1 1300",
            "k1 takes P1 1250",
            "step P1",
            "print E1",
            "k1 takes P1 1250",
            "k1 hands P1 over",
            "print P1",
            "print E1",
            "k1 hands P1 over",
            "s1 receives P1",
            "books",
        ],
        &expect![[r#"
            P1: shelved due 1,250.00 collected 0.00, with k1, run of -, shelf A3
            P1: next verify
            k1 hands P1 over: not_verified - ask for the code of P1 first
            k1 takes P1 1250: not_verified - ask for the code of P1 first
            k1 verifies P1 wrong: code_mismatch - this is not the code of P1: ask the customer for the message about this parcel
            P1: next take_cash
            k1 hands P1 over: cash_needed - 1,250.00 taka are due on P1: enter what the customer paid
            k1 takes P1 1200: less - 1,250.00 taka are due, you entered 1,200.00: count again
            k1 takes P1 1300: more - 1,250.00 taka are due, you entered 1,300.00: give the rest back
            P1: next hand_over
            E1: open net 0.00
            k1 takes P1 1250: paid - P1 is paid already: take nothing
            P1: collected due 1,250.00 collected 1,250.00, with -, run of -
              J4p  Dr 1120{k1} 1,250.00  Cr 2045{P1} 1,250.00
            E1: distributed net 1,031.60
              J5  Dr 2045{P1} 1,250.00  Cr 2010{v1} 1,181.00  Cr 4020 60.00  Cr 2070 9.00
              J7  Dr 2010{v1} 149.40  Cr 4010 118.10  Cr 4030 11.81  Cr 2070 19.49
            k1 hands P1 over: delivered - P1 was given to the customer by k1 already: take no money
            s1 receives P1: recorded_delivered - P1 is recorded as given to the customer: look at the label, and say that it is back if it is
              1120{k1} 1,250.00
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
fn j36_a_partner_owes_what_he_took() {
    check(
        &[
            "pickup O1 k2 v1 P1 1250\nv1 packs P1\ns1 receives P1\ns1 forwards P1 to k2\nk2 receives P1",
            "k2 verifies P1",
            "k2 takes P1 1250",
            "k2 hands P1 over",
            "print P1",
            "books",
        ],
        &expect![[r#"
            v1 packs P1: wrong_state - P1 is placed: accept it first
            P1: collected due 1,250.00 collected 1,250.00, with -, run of -
              J36  Dr 1180{k2} 1,250.00  Cr 2045{P1} 1,250.00
              1180{k2} 1,250.00
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
fn papers_stand_in_for_a_locked_code() {
    check(
        &[SHELVED, "k1 checks P1", "k1 takes P1 1250", "k1 hands P1 over", "central cancels O1", "print P1"],
        &expect![[r#"
            P1: collected due 1,250.00 collected 1,250.00, with -, run of -, return requested
              J4p  Dr 1120{k1} 1,250.00  Cr 2045{P1} 1,250.00
        "#]],
    );
}

#[test]
fn a_hold_that_ends_goes_back_to_the_vendor() {
    check(
        &[
            SHELVED,
            "k1 forwards P1 to s1",
            "k1 expires P1",
            "k1 verifies P1",
            "k1 forwards P1 to s1",
            "print P1",
            "s1 receives P1",
            "s1 forwards P1 to k1",
            "s1 returns P1",
            "v1 takes back P1",
            "print P1",
            "print E1",
        ],
        &expect![[r#"
            k1 forwards P1 to s1: wrong_state - P1 is shelved: end its hold first
            k1 verifies P1: hold_ended - the hold of P1 is over: put it with what goes back
            P1: in_transit due 1,250.00 collected 0.00, with k1, run of -
            s1 forwards P1 to k1: hold_ended - the hold of P1 is over: put it with what goes back
            P1: returned due 1,250.00 collected 0.00, with v1, run of -
            E1: charged net -57.50
              J21  Dr 1150{v1} 57.50  Cr 4040 50.00  Cr 2070 7.50
        "#]],
    );
}

#[test]
fn a_van_is_faster_than_the_network() {
    check(
        &[
            "pickup O1 k1 v1 P1 1250\ns1 offline\ns1 receives P1\ns1 forwards P1 to k1",
            "k1 receives P1",
            "k1 shelves P1 A3",
            "s1 syncs",
            "print P1",
        ],
        &expect![[r#"
            P1: shelved due 1,250.00 collected 0.00, with k1, run of -, shelf A3
        "#]],
    );
}

#[test]
fn handed_over_with_nothing_verified_or_paid() {
    check(
        &[SHELVED, "k1 blindly verifies P1 wrong", "k1 blindly hands P1 over", "print P1", "print E1", "books"],
        &expect![[r#"
            P1: collected due 1,250.00 collected 0.00, with -, run of -
              code_mismatch: CodeVerified by k1
              unverified_handover: HandedOver by k1
              J11c  Dr 1140{k1} 1,250.00  Cr 2045{P1} 1,250.00
            E1: held net 0.00
              1140{k1} 1,250.00
              2045{P1} -1,250.00
              trial balance 0.00
        "#]],
    );
}

#[test]
fn j11_j11a_other_amounts_at_the_counter() {
    let with = |amount: &str| format!("k1 verifies P1\nk1 blindly takes P1 {amount}\nk1 hands P1 over\nprint P1");
    check(
        &[SHELVED, &with("1300")],
        &expect![[r#"
        P1: collected due 1,250.00 collected 1,300.00, with -, run of -
          J11  Dr 1120{k1} 1,300.00  Cr 2045{P1} 1,250.00  Cr 2095{P1} 50.00
    "#]],
    );
    check(
        &[SHELVED, &with("1200")],
        &expect![[r#"
        P1: collected due 1,250.00 collected 1,200.00, with -, run of -
          J11a  Dr 1120{k1} 1,200.00  Dr 1140{k1} 50.00  Cr 2045{P1} 1,250.00
    "#]],
    );
}

#[test]
fn j12_the_counter_takes_the_cash_twice() {
    check(
        &[
            SHELVED,
            "k1 verifies P1",
            "k1 takes P1 1250 twice 1300",
            "print P1",
            "k1 blindly takes P1 1250",
            "k1 hands P1 over",
            "print P1",
            "print E1",
        ],
        &expect![[r#"
            P1: shelved due 1,250.00 collected 1,300.00, with k1, run of -, shelf A3
              double_tap_differs: CounterPaid by k1
              J11  Dr 1120{k1} 1,300.00  Cr 2045{P1} 1,250.00  Cr 2095{P1} 50.00
            P1: collected due 1,250.00 collected 2,550.00, with -, run of -
              double_tap_differs: CounterPaid by k1
              duplicate_money: CounterPaid by k1
              J11  Dr 1120{k1} 1,300.00  Cr 2045{P1} 1,250.00  Cr 2095{P1} 50.00
              J12  Dr 1120{k1} 1,250.00  Cr 2095{P1} 1,250.00
            E1: held net 0.00
        "#]],
    );
}

#[test]
fn r4_cash_at_the_door_and_at_the_counter() {
    // The hub gave it to a7 before it knew that the customer fetches it.
    check(
        &[
            SHELVED,
            "k1 offline",
            "k1 verifies P1",
            "k1 takes P1 1250",
            "k1 hands P1 over",
            "a7 blindly delivers P1 cash 1250 by E3",
            "print P1",
            "k1 syncs",
            "print P1",
            "print E1",
            "books",
        ],
        &expect![[r#"
            P1: delivered due 1,250.00 collected 1,250.00, with -, run of -
              not_in_custody: Delivered by a7
              unlisted_pair: Shelved by k1
              J4  Dr 1110{a7} 1,250.00  Cr 2045{P1} 1,250.00
            P1: collected due 1,250.00 collected 2,500.00, with -, run of -
              contested_delivery: Delivered by a7
              duplicate_money: Delivered by a7
              not_in_custody: Delivered by a7
              J4p  Dr 1120{k1} 1,250.00  Cr 2045{P1} 1,250.00
              J12  Dr 1110{a7} 1,250.00  Cr 2095{P1} 1,250.00
            E1: held net 0.00
              1110{a7} 1,250.00
              1120{k1} 1,250.00
              2045{P1} -1,250.00
              2095{P1} -1,250.00
              trial balance 0.00
        "#]],
    );
}

#[test]
fn r8_a_cancellation_wins_while_nothing_has_moved() {
    check(
        &[
            "order O1 of v1: P1 due 1250\nv1 offline",
            "central cancels O1",
            "v1 accepts P1",
            "v1 packs P1",
            "v1 syncs",
            "print P1",
            "v1 packs P1",
        ],
        &expect![[r#"
            P1: cancelled due 1,250.00 collected 0.00, with v1, run of -
            v1 packs P1: wrong_state - P1 is cancelled: accept it first
        "#]],
    );
}

#[test]
fn r8_a_cancellation_of_a_parcel_under_way_asks_to_stop() {
    check(
        &[
            LOADED,
            "a7 offline",
            "central cancels O1",
            "print P1",
            "a7 syncs",
            "a7 delivers P1 cash 1250",
            "a7 fails P1 refused",
            "s1 receives P1",
            "s1 dispatches P1 to a8",
            "s1 returns P1",
            "v1 takes back P1",
            "print P1",
        ],
        &expect![[r#"
            P1: loaded due 1,250.00 collected 0.00, with a7, run of a7, stop requested
            a7 delivers P1 cash 1250: cancelled - the customer cancelled P1: do not hand it over, bring it back
            s1 dispatches P1 to a8: cancelled - the customer cancelled P1: do not hand it over, bring it back
            P1: returned due 1,250.00 collected 0.00, with v1, run of -, stop requested
        "#]],
    );
    check(
        &[
            SHELVED,
            "central cancels O1",
            "print P1",
            "k1 verifies P1",
            "k1 takes P1 1250",
            "k1 forwards P1 to s1",
            "s1 receives P1",
            "s1 forwards P1 to k1",
            "print P1",
        ],
        &expect![[r#"
            P1: shelved due 1,250.00 collected 0.00, with k1, run of -, shelf A3, stop requested
            k1 verifies P1: cancelled - the customer cancelled P1: do not hand it over, bring it back
            k1 takes P1 1250: cancelled - the customer cancelled P1: do not hand it over, bring it back
            s1 forwards P1 to k1: cancelled - the customer cancelled P1: do not hand it over, bring it back
            P1: at_hub due 1,250.00 collected 0.00, with s1, run of -, stop requested
        "#]],
    );
}

#[test]
fn r7_cancelled_and_handed_over() {
    check(
        &[
            SHELVED,
            "k1 offline",
            "k1 verifies P1",
            "k1 takes P1 1250",
            "k1 hands P1 over",
            "central cancels O1",
            "k1 syncs",
            "print P1",
            "print E1",
        ],
        &expect![[r#"
            P1: collected due 1,250.00 collected 1,250.00, with -, run of -, return requested
              J4p  Dr 1120{k1} 1,250.00  Cr 2045{P1} 1,250.00
            E1: distributed net 1,031.60
              J5  Dr 2045{P1} 1,250.00  Cr 2010{v1} 1,181.00  Cr 4020 60.00  Cr 2070 9.00
              J7  Dr 2010{v1} 149.40  Cr 4010 118.10  Cr 4030 11.81  Cr 2070 19.49
        "#]],
    );
}

#[test]
fn another_sites_parcel_is_set_aside() {
    check(
        &[SHELVED, "s1 dispatches P1 to a7", "s1 shelves P1 B1", "s1 takes P1 1250", "k2 receives P1"],
        &expect![[r#"
            s1 dispatches P1 to a7: wrong_site - P1 belongs to k1: set it aside
            s1 shelves P1 B1: wrong_site - P1 belongs to k1: set it aside
            s1 takes P1 1250: wrong_site - P1 belongs to k1: set it aside
            k2 receives P1: unknown_subject - P1 is not known here: scan it again, or sync first
        "#]],
    );
}
