//! The programs that have windows.

use std::path::{Path, PathBuf};

/// A program of the workspace, beside this test's own: everything is built as one.
pub(super) fn binary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_day")).parent().unwrap().join(name)
}
