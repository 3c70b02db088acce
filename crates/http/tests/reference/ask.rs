//! Sends a request through the doors, and compares what comes back with what the reference expects.

use std::fmt::Write;

use backstay_testkit::Reply;
use backstay_testkit::reference::{
    Assigned, Expected, Get, List, NEXT_COMMIT, Value, World, Write as Writing, Writer, Written, sort_text,
};
use serde_json::{Map, Value as Json, json};

use crate::stage::{Actor, Stage, body};

/// Pages that are followed; more would never end.
const PAGES: usize = 60;

/// A request.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    Get(Get),
    List(List),
    Write(Writing),
}

/// What was sent, what should have come back, and what did.
struct Difference {
    sent: String,
    expected: String,
    got: String,
}

/// What came back.
#[derive(Debug, PartialEq)]
enum Got<T> {
    Refused(u16),
    Answered(T),
}

impl Stage {
    /// Makes a request; an error shows everything that is needed to see what is wrong.
    pub(crate) async fn check(&mut self, actor: usize, request: Request) -> Result<(), String> {
        let difference = match &request {
            Request::Get(get) => self.get(actor, get).await,
            Request::List(list) => self.list(actor, list).await,
            Request::Write(write) => self.write(actor, write).await,
        };
        match difference {
            Some(difference) => Err(self.report(actor, &difference)),
            None => Ok(()),
        }
    }

    async fn send(&self, actor: usize, line: &str, body: Option<&Json>) -> Reply {
        let Actor { token, link, .. } = &self.actors[actor];
        let shown = [("authorization", token.as_deref()), ("backstay-link", link.as_deref())];
        let headers: Vec<(&str, &str)> = shown.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        match body {
            Some(body) => self.app.post(line, &headers, &body.to_string()).await,
            None => self.app.call(line, &headers).await,
        }
    }

    /// Notes what became of a request.
    fn note(&mut self, request: &str, outcome: &str) {
        *self.tally.entry(format!("{request}: {outcome}")).or_default() += 1;
    }

    async fn get(&mut self, actor: usize, get: &Get) -> Option<Difference> {
        let mut line = format!("GET /api/{}/{}", self.world.schema.types[get.of].path, get.id);
        if let Some(select) = get.select.text(&self.world.schema, get.of) {
            line.extend(["?select=", &encoded(&select)]);
        }
        let reply = self.send(actor, &line, None).await;
        let got = match reply.status {
            200 => Got::Answered(Some(reply.json())),
            404 => Got::Answered(None),
            status => Got::Refused(status),
        };
        self.note("get", &reply.status.to_string());
        let asker = &self.actors[actor].asker;
        let select = get.select.text(&self.world.schema, get.of);
        difference(format!("{line}\n  select: {select:?}"), &asker.get(&self.world, get), &got, &reply)
    }

    async fn list(&mut self, actor: usize, list: &List) -> Option<Difference> {
        let query = self.query(list);
        let line = format!("POST /api/{}:query", self.world.schema.types[list.of].path);
        let sent = format!("{line} {}", Json::Object(query.clone()));
        let expected = self.actors[actor].asker.list(&self.world, list);
        let (mut items, mut after, mut last): (Vec<Json>, Json, Option<Reply>) = (Vec::new(), Json::Null, None);
        for page in 0..PAGES {
            let mut paged = query.clone();
            if !after.is_null() {
                paged.insert("after".to_owned(), after);
            }
            let reply = self.send(actor, &line, Some(&Json::Object(paged))).await;
            if reply.status != 200 {
                self.note("list", &reply.status.to_string());
                let got = Got::Refused(reply.status);
                return difference(format!("{sent}, page {page}"), &expected, &got, &reply);
            }
            let mut answer = reply.json();
            let Json::Array(mut found) = answer["items"].take() else { return Some(whole(sent, "items", &answer)) };
            after = answer["next"].take();
            // Only the last page may have fewer records, and after it there is none.
            if found.len() > list.limit || (!after.is_null() && found.len() < list.limit) {
                return Some(whole(sent, "a page as long as its limit", &json!(found)));
            }
            items.append(&mut found);
            let count = answer["count"]["value"].as_u64();
            if let (true, Expected::Answered(all) | Expected::Hopeless(_, all)) = (list.count, &expected)
                && count != u64::try_from(all.len()).ok()
            {
                return Some(whole(sent, &format!("a count of {}", all.len()), &answer["count"]));
            }
            last = Some(reply);
            if after.is_null() {
                if let Some(difference) = self.back(actor, (&line, &query, &items), &answer["prev"]).await {
                    return Some(difference);
                }
                break;
            }
        }
        self.note(
            "list",
            match items.len() {
                0 => "nothing",
                shown if shown < self.world.all(list.of).count() => "some",
                _ => "all",
            },
        );
        difference(sent, &expected, &Got::Answered(items), &last.expect("a page"))
    }

    /// Reads the pages before the last one, from the last to the first: together with it they are all of these.
    async fn back(
        &mut self,
        actor: usize,
        (line, query, items): (&str, &Map<String, Json>, &[Json]),
        previous: &Json,
    ) -> Option<Difference> {
        let (mut before, mut rest) = (previous.clone(), items);
        let limit = usize::try_from(query.get("limit")?.as_u64()?).ok()?;
        let mut last_page = items.len() % limit;
        if last_page == 0 {
            last_page = limit.min(items.len());
        }
        rest = &rest[..rest.len() - last_page];
        while !before.is_null() {
            let mut query = query.clone();
            query.insert("before".to_owned(), before.take());
            let sent = format!("{line} {}", Json::Object(query.clone()));
            let mut answer = self.send(actor, line, Some(&Json::Object(query))).await.json();
            let Json::Array(found) = answer["items"].take() else { return Some(whole(sent, "items", &answer)) };
            let Some(left) = rest.len().checked_sub(found.len()) else {
                return Some(whole(sent, "no other records than before", &json!(found)));
            };
            if rest[left..] != found[..] || found.len() < limit.min(rest.len()) {
                return Some(whole(sent, &format!("the last of {}", json!(rest)), &json!(found)));
            }
            (rest, before) = (&rest[..left], answer["prev"].take());
        }
        (!rest.is_empty()).then(|| whole(line.to_owned(), "all pages", &json!(rest)))
    }

    async fn write(&mut self, actor: usize, write: &Writing) -> Option<Difference> {
        let schema = &self.world.schema;
        let path = |of: usize| format!("/api/{}", schema.types[of].path);
        let (line, sent) = match write {
            Writing::Create { of, bodies, array } => {
                let mut bodies = bodies.iter().map(|one| Json::Object(body(schema, *of, one)));
                let sent = if *array { bodies.collect() } else { bodies.next().expect("a record") };
                (format!("POST {}", path(*of)), Some(sent))
            }
            Writing::Update { of, id, body: values } => {
                (format!("PATCH {}/{id}", path(*of)), Some(Json::Object(body(schema, *of, values))))
            }
            Writing::Delete { of, id } => (format!("DELETE {}/{id}", path(*of)), None),
        };
        let reply = self.send(actor, &line, sent.as_ref()).await;
        let kind = line.split(' ').next().expect("a method").to_owned();
        let stored = self.stored().await;
        let (written, refusals) = self.actors[actor].asker.write(&self.world, write, &assigned(&self.world, &stored));
        let sent = sent.map_or(line.clone(), |sent| format!("{line} {sent}"));
        let answer = if reply.body.is_empty() { Json::Null } else { reply.json() };
        let difference = if refusals.contains(&reply.status) {
            changes(&self.world, &stored)
        } else if written.status != reply.status {
            Some((written.status.to_string(), format!("{} {answer}", reply.status)))
        } else if reply.status < 300 && written.body != answer {
            Some((written.body.to_string(), answer.to_string()))
        } else {
            let Written { world, .. } = &written;
            changes(world, &stored)
        };
        self.note(&kind, &reply.status.to_string());
        if difference.is_none() {
            self.world = stored;
        }
        difference.map(|(expected, got)| Difference { sent, expected, got })
    }

    /// The body of a list.
    fn query(&self, list: &List) -> Map<String, Json> {
        let schema = &self.world.schema;
        let mut query = Map::new();
        if let Some((filter, params)) = &list.filter {
            query.insert("filter".to_owned(), Json::String(Writer::filter(schema).text(filter)));
            let params: Map<String, Json> = params
                .iter()
                .enumerate()
                .map(|(index, (value, kind))| (format!("p{index}"), value.json(kind)))
                .collect();
            if !params.is_empty() {
                query.insert("params".to_owned(), Json::Object(params));
            }
        }
        if !list.equal.is_empty() {
            query.insert("where".to_owned(), Json::Object(body(schema, list.of, &list.equal)));
        }
        if !list.sort.is_empty() {
            query.insert("sort".to_owned(), Json::String(sort_text(schema, list.of, &list.sort)));
        }
        if let Some(select) = list.select.text(schema, list.of) {
            query.insert("select".to_owned(), Json::String(select));
        }
        query.insert("limit".to_owned(), json!(list.limit));
        if list.count {
            query.insert("count".to_owned(), json!(true));
        }
        query
    }

    /// The disagreement, the model and the records.
    fn report(&self, actor: usize, difference: &Difference) -> String {
        let Difference { sent, expected, got } = difference;
        let caller = &self.actors[actor].asker.caller;
        let mut text = format!("{caller:?}\n{sent}\nexpected: {expected}\ngot:      {got}\n\n{}\n", self.world.schema);
        for record in &self.world.records {
            let ty = &self.world.schema.types[record.of];
            let values = ty.fields.iter().zip(&record.values).filter(|(field, _)| field.is_stored());
            let values: Vec<String> = values.map(|(field, value)| format!("{}: {value:?}", field.name)).collect();
            writeln!(text, "{} {}", ty.name, values.join(", ")).expect("a text");
        }
        for link in &self.world.links {
            writeln!(text, "{} -> {}", link.near, link.far).expect("a text");
        }
        text
    }
}

/// What only Backstay decides: the ids of records that are new, and the moment of the change.
fn assigned(before: &World, after: &World) -> Assigned {
    let new = after.records.iter().filter(|record| before.find(record.of, record.id()).is_none());
    let mut ids: Vec<_> = new.map(|record| record.id().clone()).collect();
    ids.sort_unstable();
    let latest = |world: &World| world.records.iter().filter_map(|record| moment(&record.values[2])).max();
    let moment = latest(after).filter(|moment| Some(*moment) > latest(before));
    Assigned { ids, moment: moment.unwrap_or(NEXT_COMMIT) }
}

fn moment(value: &Value) -> Option<i64> {
    match value {
        Value::Moment(micros) => Some(*micros),
        _ => None,
    }
}

/// What is stored otherwise than expected.
fn changes(expected: &World, stored: &World) -> Option<(String, String)> {
    let lines = |world: &World, other: &World| {
        let records = world.records.iter().filter(|record| other.find(record.of, record.id()) != Some(record));
        let links = world.links.iter().filter(|link| !other.links.contains(link));
        let lines: Vec<String> =
            records.map(|record| format!("{record:?}")).chain(links.map(|link| format!("{link:?}"))).collect();
        lines.join("\n  ")
    };
    let (missing, unexpected) = (lines(expected, stored), lines(stored, expected));
    (missing != unexpected).then(|| (format!("stored\n  {missing}"), format!("stored\n  {unexpected}")))
}

fn whole(sent: String, expected: &str, got: &Json) -> Difference {
    Difference { sent, expected: expected.to_owned(), got: got.to_string() }
}

fn difference<T: PartialEq + std::fmt::Debug>(
    sent: String,
    expected: &Expected<T>,
    got: &Got<T>,
    reply: &Reply,
) -> Option<Difference> {
    // A request that follows more relations than one request may is none of the policy's business.
    if reply.status == 422 && reply.problem() == "too-costly" {
        return None;
    }
    let agrees = match (expected, got) {
        (Expected::Refused(statuses) | Expected::Hopeless(statuses, _), Got::Refused(status)) => {
            statuses.contains(status)
        }
        (Expected::Answered(wanted) | Expected::Hopeless(_, wanted), Got::Answered(answer)) => wanted == answer,
        (Expected::Refused(_), Got::Answered(_)) | (Expected::Answered(_), Got::Refused(_)) => false,
    };
    (!agrees).then(|| Difference { sent, expected: format!("{expected:?}"), got: format!("{got:?}\n{}", reply.text()) })
}

/// A text as a part of a URL's query.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
