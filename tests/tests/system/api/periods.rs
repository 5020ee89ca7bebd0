//! Months that close, days that are sealed, and what the books were at a past time.

use serde_json::{Value, json};

use super::banking::{Bench, DUE};
use super::world::World;

/// Noon in Dhaka on the 25th of November and the 3rd of December 2026, and on the 3rd of January 2027.
const NOVEMBER: u64 = 1_795_586_400_000;
const DECEMBER: u64 = NOVEMBER + 8 * 24 * 3_600_000;
const JANUARY: u64 = DECEMBER + 31 * 24 * 3_600_000;

impl Bench {
    async fn close(&self, month: &str) -> super::world::Answer {
        self.post(&format!("/finance/periods/{month}/close"), &json!({})).await
    }

    /// Account to balance at a time, zero ones left out; and Σ of all.
    async fn then(&self, at: &str) -> (Vec<(i64, i64)>, i64) {
        let answer = self.world.get("finance", &format!("/finance/balances?limit=1000&at={at}")).await;
        let rows = answer.1["rows"].as_array().unwrap_or_else(|| panic!("{answer:?}"));
        let row = |row: &Value| (row["account"].as_i64().unwrap(), row["balance_paisa"].as_i64().unwrap());
        let held: Vec<(i64, i64)> = rows.iter().map(row).filter(|(_, balance)| *balance != 0).collect();
        let sum = held.iter().map(|(_, balance)| balance).sum();
        (held, sum)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_month_keeps_its_figures_and_a_late_fact_counts_in_the_open_one() {
    let mut bench = Bench::of(World::start_at(NOVEMBER).await).await;
    bench.sell(1).await;
    for (month, status, code) in [
        ("2026-11", 409, "month_not_over"),
        ("2026-13", 400, "bad_period"),
        ("November", 400, "bad_period"),
        ("%E0%A7%A8%E0%A7%A6%E0%A7%A8%E0%A7%AC-%E0%A7%A7%E0%A7%A7", 400, "bad_period"),
    ] {
        let answer = bench.close(month).await;
        assert_eq!((answer.0, answer.code()), (status, code), "{month}: {answer:?}");
    }
    let november = bench.then("2026-11-30").await;

    bench.world.pass_to(DECEMBER).await;
    bench.sell(2).await;
    let closed = bench.close("2026-11").await;
    assert_eq!((closed.0, &closed.1["debit_paisa"]), (201, &closed.1["credit_paisa"]), "{closed:?}");
    let again = bench.close("2026-11").await;
    assert_eq!((again.0, &again.1), (200, &closed.1), "it stays as it was closed");
    let earlier = bench.close("2026-10").await;
    assert_eq!((earlier.0, earlier.code()), (409, "later_month_closed"));

    // The figures that were handed out are those of November, though December had begun.
    let sealed = bench.world.get("finance", "/finance/periods/2026-11/balance").await;
    let by_code = |rows: &Value| -> Vec<(i64, i64)> {
        let row = |row: &Value| (row["account"].as_i64().unwrap(), row["balance_paisa"].as_i64().unwrap());
        rows.as_array().unwrap().iter().map(row).filter(|(_, balance)| *balance != 0).collect()
    };
    assert_eq!((by_code(&sealed.1["rows"]), 0), november);
    assert_eq!(bench.then("2026-11-30").await, november, "and they are what the past says today");
    let list = bench.world.get("finance", "/finance/periods").await;
    assert_eq!(list.1["rows"][0], closed.1);

    // A better delivery of November's parcel would have posted in November; it is too late for that.
    bench.world.pass_to(JANUARY).await;
    let skipped = bench.close("2027-01").await;
    assert_eq!((skipped.0, skipped.code()), (409, "month_not_over"));
    bench.sell(3).await;
    assert_eq!(bench.close("2026-12").await.0, 201);
    let periods: Vec<(String, i64)> =
        sqlx::query_as("SELECT period, count(*) FROM journal_log GROUP BY period ORDER BY period")
            .fetch_all(&bench.world.running.pool)
            .await
            .unwrap();
    assert_eq!(
        periods.iter().map(|(period, _)| period.as_str()).collect::<Vec<_>>(),
        ["2026-11", "2026-12", "2027-01"]
    );
    assert_eq!(bench.then("2026-11-30").await, november);

    // A clock that is set back behind a closed month posts in the open one.
    bench.world.pass_to(NOVEMBER).await;
    bench.sell(4).await;
    let (last,): (String,) = sqlx::query_as("SELECT period FROM journal_log ORDER BY position DESC LIMIT 1")
        .fetch_one(&bench.world.running.pool)
        .await
        .unwrap();
    assert_eq!(last, "2027-01");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_itself_refuses_a_posting_into_a_closed_month() {
    let mut bench = Bench::of(World::start_at(NOVEMBER).await).await;
    bench.sell(1).await;
    bench.world.pass_to(DECEMBER).await;
    bench.sell(2).await;
    assert_eq!(bench.close("2026-11").await.0, 201);
    let before = bench.world.digests().await;
    let pool = &bench.world.running.pool;
    let forged = "INSERT INTO journal_log
        SELECT decode(repeat('ab', 16), 'hex'), position + 1, decode(repeat('cd', 16), 'hex'), 0, subject, rule, cause,
               rules_version, '2026-11', posted_at, hash FROM journal_log ORDER BY position DESC LIMIT 1";
    let error = sqlx::query(forged).execute(pool).await.unwrap_err().to_string();
    assert!(error.contains("this month is closed"), "{error}");
    for sql in ["UPDATE seal SET position = 0", "DELETE FROM closed_balance"] {
        let error = sqlx::query(sql).execute(pool).await.unwrap_err().to_string();
        assert!(error.contains("append-only"), "{error}");
    }
    assert_eq!(bench.world.digests().await, before);

    // Somebody who may switch that off takes the seal of the month away.
    let taken = "ALTER TABLE seal DISABLE TRIGGER ALL; DELETE FROM seal WHERE name = '2026-11'";
    sqlx::raw_sql(taken).execute(pool).await.unwrap();
    let broken = central::rebuild::verify_log(pool).await.unwrap().broken_seal.expect("it is missed");
    assert_eq!((broken.name.as_str(), broken.why), ("2026-11", central::seal::Why::Missing));
    bench.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_posted_at_a_time_of_a_closed_month_when_the_clock_is_set_back_behind_its_end() {
    let mut bench = Bench::of(World::start_at(NOVEMBER).await).await;
    bench.sell(1).await;
    bench.world.pass_to(DECEMBER).await;
    assert_eq!(bench.close("2026-11").await.0, 201);
    let november = bench.then("2026-11-30").await;
    bench.world.pass_to(NOVEMBER).await;
    bench.sell(2).await;
    assert_eq!(bench.then("2026-11-30").await, november);
    let now = bench.world.get("finance", "/finance/accounts/4010/balance").await;
    assert_eq!(now.1["balance_paisa"], json!(bench.balance(4010).await), "now is not before the last journal");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accounts_lines_run_to_its_balance_over_pages_and_days() {
    let mut bench = Bench::of(World::start_at(NOVEMBER).await).await;
    bench.sell(1).await;
    bench.sell(2).await;
    bench.world.pass_to(DECEMBER).await;
    bench.people.sell_counted(&bench.world, 3, DUE - 500).await;
    let site = bench.world.site.to_string();
    let mut lines: Vec<Value> = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/finance/accounts/1120.{site}/lines?limit=2&after={after}");
        let page = bench.world.get("finance", &path).await;
        lines.extend(page.1["rows"].as_array().unwrap_or_else(|| panic!("{page:?}")).iter().cloned());
        after = page.text("next");
        if after.is_empty() {
            break;
        }
    }
    let told: Vec<(&str, i64, i64)> = lines
        .iter()
        .map(|line| {
            let number = |field: &str| line[field].as_i64().unwrap();
            (line["rule"].as_str().unwrap(), number("amount_paisa"), number("balance_paisa"))
        })
        .collect();
    assert_eq!(told, [("J8", DUE, DUE), ("J8", DUE, 2 * DUE), ("J9", DUE - 500, 3 * DUE - 500)]);
    let whole = bench.world.get("finance", "/finance/accounts/4010/lines").await;
    let last = whole.1["rows"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["balance_paisa"], json!(bench.balance(4010).await), "an account without owners, too");

    // At the end of each day, and at a moment inside one.
    let held = |then: &(Vec<(i64, i64)>, i64)| then.0.iter().find(|(code, _)| *code == 1120).map(|(_, held)| *held);
    assert_eq!(bench.then("2026-11-24").await, (Vec::new(), 0));
    assert_eq!(held(&bench.then("2026-11-25").await), Some(2 * DUE));
    assert_eq!(held(&bench.then("2026-12-02").await), Some(2 * DUE));
    assert_eq!(held(&bench.then("2026-12-03").await), Some(3 * DUE - 500));
    for (at, held) in [("2026-11-24", 0), ("2026-11-25", 2 * DUE), ("2026-12-03", 3 * DUE - 500)] {
        let then = bench.world.get("finance", &format!("/finance/accounts/1120.{site}/balance?at={at}")).await;
        assert_eq!(then.1["balance_paisa"], json!(held), "{at}: {then:?}");
    }
    let moment = lines[0]["posted_at"].as_str().unwrap();
    let then = bench.world.get("finance", &format!("/finance/accounts/1120.{site}/balance?at={moment}")).await;
    assert_eq!((&then.1["balance_paisa"], &then.1["at"]), (&json!(DUE), &json!(moment)));
    let (first, sum) = bench.then(lines[0]["posted_at"].as_str().unwrap()).await;
    assert!(held(&(first.clone(), sum)).is_some_and(|held| held == DUE), "{first:?}");
    for (path, code) in [
        ("/finance/balances?at=yesterday", "bad_time"),
        ("/finance/accounts/cash/lines", "bad_id"),
        ("/finance/accounts/4010/balance?at=soon", "bad_time"),
        ("/finance/accounts/1120.S1/lines", "bad_id"),
        ("/finance/accounts/1120/lines?after=x", "bad_page"),
        ("/finance/periods/2026-11/balance", "month_not_closed"),
    ] {
        let answer = bench.world.get("finance", path).await;
        assert_eq!(answer.code(), code, "{path}: {answer:?}");
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_sealed_when_the_next_begins_and_a_log_that_was_cut_does_not_fit_its_seal() {
    let mut bench = Bench::of(World::start_at(NOVEMBER).await).await;
    bench.sell(1).await;
    bench.world.pass_to(DECEMBER).await;
    bench.sell(2).await;
    let pool = bench.world.running.pool.clone();
    let seals: Vec<(String, i64)> =
        sqlx::query_as("SELECT name, position FROM seal ORDER BY position").fetch_all(&pool).await.unwrap();
    let [(day, position)] = seals.as_slice() else { panic!("{seals:?}") };
    assert_eq!(day, "2026-11-25");
    assert!(central::rebuild::verify_log(&pool).await.unwrap().is_sound());

    // Whoever keeps the seal elsewhere can check it by itself: central signed this place of the log.
    let kept = bench.world.get("finance", "/finance/seals").await;
    let bytes =
        |field: &str| data_encoding::HEXLOWER.decode(kept.1["rows"][0][field].as_str().unwrap().as_bytes()).unwrap();
    let mut signed = blake3::Hasher::new_derive_key("getit seal 1");
    signed.update(&(day.len() as u64).to_be_bytes()).update(day.as_bytes()).update(&position.to_be_bytes());
    signed.update(&bytes("hash")).update(&bytes("totals"));
    let certificate = bytes("certificate");
    let seat: protocol::seat::Seat = protocol::cbor::decode(&certificate[64..]).unwrap();
    let key = ed25519_dalek::VerifyingKey::from_bytes(&seat.key).unwrap();
    let signature = ed25519_dalek::Signature::from_slice(&bytes("signature")).unwrap();
    key.verify_strict(signed.finalize().as_bytes(), &signature).unwrap();

    // Somebody who may do everything in the database takes the end off, and sets the head so that the chain fits.
    let cut = format!(
        "ALTER TABLE journal_log DISABLE TRIGGER ALL; ALTER TABLE posting DISABLE TRIGGER ALL;
         DELETE FROM posting WHERE position >= {position}; DELETE FROM journal_log WHERE position >= {position};
         UPDATE log_head SET journals = {position} - 1,
            journal_hash = (SELECT hash FROM journal_log WHERE position = {position} - 1)"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(cut)).execute(&pool).await.unwrap();
    let report = central::rebuild::verify_log(&pool).await.unwrap();
    assert_eq!(report.first_changed, None, "the chain alone does not see it");
    let broken = report.broken_seal.expect("the seal does");
    assert_eq!((broken.name.as_str(), broken.why), ("2026-11-25", central::seal::Why::Log));
    bench.world.stop().await;
}
