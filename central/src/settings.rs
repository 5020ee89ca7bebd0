//! Finance's settings by date: from which amount two people decide, when surplus cash is nobody's, how long a changed
//! account of a vendor waits. What was decided under one is not judged by a later one.

use protocol::taka::Taka;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::banking::amount;
use crate::ledger;
use crate::problem::Error;
use crate::store::{signed, unsigned};

/// Settings in force from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "effective_ms": 1_795_651_200_000u64, "two_people_from_paisa": 500_000, "unclaimed_after_days": 90, "cooling_hours": 72,
    "payout_fee_paisa": 1_000,
}))]
pub struct Settings {
    /// From when, milliseconds of business time; a day ahead at least.
    pub effective_ms: u64,
    /// From which amount on a second person has to agree, paisa.
    #[schema(minimum = 1, maximum = 100_000_000_000_000i64)]
    pub two_people_from_paisa: i64,
    /// After how many days surplus cash that nobody claimed is income.
    #[schema(minimum = 1, maximum = 3650)]
    pub unclaimed_after_days: u32,
    /// For how many hours nothing is paid to an account that a vendor has changed.
    #[schema(minimum = 0, maximum = 720)]
    pub cooling_hours: u32,
    /// What a payout costs its vendor, paisa; the VAT of the terms of that day comes on top.
    #[serde(default)]
    #[schema(required = true, minimum = 0, maximum = 1_000_000)]
    pub payout_fee_paisa: i64,
}

/// Most that a payout may cost: beyond it somebody typed paisa for taka.
const MAX_PAYOUT_FEE_PAISA: i64 = 1_000_000;
const MS_OF_HOUR: u64 = 3_600_000;
/// Nobody lifts the threshold for what he is about to enter alone: everybody sees new settings a day before they hold.
const NOTICE_MS: u64 = 24 * MS_OF_HOUR;

impl Settings {
    /// From which amount on a second person has to agree.
    #[must_use]
    pub fn two_people_from(&self) -> Taka {
        ledger::paisa(self.two_people_from_paisa)
    }

    /// How old surplus cash has to be before it is income, ms.
    #[must_use]
    pub const fn unclaimed_after_ms(&self) -> u64 {
        self.unclaimed_after_days as u64 * 24 * MS_OF_HOUR
    }

    /// For how long nothing is paid to a changed account, ms.
    #[must_use]
    pub const fn cooling_ms(&self) -> u64 {
        self.cooling_hours as u64 * MS_OF_HOUR
    }

    /// What a payout costs its vendor, without VAT.
    #[must_use]
    pub fn payout_fee(&self) -> Taka {
        ledger::paisa(self.payout_fee_paisa)
    }

    /// Those in force at `now_ms` of business time.
    ///
    /// # Errors
    /// The database's.
    pub async fn at(connection: &mut PgConnection, now_ms: u64) -> Result<Self, sqlx::Error> {
        let row: Columns = sqlx::query_as(
            "select effective_ms, two_people_from_paisa, unclaimed_after_days, cooling_hours, payout_fee_paisa
             from finance_setting where effective_ms <= $1 order by effective_ms desc limit 1",
        )
        .bind(signed(now_ms))
        .fetch_one(connection)
        .await?;
        Ok(settings(row))
    }

    /// All of them, the latest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn all(connection: &mut PgConnection) -> Result<Vec<Self>, sqlx::Error> {
        let rows: Vec<Columns> = sqlx::query_as(
            "select effective_ms, two_people_from_paisa, unclaimed_after_days, cooling_hours, payout_fee_paisa
             from finance_setting order by effective_ms desc limit 200",
        )
        .fetch_all(connection)
        .await?;
        Ok(rows.into_iter().map(settings).collect())
    }

    /// Sets them.
    ///
    /// # Errors
    /// `bad_amount`, `bad_settings`, `settings_too_soon`, `settings_exist`.
    pub async fn set(&self, connection: &mut PgConnection, caller: [u8; 16], now_ms: u64) -> Result<(), Error> {
        let threshold = amount(self.two_people_from_paisa, 1)?;
        if !(1..=3_650).contains(&self.unclaimed_after_days) || self.cooling_hours > 720 {
            let next = "Give 1 to 3,650 days and 0 to 720 hours.";
            return Err(Error::refuse(422, "bad_settings", "The settings are out of their bounds.", next));
        }
        if !(0..=MAX_PAYOUT_FEE_PAISA).contains(&self.payout_fee_paisa) {
            let next = "Give the fee of one payout in paisa, 0 to 1,000,000: 1,000 is 10 taka.";
            return Err(Error::refuse(422, "bad_settings", "The fee of a payout is out of its bounds.", next));
        }
        if self.effective_ms < now_ms.saturating_add(NOTICE_MS) {
            let next = "Let them begin in a day or later, so that everybody in finance can see them before they hold.";
            return Err(Error::refuse(409, "settings_too_soon", "Settings are announced a day ahead.", next));
        }
        let done = sqlx::query(
            "insert into finance_setting
                (effective_ms, two_people_from_paisa, unclaimed_after_days, cooling_hours, set_by, payout_fee_paisa)
             values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
        )
        .bind(signed(self.effective_ms))
        .bind(threshold.paisa())
        .bind(i32::try_from(self.unclaimed_after_days).unwrap_or(i32::MAX))
        .bind(i32::try_from(self.cooling_hours).unwrap_or(i32::MAX))
        .bind(caller)
        .bind(self.payout_fee_paisa)
        .execute(connection)
        .await?;
        if done.rows_affected() == 0 {
            let next = "Choose another moment: settings that were set are not changed.";
            return Err(Error::refuse(409, "settings_exist", "Settings begin at this moment already.", next));
        }
        Ok(())
    }
}

type Columns = (i64, i64, i32, i32, i64);

fn settings((effective, two_people_from_paisa, days, hours, payout_fee_paisa): Columns) -> Settings {
    Settings {
        effective_ms: unsigned(effective),
        two_people_from_paisa,
        unclaimed_after_days: u32::try_from(days).unwrap_or_default(),
        cooling_hours: u32::try_from(hours).unwrap_or_default(),
        payout_fee_paisa,
    }
}
