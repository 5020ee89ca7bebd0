//! Built pages inside a program. A build script calls [`embed`]; the program serves the files with the headers below. Who
//! serves (axum, which router) is the program's own affair.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

/// A file of a page: its path inside the page's folder, and its bytes.
pub type File = (&'static str, &'static [u8]);

/// Scripts, styles and fonts of the program only, nothing inline, no frame around it, nobody else to talk to.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Headers of every answer, as name and value: also an error page of ours runs nothing.
pub const GUARDS: [(&str, &str); 5] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// The file of a path as it was asked for; the root is `index.html`.
#[must_use]
pub fn find(files: &[File], asked: &str) -> Option<File> {
    let asked = asked.trim_start_matches('/');
    let asked = if asked.is_empty() { "index.html" } else { asked };
    files.iter().find(|(name, _)| *name == asked).copied()
}

/// What a browser may keep: the build puts a hash of the content into the name of everything under `assets/`.
#[must_use]
pub fn cache_control(name: &str) -> &'static str {
    if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" }
}

/// The media type of a file, by its ending.
#[must_use]
pub fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "json" => "application/json",
        _ => "application/octet-stream",
    }
}

const PLACEHOLDER: &str = "<!doctype html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><title>GetIt</title></head>
<body><main><h1>The page is not built</h1>
<p>This program was compiled without its page. In the source folder run
<code>npm ci --prefix apps</code> and <code>npm run build --prefix apps</code>, then compile it again.
The API works without the page.</p></main></body></html>
";

/// Writes `page_files.rs` into the build script's output folder: a slice of [`File`], every file of `app/dist`. A clone
/// without node still compiles: it gets one page that says how to build the real one.
///
/// # Errors
/// When a folder cannot be read or written.
pub fn embed(app: &Path) -> io::Result<()> {
    let out = PathBuf::from(std::env::var("OUT_DIR").map_err(io::Error::other)?);
    let dist = app.join("dist");
    let mut files = Vec::new();
    if dist.join("index.html").is_file() {
        watch(&dist);
        walk(&dist, &mut files)?;
        files.sort();
    } else {
        // A path that does not exist counts as changed: watch the folder it will appear in.
        watch(app);
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

/// Has the build script run again when something there changes.
pub fn watch(path: &Path) {
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
