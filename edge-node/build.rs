//! Embeds the kiosk's page: every file of `apps/kiosk/dist`, as built by npm. A clone without node
//! still compiles: it gets one page that says how to build the real one.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

const PLACEHOLDER: &str = "<!doctype html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><title>GetIt</title></head>
<body><main><h1>The page is not built</h1>
<p>This program was compiled without its page. In the source folder run
<code>npm ci --prefix apps</code> and <code>npm run build --prefix apps</code>, then compile it again.
The API works without the page.</p></main></body></html>
";

fn main() -> io::Result<()> {
    if std::env::var_os("CARGO_FEATURE_KIOSK").is_none() {
        return Ok(());
    }
    let here = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?);
    let out = PathBuf::from(std::env::var("OUT_DIR").map_err(io::Error::other)?);
    let dist = here.join("../apps/kiosk/dist");
    let mut files = Vec::new();
    if dist.join("index.html").is_file() {
        watch(&dist);
        walk(&dist, &mut files)?;
        files.sort();
    } else {
        // A path that does not exist counts as changed: watch the folder it will appear in.
        watch(&here.join("../apps/kiosk"));
        let page = out.join("index.html");
        std::fs::write(&page, PLACEHOLDER)?;
        files.push(page);
    }
    let root = if files.iter().any(|file| file.starts_with(&dist)) { dist } else { out.clone() };
    let mut list = String::from("&[\n");
    for (number, file) in files.iter().enumerate() {
        let name = file.strip_prefix(&root).map_err(io::Error::other)?.to_string_lossy().into_owned();
        // A copy: npm may build the page anew while the compiler reads.
        let path = out.join(format!("page-{number}"));
        std::fs::copy(file, &path)?;
        writeln!(list, "    ({name:?}, include_bytes!({:?})),", path.display().to_string())
            .map_err(io::Error::other)?;
    }
    list.push(']');
    std::fs::write(out.join("page_files.rs"), list)
}

fn watch(path: &Path) {
    // The build script's way to speak to cargo.
    #[allow(clippy::print_stdout)]
    {
        println!("cargo::rerun-if-changed={}", path.display());
    }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { walk(&path, files)? } else { files.push(path) }
    }
    Ok(())
}
