//! Control of sets, and of who may author.

use minicbor::{Decode, Encode};

use crate::id::{Author, Incarnation, Subject};
use crate::taka::Taka;

/// Makes `subject` members of the scope that is the op's subject.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Put {
    /// Generation: highest Close generation seen + 1.
    #[n(0)]
    pub generation: u32,
    /// The subjects.
    #[n(1)]
    pub subjects: Vec<Subject>,
}

/// Ends memberships: what is settled leaves the devices (FACTS.md, Closing).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Close {
    /// Generation: ends every Put of this generation and below.
    #[n(0)]
    pub generation: u32,
    /// The subjects.
    #[n(1)]
    pub subjects: Vec<Subject>,
    /// What the closed subjects leave on accounts: code, owner, net paisa.
    #[n(2)]
    pub carry: Vec<Carry>,
}

/// Net of one account over closed subjects.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Carry {
    /// Account code.
    #[n(0)]
    pub code: u16,
    /// Account owner, if the account has one.
    #[n(1)]
    pub owner: Option<Subject>,
    /// Net, debit positive.
    #[n(2)]
    pub net: Taka,
}

/// A seat may author no more.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Revoked {
    /// The seat.
    #[n(0)]
    pub author: Author,
    /// Bursts that had heard this beacon are apart; 0 in revocations of before there were beacons.
    #[n(1)]
    pub beacon: u64,
    /// The chains as central knew them: bursts up to there are fine.
    #[n(2)]
    pub known: Vec<Known>,
}

/// A chain up to a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Known {
    /// The incarnation.
    #[n(0)]
    pub inc: Incarnation,
    /// The last burst.
    #[n(1)]
    pub seq: u64,
}
