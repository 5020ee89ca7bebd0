//! The rules of the house that a test can hold: who may know whom, which package lives in which
//! room, how long a file may be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand};

/// Which of our crates each may depend on.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("protocol-quic", &["protocol"]),
    ("getit-pages", &[]),
    ("central", &["protocol", "getit-pages"]),
    ("edge-node", &["protocol", "protocol-quic", "getit-pages"]),
    ("sync-hub", &["protocol", "protocol-quic", "central"]),
    ("getit-delivery", &["edge-node"]),
    ("getit-vendor", &["edge-node"]),
    ("getit-tests", &["protocol", "protocol-quic", "central", "edge-node", "sync-hub"]),
];

/// A foreign package, the crates that may name it in their manifest, and the rooms (path prefixes)
/// in which its name may stand in the source.
const ROOMS: &[(&str, &[&str], &[&str])] = &[
    ("quinn", &["protocol-quic"], &["protocol/quic/src/"]),
    ("rusqlite", &["edge-node"], &["edge-node/src/store"]),
    ("mdns_sd", &["edge-node"], &["edge-node/src/lan/find"]),
    ("tantivy", &["edge-node", "central"], &["edge-node/src/search", "central/src/search"]),
    ("automerge", &["protocol"], &["protocol/src/document"]),
    ("sqlx", &["central"], &["central/src/"]),
    ("axum", &["central", "edge-node", "sync-hub"], &["central/src/", "edge-node/src/kiosk", "sync-hub/src/admin"]),
    ("tauri", &["getit-delivery", "getit-vendor"], &["apps/"]),
];

/// What protocol may be made of: nothing with IO, clocks or chance.
const PROTOCOL_MAY_USE: &[&str] = &[
    // The key of a handover code: slow by memory, and as pure as a hash.
    "argon2",
    "automerge",
    "blake3",
    "chacha20poly1305",
    // Hex of a scanned token.
    "data-encoding",
    "ed25519-dalek",
    "minicbor",
    "miniz_oxide",
    "serde",
    "thiserror",
];

const LONGEST_FILE: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn normal_dependencies(metadata: &Metadata) -> BTreeMap<String, BTreeSet<String>> {
    let members = metadata.workspace_packages();
    let names = |package: &&cargo_metadata::Package| {
        let normal = package.dependencies.iter().filter(|d| d.kind == cargo_metadata::DependencyKind::Normal);
        (package.name.to_string(), normal.map(|d| d.name.clone()).collect())
    };
    members.iter().map(names).collect()
}

fn violations(dependencies: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut found = Vec::new();
    let ours: BTreeSet<&str> = MAY_KNOW.iter().map(|(name, _)| *name).collect();
    for (name, uses) in dependencies {
        let Some((_, allowed)) = MAY_KNOW.iter().find(|(known, _)| known == name) else {
            found.push(format!("{name} is a new crate: give it a line in MAY_KNOW"));
            continue;
        };
        for used in uses.iter().filter(|used| ours.contains(used.as_str()) && !allowed.contains(&used.as_str())) {
            found.push(format!("{name} may not know {used}"));
        }
        for (package, owners, _) in ROOMS {
            if uses.contains(*package) && !owners.contains(&name.as_str()) && name != "getit-tests" {
                found.push(format!("{name} may not use {package}: it lives in {owners:?}"));
            }
        }
        if name == "protocol" {
            for used in uses.iter().filter(|used| !PROTOCOL_MAY_USE.contains(&used.as_str())) {
                found.push(format!("protocol is pure and may not use {used}"));
            }
        }
    }
    found
}

#[test]
fn crates_know_only_whom_they_may() {
    let metadata = MetadataCommand::new().current_dir(root()).no_deps().exec().unwrap();
    let dependencies = normal_dependencies(&metadata);
    assert_eq!(dependencies.len(), MAY_KNOW.len(), "crates: {:?}", dependencies.keys());
    assert_eq!(violations(&dependencies), Vec::<String>::new());
}

#[test]
fn a_forbidden_dependency_is_named() {
    let fixture: BTreeMap<String, BTreeSet<String>> =
        serde_json::from_str(include_str!("../../fixtures/forbidden_dependencies.json")).unwrap();
    let expected = [
        "central may not know edge-node",
        "edge-node may not use sqlx: it lives in [\"central\"]",
        "protocol is pure and may not use tokio",
        "shop is a new crate: give it a line in MAY_KNOW",
        "sync-hub may not use quinn: it lives in [\"protocol-quic\"]",
    ];
    assert_eq!(violations(&fixture), expected);
}

#[test]
fn the_apps_leave_the_kiosk_out() {
    for app in ["delivery", "vendor"] {
        let manifest = std::fs::read_to_string(root().join(format!("apps/{app}/src-tauri/Cargo.toml"))).unwrap();
        assert!(manifest.contains("edge-node.workspace = true"), "{app} takes the workspace's edge-node");
        assert!(!manifest.contains("kiosk"), "{app} must not switch axum on");
    }
    let workspace = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(workspace.contains(r#"edge-node = { path = "edge-node", default-features = false }"#));
}

fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![root()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir()
                && !name.starts_with('.')
                && !["target", "node_modules", "dist", "gen"].contains(&name.as_str())
            {
                open.push(path);
            } else if name.ends_with(".rs") {
                let relative = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                found.push((relative, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(found.len() > 10, "the walk found the sources");
    found
}

#[test]
fn packages_stay_in_their_rooms() {
    for (path, text) in sources().iter().filter(|(path, _)| !path.starts_with("tests/") && !path.ends_with("build.rs"))
    {
        for (package, _, rooms) in ROOMS {
            let named = text.contains(&format!("{package}::")) || text.contains(&format!("use {package};"));
            assert!(
                !named || rooms.iter().any(|room| path.starts_with(room)),
                "{path} names {package}; it lives in {rooms:?}"
            );
        }
    }
}

#[test]
fn no_file_is_a_ballroom_and_none_is_a_drawer() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(
            lines <= LONGEST_FILE,
            "{path} has {lines} lines; {LONGEST_FILE} at the most: which noun can move out?"
        );
        for drawer in ["util", "utils", "helpers", "common", "manager", "mod"] {
            assert!(!path.ends_with(&format!("/{drawer}.rs")), "{path}: name the noun");
        }
    }
}

#[test]
fn the_product_does_not_lean_on_its_workshop() {
    for (path, text) in sources() {
        assert!(!text.contains(concat!("../", "shared")), "{path} refers to the workshop");
        assert!(!text.contains(concat!("#[", "ignore")), "{path} has an ignored test");
    }
}
