//! Enrolment: a code from operations makes this installation a seat. The key is made here and never
//! leaves.

use std::path::Path;
use std::time::Duration;

use data_encoding::{BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use protocol::seat::Certificate;
use serde::{Deserialize, Serialize};

use crate::clock::BusinessClock;
use crate::node::{Node, NodeError, random};
use crate::pin;
use crate::store::{Identity, Store, StoreError};

const PREFIX: &str = "getit1:";
/// What the proof of possession is bound to.
const PROOF: &[u8] = b"getit enrol 1";
/// A slow link gets a minute; then the person tries again.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Longest code that is read: an address, a few hubs, a hash, a secret.
const MAX_CODE_BYTES: usize = 1_024;
/// Longest name of a device.
const MAX_NAME_CHARS: usize = 60;

/// Why the device is not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// Not a code.
    #[error("this is not an enrolment code: copy it whole, it starts with getit1:")]
    Code,
    /// Central cannot be reached, or is not the one that the code names.
    #[error("central cannot be reached ({0}): check the network, and that the code is of this system")]
    Connection(#[source] reqwest::Error),
    /// TLS cannot be set up.
    #[error("the secure connection cannot be set up ({0}): report this")]
    Tls(#[source] rustls::Error),
    /// Central said no.
    #[error("{message} {next}")]
    Refused {
        /// Central's stable code.
        code: String,
        /// Central's sentence.
        message: String,
        /// What to do.
        next: String,
    },
    /// The answer is not what was asked for.
    #[error("central answered with a wrong {0}: get a new code, and report this")]
    Answer(&'static str),
    /// The replica could not be made.
    #[error(transparent)]
    Node(#[from] NodeError),
}

/// A code, in its parts: `getit1:<central>:<hubs>:<ca sha256>:<code>`, where central and each of the
/// comma-separated hubs are `host:port`, with an IPv6 host in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolCode {
    /// `host:port` of central's HTTPS.
    pub central: String,
    /// `host:port` of the hubs.
    pub hubs: Vec<String>,
    /// SHA-256 of the authority's certificate.
    pub authority_sha256: [u8; 32],
    /// The secret.
    pub code: String,
}

#[derive(Serialize)]
struct Request<'a> {
    code: &'a str,
    public_key: String,
    proof: String,
    device_name: &'a str,
}

#[derive(Deserialize)]
struct Response {
    certificate: String,
    x509: String,
    ca: String,
    authority_key: String,
    central_certificate: String,
    hubs: Vec<String>,
}

#[derive(Deserialize)]
struct Problem {
    code: String,
    message: String,
    #[serde(default)]
    next: String,
}

impl EnrolCode {
    /// Reads a code.
    ///
    /// # Errors
    /// [`EnrolError::Code`].
    pub fn parse(text: &str) -> Result<Self, EnrolError> {
        let text = text.trim();
        let body = text.strip_prefix(PREFIX).filter(|_| text.len() <= MAX_CODE_BYTES).ok_or(EnrolError::Code)?;
        let mut parts = body.rsplitn(3, ':');
        let (code, hash, addresses) = (parts.next(), parts.next(), parts.next());
        let (Some(code), Some(hash), Some(addresses)) = (code, hash, addresses) else { return Err(EnrolError::Code) };
        let (central, hubs) = split_address(addresses).ok_or(EnrolError::Code)?;
        let hubs: Vec<String> = hubs.split(',').filter(|hub| !hub.is_empty()).map(str::to_owned).collect();
        let whole = |address: &str| split_address(address).is_some_and(|(_, rest)| rest.is_empty());
        let hash = HEXLOWER_PERMISSIVE.decode(hash.as_bytes()).map_err(|_| EnrolError::Code)?;
        if code.is_empty() || !hubs.iter().all(|hub| whole(hub)) {
            return Err(EnrolError::Code);
        }
        Ok(Self {
            central: central.to_owned(),
            hubs,
            authority_sha256: hash.try_into().map_err(|_| EnrolError::Code)?,
            code: code.to_owned(),
        })
    }
}

/// `host:port`, and what follows after the next colon.
fn split_address(text: &str) -> Option<(&str, &str)> {
    let host_ends = if text.starts_with('[') { text.find(']')? + 1 } else { text.find(':')? };
    let after = text[host_ends..].strip_prefix(':')?;
    let port = after.split(':').next()?;
    port.parse::<u16>().ok()?;
    let end = host_ends + 1 + port.len();
    (host_ends > 0).then(|| (&text[..end], text[end..].strip_prefix(':').unwrap_or_default()))
}

/// Enrols this installation with the code and keeps everything in `dir`.
///
/// # Errors
/// See [`EnrolError`]; nothing is kept then.
pub async fn enrol(code_text: &str, dir: &Path, device_name: &str) -> Result<(), EnrolError> {
    // A try that was cut off leaves tables and no identity: the next one goes on from there.
    if !matches!(Store::open(dir).map(drop), Err(StoreError::NotEnrolled)) {
        return Err(NodeError::from(StoreError::AlreadyEnrolled).into());
    }
    let code = EnrolCode::parse(code_text)?;
    let key = SigningKey::from_bytes(&random().map_err(NodeError::from)?);
    let identity = identity_of(key.clone(), &code, ask(&code, &key, device_name).await?)?;
    Node::create(dir, &identity, BusinessClock::default())?;
    Ok(())
}

async fn ask(code: &EnrolCode, key: &SigningKey, device_name: &str) -> Result<Response, EnrolError> {
    let public = key.verifying_key().to_bytes();
    let proof = key.sign(&[PROOF, code.code.as_bytes(), &public].concat());
    let name: String = device_name.chars().take(MAX_NAME_CHARS).collect();
    let request = Request {
        code: &code.code,
        public_key: HEXLOWER.encode(&public),
        proof: HEXLOWER.encode(&proof.to_bytes()),
        device_name: &name,
    };
    let tls = pin::client_config(code.authority_sha256).map_err(EnrolError::Tls)?;
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).timeout(TIMEOUT).no_proxy().build();
    let url = format!("https://{}/api/v1/enrol", code.central);
    // The URL carries nothing secret, but an error must not carry the request either.
    let hide = |error: reqwest::Error| EnrolError::Connection(error.without_url());
    let response = client.map_err(hide)?.post(url).json(&request).send().await.map_err(hide)?;
    if !response.status().is_success() {
        let status = response.status();
        let problem = response.json::<Problem>().await.unwrap_or_else(|_| Problem {
            code: "enrol_refused".to_owned(),
            message: format!("central refused the code ({status})."),
            next: "Get a new one from operations.".to_owned(),
        });
        return Err(EnrolError::Refused { code: problem.code, message: problem.message, next: problem.next });
    }
    response.json().await.map_err(hide)
}

/// Holds the answer to what was asked: our key, the pinned authority, central's own certificate.
fn identity_of(key: SigningKey, code: &EnrolCode, answer: Response) -> Result<Identity, EnrolError> {
    let bytes = |text: &str, what| BASE64.decode(text.as_bytes()).map_err(|_| EnrolError::Answer(what));
    let authority_key = HEXLOWER_PERMISSIVE.decode(answer.authority_key.as_bytes()).ok();
    let authority_key: [u8; 32] =
        authority_key.and_then(|key| key.try_into().ok()).ok_or(EnrolError::Answer("authority key"))?;
    let authority = VerifyingKey::from_bytes(&authority_key).map_err(|_| EnrolError::Answer("authority key"))?;
    let ca = bytes(&answer.ca, "authority")?;
    if pin::sha256(&ca) != Some(code.authority_sha256) {
        return Err(EnrolError::Answer("authority"));
    }
    let certificate = bytes(&answer.certificate, "certificate")?;
    let own = Certificate::decode(&certificate, &authority).map_err(|_| EnrolError::Answer("certificate"))?;
    if own.seat.key != key.verifying_key().to_bytes() {
        return Err(EnrolError::Answer("certificate"));
    }
    let central_certificate = bytes(&answer.central_certificate, "central certificate")?;
    Certificate::decode(&central_certificate, &authority).map_err(|_| EnrolError::Answer("central certificate"))?;
    let x509 = bytes(&answer.x509, "x509")?;
    // The public key stands in the DER as it is: 32 bytes after its prefix.
    if !x509.windows(32).any(|window| window == own.seat.key) {
        return Err(EnrolError::Answer("x509"));
    }
    let hubs = if answer.hubs.is_empty() { code.hubs.clone() } else { answer.hubs };
    Ok(Identity { certificate, key, x509, ca, authority_key, central_certificate, hubs })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::Arc;

    use ed25519_dalek::Verifier;
    use protocol::id::{Id16, Kind, Subject};
    use protocol::seat::{Role, Seat};
    use protocol::taka::Taka;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    use serde_json::{Value, json};

    use super::*;

    const SECRET: &str = "K7Q2";

    fn seat(key: [u8; 32]) -> Seat {
        let party = Subject::new(Kind::Site, Id16([3; 16]));
        let (classes, grants) = Seat::rights(Role::Site, party);
        let (id, issuer, cash_ceiling) = (Id16([5; 16]), [0; 32], Taka::ZERO);
        Seat { tenant: id, device: id, person: id, party, key, classes, grants, cash_ceiling, issued_ms: 1, issuer }
    }

    /// One HTTPS answer under an authority of its own; returns the code that names it.
    fn central(
        status: &'static str,
        answer: impl Fn(&[u8; 32], &[u8], &SigningKey) -> Value + Send + 'static,
    ) -> String {
        let ca_key = KeyPair::generate().unwrap();
        let mut ca_params = CertificateParams::default();
        ca_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = ca_params.self_signed(&ca_key).unwrap().der().clone();
        let leaf_key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&leaf_key, &Issuer::new(ca_params, ca_key)).unwrap().der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
        let config =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![leaf, ca.clone()], key)
                .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let hash = HEXLOWER.encode(&pin::sha256(&ca).unwrap());
        std::thread::spawn(move || {
            let (socket, _) = listener.accept().unwrap();
            let tls = rustls::ServerConnection::new(Arc::new(config)).unwrap();
            let mut stream = rustls::StreamOwned::new(tls, socket);
            let mut request = Vec::new();
            let body: Value = loop {
                let mut part = [0; 1_024];
                // A client that refuses the certificate hangs up.
                let Ok(read @ 1..) = stream.read(&mut part) else { return };
                request.extend_from_slice(&part[..read]);
                let text = String::from_utf8_lossy(&request);
                if let Some(body) = text.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok()) {
                    break body;
                }
            };
            let hex = |name: &str| HEXLOWER.decode(body[name].as_str().unwrap().as_bytes()).unwrap();
            let public: [u8; 32] = hex("public_key").try_into().unwrap();
            let proof = ed25519_dalek::Signature::from_slice(&hex("proof")).unwrap();
            let message = [PROOF, body["code"].as_str().unwrap().as_bytes(), &public].concat();
            VerifyingKey::from_bytes(&public).unwrap().verify(&message, &proof).unwrap();
            let body = answer(&public, &ca, &SigningKey::from_bytes(&[1; 32])).to_string();
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
            stream.flush().unwrap();
        });
        format!("getit1:127.0.0.1:{port}:127.0.0.1:7443:{hash}:{SECRET}")
    }

    fn good(public: &[u8; 32], ca: &[u8], authority: &SigningKey) -> Value {
        let issue = |key: [u8; 32]| BASE64.encode(&Certificate::issue(authority, seat(key)).unwrap().encode());
        json!({
            "certificate": issue(*public), "x509": BASE64.encode(&[&[0x30], public.as_slice()].concat()),
            "ca": BASE64.encode(ca), "authority_key": HEXLOWER.encode(authority.verifying_key().as_bytes()),
            "central_certificate": issue(SigningKey::from_bytes(&[2; 32]).verifying_key().to_bytes()), "hubs": [],
        })
    }

    #[tokio::test]
    async fn a_good_code_makes_a_seat_and_a_second_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        enrol(&central("200 OK", good), folder.path(), "kiosk").await.unwrap();
        let node = Node::open(folder.path(), BusinessClock::default()).unwrap();
        assert_eq!(
            (node.seat().role(), node.identity().hubs.as_slice()),
            (Role::Site, &["127.0.0.1:7443".to_owned()][..])
        );
        assert_eq!(node.identity().key.verifying_key().to_bytes(), node.seat().key);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(folder.path().join("seat.key")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let again = enrol(&central("200 OK", good), folder.path(), "kiosk").await;
        assert!(matches!(again, Err(EnrolError::Node(NodeError::Store(StoreError::AlreadyEnrolled)))));
    }

    #[tokio::test]
    async fn a_wrong_central_and_a_wrong_answer_leave_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let other_hash = "ab".repeat(32);
        let code = central("200 OK", good);
        let hash = EnrolCode::parse(&code).unwrap().authority_sha256;
        let foreign = enrol(&code.replace(&HEXLOWER.encode(&hash), &other_hash), folder.path(), "x").await;
        assert!(matches!(foreign, Err(EnrolError::Connection(_))), "{foreign:?}");
        let no =
            |_: &[u8; 32], _: &[u8], _: &SigningKey| json!({"code": "code_used", "message": "Used.", "next": "Ask."});
        let refused = enrol(&central("409 Conflict", no), folder.path(), "x").await.unwrap_err();
        assert!(matches!(&refused, EnrolError::Refused { code, .. } if code == "code_used"), "{refused:?}");
        let other_key = |_: &[u8; 32], ca: &[u8], authority: &SigningKey| {
            good(&SigningKey::from_bytes(&[9; 32]).verifying_key().to_bytes(), ca, authority)
        };
        let wrong = enrol(&central("200 OK", other_key), folder.path(), "x").await;
        assert!(matches!(wrong, Err(EnrolError::Answer("certificate"))), "{wrong:?}");
        let other_ca = |public: &[u8; 32], _: &[u8], authority: &SigningKey| good(public, b"other", authority);
        let wrong = enrol(&central("200 OK", other_ca), folder.path(), "x").await;
        assert!(matches!(wrong, Err(EnrolError::Answer("authority"))), "{wrong:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_code_comes_apart_and_a_cut_one_is_refused() {
        let hash = "ab".repeat(32);
        let text = format!("getit1:central.example:8443:127.0.0.1:7443,[::1]:7444:{hash}:K7Q2");
        let code = EnrolCode::parse(&format!(" {text}\n")).unwrap();
        assert_eq!(code.central, "central.example:8443");
        assert_eq!(code.hubs, ["127.0.0.1:7443", "[::1]:7444"]);
        assert_eq!((code.authority_sha256, code.code.as_str()), ([0xab; 32], "K7Q2"));
        let alone = EnrolCode::parse(&format!("getit1:[::1]:8443::{hash}:x")).unwrap();
        assert_eq!((alone.central.as_str(), alone.hubs.len()), ("[::1]:8443", 0));
        for bad in [
            "",
            "getit2:a:1:b:2:cc:d",
            &text[..text.len() - 4],
            &text.replace("8443", "nowhere"),
            &text.replace(&hash, "abcd"),
            &text.replace("7444", "port"),
            &text[1..],
            &format!("getit1:{}:1::{hash}:x", "a".repeat(MAX_CODE_BYTES)),
        ] {
            assert!(matches!(EnrolCode::parse(bad), Err(EnrolError::Code)), "{bad}");
        }
    }
}
