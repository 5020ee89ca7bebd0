//! `/openapi.json` as its reader sees it: operations, their examples, and a judge of answers.

use std::collections::BTreeMap;

use boon::{Compiler, Schemas};
use serde_json::{Value, json};

use super::world::Reply;

/// The name under which the judge knows the document.
const NAME: &str = "https://getit.invalid/openapi.json";

pub(super) struct Document {
    pub(super) value: Value,
    pub(super) operations: Vec<Described>,
}

/// One operation.
#[derive(Clone)]
pub(super) struct Described {
    pub(super) id: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) roles: Vec<String>,
    pub(super) parameters: Vec<Parameter>,
    /// Schema of the body.
    pub(super) body: Option<Value>,
    /// Whether its body is a file, whatever it holds.
    pub(super) takes_file: bool,
    pub(super) max_body_bytes: u64,
    responses: Value,
}

#[derive(Clone)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) place: String,
    pub(super) required: bool,
    pub(super) schema: Value,
}

impl Document {
    pub(super) fn read(mut value: Value) -> Self {
        close_objects(&mut value);
        let mut operations = Vec::new();
        for (path, methods) in value["paths"].as_object().unwrap() {
            for (method, told) in methods.as_object().unwrap() {
                operations.push(described(&value, path, method, told));
            }
        }
        assert!(operations.len() > 15, "the document names its routes");
        Self { value, operations }
    }

    /// Follows a reference inside the document.
    pub(super) fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        resolved(&self.value, schema)
    }

    /// What a schema gives as its example, put together from its parts where it gives none.
    pub(super) fn example(&self, schema: &Value) -> Value {
        let schema = self.resolved(schema);
        if let Some(example) = schema.get("example") {
            return example.clone();
        }
        if schema["type"] == "array" {
            return json!([self.example(&schema["items"])]);
        }
        panic!("no example in {schema}");
    }
}

fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => {
            root.pointer(reference.strip_prefix('#').unwrap()).unwrap_or_else(|| panic!("{reference} is missing"))
        }
        None => schema,
    }
}

/// A field that the document does not name is a fault: the schemas are judged as closed.
fn close_objects(value: &mut Value) {
    for (name, schema) in value["components"]["schemas"].as_object_mut().unwrap() {
        if name != "Problem" && schema["type"] == "object" && schema.get("additionalProperties").is_none() {
            schema["additionalProperties"] = json!(false);
        }
    }
    for (_, methods) in value["paths"].as_object_mut().unwrap() {
        for (_, told) in methods.as_object_mut().unwrap() {
            for (_, response) in told["responses"].as_object_mut().unwrap() {
                if let Some(schema) = response.pointer_mut("/content/application~1problem+json/schema") {
                    schema["unevaluatedProperties"] = json!(false);
                }
            }
        }
    }
}

fn described(root: &Value, path: &str, method: &str, told: &Value) -> Described {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let parameters = list(&told["parameters"]).into_iter().map(|parameter| Parameter {
        name: text(&parameter["name"]),
        place: text(&parameter["in"]),
        required: parameter["required"] == true,
        schema: resolved(root, &parameter["schema"]).clone(),
    });
    Described {
        id: text(&told["operationId"]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        roles: list(&told["x-roles"]).iter().map(text).collect(),
        parameters: parameters.collect(),
        body: told.pointer("/requestBody/content/application~1json/schema").cloned(),
        takes_file: told.pointer("/requestBody/content/application~1octet-stream").is_some(),
        max_body_bytes: told.pointer("/requestBody/x-max-bytes").and_then(Value::as_u64).unwrap_or_default(),
        responses: told["responses"].clone(),
    }
}

/// Says whether an answer is one that the document allows. Compiles each schema once.
pub(super) struct Judge<'a> {
    document: &'a Document,
    schemas: Schemas,
    compiler: Compiler,
    compiled: BTreeMap<String, boon::SchemaIndex>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        let mut compiler = Compiler::new();
        compiler.add_resource(NAME, document.value.clone()).unwrap();
        Self { document, schemas: Schemas::new(), compiler, compiled: BTreeMap::new() }
    }

    pub(super) fn judge(&mut self, operation: &Described, reply: &Reply) -> Result<(), String> {
        let status = reply.status.to_string();
        let Some(response) = operation.responses.get(&status) else {
            return Err(format!("the status {status} is not documented: {}", reply.text()));
        };
        let contents = response["content"].as_object().ok_or("no content is documented")?;
        let kind = reply.kind.split(';').next().unwrap_or_default().trim();
        if !contents.contains_key(kind) {
            return Err(format!("the content type {kind:?} is not documented for {status}"));
        }
        if contents[kind].pointer("/schema/type").is_some_and(|kind| kind == "string") {
            return if reply.body.is_empty() { Err("the answer is empty".to_owned()) } else { Ok(()) };
        }
        let body = serde_json::from_slice(&reply.body).map_err(|error| format!("the answer is not JSON: {error}"))?;
        let escaped = |text: &str| text.replace('~', "~0").replace('/', "~1").replace('{', "%7B").replace('}', "%7D");
        let place = format!(
            "{NAME}#/paths/{}/{}/responses/{status}/content/{}/schema",
            escaped(&operation.path),
            operation.method.to_lowercase(),
            escaped(kind)
        );
        self.valid(&place, &body).map_err(|said| format!("{status}: {said}: {body}"))
    }

    /// Whether a value is of the schema of a component.
    pub(super) fn component(&mut self, name: &str, value: &Value) -> Result<(), String> {
        self.valid(&format!("{NAME}#/components/schemas/{name}"), value)
    }

    fn valid(&mut self, place: &str, value: &Value) -> Result<(), String> {
        let index = match self.compiled.get(place) {
            Some(index) => *index,
            None => {
                let index = self.compiler.compile(place, &mut self.schemas).map_err(|error| format!("{error:#}"))?;
                self.compiled.insert(place.to_owned(), index);
                index
            }
        };
        self.schemas.validate(value, index).map_err(|error| format!("{error:#}"))
    }

    pub(super) const fn document(&self) -> &Document {
        self.document
    }
}
