//! The terms of trade by date, and what they make of one parcel. Rates live in the table `terms`,
//! amounts are frozen into the parcel's `TermsFrozen` when the order is placed (SPEC S9).

use protocol::fact::TermsFrozen;
use protocol::id::{Scope, Subject};
use protocol::taka::Taka;
use sqlx::PgConnection;

/// Terms in force at one moment. Rates are basis points (1/100 of a percent).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Delivery fee of one parcel.
    pub delivery: Taka,
    /// VAT on our own services.
    pub vat_bp: u32,
    /// Commission on the goods.
    pub commission_bp: u32,
    /// Fee for handling cash on delivery, on the goods.
    pub cod_bp: u32,
    /// Fee for a parcel that comes back.
    pub rto: Taka,
    /// Return window after the delivery, minutes.
    pub window_min: u32,
}

/// Whose a parcel is, and how it is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deal {
    /// The parcel.
    pub parcel: Subject,
    /// The vendor.
    pub vendor: Scope,
    /// Its order.
    pub order: Subject,
    /// Who ordered.
    pub customer: Subject,
    /// Paid ahead: nothing is due at the door, and handling cash costs nothing.
    pub prepaid: bool,
}

impl Terms {
    /// The terms in force at `now_ms` of business time.
    ///
    /// # Errors
    /// The database's; [`sqlx::Error::RowNotFound`] when no row is in force.
    pub async fn at(connection: &mut PgConnection, now_ms: u64) -> Result<Self, sqlx::Error> {
        let row: (i64, i32, i32, i32, i64, i32) = sqlx::query_as(
            "select delivery_paisa, vat_bp, commission_bp, cod_bp, rto_paisa, return_window_min from terms
             where effective_from <= to_timestamp($1::bigint / 1000) order by effective_from desc limit 1",
        )
        .bind(i64::try_from(now_ms).unwrap_or(i64::MAX))
        .fetch_one(connection)
        .await?;
        let rate = |bp: i32| u32::try_from(bp).unwrap_or_default();
        let amount = |paisa| Taka::from_paisa(paisa).unwrap_or_default();
        Ok(Self {
            delivery: amount(row.0),
            vat_bp: rate(row.1),
            commission_bp: rate(row.2),
            cod_bp: rate(row.3),
            rto: amount(row.4),
            window_min: rate(row.5),
        })
    }

    /// Freezes the amounts of one parcel.
    #[must_use]
    pub fn freeze(&self, deal: &Deal, goods: Taka) -> TermsFrozen {
        let delivery_vat = self.delivery.basis_points(self.vat_bp);
        let price = goods.plus(self.delivery).plus(delivery_vat);
        let commission = goods.basis_points(self.commission_bp);
        let cod_fee = if deal.prepaid { Taka::ZERO } else { goods.basis_points(self.cod_bp) };
        TermsFrozen {
            parcel: deal.parcel,
            vendor: deal.vendor,
            order: deal.order,
            customer: deal.customer,
            prepaid: deal.prepaid,
            goods,
            delivery: self.delivery,
            delivery_vat,
            // Cash on delivery is whole taka, rounded down: the odd paisa are ours (J32).
            rounding: price.minus(price.whole_taka()),
            commission,
            cod_fee,
            vendor_vat: commission.plus(cod_fee).basis_points(self.vat_bp),
            rto_fee: self.rto,
            rto_vat: self.rto.basis_points(self.vat_bp),
            window_min: self.window_min,
        }
    }
}

/// What the customer pays for a parcel of these terms, at the door or ahead.
#[must_use]
pub fn price(terms: &TermsFrozen) -> Taka {
    terms.goods.plus(terms.delivery).plus(terms.delivery_vat).minus(terms.rounding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::id::{Id16, Kind};

    const REFERENCE: Terms = Terms {
        delivery: Taka::whole(60),
        vat_bp: 1_500,
        commission_bp: 1_000,
        cod_bp: 100,
        rto: Taka::whole(50),
        window_min: 10_080,
    };

    fn frozen(goods: i64) -> TermsFrozen {
        let parcel = Subject::new(Kind::Parcel, Id16([1; 16]));
        let (vendor, order) = (Subject::new(Kind::Vendor, Id16([2; 16])), Subject::new(Kind::Order, Id16([3; 16])));
        let deal = Deal { parcel, vendor, order, customer: Subject::customer(Id16([4; 16])), prepaid: false };
        REFERENCE.freeze(&deal, Taka::from_paisa(goods).unwrap())
    }

    #[test]
    fn the_reference_parcel() {
        let terms = frozen(100_000);
        assert_eq!((terms.delivery.paisa(), terms.delivery_vat.paisa()), (6_000, 900));
        assert_eq!(price(&terms).paisa(), 106_900);
        assert_eq!((terms.commission.paisa(), terms.cod_fee.paisa(), terms.vendor_vat.paisa()), (10_000, 1_000, 1_650));
        assert_eq!((terms.rto_fee.paisa(), terms.rto_vat.paisa(), terms.rounding.paisa()), (5_000, 750, 0));
    }

    #[test]
    fn odd_paisa_are_left_off_the_due() {
        let terms = frozen(99_957);
        assert_eq!((price(&terms).paisa(), terms.rounding.paisa()), (106_800, 57));
    }
}
