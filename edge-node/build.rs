//! Embeds the kiosk's page.

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    if std::env::var_os("CARGO_FEATURE_KIOSK").is_none() {
        return Ok(());
    }
    let here = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").map_err(std::io::Error::other)?);
    getit_pages::embed(&here.join("../apps/kiosk"))
}
