//! What the API answers when it does not do what was asked: a stable code, what is wrong, what to do.

use serde::Serialize;

/// A no from the business, or from the form of a request. Never holds personal data.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "code": "unknown_order",
    "message": "There is no order of this id.",
    "next": "Copy the id as POST /api/v1/orders gave it; a customer's token sees its own orders.",
}))]
pub struct Problem {
    /// HTTP status.
    #[serde(skip)]
    pub status: u16,
    /// Stable, `snake_case`.
    #[schema(pattern = "^[a-z0-9_]+$")]
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do next.
    pub next: String,
    /// The state that stood in the way, if the caller may see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub state: Option<serde_json::Value>,
}

/// Why a request was not served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The business says no.
    #[error("{}", .0.code)]
    Refused(Box<Problem>),
    /// The database failed, or is full of waiting callers.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The machinery failed.
    #[error("{0:#}")]
    Machinery(#[from] anyhow::Error),
}

impl Error {
    /// A refusal.
    #[must_use]
    pub fn refuse(status: u16, code: &'static str, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self::Refused(Box::new(Problem { status, code, message: message.into(), next: next.into(), state: None }))
    }

    /// A refusal that shows the state that stood in the way.
    #[must_use]
    pub fn refuse_in_state(
        status: u16,
        code: &'static str,
        message: impl Into<String>,
        next: impl Into<String>,
        state: serde_json::Value,
    ) -> Self {
        Self::Refused(Box::new(Problem {
            status,
            code,
            message: message.into(),
            next: next.into(),
            state: Some(state),
        }))
    }

    /// The problem as it is told; failures of the machinery are told without their inside.
    #[must_use]
    pub fn problem(&self) -> Problem {
        match self {
            Self::Refused(problem) => (**problem).clone(),
            Self::Database(sqlx::Error::PoolTimedOut) => Problem {
                status: 503,
                code: "busy",
                message: "Too many requests wait for the database.".to_owned(),
                next: "Try again in a few seconds, with the same Idempotency-Key.".to_owned(),
                state: None,
            },
            Self::Database(sqlx::Error::Io(_) | sqlx::Error::PoolClosed) => Problem {
                status: 503,
                code: "not_ready",
                message: "The database does not answer.".to_owned(),
                next: "Try again when it is back, with the same Idempotency-Key.".to_owned(),
                state: None,
            },
            Self::Database(_) | Self::Machinery(_) => Problem {
                status: 500,
                code: "internal",
                message: "Something failed on our side; nothing was changed.".to_owned(),
                next: "Try again. If it fails again, tell operations the time of the request.".to_owned(),
                state: None,
            },
        }
    }
}

impl From<getrandom::Error> for Error {
    fn from(error: getrandom::Error) -> Self {
        Self::Machinery(error.into())
    }
}

impl From<crate::authority::AuthorityError> for Error {
    fn from(error: crate::authority::AuthorityError) -> Self {
        Self::Machinery(error.into())
    }
}

impl From<crate::intake::IntakeError> for Error {
    fn from(error: crate::intake::IntakeError) -> Self {
        use crate::intake::IntakeError;
        match error {
            IntakeError::Store(crate::store::StoreError::Database(error)) | IntakeError::Extra(error) => {
                Self::Database(error)
            }
            IntakeError::Stopped => Self::refuse(
                503,
                "stopping",
                "Central is stopping.",
                "Try again in a moment, with the same Idempotency-Key.",
            ),
            IntakeError::Declined(error) => error,
            IntakeError::Conflict(conflict) => {
                let told = format!("{} is {}.", conflict.subject, conflict.status);
                Self::refuse(409, "wrong_state", told, "Look at it again.")
            }
            IntakeError::Store(error) => Self::Machinery(error.into()),
        }
    }
}

impl From<crate::store::StoreError> for Error {
    fn from(error: crate::store::StoreError) -> Self {
        match error {
            crate::store::StoreError::Database(error) => Self::Database(error),
            other => Self::Machinery(other.into()),
        }
    }
}
