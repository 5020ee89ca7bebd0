//! What screens show: one module a face. Each function reads one snapshot and returns plain data, which
//! the kiosk serves over its loopback API and the windows get by commands of the same names. Their
//! TypeScript types are exported to `apps/ui/src/lib/generated`.
//!
//! Amounts are whole paisa in a field named `*_paisa`, times are milliseconds since 1970 in `*_ms`. Names,
//! phones and addresses are opened for the screen only: nothing here logs.

pub mod agent;
pub mod refused;
pub mod site;
pub mod vendor;
pub mod waiting;

#[cfg(test)]
pub(crate) mod types {
    //! Holds the committed TypeScript to the Rust types; `UPDATE_EXPECT=1 cargo test` writes it anew.

    use std::path::Path;

    use ts_rs::{Config, TS};

    pub(crate) fn committed<T: TS + 'static>() {
        let config = Config::new().with_large_int("number");
        let name = format!("../../apps/ui/src/lib/generated/{}.ts", T::ident(&config));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name);
        expect_test::expect_file![path].assert_eq(&T::export_to_string(&config).unwrap());
    }
}
