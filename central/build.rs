//! Embeds the console's page.

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let here = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").map_err(std::io::Error::other)?);
    // A new migration has to be compiled in, too.
    getit_pages::watch(&here.join("migrations"));
    getit_pages::embed(&here.join("../apps/console"))
}
