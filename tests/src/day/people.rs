//! The people of the day: customers, vendors, clerks and agents. Each acts through the API of his own
//! device, and moves goods and cash in the street.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::command::Command;
use protocol::fact::{AttemptReason, Denomination};
use protocol::id::{Kind, Scope, Subject};
use protocol::taka::Taka;
use serde_json::json;
use tokio::sync::Semaphore;

use super::House;
use super::central::order_json;
use super::node::Node;
use crate::model::Dice;
use crate::order_file::FileOrder;

/// Orders on their way to central at once: as many as a shop's customers on a busy morning.
const ORDERS_AT_ONCE: usize = 12;
/// One in so many orders is, where it is paid ahead, paid by a transfer to our account.
const BY_TRANSFER: usize = 8;
/// Tries of an order whose prices others change meanwhile.
const PRICE_TRIES: usize = 20;
/// Parcels on one run.
const RUN: usize = 24;
/// Parcels that two agents claim in the day.
const TWINS: usize = 8;
/// The longest that an agent waits for his run to reach his phone before he goes without.
const PATIENCE: Duration = Duration::from_secs(60);

type Done = anyhow::Result<()>;

/// Customers order, in the order and rhythm of the file; some call it off.
pub async fn customers(house: Arc<House>, orders: Vec<FileOrder>, start_ms: u64, length_ms: u64, seed: u64) -> Done {
    let gate = Arc::new(Semaphore::new(ORDERS_AT_ONCE));
    let count = orders.len().max(1) as u64;
    let mut dice = Dice::new(seed);
    let mut placing = tokio::task::JoinSet::new();
    for (index, order) in orders.into_iter().enumerate() {
        house.clock.until(start_ms + length_ms * index as u64 / count).await;
        let permit = Arc::clone(&gate).acquire_owned().await?;
        let second_thoughts = match dice.below(100) {
            0..=3 => Some(0),
            // Later, when it may be on its way already: then it is asked back.
            4 => Some(30 + dice.below(90) as u64),
            _ => None,
        };
        let by_transfer = index % BY_TRANSFER == 0 && second_thoughts.is_none();
        let point = if order.pickup { dice.pick(&house.points).map(|(point, _)| *point) } else { None };
        let house = Arc::clone(&house);
        placing.spawn(async move {
            let placed = place(&house, &order, point, by_transfer).await?;
            drop(permit);
            match (placed, second_thoughts) {
                (Some(placed), Some(minutes)) => call_off(&house, &order, placed, minutes).await,
                _ => Ok(()),
            }
        });
        while let Some(done) = placing.try_join_next() {
            done??;
        }
    }
    while let Some(done) = placing.join_next().await {
        done??;
    }
    house.street.all_placed();
    Ok(())
}

/// An order as the shop answered it.
struct Placed {
    order: String,
    total: Taka,
    parcels: Vec<Subject>,
}

async fn place(
    house: &House,
    order: &FileOrder,
    point: Option<Scope>,
    by_transfer: bool,
) -> anyhow::Result<Option<Placed>> {
    let key = format!("day-{}", order.order_ref);
    let mut answer = house.central.place(&key, &order_json(order, point)).await?;
    for _ in 0..PRICE_TRIES {
        if !matches!(&answer, Err(refused) if refused.code == "price_changed") {
            break;
        }
        // The file sells one thing at several prices: the vendor sets this order's, and it is sent again.
        // Central may be away just now: then the order says so again.
        let _away = super::house::set_prices(&house.central, order).await;
        answer = house.central.place(&key, &order_json(order, point)).await?;
    }
    let placed = match answer {
        Ok(placed) => placed,
        Err(refused) => {
            house.note_refused_order(&order.order_ref, &refused.code);
            return Ok(None);
        }
    };
    let id = placed["order"].as_str().unwrap_or_default().to_owned();
    let total = placed["total_paisa"].as_i64().and_then(Taka::from_paisa).unwrap_or_default();
    if by_transfer && order.prepaid.is_some() {
        super::finance::send_ahead(house, &id, total);
    } else if let Some(provider) = order.prepaid {
        let paid = json!({
            "order": id, "provider": provider, "reference": format!("TRX-{}", order.order_ref),
            "amount_paisa": placed["total_paisa"],
        });
        let answer = house.central.record("payments", &format!("day-pay-{}", order.order_ref), &paid).await?;
        answer.map_err(|no| anyhow::anyhow!("the payment of {id} was refused: {} {}", no.code, no.message))?;
        let day = central::period::day(house.clock.now_ms());
        house.wallets.book(provider, day, &format!("TRX-{}", order.order_ref), &id, total);
    }
    let codes = match point {
        Some(_) => codes(house, &id).await?,
        None => BTreeMap::new(),
    };
    let mut parcels = Vec::new();
    for parcel in placed["parcels"].as_array().into_iter().flatten() {
        let id = parcel["parcel"].as_str().and_then(Subject::parse);
        let vendor = parcel["vendor"].as_str().and_then(|slug| house.vendor(slug));
        let due = parcel["due_paisa"].as_i64().and_then(Taka::from_paisa);
        if let (Some(id), Some(vendor), Some(due)) = (id, vendor, due) {
            house.street.expect(id, vendor, due, point, codes.get(&id).cloned());
            parcels.push(id);
        }
    }
    house.count_order(parcels.len());
    Ok(Some(Placed { order: id, total, parcels }))
}

/// What the customer's messages say: the six digits of every parcel.
async fn codes(house: &House, order: &str) -> anyhow::Result<BTreeMap<Subject, (String, String)>> {
    let read = house.central.order(order).await?;
    let read = read.map_err(|no| anyhow::anyhow!("{order} cannot be read: {} {}", no.code, no.message))?;
    let code = |parcel: &serde_json::Value| {
        let shown = |field: &str| parcel["handover"][field].as_str().map(str::to_owned);
        Some((parcel["parcel"].as_str().and_then(Subject::parse)?, (shown("code")?, shown("token")?)))
    };
    Ok(read["parcels"].as_array().into_iter().flatten().filter_map(code).collect())
}

/// The customer changes his mind: at once, or when it is under way.
async fn call_off(house: &House, order: &FileOrder, placed: Placed, minutes: u64) -> Done {
    house.clock.minutes(minutes).await;
    let Ok(answer) = house.central.cancel(&placed.order).await? else { return Ok(()) };
    let mut called_off = 0;
    for parcel in answer["parcels"].as_array().into_iter().flatten() {
        let Some(id) = parcel["parcel"].as_str().and_then(Subject::parse) else { continue };
        if parcel["cancellation"] == "cancelled" && placed.parcels.contains(&id) {
            // What is asked back under way comes back like any other return.
            house.street.called_off(id);
            called_off += 1;
        }
    }
    if let Some(provider) = order.prepaid.filter(|_| called_off == placed.parcels.len()) {
        house.street.wait_for_refund(placed.order, provider, placed.total);
    }
    Ok(())
}

/// A vendor accepts and packs what comes in, and takes back what comes back.
pub async fn vendor(house: Arc<House>, node: Arc<Node>) -> Done {
    let mut taps = 0u64;
    while !house.is_closing() {
        for parcel in node.parcels("placed").await? {
            let Some(id) = parcel["parcel"].as_str().and_then(Subject::parse) else { continue };
            let started = Instant::now();
            if let Ok(receipt) = node.tap(&Command::Accept { parcel: id }).await? {
                taps += 1;
                if taps % 16 == 1 && !node.link.is_cut() {
                    let node = Arc::clone(&node);
                    tokio::spawn(async move { node.measure_safe(receipt.act, started).await });
                }
            }
        }
        for parcel in node.parcels("accepted").await? {
            let Some(id) = parcel["parcel"].as_str().and_then(Subject::parse) else { continue };
            if node.tap(&Command::Pack { parcel: id, pieces: 1 }).await?.is_ok() && !house.street.is_called_off(&id) {
                house.street.packed(id);
            }
        }
        let mut early = Vec::new();
        while let Some(id) = house.street.returned_to(&node.party) {
            match node.tap(&Command::TakeBack { parcel: id }).await? {
                Ok(_) => house.street.end(&id),
                // The goods came before the news: the clerk tries again later.
                Err(_) => early.push(id),
            }
        }
        early.into_iter().for_each(|id| house.street.sent_back(id));
        house.clock.minutes(3).await;
    }
    Ok(())
}

/// The clerks of the courier hub: scan in, plan runs, send back, count cash.
pub async fn site(house: Arc<House>, node: Arc<Node>, agents: Vec<Scope>, seed: u64) -> Done {
    let mut dice = Dice::new(seed);
    let mut pool: VecDeque<Subject> = VecDeque::new();
    let mut idle = 0u32;
    while !house.is_closing() {
        let scanned = scan(&house, &node, &mut pool).await?;
        idle = if scanned { 0 } else { idle + 1 };
        while let Some(bundle) = house.street.next_bundle() {
            let counted_paisa = bundle.cash;
            let (handin, agent) = (bundle.handin, bundle.agent);
            let command = Command::Count { handin, agent, counted_paisa, denominations: notes(counted_paisa) };
            match node.tap(&command).await? {
                Ok(_) => house.street.fill_till(node.party, counted_paisa),
                Err(refusal) => {
                    anyhow::bail!("the count of {handin} was refused: {} {}", refusal.code, refusal.message)
                }
            }
        }
        while let Some((id, first)) = house.street.next_loose() {
            // The clerk believes that the parcel is still here, and gives it to somebody else too.
            let others: Vec<Scope> =
                agents.iter().copied().filter(|agent| *agent != first && !house.leads_twins(agent)).collect();
            let Some(second) = dice.pick(&others).copied() else { continue };
            match node.tap(&Command::Dispatch { parcels: vec![id], agent: second }).await? {
                Ok(_) => house.street.give_run(second, vec![id]),
                Err(_) => house.street.second_done(&id),
            }
        }
        forward(&house, &node, &mut pool).await?;
        // A run leaves when it is full, or when nothing more comes for a while.
        while pool.len() >= RUN || (idle > 4 && !pool.is_empty()) {
            let Some(agent) = agents.iter().copied().min_by_key(|agent| house.street.waiting_runs(agent)) else {
                break;
            };
            if house.street.waiting_runs(&agent) >= 2 {
                break;
            }
            let run: Vec<Subject> = pool.drain(..pool.len().min(RUN)).collect();
            match node.tap(&Command::Dispatch { parcels: run.clone(), agent }).await? {
                Ok(_) => {
                    if house.leads_twins(&agent) && run.len() > 4 && house.street.twins() < TWINS {
                        house.street.twin(run[1]);
                    }
                    house.street.give_run(agent, run);
                }
                // One of them cannot go (called off meanwhile): the others go one by one.
                Err(_) => {
                    for id in run {
                        match node.tap(&Command::Dispatch { parcels: vec![id], agent }).await? {
                            Ok(_) => house.street.give_run(agent, vec![id]),
                            Err(_) => send_back(&house, &node, id).await?,
                        }
                    }
                }
            }
        }
        house.clock.minutes(2).await;
    }
    Ok(())
}

async fn scan(house: &House, node: &Node, pool: &mut VecDeque<Subject>) -> anyhow::Result<bool> {
    let mut scanned = false;
    let mut waiting = Vec::new();
    while let Some((id, back)) = house.street.arrived() {
        match node.tap(&Command::Receive { parcel: id, pieces: 1 }).await? {
            Ok(_) if back == Some(true) => {
                scanned = true;
                if node.tap(&Command::Return { parcel: id, reason: AttemptReason::Refused }).await?.is_ok() {
                    house.street.sent_back(id);
                }
            }
            Ok(_) => {
                scanned = true;
                pool.push_back(id);
            }
            // Its papers are not here yet: it waits at the door.
            Err(_) => waiting.push((id, back)),
        }
        if house.is_closing() {
            break;
        }
    }
    waiting.into_iter().for_each(|(id, back)| house.street.wait_at_door(id, back));
    Ok(scanned)
}

/// What customers fetch at a point goes there with the van.
async fn forward(house: &House, node: &Node, pool: &mut VecDeque<Subject>) -> Done {
    let point_of = |id: &Subject| house.street.parcel(id).and_then(|parcel| parcel.point);
    let (fetched, brought): (VecDeque<Subject>, VecDeque<Subject>) =
        pool.drain(..).partition(|id| point_of(id).is_some());
    *pool = brought;
    for id in fetched {
        let Some(to) = point_of(&id) else { continue };
        match node.tap(&Command::Forward { parcels: vec![id], to }).await? {
            Ok(_) => house.street.forward(to, id),
            Err(_) => send_back(house, node, id).await?,
        }
    }
    Ok(())
}

/// Called off: it goes back to its vendor, or it is there already.
async fn send_back(house: &House, node: &Node, id: Subject) -> Done {
    match node.tap(&Command::Return { parcel: id, reason: AttemptReason::Refused }).await? {
        Ok(_) => house.street.sent_back(id),
        Err(_) => house.street.end(&id),
    }
    Ok(())
}

/// The fewest notes of an amount; odd paisa are not counted by notes.
fn notes(amount: Taka) -> Vec<Denomination> {
    let mut rest = amount.paisa() / 100;
    if rest * 100 != amount.paisa() {
        return Vec::new();
    }
    let mut notes = Vec::new();
    for taka in [1_000u32, 500, 200, 100, 50, 20, 10, 5, 2, 1] {
        let pieces = u32::try_from(rest / i64::from(taka)).unwrap_or(0);
        rest %= i64::from(taka);
        if pieces > 0 {
            notes.push(Denomination { taka, pieces });
        }
    }
    notes
}

/// An agent: load, drive, deliver, come back, hand in.
pub async fn agent(house: Arc<House>, node: Arc<Node>, seed: u64) -> Done {
    let mut dice = Dice::new(seed);
    while !house.is_closing() {
        let Some(run) = house.street.take_run(&node.party) else {
            if house.street.is_done() && house.street.pile(&node.party) > Taka::ZERO {
                hand_in(&house, &node, &mut dice).await?;
            }
            house.clock.minutes(2).await;
            continue;
        };
        node.link.restore();
        let loaded = load(&house, &node, run).await?;
        let leads: Vec<Subject> =
            loaded.iter().copied().filter(|id| house.leads_twins(&node.party) && house.street.is_twin(id)).collect();
        // On the road there is a signal, or there is none.
        if dice.chance(60) || !leads.is_empty() {
            node.link.cut();
        }
        leads.iter().for_each(|id| house.street.let_loose(*id, node.party));
        let mut back = Vec::new();
        for id in loaded {
            house.clock.minutes(1 + dice.below(2) as u64).await;
            if let Some(refused) = door(&house, &node, id, &mut dice).await? {
                back.push((id, refused));
            }
        }
        let waited = Instant::now();
        while leads.iter().any(|id| !house.street.is_second_done(id)) && waited.elapsed() < PATIENCE {
            house.clock.minutes(1).await;
        }
        node.link.restore();
        back.into_iter().for_each(|(id, refused)| house.street.brought_back(id, refused));
        if dice.chance(70) {
            hand_in(&house, &node, &mut dice).await?;
        }
    }
    Ok(())
}

/// Loads a run as soon as the phone knows it; what it never learns of goes back to the counter.
async fn load(house: &House, node: &Node, run: Vec<Subject>) -> anyhow::Result<Vec<Subject>> {
    let started = Instant::now();
    while started.elapsed() < PATIENCE && !house.is_closing() {
        if node.tap(&Command::Load { parcels: run.clone() }).await?.is_ok() {
            return Ok(run);
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let mut loaded = Vec::new();
    for id in run {
        if node.tap(&Command::Load { parcels: vec![id] }).await?.is_ok() {
            loaded.push(id);
        } else if house.street.is_twin(&id) && !house.leads_twins(&node.party) {
            // The first agent has it, and does with it what he does.
            house.street.second_done(&id);
        } else {
            house.street.not_twin(&id);
            house.street.brought_back(id, false);
        }
    }
    Ok(loaded)
}

/// At the door. `Some(refused)` when the parcel comes back.
async fn door(house: &House, node: &Node, id: Subject, dice: &mut Dice) -> anyhow::Result<Option<bool>> {
    let Some(parcel) = house.street.parcel(&id) else { return Ok(None) };
    let twin = house.street.is_twin(&id);
    let tried = house.street.try_delivery(&id);
    let roll = if twin { 50 } else { dice.below(100) };
    let failure = match roll {
        0..=3 => Some(AttemptReason::Refused),
        4..=8 if tried == 1 => Some(AttemptReason::Unavailable),
        _ => None,
    };
    if let Some(reason) = failure {
        return Ok(match node.tap(&Command::Fail { parcel: id, reason }).await? {
            Ok(_) => Some(reason == AttemptReason::Refused),
            Err(_) => None,
        });
    }
    let prepaid = parcel.due == Taka::ZERO;
    // He holds out his phone: paid by bKash, and the agent's own phone has heard nothing of it.
    let by_phone = matches!(roll, 15..=18) && !prepaid && !twin;
    let paid = match roll {
        _ if by_phone => Taka::ZERO,
        9..=11 if parcel.due > Taka::whole(200) => parcel.due.minus(Taka::whole(50)),
        12..=14 => parcel.due.plus(Taka::whole(31)),
        _ => parcel.due,
    };
    let evidence = 1 + u8::try_from(dice.below(2)).unwrap_or(0);
    // What was paid ahead is handed over, and nothing is taken.
    let paid = if prepaid { Taka::ZERO } else { paid };
    let collected_paisa = Some(paid).filter(|_| !prepaid);
    let command = Command::Deliver { parcel: id, evidence, collected_paisa, confirm_difference: paid != parcel.due };
    let delivered = node.tap(&command).await?;
    if twin && !house.leads_twins(&node.party) {
        house.street.second_done(&id);
    }
    match delivered {
        Ok(_) => {
            house.street.pay(node.party, paid);
            if by_phone {
                pay_by_phone(house, id, parcel.due).await?;
            }
            house.street.end(&id);
            Ok(None)
        }
        // The phone says no (called off, or given to somebody else): it goes back.
        Err(_) if twin => Ok(None),
        Err(no) => Ok(Some(no.code == "cancelled")),
    }
}

/// The provider's word of it reaches finance.
async fn pay_by_phone(house: &House, id: Subject, due: Taka) -> Done {
    let (provider, reference) = ("bkash", format!("QR{}", &id.to_string()[1..27]));
    let paid = json!({ "parcel": id, "provider": provider, "reference": reference, "amount_paisa": due.paisa() });
    let answer = house.central.record("door-payments", &format!("day-door-{id}"), &paid).await?;
    answer.map_err(|no| anyhow::anyhow!("the payment of {id} was refused: {} {}", no.code, no.message))?;
    let day = central::period::day(house.clock.now_ms());
    house.wallets.book(provider, day, &reference, &id.to_string(), due);
    Ok(())
}

/// The agent says what his phone says he has; what is really in the bag may differ.
async fn hand_in(house: &House, node: &Node, dice: &mut Dice) -> Done {
    let pile = house.street.pile(&node.party);
    if pile <= Taka::whole(200) {
        if !house.street.is_done() {
            return Ok(());
        }
    }
    match dice.below(6) {
        0 if pile > Taka::whole(1_000) => house.street.lose(node.party, Taka::whole(100)),
        1 => house.street.find(node.party, Taka::whole(50)),
        _ => {}
    }
    let status = node.get("/status").await?;
    let Some(amount_paisa) = status["cash_paisa"].as_i64().and_then(Taka::from_paisa) else { return Ok(()) };
    if amount_paisa <= Taka::ZERO {
        return Ok(());
    }
    if let Ok(receipt) = node.tap(&Command::Offer { site: house.site, amount_paisa }).await? {
        if let Some(handin) = receipt.subjects.iter().find(|subject| subject.kind() == Some(Kind::HandIn)) {
            house.street.put_on_counter(*handin, node.party);
        }
    }
    Ok(())
}
