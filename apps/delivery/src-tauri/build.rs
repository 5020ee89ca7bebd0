//! Embeds the built page. A fresh clone has none: then a placeholder is written, so that it compiles
//! and lints without node.

use std::{fs, path::Path};

fn main() {
    let dist = Path::new("../dist");
    println!("cargo::rerun-if-changed=../dist");
    if !dist.join("index.html").exists() {
        println!("cargo::warning=no built page in ../dist: a placeholder is embedded");
        let page = "<!doctype html><meta charset=utf-8><title>GetIt</title><p>The page of this app is not built yet.";
        fs::create_dir_all(dist)
            .and_then(|()| fs::write(dist.join("index.html"), page))
            .expect("the placeholder page can be written beside the app");
    }
    tauri_build::build();
}
