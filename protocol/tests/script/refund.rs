//! A refund that a customer fetches at a till (J20d, J20e), and what becomes of it when somebody else pays it too (R26, J37).

use expect_test::{Expect, expect};

use crate::{SHELVED, check};

/// A till of k1 that has taken 1,250.
const TAKEN: &str = "
    k1 verifies P1
    k1 takes P1 1250
    k1 hands P1 over
    k1 opens T1 0
    central reserves R1 1000 at k1
";

fn reserved(rest: &[&str], expected: &Expect) {
    check(&[&[SHELVED, TAKEN], rest].concat(), expected);
}

#[test]
fn j20d_a_till_pays_for_the_code_and_once() {
    reserved(
        &[
            "print R1",
            "k1 refunds R1 wrong",
            "k1 refunds R1 28T5-CY4T-QKFF-00FZ",
            "s1 refunds R1",
            "k1 suspends T1",
            "k1 refunds R1",
            "k1 resumes T1",
            "k1 refunds R1",
            "print R1",
            "k1 refunds R1",
            "k1 closes T1 250",
            "print T1",
            "ledger R1",
        ],
        &expect![[r#"
            R1: reserved 1,000.00
              J20e  Dr 2050{customer} 1,000.00  Cr 2050{R1} 1,000.00
            k1 refunds R1 wrong: not_a_refund_code - this is no refund code: 16 letters and digits, as on the customer's phone
            k1 refunds R1 28T5-CY4T-QKFF-00FZ: code_mismatch - this is not the code of R1: ask the customer for the message about this parcel
            s1 refunds R1: unknown_subject - R1 is not known here: scan it again, or sync first
            k1 refunds R1: till_suspended - the till is suspended in T1: resume the shift first
            R1: given 1,000.00
              J20d  Dr 2050{R1} 1,000.00  Cr 1120{k1} 1,000.00
              J20e  Dr 2050{customer} 1,000.00  Cr 2050{R1} 1,000.00
            k1 refunds R1: refund_ended - R1 is paid or withdrawn already: give nothing, and let the customer call us
            T1: closed at k1, z 1, expected 250.00, counted 250.00
              rev 0 posts J20e  Dr 2050{customer} 1,000.00  Cr 2050{R1} 1,000.00
              rev 0 posts J20d  Dr 2050{R1} 1,000.00  Cr 1120{k1} 1,000.00
        "#]],
    );
}

#[test]
fn more_than_the_till_has_is_not_paid() {
    reserved(
        &["central reserves R2 300 at k1", "k1 refunds R1", "k1 refunds R2", "print R2"],
        &expect![[r#"
        k1 refunds R2: more_than_till - 300.00 taka are more than the till has taken: check the amount, or count the drawer
        R2: reserved 300.00
          J20e  Dr 2050{customer} 300.00  Cr 2050{R2} 300.00
    "#]],
    );
}

#[test]
fn r26_a_till_without_network_and_a_provider_pay_it_both() {
    reserved(
        &[
            "k1 offline",
            "central refunds R1 1000",
            "print R1",
            "k1 refunds R1",
            "k1 syncs",
            "print R1",
            "central rules F1 from_refunds 300 of customer",
            "central rules F2 from_credit 200 of customer",
            "central rules F3 repaid 400 of customer at k1",
            "central rules F4 written_off 100 of customer",
            "print F1",
            "print F2",
            "print F3",
            "print F4",
            "books",
        ],
        &expect![[r#"
            R1: paid 1,000.00
              J19a  Dr 2050{R1} 1,000.00  Cr 1030 1,000.00
              J20e  Dr 2050{customer} 1,000.00  Cr 2050{R1} 1,000.00
            R1: overpaid 1,000.00
              J20d  Dr 2050{R1} 1,000.00  Cr 1120{k1} 1,000.00
              J20e  Dr 2050{customer} 1,000.00  Cr 2050{R1} 1,000.00
              J37  Dr 1190{customer} 1,000.00  Cr 1030 1,000.00
            F1: from_refunds 300.00 of customer
              J37a  Dr 2050{customer} 300.00  Cr 1190{customer} 300.00
            F2: from_credit 200.00 of customer
              J37a  Dr 2060{customer} 200.00  Cr 1190{customer} 200.00
            F3: repaid 400.00 of customer
              J37a  Dr 1120{k1} 400.00  Cr 1190{customer} 400.00
            F4: written_off 100.00 of customer
              J37a  Dr 5080 100.00  Cr 1190{customer} 100.00
              1030 -1,000.00
              1120{k1} 650.00
              2010{v1} -1,031.60
              2050{customer} 1,300.00
              2060{customer} 200.00
              2070 -28.49
              4010 -118.10
              4020 -60.00
              4030 -11.81
              5080 100.00
              trial balance 0.00
        "#]],
    );
}

#[test]
fn what_is_withdrawn_is_owed_again_and_a_till_that_had_not_heard_gave_what_was_not_his() {
    reserved(
        &[
            "central reserves R2 200 at k1",
            "k1 offline",
            "central withdraws R1",
            "central withdraws R2",
            "print R1",
            "k1 refunds R1",
            "k1 syncs",
            "print R1",
            "k1 refunds R2",
            "print R2",
        ],
        &expect![[r#"
            R1: withdrawn 1,000.00
            R1: overpaid 1,000.00
              J37  Dr 1190{customer} 1,000.00  Cr 1120{k1} 1,000.00
            k1 refunds R2: refund_ended - R2 is paid or withdrawn already: give nothing, and let the customer call us
            R2: withdrawn 200.00
        "#]],
    );
}

#[test]
fn a_till_that_heard_of_the_provider_does_not_pay() {
    reserved(
        &["central refunds R1 1000", "k1 refunds R1", "k1 blindly refunds R1", "print R1"],
        &expect![[r#"
            k1 refunds R1: refund_ended - R1 is paid or withdrawn already: give nothing, and let the customer call us
            R1: overpaid 1,000.00
              J19a  Dr 2050{R1} 1,000.00  Cr 1030 1,000.00
              J20e  Dr 2050{customer} 1,000.00  Cr 2050{R1} 1,000.00
              J37  Dr 1190{customer} 1,000.00  Cr 1120{k1} 1,000.00
        "#]],
    );
}
