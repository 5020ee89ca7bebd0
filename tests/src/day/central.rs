//! What the day asks of central's public API.

use std::time::Duration;

use anyhow::{Context, bail};
use protocol::id::Subject;
use reqwest::StatusCode;
use serde_json::{Value, json};

/// A client of central with tokens of three roles.
#[derive(Clone)]
pub struct Central {
    http: reqwest::Client,
    base: String,
    customer: String,
    operations: String,
    finance: String,
    checker: String,
}

/// An answer that is an error of the API.
#[derive(Clone, Debug)]
pub struct Refused {
    /// HTTP status.
    pub status: u16,
    /// Stable code.
    pub code: String,
    /// The sentence.
    pub message: String,
}

impl Central {
    /// A client for `http://address`.
    #[must_use]
    pub fn new(address: &str, customer: String, operations: String, finance: String) -> Self {
        let checker = finance.clone();
        Self { http: client(), base: format!("http://{address}/api/v1"), customer, operations, finance, checker }
    }

    /// With a second person in finance.
    #[must_use]
    pub fn with_checker(self, checker: String) -> Self {
        Self { checker, ..self }
    }

    /// Places an order. The same key may be sent again: that is how a lost answer is asked for.
    ///
    /// # Errors
    /// When central stays away; `Ok(Err)` is its refusal.
    pub async fn place(&self, key: &str, order: &Value) -> anyhow::Result<Result<Value, Refused>> {
        for _ in 0..RETRIES {
            let request = self.http.post(format!("{}/orders", self.base)).bearer_auth(&self.customer);
            let answer = request.header("Idempotency-Key", key).json(order).send().await;
            match outcome(answer).await {
                Some(outcome) => return Ok(outcome),
                None => tokio::time::sleep(RETRY).await,
            }
        }
        bail!("central did not answer while placing an order")
    }

    /// Reads an order, as its customer sees it.
    ///
    /// # Errors
    /// As [`Central::place`].
    pub async fn order(&self, order: &str) -> anyhow::Result<Result<Value, Refused>> {
        for _ in 0..RETRIES {
            let request = self.http.get(format!("{}/orders/{order}", self.base)).bearer_auth(&self.customer);
            match outcome(request.send().await).await {
                Some(outcome) => return Ok(outcome),
                None => tokio::time::sleep(RETRY).await,
            }
        }
        bail!("central did not answer while an order was read")
    }

    /// Cancels an order.
    ///
    /// # Errors
    /// As [`Central::place`].
    pub async fn cancel(&self, order: &str) -> anyhow::Result<Result<Value, Refused>> {
        for _ in 0..RETRIES {
            let request = self.http.post(format!("{}/orders/{order}/cancel", self.base)).bearer_auth(&self.customer);
            match outcome(request.send().await).await {
                Some(outcome) => return Ok(outcome),
                None => tokio::time::sleep(RETRY).await,
            }
        }
        bail!("central did not answer while cancelling an order")
    }

    /// A POST by operations.
    ///
    /// # Errors
    /// Everything but success.
    pub async fn operate(&self, method: reqwest::Method, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.operations);
        let answer = request.json(body).send().await.with_context(|| format!("central: {path}"))?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("central answered {status} to {path}: {text}");
        }
        Ok(serde_json::from_str(&text)?)
    }

    /// A record by finance. The same key may be sent again.
    ///
    /// # Errors
    /// As [`Central::place`].
    pub async fn record(&self, path: &str, key: &str, body: &Value) -> anyhow::Result<Result<Value, Refused>> {
        for _ in 0..RETRIES {
            let request = self.http.post(format!("{}/finance/{path}", self.base)).bearer_auth(&self.finance);
            let answer = request.header("Idempotency-Key", key).json(body).send().await;
            match outcome(answer).await {
                Some(outcome) => return Ok(outcome),
                None => tokio::time::sleep(RETRY).await,
            }
        }
        bail!("central did not answer while finance recorded {path}")
    }

    /// A file that finance hands in. The same key may be sent again.
    ///
    /// # Errors
    /// As [`Central::place`].
    pub async fn record_file(&self, path: &str, key: &str, file: Vec<u8>) -> anyhow::Result<Result<Value, Refused>> {
        for _ in 0..RETRIES {
            let request = self.http.post(format!("{}/finance/{path}", self.base)).bearer_auth(&self.finance);
            match outcome(request.header("Idempotency-Key", key).body(file.clone()).send().await).await {
                Some(outcome) => return Ok(outcome),
                None => tokio::time::sleep(RETRY).await,
            }
        }
        bail!("central did not answer while finance handed in a file")
    }

    /// What the second person in finance says yes to.
    ///
    /// # Errors
    /// As [`Central::place`].
    pub async fn agree(&self, path: &str, key: &str) -> anyhow::Result<Result<Value, Refused>> {
        for _ in 0..RETRIES {
            let request = self.http.post(format!("{}/finance/{path}", self.base)).bearer_auth(&self.checker);
            match outcome(request.header("Idempotency-Key", key).send().await).await {
                Some(outcome) => return Ok(outcome),
                None => tokio::time::sleep(RETRY).await,
            }
        }
        bail!("central did not answer while the second person agreed")
    }

    /// A read by finance.
    ///
    /// # Errors
    /// Everything but success.
    pub async fn finance(&self, path: &str) -> anyhow::Result<Value> {
        let request = self.http.get(format!("{}/finance/{path}", self.base)).bearer_auth(&self.finance);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    /// An enrolment code.
    ///
    /// # Errors
    /// As [`Central::operate`].
    pub async fn code(&self, body: &Value) -> anyhow::Result<(String, String)> {
        let answer = self.operate(reqwest::Method::POST, "/devices/codes", body).await?;
        let text =
            |field: &str| answer[field].as_str().map(str::to_owned).with_context(|| format!("no {field} in {answer}"));
        Ok((text("code")?, text("party")?))
    }

    /// Where the API is, for people.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }
}

/// A client that gives up on a dead process quickly: it is asked again.
#[must_use]
pub fn client() -> reqwest::Client {
    // A second install is refused; the first one is the same.
    let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap_or_default()
}

const RETRIES: usize = 200;
const RETRY: Duration = Duration::from_millis(200);

/// `None`: nobody answered, or not for good; ask again.
async fn outcome(answer: reqwest::Result<reqwest::Response>) -> Option<Result<Value, Refused>> {
    let answer = answer.ok()?;
    let status = answer.status();
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return None;
    }
    let body: Value = answer.json().await.ok()?;
    if status.is_success() {
        return Some(Ok(body));
    }
    let text = |field: &str| body[field].as_str().unwrap_or("unknown").to_owned();
    Some(Err(Refused { status: status.as_u16(), code: text("code"), message: text("message") }))
}

/// The JSON of an order of a file; `point` is where the customer fetches it.
#[must_use]
pub fn order_json(order: &crate::order_file::FileOrder, point: Option<Subject>) -> Value {
    let item = |item: &crate::order_file::FileItem| json!({ "vendor": item.vendor, "sku": item.sku, "qty": item.qty, "unit_price_paisa": item.unit_price_paisa });
    json!({
        "reference": order.order_ref,
        "customer": { "name": order.customer_name, "phone": order.phone },
        "address": { "district": order.district, "upazila": order.upazila, "line": order.address },
        "payment": if order.prepaid.is_some() { "prepaid" } else { "cod" },
        "deliver_to": point.map_or_else(|| json!("door"), |point| json!({ "point": point })),
        "items": order.items.iter().map(item).collect::<Vec<_>>(),
    })
}
