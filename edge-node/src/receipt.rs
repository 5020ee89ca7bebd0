//! The receipt: what a person holds after a tap. It is never withdrawn; it gains a line.

use data_encoding::HEXLOWER;
use protocol::contest::Code;
use protocol::fact::Fact;
use protocol::id::{Incarnation, OpId, Subject};
use protocol::intake::Verified;
use protocol::op::Op;
use serde::{Deserialize, Serialize};

use crate::store::{Rows, StoreError};

/// What one act recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The act, hex.
    pub act: String,
    /// What was recorded.
    pub facts: Vec<ReceiptFact>,
    /// The burst's incarnation, hex.
    pub inc: String,
    /// The burst's number.
    pub seq: u64,
    /// The claimed time, ms since 1970.
    pub at_ms: u64,
    /// Where it stands now.
    pub standing: Standing,
    /// What has to be done, when it needs attention.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attention: Option<Attention>,
}

/// One fact of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptFact {
    /// Its id, hex: the thread from receipt to journal.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// What it is about.
    pub subject: Subject,
}

/// Where an act stands (SPEC S6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Recorded and on the disk.
    OnDevice,
    /// A relay near by holds it too.
    AtHub,
    /// Central holds it, and both hold the same.
    InTheBooks,
    /// Central named it.
    NeedsAttention,
}

/// What central said of an act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attention {
    /// Stable code.
    pub code: String,
    /// What the person does next.
    pub next: String,
}

/// For codes of a later version, and for refused slots.
const CALL: &str = "Central did not take this record as it is. Keep the goods and the cash; operations will call.";

impl Receipt {
    pub(crate) fn new(act: &[u8; 16], verified: &Verified, ops: &[Op], at_ms: u64) -> Self {
        let fact = |(id, op): (&OpId, &Op)| ReceiptFact {
            id: id.to_string(),
            kind: kind_name(op.class_kind).to_owned(),
            subject: op.subject,
        };
        let head = &verified.burst.head;
        Self {
            act: HEXLOWER.encode(act),
            facts: verified.ids.iter().zip(ops).map(fact).collect(),
            inc: head.inc.to_string(),
            seq: head.seq,
            at_ms,
            standing: Standing::OnDevice,
            attention: None,
        }
    }

    /// The receipt of an act with its standing of now.
    pub(crate) fn of(rows: &Rows<'_>, act: &[u8; 16]) -> Result<Option<Self>, StoreError> {
        let Some(row) = rows.act(act)? else { return Ok(None) };
        let mut receipt: Self = serde_json::from_str(&row.receipt).map_err(|_| StoreError::Damaged("receipt"))?;
        let inc = HEXLOWER.decode(receipt.inc.as_bytes()).ok().and_then(|inc| inc.try_into().ok());
        let inc = Incarnation(inc.ok_or(StoreError::Damaged("receipt"))?);
        if let Some(attention) = receipt.attention(rows, &inc)? {
            receipt.standing = Standing::NeedsAttention;
            receipt.attention = Some(attention);
        } else if receipt.seq <= rows.booked_upto(&inc)? {
            receipt.standing = Standing::InTheBooks;
        } else if receipt.seq <= rows.held_upto(&inc)? {
            receipt.standing = Standing::AtHub;
        }
        Ok(Some(receipt))
    }

    fn attention(&self, rows: &Rows<'_>, inc: &Incarnation) -> Result<Option<Attention>, StoreError> {
        if let Some(refused) = rows.refusals(inc, self.seq)?.into_iter().next() {
            return Ok(Some(Attention { code: refused.code, next: CALL.to_owned() }));
        }
        for fact in self.facts.iter().filter(|fact| !fact.subject.is_scope()) {
            let id = HEXLOWER.decode(fact.id.as_bytes()).ok().and_then(|id| id.try_into().ok());
            let id = OpId(id.ok_or(StoreError::Damaged("receipt"))?);
            if let Some(number) = rows.judgement(&fact.subject, &id)? {
                let code = Code::of(number);
                return Ok(Some(Attention {
                    code: code.map_or("newer_code", Code::word).to_owned(),
                    next: code.map_or(CALL, Code::next_step).to_owned(),
                }));
            }
        }
        Ok(None)
    }
}

fn kind_name(class_kind: u16) -> &'static str {
    Fact::KINDS.iter().find(|(number, _, _)| *number == class_kind).map_or("Newer", |(_, name, _)| name)
}
