//! Finance in the day: takes what the tills hold to the bank, pays vendors and customers, and keeps to
//! what central's API allows.

use std::sync::Arc;

use protocol::id::{Scope, Subject};
use protocol::taka::Taka;
use serde_json::{Value, json};

use super::House;
use crate::model::Dice;

/// The settlement account of the day.
pub const SETTLEMENT: &str = "day-settlement";
/// Our own account.
const OPERATING: &str = "day-operating";
/// A till with less is not worth a walk to the bank.
const WORTH_A_WALK: Taka = Taka::whole(5_000);
/// What a partner keeps of every parcel (J36a).
const PARTNER_FEE: Taka = Taka::whole(15);

/// Runs after which an evening is broken: each settles hundreds of earnings.
const MOST_RUNS: u32 = 100;

type Done = anyhow::Result<()>;

/// Goes round all day: bags, bank, refunds.
pub async fn finance(house: Arc<House>, seed: u64) -> Done {
    let mut dice = Dice::new(seed);
    let mut round = 0;
    while !house.is_closing() {
        house.clock.minutes(45).await;
        round += 1;
        bank(&house, &mut dice, round, WORTH_A_WALK).await?;
        refund(&house).await?;
    }
    Ok(())
}

/// The evening: everything is at the bank, partners remit, vendors and customers are paid, and what is ours
/// leaves the settlement account.
pub async fn settle(house: &House, seed: u64) -> Done {
    let mut dice = Dice::new(seed);
    bank(house, &mut dice, 1_000, Taka::whole(1)).await?;
    for (point, _) in house.points.iter().filter(|(_, partner)| *partner) {
        remit(house, *point).await?;
    }
    refund(house).await?;
    anyhow::ensure!(house.street.refunds() == 0, "{} customers still wait for a refund", house.street.refunds());
    for run in 0..MOST_RUNS {
        let matured = house.central.record("maturing", &format!("day-maturing-{run}"), &json!({})).await?;
        if must(matured, "maturing")?["more"] != true {
            break;
        }
    }
    for run in 0..MOST_RUNS {
        if !pay_out(house, run).await? {
            break;
        }
    }
    sweep(house).await
}

/// One payout run, and the bank's word on each payout. Whether there is more to pay.
async fn pay_out(house: &House, run: u32) -> anyhow::Result<bool> {
    let all = json!({ "vendor": "all" });
    let answer = must(house.central.record("payouts", &format!("day-payouts-{run}"), &all).await?, "payouts")?;
    for payout in answer["payouts"].as_array().into_iter().flatten() {
        let (Some(id), Some(total)) = (payout["payout"].as_str(), paisa(&payout["total_paisa"])) else { continue };
        let sent = json!({ "bank": SETTLEMENT, "reference": format!("UTR-{id}") });
        must(house.central.record(&format!("payouts/{id}/confirm"), &format!("day-{id}"), &sent).await?, "a payout")?;
        house.street.leave_bank(Subject::bank(SETTLEMENT), total);
    }
    Ok(answer["more"] == true)
}

/// Till to bag, bag to bank, and the bank's word on it.
async fn bank(house: &House, dice: &mut Dice, round: u32, least: Taka) -> Done {
    let tills = house.central.finance("cash-by-custodian?limit=500").await?;
    let mut bags = Vec::new();
    let mut sealed = Taka::ZERO;
    for row in tills["rows"].as_array().into_iter().flatten().filter(|row| row["account"] == 1120) {
        let (Some(site), Some(booked)) = (row["owner"].as_str().and_then(Subject::parse), paisa(&row["balance_paisa"]))
        else {
            continue;
        };
        // What is in the drawer and what the books know of already: more cannot be sealed.
        let amount = booked.min(house.street.pile(&site));
        if amount < least {
            continue;
        }
        let body = json!({ "site": site, "seal": format!("SEAL-{round}-{}", bags.len()), "amount_paisa": amount });
        let key = format!("day-bag-{round}-{site}");
        let bag = must(house.central.record("bags", &key, &body).await?, "a bag")?;
        let bag = bag["bag"].as_str().and_then(Subject::parse).ok_or_else(|| anyhow::anyhow!("no bag in {bag}"))?;
        house.street.carry(site, bag, amount);
        sealed = sealed.plus(amount);
        bags.push((bag, amount));
    }
    if bags.is_empty() {
        return Ok(());
    }
    let named: Vec<Subject> = bags.iter().map(|(bag, _)| *bag).collect();
    let body = json!({ "bank": SETTLEMENT, "slip": format!("SLIP-{round}"), "bags": named });
    let deposit = must(house.central.record("deposits", &format!("day-deposit-{round}"), &body).await?, "a deposit")?;
    let id = deposit["deposit"].as_str().unwrap_or_default().to_owned();
    // Now and then the bank counts less than the seal promises.
    let missing = if dice.chance(25) && sealed > Taka::whole(10_000) { Taka::whole(500) } else { Taka::ZERO };
    let credited = sealed.minus(missing);
    let body = json!({ "reference": format!("STMT-{round}"), "credited_paisa": credited });
    let path = format!("deposits/{id}/confirm");
    must(house.central.record(&path, &format!("day-confirm-{round}"), &body).await?, "the bank's word")?;
    for (bag, amount) in &bags {
        house.street.carry(*bag, Subject::bank(SETTLEMENT), *amount);
    }
    house.street.leave_bank(Subject::bank(SETTLEMENT), missing);
    Ok(())
}

/// Pays customers back whose orders were called off after they had paid.
async fn refund(house: &House) -> Done {
    let mut early = Vec::new();
    while let Some((order, provider, amount)) = house.street.next_refund() {
        let reference = format!("REFUND-{order}");
        let body = json!({ "order": order, "amount_paisa": amount, "provider": provider, "reference": reference });
        if house.central.record("refunds", &format!("day-refund-{order}"), &body).await?.is_err() {
            // Central has not released all of it yet: a parcel is still on its way back.
            early.push((order, provider, amount));
        }
    }
    early.into_iter().for_each(|(order, provider, amount)| house.street.wait_for_refund(order, provider, amount));
    Ok(())
}

async fn remit(house: &House, point: Scope) -> Done {
    let (gross, parcels) = house.street.partner_pays(&point);
    if gross == Taka::ZERO {
        return Ok(());
    }
    let fee = Taka::from_paisa(PARTNER_FEE.paisa() * parcels).unwrap_or_default();
    let net = gross.minus(fee);
    let body = json!({
        "site": point, "bank": SETTLEMENT, "net_paisa": net, "commission_paisa": fee,
        "reference": format!("REMIT-{point}"),
    });
    must(house.central.record("remittances", &format!("day-remit-{point}"), &body).await?, "a remittance")?;
    house.street.leave_bank(Subject::bank(SETTLEMENT), net.negated());
    Ok(())
}

/// What is ours: the settlement account less what vendors and customers are owed.
async fn sweep(house: &House) -> Done {
    let balance = house.central.finance("trial-balance?limit=500").await?;
    let of = |code: i64| {
        let rows = balance["rows"].as_array().into_iter().flatten();
        rows.filter(|row| row["account"] == code).filter_map(|row| row["balance_paisa"].as_i64()).sum::<i64>()
    };
    let owed: i64 = [2010, 2020, 2030, 2040, 2045, 2050, 2070, 2090, 2095].into_iter().map(of).sum();
    // What providers still hold of paid-ahead orders covers what was paid out for them.
    let receivable: i64 = [1030, 1031, 1032, 1033].into_iter().map(of).sum();
    let ours = (of(1010) + receivable + owed).min(of(1010));
    let Some(ours) = Taka::from_paisa(ours).filter(|ours| *ours > Taka::whole(1)) else { return Ok(()) };
    let ours = ours.whole_taka();
    let body = json!({ "from": SETTLEMENT, "to": OPERATING, "amount_paisa": ours, "reference": "SWEEP-1" });
    must(house.central.record("sweeps", "day-sweep", &body).await?, "the sweep")?;
    house.street.leave_bank(Subject::bank(SETTLEMENT), ours);
    Ok(())
}

fn paisa(value: &Value) -> Option<Taka> {
    value.as_i64().and_then(Taka::from_paisa)
}

fn must(answer: Result<Value, super::central::Refused>, what: &str) -> anyhow::Result<Value> {
    answer.map_err(|no| anyhow::anyhow!("{what} was refused: {} {} {}", no.status, no.code, no.message))
}
