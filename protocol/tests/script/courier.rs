//! A parcel that another company carries: J14, J14a, and what it says first and then takes back (R21, R22).

use expect_test::{Expect, expect};

use crate::check;

/// The reference parcel at the hub, and then with the courier.
const CONSIGNED: &str = "
    order O1 of v1: P1 due 1069
    v1 accepts P1
    v1 packs P1
    s1 receives P1
    central consigns P1 to pathao
";

fn consigned(rest: &[&str], expected: &Expect) {
    check(&[&[CONSIGNED], rest].concat(), expected);
}

#[test]
fn j14_and_j14a_a_courier_owes_the_due_until_it_is_at_the_bank() {
    consigned(
        &[
            "print P1",
            "central hears pathao delivered P1 1069",
            "print P1",
            "print E1",
            "books",
            "central settles M1 of pathao 1069 kept 70.69 10.60",
            "print M1",
            "books",
            "holds s1",
        ],
        &expect![[r#"
            P1: with_courier due 1,069.00 collected 0.00, with pathao, run of -
            P1: delivered due 1,069.00 collected 1,069.00, with -, run of -
              J14  Dr 1130{pathao} 1,069.00  Cr 2045{P1} 1,069.00
            E1: distributed net 873.50
              J5  Dr 2045{P1} 1,069.00  Cr 2010{v1} 1,000.00  Cr 4020 60.00  Cr 2070 9.00
              J7  Dr 2010{v1} 126.50  Cr 4010 100.00  Cr 4030 10.00  Cr 2070 16.50
              1130{pathao} 1,069.00
              2010{v1} -873.50
              2070 -25.50
              4010 -100.00
              4020 -60.00
              4030 -10.00
              trial balance 0.00
            M1: remitted 1,069.00 of what is owed
              J14a  Dr 1010{dbbl} 987.71  Dr 5020 70.69  Dr 1170 10.60  Cr 1130{pathao} 1,069.00
              1010{dbbl} 987.71
              1170 10.60
              2010{v1} -873.50
              2070 -25.50
              4010 -100.00
              4020 -60.00
              4030 -10.00
              5020 70.69
              trial balance 0.00
            s1 holds P1
        "#]],
    );
}

#[test]
fn a_courier_owes_the_due_whatever_of_it_he_says_he_got() {
    consigned(
        &["central hears pathao delivered P1 1000", "print P1", "books"],
        &expect![[r#"
        P1: delivered due 1,069.00 collected 1,000.00, with -, run of -
          J14  Dr 1130{pathao} 1,069.00  Cr 2045{P1} 1,069.00
          1130{pathao} 1,069.00
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
fn what_a_courier_took_beyond_the_due_is_the_customers() {
    consigned(
        &["central hears pathao delivered P1 1100", "print P1", "books"],
        &expect![[r#"
        P1: delivered due 1,069.00 collected 1,100.00, with -, run of -
          J11  Dr 1130{pathao} 1,100.00  Cr 2045{P1} 1,069.00  Cr 2095{P1} 31.00
          1130{pathao} 1,100.00
          2010{v1} -873.50
          2070 -25.50
          2095{P1} -31.00
          4010 -100.00
          4020 -60.00
          4030 -10.00
          trial balance 0.00
    "#]],
    );
}

#[test]
fn r21_a_delivery_that_the_couriers_file_takes_back_is_owed_no_more_and_shared_out_no_more() {
    consigned(
        &[
            "central hears pathao delivered P1 1069",
            "central reads pathao returned P1",
            "print P1",
            "print E1",
            "s1 receives P1",
            "s1 returns P1",
            "v1 takes back P1",
            "print P1",
            "books",
        ],
        &expect![[r#"
            P1: with_courier due 1,069.00 collected 0.00, with pathao, run of -
            E1: open net 0.00
            P1: returned due 1,069.00 collected 0.00, with v1, run of -
              1150{v1} 57.50
              2070 -7.50
              4040 -50.00
              trial balance 0.00
        "#]],
    );
}

#[test]
fn what_comes_back_without_a_delivery_is_a_return_as_any() {
    consigned(
        &[
            "central reads pathao returned P1",
            "print P1",
            "s1 receives P1",
            "s1 returns P1",
            "v1 takes back P1",
            "print P1",
            "books",
        ],
        &expect![[r#"
            P1: with_courier due 1,069.00 collected 0.00, with pathao, run of -
            P1: returned due 1,069.00 collected 0.00, with v1, run of -
              1150{v1} 57.50
              2070 -7.50
              4040 -50.00
              trial balance 0.00
        "#]],
    );
}

#[test]
fn a_courier_who_did_not_have_it_delivered_nothing() {
    consigned(
        &["central hears redx delivered P1 1069", "print P1", "print E1"],
        &expect![[r#"
        P1: delivered due 1,069.00 collected 1,069.00, with -, run of -
          not_in_custody: CourierDelivered by T000000000000000000000000000
          J14  Dr 1130{redx} 1,069.00  Cr 2045{P1} 1,069.00
        E1: held net 0.00
    "#]],
    );
}

#[test]
fn what_he_takes_back_after_the_vendor_might_have_it_is_clawed_back_and_what_she_was_paid_she_owes() {
    let matured = "
        central hears pathao delivered P1 1069
        central matures P1 by P1
        print E1
    ";
    let back = "
        central reads pathao returned P1
        print P1
        print E1
        books
    ";
    consigned(
        &[matured, back.trim_start()],
        &expect![[r#"
        E1: matured net 873.50
          J5  Dr 2045{P1} 1,069.00  Cr 2010{v1} 1,000.00  Cr 4020 60.00  Cr 2070 9.00
          J7  Dr 2010{v1} 126.50  Cr 4010 100.00  Cr 4030 10.00  Cr 2070 16.50
          J16  Dr 2010{v1} 873.50  Cr 2020{v1} 873.50
        P1: with_courier due 1,069.00 collected 0.00, with pathao, run of -
        E1: open net 0.00
          trial balance 0.00
    "#]],
    );
    let paid = "
        central pays Y1 to v1 E1
    ";
    consigned(
        &[
            matured,
            paid.trim_start(),
            back.trim_start(),
            "s1 receives P1",
            "s1 returns P1",
            "v1 takes back P1",
            "print E1",
            "books",
        ],
        &expect![[r#"
            E1: matured net 873.50
              J5  Dr 2045{P1} 1,069.00  Cr 2010{v1} 1,000.00  Cr 4020 60.00  Cr 2070 9.00
              J7  Dr 2010{v1} 126.50  Cr 4010 100.00  Cr 4030 10.00  Cr 2070 16.50
              J16  Dr 2010{v1} 873.50  Cr 2020{v1} 873.50
            P1: with_courier due 1,069.00 collected 0.00, with pathao, run of -
            E1: open net 0.00
              J20f  Dr 1150{v1} 873.50  Cr 2020{v1} 873.50
              1150{v1} 873.50
              2030{Y1} -873.50
              trial balance 0.00
            E1: charged net -57.50
              J20f  Dr 1150{v1} 873.50  Cr 2020{v1} 873.50
              J21  Dr 1150{v1} 57.50  Cr 4040 50.00  Cr 2070 7.50
              1150{v1} 931.00
              2030{Y1} -873.50
              2070 -7.50
              4040 -50.00
              trial balance 0.00
        "#]],
    );
}
