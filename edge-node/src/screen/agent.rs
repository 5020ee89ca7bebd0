//! The agent's screens: his run, a stop, and the cash in his hands.

use std::collections::BTreeMap;

use protocol::fact::Fact;
use protocol::id::Subject;
use protocol::sealed::Personal;
use serde::Serialize;
use ts_rs::TS;

use crate::node::Node;
use crate::screen::refused::Refused;
use crate::store::{BagRow, OwnFact, Place, Rows, StoreError};

/// Bangladesh is six hours ahead of UTC all year.
const DHAKA_MS: u64 = 6 * 3_600_000;
const DAY_MS: u64 = 86_400_000;
/// Hand-ins of one page: a month of them.
const MOST_HANDINS: u32 = 60;

/// How a stop stands for the person who drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum StopState {
    /// On the run sheet, not yet in the bag.
    ToLoad,
    /// In the bag.
    Open,
    /// Handed over.
    Done,
    /// It did not happen today; the parcel is still in the bag.
    Failed,
    /// Called off or refused: bring it back.
    Hold,
}

/// One stop of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct AgentStop {
    /// The parcel.
    #[ts(type = "string")]
    pub parcel: Subject,
    /// What stands on its label: `GT 4471 8823 7`.
    pub label: String,
    /// Its number on the run, from 1.
    pub number: u32,
    /// The customer's name, when this device may read it.
    pub name: Option<String>,
    /// The address as given.
    pub address: Option<String>,
    /// Cash to collect, paisa; 0 when it is paid.
    pub due_paisa: i64,
    /// Cash that was taken, paisa.
    pub taken_paisa: i64,
    /// How it stands.
    pub state: StopState,
    /// The word of the parcel's status.
    pub status: String,
    /// Failed attempts so far.
    pub attempts: u32,
    /// Somebody has to look at it.
    pub contested: bool,
    /// Where today's own record is held, when there is one.
    pub place: Option<Place>,
    /// When that was recorded.
    pub at_ms: Option<u64>,
}

/// The run of today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct AgentRun {
    /// In the order of arrival on this device.
    pub stops: Vec<AgentStop>,
    /// Stops without a result.
    pub left: u32,
    /// Handed over today.
    pub done: u32,
    /// Not delivered today.
    pub failed: u32,
    /// Cash in hand, open offers taken off, paisa.
    pub cash_paisa: i64,
    /// The most he may hold, paisa.
    pub limit_paisa: i64,
}

/// A line of what is in the parcel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct StopLine {
    /// The vendor's number of the goods.
    pub sku: String,
    /// How many.
    pub qty: i64,
}

/// A stop with everything that is needed at the door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct AgentStopDetail {
    /// The stop as the run shows it.
    pub stop: AgentStop,
    /// The phone number, when this device may read it.
    pub phone: Option<String>,
    /// The customer's note.
    pub note: Option<String>,
    /// What is in the parcel.
    pub lines: Vec<StopLine>,
    /// Stable codes of what waits for a ruling.
    pub contests: Vec<String>,
}

/// Cash that was taken at a door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct Collection {
    /// The parcel.
    #[ts(type = "string")]
    pub parcel: Subject,
    /// What stands on its label.
    pub label: String,
    /// The customer's name.
    pub name: Option<String>,
    /// How much, paisa.
    pub amount_paisa: i64,
    /// When.
    pub at_ms: u64,
    /// Where the record is held.
    pub place: Place,
}

/// Cash that was handed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct AgentHandIn {
    /// The hand-in.
    #[ts(type = "string")]
    pub handin: Subject,
    /// What a person reads out.
    pub label: String,
    /// What the agent said it is, paisa.
    pub offered_paisa: Option<i64>,
    /// What was counted, paisa.
    pub counted_paisa: Option<i64>,
    /// `offered`, `counted`, `short`, `over`.
    pub status: String,
    /// When it was offered.
    pub at_ms: Option<u64>,
    /// Where the offer is held.
    pub place: Place,
}

/// The cash in the agent's hands, and where it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct AgentMoney {
    /// Cash in hand, open offers taken off, paisa.
    pub held_paisa: i64,
    /// The most he may hold, paisa.
    pub limit_paisa: i64,
    /// Where he hands in; `None` until a parcel of his site has come.
    #[ts(type = "string | null")]
    pub site: Option<Subject>,
    /// Cash taken today, the newest first.
    pub collections: Vec<Collection>,
    /// Hand-ins, the newest first.
    pub handins: Vec<AgentHandIn>,
}

impl Node {
    /// The run of today: what is on the sheet or in the bag, and what was done.
    ///
    /// # Errors
    /// The database.
    pub fn agent_run(&self) -> Result<AgentRun, Refused> {
        let limit_paisa = self.seat().cash_ceiling.paisa();
        let run = self.store().read(|rows| {
            let stops = self.stops(rows)?;
            let count =
                |state| u32::try_from(stops.iter().filter(|stop| stop.state == state).count()).unwrap_or(u32::MAX);
            Ok::<_, StoreError>(AgentRun {
                left: count(StopState::ToLoad) + count(StopState::Open),
                done: count(StopState::Done),
                failed: count(StopState::Failed) + count(StopState::Hold),
                cash_paisa: rows.cash_on_hand()?.paisa(),
                limit_paisa,
                stops,
            })
        })?;
        Ok(run)
    }

    /// One stop with everything that is needed at the door.
    ///
    /// # Errors
    /// `not_yours` when the parcel is not on today's run; the database.
    pub fn agent_stop(&self, parcel: Subject) -> Result<AgentStopDetail, Refused> {
        let found = self.store().read(|rows| {
            let stop = self.stops(rows)?.into_iter().find(|stop| stop.parcel == parcel);
            let row = rows.bag_row(&parcel)?;
            Ok::<_, StoreError>(stop.zip(row))
        })?;
        let Some((stop, row)) = found else {
            return Err(Refused::of("not_yours", "the parcel is not on your run", "give it to the hub"));
        };
        let (phone, note) = row.customer.map(|customer| (customer.phone, customer.note)).unzip();
        let words = row.contested.split(',').filter(|word| !word.is_empty());
        Ok(AgentStopDetail {
            stop,
            phone,
            note: note.filter(|note| !note.trim().is_empty()),
            lines: lines_of(&row.lines),
            contests: words.map(str::to_owned).collect(),
        })
    }

    /// The cash in hand, what was taken today, and the hand-ins.
    ///
    /// # Errors
    /// The database.
    pub fn agent_money(&self) -> Result<AgentMoney, Refused> {
        let money = self.store().read(|rows| {
            let mut collections = Vec::new();
            for own in rows.own_facts_since(self.today())? {
                if let Some(Fact::Delivered(delivered)) = &own.fact {
                    let Some(amount) = delivered.collected else { continue };
                    let name = rows.bag_row(&own.subject)?.and_then(|row| row.customer).map(|customer| customer.name);
                    collections.push(Collection {
                        parcel: own.subject,
                        label: own.subject.label().to_string(),
                        name,
                        amount_paisa: amount.paisa(),
                        at_ms: own.at_ms,
                        place: own.place,
                    });
                }
            }
            collections.reverse();
            let handins = rows.handins_of(self.seat().party, MOST_HANDINS)?;
            let handin = |offer: crate::store::OwnOffer| AgentHandIn {
                handin: offer.handin,
                label: offer.handin.label().to_string(),
                offered_paisa: offer.offered_paisa,
                counted_paisa: offer.counted_paisa,
                status: offer.status,
                at_ms: offer.at_ms,
                place: offer.place,
            };
            Ok::<_, StoreError>(AgentMoney {
                held_paisa: rows.cash_on_hand()?.paisa(),
                limit_paisa: self.seat().cash_ceiling.paisa(),
                site: rows.own_site()?,
                collections,
                handins: handins.into_iter().map(handin).collect(),
            })
        })?;
        Ok(money)
    }

    /// The start of today in Bangladesh, business ms.
    fn today(&self) -> u64 {
        let local = self.now_ms() + DHAKA_MS;
        (local - local % DAY_MS).saturating_sub(DHAKA_MS)
    }

    fn stops(&self, rows: &Rows<'_>) -> Result<Vec<AgentStop>, StoreError> {
        let mut last: BTreeMap<Subject, OwnFact> = BTreeMap::new();
        let mut parcels = rows.on_run_of(self.seat().party)?;
        for own in rows.own_facts_since(self.today())? {
            let result = matches!(own.fact, Some(Fact::Delivered(_) | Fact::Attempted(_)));
            if matches!(own.fact, Some(Fact::Loaded(_))) || result {
                if result && !parcels.contains(&own.subject) {
                    parcels.push(own.subject);
                }
                last.insert(own.subject, own);
            }
        }
        let rows: Result<Vec<_>, _> = parcels.iter().map(|parcel| rows.bag_row(parcel)).collect();
        let mut rows: Vec<BagRow> = rows?.into_iter().flatten().collect();
        // A stop keeps its number when it is done: the order is that of arrival, not of what is left.
        rows.sort_by_key(|row| row.arrived);
        let numbered = rows.into_iter().zip(1..);
        let stops = numbered.map(|(row, number)| {
            let own = last.get(&row.parcel);
            stop_of(row, number, own)
        });
        Ok(stops.collect())
    }
}

fn stop_of(row: BagRow, number: u32, own: Option<&OwnFact>) -> AgentStop {
    let state = match row.status.as_str() {
        "on_run" => StopState::ToLoad,
        "loaded" => StopState::Open,
        // Tried today: done for today. Tried on another day: it is in the bag to be tried again.
        "attempted" if own.is_some_and(|own| matches!(own.fact, Some(Fact::Attempted(_)))) => StopState::Failed,
        "attempted" => StopState::Open,
        "delivered" | "returned" => StopState::Done,
        _ if own.is_some_and(|own| matches!(own.fact, Some(Fact::Delivered(_)))) => StopState::Done,
        _ => StopState::Hold,
    };
    let (name, address) = row.customer.map(|Personal { name, address, .. }| (name, address)).unzip();
    let recorded = own.filter(|own| matches!(own.fact, Some(Fact::Delivered(_) | Fact::Attempted(_))));
    AgentStop {
        parcel: row.parcel,
        label: row.parcel.label().to_string(),
        number,
        name: name.filter(|name| !name.trim().is_empty()),
        address: address.filter(|address| !address.trim().is_empty()),
        // Paid at a provider while it is under way: nothing is to be taken. What was done keeps its figure.
        due_paisa: if row.paid && state != StopState::Done { 0 } else { row.due_paisa },
        taken_paisa: row.collected_paisa,
        state,
        status: row.status,
        attempts: row.attempts,
        contested: !row.contested.is_empty(),
        place: recorded.map(|own| own.place),
        at_ms: recorded.map(|own| own.at_ms),
    }
}

fn lines_of(lines: &serde_json::Value) -> Vec<StopLine> {
    let line = |line: &serde_json::Value| StopLine {
        sku: line["sku"].as_str().unwrap_or_default().to_owned(),
        qty: line["qty"].as_i64().unwrap_or_default(),
    };
    lines.as_array().map(|lines| lines.iter().map(line).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use protocol::fact::{Attempted, Delivered, Loaded};
    use protocol::id::{Id16, Kind};

    use super::*;
    use crate::screen::types::committed;

    fn row(status: &str) -> BagRow {
        BagRow {
            parcel: Subject::new(Kind::Parcel, Id16([7; 16])),
            arrived: 1,
            due_paisa: 125_000,
            paid: false,
            collected_paisa: 0,
            lines: serde_json::json!([{"sku": "RICE-5KG", "qty": 2, "unit_price_paisa": 62_500}, {"sku": 5}]),
            status: status.to_owned(),
            attempts: 0,
            contested: String::new(),
            customer: None,
        }
    }

    fn own(fact: Fact) -> OwnFact {
        OwnFact { subject: row("").parcel, fact: Some(fact), at_ms: 5, place: Place::Device }
    }

    #[test]
    fn what_was_paid_at_a_provider_is_not_to_be_taken() {
        let paid = |status: &str| BagRow { paid: true, ..row(status) };
        assert_eq!(stop_of(row("loaded"), 1, None).due_paisa, 125_000);
        for status in ["on_run", "loaded", "attempted"] {
            assert_eq!(stop_of(paid(status), 1, None).due_paisa, 0, "{status}");
        }
        assert_eq!(stop_of(paid("delivered"), 1, None).due_paisa, 125_000);
    }

    #[test]
    fn a_stop_tells_what_is_to_be_done_and_wears_a_badge_once_it_is_done() {
        let tried = own(Fact::Attempted(Attempted { reason: 1 }));
        let given = own(Fact::Delivered(Delivered { evidence: 1, collected: None }));
        let loaded = own(Fact::Loaded(Loaded {}));
        for (status, own, state, place) in [
            ("on_run", None, StopState::ToLoad, None),
            ("loaded", Some(&loaded), StopState::Open, None),
            // Tried on another day: it is in the bag to be tried again.
            ("attempted", None, StopState::Open, None),
            ("attempted", Some(&tried), StopState::Failed, Some(Place::Device)),
            ("delivered", Some(&given), StopState::Done, Some(Place::Device)),
            ("cancelled", Some(&loaded), StopState::Hold, None),
            ("cancelled", Some(&given), StopState::Done, Some(Place::Device)),
            ("a_word_of_a_later_version", None, StopState::Hold, None),
        ] {
            let stop = stop_of(row(status), 3, own);
            assert_eq!((stop.state, stop.place, stop.number), (state, place, 3), "{status}");
        }
    }

    #[test]
    fn goods_that_cannot_be_read_are_shown_empty_and_break_nothing() {
        let lines = lines_of(&row("loaded").lines);
        assert_eq!(lines[0], StopLine { sku: "RICE-5KG".to_owned(), qty: 2 });
        assert_eq!((lines[1].sku.as_str(), lines[1].qty, lines.len()), ("", 0, 2));
        assert_eq!(lines_of(&serde_json::Value::Null), Vec::new());
    }

    #[test]
    fn the_types_of_the_screens_are_the_committed_ones() {
        committed::<StopState>();
        committed::<Place>();
        committed::<AgentStop>();
        committed::<AgentRun>();
        committed::<StopLine>();
        committed::<AgentStopDetail>();
        committed::<Collection>();
        committed::<AgentHandIn>();
        committed::<AgentMoney>();
        committed::<crate::slip::HandInSlip>();
        committed::<crate::slip::SlipTaken>();
    }
}
