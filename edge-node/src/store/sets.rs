//! Sets and books: what is compared with central.

use std::collections::BTreeMap;

use protocol::account::{Account, Code};
use protocol::id::{Scope, ShortId, Subject};
use protocol::root::Root;
use protocol::taka::Taka;
use rusqlite::{Row, params};

use super::{Rows, Store, StoreError};

impl Rows<'_> {
    /// Balance of one account over all held subjects and what closed ones have left, debit positive.
    ///
    /// # Errors
    /// The database.
    pub fn balance(&self, account: Account) -> Result<Taka, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT coalesce(sum(amount_paisa), 0) FROM local_ledger WHERE account_code = ?1 AND owner IS ?2",
        )?;
        let sum: i64 =
            statement.query_row(params![account.code as u16, account.owner.map(|owner| owner.0)], |row| row.get(0))?;
        Ok(taka(sum).plus(self.carried(account)?))
    }

    /// Cash in the own seat's hands, open offers taken off.
    ///
    /// # Errors
    /// The database.
    pub fn cash_on_hand(&self) -> Result<Taka, StoreError> {
        let party = self.store.seat.party;
        let held = self.balance(Code::AgentCash.of_owner(party))?;
        let mut statement = self.connection.prepare_cached(
            "SELECT coalesce(sum(offered_paisa), 0) FROM view_handin WHERE agent = ?1 AND status = 'offered'",
        )?;
        let offered: i64 = statement.query_row(params![party.0], |row| row.get(0))?;
        Ok(held.minus(taka(offered)))
    }
}

impl Store {
    /// The roots of the scopes that this seat holds; an absent one is of the empty set.
    ///
    /// # Errors
    /// The database.
    pub fn roots(&self) -> Result<BTreeMap<(Scope, u8), Root>, StoreError> {
        self.read(|rows| rows.roots())
    }

    /// The sorted short ids of one set.
    ///
    /// # Errors
    /// The database.
    pub fn short_ids(&self, scope: Scope, in_lane: u8) -> Result<Vec<ShortId>, StoreError> {
        self.read(|rows| rows.short_ids(scope, in_lane))
    }

    /// Net by account over the open member subjects of the scopes that this seat holds.
    ///
    /// # Errors
    /// The database.
    pub fn books(&self) -> Result<BTreeMap<Account, Taka>, StoreError> {
        self.read(|rows| {
            let mut statement = rows.connection.prepare_cached(
                "SELECT account_code, owner, sum(amount_paisa) FROM local_ledger l
                 WHERE EXISTS (SELECT 1 FROM member m
                     WHERE m.subject = l.subject AND m.held = 1 AND m.put_gen > m.close_gen)
                 GROUP BY account_code, owner HAVING sum(amount_paisa) <> 0",
            )?;
            let read = |row: &Row<'_>| {
                Ok((row.get::<_, u16>(0)?, row.get::<_, Option<[u8; 17]>>(1)?.map(Subject), row.get::<_, i64>(2)?))
            };
            let mut books = BTreeMap::new();
            for row in statement.query_map([], read)? {
                let (number, owner, sum) = row?;
                let code = Code::of(number).ok_or(StoreError::Damaged("account code"))?;
                books.insert(Account { code, owner }, taka(sum));
            }
            Ok(books)
        })
    }
}

/// A sum of many amounts: more than one fact may hold is possible only in a damaged database, and is
/// then the bound.
fn taka(paisa: i64) -> Taka {
    Taka::from_paisa(paisa.clamp(-Taka::MAX_PAISA, Taka::MAX_PAISA)).unwrap_or_default()
}
