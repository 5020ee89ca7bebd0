//! What was bought in one parcel: its lines and terms, what came back of it before, and what has become of its money.

use protocol::earning::{Returned, Terms};
use protocol::fact::{Fact, ParcelCreated, Reading, ReturnedPieces};
use protocol::id::{Id16, Subject};
use protocol::op::Op;
use protocol::taka::Taka;
use sqlx::PgConnection;

use super::Pieces;
use crate::ledger::paisa;
use crate::problem::Error;
use crate::store::unsigned;
use crate::tokens::{Caller, Role};

/// Numbers of the facts that are read here.
const PARCEL_CREATED: i32 = 0x1010;
const EARNING_OPENED: i32 = 0x1020;
const DISTRIBUTED: i32 = 0x1021;
const TERMS_FROZEN: i32 = 0x1024;
const RETURN_ACCEPTED: i32 = 0x1027;

/// How far the vendor's money is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// On 2010.
    Distributed,
    /// On 2020, and in no payout.
    Matured,
    /// In a payout.
    PaidOut,
}

pub(super) struct Bought {
    order: Subject,
    parcel: ParcelCreated,
    pub(super) earning: Subject,
    pub(super) terms: Terms,
    pub(super) customer: Subject,
    pub(super) returned: Returned,
    pub(super) state: State,
    /// What of the earning is on 2010, and on 2020.
    pub(super) held: Taka,
    pub(super) available: Taka,
    /// Until when the customer may ask; `None` while nothing was distributed.
    pub(super) window_closes_ms: Option<u64>,
    /// Whether the goods are with the customer, their money is settled, and nobody contests it.
    settled: bool,
}

impl Bought {
    /// A parcel of an order. A customer's token sees the orders that it placed.
    ///
    /// # Errors
    /// `unknown_order`, `unknown_parcel`.
    pub(super) async fn of(
        conn: &mut PgConnection,
        order: Subject,
        parcel: Subject,
        caller: Caller,
    ) -> Result<Self, Error> {
        let customer: Option<(Option<[u8; 16]>,)> = sqlx::query_as(
            "select o.customer from view_order o join order_request r on r.order_subject = o.subject
             where o.subject = $1 and ($2::bytea is null or r.token = $2)",
        )
        .bind(order.0)
        .bind((caller.role == Role::Customer).then_some(caller.id))
        .fetch_optional(&mut *conn)
        .await?;
        let Some((Some(customer),)) = customer else {
            let next = "Copy the id as POST /api/v1/orders gave it.";
            return Err(Error::refuse(404, "unknown_order", "There is no order of this id.", next));
        };
        let earning = Subject::earning_of(parcel);
        let facts = facts(conn, parcel, earning).await?;
        let created = facts.iter().find_map(|fact| match fact {
            Fact::ParcelCreated(created) if created.order == order => Some(created.clone()),
            _ => None,
        });
        let terms = facts.iter().find_map(|fact| match fact {
            Fact::TermsFrozen(terms) => Some(Terms::from(terms)),
            Fact::EarningOpened(terms) => Some(Terms::from(terms)),
            _ => None,
        });
        let (Some(created), Some(terms)) = (created, terms) else {
            let next = "Name a parcel of this order.";
            return Err(Error::refuse(404, "unknown_parcel", "There is no such parcel in this order.", next));
        };
        let mut returned = Returned::default();
        for fact in &facts {
            if let Fact::ReturnAccepted(one) = fact {
                returned.add(one);
            }
        }
        type Money = (String, i64, i64, bool, bool, Option<i64>);
        let money: Option<Money> = sqlx::query_as(
            "select e.state, e.held_paisa, e.available_paisa,
                p.settled and p.status in ('delivered', 'collected') and not (e.incomplete or e.newer),
                e.paid_paisa > 0,
                (select max(d.time_ms) from op d
                 where d.subject = e.subject and d.class_kind = $2 and d.apart is null) + e.window_min * 60000
             from view_earning e join view_parcel p on p.subject = e.parcel where e.subject = $1",
        )
        .bind(earning.0)
        .bind(DISTRIBUTED)
        .fetch_optional(conn)
        .await?;
        let (word, held, available, settled, paid_out, closes_ms) =
            money.unwrap_or((String::new(), 0, 0, false, false, None));
        let state = match (word.as_str(), paid_out) {
            ("distributed", _) => State::Distributed,
            (_, false) => State::Matured,
            (_, true) => State::PaidOut,
        };
        Ok(Self {
            order,
            parcel: created,
            earning,
            terms,
            customer: Subject::customer(Id16(customer)),
            returned,
            state,
            held: paisa(held),
            available: paisa(available),
            window_closes_ms: closes_ms.map(unsigned),
            settled: settled && matches!(word.as_str(), "distributed" | "matured"),
        })
    }

    /// Whether something of it may be given back: it is the customer's, paid and uncontested, and his bank has not taken the
    /// money back.
    ///
    /// # Errors
    /// `not_returnable`, `charged_back`.
    pub(super) async fn returnable(&self, conn: &mut PgConnection) -> Result<(), Error> {
        if !self.settled {
            let next = "Wait until it is delivered and paid, and nothing about it is contested; or call it off.";
            return Err(Error::refuse(409, "not_returnable", "This parcel is not settled.", next));
        }
        let (back,): (bool,) = sqlx::query_as(
            "select exists (select 1 from view_entry e
                where e.what in ('charged_back', 'charged_back_early') and $1 in (e.owner, e.other))
             or exists (select 1 from proposed_entry e where e.state = 'waiting'
                and e.what in ('charged_back', 'charged_back_early') and $1 in (e.owner, e.other))",
        )
        .bind(self.order.0)
        .fetch_one(conn)
        .await?;
        if back {
            let next = "Settle with the customer's bank first: whoever got his money there gets none here.";
            return Err(Error::refuse(409, "charged_back", "This order is charged back, all of it or in part.", next));
        }
        Ok(())
    }

    /// The lines that are asked for, with their prices.
    ///
    /// # Errors
    /// `bad_pieces`, `unknown_goods`, `more_than_bought`.
    pub(super) fn lines(&self, pieces: &[Pieces]) -> Result<Vec<ReturnedPieces>, Error> {
        let mut lines: Vec<ReturnedPieces> = Vec::new();
        for asked in pieces {
            let again = lines.iter().any(|line| line.sku == asked.sku);
            if asked.pieces == 0 || again {
                return Err(bad_pieces());
            }
            let of = self.parcel.lines.iter().filter(|line| line.sku == asked.sku);
            let (count, price) = of.fold((0_u32, None), |(count, price), line| {
                (count.saturating_add(line.qty), price.or(Some(line.unit_price)))
            });
            let unit_price = price.ok_or_else(|| not_there(&asked.sku))?;
            let left = count.saturating_sub(self.returned.pieces.get(&asked.sku).copied().unwrap_or_default());
            if u32::from(asked.pieces) > left {
                let told = format!("Of {} are {left} left to return, not {}.", asked.sku, asked.pieces);
                let state = serde_json::json!({ "left": left });
                let next = "Ask for as many as were bought and not returned before.";
                return Err(Error::refuse_in_state(409, "more_than_bought", told, next, state));
            }
            lines.push(ReturnedPieces { sku: asked.sku.clone(), asked: asked.pieces, counted: 0, unit_price });
        }
        if lines.is_empty() || lines.len() > protocol::fact::MAX_LINES { Err(bad_pieces()) } else { Ok(lines) }
    }
}

/// What central itself recorded of the parcel and its earning, in the order of the log.
async fn facts(conn: &mut PgConnection, parcel: Subject, earning: Subject) -> Result<Vec<Fact>, Error> {
    let rows: Vec<(i32, Vec<u8>)> = sqlx::query_as(
        "select class_kind, bytes from op
         where subject = any($1) and class_kind = any($2) and apart is null order by position",
    )
    .bind(vec![parcel.0, earning.0])
    .bind(vec![PARCEL_CREATED, EARNING_OPENED, TERMS_FROZEN, RETURN_ACCEPTED])
    .fetch_all(conn)
    .await?;
    let read = |(kind, bytes): (i32, Vec<u8>)| {
        let op = Op::decode(&bytes).ok()?;
        match Fact::read(u16::try_from(kind).ok()?, &op.payload) {
            Reading::Known(fact) => Some(fact),
            _ => None,
        }
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

pub(super) fn bad_pieces() -> Error {
    let next = "Give each article once, with how many of it, 1 to 65,535; at most 64 articles.";
    Error::refuse(422, "bad_pieces", "These pieces cannot be returned.", next)
}

pub(super) fn not_there(sku: &str) -> Error {
    let told = format!("The article {sku} is not among them.");
    let next = "Copy the articles from the order or the return.";
    Error::refuse(422, "unknown_goods", told, next)
}
