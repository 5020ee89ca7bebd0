//! Carries sessions.
