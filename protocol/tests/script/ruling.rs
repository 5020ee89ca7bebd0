//! What becomes of differences, and lines of a statement that nothing explains: J9b, J9c, J10a to J10c, J12b, J12c,
//! J13c, J29; R20.

use expect_test::{Expect, expect};

use crate::{LOADED, TWO_BAGS, check};

/// The hand-in of the due of 1,250, counted as told.
fn handed_in(counted: &str, rest: &[&str], expected: &Expect) {
    let count = format!("s1 counts H1 {counted}");
    check(&[&[LOADED, "a7 delivers P1 cash 1250", "a7 offers H1 1250", count.as_str()], rest].concat(), expected);
}

#[test]
fn j9b_j9c_missing_cash_is_repaid_in_part_and_the_rest_given_up() {
    handed_in(
        "1050",
        &[
            "central rules F1 repaid 150 of a7 at s1",
            "print F1",
            "central rules F2 written_off 50 of a7",
            "print F2",
            "books",
            "holds a7",
        ],
        &expect![[r#"
            F1: repaid 150.00 of a7
              J9b  Dr 1120{s1} 150.00  Cr 1140{a7} 150.00
            F2: written_off 50.00 of a7
              J9c  Dr 5050 50.00  Cr 1140{a7} 50.00
              1120{s1} 1,200.00
              2010{v1} -1,031.60
              2070 -28.49
              4010 -118.10
              4020 -60.00
              4030 -11.81
              5050 50.00
              trial balance 0.00
            a7 holds F1 F2 H1 P1
        "#]],
    );
}

#[test]
fn j11b_a_price_that_was_let_down_is_the_vendors_or_ours() {
    check(
        &[
            LOADED,
            "a7 delivers P1 cash 1200 confirmed",
            "central rules F1 conceded_by_vendor 30 of a7 at v1",
            "print F1",
            "central rules F2 conceded 20 of a7",
            "print F2",
            "books",
            "holds v1",
        ],
        &expect![[r#"
            F1: conceded_by_vendor 30.00 of a7
              J11b  Dr 1150{v1} 30.00  Cr 1140{a7} 30.00
            F2: conceded 20.00 of a7
              J11b  Dr 5080 20.00  Cr 1140{a7} 20.00
              1110{a7} 1,200.00
              1150{v1} 30.00
              2010{v1} -1,031.60
              2070 -28.49
              4010 -118.10
              4020 -60.00
              4030 -11.81
              5080 20.00
              trial balance 0.00
            v1 holds E1 F1 P1
        "#]],
    );
}

#[test]
fn j10a_to_j10c_cash_that_is_too_much_finds_its_owner() {
    handed_in(
        "1350",
        &[
            "central rules F1 to_customer 50 of a7 at customer",
            "central rules F2 to_giver 30 of a7 at s1",
            "central rules F3 unclaimed 20 of a7",
            "print F1",
            "print F2",
            "print F3",
            "books",
        ],
        &expect![[r#"
            F1: to_customer 50.00 of a7
              J10a  Dr 2090{a7} 50.00  Cr 2050{customer} 50.00
            F2: to_giver 30.00 of a7
              J10b  Dr 2090{a7} 30.00  Cr 1120{s1} 30.00
            F3: unclaimed 20.00 of a7
              J10c  Dr 2090{a7} 20.00  Cr 4060 20.00
              1120{s1} 1,320.00
              2010{v1} -1,031.60
              2050{customer} -50.00
              2070 -28.49
              4010 -118.10
              4020 -60.00
              4030 -11.81
              4060 -20.00
              trial balance 0.00
        "#]],
    );
}

#[test]
fn j12b_j12c_the_second_collection_is_refunded_or_was_a_record_only() {
    let both = "
        a7 delivers P1 cash 1250
        a8 delivers P1 cash 1250
        a7 syncs
        a8 syncs
    ";
    let rest = ["print P1", "central rules F1 recorded_in_error 1250 of P1 at a7", "print F1", "books"];
    check(
        &[&[LOADED, TWO_BAGS, both], &rest[..]].concat(),
        &expect![[r#"
        P1: delivered due 1,250.00 collected 2,500.00, with -, run of a8
          contested_delivery: Delivered by a7
          contested_delivery: Delivered by a8
          duplicate_money: Delivered by a7
          J4  Dr 1110{a8} 1,250.00  Cr 2045{P1} 1,250.00
          J12  Dr 1110{a7} 1,250.00  Cr 2095{P1} 1,250.00
        F1: recorded_in_error 1,250.00 of P1
          J12c  Dr 2095{P1} 1,250.00  Cr 1110{a7} 1,250.00
          1110{a8} 1,250.00
          2045{P1} -1,250.00
          trial balance 0.00
    "#]],
    );
    // He has handed in without it since, and was short: what he is owed makes that good.
    let rest = [
        "a7 offers H1 1250",
        "a7 syncs",
        "s1 counts H1 0",
        "central rules F1 owed_to_agent 1250 of P1 at a7",
        "central rules F2 from_pay 1250 of a7",
        "print F1",
        "print F2",
        "books",
    ];
    check(
        &[&[LOADED, TWO_BAGS, both], &rest[..]].concat(),
        &expect![[r#"
        F1: owed_to_agent 1,250.00 of P1
          J12d  Dr 2095{P1} 1,250.00  Cr 2110{a7} 1,250.00
        F2: from_pay 1,250.00 of a7
          J9a  Dr 2110{a7} 1,250.00  Cr 1140{a7} 1,250.00
          1110{a8} 1,250.00
          2045{P1} -1,250.00
          trial balance 0.00
    "#]],
    );
    let rest = ["central rules F1 excess_to_customer 1250 of P1 at customer", "print F1", "books"];
    check(
        &[&[LOADED, TWO_BAGS, both], &rest[..]].concat(),
        &expect![[r#"
        F1: excess_to_customer 1,250.00 of P1
          J12b  Dr 2095{P1} 1,250.00  Cr 2050{customer} 1,250.00
          1110{a7} 1,250.00
          1110{a8} 1,250.00
          2045{P1} -1,250.00
          2050{customer} -1,250.00
          trial balance 0.00
    "#]],
    );
}

#[test]
fn a_ruling_without_the_other_side_that_its_way_needs_moves_nothing() {
    check(
        &[
            "central rules F1 repaid 150 of a7",
            "central rules F2 repaid 150 of a7 at customer",
            "central rules F3 written_off 150 of a7 at s1",
            "print F1",
            "print F2",
            "print F3",
            "books",
        ],
        &expect![[r#"
            F1: repaid 150.00 of a7
            F2: repaid 150.00 of a7
            F3: written_off 150.00 of a7
              trial balance 0.00
        "#]],
    );
}

#[test]
fn j13c_j29_r20_a_charge_and_a_credit_that_a_late_record_explains() {
    check(
        &[
            "central books L1 charge 115",
            "central books L2 credit 1054",
            "print L1",
            "print L2",
            "books",
            "central remits M1 of s1 1054 kept 15",
            "central identifies L2 as M1",
            "print L2",
            "books",
            "central books L2 credit 900",
            "print L2",
        ],
        &expect![[r#"
            L1: charge -115.00, -
              J13c  Dr 5070 115.00  Cr 1010{dbbl} 115.00
            L2: waiting 1,054.00, -
              J29  Dr 1010{dbbl} 1,054.00  Cr 2080{L2} 1,054.00
              1010{dbbl} 939.00
              2080{L2} -1,054.00
              5070 115.00
              trial balance 0.00
            L2: identified 1,054.00, M1
              1010{dbbl} 939.00
              1180{s1} -1,069.00
              5020 15.00
              5070 115.00
              trial balance 0.00
            L2: identified 1,054.00, M1
              recorded_twice: LineBooked by T000000000000000000000000000
        "#]],
    );
}
