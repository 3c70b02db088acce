//! The ways in which a caller could learn something: the rows of the table.

use backstay_engine::Counting;
use backstay_rest::Raw;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::world::{Hidden, Session};

/// A way to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Get,
    List,
    Nested,
    Filter,
    Sort,
    Cursor,
    Count,
    Aggregate,
    Search,
    Bulk,
    Equality,
    Explain,
    Echo,
    Same,
    Immutable,
    Transition,
    Together,
    Unique,
    Referenced,
    Reference,
    Child,
    History,
    Past,
}

impl Way {
    pub(crate) const ALL: [(&str, Self); 23] = [
        ("get", Self::Get),
        ("list", Self::List),
        ("nested", Self::Nested),
        ("filter", Self::Filter),
        ("sort", Self::Sort),
        ("cursor", Self::Cursor),
        ("count", Self::Count),
        ("aggregate", Self::Aggregate),
        ("search", Self::Search),
        ("changes by a filter", Self::Bulk),
        ("equality parameter", Self::Equality),
        ("explain", Self::Explain),
        ("update echo", Self::Echo),
        ("update to the same value", Self::Same),
        ("immutable field", Self::Immutable),
        ("transition", Self::Transition),
        ("several in one transaction", Self::Together),
        ("conflict: unique", Self::Unique),
        ("conflict: still referenced", Self::Referenced),
        ("reference check", Self::Reference),
        ("child of a record", Self::Child),
        ("history", Self::History),
        ("the past", Self::Past),
    ];

    /// Whether there is anything to ask in this way.
    pub(crate) fn applies(self, hidden: Hidden) -> bool {
        match (self, hidden) {
            // No relation is secret. A secret is neither unique nor a state: a model in which it is isn't taken.
            (Self::Referenced | Self::Unique | Self::Transition, Hidden::Secret)
            // Backstay's own types have no states, and no history.
            | (Self::Transition | Self::History | Self::Past, Hidden::System)
            // A record of which a field is hidden may be referred to.
            | (Self::Reference, Hidden::Field | Hidden::Partly | Hidden::Secret | Hidden::System) => false,
            (_, Hidden::Row | Hidden::Field | Hidden::Partly | Hidden::Secret | Hidden::System) => true,
        }
    }

    /// Whether a caller who may see the hidden thing is answered differently. Nobody sees a secret, and the answer to a
    /// deletion does not tell what was deleted with the record.
    pub(crate) fn has_witness(self, hidden: Hidden) -> bool {
        !matches!((self, hidden), (_, Hidden::Secret) | (Self::Referenced, Hidden::System))
    }

    pub(crate) async fn ask(self, hidden: Hidden, session: &mut Session<'_>) {
        match self {
            Self::Get => get(hidden, session).await,
            Self::List => list(hidden, session).await,
            Self::Nested => nested(hidden, session).await,
            Self::Filter => filter(hidden, session).await,
            Self::Sort => sort(hidden, session).await,
            Self::Cursor => cursor(hidden, session).await,
            Self::Count => count(hidden, session).await,
            Self::Aggregate => aggregate(hidden, session).await,
            Self::Search => search(hidden, session).await,
            Self::Bulk => bulk(hidden, session).await,
            Self::Equality => equality(hidden, session).await,
            Self::Explain => explain(hidden, session).await,
            Self::Echo => echo(hidden, session).await,
            Self::Same => same(hidden, session).await,
            Self::Immutable => immutable(hidden, session).await,
            Self::Transition => transition(hidden, session).await,
            Self::Together => together(hidden, session).await,
            Self::Unique => unique(hidden, session).await,
            Self::Referenced => referenced(hidden, session).await,
            Self::Reference => reference(hidden, session).await,
            Self::Child => child(hidden, session).await,
            Self::History => session.history(hidden.type_name(), session.world.thing).await,
            Self::Past => past(hidden, session).await,
        }
    }
}

async fn get(hidden: Hidden, session: &mut Session<'_>) {
    for select in [None, Some("name,text"), Some("code"), Some("number,name"), Some("keeper"), Some("*")] {
        session.get(hidden.type_name(), session.world.thing, select).await;
    }
}

/// Reads beside a write, each in a transaction with what the caller may do anyway.
async fn together(hidden: Hidden, session: &mut Session<'_>) {
    let (world, client, of) = (session.world, session.world.client(), hidden.type_name());
    let filter = |text: &'static str| client.list(of, |list| list.filter = Some(text.into()));
    for asked in [
        client.get(of, world.thing, None),
        client.get(of, world.thing, Some("shown=code,name")),
        client.list(of, |_| ()),
        client.list(of, |list| list.sort = Some("-number".into())),
        filter("code == 'guess'"),
        filter("number == null"),
    ] {
        session.together(asked, client.list("Holder", |_| ())).await;
    }
}

async fn list(hidden: Hidden, session: &mut Session<'_>) {
    for select in [None, Some("name"), Some("code"), Some("number"), Some("keeper")] {
        session.list(hidden.type_name(), |list| list.select = select.map(Into::into)).await;
    }
    if hidden != Hidden::System {
        session.list("Holder", |_| ()).await;
        session.list("Keeper", |_| ()).await;
    }
}

async fn nested(hidden: Hidden, session: &mut Session<'_>) {
    let (world, one) = (session.world, hidden.relation());
    if hidden == Hidden::System {
        session.get(hidden.type_name(), world.thing, Some("name,account{name}")).await;
        session.get("Keeper", world.keepers[0], Some("name,notes{name}")).await;
        return session.get("User", world.people[0], Some("name,notes{name}")).await;
    }
    session.get("Holder", world.holder, None).await;
    for inner in ["name", "code", "number", "keeper{name}", "*"] {
        session.get("Holder", world.holder, Some(&format!("name,{one}{{{inner}}}"))).await;
        session.get("Holder", world.holder, Some(&format!("name,{one}s{{{inner}}}"))).await;
        for keeper in world.keepers {
            session.get("Keeper", keeper, Some(&format!("name,{one}s{{{inner}}}"))).await;
            session.get("Keeper", keeper, Some(&format!("name,many{one}s{{{inner}}}"))).await;
        }
    }
    for asked in [
        "(filter:number == 5){name}",
        "(filter:!(code == 'guess'),limit:1){name}",
        "(filter:name == 'thing' || 100 / (number - 5) > 0):count",
        "(search:\"guess\"){name}",
        "(search:\"first -guess\"){name}",
        "(search:\"guess OR thing\",limit:1){name}",
        ":count",
        ":sum(number)",
        ":max(code)",
        ":min(keeper.name)",
        "?{name,code?}",
    ] {
        let select = format!("name,k={one}s{asked}");
        session.get("Holder", world.holder, Some(&select)).await;
        session.get("Keeper", world.keepers[0], Some(&select)).await;
        session.list("Keeper", |list| list.select = Some(select.into())).await;
        let select = format!("name,k=many{one}s{asked}");
        session.list("Keeper", |list| list.select = Some(select.into())).await;
        let select = format!("name,{one}s{{name,k=keepers(filter:name == 'ann'):count,n=keepers:max(name)}}");
        session.get("Holder", world.holder, Some(&select)).await;
    }
    for select in [
        "name,k=keepers:count",
        "name,keepers(filter:name == 'ann'){name}",
        "name,keepers?(filter:100 / (size(name) - 3) > 0){name}",
        "name,k=keepers?(filter:name == 'ann'):count",
        "name,k=keepers:min(name)",
    ] {
        session.get(hidden.type_name(), world.thing, Some(select)).await;
        session.list(hidden.type_name(), |list| list.select = Some(select.into())).await;
    }
    session.get(hidden.type_name(), world.thing, Some("name,keeper{name}")).await;
    session.list(hidden.type_name(), |list| list.select = Some("name,keeper{name}".into())).await;
}

async fn filter(hidden: Hidden, session: &mut Session<'_>) {
    let (world, one) = (session.world, hidden.relation());
    let of_thing = [
        "code == 'guess'",
        "code != 'guess'",
        "code.startsWith('gu')",
        "!code.startsWith('gu')",
        "code == null",
        "number > 4 && number < 6",
        "!(number > 4 && number < 6)",
        "number == null",
        "number != null",
        "number in [5, 6]",
        "100 / (number - 5) > 0",
        "!(100 / (number - 5) > 0)",
        "keeper == null",
        "keeper != null",
        "keeper.name == 'ann'",
        "!(keeper.name == 'ann')",
        "name == 'thing' && code == 'guess'",
        "name == 'thing' || number == 5",
        "number == 5 ? name == 'thing' : name != 'thing'",
        "text == 'later'",
    ];
    for text in of_thing {
        session.filter(hidden.type_name(), text).await;
    }
    let id = format!("keeper == '{}'", world.keepers[0]);
    session.filter(hidden.type_name(), &id).await;
    for text in ["exists(m, true)", "exists(m, m.number == 5)", "all(m, m.number == 5)", "exists(m, m.name == 'thing')"]
    {
        session.filter("Keeper", &format!("{one}s.{text}")).await;
        session.filter("Keeper", &format!("many{one}s.{text}")).await;
        session
            .filter(hidden.type_name(), &format!("keepers.{}", text.replace("m.number == 5", "m.name == 'ann'")))
            .await;
        session.filter("Holder", &format!("{one}s.{text}")).await;
        session.filter("Keeper", &format!("!{one}s.{text}")).await;
    }
    for text in ["code == 'guess'", "number == 5", "number == null", "name == 'second'", "keeper.name == 'ann'"] {
        session.filter("Holder", &format!("{one}.{text}")).await;
        session.filter("Holder", &format!("!({one}.{text})")).await;
    }
}

async fn sort(hidden: Hidden, session: &mut Session<'_>) {
    for sort in ["number", "-number", "code", "-code,name", "public,number", "name"] {
        session.list(hidden.type_name(), |list| list.sort = Some(sort.into())).await;
    }
    let (world, one) = (session.world, hidden.relation());
    for sort in ["keeper.name", "-keeper.name,name", "keepers:count", "-keepers:count,name", "name,keeper.id"] {
        session.list(hidden.type_name(), |list| list.sort = Some(sort.into())).await;
    }
    for (of, sort) in [
        ("Holder", format!("{one}.number")),
        ("Holder", format!("-{one}.code")),
        ("Holder", format!("{one}s:count")),
        ("Keeper", format!("{one}s:count,name")),
        ("Keeper", format!("-many{one}s:count")),
    ] {
        session.list(of, |list| list.sort = Some(sort.into())).await;
    }
    for sort in ["number", "-code", "[-number,name]", "name"] {
        let nested = format!("name,{one}s(sort:{sort},limit:2){{name}}");
        session.get("Holder", world.holder, Some(&nested)).await;
        session.get("Keeper", world.keepers[0], Some(&nested)).await;
    }
}

async fn cursor(hidden: Hidden, session: &mut Session<'_>) {
    let name = hidden.type_name();
    for sort in [None, Some("number"), Some("-number"), Some("code"), Some("name")] {
        let mut after = None;
        for _ in 0..6 {
            after = session
                .list(name, |list| {
                    (list.sort, list.limit, list.after) = (sort.map(Into::into), Some(1), after.take().map(Into::into));
                })
                .await;
            if after.is_none() {
                break;
            }
        }
    }
    let id = session.world.thing.to_string();
    for (sort, value) in [("number", Some("5")), ("number", Some("6")), ("number", None), ("code", Some("guess"))] {
        let forged = forged(sort, value, &id);
        session.list(name, |list| (list.sort, list.after) = (Some(sort.into()), Some(forged.into()))).await;
    }
    let forged = forged("", None, &id);
    session.list(name, |list| list.after = Some(forged.into())).await;
}

/// A cursor that no page gave: of this order, behind this value and record.
fn forged(order: &str, value: Option<&str>, id: &str) -> String {
    let mark = order.bytes().fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let mut bytes = vec![1];
    bytes.extend_from_slice(&mark.to_be_bytes());
    let texts = if order.is_empty() { vec![Some(id)] } else { vec![value, Some(id)] };
    bytes.extend(serde_json::to_vec(&texts).expect("JSON"));
    URL_SAFE_NO_PAD.encode(bytes)
}

async fn count(hidden: Hidden, session: &mut Session<'_>) {
    let one = hidden.relation();
    let counted = |of: &'static str, filter: Option<String>| (of, filter);
    let asked = [
        counted(hidden.type_name(), None),
        counted(hidden.type_name(), Some("number > 4".to_owned())),
        counted(hidden.type_name(), Some("!(code == 'guess')".to_owned())),
        counted("Keeper", Some(format!("{one}s.exists(m, m.name == 'thing')"))),
        counted("Keeper", Some(format!("!many{one}s.exists(m, m.name == 'thing')"))),
        counted("Holder", Some(format!("{one}.number == 5"))),
    ];
    for (of, filter) in asked {
        session
            .list(of, |list| {
                (list.filter, list.count, list.limit) = (filter.map(Into::into), Counting::Capped, Some(1));
            })
            .await;
    }
}

/// Searches for words that the hidden thing has, excludes them, ranks by them, and asks where they are.
async fn search(hidden: Hidden, session: &mut Session<'_>) {
    let of = hidden.type_name();
    for words in
        ["guess", "gu*", "guess thing", "thing -guess", "first -guess", "first OR guess", "guess OR z last", "s7"]
    {
        session.list(of, |list| list.search = Some(words.into())).await;
        session
            .list(of, |list| {
                (list.search, list.select) = (Some(words.into()), Some("name".into()));
                (list.count, list.limit) = (Counting::Capped, Some(1));
            })
            .await;
        session.list(of, |list| (list.search, list.sort) = (Some(words.into()), Some("-name".into()))).await;
        for field in ["name", "code"] {
            session.list(of, |list| (list.search, list.highlight) = (Some(words.into()), Some(field.into()))).await;
        }
        session.groups(of, &format!(r#"{{"group": "name", "select": "count", "search": "{words}"}}"#)).await;
    }
}

/// Changes and deletes by filters that name what is hidden, rehearsed and carried out, alone and with a read in one transaction.
async fn bulk(hidden: Hidden, session: &mut Session<'_>) {
    let (world, of) = (session.world, hidden.type_name());
    let update = r#"{"text":"bulk"}"#;
    for filter in ["code == 'guess'", "!(code == 'guess')", "number > 4 && number < 6", "100 / (number - 5) > 0"] {
        for (body, dry_run) in [(Some(update), true), (Some(update), false), (None, true)] {
            session.bulk(world.matching(of, filter, (body, dry_run))).await;
        }
        let change = world.matching(of, filter, (Some(update), false));
        session.together(change, world.client().list(of, |list| list.select = Some("name".into()))).await;
    }
    for filter in ["true", "name == 'thing'"] {
        session.bulk(world.matching(of, filter, (Some(update), true))).await;
        session.bulk(world.matching(of, filter, (Some(r#"{"number":5}"#), true))).await;
    }
    if hidden != Hidden::System {
        let by_relation = format!("{}.code == 'guess'", hidden.relation());
        session.bulk(world.matching("Holder", &by_relation, (Some(r#"{"name":"bulk"}"#), true))).await;
    }
}

/// Groups by hidden values and of them, and of what relations to the hidden thing come to.
async fn aggregate(hidden: Hidden, session: &mut Session<'_>) {
    let (of, one) = (hidden.type_name(), hidden.relation());
    for body in [
        r#"{"select": "count"}"#,
        r#"{"group": "code", "select": "count", "sort": "-count,code"}"#,
        r#"{"group": "number", "select": "count", "limit": 1}"#,
        r#"{"group": "keeper.name", "select": "count"}"#,
        r#"{"select": "sum(number),avg(number),min(number),max(code),countDistinct(code),countDistinct(keeper)"}"#,
        r#"{"select": "n=count(number == 5),m=count(code != 'guess'),x=sum(100 / (number - 5))"}"#,
        r#"{"group": "name", "select": "max(number)", "having": "maxNumber == 5"}"#,
        r#"{"group": "code", "having": "code == 'guess'"}"#,
        r#"{"select": "count", "filter": "number == 5"}"#,
        r#"{"group": "text", "select": "count"}"#,
    ] {
        session.groups(of, body).await;
    }
    for text in ["exists(m, m.number == 5)", "count(m, m.code == 'guess') > 0", "sum(m, m.number) == 5"] {
        session
            .groups("Keeper", &format!(r#"{{"group": "x={one}s.{text},y=many{one}s.{text}", "select": "count"}}"#))
            .await;
        session.groups("Keeper", &format!(r#"{{"select": "x=count({one}s.{text})"}}"#)).await;
    }
    session
        .groups("Holder", &format!(r#"{{"group": "{one}.number,{one}.code", "select": "max({one}.number)"}}"#))
        .await;
}

/// Lists as of a moment at which everything was as it is.
async fn past(hidden: Hidden, session: &mut Session<'_>) {
    const MOMENT: &str = "2100-01-01T00:00:00Z";
    let of = hidden.type_name();
    for select in [None, Some("name"), Some("code"), Some("number"), Some("keeper")] {
        session.list(of, |list| (list.as_of, list.select) = (Some(MOMENT.into()), select.map(Into::into))).await;
    }
    for filter in ["code == 'guess'", "!(code == 'guess')", "number == null", "number > 4", "name == 'thing'"] {
        session.list(of, |list| (list.as_of, list.filter) = (Some(MOMENT.into()), Some(filter.into()))).await;
    }
    for sort in ["number", "-code"] {
        session
            .list(of, |list| {
                (list.as_of, list.sort, list.limit) = (Some(MOMENT.into()), Some(sort.into()), Some(1));
                list.count = Counting::Capped;
            })
            .await;
    }
}

async fn equality(hidden: Hidden, session: &mut Session<'_>) {
    let (world, one) = (session.world, hidden.relation());
    let asked = [
        (hidden.type_name(), "code", "guess".to_owned()),
        (hidden.type_name(), "number", "5".to_owned()),
        (hidden.type_name(), "keeper", world.keepers[0].to_string()),
        (hidden.type_name(), "name", "thing".to_owned()),
        (hidden.type_name(), "id", world.thing.to_string()),
        ("Holder", one, world.thing.to_string()),
    ];
    for (of, name, value) in asked {
        session.list(of, |list| list.equals = vec![(name.to_owned(), Raw::Text(value.into()))]).await;
    }
}

async fn explain(hidden: Hidden, session: &mut Session<'_>) {
    let (world, name, one) = (session.world, hidden.type_name(), hidden.relation());
    let client = world.client();
    let requests = [
        client.get(name, world.thing, None),
        client.list(name, |_| ()),
        client.list(name, |list| list.filter = Some("number > 4".into())),
        client.update(name, world.thing, r#"{"text":"explained"}"#),
        client.update(name, world.thing, r#"{"number":5}"#),
        client.create("Holder", &format!(r#"{{"name":"x","{one}":"{}"}}"#, world.thing)),
    ];
    for request in requests {
        session.explain(request).await;
    }
}

async fn echo(hidden: Hidden, session: &mut Session<'_>) {
    let (world, name) = (session.world, hidden.type_name());
    for body in [r#"{"text":"new"}"#, "{}", r#"{"number":5}"#, r#"{"code":"guess"}"#, r#"{"text":"newer"}"#] {
        session.update(name, world.thing, body.to_owned()).await;
    }
    if hidden != Hidden::System {
        session.update("Holder", world.holder, r#"{"name":"new"}"#.to_owned()).await;
        session.update("Keeper", world.keepers[0], r#"{"name":"new"}"#.to_owned()).await;
    }
    session.create(name, r#"{"name":"own","code":"own","number":6,"public":false}"#.to_owned()).await;
}

/// Values that may be there already, alone and beside others, with the answer and the explanation.
async fn same(hidden: Hidden, session: &mut Session<'_>) {
    let (world, name) = (session.world, hidden.type_name());
    for body in [r#"{"number":5}"#, r#"{"number":5}"#, r#"{"number":500,"text":"t"}"#, r#"{"number":null}"#] {
        session.update(name, world.thing, body.to_owned()).await;
        session.get(name, world.thing, Some("version,updatedAt,text")).await;
    }
}

async fn immutable(hidden: Hidden, session: &mut Session<'_>) {
    for body in [r#"{"once":"guess"}"#, r#"{"once":"other"}"#, r#"{"once":"third"}"#, r#"{"once":null,"text":"t"}"#] {
        session.update(hidden.type_name(), session.world.thing, body.to_owned()).await;
    }
}

/// Transitions that the writer may not make, from whichever state, and one that anybody may make from one of them: alone,
/// and where it is undone.
async fn transition(hidden: Hidden, session: &mut Session<'_>) {
    let (world, client, of) = (session.world, session.world.client(), hidden.type_name());
    for state in ["OPEN", "CLOSED", "GONE", "SHUT"] {
        let body = format!(r#"{{"stage":"{state}"}}"#);
        session.together(client.update(of, world.thing, &body), client.create("Holder", "{}")).await;
        session.update(of, world.thing, body).await;
    }
}

async fn unique(hidden: Hidden, session: &mut Session<'_>) {
    session.create(hidden.type_name(), r#"{"name":"own","code":"guess"}"#.to_owned()).await;
    session.create(hidden.type_name(), r#"[{"name":"own","code":"b"},{"name":"own","code":"other"}]"#.to_owned()).await;
}

async fn referenced(hidden: Hidden, session: &mut Session<'_>) {
    let world = session.world;
    for (keeper, person) in world.keepers.into_iter().zip(world.people) {
        match hidden {
            Hidden::System => session.delete("User", person).await,
            Hidden::Row | Hidden::Field | Hidden::Partly | Hidden::Secret => session.delete("Keeper", keeper).await,
        }
    }
}

async fn reference(hidden: Hidden, session: &mut Session<'_>) {
    let (world, one) = (session.world, hidden.relation());
    let bodies = [
        format!(r#"{{"name":"x","{one}":"{}"}}"#, world.thing),
        format!(r#"{{"name":"x","{one}s":["{}"]}}"#, world.thing),
        format!(r#"[{{"name":"x"}},{{"name":"y","{one}":"{}"}}]"#, world.thing),
    ];
    for body in bodies {
        session.create("Holder", body).await;
    }
    session.update("Holder", world.holder, format!(r#"{{"{one}":"{}"}}"#, world.thing)).await;
    session.update("Holder", world.holder, format!(r#"{{"{one}s":["{}"]}}"#, world.thing)).await;
}

/// Names the thing as a child of what it may refer to, and as one of several that a record is linked to.
async fn child(hidden: Hidden, session: &mut Session<'_>) {
    let (world, one) = (session.world, hidden.relation());
    for keeper in world.keepers {
        for sent in [
            format!(r#"{{"$change":[{{"id":"{}"}}]}}"#, world.thing),
            format!(r#"{{"$change":[{{"id":"{}","text":"x"}}]}}"#, world.thing),
            format!(r#"{{"$change":[{{"id":"{}","number":5}}]}}"#, world.thing),
            format!(r#"[{{"id":"{}"}}]"#, world.thing),
            "{}".to_owned(),
            "[]".to_owned(),
            format!(r#"{{"$remove":["{}"]}}"#, world.thing),
        ] {
            session.update("Keeper", keeper, format!(r#"{{"{one}s":{sent}}}"#)).await;
        }
    }
    for operator in ["$add", "$remove"] {
        let body = format!(r#"{{"{one}s":{{"{operator}":["{}"]}}}}"#, world.thing);
        session.update("Holder", world.holder, body).await;
    }
}
