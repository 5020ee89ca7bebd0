//! A hand-in without any network: what one device said of it as a slip on its screen, and the other's slip taken in.
//! See [`protocol::slip`].

use protocol::burst::Burst;
use protocol::id::{Kind, Subject};
use protocol::intake;
use protocol::seat::Certificate;
use protocol::slip::{Slip, SlipError};
use serde::Serialize;
use ts_rs::TS;

use crate::node::{Node, NodeError};
use crate::screen::refused::Refused;

/// Why a slip is not taken. Nothing of it is kept that its author may not say.
#[derive(Debug, thiserror::Error)]
pub enum TakeSlipError {
    /// The text.
    #[error(transparent)]
    Slip(#[from] SlipError),
    /// No seat of this system wrote it, or central took the seat back.
    #[error("whoever showed this code is not known here: write the amount on paper and call operations")]
    UnknownMaker,
    /// It is for somebody else.
    #[error("this slip is for another person or place: show it where it belongs")]
    NotOurs,
    /// A signature is false, or its author may not say that.
    #[error("this slip was not written by the device that it names: take nothing on it, and call operations")]
    Forged,
    /// The database.
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl TakeSlipError {
    /// The stable code; `None` for machinery.
    #[must_use]
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::Slip(error) => Some(error.code()),
            Self::UnknownMaker => Some("slip_unknown_maker"),
            Self::NotOurs => Some("slip_not_ours"),
            Self::Forged => Some("slip_forged"),
            Self::Node(_) => None,
        }
    }
}

impl From<TakeSlipError> for Refused {
    fn from(error: TakeSlipError) -> Self {
        let code = error.code();
        match error {
            TakeSlipError::Node(node) => node.into(),
            told => Self::of(code.unwrap_or("slip_damaged"), &told.to_string(), "scan the code on the other screen"),
        }
    }
}

/// A slip as a screen shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct HandInSlip {
    /// The hand-in.
    #[ts(type = "string")]
    pub handin: Subject,
    /// The text of the QR code.
    pub text: String,
}

/// What became of a slip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
pub struct SlipTaken {
    /// The hand-in that it speaks of.
    #[ts(type = "string")]
    pub handin: Subject,
    /// Whether it said something that was not known here.
    pub news: bool,
}

impl Node {
    /// What this device said of a hand-in, for the other one to scan; `None` when it said nothing of it.
    ///
    /// # Errors
    /// The database.
    pub fn slip(&self, handin: Subject) -> Result<Option<HandInSlip>, NodeError> {
        if handin.kind() != Some(Kind::HandIn) {
            return Ok(None);
        }
        let bursts = self.store().read(|rows| rows.own_bursts_about(&handin))?;
        let slip = Slip::of(self.identity().certificate.clone(), &bursts);
        Ok(slip.map(|slip| HandInSlip { handin, text: slip.write() }))
    }

    /// Takes a slip that was scanned. Twice is as good as once.
    ///
    /// # Errors
    /// See [`TakeSlipError`].
    pub fn take_slip(&self, text: &str) -> Result<SlipTaken, TakeSlipError> {
        let slip = Slip::read(text)?;
        let (handin, to) = slip.handin()?;
        let maker = self.store().certificate(&slip.certificate).ok_or(TakeSlipError::UnknownMaker)?;
        let author = Certificate::author_of(&slip.certificate);
        if self.store().is_revoked(&author).map_err(NodeError::from)? {
            return Err(TakeSlipError::UnknownMaker);
        }
        if to != self.seat().party || maker.seat.party == to {
            return Err(TakeSlipError::NotOurs);
        }
        let signed = |burst: &Burst| burst.head.author == author && intake::verify(burst.clone(), &maker.seat).is_ok();
        if !slip.bursts.iter().all(signed) {
            return Err(TakeSlipError::Forged);
        }
        self.store().add_certificates(std::slice::from_ref(&slip.certificate)).map_err(NodeError::from)?;
        let received = self.receive_relayed(slip.bursts)?;
        if received.refused > 0 || !received.unknown_authors.is_empty() {
            return Err(TakeSlipError::Forged);
        }
        Ok(SlipTaken { handin, news: received.taken > 0 })
    }
}
