//! What screens show: one module a face. Each function reads one snapshot and returns plain data, which
//! the kiosk serves over its loopback API and the windows get by commands of the same names. Their
//! TypeScript types are exported to `apps/ui/src/lib/generated`.
//!
//! Amounts are whole paisa in a field named `*_paisa`, times are milliseconds since 1970 in `*_ms`. Names,
//! phones and addresses are opened for the screen only: nothing here logs.

pub mod site;
