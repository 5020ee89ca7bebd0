//! A refund that was kept apart for a till, and everybody who pays it (R26).

use protocol::account::Code as Chart;
use protocol::contest::Code;
use protocol::fact::{CashRefunded, Fact, RefundPaid, RefundReserved, RefundWithdrawn};
use protocol::id::{Kind, Subject};
use protocol::journal::Rule;
use protocol::refund::RefundCode;

use crate::facts::Scene;
use crate::people::id_of;
use crate::sets::{CENTRAL, Cast, K1, K1_AGAIN};
use crate::{Row, row, taka};

/// Who pays it, knowing which of those before; what that comes to is of a till of k1, of bKash, and of what the customer owes.
struct Paid {
    by: Vec<(usize, Fact, &'static [usize])>,
    word: &'static str,
    posts: &'static [Rule],
    waits: &'static [Code],
    till: i32,
    bkash: i32,
    owes: i32,
}

pub(crate) fn of_refunds(cast: &Cast) -> Vec<Row> {
    let (customer, point) = (Subject::customer(id_of("C")), cast.party(K1));
    let given = |code: u8| Fact::CashRefunded(CashRefunded { code: [code; 10] });
    let paid = || {
        let reference = "9F12AC".to_owned();
        Fact::RefundPaid(RefundPaid { customer, amount: taka(1_000), provider: 1, reference })
    };
    let withdrawn = || Fact::RefundWithdrawn(RefundWithdrawn {});
    let refund = |rule: &'static str, paid: Paid| {
        let subject = Subject::new(Kind::Refund, id_of(rule));
        let lock = RefundCode([7; 10]).lock(&subject);
        let reserved = Fact::RefundReserved(RefundReserved { customer, amount: taka(1_000), point, lock });
        // What was kept apart, less what was paid, unless the customer owes it.
        let kept = if paid.posts.contains(&Rule::J20e) { 1_000 } else { 0 };
        let apart = -kept - paid.till - paid.bkash - paid.owes;
        Row {
            word: Some(paid.word),
            posts: paid.posts,
            waits: paid.waits,
            at: vec![
                (Chart::Till.of_owner(point), paid.till),
                (Chart::Bkash.whole(), paid.bkash),
                (Chart::CustomerReceivable.of_owner(customer), paid.owes),
                (Chart::RefundsPayable.of_owner(customer), kept),
                (Chart::RefundsPayable.of_owner(subject), apart),
            ],
            ..row(rule, Scene::Refund, [vec![(CENTRAL, reserved, &[][..])], paid.by].concat())
        }
    };
    vec![
        refund(
            "R26 out of a till, and by a provider, neither knowing of the other",
            Paid {
                by: vec![(K1, given(7), &[0]), (CENTRAL, paid(), &[0])],
                word: "overpaid",
                posts: &[Rule::J20d, Rule::J20e, Rule::J37],
                waits: &[],
                till: -1_000,
                bkash: -1_000,
                owes: 1_000,
            },
        ),
        refund(
            "R26 out of a till that knew of the provider",
            Paid {
                by: vec![(CENTRAL, paid(), &[0]), (K1, given(7), &[0, 1])],
                word: "overpaid",
                posts: &[Rule::J19a, Rule::J20e, Rule::J37],
                waits: &[],
                till: -1_000,
                bkash: -1_000,
                owes: 1_000,
            },
        ),
        refund(
            "R26 out of two drawers of one point",
            Paid {
                by: vec![(K1, given(7), &[0]), (K1_AGAIN, given(7), &[0])],
                word: "overpaid",
                posts: &[Rule::J20d, Rule::J20e, Rule::J37],
                waits: &[],
                till: -2_000,
                bkash: 0,
                owes: 1_000,
            },
        ),
        refund(
            "a reserved refund paid by a provider",
            Paid {
                by: vec![(CENTRAL, paid(), &[0])],
                word: "paid",
                posts: &[Rule::J19a, Rule::J20e],
                waits: &[],
                till: 0,
                bkash: -1_000,
                owes: 0,
            },
        ),
        refund(
            "withdrawn, and out of a till that had not heard of it",
            Paid {
                by: vec![(CENTRAL, withdrawn(), &[0]), (K1, given(7), &[0])],
                word: "overpaid",
                posts: &[Rule::J37],
                waits: &[],
                till: -1_000,
                bkash: 0,
                owes: 1_000,
            },
        ),
        refund(
            "out of a till, and then withdrawn",
            Paid {
                by: vec![(K1, given(7), &[0]), (CENTRAL, withdrawn(), &[0, 1])],
                word: "given",
                posts: &[Rule::J20d, Rule::J20e],
                waits: &[],
                till: -1_000,
                bkash: 0,
                owes: 0,
            },
        ),
        refund(
            "out of a till without its code",
            Paid {
                by: vec![(K1, given(8), &[0])],
                word: "reserved",
                posts: &[Rule::J20e],
                waits: &[Code::CodeMismatch],
                till: 0,
                bkash: 0,
                owes: 0,
            },
        ),
    ]
}
