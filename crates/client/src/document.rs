use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// The parts of an `OpenAPI` document that clients are made of.
#[derive(Debug)]
pub(crate) struct Document<'d> {
    /// The name of the application.
    pub(crate) title: &'d str,
    /// The path below which records are.
    pub(crate) prefix: &'d str,
    /// The schemas by name.
    pub(crate) schemas: &'d Map<String, Value>,
    /// What can be asked, by the name of the type.
    pub(crate) collections: BTreeMap<&'d str, Collection<'d>>,
    /// What the team's own functions do, by name.
    pub(crate) actions: BTreeMap<&'d str, Action<'d>>,
    /// What jobs take, by their names.
    pub(crate) jobs: BTreeMap<&'d str, &'d Value>,
    /// The type of records that are accounts.
    pub(crate) identity: Option<&'d str>,
    /// What a sign-up sends.
    pub(crate) sign_up: Option<&'d Value>,
}

/// What can be asked of the records of one type, or of an interface.
#[derive(Debug, Default)]
pub(crate) struct Collection<'d> {
    /// Its path below the prefix.
    pub(crate) path: &'d str,
    /// Whether it has one record.
    pub(crate) single: bool,
    /// The verbs of its operations: `list`, `getBy` …
    pub(crate) verbs: BTreeSet<&'d str>,
    /// The fields that a list can compare with a value.
    pub(crate) equalities: Vec<&'d str>,
    /// Whether a list takes words to search for.
    pub(crate) search: bool,
    /// The unique keys that a create can name as `onConflict`.
    pub(crate) on_conflict: Vec<&'d str>,
}

/// An action.
#[derive(Debug)]
pub(crate) struct Action<'d> {
    /// Its path.
    pub(crate) path: &'d str,
    /// Whether it only reads, and takes its arguments in the URL.
    pub(crate) reads: bool,
    /// Its operation.
    pub(crate) operation: &'d Value,
}

impl<'d> Action<'d> {
    /// The schema of its arguments in a body.
    pub(crate) fn body(&self) -> Option<&'d Value> {
        self.operation.pointer("/requestBody/content/application~1json/schema")
    }

    /// Whether a call has to give arguments.
    pub(crate) fn demands_arguments(&self) -> bool {
        self.operation["requestBody"]["required"] == true || self.arguments().any(|one| one["required"] == true)
    }

    /// Its arguments in the URL.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &'d Value> {
        self.operation["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == "query")
    }

    /// Whether it returns records, whose fields can be selected.
    pub(crate) fn selects(&self) -> bool {
        let mut all = self.operation["parameters"].as_array().into_iter().flatten();
        all.any(|one| one["$ref"] == "#/components/parameters/Select")
    }

    /// The schema of what it returns.
    pub(crate) fn result(&self) -> Option<&'d Value> {
        self.operation.pointer("/responses/200/content/application~1json/schema")
    }
}

/// Why a document has no client.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It isn't JSON.
    #[error("the document is not JSON")]
    Json(#[from] serde_json::Error),
    /// It lacks a part that every document of Backstay has.
    #[error("the document has no `{part}`, so it isn't one of Backstay")]
    Part {
        /// Its path.
        part: &'static str,
    },
}

impl<'d> Document<'d> {
    pub(crate) fn read(document: &'d Value) -> Result<Self, DocumentError> {
        let missing = |part: &'static str| move || DocumentError::Part { part };
        let title = document["info"]["title"].as_str().ok_or_else(missing("info.title"))?;
        let schemas = document["components"]["schemas"].as_object().ok_or_else(missing("components.schemas"))?;
        let paths = document["paths"].as_object().ok_or_else(missing("paths"))?;
        let prefix = document["x-api-prefix"].as_str().unwrap_or("/api");
        let mut collections: BTreeMap<&str, Collection<'d>> = BTreeMap::new();
        let mut actions = BTreeMap::new();
        for (path, item) in paths {
            let below = path.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')).unwrap_or(path);
            for (method, operation) in item.as_object().into_iter().flatten() {
                if let Some(name) = operation["x-action"].as_str() {
                    actions.insert(name, Action { path, reads: method == "get", operation });
                    continue;
                }
                let (Some(tag), Some(id)) = (operation["tags"][0].as_str(), operation["operationId"].as_str()) else {
                    continue;
                };
                let Some(verb) = id.strip_suffix(tag).filter(|_| schemas.contains_key(tag)) else { continue };
                collections.entry(tag).or_default().add(below, verb, operation);
            }
        }
        let sign_up = document.pointer("/paths/~1auth~1sign-up/post/requestBody/content/application~1json/schema");
        let jobs = document["x-jobs"].as_object().into_iter().flatten();
        let jobs = jobs.map(|(name, schema)| (name.as_str(), schema)).collect();
        Ok(Self {
            title,
            prefix,
            schemas,
            collections,
            actions,
            jobs,
            identity: document["x-identity"].as_str(),
            sign_up,
        })
    }

    /// The name of the type that a schema refers to, if that has records.
    pub(crate) fn records_of(&self, schema: &'d Value) -> Option<&'d str> {
        let name = referred(schema)?;
        self.collections.contains_key(name).then_some(name)
    }
}

impl<'d> Collection<'d> {
    fn add(&mut self, path: &'d str, verb: &'d str, operation: &'d Value) {
        self.verbs.insert(verb);
        let end = path.find(['/', ':']).unwrap_or(path.len());
        self.single |= verb == "get" && end == path.len();
        self.path = &path[..end];
        let parameters = || operation["parameters"].as_array().into_iter().flatten();
        match verb {
            "list" => {
                self.equalities = parameters().filter_map(|parameter| parameter["name"].as_str()).collect();
                self.search = parameters().any(|parameter| parameter["$ref"] == "#/components/parameters/Search");
            }
            "create" => {
                let given = parameters().find(|parameter| parameter["name"] == "onConflict");
                let keys = given.and_then(|parameter| parameter["schema"]["enum"].as_array());
                self.on_conflict = keys.into_iter().flatten().filter_map(Value::as_str).collect();
            }
            _ => {}
        }
    }
}

/// The name of the schema that this one refers to.
pub(crate) fn referred(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/components/schemas/")
}
