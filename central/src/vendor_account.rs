//! The account that a vendor is paid to. Every change stays on record, and for its cooling time nothing is paid: whoever
//! has taken over a vendor's mailbox must not have the next payout as well.

use std::collections::BTreeMap;

use protocol::id::{Scope, Subject};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgPool, PgRow};
use utoipa::ToSchema;

use crate::banking::text;
use crate::devices::checked_name;
use crate::finance::Paged;
use crate::problem::Error;
use crate::schema::Id;
use crate::settings::Settings;
use crate::store::{signed, unsigned};

/// Shortest and longest number of an account at a bank or a wallet.
const NUMBER_LENGTH: std::ops::RangeInclusive<usize> = 6..=34;

/// An account at a bank or a wallet.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "bank_name": "City Bank", "account_name": "Meghna Traders", "account_number": "1101234567731" }))]
pub struct NewAccount {
    /// At which bank.
    #[schema(min_length = 1, max_length = 64)]
    pub bank_name: String,
    /// In whose name.
    #[schema(min_length = 1, max_length = 200)]
    pub account_name: String,
    /// Its number, 6 to 34 letters and digits; Bangla digits are taken as well.
    #[schema(min_length = 6, max_length = 34)]
    pub account_number: String,
}

/// An account as it was set. The number is never told whole again.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AccountSet {
    /// Whose.
    #[schema(value_type = Id)]
    pub vendor: Subject,
    /// The last four of its number.
    pub ending: String,
    /// From when payouts go there, milliseconds of business time.
    pub pays_from_ms: u64,
}

/// Sets the account of a vendor.
///
/// # Errors
/// `unknown_vendor`, `bad_text`, `bad_name`, `bad_account`.
pub async fn set(
    connection: &mut PgConnection,
    slug: &str,
    account: &NewAccount,
    caller: [u8; 16],
    now_ms: u64,
) -> Result<AccountSet, Error> {
    let (bank, name) = (text(&account.bank_name, "The name of the bank")?, checked_name(&account.account_name)?);
    let number: String = text(&account.account_number, "The number of the account")?
        .chars()
        .filter(|c| !matches!(c, ' ' | '-'))
        .collect();
    if !NUMBER_LENGTH.contains(&number.len()) || !number.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        let next = "Give 6 to 34 letters and digits, as on the cheque book.";
        return Err(Error::refuse(422, "bad_account", "This is not the number of an account.", next));
    }
    let vendor: Option<([u8; 17],)> = sqlx::query_as("select subject from vendor where slug = $1")
        .bind(slug)
        .fetch_optional(&mut *connection)
        .await?;
    let Some((vendor,)) = vendor else {
        let next = "Create the vendor first: POST /api/v1/vendors.";
        return Err(Error::refuse(404, "unknown_vendor", "There is no vendor of this name.", next));
    };
    let before: Option<(bool, i64)> = sqlx::query_as(
        "select (bank_name, account_name, account_number) = ($2, $3, $4), changed_ms from vendor_account
         where vendor = $1 order by number desc limit 1",
    )
    .bind(vendor)
    .bind(&bank)
    .bind(name)
    .bind(&number)
    .fetch_optional(&mut *connection)
    .await?;
    let cooling_ms = Settings::at(connection, now_ms).await?.cooling_ms();
    let ending = number[number.len() - 4..].to_owned();
    let pays_from_ms = match before {
        None => now_ms,
        // Told once more: nothing changes, and the time it was set at stays.
        Some((true, changed_ms)) => {
            let pays_from_ms = unsigned(changed_ms).saturating_add(cooling_ms);
            return Ok(AccountSet { vendor: Subject(vendor), ending, pays_from_ms });
        }
        // The same number at another bank is another account, and another name may be another person.
        Some((false, _)) => now_ms.saturating_add(cooling_ms),
    };
    sqlx::query(
        "insert into vendor_account (vendor, bank_name, account_name, account_number, changed_ms, changed_by)
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(vendor)
    .bind(bank)
    .bind(name)
    .bind(number)
    .bind(signed(now_ms))
    .bind(caller)
    .execute(connection)
    .await?;
    Ok(AccountSet { vendor: Subject(vendor), ending, pays_from_ms })
}

/// Where one vendor is paid, as finance sees it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AccountRow {
    /// Whose.
    #[schema(value_type = Id)]
    pub vendor: Subject,
    /// The vendor's short name, by which operations set the account.
    pub slug: String,
    /// The vendor's name.
    pub name: String,
    /// At which bank; absent, with all that follows, when no account was ever set.
    pub bank_name: Option<String>,
    /// In whose name.
    pub account_name: Option<String>,
    /// The last four of its number.
    pub ending: Option<String>,
    /// When it was set, milliseconds of business time.
    pub changed_ms: Option<u64>,
    /// From when payouts go there.
    pub pays_from_ms: Option<u64>,
    /// Nothing goes there yet, by central's clock.
    pub waits: bool,
    /// How many accounts the vendor has had, this one included.
    pub accounts: i64,
}

/// Where every vendor is paid, by short name.
///
/// # Errors
/// The database's.
pub async fn list(pool: &PgPool, after: Option<&str>, limit: i64, now_ms: u64) -> Result<Paged<AccountRow>, Error> {
    let mut connection = pool.acquire().await?;
    let cooling_ms = Settings::at(&mut connection, now_ms).await?.cooling_ms();
    let rows: Vec<PgRow> = sqlx::query(
        "select v.subject, v.slug, v.name, a.bank_name, a.account_name, right(a.account_number, 4) as ending, a.changed_ms,
            coalesce(a.accounts, 0) as accounts
         from vendor v left join lateral (
             select *, count(*) over () as accounts from vendor_account a where a.vendor = v.subject
             order by a.number desc limit 1) a on true
         where v.slug > $1 order by v.slug limit $2",
    )
    .bind(after.unwrap_or_default())
    .bind(limit + 1)
    .fetch_all(&mut *connection)
    .await?;
    let read = |row: &PgRow| {
        let (changed_ms, accounts): (Option<i64>, i64) = (row.try_get("changed_ms")?, row.try_get("accounts")?);
        // The first account is paid to at once: there was nobody to take it from.
        let wait_ms = if accounts > 1 { cooling_ms } else { 0 };
        let pays_from_ms = changed_ms.map(|at| unsigned(at).saturating_add(wait_ms));
        Ok::<_, sqlx::Error>(AccountRow {
            vendor: Subject(row.try_get("subject")?),
            slug: row.try_get("slug")?,
            name: row.try_get("name")?,
            bank_name: row.try_get("bank_name")?,
            account_name: row.try_get("account_name")?,
            ending: row.try_get("ending")?,
            changed_ms: changed_ms.map(unsigned),
            pays_from_ms,
            waits: pays_from_ms.is_some_and(|from_ms| from_ms > now_ms),
            accounts,
        })
    };
    let rows = rows.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Paged::of(rows, limit, |row: &AccountRow| row.slug.clone()))
}

/// Vendors whose account was changed lately, with the end of their cooling time. A first account has none: there was
/// nobody to take it from.
///
/// # Errors
/// The database's.
pub(crate) async fn cooling(connection: &mut PgConnection, now_ms: u64) -> Result<BTreeMap<Scope, u64>, sqlx::Error> {
    let cooling_ms = Settings::at(connection, now_ms).await?.cooling_ms();
    let rows: Vec<([u8; 17], i64)> = sqlx::query_as(
        "select vendor, max(changed_ms) from vendor_account group by vendor having count(*) > 1 and max(changed_ms) > $1",
    )
    .bind(signed(now_ms.saturating_sub(cooling_ms)))
    .fetch_all(connection)
    .await?;
    let until =
        |(vendor, changed_ms): ([u8; 17], i64)| (Subject(vendor), unsigned(changed_ms).saturating_add(cooling_ms));
    Ok(rows.into_iter().map(until).collect())
}

/// The no to a payout within the cooling time.
pub(crate) fn is_cooling(until_ms: u64) -> Error {
    let next = "Ask the vendor by a way you know whether the new account is his; payouts go on after the cooling time.";
    let state = serde_json::json!({ "until_ms": until_ms });
    Error::refuse_in_state(409, "account_cooling", "The vendor's account was changed lately.", next, state)
}
