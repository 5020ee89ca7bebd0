//! Thirteen ways in which the product could be wrong, each at one seam. A simulator that does not catch one of
//! them does not look there.

macro_rules! mutants {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// One way to be wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mutant { $($(#[$doc])* $name,)* }

        impl Mutant {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// As the command line writes it.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

mutants! {
    /// SAFE leaves before central's commit, which a kill takes back.
    SafeBeforeCommit = "safe_before_commit";
    /// A restored device goes on in the numbers that it used before.
    NumberReused = "number_reused";
    /// A device is given what its scopes do not hold.
    RouteIgnored = "route_ignored";
    /// An op joins a set without joining its root.
    RootSkips = "root_skips";
    /// An op joins a set without joining its sketch.
    SketchSkips = "sketch_skips";
    /// A journal is posted twice when its fact comes twice.
    PostedTwice = "posted_twice";
    /// A contradicting claim is dropped: whoever came first is right.
    FirstComeWins = "first_come_wins";
    /// A fact of a wrong clock is refused.
    LateRefused = "late_refused";
    /// A new life forgets the outbox of the one before.
    OutboxForgets = "outbox_forgets";
    /// Signatures are not looked at.
    ForgeryTaken = "forgery_taken";
    /// What a relay near by holds is taken to be safe.
    HeldIsSafe = "held_is_safe";
    /// What a closed subject leaves on accounts goes with its records.
    CarryForgotten = "carry_forgotten";
    /// Facts of a withdrawn seat count like any other.
    RevocationIgnored = "revocation_ignored";
}

impl Mutant {
    /// The one with this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mutant| mutant.word() == word)
    }
}
