//! What a fact of a kind can be about.

use super::Fact;
use crate::id::{Kind, Subject};

impl Fact {
    /// Whether a fact of this kind can be about such a subject.
    #[must_use]
    pub fn is_about(&self, subject: &Subject) -> bool {
        let kind = subject.kind();
        match self {
            Self::Put(_) | Self::Close(_) => subject.is_scope(),
            Self::Revoked(_) => kind == Some(Kind::Tenant),
            Self::OrderPlaced(_)
            | Self::OrderCancelled(_)
            | Self::PaymentCaptured(_)
            | Self::TransferCaptured(_)
            | Self::CreditSpent(_) => kind == Some(Kind::Order),
            Self::EarningOpened(_)
            | Self::TermsFrozen(_)
            | Self::Distributed(_)
            | Self::EarningHeld(_)
            | Self::RtoCharged(_)
            | Self::EscrowReleased(_)
            | Self::Matured(_)
            | Self::ReturnAccepted(_)
            | Self::DistributionReversed(_)
            | Self::HoldEnded(_)
            | Self::ChargeReversed(_)
            | Self::EarningClawedBack(_) => kind == Some(Kind::Earning),
            Self::HandInOffered(_) | Self::HandInCounted(_) => kind == Some(Kind::HandIn),
            Self::TillOpened(_)
            | Self::TillClosed(_)
            | Self::TillPaidOut(_)
            | Self::TillPaidIn(_)
            | Self::TillSuspended(_)
            | Self::TillResumed(_) => kind == Some(Kind::Shift),
            Self::BagSealed(_) => kind == Some(Kind::Bag),
            Self::Deposited(_) | Self::DepositConfirmed(_) => kind == Some(Kind::Deposit),
            Self::PayoutCreated(_) | Self::PayoutWithFee(_) | Self::PayoutConfirmed(_) | Self::PayoutReturned(_) => {
                kind == Some(Kind::Payout)
            }
            Self::Swept(_) => kind == Some(Kind::Sweep),
            Self::PartnerRemitted(_) | Self::CourierRemitted(_) => kind == Some(Kind::Remittance),
            Self::RefundReserved(_) | Self::RefundWithdrawn(_) | Self::RefundPaid(_) | Self::CashRefunded(_) => {
                kind == Some(Kind::Refund)
            }
            Self::LineBooked(_) | Self::LineIdentified(_) => kind == Some(Kind::Line),
            Self::Ruled(_) => kind == Some(Kind::Ruling),
            Self::Entered(_) => kind == Some(Kind::Entry),
            Self::ProductEntered(edit) | Self::ProductChanged(edit) => {
                *subject == Subject::product(edit.vendor, &edit.sku)
            }
            Self::DetailEntered(edit) | Self::SiteDetailChanged(edit) | Self::AgentDetailChanged(edit) => {
                [Subject::note_of(edit.parcel), Subject::address_of(edit.parcel)].contains(subject)
            }
            Self::Judged(_) | Self::Cleared(_) => !subject.is_scope(),
            _ => kind == Some(Kind::Parcel),
        }
    }
}
