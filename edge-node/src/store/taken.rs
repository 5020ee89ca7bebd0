//! Writes what a batch did.

use protocol::fold::{Folded, State};
use protocol::id::{Scope, Subject};
use protocol::intake::{BurstRow, Chain, Generations, OpRow, Taken};
use protocol::root::Root;
use rusqlite::params;

use super::{Rows, StoreError, signed};

impl Rows<'_> {
    /// Writes a batch: bursts, ops, memberships, roots and sketches, views and ledger rows.
    ///
    /// # Errors
    /// The database; the caller's transaction is then rolled back.
    pub fn write_taken(&self, taken: &Taken) -> Result<(), StoreError> {
        for row in &taken.bursts {
            self.put_burst(row)?;
        }
        let mut answer = self.connection.prepare_cached("UPDATE burst SET answered = ?2 WHERE digest = ?1")?;
        for (digest, answered) in &taken.answered {
            answer.execute(params![digest.0, answered.cast_signed()])?;
        }
        for row in &taken.ops {
            self.put_op(row)?;
        }
        for ((scope, subject), (generations, _)) in &taken.members {
            self.put_member(scope, subject, *generations)?;
        }
        self.note_closed(taken)?;
        for ((scope, lane), root) in &taken.roots {
            self.put_root(scope, *lane, root)?;
            let moves = taken.moves.get(&(*scope, *lane)).map_or(&[][..], Vec::as_slice);
            self.move_sketch(scope, *lane, root, moves)?;
        }
        for revoked in &taken.revoked {
            let payload = protocol::fact::Fact::Revoked(revoked.clone()).encode();
            self.connection
                .prepare_cached("INSERT OR IGNORE INTO revocation (author, payload) VALUES (?1, ?2)")?
                .execute(params![revoked.author.0, payload])?;
        }
        for (subject, folded) in &taken.folded {
            let own = |row: &OpRow| row.subject == *subject && row.held.author == self.store.author;
            if !self.counts_as_closed(subject, taken.ops.iter().any(own))? {
                self.put_folded(subject, folded)?;
            }
        }
        for ((author, inc), chain) in taken.chains.iter().filter(|((author, _), _)| *author == self.store.author) {
            self.put_chain(author.0, inc.0, chain)?;
        }
        self.count("duplicates", taken.duplicates)?;
        self.count("refused", taken.refused.len() as u64)
    }

    /// Adds to a named counter.
    pub(super) fn count(&self, name: &str, add: u64) -> Result<(), StoreError> {
        if add > 0 {
            self.connection
                .prepare_cached(
                    "INSERT INTO counter (name, value) VALUES (?1, ?2)
                     ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
                )?
                .execute(params![name, signed(add)])?;
        }
        Ok(())
    }

    fn put_burst(&self, row: &BurstRow) -> Result<(), StoreError> {
        let head = &row.burst.head;
        let ids: Vec<u8> = row.ids.iter().flat_map(|id| id.0).collect();
        self.connection
            .prepare_cached(
                "INSERT INTO burst (digest, author, inc, seq, head, sig, ids, answered)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)",
            )?
            .execute(params![
                row.digest.0,
                head.author.0,
                head.inc.0,
                signed(head.seq),
                head.encode(),
                row.burst.sig,
                ids
            ])?;
        Ok(())
    }

    fn put_op(&self, row: &OpRow) -> Result<(), StoreError> {
        let held = &row.held;
        self.connection
            .prepare_cached(
                "INSERT INTO op (id, digest, slot, subject, class_kind, lane, time_ms, author, inc, seq, bytes, apart)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute(params![
                held.id.0,
                row.digest.0,
                row.slot,
                row.subject.0,
                row.class_kind,
                row.lane,
                signed(held.time_ms),
                held.author.0,
                held.inc.0,
                signed(held.seq),
                held.bytes,
                held.apart
            ])?;
        Ok(())
    }

    pub(super) fn put_member(
        &self,
        scope: &Scope,
        subject: &Subject,
        generations: Generations,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO member (scope, subject, put_gen, close_gen, held) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (subject, scope) DO UPDATE
                 SET put_gen = excluded.put_gen, close_gen = excluded.close_gen, held = excluded.held",
            )?
            .execute(params![scope.0, subject.0, generations.put, generations.close, self.store.may_read(scope)])?;
        Ok(())
    }

    /// Keeps a root, if the seat holds the scope's sets. An empty set has no row, so that a rebuilt
    /// table equals one that grew and shrank.
    pub(super) fn put_root(&self, scope: &Scope, lane: u8, root: &Root) -> Result<(), StoreError> {
        if !self.store.may_read(scope) {
            return Ok(());
        }
        if *root == Root::default() {
            self.connection
                .prepare_cached("DELETE FROM root WHERE scope = ?1 AND lane = ?2")?
                .execute(params![scope.0, lane])?;
            return Ok(());
        }
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO root (scope, lane, count, sum) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![scope.0, lane, signed(root.count), root.sum_bytes()])?;
        Ok(())
    }

    /// Replaces the view and the ledger rows of one subject.
    pub(super) fn put_folded(&self, subject: &Subject, folded: &Folded) -> Result<(), StoreError> {
        match &folded.state {
            State::Parcel(parcel) => self.put_parcel(subject, parcel)?,
            State::HandIn(handin) => self.put_handin(subject, handin)?,
            State::Earning(earning) => self.put_earning(subject, earning)?,
            // Read by folding: an edge holds few of them.
            _ => {}
        }
        self.connection.prepare_cached("DELETE FROM local_ledger WHERE subject = ?1")?.execute(params![subject.0])?;
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO local_ledger (subject, key, line, rule, cause, account_code, owner, amount_paisa)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        for journal in &folded.journals {
            for (line, posting) in journal.postings.iter().enumerate() {
                insert.execute(params![
                    subject.0,
                    journal.key().0,
                    signed(line as u64),
                    journal.rule.name(),
                    journal.cause.0,
                    posting.account.code as u16,
                    posting.account.owner.map(|owner| owner.0),
                    posting.amount.paisa()
                ])?;
            }
        }
        Ok(())
    }

    fn put_chain(&self, author: [u8; 8], inc: [u8; 4], chain: &Chain) -> Result<(), StoreError> {
        let highest = chain.beyond.keys().next_back().copied().unwrap_or(chain.upto).max(chain.upto);
        self.connection
            .prepare_cached(
                "INSERT INTO chain (author, inc, upto, highest, forked) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (author, inc) DO UPDATE
                 SET upto = excluded.upto, highest = max(highest, excluded.highest), forked = excluded.forked",
            )?
            .execute(params![author, inc, signed(chain.upto), signed(highest), chain.forked])?;
        Ok(())
    }
}
