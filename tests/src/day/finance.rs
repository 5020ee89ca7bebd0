//! Finance in the day: takes what the tills hold to the bank, pays vendors and customers, and keeps to
//! what central's API allows.

use std::sync::Arc;

use protocol::id::{Scope, Subject};
use protocol::taka::Taka;
use serde_json::{Value, json};

use super::House;
use super::wallet::{FEE_BP, Wallets};
use crate::model::Dice;

/// The settlement account of the day.
pub const SETTLEMENT: &str = "day-settlement";
/// Our own account.
const OPERATING: &str = "day-operating";
/// A till with less is not worth a walk to the bank.
const WORTH_A_WALK: Taka = Taka::whole(5_000);
/// What a partner keeps of every parcel (J36a).
const PARTNER_FEE: Taka = Taka::whole(15);

/// What the bank takes for the account.
const BANK_CHARGE: Taka = Taka::whole(115);
/// A stranger's payment, and the round in which it comes.
const STRANGERS: Taka = Taka::whole(700);
const STRANGER_COMES: u32 = 2;

/// What the bank writes before what a customer wrote.
const SENT_FOR: &str = "NPSB for ";

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
        if round == STRANGER_COMES {
            // Somebody pays into the wrong account: nobody here knows for what.
            book(&house, STRANGERS, "", "NPSB from a stranger");
        }
        import(&house, &format!("round-{round}")).await?;
        refund(&house).await?;
    }
    Ok(())
}

/// The evening: differences find their end, everything is at the bank, its statement says so, partners remit, vendors
/// and customers are paid, and what is ours leaves the settlement account.
pub async fn settle(house: &House, seed: u64) -> Done {
    let mut dice = Dice::new(seed);
    rule(house).await?;
    bank(house, &mut dice, 1_000, Taka::whole(1)).await?;
    book(house, BANK_CHARGE.negated(), "", "Account maintenance charge");
    import(house, "evening").await?;
    for (point, _) in house.points.iter().filter(|(_, partner)| *partner) {
        remit(house, *point).await?;
    }
    refund(house).await?;
    anyhow::ensure!(house.street.refunds() == 0, "{} customers still wait for a refund", house.street.refunds());
    wallets(house).await?;
    settle_providers(house).await?;
    import(house, "settlements").await?;
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
    sweep(house).await?;
    import(house, "night").await
}

/// What the bank books, on the day that it is.
fn book(house: &House, amount: Taka, reference: &str, narration: &str) {
    house.bank.book(central::period::day(house.clock.now_ms()), amount, reference, narration);
    house.street.leave_bank(Subject::bank(SETTLEMENT), amount.negated());
}

/// A customer sends what an order costs, and names it.
pub fn send_ahead(house: &House, order: &str, amount: Taka) {
    book(house, amount, "", &format!("{SENT_FOR}{order}"));
}

/// The bank's statement since the last one goes into the books, and finance says of what is open what it is.
async fn import(house: &House, name: &str) -> Done {
    let Some(file) = house.bank.statement() else { return Ok(()) };
    let query = format!("statements?bank={SETTLEMENT}&side=settlement&format=mt940");
    let answer = house.central.record_file(&query, &format!("day-statement-{name}"), file.into_bytes()).await?;
    let answer = must(answer, "a statement")?;
    anyhow::ensure!(answer["unexplained_paisa"] == 0, "the statement and the books differ: {answer}");
    let open = house.central.finance("lines?status=open&limit=1000").await?;
    for line in open["rows"].as_array().into_iter().flatten() {
        let Some(id) = line["line"].as_str() else { continue };
        anyhow::ensure!(
            line["narration"].as_str().is_some_and(|what| what.contains("charge")),
            "left the bank: {line}"
        );
        let charge = json!({ "charge": true });
        must(house.central.record(&format!("lines/{id}/explain"), &format!("day-{id}"), &charge).await?, "a charge")?;
    }
    let booked = house.central.finance("lines?status=booked&limit=1000").await?;
    for line in booked["rows"].as_array().into_iter().flatten().filter(|line| line["why"] == "paid_ahead") {
        // What the line may be pays for the order that the customer wrote, and finance says so.
        let (Some(id), Some(order)) = (line["line"].as_str(), line["things"][0].as_str()) else { continue };
        let told = json!({ "thing": order });
        let answer = house.central.record(&format!("lines/{id}/explain"), &format!("day-{id}"), &told).await?;
        must(answer, "what a customer sent")?;
    }
    Ok(())
}

/// Of what agents lack they bring a half; the other half finance gives up, on the word of two people. What tills and
/// bags lack stays owed, and so does what is too much until its owner is found.
async fn rule(house: &House) -> Done {
    let open = house.central.finance("differences?status=open&limit=1000").await?;
    for row in open["rows"].as_array().into_iter().flatten().filter(|row| row["account"] == 1140) {
        let (Some(owner), Some(missing)) = (row["owner"].as_str().and_then(Subject::parse), paisa(&row["open_paisa"]))
        else {
            continue;
        };
        let Some(agent) = house.nodes.iter().find(|node| node.party == owner && node.role == "agent") else { continue };
        let half = Taka::from_paisa(missing.paisa() / 2).unwrap_or_default().whole_taka();
        let key = format!("{}-{}", agent.name, &row["cause"].as_str().unwrap_or_default()[..12]);
        let ruling = |how: &str, other: Option<Scope>, amount: Taka| {
            json!({
                "how": how, "cause": row["cause"], "owner": owner, "other": other, "amount_paisa": amount,
                "reason": "agreed in the evening",
            })
        };
        if half > Taka::ZERO {
            let repaid = ruling("repaid", Some(house.site), half);
            let told = must(house.central.record("rulings", &format!("day-back-{key}"), &repaid).await?, "repaid")?;
            agree(house, &told, &key).await?;
            house.street.pay(house.site, half);
        }
        let rest = ruling("written_off", None, missing.minus(half));
        let told = must(house.central.record("rulings", &format!("day-off-{key}"), &rest).await?, "written off")?;
        agree(house, &told, &key).await?;
    }
    Ok(())
}

/// The second person's word, where it is needed.
async fn agree(house: &House, told: &Value, key: &str) -> Done {
    if let (Some("waiting"), Some(ruling)) = (told["state"].as_str(), told["ruling"].as_str()) {
        let path = format!("rulings/{ruling}/approve");
        must(house.central.agree(&path, &format!("day-yes-{key}-{}", &ruling[..12])).await?, "an approval")?;
    }
    Ok(())
}

/// One payout run, and the bank's word on each payout. Whether there is more to pay.
async fn pay_out(house: &House, run: u32) -> anyhow::Result<bool> {
    let all = json!({ "vendor": "all" });
    let answer = must(house.central.record("payouts", &format!("day-payouts-{run}"), &all).await?, "payouts")?;
    for payout in answer["payouts"].as_array().into_iter().flatten() {
        let (Some(id), Some(total)) = (payout["payout"].as_str(), paisa(&payout["total_paisa"])) else { continue };
        book(house, total.negated(), "", &format!("/EREF/{id}/REMI/payout to a vendor"));
    }
    // Its statement confirms them: the transfer carried each payout's id.
    import(house, &format!("payouts-{run}")).await?;
    let back = match answer["payouts"].get(0) {
        Some(first) if run == 0 => come_back(house, first).await?,
        _ => false,
    };
    Ok(back || answer["more"] == true)
}

/// The bank sends a payout back: its credit names the payout, waits on suspense, and finance says what it is. The next run
/// pays it again. Whether there was one.
async fn come_back(house: &House, payout: &Value) -> anyhow::Result<bool> {
    let (Some(id), Some(total)) = (payout["payout"].as_str(), paisa(&payout["total_paisa"])) else { return Ok(false) };
    book(house, total, "", &format!("/EREF/{id}/REMI/returned, no such account"));
    import(house, "returned").await?;
    let booked = house.central.finance("lines?status=booked&limit=1000").await?;
    let rows = booked["rows"].as_array().into_iter().flatten();
    let line = rows.filter(|line| line["why"] == "payout_returned").find_map(|line| line["line"].as_str());
    let line = line.ok_or_else(|| anyhow::anyhow!("the returned payout {id} has no line of its own: {booked}"))?;
    let told = json!({ "thing": id });
    must(house.central.record(&format!("lines/{line}/explain"), "day-returned", &told).await?, "a returned payout")?;
    Ok(true)
}

/// Each provider's statement: every payment and every refund of the day is in the books, and nothing else.
async fn wallets(house: &House) -> Done {
    for provider in Wallets::providers() {
        let Some((file, lines)) = house.wallets.statement(provider) else { continue };
        let query = format!("statements?bank=day-{provider}&side={provider}&format={provider}");
        let answer = house.central.record_file(&query, &format!("day-statement-{provider}"), file.into_bytes()).await?;
        let answer = must(answer, "a provider's statement")?;
        let matched = answer["matched"] == lines && answer["exceptions"].as_array().is_some_and(Vec::is_empty);
        anyhow::ensure!(matched, "{provider} states {lines} payments and refunds that the books have not: {answer}");
    }
    Ok(())
}

/// Providers pay out what customers paid ahead, less their fee of 1.5 %.
async fn settle_providers(house: &House) -> Done {
    let balance = house.central.finance("trial-balance?limit=500").await?;
    for (code, provider) in [(1030, "bkash"), (1031, "nagad"), (1032, "rocket"), (1033, "card")] {
        let rows = balance["rows"].as_array().into_iter().flatten();
        let owed = rows.filter(|row| row["account"] == code).find_map(|row| paisa(&row["balance_paisa"]));
        let Some(gross) = owed.filter(|gross| *gross > Taka::ZERO) else { continue };
        let (fee, reference) = (gross.basis_points(FEE_BP), format!("SETTLED-{provider}"));
        let body = json!({
            "what": "settled", "bank": SETTLEMENT, "provider": provider, "amount_paisa": gross, "part_paisa": fee,
            "reference": reference,
        });
        must(house.central.record("entries", &format!("day-settled-{provider}"), &body).await?, "a settlement")?;
        book(house, gross.minus(fee), "", &format!("/EREF/{reference}/REMI/merchant settlement"));
    }
    Ok(())
}

/// Till to bag, bag to bank; what the bank counts stands on its next statement.
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
    must(house.central.record("deposits", &format!("day-deposit-{round}"), &body).await?, "a deposit")?;
    // Now and then the bank counts less than the seal promises.
    let missing = if dice.chance(25) && sealed > Taka::whole(10_000) { Taka::whole(500) } else { Taka::ZERO };
    for (bag, amount) in &bags {
        house.street.carry(*bag, Subject::bank(SETTLEMENT), *amount);
    }
    house.street.leave_bank(Subject::bank(SETTLEMENT), sealed);
    book(house, sealed.minus(missing), &format!("SLIP-{round}"), "Cash deposit at the counter");
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
            continue;
        }
        let day = central::period::day(house.clock.now_ms());
        house.wallets.book(provider, day, &reference, &order, amount.negated());
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
    book(house, net, "", &format!("/EREF/REMIT-{point}/REMI/a partner remits"));
    Ok(())
}

/// What is ours: the settlement account less what vendors and customers are owed.
async fn sweep(house: &House) -> Done {
    let balance = house.central.finance("trial-balance?limit=500").await?;
    let of = |code: i64| {
        let rows = balance["rows"].as_array().into_iter().flatten();
        rows.filter(|row| row["account"] == code).filter_map(|row| row["balance_paisa"].as_i64()).sum::<i64>()
    };
    let owed: i64 = [2010, 2020, 2030, 2040, 2045, 2050, 2070, 2080, 2090, 2095].into_iter().map(of).sum();
    // What providers still hold of paid-ahead orders covers what was paid out for them.
    let receivable: i64 = [1030, 1031, 1032, 1033].into_iter().map(of).sum();
    let ours = (of(1010) + receivable + owed).min(of(1010));
    let Some(ours) = Taka::from_paisa(ours).filter(|ours| *ours > Taka::whole(1)) else { return Ok(()) };
    let ours = ours.whole_taka();
    let body = json!({ "from": SETTLEMENT, "to": OPERATING, "amount_paisa": ours, "reference": "SWEEP-1" });
    must(house.central.record("sweeps", "day-sweep", &body).await?, "the sweep")?;
    book(house, ours.negated(), "SWEEP-1", "to our own account");
    Ok(())
}

fn paisa(value: &Value) -> Option<Taka> {
    value.as_i64().and_then(Taka::from_paisa)
}

fn must(answer: Result<Value, super::central::Refused>, what: &str) -> anyhow::Result<Value> {
    answer.map_err(|no| anyhow::anyhow!("{what} was refused: {} {} {}", no.status, no.code, no.message))
}
