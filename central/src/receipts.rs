//! What a printed receipt stands for, told to whoever holds the paper: whether central has it, and whether it is as it
//! was printed. No name, no phone and no address is in the answer; the code has 64 bits, so that nobody finds another
//! person's by trying.

use data_encoding::HEXLOWER_PERMISSIVE;
use protocol::fact::{Fact, Reading};
use protocol::id::Scope;
use protocol::op::Op;
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::finance::written;
use crate::problem::Error;
use crate::statement::with_ascii_digits;
use crate::store::unsigned;

/// Bytes of a fact's id that stand on the paper.
const CODE_BYTES: usize = 8;

/// How what was printed stands today.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptStanding {
    /// It holds as it was printed.
    InTheBooks,
    /// Something else was recorded that does not fit: a person decides.
    LookedAt,
    /// It does not count: whoever recorded it was not allowed to.
    NotValid,
}

/// What a receipt stands for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ReceiptTold {
    /// Its code, as printed.
    #[schema(example = "7F3A 09C2 5510 B6E4")]
    pub code: String,
    /// What was recorded: the name of the kind.
    #[schema(example = "CounterPaid")]
    pub what: &'static str,
    /// What it is about, as it stands on the label.
    #[schema(example = "GT 4471 8823 7")]
    pub about: String,
    /// The amount, paisa, where it is about one.
    pub amount_paisa: Option<i64>,
    /// By which place it was given, by name.
    pub site: Option<String>,
    /// When, by the clock of that place, ms since 1970.
    pub recorded_ms: u64,
    /// How it stands.
    pub standing: ReceiptStanding,
}

/// Looks a receipt up by the 16 hex digits of its code; blanks and dashes are left out, Bangla digits are read.
///
/// # Errors
/// `bad_receipt_code`, `unknown_receipt`.
pub async fn of(pool: &PgPool, code: &str) -> Result<ReceiptTold, Error> {
    let id = read(code).ok_or_else(|| {
        let next = "Copy the 16 letters and digits of the code on the receipt.";
        Error::refuse(400, "bad_receipt_code", "This is no code of a receipt.", next)
    })?;
    type Columns = (Vec<u8>, i32, i64, Vec<u8>, Option<String>, bool, Option<String>, Option<i64>);
    let mut last = [0xff; 32];
    last[..CODE_BYTES].copy_from_slice(&id);
    // The place's own acts only: what a vendor or an agent recorded is on no paper.
    let found: Option<Columns> = sqlx::query_as(
        "select o.subject, o.class_kind, o.time_ms, o.bytes, o.apart,
            exists (select 1 from exception e where e.subject = o.subject and e.cause = o.id), p.name,
            (select r.amount_paisa from view_refund r where r.subject = o.subject)
         from op o join seat s on s.author = o.author left join site p on p.subject = s.party
         where o.id >= $1 and o.id <= $2 and s.role = 'site' order by o.id limit 1",
    )
    .bind(id)
    .bind(last)
    .fetch_optional(pool)
    .await?;
    let told = found.and_then(|(subject, kind, time_ms, bytes, apart, contested, site, refunded)| {
        let fact = printed(kind, &bytes)?;
        let standing = match (apart, contested) {
            (Some(_), _) => ReceiptStanding::NotValid,
            (None, true) => ReceiptStanding::LookedAt,
            (None, false) => ReceiptStanding::InTheBooks,
        };
        Some(ReceiptTold {
            code: spelled(&id),
            what: fact.name(),
            about: label(&subject)?,
            amount_paisa: amount_of(&fact).or(refunded),
            site,
            recorded_ms: unsigned(time_ms),
            standing,
        })
    });
    told.ok_or_else(|| {
        let next =
            "Keep the paper. A place without network reports later: ask again tomorrow, then call us with the code.";
        Error::refuse(404, "unknown_receipt", "No receipt of this code has reached us.", next)
    })
}

fn read(code: &str) -> Option<[u8; CODE_BYTES]> {
    if code.len() > 100 {
        return None;
    }
    let plain: String = with_ascii_digits(code).chars().filter(|letter| !matches!(letter, ' ' | '-')).collect();
    HEXLOWER_PERMISSIVE.decode(plain.as_bytes()).ok()?.try_into().ok()
}

/// Groups of four, as on the paper.
fn spelled(id: &[u8; CODE_BYTES]) -> String {
    let groups: Vec<String> =
        id.as_chunks::<2>().0.iter().map(|pair| format!("{:02X}{:02X}", pair[0], pair[1])).collect();
    groups.join(" ")
}

fn label(subject: &[u8]) -> Option<String> {
    Some(Scope::parse(&written(subject)?)?.label().to_string())
}

/// The fact, if it is of a kind that a counter prints.
fn printed(kind: i32, bytes: &[u8]) -> Option<Fact> {
    let op = Op::decode(bytes).ok()?;
    match Fact::read(u16::try_from(kind).ok()?, &op.payload) {
        Reading::Known(
            fact @ (Fact::CounterPaid(_)
            | Fact::PartnerPaid(_)
            | Fact::HandedOver(_)
            | Fact::HandInCounted(_)
            | Fact::Received(_)
            | Fact::Dispatched(_)
            | Fact::Forwarded(_)
            | Fact::TillOpened(_)
            | Fact::TillClosed(_)
            | Fact::TillPaidOut(_)
            | Fact::TillPaidIn(_)
            | Fact::CashRefunded(_)),
        ) => Some(fact),
        _ => None,
    }
}

/// The amount on the paper; that of a refund stands in its reservation. A till's own figures are between the cashier and finance.
const fn amount_of(fact: &Fact) -> Option<i64> {
    match fact {
        Fact::CounterPaid(paid) => Some(paid.amount.paisa()),
        Fact::PartnerPaid(paid) => Some(paid.amount.paisa()),
        Fact::TillPaidOut(paid) => Some(paid.amount.paisa()),
        Fact::TillPaidIn(paid) => Some(paid.amount.paisa()),
        Fact::HandInCounted(count) => Some(count.counted.paisa()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_write_it() {
        let id = [0x7f, 0x3a, 0x09, 0xc2, 0x55, 0x10, 0xb6, 0xe4];
        assert_eq!(spelled(&id), "7F3A 09C2 5510 B6E4");
        for code in ["7f3a09c25510b6e4", "7F3A 09C2 5510 B6E4", "7f3a-09c2-5510-b6e4", "৭F৩A ০৯C২ ৫৫১০ B৬E৪"]
        {
            assert_eq!(read(code), Some(id), "{code}");
        }
        for code in ["", "7f3a09c2", "7f3a09c25510b6e4ff", "7f3a09c25510b6eg", &"0".repeat(101)] {
            assert_eq!(read(code), None, "{code}");
        }
    }
}
