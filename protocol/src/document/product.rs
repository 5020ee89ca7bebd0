//! The product: what a vendor sells, as it edits it together with operations.

use super::{Claim, Document, Value};
use crate::refusal::Refusal;
use crate::seat::Role;
use crate::taka::Taka;

/// English name.
pub const NAME_EN: &str = "name_en";
/// Bangla name.
pub const NAME_BN: &str = "name_bn";
/// What one piece is.
pub const UNIT: &str = "unit";
/// Price of one, paisa.
pub const PRICE: &str = "price";
/// What else is to be said.
pub const DESCRIPTION: &str = "description";

/// Longest name, unit and sku, characters: what a label and a list have room for.
pub const MAX_NAME_CHARS: usize = 200;
/// Longest description, characters: a page of text, and far below the limit of an op.
pub const MAX_DESCRIPTION_CHARS: usize = 2_000;
/// Dearest piece: ten million taka. More is a slip of the finger.
pub const MAX_PRICE: Taka = Taka::whole(10_000_000);
/// The smallest coin that prices are made of, paisa.
const COIN: i64 = 50;

/// An edit: what is named is set, the rest stays. Setting a field that has several values settles it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProductEdit {
    /// English name.
    pub name_en: Option<String>,
    /// Bangla name.
    pub name_bn: Option<String>,
    /// What one piece is: `1 kg`, `box of 12`.
    pub unit: Option<String>,
    /// Price of one, paisa.
    pub price_paisa: Option<i64>,
    /// What else is to be said; may be empty.
    pub description: Option<String>,
}

impl ProductEdit {
    /// The fields to set.
    ///
    /// # Errors
    /// [`Refusal::BadPrice`], [`Refusal::TextTooLong`], [`Refusal::BadText`].
    pub fn fields(&self) -> Result<Vec<(&'static str, Value)>, Refusal> {
        let mut fields = Vec::new();
        for (name, text) in [(NAME_EN, &self.name_en), (NAME_BN, &self.name_bn), (UNIT, &self.unit)] {
            if let Some(text) = text {
                let text = plain(name, text, MAX_NAME_CHARS, false)?;
                if text.is_empty() {
                    return Err(Refusal::BadText { field: name });
                }
                fields.push((name, Value::Text(text)));
            }
        }
        if let Some(price) = self.price_paisa {
            if !is_price(price) {
                return Err(Refusal::BadPrice);
            }
            fields.push((PRICE, Value::Number(price)));
        }
        if let Some(text) = &self.description {
            fields.push((DESCRIPTION, Value::Text(plain(DESCRIPTION, text, MAX_DESCRIPTION_CHARS, true)?)));
        }
        Ok(fields)
    }
}

/// Whether a vendor may ask this price: whole or .50 taka, over 0.
#[must_use]
pub fn is_price(paisa: i64) -> bool {
    paisa > 0 && paisa % COIN == 0 && paisa <= MAX_PRICE.paisa()
}

/// A text without blanks at its ends, if it is short enough and plain.
pub(super) fn plain(field: &'static str, text: &str, max: usize, lines: bool) -> Result<String, Refusal> {
    let text = text.trim();
    if text.chars().count() > max {
        return Err(Refusal::TextTooLong { field, max });
    }
    if text.chars().any(|c| c.is_control() && !(lines && c == '\n')) {
        return Err(Refusal::BadText { field });
    }
    Ok(text.to_owned())
}

/// What is put on offer: only if every part of it can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sale {
    /// English name.
    pub name_en: String,
    /// Bangla name.
    pub name_bn: String,
    /// What one piece is.
    pub unit: String,
    /// Price of one.
    pub price: Taka,
}

/// Why a product cannot be offered as it stands: a stable code, and the claim that is to blame, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsellable {
    /// `bad_price` or `bad_text`.
    pub code: &'static str,
    /// The value in the way; none when there is none at all.
    pub claim: Option<Claim>,
}

/// The offer that the values in use come to.
///
/// # Errors
/// [`Unsellable`] names the first value in the way.
pub fn sale(document: &Document) -> Result<Sale, Unsellable> {
    let text = |name: &'static str| {
        let claim = document.field(name).map(|field| field.used);
        let text = claim.as_ref().and_then(|claim| claim.value.text()).filter(|text| !text.is_empty());
        match text.and_then(|text| plain(name, text, MAX_NAME_CHARS, false).ok()) {
            Some(text) => Ok(text),
            None => Err(Unsellable { code: "bad_text", claim }),
        }
    };
    let claim = document.field(PRICE).map(|field| field.used);
    // Operations may set an odd price, as imported lists have them; a vendor may not.
    let fits = |paisa: i64, role: Role| match role {
        Role::Central => paisa > 0 && paisa <= MAX_PRICE.paisa(),
        _ => is_price(paisa),
    };
    let price = claim.as_ref().and_then(|claim| match claim.value {
        Value::Number(paisa) if fits(paisa, claim.by.role) => Taka::from_paisa(paisa),
        _ => None,
    });
    let Some(price) = price else { return Err(Unsellable { code: "bad_price", claim }) };
    Ok(Sale { name_en: text(NAME_EN)?, name_bn: text(NAME_BN)?, unit: text(UNIT)?, price })
}
