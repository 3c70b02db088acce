//! The HTTP door, driven as a client drives it. Texts are compared in `texts` alone.

mod accounts;
mod acting;
mod aggregates;
mod bad_input;
mod by_filter;
mod by_key;
mod changes;
mod children;
mod clocks;
mod collections;
mod coming_from;
mod commits;
mod computed;
mod conditions;
mod description;
mod developing;
mod docs;
mod document_relations;
mod documents;
mod doorway;
mod embedded;
mod encoded_bodies;
mod endpoints;
mod enums;
mod everyday_words;
mod examples;
mod explaining;
mod exporting;
mod expressions;
mod forms;
mod groups;
mod heads;
mod history;
mod inbox;
mod independent;
mod inspecting;
mod interfaces;
mod json_fields;
mod keys;
mod links;
mod naming;
mod old_names;
mod operators;
mod origins;
mod other_keys;
mod overload;
mod paging;
mod past;
mod prefix;
mod put;
mod ranges;
mod records;
mod references;
mod results_of_requests;
mod returning;
mod round_trips;
mod routes;
mod selecting;
mod sent_back;
mod shared_money;
mod singles;
mod sums;
mod texts;
mod transacting;
mod trash;
mod trees;
mod upsert;
mod whole_lists;
mod wire;

use backstay_testkit::{Reply, TestApp};

/// Notes: everyone reads the public ones, and their authors what is theirs.
const NOTES: &str = r#"
extend schema @app(name: "Notes") @rule(name: "editor", is: "'EDITOR' in auth.roles")

enum Role @roles { EDITOR }

type User @identity @allow(read: "true", update: "this.id == auth.id") {
  email: Email! @unique @allow(read: "this.id == auth.id")
  name: String!
}

interface Titled @path(is: "titled") { title: String }

type Note implements Titled
  @allow(
    read: "this.public || this.author == auth.id || editor"
    create: "auth.id != null"
    update: "this.author == auth.id || editor"
    delete: "this.author == auth.id"
  ) {
  title: String! @check(rule: "size(this.title) <= 80", message: "at most 80 characters")
  body: Text @length(max: 8000000)
  slug: String @unique
  rank: Int
  public: Boolean! @default(to: false)
  author: User! @set(on: CREATE, to: "auth.id")
}

type Paper implements Titled @allow(read: "true", create: "auth.id != null", delete: "auth.id != null") @trash(keep: "30d")
  @history(read: "auth.id != null") {
  title: String
}

type Site @single @allow(read: "true", update: "auth.id != null || auth.link != null") {
  motto: String
}
"#;

/// Makes a public note and gives its id.
async fn note(app: &TestApp, token: &str, title: &str) -> String {
    let body = format!(r#"{{"title": "{title}", "public": true}}"#);
    let reply = app.post("POST /api/notes", &[("authorization", token)], &body).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    id_of(&reply)
}

fn id_of(reply: &Reply) -> String {
    reply.json()["id"].as_str().expect("the record has an id").to_owned()
}
