//! What goes wrong in the day besides people: kill -9 and cut links.

use std::sync::Arc;
use std::time::Duration;

use super::House;
use super::node::Node;
use crate::model::Dice;

type Done = anyhow::Result<()>;

/// Kills every node once, at a moment when a tap is on its way.
pub async fn kill_nodes(house: Arc<House>, nodes: Vec<Arc<Node>>, seed: u64, day: Duration) -> Done {
    let mut dice = Dice::new(seed);
    let mut tasks = tokio::task::JoinSet::new();
    for node in nodes {
        let share = 15 + dice.below(50) as u32;
        let house = Arc::clone(&house);
        tasks.spawn(async move {
            tokio::time::sleep(day * share / 100).await;
            node.kill_and_restart().await?;
            house.say(&format!("kill -9 {}", node.name));
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

/// Kills the hubs in turn, three times in all, and central once, in the busiest hours.
pub async fn kill_hubs(house: Arc<House>, day: Duration) -> Done {
    for (turn, share) in [20u32, 35, 50, 60].into_iter().enumerate() {
        let before = if turn == 0 { 0 } else { [20, 35, 50, 60][turn - 1] };
        tokio::time::sleep(day * (share - before) / 100).await;
        if turn == 1 {
            let mut central = house.central_process.lock().await;
            central.kill().await;
            central.start().await?;
            house.say("kill -9 central");
        } else {
            let hub = &house.hubs[turn % house.hubs.len()];
            let mut hub = hub.lock().await;
            hub.kill().await;
            let name = hub.name.clone();
            hub.start().await?;
            house.say(&format!("kill -9 {name}"));
        }
    }
    Ok(())
}

/// Cuts the links of vendors and of the courier hub for a while: power, weather, a spade. Bursts that
/// were on their way come again afterwards.
pub async fn cut_links(house: Arc<House>, nodes: Vec<Arc<Node>>, seed: u64) -> Done {
    let mut dice = Dice::new(seed);
    while !house.is_closing() {
        house.clock.minutes(8).await;
        let Some(node) = dice.pick(&nodes) else { return Ok(()) };
        if node.link.is_cut() {
            continue;
        }
        node.link.cut();
        house.clock.minutes(6 + dice.below(20) as u64).await;
        node.link.restore();
    }
    nodes.iter().for_each(|node| node.link.restore());
    Ok(())
}
