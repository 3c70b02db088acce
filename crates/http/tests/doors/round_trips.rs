//! How often a request goes to PostgreSQL and back.

use std::sync::Arc;

use backstay_testkit::{Cluster, Reply, RoundTrips, TestApp};
use serde_json::{Value, json};

use crate::id_of;

const MODEL: &str = r#"
extend schema @app(name: "Paper") @rule(name: "worksFor(s: Section)", is: "s.members.exists(m, m.user == auth.id)")

type User @identity @allow(read: "true", update: "this.id == auth.id") {
  email: Email! @unique
  name: String!
}

type Section @allow(read: "true", create: "auth.id != null", update: "worksFor(this)") {
  name: String! @unique
  members: [Member!] @inverse(field: "section")
  posts: [Post!] @inverse(field: "section")
}

type Member @allow(read: "true", create: "this.user == auth.id") @unique(fields: ["section", "user"]) {
  section: Section!
  user: User!
}

type Post
  @allow(
    read: "this.public || worksFor(this.section)"
    create: "worksFor(this.section)"
    update: "worksFor(this.section)"
    delete: "worksFor(this.section)"
  ) {
  title: String! @length(min: 1, max: 200)
  slug: String! @slug(from: "title") @unique
  public: Boolean! @default(to: true)
  section: Section!
  author: User! @default(from: "auth.id")
  answers: Post
  comments: [Comment!] @inverse(field: "post")
  commentCount: Int @computed(is: "this.comments.count(c, true)", stored: COMMIT)
}

type Comment @allow(read: "true", create: "auth.id != null", update: "this.author == auth.id", delete: "this.author == auth.id") {
  post: Post! @onDelete(do: CASCADE)
  author: User! @default(from: "auth.id")
  body: String!
}

type Tag @allow(read: "true", create: "true", update: "true", delete: "true") {
  name: String! @unique
  color: String
}

type Ticket @key(type: INT, given: true) @allow(read: "true", create: "true") { title: String }
"#;

/// Requests of each kind that are counted, and how many are sent for that at most.
const COUNTED: usize = 5;
const TRIES: usize = 100;
/// The table of those who have signed in.
const SESSIONS: &str = "backstay_session";

/// An application whose round trips are counted, and what its requests name.
struct Counted {
    app: Arc<TestApp>,
    trips: RoundTrips,
    token: String,
    section: String,
}

impl Counted {
    async fn open() -> Self {
        let cluster = Cluster::shared();
        let trips = RoundTrips::to(cluster);
        let server = cluster.file("").display().to_string();
        let address = cluster.schema().replace(server.trim_end_matches('/'), &trips.directory().display().to_string());
        let app = Arc::new(TestApp::at(address, MODEL));
        let token = app.account("ada@example.org").await;
        let mut counted = Self { app, trips, token, section: String::new() };
        counted.section = id_of(&counted.sent("POST /api/sections", &[], json!({"name": "Politics"})).await);
        let me = counted.sent("GET /auth/me", &[], Value::Null).await.json()["id"].clone();
        let member = json!({"section": counted.section, "user": me});
        counted.sent("POST /api/members", &[], member).await;
        counted
    }

    /// Sends a request from the thread that also sends to the server, so that what is sent together arrives together.
    async fn sent(&self, line: &str, headers: &[(&str, &str)], body: Value) -> Reply {
        let (app, line) = (Arc::clone(&self.app), line.to_owned());
        let mut headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        headers.push(("authorization".to_owned(), self.token.clone()));
        let sending = tokio::spawn(async move {
            let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
            match body {
                Value::Null => app.call(&line, &headers).await,
                body => app.post(&line, &headers, &body.to_string()).await,
            }
        });
        let reply = sending.await.expect("it is answered");
        assert!((200..300).contains(&reply.status), "{reply:?}");
        reply
    }

    async fn post(&self, title: &str) -> String {
        id_of(&self.sent("POST /api/posts", &[], json!({"title": title, "section": self.section})).await)
    }

    /// Sends requests of one kind one after the other, which are numbered, and each of which takes as many round trips. One for
    /// which the server asks again who is calling, because it hasn't heard of others for a second, doesn't count.
    async fn check(&self, expected: u64, name: &str, ask: impl AsyncFn(&Self, usize) -> (String, Value)) {
        self.check_with(expected, name, async |of, number| {
            let (line, body) = ask(of, number).await;
            (line, Vec::new(), body)
        })
        .await;
    }

    async fn check_with(
        &self,
        expected: u64,
        name: &str,
        ask: impl AsyncFn(&Self, usize) -> (String, Vec<(&'static str, String)>, Value),
    ) {
        let mut counted = 0;
        for number in 0..TRIES {
            let (line, headers, body) = ask(self, number).await;
            let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            self.trips.take();
            self.sent(&line, &headers, body).await;
            let trips = self.trips.take();
            if !trips.iter().flatten().any(|text| text.contains(SESSIONS)) {
                assert_eq!(trips.len() as u64, expected, "round trips of: {name}, number {number}: {trips:#?}");
                counted += 1;
            }
            if counted == COUNTED {
                return;
            }
        }
        unreachable!("the server never heard of others: {name}");
    }
}

/// A read takes one round trip, and so does a write that nothing has to be looked up for. Any other takes one for each look-up that
/// depends on the one before; what is staged travels with the next of them, and the last of it with COMMIT.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn each_request_takes_so_many_round_trips() {
    let of = Counted::open().await;
    let known = of.post("Known").await;
    let none = Value::Null;

    of.check(1, "a read by id", async |_, _| (format!("GET /api/posts/{known}"), none.clone())).await;
    of.check(1, "a read by key", async |_, _| ("GET /api/posts:by?slug=known".to_owned(), none.clone())).await;
    let list =
        "GET /api/posts?filter=title.contains(%22o%22)&sort=-title&select=title,author%7Bname%7D,comments%7Bbody%7D";
    of.check(1, "a list with relations", async |_, _| (list.to_owned(), none.clone())).await;
    of.check(1, "groups", async |_, _| ("GET /api/posts:aggregate?group=public".to_owned(), none.clone())).await;

    of.check(1, "a create that no rule looks up", async |_, n| {
        ("POST /api/tags".to_owned(), json!({"name": format!("tag {n}")}))
    })
    .await;
    of.check(3, "a create with a membership rule", async |of, n| {
        (
            "POST /api/posts".to_owned(),
            json!({"title": format!("New {n}"), "slug": format!("s{n}"), "section": of.section}),
        )
    })
    .await;
    of.check(4, "a create that refers to a record that a rule guards", async |of, n| {
        let body =
            json!({"title": format!("An {n}"), "slug": format!("a{n}"), "section": of.section, "answers": known});
        ("POST /api/posts".to_owned(), body)
    })
    .await;
    of.check(4, "a create with a slug", async |of, n| {
        ("POST /api/posts".to_owned(), json!({"title": format!("Title {n}"), "section": of.section}))
    })
    .await;
    of.check_with(3, "a create with an idempotency key", async |of, n| {
        let body = json!({"title": format!("Key {n}"), "slug": format!("k{n}"), "section": of.section});
        ("POST /api/posts".to_owned(), vec![("idempotency-key", format!("key-{n}"))], body)
    })
    .await;
    of.check(4, "a patch", async |_, n| {
        (format!("PATCH /api/posts/{known}"), json!({"title": format!("Patched {n}")}))
    })
    .await;
    of.check(5, "a deletion", async |of, n| {
        (format!("DELETE /api/posts/{}", of.post(&format!("Gone {n}")).await), none.clone())
    })
    .await;
    of.check(2, "an upsert that creates", async |_, n| {
        ("POST /api/tags?onConflict=name".to_owned(), json!({"name": format!("upsert {n}")}))
    })
    .await;
    of.check(3, "an upsert that changes", async |_, n| {
        ("POST /api/tags?onConflict=name".to_owned(), json!({"name": "tag 0", "color": format!("{n}")}))
    })
    .await;
    of.check(5, "a create with children", async |of, n| {
        let body = json!({"title": format!("Parent {n}"), "slug": format!("p{n}"), "section": of.section,
            "comments": [{"body": "One"}, {"body": "Two"}]});
        ("POST /api/posts".to_owned(), body)
    })
    .await;
    of.check(3, "a create that a sum counts", async |_, n| {
        ("POST /api/comments".to_owned(), json!({"post": known, "body": format!("{n}")}))
    })
    .await;
    of.check(10, "a transaction of three", async |of, n| {
        let create = |m: u32| {
            let body = json!({"title": format!("T {n} {m}"), "slug": format!("t{n}-{m}"), "section": of.section});
            json!({"create": "posts", "body": body})
        };
        let patch = json!({"update": "posts", "id": known, "body": {"title": format!("Third {n}")}});
        ("POST /transact".to_owned(), json!({"requests": [create(1), create(2), patch]}))
    })
    .await;
}

/// The ids of records that are made together are looked up together, and the server's numbers go on after the highest at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn given_ids_take_as_many_for_many_as_for_one() {
    let of = Counted::open().await;
    for many in [1, 20] {
        of.check(3, "creates with ids", async |_, n| {
            let ids = (1..=many).map(|m| json!({"id": 1000 * many + 20 * n + m}));
            ("POST /api/tickets".to_owned(), ids.collect())
        })
        .await;
    }
}
