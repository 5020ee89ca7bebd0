//! The simulator: central, hubs, sites, agents and vendors in one process, from one seed, on a clock that
//! nobody else has. The same engine and the same sessions as the real parts; only storage is a map, and the
//! network a queue with a due time for each frame.
//!
//! While it runs people act and mistake themselves, lines are slow, lossy, cut or deaf in one direction,
//! devices and hubs die at any frame, transactions are torn, disks fill, phones come back from backups, cards
//! are copied, clocks stand still, seats are withdrawn, forged bursts arrive, and central is restored from an
//! old copy. After every step what must hold at any moment is looked at; at the end the faults stop, and
//! within [`world::SESSIONS`] sessions every replica must hold what it should, with equal roots and books.
//!
//! A [`mutant::Mutant`] breaks the product in one named way: each must be caught, or the simulator is blind.

mod call;
mod device;
mod fault;
mod first_sync;
mod line;
pub mod mutant;
mod verdict;
mod visit;
mod world;

pub use fault::{Fault, Report};
pub use first_sync::first_sync;
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
