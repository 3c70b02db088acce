//! What get and list show, to whom, and how they refuse.

mod desk;

use std::sync::Arc;

use backstay_base::Caller;
use backstay_engine::Counting;
use backstay_rest::Raw;
use desk::{Desk, told};

fn anonymous() -> Arc<Caller> {
    Arc::new(Caller::anonymous())
}

fn text(value: &str) -> Raw<'_> {
    Raw::Text(value.into())
}

#[tokio::test]
async fn rows_are_shown_to_those_whom_the_rule_allows() {
    let desk = Desk::open().await;
    let draft = desk.post("").await;
    let published = desk.published("").await;
    let titles = async |caller: &Arc<Caller>| desk.page("Post", caller, |_| ()).await.expect("a list")["items"].clone();
    assert_eq!(titles(&desk.ada).await.as_array().map(Vec::len), Some(2));
    assert_eq!(titles(&desk.eve).await.as_array().map(Vec::len), Some(1));
    assert_eq!(titles(&anonymous()).await.as_array().map(Vec::len), Some(1));
    assert_eq!(told(desk.get("Post", &desk.eve, draft).await), "not-found");
    assert_eq!(told(desk.get("Post", &anonymous(), published).await), "ok");
    assert_eq!(told(desk.page("User", &anonymous(), |_| ()).await), "sign-in-required");
    let person = desk.ada.id.expect("an id");
    assert_eq!(told(desk.get("User", &anonymous(), person).await), "sign-in-required");
}

#[tokio::test]
async fn a_hidden_field_is_left_out_and_null_for_filters() {
    let desk = Desk::open().await;
    let ada = desk.ada.id.expect("an id");
    let own = desk.get("User", &desk.ada, ada).await.expect("there");
    assert_eq!(own["email"], "ada@example.org");
    assert!(own.get("salary").is_none(), "hidden in every row");
    let others = desk.get("User", &desk.bob, ada).await.expect("there");
    assert!(others.get("email").is_none() && others["name"] == "ada");

    let names = async |caller: &Arc<Caller>, filter: &str| {
        let list = desk.column("User", caller, "name", |list| {
            list.filter = Some(filter.into());
            list.sort = Some("name".into());
        });
        told_or(list.await)
    };
    assert_eq!(names(&desk.editor, "email.startsWith('bob')").await, "bob");
    assert_eq!(names(&desk.bob, "email.startsWith('bob')").await, "bob");
    assert_eq!(names(&desk.ada, "email.startsWith('bob')").await, "");
    assert_eq!(names(&desk.ada, "!email.startsWith('bob')").await, "ada", "unknown never allows, under negation too");
    assert_eq!(names(&desk.ada, "email == null").await, "bob eve");
    let refused = "malformed-request: filter FieldHidden";
    assert_eq!(names(&desk.ada, "salary > 1.0").await, refused);
    assert_eq!(
        told(desk.page("User", &desk.ada, |list| list.sort = Some("salary".into())).await),
        "malformed-request: sort FieldHidden"
    );
    assert_eq!(
        told(desk.select("User", &desk.ada, ada, Some("salary")).await),
        "malformed-request: select FieldHidden"
    );
    let by_salary = desk.page("User", &desk.ada, |list| list.equals = vec![("salary".into(), text("1"))]).await;
    assert_eq!(told(by_salary), "malformed-request: salary FieldHidden");
    assert_eq!(
        told(desk.select("User", &desk.editor, ada, Some("token")).await),
        "malformed-request: select Unknown",
        "a secret has no name"
    );
}

fn told_or(result: Result<String, backstay_base::Error>) -> String {
    match result {
        Ok(text) => text,
        Err(error) => told::<()>(Err(error)),
    }
}

#[tokio::test]
async fn related_records_are_read_in_the_same_statement_under_their_own_rules() {
    let desk = Desk::open().await;
    let post = desk.published("").await;
    for (text, hidden) in [("good", false), ("bad", true)] {
        let body = format!(r#"{{"post":"{post}","text":"{text}","hidden":{hidden}}}"#);
        desk.made("Comment", &desk.bob, &body).await;
    }
    let select = "title,author{name,email},section{name,parent{name}},comments{text}";
    let read = async |caller: &Arc<Caller>| {
        told_or(desk.select("Post", caller, post, Some(select)).await.map(|post| post.to_string()))
    };
    let seen = |author: &str| {
        format!(
            r#"{{"author":{author},"comments":[{{"text":"good"}}],"section":{{"name":"Politics","parent":null}},"title":"Budget"}}"#
        )
    };
    assert_eq!(read(&desk.ada).await, seen(r#"{"email":"ada@example.org","name":"ada"}"#));
    assert_eq!(read(&desk.bob).await, seen(r#"{"name":"ada"}"#));
    let forbidden = "malformed-request: select FieldHidden";
    assert_eq!(read(&anonymous()).await, forbidden, "nobody who has not signed in may read a user");
    let filter = desk.page("Post", &anonymous(), |list| list.filter = Some("author.name == 'ada'".into())).await;
    assert_eq!(told(filter), "malformed-request: filter FieldHidden");
    let hidden = desk.page("Post", &desk.bob, |list| list.filter = Some("comments.exists(c, c.text == 'bad')".into()));
    assert_eq!(
        hidden.await.expect("a list")["items"].as_array().map(Vec::len),
        Some(0),
        "a hidden comment is not there"
    );
}

#[tokio::test]
async fn nested_lists_have_aliases_orders_and_limits() {
    let desk = Desk::open().await;
    let post = desk.published("").await;
    for text in ["b", "c", "a"] {
        desk.made("Comment", &desk.bob, &format!(r#"{{"post":"{post}","text":"{text}"}}"#)).await;
    }
    let check = async |select: &str, expected: &str| {
        let read = desk.select("Post", &desk.ada, post, Some(select)).await.map(|post| post.to_string());
        assert_eq!(told_or(read), expected, "{select}");
    };
    check(
        "first=comments(limit:1){text},last=comments(sort:-text,limit:2){text}",
        r#"{"$more":["first","last"],"first":[{"text":"b"}],"last":[{"text":"c"},{"text":"b"}]}"#,
    )
    .await;
    check("comments(sort:[hidden,text]){text}", r#"{"comments":[{"text":"a"},{"text":"b"},{"text":"c"}]}"#).await;
}

#[tokio::test]
async fn what_is_hidden_orders_no_nested_list() {
    let desk = Desk::open().await;
    let check = async |caller: &Arc<Caller>, select: &str, expected: &str| {
        let read = desk.select("Section", caller, desk.section, Some(select)).await.map(|section| section.to_string());
        assert_eq!(told_or(read), expected, "{select}");
    };
    // An address is seen by its owner and by editors: to others it is null, and nulls come last.
    check(&desk.editor, "members(sort:-email){name}", r#"{"members":[{"name":"bob"},{"name":"ada"}]}"#).await;
    check(&desk.ada, "members(sort:-email){name}", r#"{"members":[{"name":"bob"},{"name":"ada"}]}"#).await;
    check(&desk.bob, "members(sort:email){name}", r#"{"members":[{"name":"bob"},{"name":"ada"}]}"#).await;
    check(&desk.ada, "members(sort:salary){name}", "malformed-request: select FieldHidden").await;
}

#[tokio::test]
async fn filters_take_parameters_of_the_types_that_they_need() {
    let desk = Desk::open().await;
    desk.published(r#","words":7,"labels":["x"]"#).await;
    let check = async |filter: &str, params: &[(&str, &str)], expected: &str| {
        let list = desk.column("Post", &desk.ada, "words", |list| {
            list.filter = Some(filter.into());
            list.params = params.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect();
        });
        assert_eq!(told_or(list.await), expected, "{filter}");
    };
    check("words == $w", &[("w", "7")], "7").await;
    check("words in $w", &[("w", "[7,8]")], "7").await;
    check("title.contains($q) && state in $s", &[("q", "udg"), ("s", "PUBLISHED,DRAFT")], "7").await;
    check("$l in labels", &[("l", "x")], "7").await;
    check("section == $s", &[("s", &desk.section.to_string())], "7").await;
    check("title == $q", &[("q", "'; DROP TABLE post; --")], "").await;
    check("words == $w", &[], "malformed-request: $w Required").await;
    check("words == $w", &[("w", "x")], "malformed-request: $w Type").await;
    check("words == $w", &[("w", "1"), ("v", "1")], "malformed-request: $v Unknown").await;
    check("wrds == 1", &[], "malformed-request: filter Syntax").await;
    let long = format!("words == 1{}", " || words == 1".repeat(10_000));
    let refused = desk.page("Post", &desk.ada, |list| list.filter = Some(long.into())).await;
    assert_eq!(told(refused), "malformed-request: filter Syntax", "a filter of 10,000 terms");
    for deep in ["a.".repeat(8000), "(".repeat(4000), "!".repeat(4000)] {
        let refused = desk.page("Post", &desk.ada, |list| list.filter = Some(deep.clone().into())).await;
        assert_eq!(told(refused), "malformed-request: filter Syntax");
    }
}

#[tokio::test]
async fn equality_is_written_plainly() {
    let desk = Desk::open().await;
    desk.published(r#","words":7"#).await;
    let check = async |equals: &[(&str, &str)], expected: &str| {
        let list = desk.column("Post", &desk.ada, "words", |list| {
            list.equals = equals.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect();
        });
        assert_eq!(told_or(list.await), expected, "{equals:?}");
    };
    check(&[("state", "PUBLISHED"), ("words", "7")], "7").await;
    check(&[("state", "DRAFT")], "").await;
    check(&[("stat", "DRAFT")], "malformed-request: stat Unknown").await;
    check(&[("filtr", "x")], "malformed-request: filtr Unknown").await;
    check(&[("state", "X")], "malformed-request: state Type").await;
    check(&[("words", "7"), ("words", "8")], "malformed-request: words Duplicate").await;
    check(&[("data", "{}")], "malformed-request: data Misused").await;
}

#[tokio::test]
async fn pages_are_stable_while_records_come_and_go() {
    let desk = Desk::open().await;
    for name in ["a", "b", "c", "d", "e"] {
        desk.made("Tag", &desk.ada, &format!(r#"{{"name":"{name}"}}"#)).await;
    }
    let page = async |after: Option<String>| {
        let page = desk.page("Tag", &desk.ada, |list| {
            list.sort = Some("-name".into());
            list.limit = Some(2);
            list.count = Counting::Capped;
            list.after = after.map(Into::into);
        });
        page.await.expect("a page")
    };
    let names = |page: &serde_json::Value| {
        let items = page["items"].as_array().expect("items").iter();
        items.map(|item| item["name"].as_str().expect("a name").to_owned()).collect::<String>()
    };
    let first = page(None).await;
    assert_eq!((names(&first).as_str(), &first["count"]), ("ed", &serde_json::json!({"value": 5, "more": false})));
    desk.made("Tag", &desk.ada, r#"{"name":"z"}"#).await;
    let second = page(first["next"].as_str().map(str::to_owned)).await;
    assert_eq!(names(&second), "cb", "a record that came in front moves nothing");
    let third = page(second["next"].as_str().map(str::to_owned)).await;
    assert_eq!((names(&third).as_str(), &third["next"]), ("a", &serde_json::Value::Null));
}

#[tokio::test]
async fn an_order_with_nulls_has_pages_too() {
    let desk = Desk::open().await;
    for words in ["1", "null", "3", "null", "2"] {
        desk.post(&format!(r#","words":{words}"#)).await;
    }
    for (sort, expected) in [("words", "1 2 3 null null"), ("-words", "null null 3 2 1")] {
        let (mut seen, mut after) = (Vec::new(), None::<String>);
        let mut before = loop {
            let page = desk.page("Post", &desk.ada, |list| {
                list.sort = Some(sort.into());
                list.limit = Some(1);
                list.after = after.take().map(Into::into);
            });
            let page = page.await.expect("a page");
            seen.extend(page["items"].as_array().expect("items").iter().map(|item| item["words"].to_string()));
            match page["next"].as_str() {
                Some(next) => after = Some(next.to_owned()),
                None => break page["prev"].as_str().map(str::to_owned),
            }
        };
        assert_eq!(seen.join(" "), expected, "{sort}");
        let mut words = seen.len() - 1;
        while let Some(place) = before.take() {
            let page = desk.page("Post", &desk.ada, |list| {
                list.sort = Some(sort.into());
                list.limit = Some(1);
                list.before = Some(place.into());
            });
            let page = page.await.expect("a page");
            words -= 1;
            assert_eq!(page["items"][0]["words"].to_string(), seen[words], "{sort}, backward");
            assert!(page["next"].is_string(), "{page}");
            before = page["prev"].as_str().map(str::to_owned);
        }
        assert_eq!(words, 0, "{sort}, backward");
    }
}

#[tokio::test]
async fn pages_have_limits_and_cursors_are_checked() {
    let desk = Desk::open().await;
    for limit in [0, 501, u32::MAX] {
        let refused = desk.page("Tag", &desk.ada, |list| list.limit = Some(limit)).await;
        assert_eq!(told(refused), "malformed-request: limit Range");
    }
    let expected = "malformed-request: after Misused";
    for forged in ["", "x", "AYEcncVbIjAx", "%00", "AAAAAAAAAAAAAAAAAAAA"] {
        let refused = desk.page("Tag", &desk.ada, |list| list.after = Some(forged.into())).await;
        assert_eq!(told(refused), expected, "{forged}");
    }
}

#[tokio::test]
async fn an_explanation_names_the_part_that_refuses_and_what_it_saw() {
    let desk = Desk::open().await;
    let post = desk.post("").await;
    let client = desk.client();
    let get = client.get("Post", post, None).expect("a request");
    let explained = client.explain(&desk.eve, get).await.expect("explained");
    assert!(!explained.allowed);
    let rule = &explained.rules[0];
    assert_eq!((rule.of.as_str(), rule.answer.as_str()), ("Post read", "false"));
    assert!(rule.place.starts_with("model/desk.graphql:"));
    let parts: Vec<String> = rule.parts.iter().map(|part| format!("{} {}", part.answer, part.text)).collect();
    assert_eq!(parts, ["false this.state == 'PUBLISHED'", "false this.author == auth.id", "false editor"]);
    assert!(rule.parts[0].saw.contains(&("this.state".to_owned(), "\"DRAFT\"".to_owned())));
    assert_eq!(explained.statements[0].rows, 0);

    let body = format!(r#"{{"title":"x","section":"{}"}}"#, desk.section);
    let explained = client.explain(&desk.ada, client.create("Post", &body).expect("a request")).await;
    let explained = explained.expect("explained");
    assert!(explained.allowed, "{explained}");
    let posts = desk.page("Post", &desk.ada, |_| ()).await.expect("a list");
    assert_eq!(posts["items"].as_array().map(Vec::len), Some(1), "what is explained is not done");
}
