//! What finance books on paper evidence, and a payout that the bank sends back: J3, J9a, J17b, J20c, J25 to J28, J30, J31,
//! J33, J35.

use expect_test::expect;

use crate::{LOADED, check};

#[test]
fn each_entry_moves_its_amount_between_its_two_accounts() {
    check(
        &[
            "central enters Z1 settled 1069 less 16 of bank",
            "central enters Z2 float_issued 5000 less 0 of s1 at bank",
            "central enters Z3 pay_accrued 30 less 0 of a7",
            "central enters Z4 pay_paid 30 less 0 of a7 at bank",
            "central enters Z5 vat_paid 25 less 0 of bank",
            "central enters Z6 security_taken 5000 less 0 of a7 at bank",
            "central enters Z7 netted 885 less 0 of v1",
            "print Z1",
            "print Z2",
            "print Z3",
            "print Z4",
            "print Z5",
            "print Z6",
            "print Z7",
        ],
        &expect![[r#"
            Z1: settled 1,069.00 of dbbl
              J3  Dr 1010{dbbl} 1,053.00  Dr 5010 16.00  Cr 1030 1,069.00
            Z2: float_issued 5,000.00 of s1
              J27  Dr 1120{s1} 5,000.00  Cr 1020{dbbl} 5,000.00
            Z3: pay_accrued 30.00 of a7
              J28  Dr 5030 30.00  Cr 2110{a7} 30.00
            Z4: pay_paid 30.00 of a7
              J28  Dr 2110{a7} 30.00  Cr 1020{dbbl} 30.00
            Z5: vat_paid 25.00 of dbbl
              J33  Dr 2070 25.00  Cr 1020{dbbl} 25.00
            Z6: security_taken 5,000.00 of a7
              J35  Dr 1020{dbbl} 5,000.00  Cr 2120{a7} 5,000.00
            Z7: netted 885.00 of v1
              J20c  Dr 2020{v1} 885.00  Cr 1150{v1} 885.00
        "#]],
    );
}

#[test]
fn what_was_lost_is_paid_and_somebody_answers_for_it() {
    check(
        &[
            LOADED,
            "central enters Z1 loss_paid 1000 less 0 of v1 at P1",
            "central enters Z2 loss_charged 400 less 0 of a7 at P1",
            "central enters Z3 loss_claimed 600 less 0 of P1",
            "central enters Z4 claim_paid 500 less 0 of P1 at bank",
            "central enters Z5 claim_lost 100 less 0 of P1",
            "central rules F1 from_pay 150 of a7",
            "central rules F2 from_security 250 of a7",
            "print Z1",
            "print Z2",
            "print Z3",
            "print Z4",
            "print Z5",
            "print F1",
            "print F2",
            "holds a7",
        ],
        &expect![[r#"
            Z1: loss_paid 1,000.00 of v1
              J25  Dr 5060 1,000.00  Cr 2020{v1} 1,000.00
            Z2: loss_charged 400.00 of a7
              J25a  Dr 1140{a7} 400.00  Cr 5060 400.00
            Z3: loss_claimed 600.00 of P1
              J25a  Dr 1160{P1} 600.00  Cr 5060 600.00
            Z4: claim_paid 500.00 of P1
              J26  Dr 1020{dbbl} 500.00  Cr 1160{P1} 500.00
            Z5: claim_lost 100.00 of P1
              J26  Dr 5060 100.00  Cr 1160{P1} 100.00
            F1: from_pay 150.00 of a7
              J9a  Dr 2110{a7} 150.00  Cr 1140{a7} 150.00
            F2: from_security 250.00 of a7
              J35  Dr 2120{a7} 250.00  Cr 1140{a7} 250.00
            a7 holds F1 F2 P1 Z2
        "#]],
    );
}

#[test]
fn an_entry_of_a_wrong_owner_or_with_a_part_it_has_not_moves_nothing() {
    check(
        &[
            "central enters Z1 settled 1069 less 1100 of bank",
            "central enters Z2 settled 1069 less 16 of s1",
            "central enters Z3 pay_accrued 30 less 1 of a7",
            "central enters Z4 pay_accrued 30 less 0 of s1",
            "central enters Z5 float_issued 30 less 0 of s1 at s1",
            "print Z1",
            "print Z2",
            "print Z3",
            "print Z4",
            "print Z5",
            "books",
        ],
        &expect![[r#"
            Z1: settled 1,069.00 of dbbl
            Z2: settled 1,069.00 of s1
            Z3: pay_accrued 30.00 of a7
            Z4: pay_accrued 30.00 of s1
            Z5: float_issued 30.00 of s1
              trial balance 0.00
        "#]],
    );
}

#[test]
fn j31_a_chargeback_is_taken_from_whoever_has_the_money_by_now() {
    check(
        &[
            LOADED,
            "central enters Z1 charged_back_early 400 less 0 of O1",
            "central enters Z2 charged_back_early 300 less 0 of customer at O1",
            "central enters Z3 charged_back 200 less 60 of v1 at O1",
            "central enters Z4 charged_back_early 400 less 1 of O1",
            "central enters Z5 charged_back_early 400 less 0 of customer",
            "central enters Z6 charged_back_early 400 less 0 of v1 at O1",
            "print Z1",
            "print Z2",
            "print Z3",
            "print Z4",
            "print Z5",
            "print Z6",
        ],
        &expect![[r#"
            Z1: charged_back_early 400.00 of O1
              J31  Dr 2040{O1} 400.00  Cr 1030 400.00
            Z2: charged_back_early 300.00 of customer
              J31  Dr 2050{customer} 300.00  Cr 1030 300.00
            Z3: charged_back 200.00 of v1
              J31  Dr 1150{v1} 140.00  Dr 5060 60.00  Cr 1030 200.00
            Z4: charged_back_early 400.00 of O1
            Z5: charged_back_early 400.00 of customer
            Z6: charged_back_early 400.00 of v1
        "#]],
    );
}

#[test]
fn j17b_a_payout_that_the_bank_sends_back_is_the_vendors_again() {
    check(
        &[
            LOADED,
            "a7 delivers P1 cash 1250",
            "central matures P1 by P1",
            "central pays Y1 to v1 E1",
            "central confirms Y1",
            "central returns Y1",
            "print Y1",
            "holds v1",
            "central returns Y1",
            "print Y1",
        ],
        &expect![[r#"
            Y1: returned 1,031.60 to v1, lines 1
              J17  Dr 2020{v1} 1,031.60  Cr 2030{Y1} 1,031.60
              J17a  Dr 2030{Y1} 1,031.60  Cr 1010{dbbl} 1,031.60
              J17b  Dr 1010{dbbl} 1,031.60  Cr 2020{v1} 1,031.60
            v1 holds E1 P1 Y1
            Y1: returned 1,031.60 to v1, lines 1
              recorded_twice: PayoutReturned by T000000000000000000000000000
              J17  Dr 2020{v1} 1,031.60  Cr 2030{Y1} 1,031.60
              J17a  Dr 2030{Y1} 1,031.60  Cr 1010{dbbl} 1,031.60
              J17b  Dr 1010{dbbl} 1,031.60  Cr 2020{v1} 1,031.60
        "#]],
    );
}

#[test]
fn j17c_a_vendor_bears_what_a_payout_costs_also_when_it_comes_back() {
    check(
        &[
            LOADED,
            "a7 delivers P1 cash 1250",
            "central matures P1 by P1",
            "central pays Y1 less 10 1.50 to v1 E1",
            "print Y1",
            "central confirms Y1",
            "central returns Y1",
            "print Y1",
        ],
        &expect![[r#"
            Y1: created 1,020.10 to v1, lines 1
              J17  Dr 2020{v1} 1,020.10  Cr 2030{Y1} 1,020.10
              J17c  Dr 2020{v1} 11.50  Cr 4050 10.00  Cr 2070 1.50
            Y1: returned 1,020.10 to v1, lines 1
              J17  Dr 2020{v1} 1,020.10  Cr 2030{Y1} 1,020.10
              J17a  Dr 2030{Y1} 1,020.10  Cr 1010{dbbl} 1,020.10
              J17b  Dr 1010{dbbl} 1,020.10  Cr 2020{v1} 1,020.10
              J17c  Dr 2020{v1} 11.50  Cr 4050 10.00  Cr 2070 1.50
        "#]],
    );
}

#[test]
fn j17b_of_a_payout_that_was_never_seen_to_leave_comes_out_of_the_flight_until_it_was() {
    check(
        &[
            LOADED,
            "a7 delivers P1 cash 1250",
            "central matures P1 by P1",
            "central pays Y1 to v1 E1",
            "central returns Y1",
            "print Y1",
            "central confirms Y1",
            "print Y1",
        ],
        &expect![[r#"
            Y1: returned 1,031.60 to v1, lines 1
              J17  Dr 2020{v1} 1,031.60  Cr 2030{Y1} 1,031.60
              J17b  Dr 2030{Y1} 1,031.60  Cr 2020{v1} 1,031.60
            Y1: returned 1,031.60 to v1, lines 1
              J17  Dr 2020{v1} 1,031.60  Cr 2030{Y1} 1,031.60
              J17a  Dr 2030{Y1} 1,031.60  Cr 1010{dbbl} 1,031.60
              J17b  Dr 1010{dbbl} 1,031.60  Cr 2020{v1} 1,031.60
        "#]],
    );
}
