//! What is safe and what waits: for the bar that is on every screen, and the list behind it.

use data_encoding::HEXLOWER;
use serde::Serialize;
use ts_rs::TS;

use crate::node::Node;
use crate::receipt::{Receipt, Standing};
use crate::screen::refused::Refused;
use crate::store::StoreError;

/// Acts of one list: more than a phone ever holds back.
const MOST_ACTS: u32 = 200;
/// Cash that waits for longer than this is to be brought to a place with network.
const LATE_MS: u64 = 24 * 3_600_000;

/// How the device stands; asked for again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct DeviceStatus {
    /// `agent`, `site`, `vendor`.
    pub role: String,
    /// Whose seat it is.
    pub party: String,
    /// Acts that are not in the books yet.
    pub waiting: u64,
    /// Acts that are.
    pub safe: u64,
    /// A hub is on the line.
    pub linked: bool,
    /// A relay near by is on the line: what is recorded has a second copy there.
    pub near: bool,
    /// How long ago a hub was last heard, real ms.
    pub since_ms: Option<u64>,
    /// The oldest waiting act has waited for more than a day.
    pub late: bool,
    /// The business time of this answer.
    pub now_ms: u64,
}

/// An act that is not in the books, or that central named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct WaitingAct {
    /// The act, hex.
    pub act: String,
    /// The number on the receipt.
    pub receipt: String,
    /// The kinds of its facts, such as `Delivered`.
    pub kinds: Vec<String>,
    /// How many facts it has; a load has one for each parcel.
    pub count: u32,
    /// The label of the first parcel it is about.
    pub label: Option<String>,
    /// When it was recorded.
    pub at_ms: u64,
    /// Central named it: somebody has to look.
    pub attention: bool,
    /// Central's stable code, when it did.
    pub code: Option<String>,
}

/// A receipt as a screen shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct ActReceipt {
    /// The act, hex.
    pub act: String,
    /// The number that a person reads out: eight hex digits of the first fact's id.
    pub receipt: String,
    /// The id of the first fact, hex: the thread from here to the journal.
    pub fact: String,
    /// When it was recorded.
    pub at_ms: u64,
    /// Where it stands now.
    #[ts(type = "'on_device' | 'at_hub' | 'in_the_books' | 'needs_attention'")]
    pub standing: Standing,
    /// Central's stable code, when it needs attention.
    pub code: Option<String>,
}

impl ActReceipt {
    /// The screen's form of a receipt.
    #[must_use]
    pub fn of(receipt: &Receipt) -> Self {
        let fact = receipt.facts.iter().find(|fact| !fact.subject.is_scope()).or(receipt.facts.first());
        let fact = fact.map(|fact| fact.id.clone()).unwrap_or_default();
        Self {
            act: receipt.act.clone(),
            receipt: fact.chars().take(8).collect(),
            fact,
            at_ms: receipt.at_ms,
            standing: receipt.standing,
            code: receipt.attention.as_ref().map(|attention| attention.code.clone()),
        }
    }
}

/// Reads an act as a screen writes it: 32 hex digits.
///
/// # Errors
/// [`Refused`] with the code `malformed`.
pub fn act_of(text: &str) -> Result<[u8; 16], Refused> {
    let bytes = HEXLOWER.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| Refused::malformed("the act is not 32 hex digits"))
}

impl Node {
    /// How the device stands.
    ///
    /// # Errors
    /// The database.
    pub fn device_status(&self) -> Result<DeviceStatus, Refused> {
        let (all, booked, oldest_ms) = self.store().read(|rows| rows.own_counts())?;
        let (linked, since_ms) = self.contact();
        let now_ms = self.now_ms();
        Ok(DeviceStatus {
            role: self.seat().role().word().to_owned(),
            party: self.seat().party.to_string(),
            waiting: all.saturating_sub(booked),
            safe: booked,
            linked,
            near: self.is_near(),
            since_ms,
            late: oldest_ms.is_some_and(|oldest| now_ms.saturating_sub(oldest) > LATE_MS),
            now_ms,
        })
    }

    /// What is not in the books, oldest first.
    ///
    /// # Errors
    /// The database.
    pub fn waiting_acts(&self) -> Result<Vec<WaitingAct>, Refused> {
        let acts = self.store().read(|rows| {
            let acts = rows.unbooked_acts(MOST_ACTS)?;
            acts.iter().map(|act| Receipt::of(rows, act)).collect::<Result<Vec<_>, StoreError>>()
        })?;
        Ok(acts.into_iter().flatten().map(|receipt| waiting_of(&receipt)).collect())
    }
}

fn waiting_of(receipt: &Receipt) -> WaitingAct {
    let short = ActReceipt::of(receipt);
    let kinds = receipt.facts.iter().map(|fact| fact.kind.clone());
    let mut kinds: Vec<String> = kinds.filter(|kind| kind != "Put").collect();
    let count = u32::try_from(kinds.len()).unwrap_or(u32::MAX);
    kinds.dedup();
    let about = receipt.facts.iter().find(|fact| !fact.subject.is_scope());
    WaitingAct {
        act: short.act,
        receipt: short.receipt,
        kinds,
        count,
        label: about.map(|fact| fact.subject.label().to_string()),
        at_ms: short.at_ms,
        attention: receipt.standing == Standing::NeedsAttention,
        code: short.code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::types::committed;

    #[test]
    fn the_types_of_the_screens_are_the_committed_ones() {
        committed::<DeviceStatus>();
        committed::<WaitingAct>();
        committed::<ActReceipt>();
    }

    #[test]
    fn an_act_is_32_hex_digits_and_nothing_else() {
        assert_eq!(act_of(&"0a".repeat(16)).unwrap(), [10; 16]);
        for text in ["", "0a", &"0a".repeat(17), &"zz".repeat(16), "০"] {
            assert_eq!(act_of(text).unwrap_err().code, "malformed");
        }
    }
}
