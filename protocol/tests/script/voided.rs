//! R5: recorded as delivered, and a hub has it; people ask, and say which of the two was not so.

use expect_test::expect;

use crate::{LOADED, check};

/// a7 says that he gave P1 away and took the due; the hub has it in its hands.
const BACK: &str = "
    a7 delivers P1 cash 1250
    s1 receives P1
    s1 receives back P1
";

#[test]
fn r5_what_is_recorded_as_delivered_is_scanned_in_by_somebody_who_says_so_and_waits() {
    check(
        &[LOADED, BACK.trim_start(), "print P1", "print E1", "books"],
        &expect![[r#"
        s1 receives P1: recorded_delivered - P1 is recorded as given to the customer: look at the label, and say that it is back if it is
        P1: at_hub due 1,250.00 collected 1,250.00, with s1, run of -
          back_after_delivery: Received by s1
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
fn r5_a_delivery_that_was_none_pays_nobody_and_its_cash_is_kept_apart() {
    let again = "
        s1 dispatches P1 to a8
        a8 loads P1
        a8 delivers P1 cash 1250
        print P1
        print E1
        books
    ";
    check(
        &[
            LOADED,
            BACK.trim_start(),
            "central voids Delivered by a7 of P1",
            "print P1",
            "print E1",
            "books",
            again.trim_start(),
        ],
        &expect![[r#"
            s1 receives P1: recorded_delivered - P1 is recorded as given to the customer: look at the label, and say that it is back if it is
            P1: at_hub due 1,250.00 collected 1,250.00, with s1, run of -
              J12  Dr 1110{a7} 1,250.00  Cr 2095{P1} 1,250.00
            E1: open net 0.00
              1110{a7} 1,250.00
              2095{P1} -1,250.00
              trial balance 0.00
            P1: delivered due 1,250.00 collected 2,500.00, with -, run of a8
              J4  Dr 1110{a8} 1,250.00  Cr 2045{P1} 1,250.00
              J12  Dr 1110{a7} 1,250.00  Cr 2095{P1} 1,250.00
            E1: distributed net 1,031.60
              J5  Dr 2045{P1} 1,250.00  Cr 2010{v1} 1,181.00  Cr 4020 60.00  Cr 2070 9.00
              J7  Dr 2010{v1} 149.40  Cr 4010 118.10  Cr 4030 11.81  Cr 2070 19.49
              1110{a7} 1,250.00
              1110{a8} 1,250.00
              2010{v1} -1,031.60
              2070 -28.49
              2095{P1} -1,250.00
              4010 -118.10
              4020 -60.00
              4030 -11.81
              trial balance 0.00
        "#]],
    );
}

#[test]
fn r5_a_scan_that_was_none_leaves_the_delivery_as_it_was() {
    check(
        &[LOADED, BACK.trim_start(), "central voids Received by s1 of P1", "print P1", "print E1", "books"],
        &expect![[r#"
            s1 receives P1: recorded_delivered - P1 is recorded as given to the customer: look at the label, and say that it is back if it is
            P1: delivered due 1,250.00 collected 1,250.00, with -, run of a7
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
fn r5_what_was_paid_out_of_a_delivery_that_was_none_the_vendor_owes() {
    let paid = "
        a7 delivers P1 cash 1250
        central matures P1 by P1
        central pays Y1 to v1 E1
        s1 receives back P1
        central voids Delivered by a7 of P1
        print P1
        print E1
        s1 returns P1
        v1 takes back P1
        print P1
        print E1
        books
    ";
    check(
        &[LOADED, paid.trim_start()],
        &expect![[r#"
        P1: at_hub due 1,250.00 collected 1,250.00, with s1, run of -
          J12  Dr 1110{a7} 1,250.00  Cr 2095{P1} 1,250.00
        E1: open net 0.00
          J20f  Dr 1150{v1} 1,031.60  Cr 2020{v1} 1,031.60
        P1: returned due 1,250.00 collected 1,250.00, with v1, run of -
          J12  Dr 1110{a7} 1,250.00  Cr 2095{P1} 1,250.00
        E1: charged net -57.50
          J20f  Dr 1150{v1} 1,031.60  Cr 2020{v1} 1,031.60
          J21  Dr 1150{v1} 57.50  Cr 4040 50.00  Cr 2070 7.50
          1110{a7} 1,250.00
          1150{v1} 1,089.10
          2030{Y1} -1,031.60
          2070 -7.50
          2095{P1} -1,250.00
          4040 -50.00
          trial balance 0.00
    "#]],
    );
}

#[test]
fn r5_paid_by_phone_and_delivered_again_pays_the_vendor_once() {
    let phone = "
        central hears bkash paid P1 1250
        a7 delivers P1 cash 0
        print E1
        s1 receives back P1
        central voids Delivered by a7 of P1
        print P1
        print E1
        s1 dispatches P1 to a8
        a8 loads P1
        a8 delivers P1 cash 0
        print P1
        print E1
        books
    ";
    check(
        &[LOADED, phone.trim_start()],
        &expect![[r#"
        E1: distributed net 1,031.60
          J5  Dr 2045{P1} 1,250.00  Cr 2010{v1} 1,181.00  Cr 4020 60.00  Cr 2070 9.00
          J7  Dr 2010{v1} 149.40  Cr 4010 118.10  Cr 4030 11.81  Cr 2070 19.49
        P1: at_hub due 1,250.00 collected 0.00, with s1, run of -
          J24  Dr 1030 1,250.00  Cr 2045{P1} 1,250.00
        E1: open net 0.00
        P1: delivered due 1,250.00 collected 0.00, with -, run of a8
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
fn what_is_not_voided_that_way_stays() {
    let payment = "
        central hears bkash paid P1 1250
        central voids PaidAtDoor by T000000000000000000000000000 of P1
        central voids ParcelCreated by T000000000000000000000000000 of P1
        print P1
    ";
    check(
        &[LOADED, payment.trim_start()],
        &expect![[r#"
        P1: loaded due 1,250.00 collected 0.00, with a7, run of a7
          J24  Dr 1030 1,250.00  Cr 2045{P1} 1,250.00
    "#]],
    );
}
