//! What people and places are called, as central last said.

use protocol::frame::{PartyName, names_digest};
use protocol::id::{Kind, Scope, Subject};
use rusqlite::{OptionalExtension, params};

use super::{Rows, Store, StoreError};

impl Store {
    /// Keeps these names in place of all that were held.
    ///
    /// # Errors
    /// The database.
    pub fn set_names(&self, names: &[PartyName]) -> Result<(), StoreError> {
        self.write_told(|rows| {
            rows.connection.execute("DELETE FROM party_name", [])?;
            let mut insert =
                rows.connection.prepare_cached("INSERT OR REPLACE INTO party_name (party, name) VALUES (?1, ?2)")?;
            names.iter().try_for_each(|named| insert.execute(params![named.party.0, named.name]).map(drop))?;
            Ok(())
        })
    }

    /// Tells central whether the names held here are those there are.
    ///
    /// # Errors
    /// The database.
    pub fn names_digest(&self) -> Result<[u8; 8], StoreError> {
        self.read(|rows| {
            let names = rows.names("SELECT party, name FROM party_name ORDER BY party")?;
            Ok(names_digest(names.iter().map(|(party, name)| (party, name.as_str()))))
        })
    }
}

impl Rows<'_> {
    /// What a party is called, if central said so.
    ///
    /// # Errors
    /// The database.
    pub fn name_of(&self, party: &Scope) -> Result<Option<String>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT name FROM party_name WHERE party = ?1")?;
        Ok(statement.query_row(params![party.0], |row| row.get(0)).optional()?)
    }

    /// The agents of this site, by name.
    ///
    /// # Errors
    /// The database.
    pub fn roster(&self) -> Result<Vec<(Scope, String)>, StoreError> {
        let mut names = self.names("SELECT party, name FROM party_name ORDER BY name, party")?;
        names.retain(|(party, _)| party.kind() == Some(Kind::Agent));
        Ok(names)
    }

    fn names(&self, query: &str) -> Result<Vec<(Scope, String)>, StoreError> {
        let mut statement = self.connection.prepare_cached(query)?;
        let read = statement.query_map([], |row| Ok((Subject(row.get(0)?), row.get(1)?)))?;
        Ok(read.collect::<Result<_, _>>()?)
    }
}
