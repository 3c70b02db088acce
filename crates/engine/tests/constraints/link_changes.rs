//! Members that many-to-many relations get and lose one by one.

use crate::support::Served;

const POSTS: &str = r#"
type Tag @allow(read: "!this.hidden", create: "true") { name: String! @unique  hidden: Boolean! @default(to: false) }
type Post @open @history(read: "true") {
  tags: [Tag!]
  placed: [Tag!] @order(as: SENT)
  fixed: [Tag!] @immutable
}
type Team @open
  @check(rule: "this.members.added.all(m, m.name != 'a')", message: "not a")
  @check(rule: "this.members.removed.all(m, m.name != 'b')", message: "keep b")
  @check(rule: "size(this.members) <= 2", message: "two at most") {
  members: [Tag!]
}
"#;

/// Tags 0 to 3 are `a` to `d`, tag 4 is hidden; record 5 is of this type and has these members.
async fn with(of: &str, body: &str) -> [Served; 2] {
    let mut both = Served::both(POSTS);
    for on in &mut both {
        let tags = r#"[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d"},{"name":"h","hidden":true}]"#;
        assert_eq!(on.create("Tag", tags).await, "ok");
        assert_eq!(on.create(of, body).await, "ok");
    }
    both
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_come_and_go_one_by_one() {
    for mut on in with("Post", r#"{"tags":["%0","%1"],"placed":["%2","%0"],"fixed":["%0"]}"#).await {
        let name = on.database;
        let read = "version,tags(sort:name){name},placed{name}";
        assert_eq!(
            on.update("Post", 5, r#"{"tags":{"$add":["%2","%0"],"$remove":["%1","%3"]}}"#).await,
            "ok",
            "{name}"
        );
        let expected = r#"[{"placed":[{"name":"c"},{"name":"a"}],"tags":[{"name":"a"},{"name":"c"}],"version":2}]"#;
        assert_eq!(on.list("Post", read, None).await, expected, "{name}");
        for nothing in
            [r#"{"tags":{}}"#, r#"{"tags":{"$add":["%0"],"$remove":["%1"]}}"#, r#"{"fixed":{"$add":["%0"]}}"#]
        {
            assert_eq!(on.update("Post", 5, nothing).await, "ok", "{name}: {nothing}");
        }
        assert_eq!(on.list("Post", read, None).await, expected, "{name}: nothing has changed");
        assert_eq!(on.update("Post", 5, r#"{"placed":{"$add":["%3","%1"],"$remove":["%0"]}}"#).await, "ok", "{name}");
        let expected = r#"[{"placed":[{"name":"c"},{"name":"d"},{"name":"b"}]}]"#;
        assert_eq!(on.list("Post", "placed{name}", None).await, expected, "{name}: new ones come last");
        let by_name = r#"{"tags":{"$add":[{"name":"d"},"%3"],"$remove":[{"name":"a"}]}}"#;
        assert_eq!(on.update("Post", 5, by_name).await, "ok", "{name}: by a unique key");
        let expected = r#"[{"tags":[{"name":"c"},{"name":"d"}]}]"#;
        assert_eq!(on.list("Post", "tags(sort:name){name}", None).await, expected, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_that_can_not_be_changed() {
    for mut on in with("Post", r#"{"tags":["%0","%1"],"fixed":["%0"]}"#).await {
        let name = on.database;
        let none = |at: &str| format!(r#"invalid-values: {at} Reference {{ collection: "Tag", by: "id" }}"#);
        let wrong = |error: &str| format!("invalid-values: {error}");
        for (body, expected) in [
            (r#"{"tags":{"$add":["%1","%4"]}}"#, none("/tags/$add/1")),
            (r#"{"tags":{"$add":["%5"]}}"#, none("/tags/$add/0")),
            (
                r#"{"tags":{"$add":[{"name":"h"}]}}"#,
                wrong(r#"/tags/$add/0 Reference { collection: "Tag", by: "name" }"#),
            ),
            (
                r#"{"tags":{"$remove":[{"name":"x"}]}}"#,
                wrong(r#"/tags/$remove/0 Reference { collection: "Tag", by: "name" }"#),
            ),
            (
                r#"{"tags":{"$add":["x"]}}"#,
                wrong(
                    r#"/tags/$add/0 Misused { problem: "expected an id, such as \"01890a5d-ac96-774b-bcce-b302099a8057\"", remedy: "if that is its name, write {\"name\": \"x\"}" }"#,
                ),
            ),
            (r#"{"tags":{"$add":["%2","%2"]}}"#, wrong("/tags/$add/1 Duplicate")),
            (r#"{"tags":{"$add":["%2"],"$remove":["%2"]}}"#, wrong("/tags/$remove/0 Duplicate")),
            (r#"{"tags":{"$add":["%2"],"$add":["%3"]}}"#, wrong("/tags/$add Duplicate")),
            (
                r#"{"tags":{"$put":["%2"]}}"#,
                wrong(
                    r#"/tags/$put Misused { problem: "unknown operator `$put`", remedy: "write `$add` and `$remove`, `$set` alone, or an array of all ids" }"#,
                ),
            ),
            (r#"{"tags":{"$add":"%2"}}"#, wrong(r#"/tags/$add Type { expected: "an array of ids" }"#)),
            (r#"{"fixed":{"$add":["%1"]}}"#, wrong(r#"/fixed ReadOnly("this field can't change after creation")"#)),
            (r#"{"fixed":{"$remove":["%0"]}}"#, wrong(r#"/fixed ReadOnly("this field can't change after creation")"#)),
        ] {
            assert_eq!(on.update("Post", 5, body).await, expected, "{name}: {body}");
        }
        let new = r#"{"tags":{"$add":["%0"]}}"#;
        assert_eq!(on.create("Post", new).await, wrong(r#"/tags Type { expected: "an array of ids" }"#), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_see_all_members_and_those_that_come_and_go() {
    for mut on in with("Team", r#"{"members":["%1","%2"]}"#).await {
        let name = on.database;
        let broken = |message: &str| format!(r#"invalid-values:  Check {{ message: "{message}" }}"#);
        for (body, expected) in [
            (r#"{"members":{"$add":["%3"]}}"#, broken("two at most")),
            (r#"{"members":{"$add":["%0"],"$remove":["%2"]}}"#, broken("not a")),
            (r#"{"members":{"$add":["%3"],"$remove":["%1"]}}"#, broken("keep b")),
            (r#"{"members":{"$add":["%3"],"$remove":["%2"]}}"#, "ok".to_owned()),
        ] {
            assert_eq!(on.update("Team", 5, body).await, expected, "{name}: {body}");
        }
        assert_eq!(
            on.list("Team", "members(sort:name){name}", None).await,
            r#"[{"members":[{"name":"b"},{"name":"d"}]}]"#,
            "{name}"
        );
    }
}
