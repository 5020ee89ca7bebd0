//! What a customer asks for, and its check: pure, before anything is looked up.

use std::collections::BTreeSet;

use protocol::id::Scope;
use protocol::sealed::Personal;
use protocol::taka::Taka;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::phone;
use crate::problem::Error;
use crate::schema;

/// Most lines of one order: one burst holds it, and a basket beyond it is a mistake.
pub const MAX_ITEMS: usize = 64;
/// Most vendors of one order: each is a parcel, and all their ops fit one burst.
pub const MAX_VENDORS: usize = 12;
/// Most pieces of one line: beyond it somebody leant on a key.
pub const MAX_QTY: i64 = 1_000;
/// Longest name, district, reference, stock keeping unit; characters.
const MAX_WORD: usize = 200;
/// Longest address line or note, characters: what a label takes.
const MAX_TEXT: usize = 500;

/// The body of `POST /api/v1/orders`.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "reference": "R-1",
    "customer": { "name": "রহিম উদ্দিন", "phone": "01712345678" },
    "address": { "district": "Dhaka", "upazila": "Savar", "line": "House 7, Road 3", "note": "blue gate" },
    "payment": "cod",
    "delivery": "door",
    "items": [{ "vendor": "meghna", "sku": "RICE", "qty": 1, "unit_price_paisa": 100_000 }],
}))]
pub struct OrderRequest {
    /// The caller's own number for it.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub reference: Option<String>,
    /// Who.
    pub customer: Customer,
    /// Where to.
    pub address: Address,
    /// `cod`, cash on delivery, or `prepaid`: nothing moves before finance recorded the payment.
    #[schema(example = "cod")]
    pub payment: String,
    /// `door`; the older spelling of `deliver_to`, which wins when both are given.
    #[serde(default = "door")]
    #[schema(example = "door")]
    pub delivery: String,
    /// Where the customer wants it; the door when it is left out.
    #[serde(default)]
    #[schema(value_type = Option<schema::DeliverTo>)]
    pub deliver_to: Option<DeliverTo>,
    /// What.
    #[schema(min_items = 1, max_items = 64)]
    pub items: Vec<Item>,
}

fn door() -> String {
    "door".to_owned()
}

/// Where the customer wants the goods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliverTo {
    /// At the address.
    Door,
    /// At this pickup point, as `GET /points` names it.
    Point(Scope),
}

/// Who ordered.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Customer {
    /// Name as given.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// A Bangladeshi mobile, in any spelling.
    #[schema(example = "01712345678")]
    pub phone: String,
}

/// Where to deliver.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// The district: it decides the courier hub.
    #[schema(min_length = 1, max_length = 200)]
    pub district: String,
    /// The upazila.
    #[schema(min_length = 1, max_length = 200)]
    pub upazila: String,
    /// House, road, quarter.
    #[schema(min_length = 1, max_length = 500)]
    pub line: String,
    /// Anything else for the door.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub note: Option<String>,
}

/// One line of goods.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The vendor's slug.
    #[schema(min_length = 1, max_length = 200)]
    pub vendor: String,
    /// Stock keeping unit.
    #[schema(min_length = 1, max_length = 200)]
    pub sku: String,
    /// Pieces, 1..=[`MAX_QTY`].
    #[schema(minimum = 1, maximum = 1_000)]
    pub qty: i64,
    /// The price the customer saw.
    #[schema(minimum = 1, maximum = 100_000_000_000_000i64)]
    pub unit_price_paisa: i64,
}

/// An order that is well formed.
pub struct Checked {
    /// The caller's own number for it.
    pub reference: Option<String>,
    /// What is sealed.
    pub personal: Personal,
    /// The district, in lower case.
    pub district: String,
    /// Paid ahead.
    pub prepaid: bool,
    /// The pickup point; none for the door.
    pub point: Option<Scope>,
    /// Its lines, with amounts in bounds.
    pub items: Vec<CheckedItem>,
}

/// A line that is well formed.
#[derive(Clone)]
pub struct CheckedItem {
    /// The vendor's slug.
    pub vendor: String,
    /// Stock keeping unit.
    pub sku: String,
    /// Pieces.
    pub qty: u32,
    /// The price the customer saw.
    pub unit_price: Taka,
}

impl OrderRequest {
    /// A fingerprint of what is asked: equal for equal orders, however the JSON was laid out.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        blake3::derive_key("getit order request 1", &serde_json::to_vec(self).unwrap_or_default())
    }

    /// Checks everything that needs no look-up.
    ///
    /// # Errors
    /// `not_yet_served`, `bad_text`, `bad_phone`, `no_items`, `too_many_items`, `too_many_vendors`,
    /// `bad_quantity`, `bad_price`.
    pub fn checked(&self) -> Result<Checked, Error> {
        let prepaid = match self.payment.as_str() {
            "cod" => false,
            "prepaid" => true,
            _ => {
                let next = "Send payment \"cod\" or \"prepaid\".";
                return Err(Error::refuse(422, "not_yet_served", "This way of paying is not served.", next));
            }
        };
        if self.delivery != "door" {
            let next = "Send deliver_to: \"door\", or {\"point\": \"S...\"}.";
            return Err(Error::refuse(422, "not_yet_served", "This way of delivery is not served.", next));
        }
        let point = match self.deliver_to {
            Some(DeliverTo::Point(point)) => Some(point),
            Some(DeliverTo::Door) | None => None,
        };
        let phone = phone::normalise(&self.customer.phone).ok_or_else(|| {
            let next = "Write it like 01712345678 or +8801712345678.";
            Error::refuse(422, "bad_phone", "The phone is not a Bangladeshi mobile number.", next)
        })?;
        let name = text("customer.name", &self.customer.name, 1, MAX_WORD)?;
        let district = text("address.district", &self.address.district, 1, MAX_WORD)?;
        let upazila = text("address.upazila", &self.address.upazila, 1, MAX_WORD)?;
        let line = text("address.line", &self.address.line, 1, MAX_TEXT)?;
        let note = text("address.note", self.address.note.as_deref().unwrap_or_default(), 0, MAX_TEXT)?;
        let reference = self.reference.as_deref().map(|own| text("reference", own, 0, MAX_WORD)).transpose()?;
        let personal = Personal { name, phone, address: format!("{line}, {upazila}, {district}"), note };
        let reference = reference.filter(|own| !own.is_empty());
        Ok(Checked {
            reference,
            personal,
            district: district.to_lowercase(),
            prepaid,
            point,
            items: self.checked_items()?,
        })
    }

    fn checked_items(&self) -> Result<Vec<CheckedItem>, Error> {
        if self.items.is_empty() {
            return Err(Error::refuse(422, "no_items", "The order holds no goods.", "Add at least one item."));
        }
        if self.items.len() > MAX_ITEMS {
            let told = format!("The order holds more than {MAX_ITEMS} lines.");
            return Err(Error::refuse(422, "too_many_items", told, "Split it into several orders."));
        }
        let vendors: BTreeSet<&str> = self.items.iter().map(|item| item.vendor.as_str()).collect();
        if vendors.len() > MAX_VENDORS {
            let told = format!("The order holds goods of more than {MAX_VENDORS} vendors.");
            return Err(Error::refuse(422, "too_many_vendors", told, "Split it into several orders."));
        }
        self.items.iter().enumerate().map(|(index, item)| checked_item(index, item)).collect()
    }
}

fn checked_item(index: usize, item: &Item) -> Result<CheckedItem, Error> {
    let vendor = text("items.vendor", &item.vendor, 1, MAX_WORD)?;
    let sku = text("items.sku", &item.sku, 1, MAX_WORD)?;
    let qty = u32::try_from(item.qty).ok().filter(|_| (1..=MAX_QTY).contains(&item.qty)).ok_or_else(|| {
        let told = format!("Item {}: the quantity is not from 1 to {MAX_QTY}.", index + 1);
        Error::refuse(422, "bad_quantity", told, "Correct the quantity, or split the order.")
    })?;
    let unit_price = Taka::from_paisa(item.unit_price_paisa).filter(|price| *price > Taka::ZERO).ok_or_else(|| {
        let told = format!("Item {}: the price is not an amount above zero.", index + 1);
        Error::refuse(422, "bad_price", told, "Send the price of one piece in paisa, as the offer shows it.")
    })?;
    Ok(CheckedItem { vendor, sku, qty, unit_price })
}

/// A text field, trimmed: `least..=most` characters, none of them a control character. The refusal
/// names the field, never its content.
fn text(field: &str, content: &str, least: usize, most: usize) -> Result<String, Error> {
    let content = content.trim();
    let length = content.chars().count();
    if length < least || length > most || content.chars().any(char::is_control) {
        let told = format!("The field {field} is empty, longer than {most} characters, or holds control characters.");
        return Err(Error::refuse(422, "bad_text", told, format!("Write {field} as one line of text.")));
    }
    Ok(content.to_owned())
}
