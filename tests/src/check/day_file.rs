//! `day.json`: what the driver of a day wrote down of the world outside the databases.

use std::path::Path;

use anyhow::Context;
use protocol::id::Subject;
use serde::Deserialize;

use super::verdict::Thresholds;

/// Its name in the data folder.
pub const FILE: &str = "day.json";

/// What the driver knows and no database does.
#[derive(Debug, Deserialize)]
pub(super) struct DayFile {
    /// Set when the day ran on a Postgres that was given.
    #[serde(default)]
    pub(super) database_url: Option<String>,
    /// The edges of the day.
    pub(super) nodes: Vec<DayNode>,
    /// The cash that the script counted by itself.
    pub(super) piles: Vec<Pile>,
    /// What this day has to reach; that of the demo if it says nothing.
    #[serde(default)]
    pub(super) thresholds: Option<Thresholds>,
}

/// One edge of the day.
#[derive(Debug, Deserialize)]
pub(super) struct DayNode {
    /// Its name and folder.
    pub(super) node: String,
    /// How often it was killed.
    #[serde(default)]
    pub(super) kills: u64,
}

/// Cash in somebody's hands.
#[derive(Debug, Deserialize)]
pub(super) struct Pile {
    /// Whose: an agent, or a site for its till.
    pub(super) party: Subject,
    /// How much.
    pub(super) paisa: i64,
}

impl DayFile {
    pub(super) fn read(data: &Path) -> anyhow::Result<Self> {
        let path = data.join(FILE);
        let text = std::fs::read(&path)
            .with_context(|| format!("{} cannot be read: name the data folder of a finished day", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is not what a day writes", path.display()))
    }
}
