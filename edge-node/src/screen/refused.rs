//! A no as a screen gets it: a stable code, and the numbers of its sentence. The words are the screen's, in
//! the language of the person.

use protocol::refusal::Refusal;
use serde::Serialize;
use serde_json::{Map, Value};
use ts_rs::TS;

use crate::enrol::EnrolError;
use crate::hold::HoldError;
use crate::node::NodeError;
use crate::record::RecordError;
use crate::store::StoreError;

/// Why nothing was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct Refused {
    /// Stable.
    pub code: String,
    /// The fields of the refusal, amounts in paisa.
    #[ts(type = "Record<string, unknown>")]
    pub params: Map<String, Value>,
    /// In English, for a code that the screen does not know.
    pub message: String,
    /// What to do, in English.
    pub next: String,
}

impl Refused {
    /// A no without numbers.
    #[must_use]
    pub fn of(code: &str, message: &str, next: &str) -> Self {
        Self { code: code.to_owned(), params: Map::new(), message: message.to_owned(), next: next.to_owned() }
    }

    /// The app has no seat yet.
    #[must_use]
    pub fn not_enrolled() -> Self {
        Self::of("not_enrolled", "this device is not enrolled", "enter the code from operations")
    }

    /// The call itself is wrong: a fault of the screen.
    #[must_use]
    pub fn malformed(what: &str) -> Self {
        Self::of("malformed", what, "close the screen and open it again")
    }
}

impl From<&Refusal> for Refused {
    fn from(refusal: &Refusal) -> Self {
        let mut refused = Self::of(refusal.code(), &refusal.to_string(), "");
        // The fields of a variant stand under its name; a single value has no name of its own.
        if let Ok(Value::Object(variant)) = serde_json::to_value(refusal) {
            match variant.into_iter().next() {
                Some((_, Value::Object(fields))) => refused.params = fields,
                Some((_, value)) => drop(refused.params.insert("value".to_owned(), value)),
                None => {}
            }
        }
        refused
    }
}

impl From<NodeError> for Refused {
    fn from(error: NodeError) -> Self {
        match &error {
            NodeError::Store(store) if store.is_full() => {
                Self::of("disk_full", "the disk is full; everything recorded is kept", "free 50 MB, then do it again")
            }
            NodeError::Store(StoreError::NotEnrolled) => Self::not_enrolled(),
            NodeError::Store(StoreError::AlreadyEnrolled) => {
                Self::of("already_enrolled", "this device is enrolled already", "open the app again")
            }
            NodeError::Store(StoreError::Damaged(_)) => {
                tracing::error!(%error, "the data folder is damaged");
                Self::of("damaged", "the data of this device is damaged", "call operations, delete nothing")
            }
            NodeError::Store(_) | NodeError::Entropy(_) | NodeError::Broken(_) => {
                tracing::error!(%error, "a call failed");
                Self::of("machinery_failed", "nothing was recorded: the device had a fault", "try once more")
            }
        }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        NodeError::from(error).into()
    }
}

impl From<RecordError> for Refused {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Refusal(refusal) => (&refusal).into(),
            RecordError::Error(error) => error.into(),
        }
    }
}

impl From<HoldError> for Refused {
    fn from(error: HoldError) -> Self {
        let code = match &error {
            HoldError::SecondInstance => "second_instance",
            HoldError::OtherDevice => "other_device",
            HoldError::Io(io) if io.kind() == std::io::ErrorKind::StorageFull => "disk_full",
            HoldError::Io(_) => "folder_unusable",
        };
        Self::of(code, &error.to_string(), "")
    }
}

impl From<EnrolError> for Refused {
    fn from(error: EnrolError) -> Self {
        let code = match &error {
            EnrolError::Code => "enrol_code",
            EnrolError::Connection(_) => "enrol_no_network",
            EnrolError::Refused { .. } => "enrol_refused",
            EnrolError::Tls(_) | EnrolError::Answer(_) => "enrol_answer",
            EnrolError::Node(_) => "",
        };
        match error {
            EnrolError::Node(node) => node.into(),
            other => Self::of(code, &other.to_string(), "get a new code from operations"),
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::taka::Taka;

    use super::*;

    #[test]
    fn a_refusal_carries_its_numbers_in_paisa() {
        let refusal = Refusal::AmountDiffers { due: Taka::whole(1_250), entered: Taka::whole(1_000) };
        let refused = Refused::from(&refusal);
        assert_eq!(refused.code, "amount_differs");
        assert_eq!(refused.params["due"], 125_000);
        assert_eq!(refused.params["entered"], 100_000);
        assert_eq!(Refused::from(&Refusal::BadCount(32)).params["value"], 32);
        assert!(Refused::from(&Refusal::BadAmount).params.is_empty());
    }

    #[test]
    fn the_type_of_the_screens_is_the_committed_one() {
        crate::screen::types::committed::<Refused>();
    }
}
