//! Requests made up from the document: valid ones, ones at the edge, and ones spoilt in every part.

use std::collections::BTreeMap;

use getit_tests::model::Dice;
use serde_json::{Map, Value, json};

use super::super::document::{Described, Document, Parameter};
use super::super::world::Request;

/// Text that broke somebody's system once.
const HOSTILE: &[&str] = &[
    "",
    " ",
    "\u{0}",
    "a\u{0}b",
    "০১২৩৪৫৬৭৮৯",
    "১০০",
    "রহিম উদ্দিন ক্ষ্ম",
    "🛵👨‍👩‍👧‍👦",
    "\u{202e}txt.exe",
    "\u{200b}",
    "\r\nX-Injected: 1",
    "' OR 1=1 --",
    "$1; DROP TABLE offer",
    "../../../etc/passwd",
    "{{7*7}}",
    "%00%ff",
    "-1",
    "0",
    "9223372036854775808",
    "1e999",
    "NaN",
    "null",
    "true",
    "[]",
    "\u{fffd}",
    "P00000000000000000000000000*",
    "O7ZZZZZZZZZZZZZZZZZZZZZZZZZU",
    "1.contested_delivery.zz.zz.x",
    "9999999999999999999.x",
    "1110.",
];

/// What the generator draws from.
pub(super) struct Generator<'a> {
    pub(super) document: &'a Document,
    pub(super) dice: Dice,
    /// Ids of things that exist, and of some that do not.
    pub(super) ids: Vec<String>,
    /// Tokens by role.
    pub(super) tokens: Vec<(String, String)>,
    /// Keys that were sent before, to be sent again.
    pub(super) keys: Vec<String>,
    /// Paths of operations to things that exist.
    pub(super) paths: BTreeMap<String, String>,
    /// Bodies of operations that name things that exist.
    pub(super) bodies: BTreeMap<String, Value>,
    /// A file as it should be, with the query that goes with it.
    pub(super) file: (String, Vec<u8>),
    /// Enrolments that a device could make, each once.
    pub(super) enrolments: Vec<Value>,
}

impl Generator<'_> {
    /// One request of an operation: as it should be, then spoilt up to three times.
    pub(super) fn request(&mut self, operation: &Described) -> Request {
        let mut body = operation.body.as_ref().map(|schema| self.value(schema, 0));
        if operation.id == "enrol_device" && self.dice.chance(30) {
            body = self.enrolments.pop().or(body);
        }
        let mut path = match self.paths.get(&operation.id) {
            Some(path) if self.dice.chance(40) => path.clone(),
            _ => self.path(operation, 0),
        };
        if let Some(whole) = self.bodies.get(&operation.id).filter(|_| self.dice.chance(30)) {
            body = Some(whole.clone());
            path = self.paths.get(&operation.id).cloned().unwrap_or(path);
        }
        // An address of the seeded world is whole as it is: more of the same names would contradict it.
        let mut query = if path.contains('?') { Vec::new() } else { self.query(operation) };
        let mut headers = self.headers(operation);
        let mut token = operation.roles.first().and_then(|role| self.token(role));
        let mut raw = None;
        if operation.takes_file && self.dice.chance(40) {
            (query, raw) = (vec![self.file.0.clone()], Some(self.file.1.clone()));
        }
        let spoils = [0, 0, 1, 1, 1, 2, 3][self.dice.below(7)];
        for _ in 0..spoils {
            match self.dice.below(10) {
                0..=3 => match &mut body {
                    Some(body) => self.spoil(body),
                    None => raw = Some(self.garbage(&json!({}))),
                },
                4 => raw = Some(self.garbage(body.as_ref().unwrap_or(&Value::Null))),
                5 | 6 => path = self.path(operation, 100),
                7 => query.extend(self.hostile_query(operation)),
                8 => headers = self.hostile_headers(operation),
                _ => token = self.hostile_token(),
            }
        }
        if !query.is_empty() {
            let sign = if path.contains('?') { '&' } else { '?' };
            path = format!("{path}{sign}{}", query.join("&"));
        }
        let body = match (raw, body) {
            (Some(raw), _) => raw,
            (None, Some(body)) => serde_json::to_vec(&body).unwrap(),
            (None, None) => Vec::new(),
        };
        // Where no body is read, a long one ends the connection before the answer is read.
        let body = if operation.body.is_none() { body.into_iter().take(1_000).collect() } else { body };
        let tls = operation.id == "enrol_device" && self.dice.chance(70);
        Request { method: operation.method.clone(), path, token, headers, body, tls }
    }

    fn token(&self, role: &str) -> Option<Vec<u8>> {
        self.tokens.iter().find(|(word, _)| word == role).map(|(_, token)| token.as_bytes().to_vec())
    }

    fn hostile_token(&mut self) -> Option<Vec<u8>> {
        match self.dice.below(6) {
            0 => None,
            1 => Some(Vec::new()),
            2 => Some(vec![b'x'; 4_000]),
            3 => Some(self.dice.bytes().iter().map(|byte| byte | 0x80).collect()),
            4 => Some(self.hostile_text().bytes().filter(|byte| *byte >= 32 && *byte != 127).collect()),
            _ => {
                let other = self.dice.below(self.tokens.len());
                Some(self.tokens[other].1.as_bytes().to_vec())
            }
        }
    }

    fn hostile_text(&mut self) -> String {
        match self.dice.below(HOSTILE.len() + 5) {
            // What a database in C minds most.
            at if at >= HOSTILE.len() + 2 => "a\u{0}b".to_owned(),
            0 => "x".repeat([200, 201, 500, 501, 10_000][self.dice.below(5)]),
            1 => "ক্ষ".repeat([66, 67, 167, 3_000][self.dice.below(4)]),
            at => HOSTILE[at - 2].to_owned(),
        }
    }

    /// The path, each variable segment hostile in `percent` of the cases.
    fn path(&mut self, operation: &Described, percent: u64) -> String {
        let mut path = operation.path.clone();
        for parameter in operation.parameters.iter().filter(|parameter| parameter.place == "path") {
            let text = if self.dice.chance(percent) {
                let text = self.hostile_text();
                // A path of two segments, or one too long for any server, would be another test.
                if text.is_empty() { "0".to_owned() } else { text.chars().take(2_000).collect() }
            } else {
                self.text(&parameter.schema)
            };
            path = path.replace(&format!("{{{}}}", parameter.name), &encoded(&text));
        }
        path
    }

    fn query(&mut self, operation: &Described) -> Vec<String> {
        let mut parts = Vec::new();
        for parameter in operation.parameters.iter().filter(|parameter| parameter.place == "query") {
            if self.dice.chance(40) {
                let text = match self.value(&parameter.schema, 0) {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                parts.push(format!("{}={}", parameter.name, encoded(&text)));
            }
        }
        parts
    }

    fn hostile_query(&mut self, operation: &Described) -> Vec<String> {
        let names: Vec<&Parameter> = operation.parameters.iter().filter(|it| it.place == "query").collect();
        let name = self.dice.pick(&names).map_or("colour", |parameter| parameter.name.as_str()).to_owned();
        // A line longer than 64 KiB is no request that reaches central.
        let value: String = self.hostile_text().chars().take(2_000).collect();
        let value = encoded(&value);
        match self.dice.below(5) {
            0 => vec![format!("{name}={value}"), format!("{name}={value}")],
            1 => vec![format!("{value}={name}"), "&&=".to_owned()],
            2 => vec![format!("{name}=%ff%fe"), name],
            3 => vec![format!("{name}[]={value}")],
            _ => vec![format!("{name}={value}")],
        }
    }

    fn headers(&mut self, operation: &Described) -> Vec<(String, Vec<u8>)> {
        let mut headers = Vec::new();
        for parameter in operation.parameters.iter().filter(|parameter| parameter.place == "header") {
            let key = match self.keys.len() {
                0 => None,
                _ if self.dice.chance(20) => self.dice.pick(&self.keys).cloned(),
                _ => None,
            };
            let key = key.unwrap_or_else(|| format!("fuzz-{:016x}", self.dice.draw()));
            self.keys.push(key.clone());
            headers.push((parameter.name.clone(), key.into_bytes()));
        }
        headers
    }

    fn hostile_headers(&mut self, operation: &Described) -> Vec<(String, Vec<u8>)> {
        let mut headers = Vec::new();
        for parameter in operation.parameters.iter().filter(|parameter| parameter.place == "header") {
            match self.dice.below(4) {
                0 => {}
                1 => headers.push((parameter.name.clone(), vec![b'k'; [7, 65, 3_000][self.dice.below(3)]])),
                2 => headers.push((parameter.name.clone(), "চাবি-চাবি-চাবি".as_bytes().to_vec())),
                _ => headers.extend([0, 1].map(|n| (parameter.name.clone(), format!("twice-{n}-key").into_bytes()))),
            }
        }
        match self.dice.below(4) {
            0 => headers.push(("content-type".to_owned(), b"application/x-www-form-urlencoded".to_vec())),
            1 => headers.push(("accept".to_owned(), b"text/html;q=\xff".to_vec())),
            2 => headers.push(("content-encoding".to_owned(), b"gzip".to_vec())),
            _ => headers.push(("x-forwarded-for".to_owned(), vec![b'9'; 2_000])),
        }
        headers
    }

    fn text(&mut self, schema: &Value) -> String {
        match self.value(schema, 0) {
            Value::String(text) if !text.is_empty() => text,
            _ => "0".to_owned(),
        }
    }

    /// A value that fits the schema; near its bounds when it has some.
    fn value(&mut self, schema: &Value, depth: usize) -> Value {
        let schema = self.document.resolved(schema).clone();
        if let Some(values) = schema["enum"].as_array() {
            return self.dice.pick(values).cloned().unwrap_or_default();
        }
        if let Some(example) = schema.get("example").filter(|_| self.dice.chance(55)) {
            return example.clone();
        }
        for way in ["oneOf", "anyOf"] {
            if let Some(choices) = schema[way].as_array() {
                let choice = self.dice.pick(choices).cloned().unwrap_or_default();
                return self.value(&choice, depth + 1);
            }
        }
        let mut kind = &schema["type"];
        if let Some(kinds) = kind.as_array() {
            kind = &kinds[self.dice.below(kinds.len())];
        }
        match kind.as_str() {
            Some("object") => self.object(&schema, depth),
            Some("array") => {
                let most = schema["maxItems"].as_u64().unwrap_or(3).min(4) as usize;
                let least = schema["minItems"].as_u64().unwrap_or(0) as usize;
                let count = least + self.dice.below(most + 1 - least.min(most));
                (0..count).map(|_| self.value(&schema["items"], depth + 1)).collect()
            }
            Some("integer") => self.integer(&schema),
            Some("number") => json!(0.5),
            Some("boolean") => json!(self.dice.chance(50)),
            Some("string") => self.string(&schema),
            _ => Value::Null,
        }
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut object = Map::new();
        for (name, of) in schema["properties"].as_object().into_iter().flatten() {
            let example = schema["example"].get(name).filter(|_| self.dice.chance(75));
            if let Some(example) = example {
                object.insert(name.clone(), example.clone());
            } else if required.contains(&name.as_str()) || self.dice.chance(30) {
                object.insert(name.clone(), self.value(of, depth + 1));
            }
        }
        Value::Object(object)
    }

    fn integer(&mut self, schema: &Value) -> Value {
        let least = schema["minimum"].as_i64().unwrap_or(i64::MIN);
        let most = schema["maximum"].as_i64().unwrap_or(i64::MAX);
        let drawn = (self.dice.draw() >> 40) as i64;
        json!([least, most, least.saturating_add(1).min(most), drawn.clamp(least, most)][self.dice.below(4)])
    }

    fn string(&mut self, schema: &Value) -> Value {
        if schema["pattern"].as_str().is_some_and(|pattern| pattern.starts_with("^[A-Z?]")) {
            return json!(self.dice.pick(&self.ids));
        }
        let least = schema["minLength"].as_u64().unwrap_or(0) as usize;
        let most = schema["maxLength"].as_u64().unwrap_or(40) as usize;
        let length = [least, most, (least + 1).min(most), least.midpoint(most)][self.dice.below(4)];
        let letter = ["a", "ক", "7", "৭", "é"][self.dice.below(5)];
        json!(letter.repeat(length))
    }

    /// Spoils one place of a body.
    fn spoil(&mut self, at: &mut Value) {
        let deeper = self.dice.chance(75);
        match at {
            Value::Object(fields) if !fields.is_empty() && deeper => {
                let name = fields.keys().nth(self.dice.below(fields.len())).cloned().unwrap_or_default();
                match self.dice.below(8) {
                    0 => drop(fields.remove(&name)),
                    1 => drop(fields.insert(self.hostile_text(), json!(1))),
                    _ => self.spoil(fields.entry(name).or_insert(Value::Null)),
                }
            }
            Value::Array(items) if !items.is_empty() && deeper => {
                let index = self.dice.below(items.len());
                if self.dice.chance(15) {
                    let copies = [2, 65, 201, 1_001][self.dice.below(4)];
                    *items = vec![items[index].clone(); copies];
                } else {
                    self.spoil(&mut items[index]);
                }
            }
            place => *place = self.hostile_value(),
        }
    }

    fn hostile_value(&mut self) -> Value {
        match self.dice.below(14) {
            0 => Value::Null,
            1 => json!(true),
            2 => json!(-1),
            3 => json!(0),
            4 => json!(1.5),
            5 => json!(1e300),
            6 => json!(u64::MAX),
            7 => json!(i64::MIN),
            8 => json!([]),
            9 => json!({}),
            10 => (0..40).fold(json!("deep"), |inner, _| json!([inner])),
            _ => json!(self.hostile_text()),
        }
    }

    /// Bytes that are no JSON, or JSON that no writer of JSON writes.
    fn garbage(&mut self, body: &Value) -> Vec<u8> {
        let whole = serde_json::to_vec(body).unwrap();
        match self.dice.below(10) {
            0 => Vec::new(),
            1 => whole[..self.dice.below(whole.len())].to_vec(),
            2 => self.dice.bytes().to_vec(),
            3 => [b"\xef\xbb\xbf", whole.as_slice()].concat(),
            4 => b"[".repeat(5_000),
            5 => b"{\"name\":1e999,\"name\":-0,\"items\":[1E400]}".to_vec(),
            6 => br#"{"name":"\ud800","slug":"\udfff\u0000"}"#.to_vec(),
            7 => vec![b' '; 64 * 1024 + 1],
            8 => [whole.as_slice(), b" ", whole.as_slice()].concat(),
            _ => {
                let mut broken = whole;
                let at = self.dice.below(broken.len());
                if let Some(byte) = broken.get_mut(at) {
                    *byte ^= 0x80;
                }
                broken
            }
        }
    }
}

/// Percent-encoded, but for letters and digits.
fn encoded(text: &str) -> String {
    let byte =
        |byte: u8| if byte.is_ascii_alphanumeric() { (byte as char).to_string() } else { format!("%{byte:02X}") };
    // Dots alone would be read as steps up the path.
    text.bytes().map(byte).collect()
}
