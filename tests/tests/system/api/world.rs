//! A central on a fresh database, with tokens, a site, two vendors and offers.

use central::config::{Clock, Closing, Config, Database, Http, Hubs, Log};
use central::http::{Running, serve};
use central::tokens::{self, Role};
use ed25519_dalek::{Signer, SigningKey};
use getit_tests::postgres::Cluster;
use protocol::blob::{self, BlobId, BlobPart};
use protocol::burst::{Burst, ChainPlace};
use protocol::fact::Fact;
use protocol::id::{Incarnation, OpId, ShortId, Subject};
use protocol::intake::{Verified, op_of};
use protocol::seat::Certificate;
use serde_json::{Value, json};

pub(super) struct World {
    pub(super) running: Running,
    pub(super) site: Subject,
    pub(super) client: reqwest::Client,
    tokens: Vec<(&'static str, String)>,
    data: tempfile::TempDir,
    url: String,
}

/// Status and body.
#[derive(Debug)]
pub(super) struct Answer(pub(super) u16, pub(super) Value);

/// Any request, as hostile as wanted.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: String,
    /// With the query, percent-encoded.
    pub(super) path: String,
    pub(super) token: Option<Vec<u8>>,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
    pub(super) tls: bool,
}

impl Request {
    pub(super) fn get(path: &str) -> Self {
        let (method, path) = ("GET".to_owned(), path.to_owned());
        Self { method, path, token: None, headers: Vec::new(), body: Vec::new(), tls: false }
    }
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// Content type.
    pub(super) kind: String,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Answer {
    pub(super) fn code(&self) -> &str {
        self.1["code"].as_str().unwrap_or_default()
    }

    pub(super) fn text(&self, field: &str) -> String {
        self.1[field].as_str().unwrap_or_default().to_owned()
    }
}

impl World {
    pub(super) async fn start() -> Self {
        Self::start_by(Clock::default()).await
    }

    /// With business time that stands at a moment when it begins, and goes on as fast as life does.
    pub(super) async fn start_at(business_ms: u64) -> Self {
        Self::start_by(at(business_ms)).await
    }

    async fn start_by(clock: Clock) -> Self {
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let (url, pool) = Cluster::shared().unwrap().fresh_database().await.unwrap();
        pool.close().await;
        let data = tempfile::tempdir().unwrap();
        let running = serve_by(data.path(), &url, clock).await;
        let mut minted = Vec::new();
        for role in [Role::Customer, Role::Operations, Role::Finance] {
            minted.push((role.word(), tokens::mint(&running.pool, role).await.unwrap()));
        }
        let pem = std::fs::read(data.path().join("ca.pem")).unwrap();
        let ca = reqwest::Certificate::from_pem(&pem).unwrap();
        // A server that answers before it has read the whole body ends the connection: a request on a
        // kept one would race with that end.
        let client = reqwest::Client::builder().tls_certs_only([ca]).no_proxy().pool_max_idle_per_host(0);
        let client = client.build().unwrap();
        let mut world = Self { running, site: Subject::tenant(), client, tokens: minted, data, url };
        world.set_up().await;
        world
    }

    async fn set_up(&mut self) {
        let site = self.post("operations", "/sites", &json!({ "name": "Hub", "districts": ["Dhaka"] })).await;
        assert_eq!(site.0, 201, "{site:?}");
        self.site = Subject::parse(&site.text("site")).unwrap();
        for slug in ["meghna", "padma"] {
            let vendor = self.post("operations", "/vendors", &json!({ "slug": slug, "name": slug })).await;
            assert_eq!(vendor.0, 201, "{vendor:?}");
            let offers = json!([
                { "sku": "RICE", "name_en": "Rice", "name_bn": "চাল", "unit": "sack", "unit_price_paisa": 100_000 },
                { "sku": "TEA", "name_en": "Tea", "name_bn": "চা", "unit": "box", "unit_price_paisa": 12_345 },
            ]);
            assert_eq!(self.put_offers(slug, &offers).await.0, 200);
        }
        let token = tokens::mint_for_vendor(&self.running.pool, "meghna").await.unwrap();
        self.tokens.push((Role::Vendor.word(), token));
    }

    pub(super) async fn stop(self) {
        self.running.stop().await.unwrap();
        drop(self.data);
    }

    /// Central is stopped, and starts again at a later moment of business time.
    pub(super) async fn pass_to(&mut self, business_ms: u64) {
        let next = serve_by(self.data.path(), &self.url, at(business_ms)).await;
        std::mem::replace(&mut self.running, next).stop().await.unwrap();
    }

    /// A second person of a role; a token that [`World::call_with`] takes.
    pub(super) async fn second(&self, role: Role) -> String {
        tokens::mint(&self.running.pool, role).await.unwrap()
    }

    /// A picture of a parcel that has come whole; its name.
    pub(super) async fn photograph(&self, parcel: &str) -> String {
        let (pool, parcel) = (&self.running.pool, Subject::parse(parcel).unwrap());
        let (key,): ([u8; 32],) = sqlx::query_as("SELECT key FROM subject_key WHERE subject = $1")
            .bind(parcel.0)
            .fetch_one(pool)
            .await
            .unwrap();
        let sealed = blob::seal(&key, &[5; 24], &parcel, 0x4030, &[0xff, 0xd8, 0xff, 0xe0, 1, 2, 3]);
        let id = BlobId::of(&sealed);
        sqlx::query(
            "INSERT INTO blob (id, op, subject, author, class_kind, form, media, bytes) VALUES ($1, $1, $2, $3, 16432, 1, 1, $4)",
        )
        .bind(id.0)
        .bind(parcel.0)
        .bind([7u8; 8])
        .bind(i64::try_from(sealed.len()).unwrap())
        .execute(pool)
        .await
        .unwrap();
        let part = BlobPart { blob: id, offset: 0, bytes: sealed.into() };
        let held = central::blobs::take(pool, protocol::id::Author([7; 8]), &part).await.unwrap();
        assert_eq!(held.refused, None);
        id.to_string()
    }

    pub(super) fn token(&self, role: &str) -> &str {
        &self.tokens.iter().find(|(word, _)| *word == role).unwrap().1
    }

    pub(super) async fn get(&self, role: &str, path: &str) -> Answer {
        self.call_with("GET", path, Some(self.token(role)), &[], Vec::new()).await
    }

    /// Without any token.
    pub(super) async fn anybody(&self, path: &str) -> Answer {
        self.call_with("GET", path, None, &[], Vec::new()).await
    }

    pub(super) async fn post(&self, role: &str, path: &str, body: &Value) -> Answer {
        self.call_with("POST", path, Some(self.token(role)), &[], serde_json::to_vec(body).unwrap()).await
    }

    pub(super) async fn put_offers(&self, slug: &str, offers: &Value) -> Answer {
        let body = serde_json::to_vec(offers).unwrap();
        self.call_with("PUT", &format!("/vendors/{slug}/offers"), Some(self.token("operations")), &[], body).await
    }

    pub(super) async fn place(&self, key: &str, body: &Value) -> Answer {
        self.place_bytes(key, serde_json::to_vec(body).unwrap()).await
    }

    pub(super) async fn place_bytes(&self, key: &str, body: Vec<u8>) -> Answer {
        let token = Some(self.token("customer"));
        self.call_with("POST", "/orders", token, &[("idempotency-key", key)], body).await
    }

    /// One request to the plain listener.
    pub(super) async fn call_with(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let url = format!("http://{}/api/v1{path}", self.running.http);
        let mut request = self.client.request(method.parse().unwrap(), url).body(body);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        Answer(status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{method} {path}: not JSON: {text}")))
    }

    /// Any request, to the listener that it wants.
    pub(super) async fn send(&self, request: &Request) -> Reply {
        let url = if request.tls {
            format!("https://localhost:{}{}", self.running.https.port(), request.path)
        } else {
            format!("http://{}{}", self.running.http, request.path)
        };
        let mut built = self.client.request(request.method.parse().unwrap(), url).body(request.body.clone());
        if let Some(token) = &request.token {
            built = built.header("authorization", [b"Bearer ", token.as_slice()].concat());
        }
        for (name, value) in &request.headers {
            built = built.header(name, value.as_slice());
        }
        let response =
            built.send().await.unwrap_or_else(|error| panic!("{} not sent: {:?}", request.method, error.without_url()));
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
        let (status, kind) = (response.status().as_u16(), kind.unwrap_or_default().to_owned());
        Reply { status, kind, body: response.bytes().await.unwrap().to_vec() }
    }

    pub(super) async fn raw(&self, path: &str) -> (u16, String) {
        let response = self.client.get(format!("http://{}{path}", self.running.http)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    pub(super) async fn enrol(&self, body: &Value) -> Answer {
        let url = format!("https://localhost:{}/api/v1/enrol", self.running.https.port());
        let response = self.client.post(url).body(serde_json::to_vec(body).unwrap()).send().await.unwrap();
        Answer(response.status().as_u16(), response.json().await.unwrap())
    }

    /// Enrols a device by the path a person takes.
    pub(super) async fn device(&self, code_request: &Value, seed: u8) -> Device {
        let made = self.post("operations", "/devices/codes", code_request).await;
        assert_eq!(made.0, 201, "{made:?}");
        let code = made.text("code").rsplit_once(':').unwrap().1.to_owned();
        let key = SigningKey::from_bytes(&[seed; 32]);
        let enrolled = self.enrol(&enrol_body(&code, &key)).await;
        assert_eq!(enrolled.0, 200, "{enrolled:?}");
        let decode = |field: &str| data_encoding::BASE64.decode(enrolled.text(field).as_bytes()).unwrap();
        let authority = data_encoding::HEXLOWER.decode(enrolled.text("authority_key").as_bytes()).unwrap();
        let authority = ed25519_dalek::VerifyingKey::from_bytes(&authority.try_into().unwrap()).unwrap();
        let certificate = Certificate::decode(&decode("certificate"), &authority).unwrap();
        Certificate::decode(&decode("central_certificate"), &authority).unwrap();
        assert!(!decode("x509").is_empty() && !decode("ca").is_empty());
        assert_eq!(enrolled.1["hubs"], json!(["127.0.0.1:7443"]));
        let place = ChainPlace::start(certificate.author(), Incarnation([seed; 4]));
        Device { key, certificate, place }
    }

    /// Lets a device state a fact, after whatever central holds of the subject.
    pub(super) async fn act(&self, device: &mut Device, subject: Subject, fact: Fact) -> OpId {
        let after = self.heads(subject).await;
        self.act_after(device, subject, fact, after).await
    }

    /// The last fact that central holds of a subject: what a device names that has heard of everything.
    pub(super) async fn heads(&self, subject: Subject) -> Vec<ShortId> {
        self.last_of(subject, i64::MAX).await
    }

    /// The last fact before the first of this kind.
    pub(super) async fn heads_before(&self, subject: Subject, kind: &str) -> Vec<ShortId> {
        let number = Fact::KINDS.iter().find(|(_, name, _)| *name == kind).unwrap().0;
        let (position,): (i64,) = sqlx::query_as("SELECT min(position) FROM op WHERE subject = $1 AND class_kind = $2")
            .bind(subject.0)
            .bind(i32::from(number))
            .fetch_one(&self.running.pool)
            .await
            .unwrap();
        self.last_of(subject, position).await
    }

    async fn last_of(&self, subject: Subject, before: i64) -> Vec<ShortId> {
        let heads: Vec<([u8; 32],)> =
            sqlx::query_as("SELECT id FROM op WHERE subject = $1 AND position < $2 ORDER BY position DESC LIMIT 1")
                .bind(subject.0)
                .bind(before)
                .fetch_all(&self.running.pool)
                .await
                .unwrap();
        heads.iter().map(|(id,)| OpId(*id).short()).collect()
    }

    /// Lets a device state a fact that has heard of these, and of what they follow.
    pub(super) async fn act_after(
        &self,
        device: &mut Device,
        subject: Subject,
        fact: Fact,
        after: Vec<ShortId>,
    ) -> OpId {
        let burst = Burst::sign(&device.key, &device.place, 1, &[op_of(subject, &fact, after)]);
        device.place = device.place.then(burst.digest());
        let verified = Verified::of_own(burst);
        let id = verified.ids[0];
        let took = self.running.intake.take(vec![verified]).await.unwrap();
        assert!(took.refused.is_empty(), "{:?}", took.refused);
        id
    }

    /// The digest of every table, projections and records and the API's own.
    pub(super) async fn digests(&self) -> Vec<(String, String)> {
        let pool = &self.running.pool;
        let mut tables = central::rebuild::digest(pool).await.unwrap();
        tables.extend(central::rebuild::digest_of_records(pool).await.unwrap());
        let mut digests: Vec<(String, String)> =
            tables.into_iter().map(|(table, rows, digest)| (table.to_owned(), format!("{rows} {digest:?}"))).collect();
        for table in [
            "token",
            "site",
            "site_district",
            "vendor",
            "offer",
            "terms",
            "enrolled",
            "order_request",
            "enrol_code",
            "bank",
            "finance_request",
            "payment",
            "refund",
            "cash_refund",
            "proposed_ruling",
            "clearing",
            "return_request",
            "return_line",
            "statement",
            "statement_line",
        ] {
            let sql = format!("SELECT coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') FROM {table} t");
            let (digest,): (String,) = sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_one(pool).await.unwrap();
            digests.push((table.to_owned(), digest));
        }
        digests
    }
}

async fn serve_by(data_dir: &std::path::Path, url: &str, clock: Clock) -> Running {
    let any = "127.0.0.1:0".parse().unwrap();
    serve(Config {
        data_dir: data_dir.to_owned(),
        http: Http { listen: any, tls_listen: any, names: Vec::new() },
        database: Database { url: url.to_owned() },
        clock,
        log: Log::default(),
        hubs: Hubs { addresses: vec!["127.0.0.1:7443".to_owned()] },
        closing: Closing::default(),
    })
    .await
    .unwrap()
}

fn at(business_ms: u64) -> Clock {
    let origin_real_ms = Some(central::clock::real_ms());
    Clock { origin_business_ms: Some(business_ms), origin_real_ms, ..Clock::default() }
}

/// An enrolled device.
pub(super) struct Device {
    pub(super) key: SigningKey,
    pub(super) certificate: Certificate,
    place: ChainPlace,
}

pub(super) fn enrol_body(code: &str, key: &SigningKey) -> Value {
    let public = key.verifying_key().to_bytes();
    let proof = key.sign(&[b"getit enrol 1", code.as_bytes(), &public].concat());
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    json!({ "code": code, "public_key": hex(&public), "proof": hex(&proof.to_bytes()), "device_name": "phone" })
}

/// An order of one sack of rice.
pub(super) fn rice() -> Value {
    json!({
        "reference": "R-1",
        "customer": { "name": "রহিম উদ্দিন", "phone": "01712345678" },
        "address": { "district": "Dhaka", "upazila": "Savar", "line": "House 7, Road 3", "note": "blue gate" },
        "payment": "cod",
        "delivery": "door",
        "items": [{ "vendor": "meghna", "sku": "RICE", "qty": 1, "unit_price_paisa": 100_000 }],
    })
}
