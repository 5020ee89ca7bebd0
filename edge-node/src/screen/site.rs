//! The counter's screens: what is expected, what lies here, who hands cash in, how the till stands.

mod parcel;
mod receipt;
mod refund;
mod scan;
mod till;

use protocol::id::{Scope, Subject};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::node::{Node, NodeError};
use crate::store::{Rows, StoreError, Whereabouts};

pub use parcel::{SiteHandover, SiteLine, SiteNext, SiteParcel};
pub use receipt::{ReceiptLanguage, SiteReceipt};
pub use refund::SiteRefund;
pub use scan::SiteScan;
pub use till::{SitePayment, SiteShift, SiteTill, SiteZ};

/// Days before the end of a hold from which a parcel is shown as going back soon.
pub(crate) const WARN_DAYS: i64 = 2;
/// Offers and agents of one page: more than any site has.
const MOST_PEOPLE: u32 = 500;

/// The counter at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct SiteHome {
    /// The own site.
    #[ts(type = "string")]
    pub site: Scope,
    /// The site as people write it.
    pub site_code: String,
    /// What it is called, once central said so.
    pub site_name: Option<String>,
    /// A partner's own point: what it takes is the partner's to remit.
    pub partner: bool,
    /// Parcels on the way here.
    pub expected: u64,
    /// Parcels here.
    pub here: u64,
    /// Parcels on the shelf that go back within two days.
    pub hold_warn: u64,
    /// Parcels whose hold is over.
    pub hold_over: u64,
    /// Hand-ins that nobody has counted.
    pub handins: u64,
    /// Parcels with the site's agents.
    pub on_run: u64,
    /// Own acts that central has not acknowledged.
    pub waiting: u64,
    /// Own acts that central has, of the present life of this database.
    pub safe: u64,
    /// A hub is on the line.
    pub linked: bool,
    /// How long ago a hub was last heard since the start, real ms.
    pub heard_ms: Option<u64>,
    /// Everything held is in the books, and the books agree.
    pub all_safe: bool,
    /// The business time of this answer.
    pub now_ms: u64,
    /// How the till stands.
    pub till: SiteTill,
}

/// Which parcels to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SiteList {
    /// On the way here.
    Expected,
    /// Here, whatever is to be done with it.
    Here,
    /// Waiting for its customer.
    Shelf,
    /// Waiting for its customer, and going back within two days.
    HoldWarn,
    /// To be sent back.
    HoldOver,
    /// With the site's agents.
    OnRun,
}

/// A page of parcels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct SitePage {
    /// The parcels.
    pub rows: Vec<SiteParcel>,
    /// Ask for `after` this one, while there are more.
    #[ts(type = "string | null")]
    pub after: Option<Subject>,
}

/// An agent of the site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct SiteAgent {
    /// His scope.
    #[ts(type = "string")]
    pub agent: Scope,
    /// As people write it.
    pub code: String,
    /// What he is called, once central said so.
    pub name: Option<String>,
    /// Cash in his hands as known here; what he has offered is not part of it.
    pub cash_paisa: i64,
    /// Parcels on his run.
    pub on_run: u64,
}

/// An offer of cash that waits for its count. The amount is not here: the count is blind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct SiteOffer {
    /// The hand-in.
    #[ts(type = "string")]
    pub handin: Subject,
    /// As people write it.
    pub code: String,
    /// Who gives.
    #[ts(type = "string")]
    pub agent: Scope,
    /// As people write it.
    pub agent_code: String,
    /// What he is called, once central said so.
    pub agent_name: Option<String>,
    /// When he said so, by his clock.
    pub at_ms: u64,
}

/// A hand-in after its count: both figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct SiteCounted {
    /// The hand-in.
    #[ts(type = "string")]
    pub handin: Subject,
    /// The agent as people write it.
    pub agent_code: String,
    /// What he is called, once central said so.
    pub agent_name: Option<String>,
    /// What he said; `null` while his offer is still on his phone.
    pub offered_paisa: Option<i64>,
    /// What was counted.
    pub counted_paisa: i64,
}

/// How people write a scope or a subject that is no parcel: two groups of four and the check digit.
#[must_use]
pub fn code_of(subject: &Subject) -> String {
    let label = subject.label().to_string();
    label.strip_prefix("GT ").unwrap_or(&label).to_owned()
}

impl Node {
    /// The counter at a glance.
    ///
    /// # Errors
    /// The database.
    pub fn site_home(&self) -> Result<SiteHome, NodeError> {
        let now_ms = self.now_ms();
        let waiting = self.store().outbox_len()?;
        let safe = self.store().hello()?.safe_upto;
        let (seat, (linked, heard_ms)) = (self.seat(), self.contact());
        Ok(self.store().read(|rows| {
            let standings = rows.standings()?;
            Ok::<_, StoreError>(SiteHome {
                site: seat.party,
                site_code: code_of(&seat.party),
                site_name: rows.name_of(&seat.party)?,
                partner: seat.is_partner(),
                expected: rows.count_by_place(Whereabouts::Expected)?,
                here: rows.count_by_place(Whereabouts::Here)?,
                hold_warn: warned(rows, now_ms)?.len() as u64,
                hold_over: rows.count_by_place(Whereabouts::HoldOver)?,
                handins: rows.open_offers(MOST_PEOPLE)?.len() as u64,
                on_run: rows.count_by_place(Whereabouts::OnRun)?,
                waiting,
                safe,
                linked,
                heard_ms,
                all_safe: waiting == 0 && standings.roots_equal && standings.books_equal,
                now_ms,
                till: till::state(rows)?,
            })
        })?)
    }

    /// A list of parcels, in order of id, after `after`; of one agent's run, if one is named.
    ///
    /// # Errors
    /// The database.
    pub fn site_parcels(
        &self,
        list: SiteList,
        agent: Option<Scope>,
        after: Option<Subject>,
        limit: u32,
    ) -> Result<SitePage, NodeError> {
        let now_ms = self.now_ms();
        let place = match list {
            SiteList::Expected => Whereabouts::Expected,
            SiteList::Here => Whereabouts::Here,
            SiteList::Shelf | SiteList::HoldWarn => Whereabouts::Shelf,
            SiteList::HoldOver => Whereabouts::HoldOver,
            SiteList::OnRun => Whereabouts::OnRun,
        };
        Ok(self.store().read(|rows| {
            let (found, full) = if list == SiteList::HoldWarn {
                let mut all = warned(rows, now_ms)?;
                all.retain(|parcel| after.is_none_or(|after| *parcel > after));
                let full = all.len() > limit as usize;
                all.truncate(limit as usize);
                (all, full)
            } else {
                let found = rows.parcels_by_place(place, agent, after, limit)?;
                let full = found.len() == limit as usize;
                (found, full)
            };
            let after = found.last().copied().filter(|_| full);
            let page = found.iter().map(|parcel| parcel::read(rows, self.seat(), parcel, now_ms));
            let page = page.collect::<Result<Vec<_>, StoreError>>()?.into_iter().flatten().collect();
            Ok::<_, StoreError>(SitePage { rows: page, after })
        })?)
    }

    /// One parcel, with what the counter does next; `None` when it is not held here.
    ///
    /// # Errors
    /// The database.
    pub fn site_parcel(&self, parcel: Subject) -> Result<Option<SiteParcel>, NodeError> {
        let now_ms = self.now_ms();
        Ok(self.store().read(|rows| parcel::read(rows, self.seat(), &parcel, now_ms))?)
    }

    /// The agents of the site: those central names, in order of their names, then others that brought or
    /// took something.
    ///
    /// # Errors
    /// The database.
    pub fn site_agents(&self) -> Result<Vec<SiteAgent>, NodeError> {
        Ok(self.store().read(|rows| {
            let read = |agent: Scope| {
                Ok::<_, StoreError>(SiteAgent {
                    agent,
                    code: code_of(&agent),
                    name: rows.name_of(&agent)?,
                    cash_paisa: rows.cash_of_agent(agent)?.paisa(),
                    on_run: rows.parcels_by_place(Whereabouts::OnRun, Some(agent), None, 10_000)?.len() as u64,
                })
            };
            let mut agents: Vec<Scope> = rows.roster()?.into_iter().map(|(agent, _)| agent).collect();
            let seen = rows.agents_of_site()?.into_iter().filter(|agent| !agents.contains(agent));
            agents.extend(seen.collect::<Vec<_>>());
            agents.into_iter().map(read).collect::<Result<Vec<_>, _>>()
        })?)
    }

    /// Offers that wait for their count, oldest first, without their amounts.
    ///
    /// # Errors
    /// The database.
    pub fn site_offers(&self) -> Result<Vec<SiteOffer>, NodeError> {
        Ok(self.store().read(|rows| {
            let show = |row: crate::store::OfferRow| {
                Ok::<_, StoreError>(SiteOffer {
                    handin: row.handin,
                    code: code_of(&row.handin),
                    agent: row.agent,
                    agent_code: code_of(&row.agent),
                    agent_name: rows.name_of(&row.agent)?,
                    at_ms: row.at_ms,
                })
            };
            rows.open_offers(MOST_PEOPLE)?.into_iter().map(show).collect::<Result<Vec<_>, _>>()
        })?)
    }

    /// Both figures of a hand-in that was counted; `None` before its count.
    ///
    /// # Errors
    /// The database.
    pub fn site_counted(&self, handin: Subject) -> Result<Option<SiteCounted>, NodeError> {
        Ok(self.store().read(|rows| {
            let folded = rows.folded(&handin)?;
            let Some(protocol::fold::State::HandIn(state)) = folded.map(|folded| folded.state) else { return Ok(None) };
            let Some((counted, agent)) = state.counted.zip(state.agent) else { return Ok(None) };
            Ok::<_, StoreError>(Some(SiteCounted {
                handin,
                agent_code: code_of(&agent),
                agent_name: rows.name_of(&agent)?,
                offered_paisa: state.offered.map(|offered| offered.paisa()),
                counted_paisa: counted.paisa(),
            }))
        })?)
    }
}

/// Parcels on the shelf that go back soon, in order of id.
fn warned(rows: &Rows<'_>, now_ms: u64) -> Result<Vec<Subject>, StoreError> {
    let mut found = Vec::new();
    for subject in rows.parcels_by_place(Whereabouts::Shelf, None, None, u32::MAX)? {
        if let Some(protocol::fold::State::Parcel(parcel)) = rows.folded(&subject)?.map(|folded| folded.state) {
            if parcel::hold_days_left(&parcel, now_ms).is_some_and(|days| days <= WARN_DAYS) {
                found.push(subject);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::types::committed;

    #[test]
    fn the_types_of_the_screens_are_the_committed_ones() {
        committed::<SiteHome>();
        committed::<SiteList>();
        committed::<SitePage>();
        committed::<SiteAgent>();
        committed::<SiteOffer>();
        committed::<SiteCounted>();
        committed::<SiteParcel>();
        committed::<SiteLine>();
        committed::<SiteNext>();
        committed::<SiteHandover>();
        committed::<SiteReceipt>();
        committed::<ReceiptLanguage>();
        committed::<SiteScan>();
        committed::<SiteShift>();
        committed::<SitePayment>();
        committed::<SiteRefund>();
        committed::<SiteTill>();
        committed::<SiteZ>();
    }
}
