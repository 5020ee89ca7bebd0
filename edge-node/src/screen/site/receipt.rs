//! The receipt as it is printed: what a person can read at another counter, weeks later.

use protocol::fact::Fact;
use protocol::fold::State;
use protocol::id::Kind;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::code_of;
use crate::node::{Node, NodeError};
use crate::store::{Rows, StoreError};

/// A language of the product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptLanguage {
    /// Bangla.
    #[default]
    Bn,
    /// English.
    En,
}

/// A receipt, line by line; no name and no phone is on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct SiteReceipt {
    /// Its number: the first eight digits of the first fact's id.
    pub number: String,
    /// What whoever holds the paper asks central with: sixteen digits of that id, in groups of four.
    pub code: String,
    /// When, by this machine's clock.
    pub at_ms: u64,
    /// The site, as people write it.
    pub site_code: String,
    /// What was recorded, in words.
    pub lines: Vec<String>,
}

impl Node {
    /// The receipt of an act, in words; `None` when nothing was recorded under it.
    ///
    /// # Errors
    /// The database.
    pub fn site_receipt(&self, act: [u8; 16], language: ReceiptLanguage) -> Result<Option<SiteReceipt>, NodeError> {
        let Some(receipt) = self.receipt(act)? else { return Ok(None) };
        let lines = self.store().read(|rows| {
            let told = receipt.facts.iter().filter(|fact| !fact.subject.is_scope());
            told.map(|fact| line(rows, language, fact)).collect::<Result<Vec<_>, StoreError>>()
        })?;
        let id = receipt.facts.first().map(|fact| fact.id.as_str()).unwrap_or_default();
        let number = id.chars().take(8).collect();
        let digits: Vec<char> = id.to_ascii_uppercase().chars().take(16).collect();
        let groups: Vec<String> = digits.chunks(4).map(|group| group.iter().collect()).collect();
        let code = groups.join(" ");
        Ok(Some(SiteReceipt { number, code, at_ms: receipt.at_ms, site_code: code_of(&self.seat().party), lines }))
    }
}

fn line(rows: &Rows<'_>, language: ReceiptLanguage, told: &crate::receipt::ReceiptFact) -> Result<String, StoreError> {
    let bangla = language == ReceiptLanguage::Bn;
    let what = match (told.kind.as_str(), bangla) {
        ("Received", true) => "বুঝে নেওয়া হয়েছে",
        ("Received", false) => "Received",
        ("Dispatched", true) => "রাইডারকে দেওয়া হয়েছে",
        ("Dispatched", false) => "Given to the rider",
        ("Forwarded", true) => "পয়েন্টে পাঠানো হয়েছে",
        ("Forwarded", false) => "Sent on",
        ("CounterPaid" | "PartnerPaid", true) => "টাকা নেওয়া হয়েছে",
        ("CounterPaid" | "PartnerPaid", false) => "Cash taken",
        ("HandedOver", true) => "পার্সেল দেওয়া হয়েছে",
        ("HandedOver", false) => "Parcel given",
        ("HandInCounted", true) => "জমা গোনা হয়েছে",
        ("HandInCounted", false) => "Hand-in counted",
        ("TillOpened", true) => "শিফট শুরু",
        ("TillOpened", false) => "Shift opened",
        ("TillPaidOut", true) => "ক্যাশবক্স থেকে দেওয়া",
        ("TillPaidOut", false) => "Paid out of the till",
        ("TillPaidIn", true) => "ক্যাশবক্সে দেওয়া",
        ("TillPaidIn", false) => "Paid into the till",
        ("CashRefunded", true) => "ফেরতের টাকা দেওয়া হয়েছে",
        ("CashRefunded", false) => "Refund given",
        ("TillSuspended", true) => "ক্যাশবক্স তালাবন্ধ",
        ("TillSuspended", false) => "Till suspended",
        ("TillResumed", true) => "ক্যাশবক্স আবার চালু",
        ("TillResumed", false) => "Till resumed",
        ("TillClosed", true) => "শিফট বন্ধ",
        ("TillClosed", false) => "Shift closed",
        (_, true) => "লেখা হয়েছে",
        (_, false) => "Recorded",
    };
    let about = match told.subject.kind() {
        Some(Kind::Parcel) => told.subject.label().to_string(),
        _ => code_of(&told.subject),
    };
    let amount = amount(rows, told)?.map(|taka| format!(" {taka} BDT")).unwrap_or_default();
    Ok(format!("{what}: {about}{amount}"))
}

fn amount(rows: &Rows<'_>, told: &crate::receipt::ReceiptFact) -> Result<Option<protocol::taka::Taka>, StoreError> {
    let fact = rows.fact_of(&told.subject, &told.id)?;
    if let Some(Fact::CashRefunded(_)) = fact {
        // How much it is stands in its reservation.
        return Ok(match rows.folded(&told.subject)?.map(|folded| folded.state) {
            Some(State::Refund(refund)) => refund.reserved.map(|kept| kept.amount),
            _ => None,
        });
    }
    Ok(fact.and_then(|fact| match fact {
        Fact::CounterPaid(paid) => Some(paid.amount),
        Fact::PartnerPaid(paid) => Some(paid.amount),
        Fact::HandInCounted(count) => Some(count.counted),
        Fact::TillPaidOut(paid) => Some(paid.amount),
        Fact::TillPaidIn(paid) => Some(paid.amount),
        Fact::TillOpened(opened) => Some(opened.float),
        Fact::TillClosed(closed) => Some(closed.counted),
        _ => None,
    }))
}
