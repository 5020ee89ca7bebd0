//! Documents as screens show them: what is in use, what else was written at the same time, and who
//! changed what. Notes and addresses are personal: views of them are shown, never logged.

use protocol::document::{Claim, Document, Field, Revision, Value, detail, product};
use protocol::id::{Scope, Subject};
use protocol::seat::Role;
use serde::Serialize;

/// A value with who set it.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct ClaimView<T> {
    /// What; `null` when this version cannot read it.
    pub value: Option<T>,
    /// The fact that set it, hex.
    pub fact: String,
    /// The seat that did, hex.
    pub author: String,
    /// That seat's own scope.
    pub party: Scope,
    /// That seat's role.
    pub role: Role,
    /// The author's claim of the time, ms since 1970.
    pub at_ms: u64,
}

/// A field: the value in use, and those of edits that did not know of it.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct FieldView<T> {
    /// In use.
    pub used: ClaimView<T>,
    /// Kept beside it until somebody chooses: an edit that sets the field settles it.
    pub others: Vec<ClaimView<T>>,
}

/// A field that holds a text.
pub type TextView = FieldView<String>;
/// A price, paisa.
pub type PriceView = FieldView<i64>;

/// What one change did to one field.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct AlterationView {
    /// Which.
    pub field: String,
    /// What its author saw there, as text; a price in paisa.
    pub was: Vec<String>,
    /// What he set.
    pub now: String,
}

/// One change: who, when, what.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct RevisionView {
    /// The fact, hex.
    pub fact: String,
    /// The seat, hex.
    pub author: String,
    /// That seat's own scope.
    pub party: Scope,
    /// That seat's role.
    pub role: Role,
    /// The author's claim of the time, ms since 1970.
    pub at_ms: u64,
    /// What.
    pub alterations: Vec<AlterationView>,
}

/// A product.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct ProductView {
    /// Its id.
    pub product: Subject,
    /// Whose.
    pub vendor: Scope,
    /// The vendor's stock keeping unit.
    pub sku: String,
    /// English name.
    pub name_en: Option<TextView>,
    /// Bangla name.
    pub name_bn: Option<TextView>,
    /// What one piece is.
    pub unit: Option<TextView>,
    /// Price of one, paisa.
    pub price_paisa: Option<PriceView>,
    /// What else is said.
    pub description: Option<TextView>,
    /// Every change, the oldest first.
    pub history: Vec<RevisionView>,
    /// How many changes are kept and do not count.
    pub aside: u64,
    /// Something that was changed elsewhere waits for a choice.
    pub to_choose: bool,
}

/// A delivery note.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct NoteView {
    /// Whose.
    pub parcel: Subject,
    /// The text; `null` when nobody wrote one, or this device may not read it.
    pub text: Option<TextView>,
    /// Every change, the oldest first.
    pub history: Vec<RevisionView>,
}

/// A corrected address.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct AddressView {
    /// Whose.
    pub parcel: Subject,
    /// District.
    pub district: Option<TextView>,
    /// Upazila.
    pub upazila: Option<TextView>,
    /// House, road and area.
    pub line: Option<TextView>,
    /// What one sees on the way there.
    pub landmark: Option<TextView>,
    /// Every change, the oldest first.
    pub history: Vec<RevisionView>,
}

impl ProductView {
    pub(super) fn of(product: Subject, vendor: Scope, sku: String, document: &Document) -> Self {
        let price = document.field(product::PRICE).map(|field| field_view(&field, number));
        let view = Self {
            product,
            vendor,
            sku,
            name_en: texts(document, product::NAME_EN),
            name_bn: texts(document, product::NAME_BN),
            unit: texts(document, product::UNIT),
            price_paisa: price,
            description: texts(document, product::DESCRIPTION),
            history: history(document),
            aside: document.aside().len() as u64,
            to_choose: false,
        };
        let open = |field: &Option<TextView>| field.as_ref().is_some_and(|field| !field.others.is_empty());
        let to_choose = [&view.name_en, &view.name_bn, &view.unit, &view.description].into_iter().any(open)
            || view.price_paisa.as_ref().is_some_and(|field| !field.others.is_empty());
        Self { to_choose, ..view }
    }
}

impl NoteView {
    pub(super) fn of(parcel: Subject, document: &Document) -> Self {
        Self { parcel, text: texts(document, detail::TEXT), history: history(document) }
    }
}

impl AddressView {
    pub(super) fn of(parcel: Subject, document: &Document) -> Self {
        Self {
            parcel,
            district: texts(document, detail::DISTRICT),
            upazila: texts(document, detail::UPAZILA),
            line: texts(document, detail::LINE),
            landmark: texts(document, detail::LANDMARK),
            history: history(document),
        }
    }
}

fn texts(document: &Document, name: &str) -> Option<TextView> {
    document.field(name).map(|field| field_view(&field, |value| value.text().map(str::to_owned)))
}

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

fn field_view<T>(field: &Field, read: impl Fn(&Value) -> Option<T> + Copy) -> FieldView<T> {
    FieldView {
        used: claim_view(&field.used, read),
        others: field.others.iter().map(|claim| claim_view(claim, read)).collect(),
    }
}

fn claim_view<T>(claim: &Claim, read: impl Fn(&Value) -> Option<T>) -> ClaimView<T> {
    let by = &claim.by;
    ClaimView {
        value: read(&claim.value),
        fact: claim.op.to_string(),
        author: by.author.to_string(),
        party: by.party,
        role: by.role,
        at_ms: by.time_ms,
    }
}

fn history(document: &Document) -> Vec<RevisionView> {
    let shown = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Unreadable => String::new(),
    };
    let view = |revision: Revision| RevisionView {
        fact: revision.op.to_string(),
        author: revision.by.author.to_string(),
        party: revision.by.party,
        role: revision.by.role,
        at_ms: revision.by.time_ms,
        alterations: revision
            .alterations
            .into_iter()
            .map(|told| AlterationView {
                field: told.field,
                was: told.was.iter().map(shown).collect(),
                now: shown(&told.now),
            })
            .collect(),
    };
    document.history().into_iter().map(view).collect()
}
