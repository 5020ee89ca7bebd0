//! What central takes back of an earning: after it matured, and of the fee of a return.

use protocol::account::Code as Chart;
use protocol::fact::{ChargeReversed, Distributed, EarningClawedBack, Fact, Matured, RtoCharged};
use protocol::id::OpId;
use protocol::journal::Rule;

use crate::facts::Scene;
use crate::records::terms;
use crate::sets::{CENTRAL, Cast, V1};
use crate::{Row, row, taka};

pub(crate) fn of_earnings(cast: &Cast) -> Vec<Row> {
    let terms = || terms(cast, false, 1_000);
    let distributed = |cause: u8| Fact::Distributed(Distributed { cause: OpId([cause; 32]) });
    let matured = || Fact::Matured(Matured { cause: OpId([5; 32]), net: taka(879) });
    let clawed = |cause: u8, receivable| {
        let (cause, matured, receivable) = (OpId([cause; 32]), OpId([5; 32]), taka(receivable));
        Fact::EarningClawedBack(EarningClawedBack { cause, matured, receivable })
    };
    let charged = |available, receivable| {
        let (cause, available, receivable) = (OpId([6; 32]), taka(available), taka(receivable));
        Fact::RtoCharged(RtoCharged { cause, available, receivable })
    };
    let uncharged =
        |receivable| Fact::ChargeReversed(ChargeReversed { cause: OpId([6; 32]), receivable: taka(receivable) });
    let vendor = cast.party(V1);
    let (available, owed) = (Chart::VendorAvailable.of_owner(vendor), Chart::VendorReceivable.of_owner(vendor));
    let earned = || vec![(CENTRAL, terms(), &[][..]), (CENTRAL, distributed(1), &[0]), (CENTRAL, matured(), &[0, 1])];
    let with = |more: Vec<(usize, Fact, &'static [usize])>| [earned(), more].concat();
    let fee = |more: Vec<(usize, Fact, &'static [usize])>| {
        [vec![(CENTRAL, terms(), &[][..]), (CENTRAL, charged(20, 37), &[0])], more].concat()
    };
    vec![
        Row {
            word: Some("open"),
            posts: &[Rule::J20f],
            at: vec![(available, -300), (owed, 300)],
            ..row("clawed back, of it 300 paid out", Scene::Earning, with(vec![(CENTRAL, clawed(1, 300), &[0, 1, 2])]))
        },
        Row {
            word: Some("open"),
            posts: &[Rule::J20f],
            at: vec![(owed, 300)],
            ..row(
                "clawed back twice, neither knowing of the other: once",
                Scene::Earning,
                with(vec![(CENTRAL, clawed(1, 300), &[0, 1, 2]), (CENTRAL, clawed(1, 300), &[0, 1, 2])]),
            )
        },
        Row {
            word: Some("matured"),
            posts: &[Rule::J5, Rule::J7, Rule::J16],
            at: vec![(available, -879), (owed, 0)],
            ..row("more than was earned is not clawed back", Scene::Earning, {
                with(vec![(CENTRAL, clawed(1, 880), &[0, 1, 2]), (CENTRAL, clawed(2, 0), &[0, 1, 2])])
            })
        },
        Row {
            word: Some("matured"),
            posts: &[Rule::J5, Rule::J7, Rule::J16, Rule::J20f],
            at: vec![(available, -1_179), (owed, 300)],
            ..row(
                "clawed back, delivered again, and covered by the same money",
                Scene::Earning,
                with(vec![
                    (CENTRAL, clawed(1, 300), &[0, 1, 2]),
                    (CENTRAL, distributed(2), &[0, 1, 2, 3]),
                    (CENTRAL, matured(), &[0, 1, 2, 3, 4]),
                ]),
            )
        },
        Row {
            word: Some("open"),
            posts: &[Rule::J20f],
            at: vec![(available, -30), (owed, 30)],
            ..row(
                "a fee given back, of which 30 was kept meanwhile",
                Scene::Earning,
                fee(vec![(CENTRAL, uncharged(30), &[0, 1]), (CENTRAL, uncharged(30), &[0, 1])]),
            )
        },
        Row {
            word: Some("charged"),
            posts: &[Rule::J21],
            at: vec![(available, 20), (owed, 37)],
            ..row(
                "more than was owed of a fee is not given back",
                Scene::Earning,
                fee(vec![(CENTRAL, uncharged(38), &[0, 1])]),
            )
        },
        Row {
            word: Some("charged"),
            posts: &[Rule::J21],
            at: vec![(available, 27), (owed, 30)],
            ..row(
                "a fee given back, and charged again when it came back after all",
                Scene::Earning,
                fee(vec![(CENTRAL, uncharged(0), &[0, 1]), (CENTRAL, charged(27, 30), &[0, 1, 2])]),
            )
        },
    ]
}
