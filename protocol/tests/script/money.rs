//! One parcel and its money: J4, J5, J7, J11, J11a, J11c, J21, J32; refused, apart, newer, revoked.

use expect_test::expect;

use crate::{LOADED, check};

#[test]
fn j4_the_due_in_full_and_j5_j7_its_distribution() {
    check(
        &[LOADED, "a7 delivers P1 cash 1250", "print P1", "print E1", "print O1", "books", "holds a7", "holds v1"],
        &expect![[r#"
            P1: delivered due 1,250.00 collected 1,250.00, with -, run of a7
              J4  Dr 1110{a7} 1,250.00  Cr 2045{P1} 1,250.00
            E1: distributed net 1,031.60
              J5  Dr 2045{P1} 1,250.00  Cr 2010{v1} 1,181.00  Cr 4020 60.00  Cr 2070 9.00
              J7  Dr 2010{v1} 149.40  Cr 4010 118.10  Cr 4030 11.81  Cr 2070 19.49
            O1: placed total 1,250.00
              1110{a7} 1,250.00
              2010{v1} -1,031.60
              2070 -28.49
              4010 -118.10
              4020 -60.00
              4030 -11.81
              trial balance 0.00
            a7 holds P1
            v1 holds E1 P1
        "#]],
    );
}

#[test]
fn j4_j5_j7_with_the_reference_figures() {
    check(
        &[&LOADED.replace("1250", "1069"), "a7 delivers P1 cash 1069", "print P1", "print E1", "books"],
        &expect![[r#"
            P1: delivered due 1,069.00 collected 1,069.00, with -, run of a7
              J4  Dr 1110{a7} 1,069.00  Cr 2045{P1} 1,069.00
            E1: distributed net 873.50
              J5  Dr 2045{P1} 1,069.00  Cr 2010{v1} 1,000.00  Cr 4020 60.00  Cr 2070 9.00
              J7  Dr 2010{v1} 126.50  Cr 4010 100.00  Cr 4030 10.00  Cr 2070 16.50
              1110{a7} 1,069.00
              2010{v1} -873.50
              2070 -25.50
              4010 -100.00
              4020 -60.00
              4030 -10.00
              trial balance 0.00
        "#]],
    );
}

#[test]
fn j32_odd_paisa_of_a_due_are_ours() {
    check(
        &[&LOADED.replace("1250", "1069.40"), "a7 delivers P1 cash 1069", "print P1", "print E1", "books"],
        &expect![[r#"
            P1: delivered due 1,069.00 collected 1,069.00, with -, run of a7
              J4  Dr 1110{a7} 1,069.00  Cr 2045{P1} 1,069.00
            E1: distributed net 873.85
              J5  Dr 2045{P1} 1,069.40  Cr 2010{v1} 1,000.40  Cr 4020 60.00  Cr 2070 9.00
              J7  Dr 2010{v1} 126.55  Cr 4010 100.04  Cr 4030 10.00  Cr 2070 16.51
              J32  Dr 5090 0.40  Cr 2045{P1} 0.40
              1110{a7} 1,069.00
              2010{v1} -873.85
              2070 -25.51
              4010 -100.04
              4020 -60.00
              4030 -10.00
              5090 0.40
              trial balance 0.00
        "#]],
    );
}

#[test]
fn j11_r13_more_than_due() {
    check(
        &[LOADED, "a7 delivers P1 cash 1300", "a7 delivers P1 cash 1300 confirmed", "print P1", "books"],
        &expect![[r#"
            a7 delivers P1 cash 1300: amount_differs - 1,250.00 taka are due, you entered 1,300.00: confirm the difference, or enter the amount again
            P1: delivered due 1,250.00 collected 1,300.00, with -, run of a7
              J11  Dr 1110{a7} 1,300.00  Cr 2045{P1} 1,250.00  Cr 2095{P1} 50.00
              1110{a7} 1,300.00
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
fn j11a_r12_less_than_due() {
    check(
        &[LOADED, "a7 delivers P1 cash 1200", "a7 delivers P1 cash 1200 confirmed", "print P1", "books"],
        &expect![[r#"
            a7 delivers P1 cash 1200: amount_differs - 1,250.00 taka are due, you entered 1,200.00: confirm the difference, or enter the amount again
            P1: delivered due 1,250.00 collected 1,200.00, with -, run of a7
              J11a  Dr 1110{a7} 1,200.00  Dr 1140{a7} 50.00  Cr 2045{P1} 1,250.00
              1110{a7} 1,200.00
              1140{a7} 50.00
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
fn j11c_no_cash_at_all() {
    check(
        &[LOADED, "a7 delivers P1", "a7 blindly delivers P1", "print P1", "print E1", "books"],
        &expect![[r#"
        a7 delivers P1: cash_needed - 1,250.00 taka are due on P1: enter what the customer paid
        P1: delivered due 1,250.00 collected 0.00, with -, run of a7
          J11c  Dr 1140{a7} 1,250.00  Cr 2045{P1} 1,250.00
        E1: distributed net 1,031.60
          J5  Dr 2045{P1} 1,250.00  Cr 2010{v1} 1,181.00  Cr 4020 60.00  Cr 2070 9.00
          J7  Dr 2010{v1} 149.40  Cr 4010 118.10  Cr 4030 11.81  Cr 2070 19.49
          1140{a7} 1,250.00
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
fn an_absurd_amount_posts_and_waits() {
    check(
        &[LOADED, "a7 delivers P1 cash 125000 confirmed", "print P1", "print E1"],
        &expect![[r#"
        P1: delivered due 1,250.00 collected 125,000.00, with -, run of a7
          absurd_amount: Delivered by a7
          J11  Dr 1110{a7} 125,000.00  Cr 2045{P1} 1,250.00  Cr 2095{P1} 123,750.00
        E1: held net 0.00
    "#]],
    );
}

#[test]
fn j21_a_return_is_charged_to_what_the_vendor_has_and_then_owes() {
    let back = "
        a7 fails P1 refused
        print P1
        s1 receives P1
        s1 returns P1
        v1 takes back P1
        print P1
        print E1
        books
    ";
    check(
        &[LOADED, back],
        &expect![[r#"
        P1: refused due 1,250.00 collected 0.00, with a7, run of -
        P1: returned due 1,250.00 collected 0.00, with v1, run of -
        E1: charged net -57.50
          J21  Dr 1150{v1} 57.50  Cr 4040 50.00  Cr 2070 7.50
          1150{v1} 57.50
          2070 -7.50
          4040 -50.00
          trial balance 0.00
    "#]],
    );
    check(
        &[LOADED, "central owes v1 30", back.trim_start()],
        &expect![[r#"
        P1: refused due 1,250.00 collected 0.00, with a7, run of -
        P1: returned due 1,250.00 collected 0.00, with v1, run of -
        E1: charged net -57.50
          J21  Dr 2020{v1} 30.00  Dr 1150{v1} 27.50  Cr 4040 50.00  Cr 2070 7.50
          1150{v1} 27.50
          2070 -7.50
          4040 -50.00
          trial balance 0.00
    "#]],
    );
}

#[test]
fn a_failed_attempt_and_another_try() {
    check(
        &[LOADED, "a7 fails P1 unreachable", "print P1", "a7 delivers P1 cash 1250", "print P1"],
        &expect![[r#"
        P1: attempted due 1,250.00 collected 0.00, with a7, run of a7
        P1: delivered due 1,250.00 collected 1,250.00, with -, run of a7
          J4  Dr 1110{a7} 1,250.00  Cr 2045{P1} 1,250.00
    "#]],
    );
}

#[test]
fn a_newer_kind_is_kept_and_nothing_is_paid_on_it() {
    check(
        &[LOADED, "a7 sends newer fact on P1", "a7 delivers P1 cash 1250", "print P1", "print E1", "books"],
        &expect![[r#"
            P1: delivered due 1,250.00 collected 1,250.00, with -, run of a7, newer
              J4  Dr 1110{a7} 1,250.00  Cr 2045{P1} 1,250.00
            E1: open net 0.00
              1110{a7} 1,250.00
              2045{P1} -1,250.00
              trial balance 0.00
        "#]],
    );
}

#[test]
fn a_broken_payload_is_apart_and_does_not_fold() {
    check(
        &[LOADED, "a7 sends broken fact on P1", "a7 delivers P1 cash 1250", "print P1", "print E1"],
        &expect![[r#"
        P1: delivered due 1,250.00 collected 1,250.00, with -, run of a7
          J4  Dr 1110{a7} 1,250.00  Cr 2045{P1} 1,250.00
          apart: broken_payload
        E1: distributed net 1,031.60
          J5  Dr 2045{P1} 1,250.00  Cr 2010{v1} 1,181.00  Cr 4020 60.00  Cr 2070 9.00
          J7  Dr 2010{v1} 149.40  Cr 4010 118.10  Cr 4030 11.81  Cr 2070 19.49
    "#]],
    );
}

#[test]
fn a_class_that_is_not_the_seats_is_refused() {
    check(
        &[LOADED, "a7 sends foreign fact on P1", "refused", "a7 delivers P1 cash 1250", "print P1"],
        &expect![[r#"
          refused: class_not_yours
        P1: delivered due 1,250.00 collected 1,250.00, with -, run of a7
          J4  Dr 1110{a7} 1,250.00  Cr 2045{P1} 1,250.00
    "#]],
    );
}

#[test]
fn what_a_revoked_seat_wrote_afterwards_folds_and_waits() {
    check(
        &[
            LOADED,
            "a7 offline",
            "central revokes a7",
            "a7 delivers P1 cash 1250",
            "a7 syncs",
            "print P1",
            "print E1",
            "books",
        ],
        &expect![[r#"
            P1: delivered due 1,250.00 collected 1,250.00, with -, run of a7
              revoked_author: Delivered by a7
              J4  Dr 1110{a7} 1,250.00  Cr 2045{P1} 1,250.00
            E1: held net 0.00
              1110{a7} 1,250.00
              2045{P1} -1,250.00
              trial balance 0.00
        "#]],
    );
}

#[test]
fn what_central_knew_before_the_revocation_stands() {
    check(
        &[LOADED, "a7 delivers P1 cash 1250", "central revokes a7", "print P1", "print E1"],
        &expect![[r#"
        P1: delivered due 1,250.00 collected 1,250.00, with -, run of a7
          J4  Dr 1110{a7} 1,250.00  Cr 2045{P1} 1,250.00
        E1: distributed net 1,031.60
          J5  Dr 2045{P1} 1,250.00  Cr 2010{v1} 1,181.00  Cr 4020 60.00  Cr 2070 9.00
          J7  Dr 2010{v1} 149.40  Cr 4010 118.10  Cr 4030 11.81  Cr 2070 19.49
    "#]],
    );
}

#[test]
fn decisions_refuse_with_a_code_and_a_sentence() {
    check(
        &[
            "order O1 of v1: P1 due 1250",
            "v2 accepts P1",
            "v1 packs P1",
            "s1 dispatches P1 to a7",
            "a7 loads P1",
            "v1 accepts P1",
            "v1 accepts P1",
            "s1 receives P1",
            "s1 dispatches P1 to a7",
            "a8 loads P1",
            "a7 delivers P1 cash 1250",
            "a7 loads P1",
            "a7 delivers P1 cash 1251",
            "a7 delivers P1 cash -3",
            "a7 delivers P1 cash 1250 by E9",
            "a7 offers H1 0",
            "s1 receives P1",
            "print P1",
        ],
        &expect![[r#"
            v2 accepts P1: unknown_subject - P1 is not known here: scan it again, or sync first
            v1 packs P1: wrong_state - P1 is placed: accept it first
            s1 dispatches P1 to a7: wrong_state - P1 is placed: scan it in first
            a7 loads P1: unknown_subject - P1 is not known here: scan it again, or sync first
            v1 accepts P1: wrong_state - P1 is accepted: only a new parcel can be accepted
            a8 loads P1: unknown_subject - P1 is not known here: scan it again, or sync first
            a7 delivers P1 cash 1250: not_yours - P1 is not in your hands: load it first, or give it to whoever has it on his run
            a7 delivers P1 cash 1251: amount_differs - 1,250.00 taka are due, you entered 1,251.00: confirm the difference, or enter the amount again
            a7 delivers P1 cash -3: bad_amount - the amount must be from 0 to 1,000,000,000,000 taka
            a7 delivers P1 cash 1250 by E9: bad_evidence - the evidence must be from 1 (tap) to 5 (customer's code)
            a7 offers H1 0: bad_amount - the amount must be from 0 to 1,000,000,000,000 taka
            P1: at_hub due 1,250.00 collected 0.00, with s1, run of -
        "#]],
    );
}
