//! Documents on this device: products, delivery notes, corrected addresses. They are loaded when a
//! person looks or edits, never while syncing; the last ones stay warm.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use protocol::decide::Draft;
use protocol::document::detail::{self, AddressEdit};
pub use protocol::document::product::ProductEdit;
use protocol::document::{Document, EditError, Value};
use protocol::fact::{DetailChange, Fact, MAX_TEXT, ProductChange};
use protocol::id::{Scope, Subject};
use protocol::refusal::Refusal;
use protocol::sealed;
use protocol::seat::Role;
use protocol::stamp::Stamp;

use crate::node::{Node, NodeError};
use crate::receipt::Receipt;
use crate::record::RecordError;
use crate::store::{DocumentVersion, OwnPlace, Rows, StoreError};

mod view;

pub use view::{
    AddressView, AlterationView, ClaimView, FieldView, NoteView, PriceView, ProductView, RevisionView, TextView,
};

/// Documents that stay loaded: what a person has open, and the ones around it.
const WARM: usize = 32;
/// Most products of one page.
pub const MAX_PAGE: u32 = 100;

/// The last documents that were looked at, and how many were loaded since the start.
#[derive(Default)]
pub(crate) struct Loaded {
    warm: Mutex<VecDeque<Warm>>,
    loads: AtomicU64,
}

struct Warm {
    subject: Subject,
    /// Of its rows, and whether they could be opened.
    version: (DocumentVersion, bool),
    document: Arc<Document>,
}

impl Loaded {
    /// The document as its rows are now; `parcel` is whose key opens it.
    fn get(&self, rows: &Rows<'_>, subject: &Subject, parcel: Option<&Subject>) -> Result<Arc<Document>, StoreError> {
        let opens = match parcel {
            Some(parcel) => rows.key_of(parcel)?.is_some(),
            None => true,
        };
        let version = (rows.document_version(subject)?, opens);
        {
            let mut warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = warm.iter().position(|one| one.subject == *subject && one.version == version) {
                if let Some(one) = warm.remove(at) {
                    let document = Arc::clone(&one.document);
                    warm.push_front(one);
                    return Ok(document);
                }
            }
        }
        self.loads.fetch_add(1, Ordering::Relaxed);
        let document = Arc::new(Document::of(rows.document_changes(subject, parcel)?));
        let mut warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner);
        warm.retain(|one| one.subject != *subject);
        warm.push_front(Warm { subject: *subject, version, document: Arc::clone(&document) });
        warm.truncate(WARM);
        Ok(document)
    }
}

impl Node {
    /// How many documents were loaded since the start: what a sync must not do.
    #[must_use]
    pub fn documents_loaded(&self) -> u64 {
        self.documents.loads.load(Ordering::Relaxed)
    }

    /// A product that is held here.
    ///
    /// # Errors
    /// The database.
    pub fn product(&self, subject: Subject) -> Result<Option<ProductView>, NodeError> {
        Ok(self.store.read(|rows| self.product_in(rows, subject))?)
    }

    /// Products in order of id, after `after`, at most [`MAX_PAGE`].
    ///
    /// # Errors
    /// The database.
    pub fn products(&self, after: Option<Subject>, limit: u32) -> Result<Vec<ProductView>, NodeError> {
        let views = self.store.read(|rows| {
            let subjects = rows.product_subjects(after, limit.min(MAX_PAGE))?;
            let views = subjects.into_iter().map(|subject| self.product_in(rows, subject));
            views.collect::<Result<Vec<_>, StoreError>>()
        })?;
        Ok(views.into_iter().flatten().collect())
    }

    pub(crate) fn product_in(&self, rows: &Rows<'_>, subject: Subject) -> Result<Option<ProductView>, StoreError> {
        let Some((vendor, sku)) = rows.product_of(&subject)? else { return Ok(None) };
        let document = self.documents.get(rows, &subject, None)?;
        Ok(Some(ProductView::of(subject, vendor, sku, &document)))
    }

    /// Records an edit of a product that is held here. The same act again gives the first receipt.
    ///
    /// # Errors
    /// [`RecordError::Refusal`]: `bad_price`, `text_too_long`, `bad_text`, `nothing_changed`,
    /// `foreign_product`, `unknown_subject`, `document_full`, `document_disputed`, `wrong_role`.
    pub fn edit_product(&self, act: [u8; 16], subject: Subject, edit: &ProductEdit) -> Result<Receipt, RecordError> {
        self.record_drafts(act, |rows, own, _| {
            let (vendor, sku) = rows.product_of(&subject)?.ok_or(Refusal::Unknown(subject))?;
            self.product_drafts(rows, own, (vendor, sku), edit)
        })
    }

    /// Records a new product of the own vendor, or edits the one that has this sku.
    ///
    /// # Errors
    /// As [`Node::edit_product`].
    pub fn new_product(&self, act: [u8; 16], sku: &str, edit: &ProductEdit) -> Result<Receipt, RecordError> {
        let sku = sku.trim();
        if sku.is_empty() || sku.len() > MAX_TEXT || sku.chars().any(char::is_control) {
            return Err(Refusal::BadText { field: "sku" }.into());
        }
        let party = self.seat().party;
        self.record_drafts(act, |rows, own, _| self.product_drafts(rows, own, (party, sku.to_owned()), edit))
    }

    fn product_drafts(
        &self,
        rows: &Rows<'_>,
        own: &OwnPlace,
        (vendor, sku): (Scope, String),
        edit: &ProductEdit,
    ) -> Result<Vec<Draft>, RecordError> {
        let subject = Subject::product(vendor, &sku);
        if self.seat().role() != Role::Vendor {
            return Err(Refusal::WrongRole(Role::Vendor.word()).into());
        }
        if self.seat().party != vendor {
            return Err(Refusal::ForeignProduct(subject).into());
        }
        let document = self.documents.get(rows, &subject, None)?;
        let change = changed(&document, subject, own, &edit.fields()?)?;
        Ok(vec![Draft { subject, fact: Fact::ProductChanged(ProductChange { vendor, sku, change }) }])
    }

    /// What is to be known at the door of a parcel.
    ///
    /// # Errors
    /// The database.
    pub fn note(&self, parcel: Subject) -> Result<NoteView, NodeError> {
        let document = self.detail(parcel, Subject::note_of(parcel))?;
        Ok(NoteView::of(parcel, &document))
    }

    /// Records the delivery note of a parcel whose details this device may read.
    ///
    /// # Errors
    /// [`RecordError::Refusal`]: `no_key`, `text_too_long`, `bad_text`, `nothing_changed`, `wrong_role`,
    /// `document_full`, `document_disputed`.
    pub fn edit_note(&self, act: [u8; 16], parcel: Subject, text: &str) -> Result<Receipt, RecordError> {
        let fields = detail::note(text)?;
        self.edit_detail(act, parcel, Subject::note_of(parcel), &fields)
    }

    /// The corrected address of a parcel.
    ///
    /// # Errors
    /// The database.
    pub fn address(&self, parcel: Subject) -> Result<AddressView, NodeError> {
        let document = self.detail(parcel, Subject::address_of(parcel))?;
        Ok(AddressView::of(parcel, &document))
    }

    /// Records a correction of the address of a parcel whose details this device may read.
    ///
    /// # Errors
    /// As [`Node::edit_note`].
    pub fn edit_address(&self, act: [u8; 16], parcel: Subject, edit: &AddressEdit) -> Result<Receipt, RecordError> {
        let fields = edit.fields()?;
        self.edit_detail(act, parcel, Subject::address_of(parcel), &fields)
    }

    fn detail(&self, parcel: Subject, subject: Subject) -> Result<Arc<Document>, NodeError> {
        Ok(self.store.read(|rows| self.documents.get(rows, &subject, Some(&parcel)))?)
    }

    fn edit_detail(
        &self,
        act: [u8; 16],
        parcel: Subject,
        subject: Subject,
        fields: &[(&str, Value)],
    ) -> Result<Receipt, RecordError> {
        self.record_drafts(act, |rows, own, stamp: &Stamp| {
            let sealing: fn(DetailChange) -> Fact = match self.seat().role() {
                Role::Site => Fact::SiteDetailChanged,
                Role::Agent => Fact::AgentDetailChanged,
                _ => return Err(Refusal::WrongRole(Role::Agent.word()).into()),
            };
            let key = rows.key_of(&parcel)?.ok_or(Refusal::NoKey(parcel))?;
            let document = self.documents.get(rows, &subject, Some(&parcel))?;
            let change = changed(&document, subject, own, fields)?;
            let empty = sealing(DetailChange { parcel, sealed: Vec::new() });
            let sealed = sealed::seal_bytes(&key, &stamp.nonce(0), &subject, empty.class_kind(), &change);
            Ok(vec![Draft { subject, fact: sealing(DetailChange { parcel, sealed }) }])
        })
    }
}

fn changed(
    document: &Document,
    subject: Subject,
    own: &OwnPlace,
    fields: &[(&str, Value)],
) -> Result<Vec<u8>, Refusal> {
    document.edit(own.place.author, own.place.inc, fields).map_err(|error| match error {
        EditError::Nothing => Refusal::NothingChanged,
        EditError::Full => Refusal::DocumentFull(subject),
        EditError::Disputed => Refusal::DocumentDisputed(subject),
    })
}
