//! A pickup point in the day: its clerk shelves what comes, customers fetch it with their code and pay at
//! the counter, and what nobody fetches goes back.

use std::collections::VecDeque;
use std::sync::Arc;

use protocol::command::Command;
use protocol::id::Subject;
use protocol::taka::Taka;

use super::House;
use super::node::Node;
use crate::model::Dice;

/// One customer in so many never comes.
const NEVER_PERCENT: usize = 5;
/// One in so many mistypes his code first.
const MISTYPED_PERCENT: usize = 8;

/// A parcel whose papers are not all here is tried again after so long, business time.
const LATER_MS: u64 = 4 * 60_000;

/// What became of a parcel at the counter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The customer has it.
    Given,
    /// It goes back to the courier hub.
    GoesBack,
    /// Its papers are not all here: the van was faster than the network.
    Later,
}

/// The clerk and the customers of one point.
pub async fn clerk(house: Arc<House>, node: Arc<Node>, partner: bool, seed: u64) -> anyhow::Result<()> {
    let mut dice = Dice::new(seed);
    let mut shelf: VecDeque<(Subject, u64)> = VecDeque::new();
    let mut shelved = 0u32;
    while !house.is_closing() {
        let mut early = Vec::new();
        while let Some(id) = house.street.arrived_at(&node.party) {
            if node.tap(&Command::Receive { parcel: id, pieces: 1 }).await?.is_err() {
                // The papers come later than the van.
                early.push(id);
                continue;
            }
            shelved += 1;
            let place = format!("{}-{:02}", ["A", "B", "C", "D"][shelved as usize % 4], shelved % 40);
            // Called off on the way: it lies there all the same, until it goes back.
            let _place = node.tap(&Command::Shelve { parcel: id, shelf: place }).await?;
            shelf.push_back((id, house.clock.now_ms() + (5 + dice.below(40) as u64) * 60_000));
        }
        early.into_iter().for_each(|id| house.street.forward(node.party, id));
        for _ in 0..shelf.len() {
            let Some((id, comes_ms)) = shelf.pop_front() else { break };
            if house.clock.now_ms() < comes_ms {
                shelf.push_back((id, comes_ms));
                continue;
            }
            let comes = dice.below(100) >= NEVER_PERCENT;
            let end = if comes { hand_over(&house, &node, id, partner, &mut dice).await? } else { End::GoesBack };
            let end = if end == End::GoesBack { give_up(&house, &node, id).await? } else { end };
            if end == End::Later {
                shelf.push_back((id, house.clock.now_ms() + LATER_MS));
            }
            if house.is_closing() {
                break;
            }
        }
        house.clock.minutes(3).await;
    }
    Ok(())
}

/// Code, cash, goods.
async fn hand_over(house: &House, node: &Node, id: Subject, partner: bool, dice: &mut Dice) -> anyhow::Result<End> {
    let Some(parcel) = house.street.parcel(&id) else { return Ok(End::GoesBack) };
    let (code, square) = parcel.code.clone().unwrap_or_default();
    if dice.below(100) < MISTYPED_PERCENT {
        let wrong = if code == "000000" { "111111" } else { "000000" };
        anyhow::ensure!(node.show_code(&id, wrong).await?.is_err(), "{id}: a wrong code was taken");
    }
    let mut shown = node.show_code(&id, &code).await?;
    if matches!(&shown, Err(no) if no.code == "no_box") {
        // The digits' box has not come yet: the customer shows the square on his phone.
        shown = node.show_code(&id, &square).await?;
    }
    match shown {
        Ok(()) => {}
        Err(no) if no.code == "cancelled" => return Ok(End::GoesBack),
        Err(no) if no.code == "wrong_state" => return Ok(End::Later),
        Err(no) => anyhow::bail!("{id}: the right code was refused: {} {}", no.code, no.message),
    }
    if parcel.due > Taka::ZERO {
        if node.tap(&Command::TakeCash { parcel: id, amount_paisa: parcel.due }).await?.is_err() {
            return Ok(End::GoesBack);
        }
        if partner {
            house.street.pay_partner(node.party, parcel.due);
        } else {
            house.street.pay(node.party, parcel.due);
        }
    }
    match node.tap(&Command::HandOver { parcel: id }).await? {
        Ok(_) => house.street.end(&id),
        Err(no) => anyhow::bail!("{id}: paid, and not handed over: {} {}", no.code, no.message),
    }
    Ok(End::Given)
}

/// Nobody comes, or it was called off: back to the courier hub with the next van.
async fn give_up(house: &House, node: &Node, id: Subject) -> anyhow::Result<End> {
    let _expired = node.tap(&Command::ExpireHold { parcel: id }).await?;
    match node.tap(&Command::Forward { parcels: vec![id], to: house.site }).await? {
        Ok(_) => house.street.brought_back(id, true),
        Err(no) if no.code == "wrong_state" => return Ok(End::Later),
        Err(no) => anyhow::bail!("{id}: not fetched, and cannot go back: {} {}", no.code, no.message),
    }
    Ok(End::GoesBack)
}
