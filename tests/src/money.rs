//! The simulator of money: central's books, counters, agents, vendors, customers, finance and a bank, in one process, from
//! one seed. People act through the product's own commands on devices that are offline for a while; finance decides by
//! the product's rules against the balances as they stand; goods and cash are in a street that no fact describes. What
//! neither a device nor a statement tells (settlements, thefts, pay, claims) comes to finance on paper.
//!
//! After every step what must hold of the books is looked at ([`verdict`]); in the evening everything is counted, and
//! the facts, the books, the street, the papers and the bank have to come to the same ([`audit`], [`hands`], [`replay`],
//! [`closing`]).
//!
//! A [`mutant::Mutant`] breaks the desk or what the books are given in one named way: each must be caught.

mod agent;
mod audit;
mod back;
mod bank;
mod banking;
mod bounce;
mod clerk;
mod closing;
mod counter;
mod courier;
mod coverage;
mod credit;
mod device;
mod dispute;
mod entering;
mod evening;
mod fetched;
mod hands;
mod happening;
mod instruction;
mod known;
mod market;
mod maturing;
mod misrecord;
mod month;
pub mod mutant;
mod office;
mod paper;
mod payout;
mod phone;
mod replay;
mod report;
mod returned;
mod roster;
mod ruling;
mod shape;
mod statement;
mod street;
mod tally;
mod till;
mod transfer;
mod vendor;
mod verdict;
mod world;

pub use report::Report;
pub use world::{STEPS, run};

/// Runs one seed; a panic of the product is a violation like any other.
///
/// # Errors
/// What did not hold.
pub fn seed(seed: u64, broken: Option<mutant::Mutant>) -> Result<Report, String> {
    let ran = std::panic::catch_unwind(|| run(seed, broken));
    ran.unwrap_or_else(|panic| {
        let told = panic.downcast_ref::<String>().cloned();
        Err(told.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned())).unwrap_or_default())
    })
}
