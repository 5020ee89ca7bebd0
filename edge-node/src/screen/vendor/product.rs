//! Products: what is in use, what somebody else wrote, and what waits for a choice.

use protocol::document::product::ProductEdit;
use protocol::id::{Scope, Subject};
use protocol::seat::Role;
use serde::Serialize;
use ts_rs::TS;

use super::VendorAct;
use crate::document::{ClaimView, FieldView, MAX_PAGE, ProductView, RevisionView};
use crate::node::Node;
use crate::screen::refused::Refused;
use crate::screen::waiting::ActReceipt;
use crate::store::{Rows, StoreError};

/// Products that a search looks through: more than a small shop has.
const MOST_SEARCHED: usize = 2_000;
/// Products of one answer.
const MOST_PRODUCTS: usize = 100;
/// Changes that are told, the newest first.
const MOST_TOLD: usize = 50;

/// Who wrote something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ProductAuthor {
    /// This device.
    Here,
    /// Another device of the shop.
    OtherDevice,
    /// Operations.
    Operations,
}

/// A value with who set it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct ProductValue {
    /// As text; a price in paisa. `None` when this version cannot read it.
    pub value: Option<String>,
    /// Who.
    pub who: ProductAuthor,
    /// When.
    pub at_ms: u64,
}

/// A field of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct ProductField {
    /// `name_en`, `name_bn`, `unit`, `price`, `description`.
    pub field: String,
    /// In use.
    pub used: ProductValue,
    /// Written at the same time without knowing of it; kept until somebody chooses.
    pub others: Vec<ProductValue>,
}

/// What one change did to one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct ProductAlteration {
    /// The fact, hex: one change may alter several fields.
    pub fact: String,
    /// Which field.
    pub field: String,
    /// What its author saw there.
    pub was: Vec<String>,
    /// What he set.
    pub now: String,
    /// Who.
    pub who: ProductAuthor,
    /// When.
    pub at_ms: u64,
}

/// A product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct VendorProduct {
    /// Which.
    #[ts(type = "string")]
    pub product: Subject,
    /// The vendor's number of the goods.
    pub sku: String,
    /// Fields that were ever set.
    pub fields: Vec<ProductField>,
    /// What others changed, the newest first.
    pub told: Vec<ProductAlteration>,
    /// A field waits for a choice.
    pub to_choose: bool,
    /// Changes that are kept and do not count.
    pub aside: u64,
    /// The last edit of the shop.
    pub act: Option<VendorAct>,
}

/// Products of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct VendorProducts {
    /// Those that wait for a choice first, then by name.
    pub products: Vec<VendorProduct>,
    /// There are more than these: search.
    pub more: bool,
}

impl Node {
    /// Products of which a name or the sku holds every word of `find`; all when it is empty.
    ///
    /// # Errors
    /// The database.
    pub fn vendor_products(&self, find: &str) -> Result<VendorProducts, Refused> {
        let words: Vec<String> = find.split_whitespace().map(str::to_lowercase).collect();
        let (mut found, mut after, mut seen) = (Vec::new(), None, 0);
        loop {
            let page = self.products(after, MAX_PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.product);
            seen += page.len();
            found.extend(page.into_iter().filter(|view| holds(view, &words)));
            if seen >= MOST_SEARCHED {
                break;
            }
        }
        found.sort_by_cached_key(|view| (!view.to_choose, name_of(view).to_lowercase(), view.product));
        let more = found.len() > MOST_PRODUCTS || seen >= MOST_SEARCHED;
        found.truncate(MOST_PRODUCTS);
        let products = found.into_iter().map(|view| self.shown(view)).collect::<Result<_, StoreError>>()?;
        Ok(VendorProducts { products, more })
    }

    /// One product.
    ///
    /// # Errors
    /// `not_found`; the database.
    pub fn vendor_product(&self, product: Subject) -> Result<VendorProduct, Refused> {
        let missing = || Refused::of("not_found", "no such product is known here", "go back");
        let view = self.product(product)?.ok_or_else(missing)?;
        Ok(self.shown(view)?)
    }

    /// Records an edit of a product; a field that is named is settled.
    ///
    /// # Errors
    /// As [`Node::edit_product`].
    pub fn vendor_edit_product(
        &self,
        act: [u8; 16],
        product: Subject,
        edit: &ProductEdit,
    ) -> Result<ActReceipt, Refused> {
        Ok(ActReceipt::of(&self.edit_product(act, product, edit)?))
    }

    /// English and Bangla name of the own product of this sku, when it is held.
    pub(super) fn product_names(
        &self,
        rows: &Rows<'_>,
        sku: &str,
    ) -> Result<(Option<String>, Option<String>), StoreError> {
        let view = self.product_in(rows, Subject::product(self.seat().party, sku))?;
        let value = |field: Option<FieldView<String>>| field.and_then(|field| field.used.value);
        Ok(view.map(|view| (value(view.name_en), value(view.name_bn))).unwrap_or_default())
    }

    fn shown(&self, view: ProductView) -> Result<VendorProduct, StoreError> {
        let (own, party) = (self.author().to_string(), self.seat().party);
        let who = |author: &str, its: Scope, role: Role| match role {
            Role::Vendor if author == own => ProductAuthor::Here,
            Role::Vendor if its == party => ProductAuthor::OtherDevice,
            _ => ProductAuthor::Operations,
        };
        let text = |text: &String| text.clone();
        let number = |paisa: &i64| paisa.to_string();
        let mut fields = Vec::new();
        let named = [("name_en", &view.name_en), ("name_bn", &view.name_bn), ("unit", &view.unit)];
        for (name, field) in named.into_iter().chain([("description", &view.description)]) {
            fields.extend(field.as_ref().map(|field| field_of(name, field, text, who)));
        }
        fields.extend(view.price_paisa.as_ref().map(|field| field_of("price", field, number, who)));
        let act = self.store().read(|rows| rows.shop_edit(&view.product))?;
        let told = |revision: RevisionView| {
            let who = who(&revision.author, revision.party, revision.role);
            let told = move |told: crate::document::AlterationView| ProductAlteration {
                fact: revision.fact.clone(),
                field: told.field,
                was: told.was,
                now: told.now,
                who,
                at_ms: revision.at_ms,
            };
            revision.alterations.into_iter().map(told)
        };
        // The first revision entered the product: nothing was changed by it.
        let theirs =
            view.history.into_iter().skip(1).rev().flat_map(told).filter(|told| told.who != ProductAuthor::Here);
        Ok(VendorProduct {
            product: view.product,
            sku: view.sku,
            fields,
            told: theirs.take(MOST_TOLD).collect(),
            to_choose: view.to_choose,
            aside: view.aside,
            act: act.map(VendorAct::of),
        })
    }
}

fn field_of<T>(
    name: &str,
    field: &FieldView<T>,
    shown: impl Fn(&T) -> String + Copy,
    who: impl Fn(&str, Scope, Role) -> ProductAuthor + Copy,
) -> ProductField {
    let value = |claim: &ClaimView<T>| ProductValue {
        value: claim.value.as_ref().map(shown),
        who: who(&claim.author, claim.party, claim.role),
        at_ms: claim.at_ms,
    };
    ProductField { field: name.to_owned(), used: value(&field.used), others: field.others.iter().map(value).collect() }
}

fn name_of(view: &ProductView) -> &str {
    let name = view.name_en.as_ref().or(view.name_bn.as_ref()).and_then(|field| field.used.value.as_deref());
    name.unwrap_or(&view.sku)
}

fn holds(view: &ProductView, words: &[String]) -> bool {
    let names = [&view.name_en, &view.name_bn].into_iter().flatten().filter_map(|field| field.used.value.as_deref());
    let all = names.chain([view.sku.as_str()]).map(str::to_lowercase).collect::<Vec<_>>().join("\n");
    words.iter().all(|word| all.contains(word))
}
