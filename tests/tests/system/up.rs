//! `./dev up`: what it prints is there, its codes enrol, Ctrl-C ends everything, and the next run goes on.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use getit_tests::window::{Display, Window, id};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::screen::binary;

/// The longest that a start, or a stop, may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A run of it, with what it printed.
struct Up {
    child: Child,
    told: BTreeMap<String, String>,
}

impl Up {
    async fn start(data: &Path) -> Self {
        let program = env!("CARGO_BIN_EXE_day");
        let log = std::fs::File::create(data.with_extension("stderr")).unwrap();
        let mut child = Command::new(program)
            .args(["up", "--bin"])
            .arg(Path::new(program).parent().unwrap())
            .arg("--data")
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told = BTreeMap::new();
        let read = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if line == "Ctrl-C stops it" {
                    return true;
                }
                if let Some((name, value)) = line.split_once("  ") {
                    told.insert(name.trim().to_owned(), value.trim().to_owned());
                }
            }
            false
        };
        let ready = tokio::time::timeout(PATIENCE, read).await;
        let said = || std::fs::read_to_string(data.with_extension("stderr")).unwrap_or_default();
        assert!(matches!(ready, Ok(true)), "./dev up did not get ready: {}", said());
        Self { child, told }
    }

    fn told(&self, name: &str) -> &str {
        self.told.get(name).unwrap_or_else(|| panic!("{name} was not printed: {:?}", self.told.keys()))
    }

    /// As Ctrl-C does.
    async fn interrupt(mut self) {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it stops when told to").unwrap();
        assert!(ended.success(), "{ended}");
    }
}

async fn get(client: &reqwest::Client, url: &str, token: &str) -> (u16, String) {
    let response = client.get(url).bearer_auth(token).send().await.unwrap_or_else(|error| panic!("{url}: {error:?}"));
    (response.status().as_u16(), response.text().await.unwrap())
}

/// The parcels that the vendor sees: what there is to work on.
async fn parcels(client: &reqwest::Client, up: &Up) -> Value {
    let tokens: BTreeMap<String, String> = serde_json::from_str(&read(up.told("tokens"))).unwrap();
    let (status, text) = get(client, &format!("{}/vendors/me/parcels", up.told("central")), &tokens["vendor"]).await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_prints_is_there_and_the_next_run_goes_on() {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let folder = tempfile::Builder::new().prefix("getit-up-test-").tempdir_in("/var/tmp").unwrap();
    // The user postgres must be able to enter it.
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let data = folder.path().join("up");
    let up = Up::start(&data).await;

    let ca = reqwest::Certificate::from_pem(read(up.told("root certificate")).as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build().unwrap();
    let tokens: BTreeMap<String, String> = serde_json::from_str(&read(up.told("tokens"))).unwrap();
    for base in [up.told("central"), up.told("central https")] {
        let (status, text) = get(&client, &format!("{base}/finance/trial-balance"), &tokens["finance"]).await;
        assert_eq!(status, 200, "{text}");
        let (status, text) = get(&client, &format!("{base}/devices"), &tokens["operations"]).await;
        assert_eq!((status, text.contains("Courier hub")), (200, true), "{text}");
    }
    let (status, document) = get(&client, up.told("openapi"), "").await;
    assert_eq!((status, document.contains("\"3.1.0\"")), (200, true));
    assert_eq!(get(&client, up.told("hub"), "").await, (200, "alive".to_owned()));
    let mine = parcels(&client, &up).await;
    assert_eq!(mine["rows"].as_array().unwrap().len(), 8, "{mine}");

    // The kiosk's device is enrolled, and has the orders' parcels from the hub.
    let kiosk = up.told("kiosk").trim_end_matches('/').to_owned();
    let token = read(up.told("kiosk token"));
    let arrived = async {
        loop {
            let (status, text) = get(&client, &format!("{kiosk}/api/v1/parcels"), token.trim()).await;
            assert_eq!(status, 200, "{text}");
            let page: Value = serde_json::from_str(&text).unwrap();
            if page["rows"].as_array().is_some_and(|rows| rows.len() == 8) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, arrived).await.expect("the kiosk gets its parcels");

    // The counter's page opens by its link, and each app by its code, once.
    let counter = Window::browser("kiosk", 1366, 900).await.unwrap();
    counter.visit(up.told("kiosk page")).await.unwrap();
    counter.find(&format!("{}:not(:empty)", id("site-code"))).await.unwrap();
    counter.press(&id("nav-receive")).await.unwrap();
    counter.find(&id("receive-scan")).await.unwrap();
    counter.close().await.unwrap();
    let display = Display::start().await.unwrap();
    for (app, code, first) in [
        ("delivery", "agent's code", id("empty-run")),
        ("vendor", "vendor's code", format!("{}:nth-child(8)", id("order-row"))),
    ] {
        let device = folder.path().join(app);
        let settings = [("GETIT_APP_DATA", device.display().to_string())];
        let window = Window::app(app, &display, &binary(&format!("getit-{app}")), &settings).await.unwrap();
        window.write(&id("enrol-code"), up.told(code)).await.unwrap();
        window.press(&id("enrol-submit")).await.unwrap();
        window.find(&first).await.unwrap();
        window.picture(&format!("up-{app}")).await.unwrap();
        window.close().await.unwrap();
        assert!(edge_node::enrol::enrol(up.told(code), &folder.path().join("second"), "app").await.is_err());
    }

    // A second run on one folder is told so, and the first one goes on.
    let second = Command::new(env!("CARGO_BIN_EXE_day")).args(["up", "--bin", "/", "--data"]).arg(&data).output();
    let second = second.await.unwrap();
    assert!(!second.status.success() && String::from_utf8_lossy(&second.stderr).contains("runs already"));
    assert_eq!(parcels(&client, &up).await, mine);

    let (central, told) = (up.told("central").to_owned(), up.told.clone());
    up.interrupt().await;
    assert!(client.get(&central).send().await.is_err(), "nothing is left running");

    let again = Up::start(&data).await;
    for (name, value) in
        told.iter().filter(|(name, _)| !name.ends_with("code") && !["hub", "kiosk page"].contains(&name.as_str()))
    {
        assert_eq!(again.told(name), value, "{name}");
    }
    assert_ne!(again.told("agent's code"), told["agent's code"]);
    assert_eq!(parcels(&client, &again).await, mine);
    let (status, text) = get(&client, &format!("{kiosk}/api/v1/status"), token.trim()).await;
    assert_eq!(status, 200, "{text}");
    let status: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status["role"], json!("site"), "{status}");
    again.interrupt().await;
}

#[tokio::test]
async fn a_folder_of_somebody_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
    let up = Command::new(env!("CARGO_BIN_EXE_day")).args(["up", "--bin", "/", "--data"]).arg(folder.path()).output();
    let up = up.await.unwrap();
    assert!(!up.status.success() && String::from_utf8_lossy(&up.stderr).contains("something else"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
