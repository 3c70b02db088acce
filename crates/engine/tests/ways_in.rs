//! A value is the same whichever way it comes in: from a JSON body, a URL's parameter, a default of the model, an
//! expression or a cursor. The samples are those of `crates/scalar/tests/scalars.md`; each has a type of its own.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use backstay_base::Caller;
use backstay_engine::{Error, Found, Written};
use backstay_model::SourceFile;
use backstay_rest::{ListWords, Raw};
use backstay_scalar::{Scalar, Token};
use backstay_testkit::{TestApplication, TestClock, controlled};
use serde_json::value::RawValue;

const TABLES: &str = include_str!("../../scalar/tests/scalars.md");

/// One row of the table: a value as each way in writes it, and as answers have it.
struct Sample {
    scalar: Scalar,
    json: String,
    bare: Option<String>,
    /// In `@default`.
    literal: Option<String>,
    expression: Option<String>,
    answer: String,
}

impl Sample {
    fn all() -> Vec<Self> {
        let (_, table) = TABLES.split_once("## Accepted\n").expect("the table");
        let table = table.split("\n## ").next().expect("the table's end");
        table.lines().filter(|line| line.starts_with("| ")).skip(1).map(Self::of).collect()
    }

    fn of(line: &str) -> Self {
        let mut cells = line.trim_start_matches("| ").trim_end_matches(" |").split(" | ");
        let scalar = Scalar::named(cells.next().expect("a scalar")).expect("a scalar's name");
        let mut cell = || {
            let inner = cells.next().and_then(|cell| cell.strip_prefix('`')?.strip_suffix('`')).expect("a cell");
            Some(inner.to_owned()).filter(|inner| inner != "-")
        };
        let (json, bare, literal, expression) = (cell().expect("JSON"), cell(), cell(), cell());
        Self { scalar, json, bare, literal, expression, answer: cell().expect("an answer") }
    }

    /// The type of this sample: `given` is sent, `defaulted` has the default, `set` and `copied` are set.
    fn model(&self, index: usize) -> String {
        let name = self.scalar.name();
        let mut model = format!("type Sample{index} @allow(read: \"true\", create: \"true\") {{\n  given: {name}\n");
        if let Some(literal) = &self.literal {
            writeln!(model, "  defaulted: {name} @default(to: {literal})").expect("a text");
        }
        if let Some(expression) = &self.expression {
            let quoted = serde_json::to_string(expression).expect("JSON is GraphQL's text");
            writeln!(model, "  set: {name} @set(on: CREATE, to: {quoted})").expect("a text");
        }
        writeln!(model, "  copied: {name} @set(on: CREATE, to: \"this.given\")\n}}").expect("a text");
        model
    }

    fn is_compared_by_equality(&self) -> bool {
        !matches!(self.scalar, Scalar::Json | Scalar::Money)
    }
}

fn name(index: usize) -> String {
    format!("Sample{index}")
}

fn anyone() -> Arc<Caller> {
    Arc::new(Caller::anonymous())
}

struct Values {
    application: TestApplication,
}

impl Values {
    fn open(samples: &[Sample]) -> Self {
        let mut model = String::from("extend schema @app(name: \"Values\")\n");
        for (index, sample) in samples.iter().enumerate() {
            model.push_str(&sample.model(index));
        }
        let ambient = controlled(&TestClock::at("2026-01-31T12:00:00Z"), 5);
        Self { application: TestApplication::open(vec![SourceFile::app("model/values.graphql", model)], ambient) }
    }

    async fn create(&self, index: usize, body: String) -> Result<Written, Error> {
        let client = self.application.client();
        client.written(&anyone(), client.create(&name(index), &body)?).await
    }

    async fn get(&self, index: usize, of: &Written) -> Found {
        let client = self.application.client();
        let get = client.get(&name(index), of.ids[0], None).expect("a request");
        client.found(&anyone(), get).await.expect("it is there")
    }

    /// How many records a list shows, and its cursor.
    async fn list<'w>(
        &self,
        index: usize,
        change: impl FnOnce(&mut ListWords<'w>),
    ) -> Result<(usize, Option<String>), Error> {
        let client = self.application.client();
        let page = client.page(&anyone(), client.list(&name(index), change)?).await?;
        let page: serde_json::Value = serde_json::from_slice(&page.body).expect("JSON");
        Ok((page["items"].as_array().map_or(0, Vec::len), page["next"].as_str().map(str::to_owned)))
    }
}

/// The members of an answer as they are written.
fn members(body: &[u8]) -> HashMap<String, Box<RawValue>> {
    serde_json::from_slice(body).expect("an object")
}

#[tokio::test]
async fn a_value_is_written_the_same_whichever_way_it_came_in() {
    let samples = Sample::all();
    let values = Values::open(&samples);
    for (index, sample) in samples.iter().enumerate() {
        let Sample { scalar, json, literal, expression, answer, .. } = sample;
        let what = format!("{} {json}", scalar.name());
        let written = values.create(index, format!(r#"{{"given":{json}}}"#)).await;
        let written = written.unwrap_or_else(|error| panic!("{what}: {error}"));
        let echo = written.body.clone().expect("an answer");
        let found = values.get(index, &written).await;
        assert_eq!(echo, found.body, "{what}: the answer to the create and to a get");
        assert_eq!(written.tag.as_ref(), Some(&found.tag), "{what}: their tags");
        let members = members(&echo);
        let expected = ["given", "copied"].into_iter();
        let expected = expected.chain(literal.iter().map(|_| "defaulted")).chain(expression.iter().map(|_| "set"));
        for name in expected {
            assert_eq!(members[name].get(), answer, "{what}: {name}");
        }
        // What was answered can be sent: it is the same value.
        let again = values.create(index, format!(r#"{{"given":{answer}}}"#)).await.expect("it is created");
        let again = self::members(&again.body.expect("an answer"));
        assert_eq!(again["given"].get(), answer, "{what}: sent back");
    }
}

#[tokio::test]
async fn a_value_is_found_whichever_way_it_is_asked_for() {
    let samples = Sample::all();
    let values = Values::open(&samples);
    for (index, sample) in samples.iter().enumerate() {
        let Sample { scalar, json, bare, expression, .. } = sample;
        let what = format!("{} {json}", scalar.name());
        values.create(index, format!(r#"{{"given":{json}}}"#)).await.expect("it is created");
        values.create(index, r#"{"given":null}"#.to_owned()).await.expect("it is created");
        let raw = || Raw::Json(serde_json::from_str::<&RawValue>(json).expect("JSON"));
        let mut asked = Vec::new();
        if let Some(bare) = bare {
            asked.push(Raw::Text(bare.as_str().into()));
        }
        asked.push(raw());
        if sample.is_compared_by_equality() {
            for raw in asked {
                let found = values.list(index, |list| list.equals = vec![("given".into(), raw.clone())]).await;
                assert_eq!(found.map(|found| found.0).map_err(|error| told(&error)), Ok(1), "{what}: equal to {raw:?}");
                // A filter does not compare all that an equality parameter does.
                let found = values.list(index, |list| {
                    list.filter = Some("given == $x".into());
                    list.params = vec![("x".into(), raw.clone())];
                });
                assert_eq!(
                    found.await.map(|found| found.0).map_err(|error| told(&error)),
                    Ok(1),
                    "{what}: $x is {raw:?}"
                );
            }
        }
        if let Some(expression) = expression {
            for (filter, expected) in [("==", 1), ("!=", 0)] {
                let found =
                    values.list(index, |list| list.filter = Some(format!("given {filter} {expression}").into())).await;
                assert_eq!(
                    found.map(|found| found.0).map_err(|error| told(&error)),
                    Ok(expected),
                    "{what}: {filter} {expression}"
                );
            }
        }
        if sample.scalar.is_sortable() && sample.is_compared_by_equality() {
            for (sort, first) in [("given", true), ("-given", false)] {
                let page = values.list(index, |list| (list.sort, list.limit) = (Some(sort.into()), Some(1))).await;
                let next = page.map_err(|error| told(&error)).expect("a page").1.expect("another page");
                let value = scalar.read(Token::Json(json)).expect("a value").bare().expect("it has a text");
                let quoted = serde_json::to_string(&value).expect("JSON");
                assert_eq!(place(&next).contains(&quoted), first, "{what}: the cursor of {sort}: {}", place(&next));
                let after =
                    values.list(index, |list| (list.sort, list.after) = (Some(sort.into()), Some(next.into()))).await;
                assert_eq!(
                    after.map(|found| found.0).map_err(|error| told(&error)),
                    Ok(1),
                    "{what}: behind the cursor of {sort}"
                );
            }
        }
    }
}

/// What a cursor says behind its form and order.
fn place(cursor: &str) -> String {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(cursor).expect("base64");
    String::from_utf8(bytes[5..].to_vec()).expect("JSON")
}

fn told(error: &Error) -> String {
    format!("{}: {error}", error.code())
}
