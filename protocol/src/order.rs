//! The order: what a customer asked for, as a group of parcels. Its status is read from the parcels.

use crate::fact::{Fact, OrderPlaced};
use crate::history::History;

/// What the facts of one order come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// The placing fact.
    pub placed: Option<OrderPlaced>,
    /// Called off.
    pub cancelled: bool,
    /// A head is not held: provisional.
    pub incomplete: bool,
    /// An op is of a later version: provisional.
    pub newer: bool,
}

/// Folds the facts of one order. An order yields no journals: its parcels do (J1).
#[must_use]
pub fn fold(history: &History) -> Order {
    let mut order = Order { incomplete: history.incomplete, newer: history.newer, ..Order::default() };
    for seen in &history.facts {
        match &seen.fact {
            Some(Fact::OrderPlaced(placed)) if order.placed.is_none() => order.placed = Some(placed.clone()),
            Some(Fact::OrderCancelled(_)) => order.cancelled = true,
            _ => {}
        }
    }
    order
}
