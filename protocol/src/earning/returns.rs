//! Returns: the customer brings goods back that he was given, all of them or some pieces. What he gets for them is decided
//! once, with the share of commission that goes back to the vendor, and with who bears it: the earning itself as far as
//! something of it is left, else what the vendor owes us.

use std::collections::BTreeMap;

use super::Terms;
use crate::account::Code as Chart;
use crate::fact::{ReturnAccepted, ReturnedPieces};
use crate::id::{Id16, OpId, Subject};
use crate::journal::{Journal, Rule};
use crate::taka::Taka;

/// What was returned of one earning so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Returned {
    /// Which returns.
    pub returns: Vec<Id16>,
    /// Pieces that were counted in, by stock keeping unit.
    pub pieces: BTreeMap<String, u32>,
    /// What those cost when they were ordered.
    pub worth: Taka,
    /// What the customer gets back for them: all of it, but for odd paisa that he never paid.
    pub goods: Taka,
    /// Commission that goes back to the vendor.
    pub commission: Taka,
    /// VAT on it.
    pub vat: Taka,
    /// What was taken from the earning before it matured (2010).
    pub held: Taka,
}

impl Returned {
    /// Adds one return.
    pub fn add(&mut self, one: &ReturnAccepted) {
        self.returns.push(one.ret);
        for line in &one.lines {
            let counted = self.pieces.entry(line.sku.clone()).or_default();
            *counted = counted.saturating_add(line.counted.into());
        }
        self.worth = self.worth.plus(worth(&one.lines));
        self.goods = self.goods.plus(one.goods);
        self.commission = self.commission.plus(one.commission);
        self.vat = self.vat.plus(one.vat);
        self.held = self.held.plus(one.held);
    }

    /// What further pieces come to. Shares are taken of the sum, so that all pieces give back all of the commission and not
    /// a paisa more, in however many parts they come; the fee for handling cash is kept, with its VAT.
    #[must_use]
    pub fn share(&self, terms: &Terms, pieces: Taka) -> Share {
        let worth = self.worth.plus(pieces).min(terms.goods);
        let goods = worth.min(terms.price()).minus(self.goods).max(Taka::ZERO);
        let commission_vat = portion(terms.vendor_vat, terms.commission, terms.commission.plus(terms.cod_fee));
        let of = |whole, before: Taka| portion(whole, worth, terms.goods).minus(before).max(Taka::ZERO);
        let commission = of(terms.commission, self.commission).min(goods);
        let vat = of(commission_vat, self.vat).min(goods.minus(commission));
        Share { goods, commission, vat }
    }
}

/// What the pieces of a return come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// The customer's.
    pub goods: Taka,
    /// Commission on it.
    pub commission: Taka,
    /// VAT on that.
    pub vat: Taka,
}

impl Share {
    /// What the vendor bears.
    #[must_use]
    pub fn net(&self) -> Taka {
        self.goods.minus(self.commission).minus(self.vat)
    }
}

/// What counted pieces cost when they were ordered.
#[must_use]
pub fn worth(lines: &[ReturnedPieces]) -> Taka {
    let cost = |line: &ReturnedPieces| {
        let paisa = line.unit_price.paisa().saturating_mul(line.counted.into());
        Taka::from_paisa(paisa).unwrap_or(Taka::ZERO)
    };
    lines.iter().map(cost).sum()
}

/// `part / all` of an amount, rounded down to the paisa.
fn portion(whole: Taka, part: Taka, all: Taka) -> Taka {
    if all <= Taka::ZERO {
        return Taka::ZERO;
    }
    let paisa = i128::from(whole.paisa()) * i128::from(part.paisa()) / i128::from(all.paisa());
    i64::try_from(paisa).ok().and_then(Taka::from_paisa).unwrap_or(Taka::ZERO)
}

/// Whether a return comes to what it says, and to what this earning can give back after others.
pub(super) fn adds_up(one: &ReturnAccepted, before: &Returned, terms: &Terms) -> bool {
    let share = Share { goods: one.goods, commission: one.commission, vat: one.vat };
    let borne = one.held.plus(one.available).plus(one.receivable);
    let one_source = one.held == Taka::ZERO || one.available == Taka::ZERO;
    one_source
        && !before.returns.contains(&one.ret)
        && share.goods > Taka::ZERO
        && borne == share.net()
        && before.goods.plus(one.goods) <= terms.price().min(terms.goods)
        && before.commission.plus(one.commission) <= terms.commission
        && before.vat.plus(one.vat) <= terms.vendor_vat
}

/// J20 and J20a when something of the earning bears it, before it matured (2010) or after (2020); else J20b.
pub(super) fn journals(subject: Subject, cause: OpId, one: &ReturnAccepted, terms: &Terms) -> Vec<Journal> {
    let back = [(Chart::RefundsPayable.of_owner(one.customer), one.goods)];
    let owes = (Chart::VendorReceivable.of_owner(terms.vendor), one.receivable);
    let fees = [(Chart::Commission.whole(), one.commission), (Chart::Vat.whole(), one.vat)];
    let (payable, taken) = if one.available > Taka::ZERO {
        (Chart::VendorAvailable.of_owner(terms.vendor), one.available)
    } else {
        (Chart::VendorHeld.of_owner(terms.vendor), one.held)
    };
    let returned = one.commission.plus(one.vat);
    if taken == Taka::ZERO && one.receivable > Taka::ZERO {
        return vec![Journal::new(subject, Rule::J20b, cause, &[owes, fees[0], fees[1]], &back)];
    }
    vec![
        Journal::new(subject, Rule::J20, cause, &[(payable, taken.plus(returned)), owes], &back),
        Journal::new(subject, Rule::J20a, cause, &fees, &[(payable, returned)]),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::{Id16, Kind};

    fn paisa(paisa: i64) -> Taka {
        Taka::from_paisa(paisa).expect("small")
    }

    /// Goods of so many paisa at 10 % commission, 1 % for cash and 15 % VAT, as the shop freezes them.
    fn terms(goods: i64, delivery: i64, cash: bool) -> Terms {
        let (goods, delivery) = (paisa(goods), paisa(delivery));
        let (commission, cod_fee) =
            (goods.basis_points(1_000), if cash { goods.basis_points(100) } else { Taka::ZERO });
        let full = goods.plus(delivery);
        Terms {
            parcel: Subject::new(Kind::Parcel, Id16([1; 16])),
            vendor: Subject::new(Kind::Vendor, Id16([2; 16])),
            prepaid: None,
            goods,
            delivery,
            delivery_vat: Taka::ZERO,
            rounding: full.minus(full.whole_taka()),
            commission,
            cod_fee,
            vendor_vat: commission.plus(cod_fee).basis_points(1_500),
            rto_fee: Taka::ZERO,
            rto_vat: Taka::ZERO,
            window_min: 0,
        }
    }

    fn accepted(number: u8, pieces: i64, share: Share) -> ReturnAccepted {
        let line = ReturnedPieces { sku: "RG".into(), asked: 1, counted: 1, unit_price: paisa(pieces) };
        ReturnAccepted {
            ret: Id16([number; 16]),
            customer: Subject::customer(Id16([3; 16])),
            lines: vec![line],
            goods: share.goods,
            commission: share.commission,
            vat: share.vat,
            held: share.net(),
            available: Taka::ZERO,
            receivable: Taka::ZERO,
            reason: 1,
            maker: Id16([4; 16]),
        }
    }

    #[test]
    fn a_taka_thousand_comes_back_as_the_table_says() {
        let share = Returned::default().share(&terms(100_000, 6_000, true), paisa(100_000));
        assert_eq!(share, Share { goods: paisa(100_000), commission: paisa(10_000), vat: paisa(1_500) });
        assert_eq!(share.net(), paisa(88_500), "the handling fee of 11.50 is kept: the vendor had 873.50");
        let half = Returned::default().share(&terms(100_000, 6_000, true), paisa(50_000));
        assert_eq!(half, Share { goods: paisa(50_000), commission: paisa(5_000), vat: paisa(750) });
    }

    #[test]
    fn odd_paisa_that_nobody_paid_are_not_given_back() {
        let free = terms(100_040, 0, false);
        assert_eq!(Returned::default().share(&free, paisa(100_040)).goods, paisa(100_000), "the price was 1,000");
        let brought = terms(100_040, 6_000, false);
        assert_eq!(Returned::default().share(&brought, paisa(100_040)).goods, paisa(100_040));
        let nothing = terms(0, 6_000, true);
        assert_eq!(Returned::default().share(&nothing, Taka::ZERO), Share::default());
    }

    proptest! {
        /// In however many parts it comes back: the customer gets what it cost, the vendor all of the commission.
        #[test]
        fn parts_come_to_the_whole(
            parts in prop::collection::vec(1i64..200_000, 1..8), delivery in 0i64..10_000, cash: bool,
        ) {
            let terms = terms(parts.iter().sum(), delivery, cash);
            let whole = Returned::default().share(&terms, terms.goods);
            let mut returned = Returned::default();
            for (number, pieces) in (1u8..).zip(&parts) {
                let share = returned.share(&terms, paisa(*pieces));
                prop_assert!(share.net() >= Taka::ZERO && share.commission >= Taka::ZERO && share.vat >= Taka::ZERO);
                let one = accepted(number, *pieces, share);
                prop_assert!(share.goods == Taka::ZERO || adds_up(&one, &returned, &terms));
                let posted = journals(terms.parcel, OpId([number; 32]), &one, &terms);
                prop_assert!(posted.iter().all(Journal::is_balanced));
                returned.add(&one);
                prop_assert!(!adds_up(&one, &returned, &terms), "no return counts twice");
            }
            prop_assert_eq!(returned.goods, whole.goods);
            prop_assert_eq!(returned.goods, terms.goods.min(terms.price()));
            prop_assert_eq!(returned.commission, terms.commission.min(returned.goods));
            prop_assert_eq!(returned.worth, terms.goods);
            prop_assert_eq!(returned.pieces["RG"] as usize, parts.len());
            let more = returned.share(&terms, paisa(1));
            prop_assert_eq!(more, Share::default(), "no more than was bought");
            let beyond = accepted(99, 100, Share { goods: paisa(100), ..Share::default() });
            prop_assert!(!adds_up(&beyond, &returned, &terms));
        }
    }
}
