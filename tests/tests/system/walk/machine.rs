//! An edge-node as it runs in life: a process of its own with a configuration, on a small real disk that can be filled.

use std::path::{Path, PathBuf};

use getit_tests::day::process::Process;
use getit_tests::small_disk::SmallDisk;
use getit_tests::window::Window;
use serde_json::{Value, json};

use super::super::screen::binary;
use super::house::House;

/// Room for the program's own files and a day of records; small enough to be filled in a moment.
const DISK_BYTES: u64 = 16 * 1024 * 1024;

/// One device.
pub(super) struct Machine {
    pub(super) disk: SmallDisk,
    pub(super) process: Process,
    config: PathBuf,
    log: PathBuf,
    address: String,
    token: String,
    client: reqwest::Client,
}

impl Machine {
    /// Enrols one by a code for `wish`, and starts it.
    pub(super) async fn open(house: &House, name: &str, wish: &Value, place: &Path) -> Self {
        let mount = place.join("disk");
        std::fs::create_dir(&mount).unwrap();
        let disk = SmallDisk::mount(&mount, DISK_BYTES).await.unwrap();
        let address = getit_tests::address::reserve().unwrap().to_string();
        let config = place.join("node.toml");
        let data = mount.join("data");
        let text = format!(
            "data_dir = {data:?}\n[http]\nlisten = \"{address}\"\n[quic]\nbackoff_most_ms = 500\n[lan]\nenabled = false\n[log]\nlevel = \"info\"\n"
        );
        std::fs::write(&config, text).unwrap();
        let code = house.operate("POST", "/devices/codes", wish).await["code"].as_str().unwrap().to_owned();
        let seen = disk.seen_from_outside().unwrap().join("data");
        let program = disk.arguments(&binary("edge-node")).unwrap();
        let task = |words: &[&str]| {
            let words = words.iter().map(|&word| word.to_owned());
            program.iter().cloned().chain(words).collect::<Vec<String>>()
        };
        let settings = config.display().to_string();
        let enrol =
            tokio::process::Command::new("nsenter").args(task(&["enrol", "--config", &settings, &code])).output();
        let enrolled = enrol.await.unwrap();
        assert!(enrolled.status.success(), "{}", String::from_utf8_lossy(&enrolled.stderr));
        let run = task(&["run", "--config", &settings]);
        let process = Process::new(name, PathBuf::from("nsenter"), &run, &seen, place);
        let (log, client) = (place.join(format!("{name}.log")), reqwest::Client::builder().no_proxy().build().unwrap());
        let mut machine = Self { disk, process, config, log, address, token: String::new(), client };
        machine.process.start().await.unwrap();
        machine.token = std::fs::read_to_string(seen.join("api.token")).unwrap().trim().to_owned();
        machine
    }

    /// What a clerk does in the morning: asks for the link, and opens it in the browser.
    pub(super) async fn show(&self, window: &Window) {
        let config = self.config.display().to_string();
        let program = self.disk.arguments(&binary("edge-node")).unwrap();
        let asked = tokio::process::Command::new("nsenter").args(program).args(["open", "--config", &config]).output();
        let asked = asked.await.unwrap();
        assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
        window.visit(String::from_utf8(asked.stdout).unwrap().trim()).await.unwrap();
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        let asked = self.client.get(format!("http://{}/api/v1/{path}", self.address)).bearer_auth(&self.token);
        asked.send().await.unwrap().json().await.unwrap()
    }

    /// Asks for one act; an error when the machine dies of it, or meanwhile.
    pub(super) fn record(&self, act: [u8; 16], command: &Value) -> impl Future<Output = Result<Value, String>> + use<> {
        let body = json!({ "act": data_encoding::HEXLOWER.encode(&act), "command": command });
        let asked = self.client.post(format!("http://{}/api/v1/commands", self.address)).bearer_auth(&self.token);
        let asked = asked.json(&body).send();
        async move {
            let answer = asked.await.map_err(|error| error.to_string())?;
            let (status, text) = (answer.status(), answer.text().await.map_err(|error| error.to_string())?);
            if !status.is_success() {
                return Err(text);
            }
            serde_json::from_str(&text).map_err(|error| error.to_string())
        }
    }

    /// Everything that it has logged.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }
}
