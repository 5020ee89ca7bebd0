//! Lines of statements as rows.

use std::collections::BTreeSet;

use jiff::civil::Date;
use protocol::fact::MAX_TEXT;
use protocol::id::{Id16, Kind, Subject};
use protocol::taka::Taka;
use sqlx::PgConnection;

use super::Side;
use super::expected::Expected;
use super::plan::{Plan, State};
use crate::ledger;
use crate::matching;
use crate::problem::Error;
use crate::statement::{self, Statement};
use crate::store::signed;

/// A shorter word of a narration is no id: a slip's number 7 is in every other address.
const LEAST_IN_TEXT: usize = 5;

/// One line, from a file or waiting from an earlier one. Not `Debug`: it holds names.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Its id: the same whichever file brings it.
    pub(super) subject: Subject,
    pub(super) at: u32,
    pub(super) date: Date,
    pub(super) amount: Taka,
    pub(super) reference: String,
    pub(super) ids: Vec<String>,
    pub(super) counterparty: String,
    pub(super) narration: String,
    pub(super) reversal: bool,
    /// Whether it stands on suspense.
    pub(super) is_booked: bool,
}

impl Line {
    pub(super) fn seen(&self, key: u64) -> matching::Line<'_> {
        matching::Line {
            key,
            date: self.date,
            amount: self.amount,
            reference: &self.reference,
            ids: self.ids.iter().map(String::as_str).collect(),
            counterparty: &self.counterparty,
            text: &self.narration,
            reversal: self.reversal,
        }
    }

    /// Whether it is of this amount and names this thing, by our id or by one of its own.
    pub(super) fn repeats(&self, thing: &Expected) -> bool {
        self.amount == thing.amount && self.names(thing)
    }

    /// Whether it brings back what this payout took away.
    pub(super) fn returns(&self, thing: &Expected) -> bool {
        thing.subject.kind() == Some(Kind::Payout)
            && thing.is_booked
            && self.amount > Taka::ZERO
            && self.amount == thing.amount.negated()
            && self.names(thing)
    }

    fn names(&self, thing: &Expected) -> bool {
        let parts = self.narration.split(|c: char| !c.is_alphanumeric() && c != '-');
        let parts = parts.filter(|word| word.chars().count() >= LEAST_IN_TEXT);
        let mut said = parts.chain([self.reference.as_str()]).chain(self.ids.iter().map(String::as_str));
        let names = |word: &str| {
            matching::without_check(word).eq_ignore_ascii_case(matching::without_check(&thing.id))
                || thing.ids.iter().any(|id| word.eq_ignore_ascii_case(id))
        };
        said.any(|word| !word.is_empty() && names(word))
    }

    /// How a fact names it: by the bank's reference, as far as a fact takes it, else by its own id.
    pub(super) fn name(&self) -> String {
        if self.reference.is_empty() {
            return self.subject.to_string();
        }
        let whole = |(at, c): &(usize, char)| at + c.len_utf8() <= MAX_TEXT;
        self.reference.char_indices().take_while(whole).map(|(_, c)| c).collect()
    }
}

/// The lines of a statement; of a provider's or a courier's, gross.
pub(super) fn of(bank: Subject, side: Side, statement: &Statement) -> Vec<Line> {
    let line = |(line, key): (&statement::Line, String)| {
        let mut hasher = blake3::Hasher::new_derive_key("getit statement line 1");
        hasher.update(&bank.0).update(key.as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Line {
            subject: Subject::new(Kind::Line, Id16(id)),
            at: line.at,
            date: line.date,
            // The books have what the customer paid; what a provider or courier keeps of it is booked when it
            // settles (J3, J14a).
            amount: if side.is_bank() { line.amount } else { line.amount.plus(line.fee) },
            reference: line.reference.clone(),
            ids: line.ids.clone(),
            counterparty: line.counterparty.clone(),
            narration: line.text.clone(),
            reversal: line.reversal,
            is_booked: false,
        }
    };
    statement.lines.iter().zip(statement.keys()).map(line).collect()
}

/// An account at a bank is on one side of the books, and its statements are of one account.
pub(super) async fn same_account(
    conn: &mut PgConnection,
    bank: Subject,
    side: Side,
    account: &str,
) -> Result<(), Error> {
    let before: Option<(i16, String)> = sqlx::query_as(
        "select side, account from statement
         where bank = $1 and (side <> $2 or (account <> $3 and account <> '' and $3 <> ''))
         order by imported_at_ms limit 1",
    )
    .bind(bank.0)
    .bind(side as i16)
    .bind(account)
    .fetch_optional(conn)
    .await?;
    let Some((other, account)) = before else { return Ok(()) };
    let told = if other == side as i16 {
        format!("Earlier statements of this account are of the number {account}.")
    } else {
        "Earlier statements of this account were imported for the other side of the books.".to_owned()
    };
    let next = "Check bank and side: another account has a short name of its own.";
    Err(Error::refuse(409, "other_account", told, next))
}

/// One file is imported once.
pub(super) async fn not_known(conn: &mut PgConnection, id: &[u8; 32]) -> Result<(), Error> {
    let known: Option<(i64,)> =
        sqlx::query_as("select lines from statement where id = $1").bind(id).fetch_optional(conn).await?;
    let Some((lines,)) = known else { return Ok(()) };
    let told = format!("This file was imported before, with {lines} lines.");
    let state = serde_json::json!({ "statement": data_encoding::HEXLOWER.encode(id), "lines": lines });
    Err(Error::refuse_in_state(409, "statement_known", told, "Look at GET /api/v1/finance/lines.", state))
}

/// Those that an earlier statement brought.
pub(super) async fn known(conn: &mut PgConnection, lines: &[Line]) -> Result<BTreeSet<Subject>, sqlx::Error> {
    let rows: Vec<([u8; 17],)> = sqlx::query_as("select subject from statement_line where subject = any($1)")
        .bind(lines.iter().map(|line| line.subject.0).collect::<Vec<_>>())
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|(subject,)| Subject(subject)).collect())
}

type Columns = ([u8; 17], i64, String, i64, String, Vec<String>, String, String, bool, String, String, [u8; 17], i16);

macro_rules! lines {
    ($of:literal) => {
        concat!(
            "select subject, at, day::text, amount_paisa, reference, ids, counterparty, narration, reversal, state, why,
                bank, side from statement_line ",
            $of
        )
    };
}
const WAITING: &str =
    lines!("where bank = $1 and side = $2 and state <> 'matched' and why <> 'charge' order by day, subject");
const ONE: &str = lines!("where subject = $1");

fn line(columns: Columns) -> Option<(Line, String, Subject, Side)> {
    let (subject, at, day, amount, reference, ids, counterparty, narration, reversal, state, why, bank, side) = columns;
    let line = Line {
        subject: Subject(subject),
        at: u32::try_from(at).ok()?,
        date: day.parse().ok()?,
        amount: ledger::paisa(amount),
        reference,
        ids,
        counterparty,
        narration,
        reversal,
        is_booked: state == "booked",
    };
    let word = if why == "charge" { why } else { state };
    Some((line, word, Subject(bank), Side::of(side)?))
}

/// What earlier statements of the account left: credits on suspense, debits nobody explained.
pub(super) async fn waiting(conn: &mut PgConnection, bank: Subject, side: Side) -> Result<Vec<Line>, sqlx::Error> {
    let rows: Vec<Columns> = sqlx::query_as(WAITING).bind(bank.0).bind(side as i16).fetch_all(conn).await?;
    Ok(rows.into_iter().filter_map(line).map(|(line, ..)| line).collect())
}

/// A line that a person may explain.
pub(super) async fn one(conn: &mut PgConnection, subject: Subject) -> Result<(Line, Subject, Side), Error> {
    let row: Option<Columns> = sqlx::query_as(ONE).bind(subject.0).fetch_optional(conn).await?;
    match row.and_then(line) {
        None => {
            let next = "Copy the id from GET /api/v1/finance/lines.";
            Err(Error::refuse(404, "unknown_line", "No statement has this line.", next))
        }
        Some((_, word, ..)) if word == "matched" || word == "charge" => {
            let state = serde_json::json!({ "state": word });
            let told = "This line is explained already.";
            Err(Error::refuse_in_state(409, "line_matched", told, "Look at the line again.", state))
        }
        Some((line, _, bank, side)) => Ok((line, bank, side)),
    }
}

/// Keeps what a statement says of itself.
pub(super) async fn keep_statement(
    conn: &mut PgConnection,
    id: &[u8; 32],
    bank: Subject,
    side: Side,
    statement: &Statement,
    caller: Id16,
    now_ms: u64,
) -> Result<(), sqlx::Error> {
    let days = statement.lines.iter().map(|line| line.date);
    sqlx::query(
        "insert into statement (id, bank, side, format, account, number, first_day, last_day, opening_paisa,
            closing_paisa, lines, imported_by, imported_at_ms)
         values ($1, $2, $3, $4, $5, $6, $7::date, $8::date, $9, $10, $11, $12, $13)",
    )
    .bind(id)
    .bind(bank.0)
    .bind(side as i16)
    .bind(format!("{:?}", statement.format).to_lowercase())
    .bind(&statement.account)
    .bind(&statement.number)
    .bind(days.clone().min().map(|day| day.to_string()))
    .bind(days.max().map(|day| day.to_string()))
    .bind(statement.opening.map(Taka::paisa))
    .bind(statement.closing.map(Taka::paisa))
    .bind(signed(statement.lines.len() as u64))
    .bind(caller.0)
    .bind(signed(now_ms))
    .execute(conn)
    .await
    .map(drop)
}

/// Keeps the lines with what they came to; of those that waited only that.
pub(super) async fn keep(
    conn: &mut PgConnection,
    statement: &[u8; 32],
    bank: Subject,
    side: Side,
    lines: &[Line],
    plan: &Plan,
) -> Result<(), sqlx::Error> {
    // An array of arrays has to be even in Postgres: the things of a line travel as one text of hex.
    let things =
        |things: &[Subject]| things.iter().map(|thing| data_encoding::HEXLOWER.encode(&thing.0)).collect::<String>();
    sqlx::query(
        "insert into statement_line (subject, statement, bank, side, at, day, amount_paisa, reference, ids,
            counterparty, narration, reversal, state, why, things)
         select u.subject, $1, $2, $3, u.at, u.day::date, u.amount, u.reference,
            coalesce(string_to_array(nullif(u.ids, ''), E'\\x1f'), '{}'), u.counterparty, u.narration, u.reversal,
            u.state, u.why, coalesce((
                select array_agg(decode(substr(u.things, 34 * place + 1, 34), 'hex') order by place)
                from generate_series(0, length(u.things) / 34 - 1) as place), '{}')
         from unnest($4::bytea[], $5::bigint[], $6::text[], $7::bigint[], $8::text[], $9::text[], $10::text[],
                     $11::text[], $12::bool[], $13::text[], $14::text[], $15::text[])
              as u (subject, at, day, amount, reference, ids, counterparty, narration, reversal, state, why, things)
         on conflict (subject) do update set state = excluded.state, why = excluded.why, things = excluded.things",
    )
    .bind(statement)
    .bind(bank.0)
    .bind(side as i16)
    .bind(lines.iter().map(|line| line.subject.0).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| i64::from(line.at)).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.date.to_string()).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.amount.paisa()).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.reference.as_str()).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.ids.join("\u{1f}")).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.counterparty.as_str()).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.narration.as_str()).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.reversal).collect::<Vec<_>>())
    .bind(plan.rows.iter().map(|row| row.state.word()).collect::<Vec<_>>())
    .bind(plan.rows.iter().map(|row| row.why).collect::<Vec<_>>())
    .bind(plan.rows.iter().map(|row| things(&row.things)).collect::<Vec<_>>())
    .execute(conn)
    .await
    .map(drop)
}

/// Whether a credit was matched with this payout: the bank has brought it back once.
pub(super) async fn brings_back(conn: &mut PgConnection, payout: Subject) -> Result<bool, sqlx::Error> {
    let (is,): (bool,) = sqlx::query_as(
        "select exists (select 1 from statement_line
                        where state = 'matched' and amount_paisa > 0 and things @> array[$1::bytea])",
    )
    .bind(payout.0)
    .fetch_one(conn)
    .await?;
    Ok(is)
}

/// Sets what a person said of a line.
pub(super) async fn set(
    conn: &mut PgConnection,
    subject: Subject,
    state: State,
    why: &str,
    things: &[Subject],
) -> Result<(), sqlx::Error> {
    sqlx::query("update statement_line set state = $2, why = $3, things = $4 where subject = $1")
        .bind(subject.0)
        .bind(state.word())
        .bind(why)
        .bind(things.iter().map(|thing| thing.0).collect::<Vec<_>>())
        .execute(conn)
        .await
        .map(drop)
}
