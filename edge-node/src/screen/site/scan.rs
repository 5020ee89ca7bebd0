//! What a scan or a typed text turns out to be.

use protocol::id::{Kind, Label, Scanned, Subject};
use protocol::refund::RefundCode;
use serde::Serialize;
use ts_rs::TS;

use super::{SiteParcel, SiteRefund, code_of, parcel};
use crate::node::{Node, NodeError};
use crate::store::StoreError;

/// Longer texts are not looked at: no label and no id is.
const MAX_SCAN_BYTES: usize = 512;

/// The outcome of a scan. That the same code came twice within two seconds is for the page to see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum SiteScan {
    /// A parcel that this site has, or is about to have.
    Ours {
        /// The parcel.
        parcel: Box<SiteParcel>,
    },
    /// A parcel of ours that belongs to another place.
    Elsewhere {
        /// The parcel.
        parcel: Box<SiteParcel>,
        /// Where it belongs, as people write it; `null` when nobody has it.
        place: Option<String>,
    },
    /// More than one parcel wears this label: the clerk chooses.
    Several {
        /// The parcels.
        parcels: Vec<SiteParcel>,
    },
    /// One of the site's agents: a badge.
    Agent {
        /// His scope.
        #[ts(type = "string")]
        agent: Subject,
        /// As people write it.
        code: String,
    },
    /// A hand-in.
    HandIn {
        /// Which.
        #[ts(type = "string")]
        handin: Subject,
    },
    /// A refund that is fetched at this till, by its code.
    Refund {
        /// Which, and how it stands.
        refund: SiteRefund,
    },
    /// The form of a label with a wrong digit.
    WrongDigit,
    /// A label of ours, of a parcel that is not known here.
    Unknown {
        /// The label.
        label: String,
    },
    /// Nothing of ours.
    NotOurs,
}

impl Node {
    /// Reads a scan.
    ///
    /// # Errors
    /// The database.
    pub fn site_scan(&self, text: &str) -> Result<SiteScan, NodeError> {
        if text.len() > MAX_SCAN_BYTES {
            return Ok(SiteScan::NotOurs);
        }
        let now_ms = self.now_ms();
        Ok(self.store().read(|rows| {
            let (found, label) = match Label::scan(text) {
                Scanned::NotOurs => {
                    let refund = RefundCode::read(text).map(|code| rows.refund_of(&code)).transpose()?.flatten();
                    let told = |(subject, refund)| SiteScan::Refund { refund: SiteRefund::of(subject, &refund) };
                    return Ok(refund.map_or(SiteScan::NotOurs, told));
                }
                Scanned::WrongDigit => return Ok(SiteScan::WrongDigit),
                Scanned::Label(label) => (rows.labelled(label)?, label.to_string()),
                Scanned::Subject(subject) => match subject.kind() {
                    Some(Kind::Agent) if subject.0[1..9] == self.seat().party.0[1..9] => {
                        return Ok(SiteScan::Agent { agent: subject, code: code_of(&subject) });
                    }
                    Some(Kind::HandIn) => return Ok(SiteScan::HandIn { handin: subject }),
                    Some(Kind::Parcel) => (vec![subject], subject.label().to_string()),
                    _ => return Ok(SiteScan::NotOurs),
                },
            };
            let read = |subject: &Subject| parcel::read(rows, self.seat(), subject, now_ms);
            let mut known = found.iter().map(read).collect::<Result<Vec<_>, StoreError>>()?;
            known.retain(Option::is_some);
            let mut known: Vec<SiteParcel> = known.into_iter().flatten().collect();
            match known.len() {
                0 => Ok::<_, StoreError>(SiteScan::Unknown { label }),
                1 => Ok(self.place(known.remove(0))),
                _ => Ok(SiteScan::Several { parcels: known }),
            }
        })?)
    }

    fn place(&self, parcel: SiteParcel) -> SiteScan {
        let ours = parcel.here || parcel.next != super::SiteNext::Nothing || parcel.status == "collected";
        let place = parcel.holder_name.clone().or_else(|| parcel.holder_code.clone());
        let place = place.or_else(|| parcel.point_name.clone()).or_else(|| parcel.point_code.clone());
        let parcel = Box::new(parcel);
        if ours { SiteScan::Ours { parcel } } else { SiteScan::Elsewhere { parcel, place } }
    }
}
