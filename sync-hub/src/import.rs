//! Bundles at the hub: what somebody carried by hand, taken like a session takes it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use protocol::bundle;
use serde::Serialize;

use crate::Hub;
use crate::config::Config;
use crate::identity::Identity;

/// Bursts that are taken in one batch.
const AT_ONCE: usize = 256;

/// What became of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Bursts in it.
    pub bursts: u64,
    /// Facts in it that central held before.
    pub duplicates: u64,
    /// What was refused, by code; it is kept and shown with the refused bursts of every session.
    pub refused: BTreeMap<String, u64>,
    /// Log position after it.
    pub position: u64,
}

/// Takes `file`. When this returns, it is committed; taken twice, it changes nothing.
///
/// # Errors
/// What is wrong with the file, with what to do about it; the store.
pub async fn file(config: &Config, file: &Path) -> anyhow::Result<Imported> {
    let bytes = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let bundle = bundle::read(&bytes).map_err(|error| anyhow::anyhow!("{}: {error}", error.code()))?;
    let identity = Identity::load(&config.data_dir.join("identity.json"))?;
    let hub = Hub::open(config, &identity).await?;
    anyhow::ensure!(hub.seats.decode(&bundle.maker).is_some(), "{UNKNOWN_MAKER}");
    let mut imported = Imported { bursts: bundle.bursts.len() as u64, ..Imported::default() };
    let mut bursts = bundle.bursts.into_iter().peekable();
    while bursts.peek().is_some() {
        let part = bursts.by_ref().take(AT_ONCE).collect();
        let (verified, refused) = hub.seats.verify(&hub.pool, part).await?;
        let mut codes: Vec<String> = refused.into_iter().map(|slot| slot.code).collect();
        if !verified.is_empty() {
            let took = hub.intake.take(verified).await?;
            imported.duplicates += took.duplicates;
            imported.position = took.position;
            codes.extend(took.refused.iter().map(|row| row.code.to_owned()));
        }
        for code in codes {
            *imported.refused.entry(code).or_default() += 1;
        }
    }
    Ok(imported)
}

const UNKNOWN_MAKER: &str = "bundle_unknown_maker: the bundle was not made by a device of this system";
