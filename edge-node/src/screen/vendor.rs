//! The vendor's screens: orders to answer and to pack, products, and what is owed.

pub mod money;
pub mod product;

use protocol::fact::Fact;
use protocol::id::Subject;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::node::Node;
use crate::screen::refused::Refused;
use crate::store::{FrozenTerms, Place, Rows, ShopAct, ShopList, ShopRow, StoreError};

/// Most orders of one list.
const MOST_ORDERS: u32 = 500;
/// What was called off stays beside the orders to pack for this long: the goods go back on the shelf.
const CALLED_OFF_MS: u64 = 7 * 24 * 3_600_000;

/// Which orders a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum VendorList {
    /// To be answered.
    New,
    /// To be packed.
    ToPack,
    /// To be fetched.
    Ready,
    /// On the way back to the shop.
    ComingBack,
    /// All, the newest first.
    All,
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct VendorLine {
    /// The vendor's number of the goods.
    pub sku: String,
    /// English name, when the product is held here.
    pub name_en: Option<String>,
    /// Bangla name, when the product is held here.
    pub name_bn: Option<String>,
    /// How many.
    pub qty: i64,
    /// Price of one, paisa.
    pub unit_price_paisa: i64,
}

/// What the vendor gets, and how it comes to that; from the frozen terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
pub struct VendorTerms {
    /// Price of the goods, paisa.
    pub goods_paisa: i64,
    /// Commission, paisa.
    pub commission_paisa: i64,
    /// Fee for handling cash, paisa.
    pub cod_fee_paisa: i64,
    /// VAT on both, paisa.
    pub vat_paisa: i64,
    /// What is left, paisa.
    pub net_paisa: i64,
    /// Fee when it comes back, with its VAT, paisa.
    pub return_fee_paisa: i64,
    /// The customer paid ahead.
    pub prepaid: bool,
}

/// The last thing that the shop did with something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct VendorAct {
    /// The kind of the fact, such as `Accepted`.
    pub kind: String,
    /// When.
    pub at_ms: u64,
    /// Where the record is held.
    pub place: Place,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct VendorOrder {
    /// The parcel.
    #[ts(type = "string")]
    pub parcel: Subject,
    /// What stands on its label.
    pub label: String,
    /// What is in it.
    pub lines: Vec<VendorLine>,
    /// Word of the status.
    pub status: String,
    /// What the vendor gets; `None` until the terms are here.
    pub terms: Option<VendorTerms>,
    /// When it was placed.
    pub at_ms: u64,
    /// The last thing that the shop did with it.
    pub act: Option<VendorAct>,
    /// It was called off after the shop took it on: the goods go back on the shelf.
    pub restock: bool,
    /// Stable codes of what waits for a ruling.
    pub contests: Vec<String>,
}

/// A list of orders, and how many there are of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct VendorOrders {
    /// To be answered.
    pub new: u32,
    /// To be packed.
    pub to_pack: u32,
    /// To be fetched.
    pub ready: u32,
    /// On the way back.
    pub coming_back: u32,
    /// All.
    pub all: u32,
    /// Those of the list.
    pub orders: Vec<VendorOrder>,
    /// There are more than these.
    pub more: bool,
}

impl Node {
    /// A list of orders: what waits the longest first, of all the newest first.
    ///
    /// # Errors
    /// The database.
    pub fn vendor_orders(&self, list: VendorList, limit: u32) -> Result<VendorOrders, Refused> {
        let limit = limit.clamp(1, MOST_ORDERS);
        let quiet_ms = self.now_ms().saturating_sub(CALLED_OFF_MS);
        let orders = self.store().read(|rows| {
            let [new, to_pack, ready, coming_back, all] = rows.shop_counts()?;
            let mut found = rows.shop_orders(list.rows(), quiet_ms, limit + 1)?;
            let more = found.len() > limit as usize;
            found.truncate(limit as usize);
            let orders =
                found.into_iter().map(|row| self.vendor_order(rows, row)).collect::<Result<_, StoreError>>()?;
            Ok::<_, StoreError>(VendorOrders { new, to_pack, ready, coming_back, all, orders, more })
        })?;
        Ok(orders)
    }

    fn vendor_order(&self, rows: &Rows<'_>, row: ShopRow) -> Result<VendorOrder, StoreError> {
        let terms = rows.frozen_terms(&Subject::earning_of(row.parcel))?;
        let mut lines = Vec::new();
        for line in row.lines.as_array().map(Vec::as_slice).unwrap_or_default() {
            let sku = line["sku"].as_str().unwrap_or_default().to_owned();
            let (name_en, name_bn) = self.product_names(rows, &sku)?;
            let qty = line["qty"].as_i64().unwrap_or_default();
            let unit_price_paisa = line["unit_price_paisa"].as_i64().unwrap_or_default();
            lines.push(VendorLine { sku, name_en, name_bn, qty, unit_price_paisa });
        }
        let contests = row.contested.split(',').filter(|word| !word.is_empty());
        Ok(VendorOrder {
            parcel: row.parcel,
            label: row.parcel.label().to_string(),
            lines,
            restock: row.status == "cancelled" && (row.accepted || row.packed),
            status: row.status,
            terms: terms.as_ref().map(VendorTerms::of),
            at_ms: row.at_ms,
            act: rows.shop_act(&row.parcel)?.map(VendorAct::of),
            contests: contests.map(str::to_owned).collect(),
        })
    }
}

impl VendorList {
    const fn rows(self) -> ShopList {
        match self {
            Self::New => ShopList::New,
            Self::ToPack => ShopList::ToPack,
            Self::Ready => ShopList::Ready,
            Self::ComingBack => ShopList::ComingBack,
            Self::All => ShopList::All,
        }
    }
}

impl VendorTerms {
    pub(super) const fn of(terms: &FrozenTerms) -> Self {
        Self {
            goods_paisa: terms.goods,
            commission_paisa: terms.commission,
            cod_fee_paisa: terms.cod_fee,
            vat_paisa: terms.vat,
            net_paisa: terms.net(),
            return_fee_paisa: terms.return_fee,
            prepaid: terms.prepaid,
        }
    }
}

impl VendorAct {
    pub(super) fn of(act: ShopAct) -> Self {
        let name = Fact::KINDS.iter().find(|(number, ..)| *number == act.kind).map_or("Newer", |(_, name, _)| name);
        Self { kind: name.to_owned(), at_ms: act.at_ms, place: act.place }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::types::committed;

    #[test]
    fn the_types_of_the_screens_are_the_committed_ones() {
        committed::<VendorList>();
        committed::<VendorLine>();
        committed::<VendorTerms>();
        committed::<VendorAct>();
        committed::<VendorOrder>();
        committed::<VendorOrders>();
        committed::<money::HeldWhy>();
        committed::<money::VendorHeld>();
        committed::<money::VendorReturn>();
        committed::<money::VendorReturnLine>();
        committed::<money::VendorPayout>();
        committed::<money::VendorMoney>();
        committed::<money::PayoutLineOf>();
        committed::<money::PayoutParcel>();
        committed::<money::VendorPayoutDetail>();
        committed::<product::ProductAuthor>();
        committed::<product::ProductValue>();
        committed::<product::ProductField>();
        committed::<product::ProductAlteration>();
        committed::<product::VendorProduct>();
        committed::<product::VendorProducts>();
    }

    #[test]
    fn what_the_vendor_gets_is_the_goods_less_every_fee() {
        let parcel = Subject::new(protocol::id::Kind::Parcel, protocol::id::Id16([7; 16]));
        let terms = FrozenTerms {
            parcel,
            goods: 100_000,
            commission: 10_000,
            cod_fee: 1_000,
            vat: 1_650,
            return_fee: 6_900,
            window_min: Some(0),
            prepaid: false,
        };
        assert_eq!(VendorTerms::of(&terms).net_paisa, 87_350);
    }
}
