//! The client that is generated from `/openapi.json`: up to date, and good for a day's work.

use std::path::PathBuf;

use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::OnceCell;

use super::contract::read_document_text;
use super::world::World;

fn package() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../apps/client").canonicalize().unwrap()
}

/// Runs a program in the package; what it printed.
async fn run(program: &str, arguments: &[&str], secrets: &[(&str, &str)]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(package()).envs(secrets.iter().copied()).kill_on_drop(true);
    let output = command.output().await.unwrap_or_else(|error| {
        panic!("{program} cannot be started ({error}): the generated client needs node 20 or newer and npm")
    });
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// The package's own tools, as its lock file names them; installed when that file is newer.
async fn install() {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    let install = || async {
        let changed = |file: &str| std::fs::metadata(package().join(file)).and_then(|meta| meta.modified()).ok();
        if changed("node_modules/.package-lock.json") < changed("package-lock.json") {
            run("npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund"], &[]).await;
        }
    };
    INSTALLED.get_or_init(install).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_committed_client_is_what_the_document_generates() {
    let world = World::start().await;
    install().await;
    let scratch = tempfile::tempdir().unwrap();
    let (document, fresh) = (scratch.path().join("openapi.json"), scratch.path().join("schema.ts"));
    std::fs::write(&document, read_document_text(&world).await).unwrap();
    let generator = "node_modules/openapi-typescript/bin/cli.js";
    run("node", &[generator, document.to_str().unwrap(), "--output", fresh.to_str().unwrap()], &[]).await;
    let fresh = std::fs::read_to_string(fresh).unwrap();
    let committed = package().join("src/schema.ts");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&committed, &fresh).unwrap();
    }
    assert!(fresh.contains("\"/api/v1/orders\"") && fresh.contains("unknown_order"), "the generator saw the document");
    // Thousands of lines: only that they differ is told.
    assert!(
        std::fs::read_to_string(committed).unwrap_or_default() == fresh,
        "the API has changed: UPDATE_EXPECT=1 cargo test --workspace --test system api::client"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_generated_client_places_reads_and_cancels() {
    let world = World::start().await;
    install().await;
    run("node", &["node_modules/typescript/bin/tsc", "--project", "."], &[]).await;
    let base = format!("http://{}", world.running.http);
    let said = run("node", &["dist/test/order.js", &base], &[("GETIT_TOKEN", world.token("customer"))]).await;
    let said: Value = serde_json::from_str(&said).unwrap();
    let expected = json!({
        "statuses": [201, 200, 200, 200, 409],
        "same": true,
        "reference": "C-1",
        "total_paisa": 206_900,
        "before": "open",
        "after": "cancelled",
        "code": "price_changed",
        "next": "Show the customer the new price, then order again.",
    });
    assert_eq!(said, expected);
    world.stop().await;
}
