//! Rows behind a vendor's screens: orders by what has to be done, own acts on them, the frozen terms,
//! what is held and for which parcel, and payouts.

use protocol::account::Code;
use protocol::fact::{Fact, PayoutCreated, PayoutWithFee, Reading, ReturnAccepted};
use protocol::id::{Kind, Scope, Subject};
use protocol::op::Op;
use protocol::taka::Taka;
use rusqlite::{OptionalExtension, Row, params};

use super::agent::place_of;
use super::{Place, Rows, StoreError, signed, unsigned};

/// Facts that a vendor authors on a parcel: class 2, below the documents.
const VENDOR_KINDS: (u16, u16) = (0x2001, 0x200f);
const ACCEPTED: u16 = 0x2001;
const PACKED: u16 = 0x2003;
const PARCEL_CANCELLED: u16 = 0x1011;
const RETURN_ACCEPTED: u16 = 0x1027;

/// An order of the own shop, as its list needs it.
#[derive(Clone, Debug)]
pub struct ShopRow {
    /// The parcel.
    pub parcel: Subject,
    /// Its order.
    pub order: Option<Subject>,
    /// `[{sku, qty, unit_price_paisa}]`.
    pub lines: serde_json::Value,
    /// Word of the status.
    pub status: String,
    /// Stable codes of what waits for a ruling, parted by commas.
    pub contested: String,
    /// When its first fact claims to be of, ms.
    pub at_ms: u64,
    /// It was accepted here or on another device of the shop.
    pub accepted: bool,
    /// It was packed.
    pub packed: bool,
    /// When it was called off, ms.
    pub cancelled_ms: Option<u64>,
}

/// Goods of the shop that a customer brought back.
#[derive(Clone, Debug)]
pub struct ReturnRow {
    /// Of which parcel.
    pub parcel: Option<Subject>,
    /// When they were taken, ms.
    pub at_ms: u64,
    /// What central decided.
    pub accepted: ReturnAccepted,
}

/// The last thing that the shop did with a parcel.
#[derive(Clone, Copy, Debug)]
pub struct ShopAct {
    /// Number of the kind.
    pub kind: u16,
    /// The claimed time, ms.
    pub at_ms: u64,
    /// Where it is held; what another device of the shop did came through central.
    pub place: Place,
}

/// The terms of a parcel, whichever kind of fact froze them; paisa.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrozenTerms {
    /// The parcel.
    pub parcel: Subject,
    /// Price of the goods.
    pub goods: i64,
    /// Commission.
    pub commission: i64,
    /// Fee for handling cash.
    pub cod_fee: i64,
    /// VAT on both.
    pub vat: i64,
    /// Fee when it comes back, with its VAT.
    pub return_fee: i64,
    /// Return window after the delivery, minutes; `None` when the terms have none.
    pub window_min: Option<u32>,
    /// Paid ahead.
    pub prepaid: bool,
}

impl FrozenTerms {
    /// What the vendor gets.
    #[must_use]
    pub const fn net(&self) -> i64 {
        self.goods - self.commission - self.cod_fee - self.vat
    }
}

/// Money of one parcel that the vendor earned and may not have yet.
#[derive(Clone, Debug)]
pub struct HeldRow {
    /// The earning.
    pub earning: Subject,
    /// The parcel.
    pub parcel: Option<Subject>,
    /// How much, paisa.
    pub paisa: i64,
    /// Something of it waits for a ruling.
    pub contested: bool,
    /// When the parcel was delivered, ms.
    pub delivered_ms: Option<u64>,
}

/// A payout as its facts say it.
#[derive(Clone, Debug)]
pub struct PayoutRow {
    /// Which.
    pub payout: Subject,
    /// Its lines, and what it costs; nothing, when nobody bears that.
    pub created: PayoutWithFee,
    /// When it was made, ms.
    pub at_ms: u64,
    /// When the bank sent it, and the bank's reference.
    pub sent: Option<(u64, String)>,
    /// When the bank sent it back, and why: see [`protocol::fact::ReturnReason`].
    pub returned: Option<(u64, u8)>,
}

/// What was charged to an earning, and taken back of it, beside what was earned: a line of a payout may be any of it.
#[derive(Clone, Debug, Default)]
pub struct Charged {
    /// Fees of returns: what each takes of what the vendor may have.
    pub fees: Vec<Taka>,
    /// Of those that were none after all: what goes back into it.
    pub fees_back: Vec<Taka>,
    /// What was earned was taken back after it was paid out.
    pub earned_back: bool,
}

/// What a list of orders is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShopList {
    /// To be answered.
    New,
    /// To be packed, and those that were called off since they were accepted.
    ToPack,
    /// To be fetched, and those that were called off since they were packed.
    Ready,
    /// On the way back to the shop.
    ComingBack,
    /// All.
    All,
}

impl ShopList {
    const fn filter(self) -> &'static str {
        match self {
            Self::New => "status = 'placed'",
            Self::ToPack => {
                "(status = 'accepted' OR (status = 'cancelled' AND accepted AND NOT packed AND cancelled_ms > ?2))"
            }
            Self::Ready => "(status = 'packed' OR (status = 'cancelled' AND packed AND cancelled_ms > ?2))",
            Self::ComingBack => "status = 'return_initiated'",
            Self::All => "?2 >= 0",
        }
    }
}

const SHOP_COLUMNS: &str = "SELECT p.subject, p.order_id, p.lines, p.status, p.contested,
    coalesce((SELECT min(time_ms) FROM op WHERE op.subject = p.subject), 0) AS at_ms,
    EXISTS (SELECT 1 FROM op WHERE op.subject = p.subject AND class_kind = ?4 AND apart IS NULL) AS accepted,
    EXISTS (SELECT 1 FROM op WHERE op.subject = p.subject AND class_kind = ?5 AND apart IS NULL) AS packed,
    (SELECT max(time_ms) FROM op WHERE op.subject = p.subject AND class_kind = ?6 AND apart IS NULL) AS cancelled_ms
    FROM view_parcel p WHERE p.vendor = ?1";

impl Rows<'_> {
    /// Orders of the shop: those that wait the longest first, of all the newest first. What was called off
    /// at or before `quiet_ms` is only among all of them.
    ///
    /// # Errors
    /// The database.
    pub fn shop_orders(&self, list: ShopList, quiet_ms: u64, limit: u32) -> Result<Vec<ShopRow>, StoreError> {
        let order = if list == ShopList::All { "at_ms DESC" } else { "at_ms" };
        let filter = list.filter();
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT * FROM ({SHOP_COLUMNS}) WHERE {filter} AND ?2 >= 0 ORDER BY {order}, subject LIMIT ?3"
        ))?;
        let read = |row: &Row<'_>| {
            Ok(ShopRow {
                parcel: Subject(row.get(0)?),
                order: row.get::<_, Option<[u8; 17]>>(1)?.map(Subject),
                lines: serde_json::from_str(&row.get::<_, String>(2)?).unwrap_or_default(),
                status: row.get(3)?,
                contested: row.get(4)?,
                at_ms: unsigned(row.get(5)?),
                accepted: row.get(6)?,
                packed: row.get(7)?,
                cancelled_ms: row.get::<_, Option<i64>>(8)?.map(unsigned),
            })
        };
        let party = self.store.seat.party.0;
        let rows =
            statement.query_map(params![party, signed(quiet_ms), limit, ACCEPTED, PACKED, PARCEL_CANCELLED], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many orders are new, to be packed, ready, on the way back, and in all.
    ///
    /// # Errors
    /// The database.
    pub fn shop_counts(&self) -> Result<[u32; 5], StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT count(*) FILTER (WHERE status = 'placed'), count(*) FILTER (WHERE status = 'accepted'),
             count(*) FILTER (WHERE status = 'packed'), count(*) FILTER (WHERE status = 'return_initiated'), count(*)
             FROM view_parcel WHERE vendor = ?1",
        )?;
        let read = |row: &Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]);
        Ok(statement.query_row(params![self.store.seat.party.0], read)?)
    }

    /// The last thing that the shop did with a parcel.
    ///
    /// # Errors
    /// The database.
    pub fn shop_act(&self, parcel: &Subject) -> Result<Option<ShopAct>, StoreError> {
        let (first, last) = VENDOR_KINDS;
        self.last_act(parcel, first, last)
    }

    /// The last edit of a product by the shop.
    ///
    /// # Errors
    /// The database.
    pub fn shop_edit(&self, product: &Subject) -> Result<Option<ShopAct>, StoreError> {
        self.last_act(product, 0x2010, 0x2010)
    }

    fn last_act(&self, subject: &Subject, first: u16, last: u16) -> Result<Option<ShopAct>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT class_kind, time_ms, op.author <> ?2 OR coalesce(op.seq <= max(safe.upto, safe.held_upto), 0),
                    op.author <> ?2 OR coalesce(op.seq <= min(safe.upto, safe.equal_upto), 0)
             FROM op LEFT JOIN safe ON safe.author = op.author AND safe.inc = op.inc
             WHERE subject = ?1 AND class_kind BETWEEN ?3 AND ?4 AND apart IS NULL ORDER BY n DESC LIMIT 1",
        )?;
        let read =
            |row: &Row<'_>| Ok(ShopAct { kind: row.get(0)?, at_ms: unsigned(row.get(1)?), place: place_of(row, 2)? });
        Ok(statement.query_row(params![subject.0, self.store.author.0, first, last], read).optional()?)
    }

    /// The terms that were frozen for an earning, if they are held.
    ///
    /// # Errors
    /// The database.
    pub fn frozen_terms(&self, earning: &Subject) -> Result<Option<FrozenTerms>, StoreError> {
        let facts = self.facts_of(earning)?;
        Ok(facts.into_iter().find_map(|(_, fact)| match fact {
            Fact::EarningOpened(terms) => Some(FrozenTerms {
                parcel: terms.parcel,
                goods: terms.goods.paisa(),
                commission: terms.commission.paisa(),
                cod_fee: terms.cod_fee.paisa(),
                vat: terms.vendor_vat.paisa(),
                return_fee: terms.rto_fee.plus(terms.rto_vat).paisa(),
                window_min: None,
                prepaid: false,
            }),
            Fact::TermsFrozen(terms) => Some(FrozenTerms {
                parcel: terms.parcel,
                goods: terms.goods.paisa(),
                commission: terms.commission.paisa(),
                // Nobody handles cash for what was paid ahead.
                cod_fee: if terms.prepaid { 0 } else { terms.cod_fee.paisa() },
                vat: terms.vendor_vat.paisa(),
                return_fee: terms.rto_fee.plus(terms.rto_vat).paisa(),
                window_min: Some(terms.window_min),
                prepaid: terms.prepaid,
            }),
            _ => None,
        }))
    }

    /// What the local books hold back for the shop, parcel by parcel; only what is not zero.
    ///
    /// # Errors
    /// The database.
    pub fn held_by_parcel(&self) -> Result<Vec<HeldRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT l.subject, e.parcel, -sum(l.amount_paisa), coalesce(e.held > 0 OR p.contested <> '', 0),
                    (SELECT time_ms FROM op WHERE op.id = e.distributed_for)
             FROM local_ledger l LEFT JOIN view_earning e ON e.subject = l.subject
             LEFT JOIN view_parcel p ON p.subject = e.parcel
             WHERE l.account_code = ?1 AND l.owner = ?2
             GROUP BY l.subject HAVING sum(l.amount_paisa) <> 0 ORDER BY l.subject",
        )?;
        let read = |row: &Row<'_>| {
            Ok(HeldRow {
                earning: Subject(row.get(0)?),
                parcel: row.get::<_, Option<[u8; 17]>>(1)?.map(Subject),
                paisa: row.get(2)?,
                contested: row.get(3)?,
                delivered_ms: row.get::<_, Option<i64>>(4)?.map(unsigned),
            })
        };
        let rows = statement.query_map(params![Code::VendorHeld as u16, self.store.seat.party.0], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Payouts of the shop, the newest first.
    ///
    /// # Errors
    /// The database.
    pub fn payouts_of(&self, vendor: Scope) -> Result<Vec<PayoutRow>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT DISTINCT subject FROM op WHERE subject >= ?1 AND subject < ?2")?;
        let bounds = params![[Kind::Payout as u8], [Kind::Payout as u8 + 1]];
        let subjects = statement.query_map(bounds, |row| row.get(0).map(Subject))?;
        let mut payouts = Vec::new();
        for payout in subjects {
            let payout = payout?;
            payouts.extend(self.payout_of(vendor, payout)?);
        }
        payouts.sort_by_key(|payout| (std::cmp::Reverse(payout.at_ms), payout.payout));
        Ok(payouts)
    }

    /// One payout, if it is the shop's.
    ///
    /// # Errors
    /// The database.
    pub fn payout_of(&self, vendor: Scope, payout: Subject) -> Result<Option<PayoutRow>, StoreError> {
        let (mut made, mut sent, mut returned) = (None, None, None);
        for (at_ms, fact) in self.facts_of(&payout)? {
            match fact {
                Fact::PayoutCreated(PayoutCreated { vendor: of, lines, total }) if made.is_none() && of == vendor => {
                    let (fee, vat) = (Taka::ZERO, Taka::ZERO);
                    made = Some((PayoutWithFee { vendor, lines, fee, vat, total }, at_ms));
                }
                Fact::PayoutWithFee(created) if made.is_none() && created.vendor == vendor => {
                    made = Some((created, at_ms));
                }
                Fact::PayoutConfirmed(confirmed) if sent.is_none() => sent = Some((at_ms, confirmed.reference)),
                Fact::PayoutReturned(back) if returned.is_none() => returned = Some((at_ms, back.reason)),
                _ => {}
            }
        }
        Ok(made.map(|(created, at_ms)| PayoutRow { payout, created, at_ms, sent, returned }))
    }

    /// Returns of the shop's goods, the newest first.
    ///
    /// # Errors
    /// The database.
    pub fn returns(&self) -> Result<Vec<ReturnRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT DISTINCT subject FROM op WHERE subject >= ?1 AND subject < ?2 AND class_kind = ?3",
        )?;
        let bounds = params![[Kind::Earning as u8], [Kind::Earning as u8 + 1], RETURN_ACCEPTED];
        let subjects = statement.query_map(bounds, |row| row.get(0).map(Subject))?;
        let mut returns = Vec::new();
        for earning in subjects {
            let earning = earning?;
            let parcel = self.frozen_terms(&earning)?.map(|terms| terms.parcel);
            let of = self.returns_of(&earning)?.into_iter();
            returns.extend(of.map(|(at_ms, accepted)| ReturnRow { parcel, at_ms, accepted }));
        }
        returns.sort_by_key(|row| (std::cmp::Reverse(row.at_ms), row.accepted.ret));
        Ok(returns)
    }

    /// Returns of one earning.
    ///
    /// # Errors
    /// The database.
    pub fn returns_of(&self, earning: &Subject) -> Result<Vec<(u64, ReturnAccepted)>, StoreError> {
        let accepted = |(at_ms, fact)| match fact {
            Fact::ReturnAccepted(accepted) => Some((at_ms, accepted)),
            _ => None,
        };
        Ok(self.facts_of(earning)?.into_iter().filter_map(accepted).collect())
    }

    /// What was charged to an earning and taken back of it.
    ///
    /// # Errors
    /// The database.
    pub fn charged_to(&self, earning: &Subject) -> Result<Charged, StoreError> {
        let facts = self.facts_of(earning)?;
        let charge = |cause| {
            facts.iter().find_map(|(_, fact)| match fact {
                Fact::RtoCharged(charge) if charge.cause == cause => Some(charge.available),
                _ => None,
            })
        };
        let mut charged = Charged::default();
        for (_, fact) in &facts {
            match fact {
                Fact::RtoCharged(fee) => charged.fees.push(fee.available),
                Fact::ChargeReversed(of) => {
                    charged.fees_back.extend(charge(of.cause).map(|taken| taken.plus(of.receivable)));
                }
                Fact::EarningClawedBack(_) => charged.earned_back = true,
                _ => {}
            }
        }
        Ok(charged)
    }

    /// When the latest fact of somebody else claims to be of, ms: how far this device has heard.
    ///
    /// # Errors
    /// The database.
    pub fn last_heard_ms(&self) -> Result<Option<u64>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT max(time_ms) FROM (SELECT time_ms FROM op WHERE author <> ?1 ORDER BY n DESC LIMIT 100)",
        )?;
        let at: Option<i64> = statement.query_row(params![self.store.author.0], |row| row.get(0))?;
        Ok(at.map(unsigned))
    }

    /// The facts of a subject that count and that this version knows, with their claimed times.
    fn facts_of(&self, subject: &Subject) -> Result<Vec<(u64, Fact)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT class_kind, bytes, time_ms FROM op WHERE subject = ?1 AND apart IS NULL ORDER BY n",
        )?;
        let read = |row: &Row<'_>| Ok((row.get::<_, u16>(0)?, row.get::<_, Vec<u8>>(1)?, unsigned(row.get(2)?)));
        let mut facts = Vec::new();
        for row in statement.query_map(params![subject.0], read)? {
            let (kind, bytes, at_ms) = row?;
            let op = Op::decode(&bytes).map_err(|_| StoreError::Damaged("op"))?;
            if let Reading::Known(fact) = Fact::read(kind, &op.payload) {
                facts.push((at_ms, fact));
            }
        }
        Ok(facts)
    }
}
