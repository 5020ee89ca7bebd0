//! What a customer pays by phone, at the door or before: J24, and what it meets (R3).

use expect_test::{Expect, expect};

use crate::{LOADED, check};

fn loaded(rest: &[&str], expected: &Expect) {
    check(&[&[LOADED], rest].concat(), expected);
}

#[test]
fn j24_what_a_provider_was_paid_nobody_collects() {
    loaded(
        &[
            "central hears bkash paid P1 1250",
            "print P1",
            "a7 delivers P1 cash 1250",
            "a7 delivers P1",
            "print P1",
            "print E1",
            "books",
        ],
        &expect![[r#"
            P1: loaded due 1,250.00 collected 0.00, with a7, run of a7
              J24  Dr 1030 1,250.00  Cr 2045{P1} 1,250.00
            a7 delivers P1 cash 1250: amount_differs - 0.00 taka are due, you entered 1,250.00: confirm the difference, or enter the amount again
            P1: delivered due 1,250.00 collected 0.00, with -, run of a7
              J24  Dr 1030 1,250.00  Cr 2045{P1} 1,250.00
            E1: distributed net 1,031.60
              J5  Dr 2045{P1} 1,250.00  Cr 2010{v1} 1,181.00  Cr 4020 60.00  Cr 2070 9.00
              J7  Dr 2010{v1} 149.40  Cr 4010 118.10  Cr 4030 11.81  Cr 2070 19.49
              1030 1,250.00
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
fn r3_cash_that_was_taken_beside_it_is_the_customers() {
    loaded(
        &[
            "a7 offline",
            "central hears bkash paid P1 1250",
            "a7 delivers P1 cash 1250",
            "a7 syncs",
            "print P1",
            "print E1",
            "books",
            "central rules F1 excess_to_customer 1250 of P1 at customer",
            "central clears duplicate_money of P1",
            "print P1",
            "print E1",
            "books",
        ],
        &expect![[r#"
            P1: delivered due 1,250.00 collected 1,250.00, with -, run of a7
              duplicate_money: Delivered by a7
              J12  Dr 1110{a7} 1,250.00  Cr 2095{P1} 1,250.00
              J24  Dr 1030 1,250.00  Cr 2045{P1} 1,250.00
            E1: held net 0.00
              1030 1,250.00
              1110{a7} 1,250.00
              2045{P1} -1,250.00
              2095{P1} -1,250.00
              trial balance 0.00
            P1: delivered due 1,250.00 collected 1,250.00, with -, run of a7
              J12  Dr 1110{a7} 1,250.00  Cr 2095{P1} 1,250.00
              J24  Dr 1030 1,250.00  Cr 2045{P1} 1,250.00
            E1: distributed net 1,031.60
              J5  Dr 2045{P1} 1,250.00  Cr 2010{v1} 1,181.00  Cr 4020 60.00  Cr 2070 9.00
              J7  Dr 2010{v1} 149.40  Cr 4010 118.10  Cr 4030 11.81  Cr 2070 19.49
              1030 1,250.00
              1110{a7} 1,250.00
              2010{v1} -1,031.60
              2050{customer} -1,250.00
              2070 -28.49
              4010 -118.10
              4020 -60.00
              4030 -11.81
              trial balance 0.00
        "#]],
    );
}

#[test]
fn who_was_shown_a_phone_owes_the_due_until_the_provider_says_so() {
    loaded(
        &[
            "a7 delivers P1 cash 0 confirmed",
            "print P1",
            "central hears nagad paid P1 1250",
            "print P1",
            "print E1",
            "books",
        ],
        &expect![[r#"
            P1: delivered due 1,250.00 collected 0.00, with -, run of a7
              J11a  Dr 1140{a7} 1,250.00  Cr 2045{P1} 1,250.00
            P1: delivered due 1,250.00 collected 0.00, with -, run of a7
              J24  Dr 1031 1,250.00  Cr 2045{P1} 1,250.00
            E1: distributed net 1,031.60
              J5  Dr 2045{P1} 1,250.00  Cr 2010{v1} 1,181.00  Cr 4020 60.00  Cr 2070 9.00
              J7  Dr 2010{v1} 149.40  Cr 4010 118.10  Cr 4030 11.81  Cr 2070 19.49
              1031 1,250.00
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
fn what_was_paid_for_goods_that_go_back_is_the_customers() {
    loaded(
        &[
            "central hears bkash paid P1 1250",
            "a7 fails P1 refused",
            "s1 receives P1",
            "s1 returns P1",
            "v1 takes back P1",
            "print P1",
            "print E1",
            "books",
        ],
        &expect![[r#"
            P1: returned due 1,250.00 collected 0.00, with v1, run of -
              J12  Dr 1030 1,250.00  Cr 2095{P1} 1,250.00
            E1: charged net -57.50
              J21  Dr 1150{v1} 57.50  Cr 4040 50.00  Cr 2070 7.50
              1030 1,250.00
              1150{v1} 57.50
              2070 -7.50
              2095{P1} -1,250.00
              4040 -50.00
              trial balance 0.00
        "#]],
    );
}
