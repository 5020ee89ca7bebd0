//! A real window or a real browser, driven over WebDriver as a person would use it: look for what is on
//! the screen, press it, type.
//!
//! The apps' windows are WebKit under an X server without a screen; the kiosk's page is in Chromium.
//! Each has a driver process of its own, which ends with the [`Window`].

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use data_encoding::BASE64;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// What is not on the screen by then does not come: a page is there in a second, on a busy machine in ten.
const PATIENCE: Duration = Duration::from_secs(40);
/// How often the screen is looked at.
const LOOK: Duration = Duration::from_millis(60);
/// How WebDriver names an element in its answers; fixed by its specification.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// From one stroke of a scanner to the next: a slow one.
const STROKE: Duration = Duration::from_millis(8);
/// Shift, as `Input.dispatchKeyEvent` counts modifiers.
const SHIFT: u32 = 8;

/// One key of a scanner, on the American layout that it is set to.
struct Stroke {
    /// The place on the keyboard, as `KeyboardEvent.code` names it.
    code: String,
    /// What it writes; for Enter its name.
    key: String,
    text: String,
    shift: bool,
}

impl Stroke {
    fn of(sign: char) -> anyhow::Result<Self> {
        let (code, shift) = match sign {
            'a'..='z' | 'A'..='Z' => (format!("Key{}", sign.to_ascii_uppercase()), sign.is_ascii_uppercase()),
            '0'..='9' => (format!("Digit{sign}"), false),
            '*' => ("Digit8".to_owned(), true),
            '$' => ("Digit4".to_owned(), true),
            '~' => ("Backquote".to_owned(), true),
            '-' => ("Minus".to_owned(), false),
            '=' => ("Equal".to_owned(), false),
            ':' => ("Semicolon".to_owned(), true),
            '/' => ("Slash".to_owned(), false),
            '.' => ("Period".to_owned(), false),
            ' ' => ("Space".to_owned(), false),
            _ => bail!("no scanner sends {sign:?}"),
        };
        Ok(Self { code, key: sign.to_string(), text: sign.to_string(), shift })
    }

    fn enter() -> Self {
        Self { code: "Enter".to_owned(), key: "Enter".to_owned(), text: "\r".to_owned(), shift: false }
    }

    /// For `Input.dispatchKeyEvent` of the Chrome DevTools Protocol. `at` is since 1970.
    fn params(&self, how: &str, at: Duration) -> Value {
        let modifiers = if self.shift { SHIFT } else { 0 };
        let text = if how == "keyDown" { self.text.as_str() } else { "" };
        json!({
            "type": how, "code": self.code, "key": self.key, "text": text, "modifiers": modifiers,
            "timestamp": at.as_secs_f64(),
        })
    }
}

/// An X server without a screen. Ends when dropped.
pub struct Display {
    name: String,
    _server: Child,
}

impl Display {
    /// Starts one on the first free number.
    ///
    /// # Errors
    /// When Xvfb is not installed (`./dev setup`) or does not start.
    pub async fn start() -> anyhow::Result<Self> {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1400x1000x24", "-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("Xvfb does not start: run ./dev setup")?;
        let out = server.stdout.take().context("Xvfb has no output")?;
        let mut number = String::new();
        tokio::time::timeout(PATIENCE, BufReader::new(out).read_line(&mut number))
            .await
            .context("Xvfb is silent")??;
        Ok(Self { name: format!(":{}", number.trim()), _server: server })
    }
}

/// Where pictures go when somebody wants to look at them.
const PICTURES: &str = "GETIT_PICTURES";

/// How a page marks what tests press and read.
#[must_use]
pub fn id(testid: &str) -> String {
    format!("[data-testid=\"{testid}\"]")
}

/// One window and its driver.
pub struct Window {
    /// For messages.
    pub name: String,
    http: reqwest::Client,
    base: String,
    session: String,
    // The folder is removed after the driver has ended: fields are dropped in this order.
    _driver: Child,
    _folder: tempfile::TempDir,
}

impl Window {
    /// Opens Chromium on an empty profile, `width` by `height` pixels.
    ///
    /// # Errors
    /// When chromium or its driver is not installed (`./dev setup`) or does not start.
    pub async fn browser(name: &str, width: u32, height: u32) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let profile = format!("--user-data-dir={}", folder.path().join("profile").display());
        let size = format!("--window-size={width},{height}");
        let quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"];
        let plain = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
        let flags: Vec<&str> = plain.into_iter().chain(quiet).chain([profile.as_str(), size.as_str()]).collect();
        let options = json!({ "goog:chromeOptions": { "binary": "/usr/bin/chromium", "args": flags } });
        Self::open(name, "chromedriver", &[], folder, &options).await
    }

    /// Opens an app's window. `settings` are environment variables of the app.
    ///
    /// # Errors
    /// When WebKitWebDriver is not installed (`./dev setup`), or the app does not start.
    pub async fn app(
        name: &str,
        display: &Display,
        binary: &Path,
        settings: &[(&str, String)],
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let place = |part: &str| folder.path().join(part).display().to_string();
        let mut environment: Vec<(&str, String)> = vec![
            ("DISPLAY", display.name.clone()),
            ("TAURI_WEBVIEW_AUTOMATION", "true".to_owned()),
            ("XDG_DATA_HOME", place("data")),
            ("XDG_CACHE_HOME", place("cache")),
            ("XDG_CONFIG_HOME", place("config")),
        ];
        environment.extend(settings.iter().map(|(key, value)| (*key, value.clone())));
        let options = json!({ "webkitgtk:browserOptions": { "binary": binary, "args": [] } });
        Self::open(name, "WebKitWebDriver", &environment, folder, &options).await
    }

    async fn open(
        name: &str,
        driver: &str,
        environment: &[(&str, String)],
        folder: tempfile::TempDir,
        options: &Value,
    ) -> anyhow::Result<Self> {
        let port = crate::address::reserve()?.port();
        let child = Command::new(driver)
            .arg(format!("--port={port}"))
            .envs(environment.iter().map(|(key, value)| (*key, value.as_str())).collect::<BTreeMap<_, _>>())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{driver} does not start: run ./dev setup"))?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let base = format!("http://127.0.0.1:{port}");
        let wanted = json!({ "capabilities": { "alwaysMatch": options } });
        let deadline = Instant::now() + PATIENCE;
        let answer = loop {
            match http.post(format!("{base}/session")).json(&wanted).send().await {
                Ok(answer) => break answer.json::<Value>().await?,
                Err(error) if Instant::now() > deadline => bail!("{name}: {driver} does not answer: {error}"),
                Err(_) => tokio::time::sleep(LOOK).await,
            }
        };
        let session = answer["value"]["sessionId"].as_str().with_context(|| format!("{name}: {answer}"))?.to_owned();
        Ok(Self { name: name.to_owned(), http, base, session, _driver: child, _folder: folder })
    }

    async fn call(&self, method: reqwest::Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let mut request = self.http.request(method, format!("{}/session/{}{path}", self.base, self.session));
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer: Value = request.send().await?.json().await?;
        if answer["value"]["error"].is_string() {
            bail!("{}: {}: {}", self.name, answer["value"]["error"], answer["value"]["message"]);
        }
        Ok(answer["value"].clone())
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call(reqwest::Method::POST, path, Some(body)).await
    }

    /// Opens an address.
    ///
    /// # Errors
    /// The driver's.
    pub async fn visit(&self, url: &str) -> anyhow::Result<()> {
        self.post("/url", &json!({ "url": url })).await.map(drop)
    }

    /// Runs a script in the page and returns what it returns.
    ///
    /// # Errors
    /// The driver's, and what the script throws.
    pub async fn script(&self, script: &str, arguments: &[Value]) -> anyhow::Result<Value> {
        self.post("/execute/sync", &json!({ "script": script, "args": arguments })).await
    }

    async fn look(&self, css: &str) -> anyhow::Result<Option<String>> {
        let found = self.post("/elements", &json!({ "using": "css selector", "value": css })).await?;
        Ok(found.as_array().and_then(|all| all.first()).and_then(|one| one[ELEMENT].as_str()).map(str::to_owned))
    }

    /// Waits until something that matches `css` is there.
    ///
    /// # Errors
    /// After [`PATIENCE`], with what the page says instead.
    pub async fn find(&self, css: &str) -> anyhow::Result<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // A page that is being loaded answers with an error: look again.
            match self.look(css).await {
                Ok(Some(found)) => return Ok(found),
                answer if Instant::now() > deadline => {
                    let says = self.text("body").await.unwrap_or_default();
                    bail!("{}: no {css} on the screen ({:?}); it says: {says}", self.name, answer.err());
                }
                _ => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// Whether something that matches is on the screen now.
    ///
    /// # Errors
    /// The driver's.
    pub async fn shows(&self, css: &str) -> anyhow::Result<bool> {
        Ok(self.look(css).await?.is_some())
    }

    /// The text of the first match, or nothing.
    ///
    /// # Errors
    /// The driver's.
    pub async fn text(&self, css: &str) -> anyhow::Result<String> {
        let script = "const e = document.querySelector(arguments[0]); return e ? e.innerText : '';";
        Ok(self.script(script, &[json!(css)]).await?.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until the text of the first match satisfies `wanted`, and returns it.
    ///
    /// # Errors
    /// After [`PATIENCE`], with the text there is.
    pub async fn until(&self, css: &str, wanted: impl Fn(&str) -> bool) -> anyhow::Result<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = self.text(css).await.unwrap_or_default();
            if wanted(&text) {
                return Ok(text);
            }
            if Instant::now() > deadline {
                bail!("{}: {css} says {text:?}; the screen: {}", self.name, self.text("body").await?);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Presses the first match, once it is there and may be pressed.
    ///
    /// # Errors
    /// After [`PATIENCE`].
    pub async fn press(&self, css: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let element = self.find(&format!("{css}:not([disabled])")).await?;
            match self.post(&format!("/element/{element}/click"), &json!({})).await {
                Ok(_) => return Ok(()),
                // Covered by something that moves, or drawn anew since: look again.
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// Types into the first match, after emptying it.
    ///
    /// # Errors
    /// After [`PATIENCE`].
    pub async fn write(&self, css: &str, text: &str) -> anyhow::Result<()> {
        let element = self.find(css).await?;
        self.post(&format!("/element/{element}/clear"), &json!({})).await?;
        self.post(&format!("/element/{element}/value"), &json!({ "text": text })).await.map(drop)
    }

    /// Types into the browser as a scanner does: fast, wherever the focus is, and Enter at the end. Each stroke carries
    /// the time at which a scanner would have sent it, as the kernel stamps a real one: how long the driver takes for a
    /// stroke on a busy machine says nothing about the scanner.
    ///
    /// # Errors
    /// The driver's, and a sign that no scanner of ours sends.
    pub async fn scan(&self, text: &str) -> anyhow::Result<()> {
        let began = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let strokes = text.chars().map(Stroke::of).chain([Ok(Stroke::enter())]);
        for (stroke, at) in strokes.zip(0u32..) {
            let stroke = stroke?;
            for (how, at) in [("keyDown", began + STROKE * at), ("keyUp", began + STROKE * at + STROKE / 2)] {
                let params = stroke.params(how, at);
                self.post("/goog/cdp/execute", &json!({ "cmd": "Input.dispatchKeyEvent", "params": params })).await?;
            }
        }
        Ok(())
    }

    /// An attribute of the first match, or nothing.
    ///
    /// # Errors
    /// The driver's.
    pub async fn attribute(&self, css: &str, name: &str) -> anyhow::Result<String> {
        let script = "return document.querySelector(arguments[0])?.getAttribute(arguments[1]) ?? '';";
        Ok(self.script(script, &[json!(css), json!(name)]).await?.as_str().unwrap_or_default().to_owned())
    }

    /// Keeps a picture of the window as PNG, when `GETIT_PICTURES` names a folder to look at.
    ///
    /// # Errors
    /// The driver's, and the file's.
    pub async fn picture(&self, name: &str) -> anyhow::Result<()> {
        let Some(folder) = std::env::var_os(PICTURES) else { return Ok(()) };
        std::fs::create_dir_all(&folder)?;
        // A picture lags behind the page by up to two frames.
        self.script(
            "return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))));",
            &[],
        )
        .await?;
        let picture = self.call(reqwest::Method::GET, "/screenshot", None).await?;
        let bytes = BASE64.decode(picture.as_str().unwrap_or_default().as_bytes())?;
        Ok(std::fs::write(Path::new(&folder).join(format!("{name}.png")), bytes)?)
    }

    /// Closes the window; its app or browser ends.
    ///
    /// # Errors
    /// The driver's.
    pub async fn close(self) -> anyhow::Result<()> {
        self.call(reqwest::Method::DELETE, "", None).await.map(drop)
    }
}
