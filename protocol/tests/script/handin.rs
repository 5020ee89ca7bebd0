//! Cash handed in and counted: J8, J9, J10; R14 to R17.

use expect_test::expect;

use crate::{LOADED, check};

#[test]
fn j8_r14_exact_cash_counted() {
    check(
        &[
            LOADED,
            "a7 delivers P1 cash 1250",
            "a7 offers H1 1300",
            "a7 offers H1 1250",
            "s1 counts H1 1250",
            "print H1",
            "books",
        ],
        &expect![[r#"
            a7 offers H1 1300: more_than_held - you hold 1,250.00 taka, you entered 1,300.00: count again
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
fn j9_r14_short_cash_counted() {
    check(
        &[LOADED, "a7 delivers P1 cash 1250", "a7 offers H1 1250", "s1 counts H1 1200", "print H1", "books"],
        &expect![[r#"
            H1: short a7 to s1, offered 1,250.00, counted 1,200.00
              J9  Dr 1120{s1} 1,200.00  Dr 1140{a7} 50.00  Cr 1110{a7} 1,250.00
              1120{s1} 1,200.00
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
fn j10_over_cash_counted() {
    check(
        &[LOADED, "a7 delivers P1 cash 1250", "a7 offers H1 1250", "s1 counts H1 1270", "print H1", "books"],
        &expect![[r#"
            H1: over a7 to s1, offered 1,250.00, counted 1,270.00
              J10  Dr 1120{s1} 1,270.00  Cr 1110{a7} 1,250.00  Cr 2090{a7} 20.00
              1120{s1} 1,270.00
              2010{v1} -1,031.60
              2070 -28.49
              2090{a7} -20.00
              4010 -118.10
              4020 -60.00
              4030 -11.81
              trial balance 0.00
        "#]],
    );
}

#[test]
fn r15_an_offer_that_nobody_counts_moves_nothing() {
    check(
        &[LOADED, "a7 delivers P1 cash 1250", "a7 offers H1 1250", "a7 offers H2 1", "print H1", "books"],
        &expect![[r#"
            a7 offers H2 1: more_than_held - you hold 0.00 taka, you entered 1.00: count again
            H1: offered a7 to s1, offered 1,250.00, counted -
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
fn r16_a_count_before_its_offer_turns_j8_into_j9() {
    check(
        &[
            LOADED,
            "a7 delivers P1 cash 1250",
            "a7 offline",
            "a7 offers H1 1250",
            "s1 counts H1 1200 of a7",
            "print H1",
            "a7 syncs",
            "print H1",
            "ledger H1",
            "books",
        ],
        &expect![[r#"
            H1: counted a7 to s1, offered -, counted 1,200.00
              J8  Dr 1120{s1} 1,200.00  Cr 1110{a7} 1,200.00
            H1: short a7 to s1, offered 1,250.00, counted 1,200.00
              J9  Dr 1120{s1} 1,200.00  Dr 1140{a7} 50.00  Cr 1110{a7} 1,250.00
              rev 0 posts J8  Dr 1120{s1} 1,200.00  Cr 1110{a7} 1,200.00
              rev 1 reverses J8  Cr 1120{s1} 1,200.00  Dr 1110{a7} 1,200.00
              rev 0 posts J9  Dr 1120{s1} 1,200.00  Dr 1140{a7} 50.00  Cr 1110{a7} 1,250.00
              1120{s1} 1,200.00
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
fn r16_a_count_before_its_offer_turns_j8_into_j10() {
    check(
        &[
            LOADED,
            "a7 delivers P1 cash 1250",
            "a7 offline",
            "a7 offers H1 1200",
            "s1 counts H1 1250 of a7",
            "a7 syncs",
            "print H1",
            "ledger H1",
            "books",
        ],
        &expect![[r#"
            H1: over a7 to s1, offered 1,200.00, counted 1,250.00
              J10  Dr 1120{s1} 1,250.00  Cr 1110{a7} 1,200.00  Cr 2090{a7} 50.00
              rev 0 posts J8  Dr 1120{s1} 1,250.00  Cr 1110{a7} 1,250.00
              rev 1 reverses J8  Cr 1120{s1} 1,250.00  Dr 1110{a7} 1,250.00
              rev 0 posts J10  Dr 1120{s1} 1,250.00  Cr 1110{a7} 1,200.00  Cr 2090{a7} 50.00
              1110{a7} 50.00
              1120{s1} 1,250.00
              2010{v1} -1,031.60
              2070 -28.49
              2090{a7} -50.00
              4010 -118.10
              4020 -60.00
              4030 -11.81
              trial balance 0.00
        "#]],
    );
}

#[test]
fn r16_a_late_offer_of_the_same_amount_changes_nothing() {
    check(
        &[
            LOADED,
            "a7 delivers P1 cash 1250",
            "a7 offline",
            "a7 offers H1 1250",
            "s1 counts H1 1250 of a7",
            "a7 syncs",
            "print H1",
            "ledger H1",
        ],
        &expect![[r#"
            H1: counted a7 to s1, offered 1,250.00, counted 1,250.00
              J8  Dr 1120{s1} 1,250.00  Cr 1110{a7} 1,250.00
              rev 0 posts J8  Dr 1120{s1} 1,250.00  Cr 1110{a7} 1,250.00
        "#]],
    );
}

#[test]
fn r17_a_second_count_is_refused_here_and_contested_when_it_comes() {
    check(
        &[
            LOADED,
            "a7 delivers P1 cash 1250",
            "a7 offers H1 1250",
            "s1 counts H1 1250",
            "s1 counts H1 1200",
            "s1 blindly counts H1 1200",
            "print H1",
            "books",
        ],
        &expect![[r#"
            s1 counts H1 1200: already_counted - H1 is counted already: nothing is left to count
            H1: counted a7 to s1, offered 1,250.00, counted 1,250.00
              second_count: HandInCounted by s1
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
fn a_count_that_names_another_giver_waits() {
    check(
        &[LOADED, "a7 delivers P1 cash 1250", "a7 offers H1 1250", "s1 counts H1 1250 of a8", "print H1"],
        &expect![[r#"
            H1: counted a8 to s1, offered 1,250.00, counted 1,250.00
              wrong_giver: HandInCounted by s1
              J8  Dr 1120{s1} 1,250.00  Cr 1110{a8} 1,250.00
        "#]],
    );
}
