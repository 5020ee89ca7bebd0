//! What an entry says, held against what is known of it: one paper once, a loss paid before somebody answers for it, a bag
//! that is still on its way.

use protocol::fact::{Entered, Entry};
use protocol::id::{Kind, Subject};
use sqlx::PgConnection;

use crate::banking::{beyond, known_site};
use crate::ledger;
use crate::problem::Error;

/// One paper of a kind is entered once, also while an earlier one waits for its second person.
pub(super) async fn is_new(conn: &mut PgConnection, entered: &Entered, own: Option<Subject>) -> Result<(), Error> {
    let used: Option<([u8; 17],)> = sqlx::query_as(
        "select subject from (
             select subject, what, reference, owner, provider from view_entry
             union all
             select subject, what, reference, owner, provider from proposed_entry where state = 'waiting'
         ) as papers
         where what = $1 and reference = $2 and owner = $3 and provider = $4 and ($5::bytea is null or subject <> $5) limit 1",
    )
    .bind(Entry::of(entered.what).map_or("", Entry::word))
    .bind(&entered.reference)
    .bind(entered.owner.0)
    .bind(i16::from(entered.provider))
    .bind(own.map(|own| own.0))
    .fetch_optional(conn)
    .await?;
    let Some((by,)) = used else { return Ok(()) };
    let told = format!("{} was entered as {} already.", entered.reference, Subject(by));
    Err(Error::refuse(409, "reference_used", told, "Read the paper again: one paper is entered once."))
}

/// An agent or a site that is ours.
pub(super) async fn is_known(conn: &mut PgConnection, party: Subject) -> Result<(), Error> {
    if party.kind() == Some(Kind::Site) {
        return known_site(conn, party).await;
    }
    let (known,): (bool,) = sqlx::query_as("select exists (select 1 from seat where party = $1 and role = 'agent')")
        .bind(party.0)
        .fetch_one(conn)
        .await?;
    if known {
        return Ok(());
    }
    let next = "Copy the agent's id as GET /api/v1/devices gives it.";
    Err(Error::refuse(422, "unknown_agent", "There is no agent of this id.", next))
}

/// The vendor's parcel is still with us, and was not paid as lost before.
pub(super) async fn is_lost(conn: &mut PgConnection, entered: &Entered) -> Result<(), Error> {
    let row: Option<(Option<[u8; 17]>, String, bool)> = sqlx::query_as(
        "select p.vendor, p.status, exists (
             select 1 from view_entry e where e.what = 'loss_paid' and e.other = p.subject and not e.contested)
         from view_parcel p where p.subject = $1",
    )
    .bind(entered.other.map(|parcel| parcel.0))
    .fetch_optional(conn)
    .await?;
    let Some((vendor, status, paid)) = row else {
        let next = "Copy the parcel's id from its label.";
        return Err(Error::refuse(404, "unknown_parcel", "There is no parcel of this id.", next));
    };
    if vendor != Some(entered.owner.0) {
        let next = "Name the vendor whose parcel it is.";
        return Err(Error::refuse(409, "not_the_vendor", "The parcel is of another vendor.", next));
    }
    if paid {
        let next = "Look at GET /api/v1/finance/entries.";
        return Err(Error::refuse(409, "loss_paid", "This parcel was paid as lost before.", next));
    }
    if ["delivered", "collected", "returned", "cancelled", "rejected"].contains(&status.as_str()) {
        let told = format!("The parcel is {status}: it is not lost with us.");
        let state = serde_json::json!({ "status": status });
        return Err(Error::refuse_in_state(409, "not_lost", told, "Look at the parcel's journey.", state));
    }
    Ok(())
}

/// Together no more is charged or claimed than was paid for the parcel.
pub(super) async fn is_answered(conn: &mut PgConnection, entered: &Entered) -> Result<(), Error> {
    let parcel = entered.other.unwrap_or(entered.owner);
    if entered.owner != parcel {
        is_known(conn, entered.owner).await?;
    }
    let (paid, answered): (i64, i64) = sqlx::query_as(
        "select coalesce(sum(amount_paisa) filter (where what = 'loss_paid'), 0)::bigint,
            coalesce(sum(amount_paisa) filter (where what in ('loss_charged', 'loss_claimed')), 0)::bigint
         from view_entry where coalesce(other, owner) = $1 and not contested",
    )
    .bind(parcel.0)
    .fetch_one(conn)
    .await?;
    let left = ledger::paisa(paid).minus(ledger::paisa(answered));
    if entered.amount <= left {
        return Ok(());
    }
    let next = "Pay the vendor for the parcel first, and charge or claim no more than that.";
    Err(beyond("more_than_lost", "Of what was paid for the parcel are left", "the entry", left, entered.amount, next))
}

/// A bag that is in a deposit is the bank's to count: what is missing from it is J13b.
pub(super) async fn is_on_its_way(conn: &mut PgConnection, bag: Subject) -> Result<(), Error> {
    let deposited: Option<([u8; 17],)> =
        sqlx::query_as("select deposit from view_deposit_bag where bag = $1").bind(bag.0).fetch_optional(conn).await?;
    let Some((deposit,)) = deposited else { return Ok(()) };
    let told = format!("The bag is in the deposit {}.", Subject(deposit));
    let next = "Let the bank's statement say what it counted; what is missing then stands on whoever sealed the bag.";
    Err(Error::refuse(409, "bag_deposited", told, next))
}
