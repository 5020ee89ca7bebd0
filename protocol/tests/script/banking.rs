//! From the till to the vendor, and what was paid ahead: J6, J13, J13a, J13b, J16, J17, J17a, J18, J19,
//! J21a, J27a, J36a, R18, R19.

use expect_test::{Expect, expect};

use crate::{LOADED, check};

/// The reference parcel, delivered, its cash in the till of s1.
const IN_TILL: &str = "
    a7 delivers P1 cash 1069
    a7 offers H1 1069
    s1 counts H1 1069
";

/// A parcel paid ahead and packed.
const PAID: &str = "
    order O1 prepaid v1 P1 1069
    central escrows O1 1069
    v1 accepts P1
    v1 packs P1
    s1 receives P1
    s1 dispatches P1 to a7
    a7 loads P1
";

fn with_cash(rest: &[&str], expected: &Expect) {
    let loaded = LOADED.replace("1250", "1069");
    check(&[&[loaded.as_str(), IN_TILL], rest].concat(), expected);
}

#[test]
fn j13_to_j17a_one_parcels_money_from_the_till_to_the_vendor() {
    with_cash(
        &[
            "central seals B1 of s1 1069",
            "central deposits D1 B1",
            "print B1",
            "print D1",
            "central confirms D1 1069",
            "central matures P1 by D1",
            "central pays Y1 to v1 E1",
            "print Y1",
            "central confirms Y1",
            "print D1",
            "print E1",
            "print Y1",
            "central sweeps W1 195.50",
            "print W1",
            "books",
            "holds v1",
            "holds s1",
        ],
        &expect![[r#"
            B1: 1,069.00 of s1 in seal S-1
              J13  Dr 1040{B1} 1,069.00  Cr 1120{s1} 1,069.00
            D1: deposited sealed 1,069.00 credited -
            Y1: created 873.50 to v1, lines 1
              J17  Dr 2020{v1} 873.50  Cr 2030{Y1} 873.50
            D1: confirmed sealed 1,069.00 credited 1,069.00
              J13a  Dr 1010{dbbl} 1,069.00  Cr 1040{B1} 1,069.00
            E1: matured net 873.50
              J5  Dr 2045{P1} 1,069.00  Cr 2010{v1} 1,000.00  Cr 4020 60.00  Cr 2070 9.00
              J7  Dr 2010{v1} 126.50  Cr 4010 100.00  Cr 4030 10.00  Cr 2070 16.50
              J16  Dr 2010{v1} 873.50  Cr 2020{v1} 873.50
            Y1: confirmed 873.50 to v1, lines 1
              J17  Dr 2020{v1} 873.50  Cr 2030{Y1} 873.50
              J17a  Dr 2030{Y1} 873.50  Cr 1010{dbbl} 873.50
            W1: swept 195.50
              J18  Dr 1020{city} 195.50  Cr 1010{dbbl} 195.50
              1020{city} 195.50
              2070 -25.50
              4010 -100.00
              4020 -60.00
              4030 -10.00
              trial balance 0.00
            v1 holds E1 P1 Y1
            s1 holds B1 H1 P1
        "#]],
    );
}

#[test]
fn j13b_r19_the_bank_counts_less_and_the_sealing_site_owes() {
    with_cash(
        &[
            "central seals B1 of s1 1000",
            "central seals B2 of s1 69",
            "central deposits D1 B1 B2",
            "central confirms D1 1000",
            "print D1",
            "books",
        ],
        &expect![[r#"
            D1: short sealed 1,069.00 credited 1,000.00
              J13b  Dr 1010{dbbl} 1,000.00  Dr 1140{s1} 69.00  Cr 1040{B1} 1,000.00  Cr 1040{B2} 69.00
              1010{dbbl} 1,000.00
              1140{s1} 69.00
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
fn j13a_the_bank_counts_more_and_it_waits_apart() {
    with_cash(
        &["central seals B1 of s1 1000", "central deposits D1 B1", "central confirms D1 1069", "print D1"],
        &expect![[r#"
            D1: over sealed 1,000.00 credited 1,069.00
              J13a  Dr 1010{dbbl} 1,069.00  Cr 1040{B1} 1,000.00  Cr 2090{s1} 69.00
        "#]],
    );
}

#[test]
fn a_second_record_of_one_bag_deposit_or_payout_is_contested() {
    with_cash(
        &[
            "central seals B1 of s1 1000",
            "central seals B1 of s1 500",
            "central deposits D1 B1",
            "central confirms D1 1000",
            "central confirms D1 900",
            "print B1",
            "print D1",
        ],
        &expect![[r#"
            B1: 1,000.00 of s1 in seal S-1
              recorded_twice: BagSealed by T000000000000000000000000000
              J13  Dr 1040{B1} 1,000.00  Cr 1120{s1} 1,000.00
            D1: confirmed sealed 1,000.00 credited 1,000.00
              recorded_twice: DepositConfirmed by T000000000000000000000000000
              J13a  Dr 1010{dbbl} 1,000.00  Cr 1040{B1} 1,000.00
        "#]],
    );
}

#[test]
fn j27a_a_till_closes_short_over_or_even() {
    with_cash(
        &[
            "s1 opens K1 1069",
            "s1 opens K2 0",
            "s1 closes K1 1029",
            "print K1",
            "s1 closes K1 1069",
            "s1 opens K2 1029",
            "s1 closes K2 1030",
            "print K2",
            "s1 opens K3 1030",
            "s1 closes K3 1030",
            "print K3",
            "a7 opens K4 0",
            "books",
        ],
        &expect![[r#"
            s1 opens K2 0: till_open_elsewhere - the till is open as K1: close that shift first
            K1: short at s1, z 1, expected 1,069.00, counted 1,029.00
              J27a  Dr 1140{s1} 40.00  Cr 1120{s1} 40.00
            s1 closes K1 1069: shift_not_open - K1 is closed already: what is found now belongs to the next shift
            K2: over at s1, z 2, expected 1,029.00, counted 1,030.00
              J27a  Dr 1120{s1} 1.00  Cr 2090{s1} 1.00
            K3: closed at s1, z 3, expected 1,030.00, counted 1,030.00
            a7 opens K4 0: wrong_role - this device may not do that: sign in as site
              1120{s1} 1,030.00
              1140{s1} 40.00
              2010{v1} -873.50
              2070 -25.50
              2090{s1} -1.00
              4010 -100.00
              4020 -60.00
              4030 -10.00
              trial balance 0.00
        "#]],
    );
}

#[test]
fn j27b_and_j27c_cash_goes_out_and_comes_in_on_paper_and_a_suspended_drawer_takes_nothing() {
    with_cash(
        &[
            "s1 opens K1 1069",
            "s1 pays 120 out at K1",
            "s1 pays 1000 out at K1",
            "s1 pays 0 out at K1",
            "s1 suspends K1",
            "s1 pays 500 in at K1",
            "s1 suspends K1",
            "a7 pays 5 out at K1",
            "s1 resumes K1",
            "s1 resumes K1",
            "s1 pays 500 in at K1",
            "s1 closes K1 1449",
            "print K1",
            "s1 pays 5 out at K1",
            "central rules F1 expensed 100 of s1",
            "central rules F2 to_giver 500 of s1 at s1",
            "print F1",
            "print F2",
            "books",
        ],
        &expect![[r#"
            s1 pays 1000 out at K1: more_than_till - 1,000.00 taka are more than the till has taken: check the amount, or count the drawer
            s1 pays 0 out at K1: bad_amount - the amount must be from 0 to 1,000,000,000,000 taka
            s1 pays 500 in at K1: till_suspended - the till is suspended in K1: resume the shift first
            s1 suspends K1: till_suspended - the till is suspended in K1: resume the shift first
            a7 pays 5 out at K1: wrong_role - this device may not do that: sign in as site
            s1 resumes K1: till_in_use - K1 is not suspended: go on
            K1: closed at s1, z 1, expected 1,449.00, counted 1,449.00
              J27b  Dr 1140{s1} 120.00  Cr 1120{s1} 120.00
              J27c  Dr 1120{s1} 500.00  Cr 2090{s1} 500.00
            s1 pays 5 out at K1: shift_not_open - K1 is closed already: what is found now belongs to the next shift
            F1: expensed 100.00 of s1
              J27d  Dr 5045 100.00  Cr 1140{s1} 100.00
            F2: to_giver 500.00 of s1
              J10b  Dr 2090{s1} 500.00  Cr 1120{s1} 500.00
              1120{s1} 949.00
              1140{s1} 20.00
              2010{v1} -873.50
              2070 -25.50
              4010 -100.00
              4020 -60.00
              4030 -10.00
              5045 100.00
              trial balance 0.00
        "#]],
    );
}

#[test]
fn j27b_of_two_windows_the_larger_amount_is_answered_for() {
    with_cash(
        &[
            "s1 opens K1 1069",
            "s1 blindly pays 120 out at K1 twice 150",
            "s1 pays 20 out at K1",
            "print K1",
            "s1 closes K1 899",
            "s1 blindly pays 30 out at K1",
            "print K1",
        ],
        &expect![[r#"
            K1: open at s1, z 0, expected 0.00, counted -
              double_tap_differs: TillPaidOut by s1
              J27b  Dr 1140{s1} 20.00  Cr 1120{s1} 20.00
              J27b  Dr 1140{s1} 150.00  Cr 1120{s1} 150.00
            K1: closed at s1, z 1, expected 899.00, counted 899.00
              double_tap_differs: TillPaidOut by s1
              unlisted_pair: TillPaidOut by s1
              J27b  Dr 1140{s1} 30.00  Cr 1120{s1} 30.00
              J27b  Dr 1140{s1} 20.00  Cr 1120{s1} 20.00
              J27b  Dr 1140{s1} 150.00  Cr 1120{s1} 150.00
        "#]],
    );
}

#[test]
fn r18_a_z_report_stands_and_a_second_close_is_contested() {
    with_cash(
        &["s1 opens K1 1069", "s1 closes K1 1029", "s1 blindly closes K1 1069 expecting 1069", "print K1"],
        &expect![[r#"
            K1: short at s1, z 1, expected 1,069.00, counted 1,029.00
              recorded_twice: TillClosed by s1
              J27a  Dr 1140{s1} 40.00  Cr 1120{s1} 40.00
        "#]],
    );
}

#[test]
fn j6_what_was_paid_ahead_is_distributed_with_the_delivery_and_without_a_cash_fee() {
    check(
        &[PAID, "a7 delivers P1", "print P1", "print E1", "central matures P1 by P1", "print E1", "books", "holds v1"],
        &expect![[r#"
            P1: delivered due 0.00 collected 0.00, with -, run of a7
            E1: distributed net 885.00
              J6  Dr 2040{O1} 1,069.00  Cr 2010{v1} 1,000.00  Cr 4020 60.00  Cr 2070 9.00
              J7  Dr 2010{v1} 115.00  Cr 4010 100.00  Cr 2070 15.00
            E1: matured net 885.00
              J6  Dr 2040{O1} 1,069.00  Cr 2010{v1} 1,000.00  Cr 4020 60.00  Cr 2070 9.00
              J7  Dr 2010{v1} 115.00  Cr 4010 100.00  Cr 2070 15.00
              J16  Dr 2010{v1} 885.00  Cr 2020{v1} 885.00
              2020{v1} -885.00
              2070 -24.00
              4010 -100.00
              4020 -60.00
              trial balance 0.00
            v1 holds E1 P1
        "#]],
    );
}

#[test]
fn j6_j32_odd_paisa_of_a_price_that_was_paid_ahead() {
    check(
        &[&PAID.replace("1069\n    central", "1069.40\n    central"), "a7 delivers P1", "print E1"],
        &expect![[r#"
        E1: distributed net 885.35
          J6  Dr 2040{O1} 1,069.40  Cr 2010{v1} 1,000.40  Cr 4020 60.00  Cr 2070 9.00
          J7  Dr 2010{v1} 115.05  Cr 4010 100.04  Cr 2070 15.01
          J32  Dr 5090 0.40  Cr 2040{O1} 0.40
    "#]],
    );
}

#[test]
fn nothing_that_was_not_paid_is_distributed_or_given_back() {
    check(
        &[&PAID.replace("escrows O1 1069", "escrows O1 1068"), "a7 delivers P1", "print E1"],
        &expect![[r#"
        E1: open net 0.00
    "#]],
    );
}

#[test]
fn j19_paid_ahead_and_called_off_or_refused_by_the_vendor() {
    let expected = expect![[r#"
        E1: released net 0.00
          J19  Dr 2040{O1} 1,069.00  Cr 2050{customer} 1,069.00
    "#]];
    for end in ["central cancels O1", "v1 rejects P1"] {
        let placed = "order O1 prepaid v1 P1 1069.40\ncentral escrows O1 1069\n";
        check(&[placed, end, "print E1"], &expected);
    }
}

#[test]
fn j21a_paid_ahead_and_sent_back_keeps_the_delivery_fee() {
    let back = "
        a7 fails P1 refused
        s1 receives P1
        s1 returns P1
        v1 takes back P1
        print E1
    ";
    check(
        &[PAID, back],
        &expect![[r#"
        E1: released net 0.00
          J21a  Dr 2040{O1} 1,069.00  Cr 2050{customer} 1,000.00  Cr 4020 60.00  Cr 2070 9.00
    "#]],
    );
    check(
        &[&PAID.replace("1069\n    central", "1069.40\n    central"), back],
        &expect![[r#"
        E1: released net 0.00
          J21a  Dr 2040{O1} 1,069.00  Cr 2050{customer} 1,000.00  Cr 4020 60.00  Cr 2070 9.00
    "#]],
    );
}

#[test]
fn r7_released_and_given_all_the_same_is_named() {
    let packed = "order O1 prepaid v1 P1 1069\ncentral escrows O1 1069\nv1 accepts P1\nv1 packs P1\n";
    check(
        &[
            packed,
            "s1 offline",
            "central cancels O1",
            "print E1",
            "s1 receives P1",
            "s1 dispatches P1 to a7",
            "s1 syncs",
            "a7 blindly loads P1",
            "a7 blindly delivers P1 by E2",
            "print P1",
            "print E1",
            "books",
        ],
        &expect![[r#"
            E1: released net 0.00
              J19  Dr 2040{O1} 1,069.00  Cr 2050{customer} 1,069.00
            P1: delivered due 0.00 collected 0.00, with -, run of a7, return requested
            E1: held net 0.00
              goods_and_money: an op not held
              J19  Dr 2040{O1} 1,069.00  Cr 2050{customer} 1,069.00
              2050{customer} -1,069.00
              trial balance 0.00
        "#]],
    );
}

#[test]
fn j36a_a_partner_remits_net_of_his_commission() {
    check(
        &["central remits M1 of s1 1054 kept 15", "print M1"],
        &expect![[r#"
        M1: remitted 1,069.00 of what is owed
          J36a  Dr 1010{dbbl} 1,054.00  Dr 5020 15.00  Cr 1180{s1} 1,069.00
    "#]],
    );
}
