//! Differences and what finance rules on them: each has an owner and a cause, ends by a journal, and where it is much
//! or given up by the word of two people.

use central::tokens::Role;
use protocol::fact::{Delivered, Dispatched, Fact, Loaded, Put, TillOpened, TillPaidIn, TillPaidOut, TillReason};
use protocol::id::{Id16, Kind, Subject};
use protocol::taka::Taka;
use serde_json::{Value, json};

use super::banking::{Bench, DUE};
use super::world::Answer;

impl Bench {
    /// The only difference that is open on an account.
    pub(super) async fn difference(&self, account: i64) -> Value {
        let answer = self.world.get("finance", "/finance/differences?status=open").await;
        let rows = answer.1["rows"].as_array().unwrap_or_else(|| panic!("{answer:?}")).clone();
        let mut on = rows.into_iter().filter(|row| row["account"] == account);
        let row = on.next().unwrap_or_else(|| panic!("nothing on {account}: {answer:?}"));
        assert_eq!(on.next(), None, "one difference on {account}");
        row
    }

    pub(super) async fn rule(&self, how: &str, of: &Value, other: Option<&str>, amount: i64) -> Answer {
        let body = json!({
            "how": how, "cause": of["cause"], "owner": of["owner"], "other": other, "amount_paisa": amount,
            "reason": "counted again",
        });
        self.post("/finance/rulings", &body).await
    }

    async fn approve(&self, token: &str, ruling: &str, key: &str) -> Answer {
        let path = format!("/finance/rulings/{ruling}/approve");
        self.world.call_with("POST", &path, Some(token), &[("idempotency-key", key)], Vec::new()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_cash_is_repaid_in_part_and_two_people_give_up_the_rest() {
    let mut bench = Bench::start().await;
    bench.people.sell_counted(&bench.world, 1, DUE - 20_000).await;
    let (short, site) = (bench.difference(1140).await, bench.world.site.to_string());
    assert_eq!((&short["rule"], &short["open_paisa"]), (&json!("J9"), &json!(20_000)));
    assert_eq!(short["owner"], json!(bench.people.agent.certificate.seat.party), "it has a name");

    // A dry run says what would be posted, and posts nothing.
    let before = bench.world.digests().await;
    let dry = json!({
        "how": "repaid", "cause": short["cause"], "owner": short["owner"], "other": site, "amount_paisa": 15_000,
        "reason": "brought", "dry_run": true,
    });
    let dry = bench.world.post("finance", "/finance/rulings", &dry).await;
    assert_eq!((dry.0, dry.text("rule"), &dry.1["open_paisa"]), (200, "J9b".to_owned(), &json!(5_000)), "{dry:?}");
    assert_eq!(bench.world.digests().await, before);

    let repaid = bench.rule("repaid", &short, Some(&site), 15_000).await;
    assert_eq!((repaid.0, repaid.text("state")), (201, "ruled".to_owned()), "{repaid:?}");
    assert_eq!((bench.balance(1140).await, bench.balance(1120).await), (5_000, DUE - 5_000));
    // It reaches the agent's own device.
    let (told,): (i64,) =
        sqlx::query_as("SELECT count(*) FROM member m JOIN view_ruling r ON r.subject = m.subject WHERE m.scope = $1")
            .bind(bench.people.agent.certificate.seat.party.0)
            .fetch_one(&bench.world.running.pool)
            .await
            .unwrap();
    assert_eq!(told, 1);

    // What is given up needs a second person, however little it is.
    let proposed = bench.rule("written_off", &short, None, 5_000).await;
    assert_eq!((proposed.0, proposed.text("state")), (200, "waiting".to_owned()), "{proposed:?}");
    assert_eq!((bench.balance(1140).await, bench.balance(5050).await), (5_000, 0));
    let ruling = proposed.text("ruling");
    let own = bench.approve(bench.world.token("finance"), &ruling, "approve-1").await;
    assert_eq!((own.0, own.code()), (409, "same_person"));
    let other = bench.world.second(Role::Finance).await;
    let agreed = bench.approve(&other, &ruling, "approve-1").await;
    assert_eq!((agreed.0, agreed.text("state")), (201, "ruled".to_owned()), "{agreed:?}");
    let again = bench.approve(&other, &ruling, "approve-1").await;
    assert_eq!((again.0, again.1), (200, agreed.1), "a retry gets the first answer");
    let twice = bench.approve(&other, &ruling, "approve-2").await;
    assert_eq!((twice.0, twice.code()), (409, "ruling_ended"));
    assert_eq!((bench.balance(1140).await, bench.balance(5050).await), (0, 5_000));

    let settled = bench.world.get("finance", "/finance/differences?status=settled").await;
    assert_eq!(
        (&settled.1["rows"][0]["ruled_paisa"], &settled.1["rows"][0]["open_paisa"]),
        (&json!(20_000), &json!(0))
    );
    let open = bench.world.get("finance", "/finance/differences?status=open").await;
    assert_eq!(open.1["rows"], json!([]));
    let rulings = bench.world.get("finance", "/finance/rulings?status=ruled").await;
    let hows: Vec<&Value> = rulings.1["rows"].as_array().unwrap().iter().map(|row| &row["how"]).collect();
    assert_eq!(hows, [&json!("repaid"), &json!("written_off")]);
    let (first, second) = (&rulings.1["rows"][0], &rulings.1["rows"][1]);
    assert_eq!(first["checker"], Value::Null);
    assert_ne!(second["checker"], second["maker"]);
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn surplus_cash_goes_to_whom_it_belongs_and_a_withdrawn_proposal_leaves_it() {
    let mut bench = Bench::start().await;
    let parcel = bench.people.sell_counted(&bench.world, 1, DUE + 1_000_000).await;
    let (over, site) = (bench.difference(2090).await, bench.world.site.to_string());
    assert_eq!((&over["rule"], &over["open_paisa"]), (&json!("J10"), &json!(1_000_000)));
    let early = bench.rule("unclaimed", &over, None, 1_000).await;
    assert_eq!((early.0, early.code()), (409, "too_young"), "it may be claimed for 90 days");

    // Beyond 5,000 taka two people have to agree.
    let much = bench.rule("to_giver", &over, Some(&site), 500_000).await;
    assert_eq!((much.0, &much.1["needs_two"]), (200, &json!(true)), "{much:?}");
    let path = format!("/finance/rulings/{}/withdraw", much.text("ruling"));
    assert_eq!(bench.post(&path, &json!({})).await.text("state"), "withdrawn");
    assert_eq!(bench.approve(&bench.world.second(Role::Finance).await, &much.text("ruling"), "late-yes").await.0, 409);

    let given = bench.rule("to_giver", &over, Some(&site), 400_000).await;
    assert_eq!(given.0, 201, "{given:?}");
    assert_eq!((bench.balance(2090).await, bench.balance(1120).await), (-600_000, DUE + 600_000));
    let customer: (Option<[u8; 16]>,) = sqlx::query_as(
        "SELECT o.customer FROM view_order o JOIN view_parcel p ON p.order_subject = o.subject WHERE p.subject = $1",
    )
    .bind(parcel.0)
    .fetch_one(&bench.world.running.pool)
    .await
    .unwrap();
    let customer = Subject::customer(Id16(customer.0.unwrap()));
    let traced = bench.rule("to_customer", &over, Some(&customer.to_string()), 1).await;
    assert_eq!(traced.0, 201, "{traced:?}");
    assert_eq!((bench.balance(2090).await, bench.balance(2050).await), (-599_999, -1));
    // Cut into pieces it is as much as in one.
    let piece = bench.rule("to_giver", &over, Some(&site), 100_000).await;
    assert_eq!((piece.0, piece.text("state")), (200, "waiting".to_owned()), "{piece:?}");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ruling_that_does_not_fit_the_books_is_refused_and_posts_nothing() {
    let mut bench = Bench::start().await;
    bench.people.sell_counted(&bench.world, 1, DUE - 20_000).await;
    let (short, site) = (bench.difference(1140).await, bench.world.site.to_string());
    let agent = short["owner"].as_str().unwrap().to_owned();
    let mut stranger = short.clone();
    stranger["owner"] = json!(site);
    let mut unknown = short.clone();
    unknown["cause"] = json!("ab".repeat(32));
    let mut broken = short.clone();
    broken["cause"] = json!("7ক");
    let customer = Subject::customer(Id16([1; 16])).to_string();
    let before = bench.world.digests().await;
    for (how, of, other, amount, status, code) in [
        ("repaid", &short, Some(site.as_str()), 20_001, 409, "more_than_open"),
        ("repaid", &short, Some(site.as_str()), 0, 422, "bad_amount"),
        ("repaid", &short, Some(site.as_str()), -5, 422, "bad_amount"),
        ("repaid", &short, Some(site.as_str()), i64::MAX, 422, "bad_amount"),
        ("repaid", &short, None, 5_000, 422, "bad_ruling"),
        ("repaid", &short, Some(agent.as_str()), 5_000, 422, "bad_ruling"),
        ("repaid", &short, Some("S00000000000000000000000000000"), 5_000, 422, "wrong_type"),
        ("written_off", &short, Some(site.as_str()), 5_000, 422, "bad_ruling"),
        ("forgotten", &short, None, 5_000, 422, "bad_ruling"),
        ("repaid", &broken, Some(site.as_str()), 5_000, 422, "bad_ruling"),
        ("repaid", &unknown, Some(site.as_str()), 5_000, 404, "unknown_difference"),
        ("repaid", &stranger, Some(site.as_str()), 5_000, 404, "unknown_difference"),
        ("to_giver", &short, Some(site.as_str()), 5_000, 404, "unknown_difference"),
        ("excess_to_customer", &short, Some(customer.as_str()), 1, 404, "unknown_difference"),
    ] {
        let answer = bench.rule(how, of, other, amount).await;
        assert_eq!((answer.0, answer.code()), (status, code), "{how} {amount} at {other:?}: {answer:?}");
        assert!(!answer.text("next").is_empty(), "{code} says what to do");
    }
    let ghost = Subject::new(Kind::Ruling, Id16([1; 16])).to_string();
    let ghost = bench.approve(bench.world.token("finance"), &ghost, "no-such-1").await;
    assert_eq!((ghost.0, ghost.code()), (404, "unknown_ruling"));
    assert_eq!(bench.world.digests().await, before);
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cash_that_is_missing_for_good_is_our_loss_and_no_vendor_waits_for_it() {
    let mut bench = Bench::start().await;
    bench.people.sell_counted(&bench.world, 1, DUE - 20_000).await;
    bench.bank("MISSING-1", DUE - 20_000, DUE - 20_000).await;
    let waits = bench.post("/finance/maturing", &json!({})).await;
    assert_eq!((waits.0, &waits.1["earnings"]), (200, &json!([])), "the bank has not all of it: {waits:?}");
    let short = bench.difference(1140).await;
    let proposed = bench.rule("written_off", &short, None, 20_000).await;
    let other = bench.world.second(Role::Finance).await;
    let agreed = bench.approve(&other, &proposed.text("ruling"), "missing-agree").await;
    assert_eq!(agreed.0, 201, "{agreed:?}");
    let matured = bench.did("/finance/maturing", &json!({})).await;
    let earnings = matured.1["earnings"].as_array().unwrap();
    assert_eq!(earnings.len(), 1, "{matured:?}");
    assert_eq!(bench.balance(2020).await, -matured.1["total_paisa"].as_i64().unwrap());
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_was_let_down_is_its_vendors_or_ours_and_no_other_shortage_is() {
    let mut bench = Bench::start().await;
    let parcel = bench.people.at_hub(&bench.world, "let-down-1").await;
    let (world, people) = (&bench.world, &mut bench.people);
    let agent = people.agent.certificate.seat.party;
    world.act(&mut people.site, parcel, Fact::Dispatched(Dispatched { agent, run: Id16([1; 16]) })).await;
    world.act(&mut people.agent, parcel, Fact::Loaded(Loaded {})).await;
    let less = Delivered { evidence: 3, collected: Taka::from_paisa(DUE - 6_900) };
    world.act(&mut people.agent, parcel, Fact::Delivered(less)).await;
    let short = bench.difference(1140).await;
    assert_eq!((&short["rule"], &short["owner"]), (&json!("J11a"), &json!(agent)), "he owes it until somebody looks");

    let (vendor, padma) = (bench.vendor().await, bench.vendor_of("padma").await);
    let no = bench.rule("conceded_by_vendor", &short, Some(&padma), 1_900).await;
    assert_eq!((no.0, no.code()), (409, "not_the_vendor"), "{no:?}");
    let no = bench.rule("conceded_by_vendor", &short, None, 1_900).await;
    assert_eq!((no.0, no.code()), (422, "bad_ruling"), "{no:?}");
    let no = bench.rule("conceded", &short, None, 6_901).await;
    assert_eq!((no.0, no.code()), (409, "more_than_open"), "{no:?}");
    // Whoever bears it, one person's word does not give it away.
    let other = bench.world.second(Role::Finance).await;
    for (how, bearer, amount) in [("conceded_by_vendor", Some(vendor.as_str()), 1_900), ("conceded", None, 5_000)] {
        let proposed = bench.rule(how, &short, bearer, amount).await;
        assert_eq!((proposed.0, proposed.text("state")), (200, "waiting".to_owned()), "{proposed:?}");
        let agreed = bench.approve(&other, &proposed.text("ruling"), &format!("agree-{how}")).await;
        assert_eq!((agreed.0, agreed.text("rule")), (201, "J11b".to_owned()), "{agreed:?}");
    }
    assert_eq!((bench.balance(1140).await, bench.balance(1150).await, bench.balance(5080).await), (0, 1_900, 5_000));

    // Missing at the hand-in is missing, whatever anybody agreed to.
    bench.people.sell_counted(&bench.world, 2, DUE - 10_000).await;
    let missing = bench.difference(1140).await;
    assert_eq!(missing["rule"], json!("J9"));
    let no = bench.rule("conceded", &missing, None, 10_000).await;
    assert_eq!((no.0, no.code()), (409, "not_short_at_door"), "{no:?}");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_till_paid_out_on_paper_is_the_sites_until_finance_accepts_the_paper() {
    let mut bench = Bench::start().await;
    bench.people.sell(&bench.world, 1).await;
    let shift = Subject::new(Kind::Shift, Id16([7; 16]));
    let taka = |paisa| Taka::from_paisa(paisa).unwrap();
    let put = Fact::Put(Put { generation: 1, subjects: vec![shift] });
    bench.world.act(&mut bench.people.site, bench.world.site, put).await;
    bench.world.act(&mut bench.people.site, shift, Fact::TillOpened(TillOpened { float: taka(DUE) })).await;
    let out = TillPaidOut { amount: taka(12_000), reason: TillReason::Transport as u8, voucher: "V-0042".into() };
    bench.world.act(&mut bench.people.site, shift, Fact::TillPaidOut(out)).await;
    let into = TillPaidIn { amount: taka(5_000), reason: TillReason::OwnMoney as u8, voucher: "V-0043".into() };
    bench.world.act(&mut bench.people.site, shift, Fact::TillPaidIn(into)).await;
    assert_eq!((bench.balance(1120).await, bench.balance(1140).await), (DUE - 7_000, 12_000));

    let paid = bench.difference(1140).await;
    assert_eq!((&paid["rule"], &paid["owner"]), (&json!("J27b"), &json!(bench.world.site)), "it has a name");
    let more = bench.rule("expensed", &paid, None, 12_001).await;
    assert_eq!((more.0, more.code()), (409, "more_than_open"), "{more:?}");
    let done = bench.rule("expensed", &paid, None, 10_000).await;
    assert_eq!((done.0, done.text("state")), (201, "ruled".to_owned()), "{done:?}");
    assert_eq!((bench.balance(5045).await, bench.balance(1140).await), (10_000, 2_000));
    let own = bench.difference(2090).await;
    assert_eq!((&own["rule"], &own["open_paisa"]), (&json!("J27c"), &json!(5_000)));
    let site = bench.world.site.to_string();
    let given = bench.rule("to_giver", &own, Some(&site), 5_000).await;
    assert_eq!((given.0, bench.balance(2090).await), (201, 0), "{given:?}");

    // What an agent lacks is no expense.
    bench.people.sell_counted(&bench.world, 2, DUE - 100).await;
    let rows = bench.world.get("finance", "/finance/differences?status=open&account=1140").await;
    let rows = rows.1["rows"].as_array().unwrap().clone();
    let short = rows.iter().find(|row| row["rule"] == "J9").unwrap();
    let no = bench.rule("expensed", short, None, 100).await;
    assert_eq!((no.0, no.code()), (409, "not_paid_out"), "{no:?}");
    bench.stop().await;
}
