//! Schemas of values that every part of the API shares; the types themselves live in crates that do
//! not know HTTP.
#![allow(dead_code, reason = "only their schemas are used")]

use utoipa::ToSchema;

/// An id: a letter that says of what, 26 digits of Crockford's base 32, a check digit.
#[derive(ToSchema)]
#[schema(
    value_type = String,
    pattern = r"^[A-Z?][0-9A-HJKMNP-TV-Z]{26}[0-9A-HJKMNP-TV-Z*~$=U]$",
    example = "P01KASWBNZ0M6SC7N75YR3HGA9T2"
)]
pub(crate) struct Id(String);

/// An amount in paisa, 1/100 of a taka; at most 10^14 either way.
#[derive(ToSchema)]
#[schema(
    value_type = i64,
    minimum = -100_000_000_000_000i64,
    maximum = 100_000_000_000_000i64,
    example = 106_900
)]
pub(crate) struct Paisa(i64);

/// What a device is for.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum DeviceRole {
    /// A courier hub or a pickup point.
    Site,
    /// A delivery agent's phone.
    Agent,
    /// A vendor's computer or phone.
    Vendor,
}

/// Who carries money.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Provider {
    /// bKash.
    Bkash,
    /// Nagad.
    Nagad,
    /// Rocket.
    Rocket,
    /// A card.
    Card,
}

/// Where the customer wants the goods: `"door"`, or `{"point": "S..."}`.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum DeliverTo {
    /// At the address.
    Door,
    /// At this pickup point, as `GET /points` names it.
    Point(Id),
}

/// A field of a product: what is in use, and what else was written at the same time.
#[derive(ToSchema)]
pub(crate) struct ProductField {
    /// A text, or a price in paisa; null when it is neither.
    value: serde_json::Value,
    /// The fact that set it, hex.
    fact: String,
    /// The seat that set it, hex.
    author: String,
    /// Its role.
    role: String,
    /// When, by its own clock, ms since 1970.
    at_ms: u64,
    /// Kept beside it until the vendor chooses.
    others: Vec<ProductValue>,
}

/// A value with who set it.
#[derive(ToSchema)]
pub(crate) struct ProductValue {
    /// A text, or a price in paisa; null when it is neither.
    value: serde_json::Value,
    /// The fact that set it, hex.
    fact: String,
    /// The seat that set it, hex.
    author: String,
    /// Its role.
    role: String,
    /// When, by its own clock, ms since 1970.
    at_ms: u64,
}
