use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// One request of this process, in the notation of `/transact`: what is asked, of which collection, and with what. What it
/// can't take is refused when it is made.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Call(Map<String, Value>);

/// Which record a call is about.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordName {
    /// The one with this id.
    Id(Value),
    /// The one with these values of a unique key, as an object.
    Key(Value),
}

/// A page of records.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Page<T> {
    /// The records.
    pub items: Vec<T>,
    /// Where the next page starts; `None` on the last one.
    pub next: Option<String>,
    /// Where the page before this one ends.
    #[serde(default)]
    pub prev: Option<String>,
    /// How many records there are on all pages, if that was asked.
    #[serde(default)]
    pub count: Option<Count>,
}

/// A number of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Count {
    /// The number, or the limit where there are more.
    pub value: u64,
    /// Whether there are more.
    pub more: bool,
}

impl RecordName {
    /// The record with these values of a unique key: `json!({ "slug": "herons" })`.
    pub fn key(values: Value) -> Self {
        Self::Key(values)
    }
}

impl From<&str> for RecordName {
    fn from(id: &str) -> Self {
        Self::Id(json!(id))
    }
}

impl From<&String> for RecordName {
    fn from(id: &String) -> Self {
        Self::Id(json!(id))
    }
}

impl From<i64> for RecordName {
    fn from(id: i64) -> Self {
        Self::Id(json!(id))
    }
}

impl Call {
    /// One in the notation of `/transact`, which is read when it is made.
    pub(crate) fn written(request: Map<String, Value>) -> Self {
        Self(request)
    }

    /// Reads one record.
    pub fn get(collection: &str, record: impl Into<RecordName>) -> Self {
        Self::of("get", collection).about(record)
    }

    /// Lists records: all that the caller may read, unless it says more.
    pub fn list(collection: &str) -> Self {
        Self::of("list", collection)
    }

    /// Creates a record, or all records of an array.
    pub fn create(collection: &str, body: Value) -> Self {
        Self::of("create", collection).with("body", body)
    }

    /// Changes a record by a merge patch, which can have operators and children.
    pub fn update(collection: &str, record: impl Into<RecordName>, patch: Value) -> Self {
        Self::of("update", collection).about(record).with("body", patch)
    }

    /// Creates or replaces a record.
    pub fn replace(collection: &str, record: impl Into<RecordName>, body: Value) -> Self {
        Self::of("replace", collection).about(record).with("body", body)
    }

    /// Deletes a record.
    pub fn delete(collection: &str, record: impl Into<RecordName>) -> Self {
        Self::of("delete", collection).about(record)
    }

    /// Changes all records that the filter matches.
    pub fn update_all(collection: &str, filter: &str, patch: Value) -> Self {
        Self::of("updateAll", collection).filter(filter).with("body", patch)
    }

    /// Deletes all records that the filter matches.
    pub fn delete_all(collection: &str, filter: &str) -> Self {
        Self::of("deleteAll", collection).filter(filter)
    }

    /// Which fields are answered: `title,author{name}`.
    #[must_use]
    pub fn select(self, fields: &str) -> Self {
        self.choosing("select", json!(fields))
    }

    /// The value of the parameter `$name` of a filter.
    #[must_use]
    pub fn param(mut self, name: &str, value: impl Into<Value>) -> Self {
        let params = self.choices().entry("params").or_insert_with(|| json!({}));
        params[name] = value.into();
        self
    }

    /// Which records are meant: an expression.
    #[must_use]
    pub fn filter(self, expression: &str) -> Self {
        self.choosing("filter", json!(expression))
    }

    /// In which order records are listed: `-createdAt,title`.
    #[must_use]
    pub fn sort(self, fields: &str) -> Self {
        self.choosing("sort", json!(fields))
    }

    /// How many records a page has.
    #[must_use]
    pub fn limit(self, records: u32) -> Self {
        self.choosing("limit", json!(records))
    }

    /// Where the page starts: the `next` of the page before.
    #[must_use]
    pub fn after(self, cursor: &str) -> Self {
        self.choosing("after", json!(cursor))
    }

    /// Counts the records on all pages, up to 10,000.
    #[must_use]
    pub fn count(self) -> Self {
        self.choosing("count", json!(true))
    }

    /// The version that the record must have.
    #[must_use]
    pub fn if_match(self, version: i64) -> Self {
        self.with("ifMatch", json!(version))
    }

    fn of(action: &str, collection: &str) -> Self {
        Self(Map::from_iter([(action.to_owned(), json!(collection))]))
    }

    fn about(self, record: impl Into<RecordName>) -> Self {
        match record.into() {
            RecordName::Id(id) => self.with("id", id),
            RecordName::Key(values) => self.with("by", values),
        }
    }

    fn with(mut self, member: &str, value: Value) -> Self {
        self.0.insert(member.to_owned(), value);
        self
    }

    fn choosing(mut self, member: &str, value: Value) -> Self {
        self.choices().insert(member.to_owned(), value);
        self
    }

    /// Where parameters are: those of a get beside its id, those of a list in its query.
    fn choices(&mut self) -> &mut Map<String, Value> {
        if self.0.contains_key("get") {
            return &mut self.0;
        }
        let query = self.0.entry("query").or_insert_with(|| Value::Object(Map::new()));
        query.as_object_mut().expect("nothing else is put there")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_requests_of_a_transaction() {
        let check = |call: Call, expected: Value| assert_eq!(json!(call), expected);
        check(
            Call::get("posts", "1").select("title,n=comments(filter:author == $me):count").param("me", "2"),
            json!({
                "get": "posts", "id": "1", "select": "title,n=comments(filter:author == $me):count", "params": {"me": "2"},
            }),
        );
        check(Call::get("posts", RecordName::key(json!({"slug": "a"}))), json!({"get": "posts", "by": {"slug": "a"}}));
        check(Call::list("posts"), json!({"list": "posts"}));
        check(
            Call::list("posts")
                .filter("words > $n")
                .param("n", 3)
                .sort("-words")
                .select("title")
                .limit(2)
                .after("x")
                .count(),
            json!({"list": "posts", "query": {
                "filter": "words > $n", "params": {"n": 3}, "sort": "-words", "select": "title", "limit": 2, "after": "x",
                "count": true,
            }}),
        );
        check(Call::create("posts", json!({"a": 1})), json!({"create": "posts", "body": {"a": 1}}));
        check(
            Call::update("posts", 7, json!({"a": {"$inc": 1}})).if_match(3),
            json!({"update": "posts", "id": 7, "body": {"a": {"$inc": 1}}, "ifMatch": 3}),
        );
        check(Call::replace("posts", "1", json!({})), json!({"replace": "posts", "id": "1", "body": {}}));
        check(Call::delete("posts", "1"), json!({"delete": "posts", "id": "1"}));
        check(
            Call::update_all("posts", "true", json!({"a": 1})).limit(9),
            json!({"updateAll": "posts", "query": {"filter": "true", "limit": 9}, "body": {"a": 1}}),
        );
        check(Call::delete_all("posts", "false"), json!({"deleteAll": "posts", "query": {"filter": "false"}}));
    }
}
