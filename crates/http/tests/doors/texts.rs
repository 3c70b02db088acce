//! What refusals say. All other tests compare statuses, codes and places, so that texts can be improved here alone.

use std::fmt::Write as _;

use backstay_testkit::{Reply, TestApp};

use crate::{NOTES, id_of, note};

/// What is wrong in the first place, or else as a whole.
fn message(reply: &Reply) -> String {
    let problem = reply.json();
    let text = problem["errors"][0]["message"].as_str().or(problem["detail"].as_str());
    text.expect("a problem says something").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters() {
    let app = TestApp::open(NOTES);
    let check = async |query: &str, expected: &str| {
        assert_eq!(message(&app.call(&format!("GET /api/notes?{query}"), &[]).await), expected, "{query}");
    };
    check("limti=3", "unknown parameter `limti`").await;
    let misspelt = app.call("GET /api/notes?limti=3", &[]).await.json();
    assert_eq!(misspelt["errors"][0]["remedy"], "did you mean `limit`?");
    check("search=x", "Note has no field that can be searched").await;
    check("limit=0", "expected a whole number from 1 to 500").await;
    check("count=yes", "expected true, false or exact").await;
    check("skip=10001", "expected a whole number from 0 to 10000").await;
    check("title=%C3", "not UTF-8 (character 0)").await;
    check("title=a%00", "NUL is not allowed (character 1)").await;
    check("title=%0", "'%' needs two hexadecimal digits (character 0)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_methods() {
    let app = TestApp::open(NOTES);
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let check = async |line: &str, expected: &str| {
        let reply = app.call(&line.replace("ID", id), &[]).await;
        assert_eq!(message(&reply), expected, "{line}");
    };
    check("GET /api/note", "there is nothing at this path; did you mean /api/notes?").await;
    check("GET /api/notse?limit=1", "there is nothing at this path; did you mean /api/notes?").await;
    check("GET /rest/v1/notes", "there is nothing at this path; did you mean /api/notes?").await;
    check("GET /Note/ID", "there is nothing at this path; did you mean /api/notes?").await;
    check("GET /auth/sing-in", "there is nothing at this path; did you mean /auth/sign-in?").await;
    check("POST /Login", "there is nothing at this path; did you mean /auth/sign-in?").await;
    check("POST /api/batch", "there is nothing at this path; did you mean /transact?").await;
    check("GET /explian", "there is nothing at this path").await;
    check("GET /graphql", "GraphQL is not supported yet; the API is REST, see /openapi.json").await;
    check("GET /_/", "there is no admin site yet; use the command line, see `backstay help`").await;
    check("GET /nowhere", "there is nothing at this path").await;
    check("GET /api/notes:live", "`:live` is not supported yet; poll with `:query` instead").await;
    let on_record =
        "read a record with GET, change it with PATCH, create or replace it with PUT, delete it with DELETE";
    check("POST /api/notes/ID", on_record).await;
    check(
        "PUT /api/notes",
        "read a collection with GET, add records to it with POST, change or delete them with PATCH or DELETE",
    )
    .await;
    check("GET /api/notes:query", "send a query with POST").await;
    check("GET /auth/sign-in", "send this with POST").await;
    check("POST /healthz", "read this with GET").await;
}

const SHOP: &str = r#"
extend schema @app(name: "Shop")

type User @identity @allow(read: "true") {
  email: Email! @unique
  name: String!
}

enum State {
  DRAFT @initial @to(state: "OPEN")
  OPEN @to(state: "CLOSED")
  CLOSED
}

type Order @allow(read: "this.customer == auth.id || this.state != 'DRAFT'", create: "this.pieces != 13",
    update: "this.pieces < 100", delete: "false") {
  customer: User! @set(on: CREATE, to: "auth.id")
  state: State!
  number: String @immutable @unique
  pieces: Int @check(rule: "this.pieces > 0", message: "at least one")
  total: Decimal @precision(digits: 10, scale: 2)
  margin: Int @allow(read: "false", update: "false")
  note: Text
  data: JSON
  paidAt: DateTime @readonly
  token: String @class(is: SECRET)
  lines: [Line!] @inverse(field: "order")
}

type Line @allow(read: "true", create: "true", delete: "false") {
  order: Order!
  name: String!
}
"#;

/// The first thing that is wrong, with what to do about it.
fn advice(reply: &Reply) -> String {
    let problem = reply.json();
    match problem["errors"][0]["remedy"].as_str() {
        Some(remedy) => format!("{}; {remedy}", message(reply)),
        None => message(reply),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records() {
    let app = TestApp::open(SHOP);
    let ada = app.account("ada@example.org").await;
    let check = async |line: &str, body: &str, expected: &str| {
        let reply = app.post(line, &[("authorization", &ada)], body).await;
        assert_eq!(advice(&reply), expected);
        reply
    };
    let created = app.post("POST /api/orders", &[("authorization", &ada)], r#"{"pieces": 1, "number": "A"}"#).await;
    let id = id_of(&created);
    let order = format!("/api/orders/{id}");
    for (body, expected) in [
        ("7", "expected a JSON object"),
        ("[]", "an array of at least one record"),
        ("[1]", "expected a JSON object"),
        (r#"{"pieces": "#, "the JSON ends too early (character 10); send all of it"),
        (r#"{"peices": 1}"#, "unknown field `peices`; did you mean `pieces`?"),
        (r#"{"colour": 1}"#, "unknown field `colour`; leave it out; /openapi.json lists what exists"),
        (r#"{"pieces": 1, "pieces": 2}"#, "it is given twice; send it once"),
        (r#"{"pieces": 1.5}"#, "expected a whole number, such as 42"),
        (r#"{"pieces": 0}"#, "at least one"),
        (r#"{"total": "123456789.00"}"#, "must have at most 8 digits before the point and 2 after it"),
        (r#"{"customer": null}"#, "the model sets this field; leave it out"),
        (r#"{"paidAt": "2026-01-01T00:00:00Z"}"#, "this field is read-only; leave it out"),
        (r#"{"version": 7}"#, "Backstay sets this field; leave it out"),
        (r#"{"lines": {}}"#, "expected an array of objects"),
        (r#"{"lines": [{"order": "x"}]}"#, "this is the record that it is sent with; leave it out"),
        (r#"{"state": "OPEN"}"#, "a new record begins as DRAFT; leave it out, and change the state afterwards"),
        (r#"{"state": "open"}"#, "expected one of DRAFT, OPEN, CLOSED; did you mean OPEN?"),
        (r#"{"pieces": 13}"#, "you may not create this Order"),
    ] {
        check("POST /api/orders", body, expected).await;
    }
    check("POST /api/lines", "{}", "a value is required").await;
    let nowhere = r#"{"order": "01890a5d-ac96-774b-bcce-b302099a8057", "name": "x"}"#;
    let missing = "there is no Order with this id; create that record first, or refer to another";
    check("POST /api/lines", nowhere, missing).await;
    check("POST /api/users", "{}", "you may not create records of User").await;

    let patch = format!("PATCH {order}");
    check(&patch, r#"{"number": "B"}"#, "this field can't change after creation; leave it out").await;
    check(&patch, r#"{"margin": 1}"#, "you may not update this field; leave it out, or ask for access").await;
    check(&patch, r#"{"state": "CLOSED"}"#, "DRAFT cannot become CLOSED; it can become OPEN").await;
    check(&patch, r#"{"pieces": 100}"#, "this change would leave the Order in a form that you may not update").await;
    check(&format!("DELETE {order}"), "", "you may not delete records of Order").await;
    for change in [r#"{"state": "OPEN"}"#, r#"{"state": "CLOSED"}"#] {
        assert_eq!(app.post(&patch, &[("authorization", &ada)], change).await.status, 200);
    }
    check(&patch, r#"{"state": "OPEN"}"#, "CLOSED cannot become OPEN; it is final").await;
    let bob = app.account("bob@example.org").await;
    let draft = app.post("POST /api/orders", &[("authorization", &bob)], r#"{"pieces": 1}"#).await;
    let missing = "there is no Order with this id";
    check(&format!("PATCH /api/orders/{}", id_of(&draft)), "{}", missing).await;
    check("DELETE /api/orders/x", "", "there is no Order with this id; an id is a UUID").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queries() {
    let app = TestApp::open(SHOP);
    for (query, expected) in [
        ("select=token", "unknown field `token`; leave it out; /openapi.json lists what exists"),
        ("select=margin", "you may not read `margin`; leave it out, or ask for access"),
        ("sort=margin", "you may not read `margin`; leave it out, or ask for access"),
        ("sort=note", "`note` is a Text, which can be too long to sort by (character 0); sort by a String"),
        ("filter=margin%3E1", "you may not read `margin`; leave it out, or ask for access"),
        ("margin=1", "you may not read `margin`; leave it out, or ask for access"),
        ("filter=peices==1", "Order has no field `peices` (character 0); did you mean `pieces`?"),
        ("filter=pieces==$n", "a value is required; add `$n=…` to the URL"),
        ("filter=pieces==$n&$n=x", "expected a whole number, such as 42"),
        ("filter=pieces==$least&$least=1&$lesat=1", "unknown parameter of the filter `lesat`; did you mean `least`?"),
        ("stat=OPEN", "unknown field or parameter `stat`; did you mean `state`?"),
        ("state=X", "expected one of DRAFT, OPEN, CLOSED"),
        ("pieces=1&pieces=2", "it is given twice; send it once"),
        ("data=1", "data cannot be compared with `data=value`; use `filter`"),
        ("pieces%3E3", "unknown parameter `pieces>3`; write `filter=pieces > $value` and `$value=…`"),
        ("pieces=%3E3", "expected a whole number, such as 42; write `filter=pieces > $value` and `$value=…`"),
        ("pieces[gte]=3", "unknown parameter `pieces[gte]`; write `filter=pieces >= $value` and `$value=…`"),
        (
            "filter[pieces][_lt]=3",
            "unknown parameter `filter[pieces][_lt]`; write `filter=pieces < $value` and `$value=…`",
        ),
        (
            "number__icontains=3",
            "unknown parameter `number__icontains`; write `filter=number.contains($value)` and `$value=…`",
        ),
        (
            "customer.email=x",
            "unknown parameter `customer.email`; write `filter=customer.email == $value` and `$value=…`",
        ),
        ("state=DRAFT,OPEN", "expected one of DRAFT, OPEN, CLOSED; write `filter=state in $values` and `$values=…,…`"),
        (
            "pieces=null",
            "expected a whole number, such as 42; write `filter=pieces == null` or `filter=pieces != null`",
        ),
        ("sort=pieces%20desc", "`pieces desc` is not the name of a field (character 0); write -pieces"),
        (
            "after=x",
            "this is not the `next` of a page of the same list in the same order; send the `sort` of that page, or leave out `after` to start over",
        ),
    ] {
        let reply = app.call(&format!("GET /api/orders?{query}"), &[]).await;
        assert_eq!(advice(&reply), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies() {
    let app = TestApp::open(NOTES);
    let check = async |headers: &[(&str, &str)], body: &str, expected: &str| {
        assert_eq!(message(&app.post("POST /api/notes:query", headers, body).await), expected, "{headers:?} {body}");
    };
    let latin = "application/json; charset=iso-8859-1";
    check(&[("content-type", "text/plain")], "{}", "send the body as application/json, and say so in `Content-Type`")
        .await;
    let charset = "`Content-Type` names a charset other than UTF-8; send the body in UTF-8 and leave out `charset`";
    check(&[("content-type", latin)], "{}", charset).await;
    let packed = "`Content-Encoding` must be gzip, br or zstd; compress the body with one of them, or send it as it is, without \
                  `Content-Encoding`";
    check(&[("content-encoding", "deflate")], "{}", packed).await;
    check(&[("content-encoding", "gzip, br")], "{}", packed).await;
    let broken = "the body isn't valid zstd, which is its `Content-Encoding`, or ends early";
    check(&[("content-encoding", "zstd")], "{}", broken).await;
    check(&[("accept", "text/html")], "{}", "the answer is application/json, which `Accept` rules out").await;
    let half = "the text contains half of a surrogate pair (`\\ud800` to `\\udfff`); send both halves or the character";
    check(&[], r#"{"filter": "title == '\ud800'"}"#, half).await;
    check(&[], r#"{"filter": 1}"#, "expected a string").await;
    let null = "a parameter cannot be null; write `== null` or `!= null` in the filter instead";
    check(&[], r#"{"filter": "rank == $r", "params": {"r": null}}"#, null).await;
    let null = "`where` cannot compare with null; use `filter` with `== null` instead";
    check(&[], r#"{"where": {"rank": null}}"#, null).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions() {
    let app = TestApp::open(NOTES);
    let ada = app.account("ada@example.org").await;
    let id = note(&app, &ada, "One").await;
    let check = async |name: &str, value: &str, expected: &str| {
        let headers = [("authorization", ada.as_str()), (name, value)];
        let reply = app.post(&format!("PATCH /api/notes/{id}"), &headers, r#"{"rank": 1}"#).await;
        assert_eq!(message(&reply), expected, "{name}: {value}");
    };
    let weak = "`If-Match` holds a weak tag (`W/…`), which never matches (RFC 9110, section 13.1.1)";
    check("if-match", "W/\"1.x\"", weak).await;
    check("if-match", "\"1\"", "`If-Match` holds no `ETag` that this server sends for this resource").await;
    check("if-match", "1", "expected entity tags in double quotes, such as \"3.Jw4…\", or `*`").await;
    check("if-none-match", "*", "this request does not support this precondition").await;
    let date = "records have versions, not modification dates; send the record's `ETag` in `If-Match`";
    check("if-unmodified-since", "Thu, 26 Nov 2026 00:00:00 GMT", date).await;

    let read = app.call("GET /api/notes", &[("idempotency-key", "k")]).await;
    assert_eq!(message(&read), "this request changes nothing; an idempotency key is only for requests that do");
    let auth = app.post("POST /auth/sign-in", &[("idempotency-key", "k")], "{}").await;
    assert_eq!(message(&auth), "not supported under /auth/: the answer contains a secret, which is never stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn callers() {
    let app = TestApp::open(NOTES);
    let malformed = app.call("GET /api/notes", &[("authorization", "Basic eA==")]).await;
    assert_eq!(message(&malformed), "`Authorization` must be `Bearer` and one token");
    let ada = app.account("ada@example.org").await;
    let cookie = format!("backstay={}", ada.trim_start_matches("Bearer "));
    let foreign = app.post("POST /api/notes", &[("cookie", &cookie)], r#"{"title": "x"}"#).await;
    let expected = "the request comes from a page of another origin, or does not say where it comes from";
    assert_eq!(message(&foreign), expected);
    let taken = r#"{"title": "x", "slug": "taken"}"#;
    app.post("POST /api/notes", &[("authorization", &ada)], taken).await;
    let again = app.post("POST /api/notes", &[("authorization", &ada)], taken).await;
    assert_eq!(message(&again), "the value is already taken");
}

const STORE: &str = r#"
extend schema @app(name: "Store")

type User @identity @allow(read: "true") {
  email: Email! @unique
  profile: Profile @inverse(field: "customer")
}

type Profile @allow(read: "true", create: "true", update: "true", delete: "true") {
  customer: User! @unique
  bio: String
}

type Address @embedded { city: String! zip: String }

type Product @allow(read: "!this.hidden", create: "true", update: "true", delete: "true") {
  sku: String! @unique
  number: Int
  year: Int
  stock: Int
  keywords: [String!]
  size: Address
  data: JSON
  hidden: Boolean! @default(to: false)
  owner: User
  lines: [Line!] @inverse(field: "product")
  card: Card @inverse(field: "product")
}

extend type Product @index(fields: ["number", "year"], unique: true)

type Line @allow(read: "true", create: "true", update: "true", delete: "true") {
  product: Product!
  name: String
}

type Card @allow(read: "true", create: "true", update: "true", delete: "true") {
  product: Product! @unique
  text: String
}
"#;

/// A store with one product, and its id.
async fn store() -> (TestApp, String) {
    let app = TestApp::open(STORE);
    let made = app.post("POST /api/products", &[], r#"{"sku": "a", "number": 1, "year": 2, "lines": [{}]}"#).await;
    let hidden = app.post("POST /api/products", &[], r#"{"sku": "h", "hidden": true}"#).await;
    assert_eq!((made.status, hidden.status), (201, 201), "{} {}", made.text(), hidden.text());
    let id = id_of(&made);
    (app, id)
}

/// What a request is refused with.
async fn check_advice((app, id): &(TestApp, String), line: &str, body: &str, expected: &str) {
    let (line, body) = (line.replace("ID", id), body.replace("ID", id));
    let reply = if body.is_empty() { app.call(&line, &[]).await } else { app.post(&line, &[], &body).await };
    assert_eq!(advice(&reply), expected, "{line} {body}: {}", reply.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_records_and_keys() {
    let store = store().await;
    let check = async |line: &str, body: &str, expected: &str| check_advice(&store, line, body, expected).await;
    let (post, patch, put) = ("POST /api/products", "PATCH /api/products/ID", "PUT /api/products/ID");
    let upsert = "POST /api/products?onConflict=sku";

    let whole = "this request takes whole values, not operators; send the value itself, or PATCH the record";
    check(put, r#"{"sku": "a", "stock": {"$inc": 1}}"#, whole).await;
    check(upsert, r#"{"sku": "a", "stock": {"$inc": 1}}"#, whole).await;
    check(upsert, r#"[{"sku": "a", "stock": {"$inc": 1}}]"#, whole).await;
    let new = "operators change a stored record, and this one is new; send the value itself";
    check(post, r#"{"sku": "b", "stock": {"$inc": 1}}"#, new).await;
    let within = r#"{"sku": "b", "data": {"v": {"$ops": {"$inc": 1}}}}"#;
    check(post, within, "`$ops` changes a stored value; a new record has none; send the value itself").await;
    let replaced =
        "`$ops` changes a stored value, and this request replaces it; send the value itself, or PATCH the record";
    check(put, within, replaced).await;
    check(upsert, within, replaced).await;

    let lines =
        "this request replaces the list, and takes no operators; send an array of all objects, or PATCH the record";
    check(put, r#"{"sku": "a", "lines": {"$add": []}}"#, lines).await;
    check(upsert, r#"{"sku": "a", "lines": {"$add": []}}"#, lines).await;
    let other_side = "this relation is stored in `product` of Card; send the fields of the Card as an object, or set \
                      `product` of the Card";
    check(patch, r#"{"card": "ID"}"#, other_side).await;

    for line in ["GET", "PATCH", "DELETE"] {
        for sku in ["nope", "h"] {
            let body = if line == "PATCH" { "{}" } else { "" };
            check(&format!("{line} /api/products:by?sku={sku}"), body, "there is no Product with this sku").await;
        }
    }
    check("GET /api/products:by?number=7&year=7", "", "there is no Product with this number and year").await;
    check(
        "GET /api/products?skip=1&after=x",
        "",
        "a page starts at one place, and `after` says where; leave `skip` or `after` out",
    )
    .await;
    check("GET /api/products?prev=x", "", "unknown parameter `prev`; did you mean `before`?").await;
    check("GET /api/products?next=x", "", "unknown parameter `next`; did you mean `after`?").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_other_systems() {
    let store = store().await;
    let check = async |line: &str, body: &str, expected: &str| check_advice(&store, line, body, expected).await;
    let (post, patch) = ("POST /api/products", "PATCH /api/products/ID");

    let unknown = |name: &str, remedy: &str| format!("unknown field `{name}`; {remedy}");
    let key = "write the key itself: `{\"email\": …}`";
    for word in ["connect", "connectOrCreate", "create"] {
        let body = format!(r#"{{"owner": {{"{word}": {{"email": "x@example.org"}}}}}}"#);
        check(patch, &body, &unknown(word, key)).await;
    }
    check(patch, r#"{"card": {"create": {"text": "x"}}}"#, &unknown("create", "send its fields themselves")).await;
    let via = "send its fields, or set `product` of the Card";
    check(patch, r#"{"card": {"connect": {"id": "ID"}}}"#, &unknown("connect", via)).await;
    check(patch, r#"{"lines_attributes": []}"#, &unknown("lines_attributes", "write `lines`")).await;
    check(patch, r#"{"lines": [{"_destroy": true}]}"#, &unknown("_destroy", "list its id in `$remove`")).await;
    check(patch, r#"{"$set": {"stock": 1}}"#, &unknown("$set", "send the fields themselves")).await;
    let in_field = "write the operator in the field: `{\"stock\": {\"$inc\": 1}}`";
    check(patch, r#"{"$inc": {"stock": 1}}"#, &unknown("$inc", in_field)).await;
    check(post, r#"{"$inc": {"stock": 1}}"#, &unknown("$inc", "send the values themselves")).await;
    check(post, r#"{"objects": [{"sku": "x"}]}"#, &unknown("objects", "send the fields themselves")).await;
    check(patch, r#"{"stock+": 1}"#, &unknown("stock+", "write `{\"stock\": {\"$inc\": 1}}`")).await;
    let whole = "expected a whole number, such as 42";
    for word in ["increment", "inc"] {
        let body = format!(r#"{{"stock": {{"{word}": 1}}}}"#);
        check(patch, &body, &format!("{whole}; write `{{\"$inc\": 1}}`")).await;
    }
    check(patch, r#"{"stock": {"decrement": 1}}"#, &format!("{whole}; write `$inc` with a negative number")).await;
    for word in ["on_conflict", "upsert", "on_duplicate"] {
        let expected = format!("unknown parameter `{word}`; write `?onConflict=sku`");
        check(&format!("POST /api/products?{word}=sku"), r#"{"sku": "x"}"#, &expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_groups_and_counts_of_other_systems() {
    let store = store().await;
    let check = async |line: &str, body: &str, expected: &str| check_advice(&store, line, body, expected).await;
    let patch = "PATCH /api/products/ID";
    let unknown = |name: &str, remedy: &str| format!("unknown field `{name}`; {remedy}");
    check(patch, r#"{"keywords+": "c"}"#, &unknown("keywords+", "write `{\"keywords\": {\"$append\": [\"c\"]}}`"))
        .await;
    check(patch, r#"{"stock-": 1}"#, &unknown("stock-", "write `{\"stock\": {\"$inc\": -1}}`")).await;
    check(patch, r#"{"$unset": {"stock": ""}}"#, &unknown("$unset", "write `{\"stock\": null}`")).await;
    let append = "write `{\"keywords\": {\"$append\": [\"c\"]}}`";
    check(patch, r#"{"$push": {"keywords": "c"}}"#, &unknown("$push", append)).await;
    check(patch, r#"{"keywords": {"push": "c"}}"#, "expected an array; write `{\"$append\": [\"c\"]}`").await;
    let operator = |name: &str, remedy: &str| format!("unknown operator `{name}`; {remedy}");
    check(patch, r#"{"lines": {"create": [{}]}}"#, &operator("create", "write `{\"$add\": [{…}]}`")).await;
    check(patch, r#"{"lines": {"delete": ["ID"]}}"#, &operator("delete", "write `{\"$remove\": [ids]}`")).await;
    let products = "GET /api/products";
    let count = "write lines:count for what a relation leads to; `count=true` counts the records of a list";
    check(&format!("{products}?sort=-_count"), "", &unknown("_count", count)).await;
    check(&format!("{products}?select=sku,_count"), "", &unknown("_count", count)).await;
    let colon =
        "expected ',', not a path with '.' (character 5); write a function of a relation after a colon: lines:count";
    check(&format!("{products}?select=lines.count"), "", colon).await;
    let group = "`lines` is a relation to many records (character 0); a record is in one group: group the records at the \
                 other end, or list them with a function of the relation, such as select=name,posts:count";
    check(&format!("{products}:aggregate?group=lines.name"), "", group).await;
    let parameter = |name: &str, remedy: &str| format!("unknown parameter `{name}`; {remedy}");
    check(&format!("{products}:aggregate?metrics=count"), "", &parameter("metrics", "write `select=count`")).await;
    check(&format!("{products}:aggregate?_count=true"), "", &parameter("_count", "write count in `select`")).await;
    let filter = "expected a whole number, such as 42; write `\"filter\": \"stock > $value\"`, with the values of its \
                  parameters in `params`";
    check("POST /api/products:query", r#"{"where": {"stock": {"_gt": 5}}}"#, filter).await;
    let filter = "expected a text in double quotes; write `\"filter\": \"sku.contains($value)\"`, with the values of its \
                  parameters in `params`";
    check("POST /api/products:query", r#"{"where": {"sku": {"contains": "x"}}}"#, filter).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_that_a_field_takes() {
    let store = store().await;
    let check = async |line: &str, body: &str, expected: &str| check_advice(&store, line, body, expected).await;
    let patch = "PATCH /api/products/ID";

    let operator = |name: &str, remedy: &str| format!("unknown operator `{name}`; {remedy}");
    let append = "write `$append` with an array of items";
    check(patch, r#"{"keywords": {"$add": ["c"]}}"#, &operator("$add", append)).await;
    check(patch, r#"{"stock": {"$add": 1}}"#, &operator("$add", "write `$inc`")).await;
    check(patch, r#"{"size": {"$set": {"city": "x"}}}"#, &operator("$set", "write `$replace`")).await;
    check(patch, r#"{"stock": {"$set": 1}}"#, &operator("$set", "send the value itself")).await;
    let numbers = "send the value itself, or write `$inc` or `$mul`";
    check(patch, r#"{"stock": {"$max": 1}}"#, &operator("$max", numbers)).await;
    check(patch, r#"{"stock": {"$min": 1}}"#, &operator("$min", numbers)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_a_transaction() {
    let app = TestApp::open(STORE);
    let check = async |request: &str, expected: &str| {
        let reply = app.post("POST /transact", &[], &format!(r#"{{"requests": [{request}]}}"#)).await;
        assert_eq!(advice(&reply), expected, "{request}: {}", reply.text());
    };
    let unsaid = "the request doesn't say which record it is about; write `id` or `by`";
    check(r#"{"update": "products", "body": {}}"#, unsaid).await;
    check(r#"{"delete": "products"}"#, unsaid).await;
    check(r#"{"get": "products"}"#, unsaid).await;
    let by = |name: &str, bulk: &str| format!("unknown member `{name}`; write `by`, or use `{bulk}`");
    check(r#"{"where": {"sku": "a"}, "update": "products", "body": {}}"#, &by("where", "updateAll")).await;
    check(r#"{"delete": "products", "filter": "sku == 'a'"}"#, &by("filter", "deleteAll")).await;
    let query = "`update` has no `query`; write `by`, or use `updateAll`";
    check(r#"{"update": "products", "query": {"filter": "true"}, "body": {}}"#, query).await;
    let all = "without a filter this would be about every record; say which records you mean, or write";
    let in_query = format!("{all} {{\"query\": {{\"filter\": \"true\"}}}} for all of them");
    check(r#"{"updateAll": "products", "body": {}}"#, &in_query).await;
    let filter = format!("{all} `\"filter\": \"true\"` for all of them");
    check(r#"{"updateAll": "products", "query": {}, "body": {}}"#, &filter).await;
    let upsert = "unknown member `upsert`; write `create`, with the unique key in `onConflict`";
    check(r#"{"upsert": "products", "body": {}}"#, upsert).await;
    let whole = "this request takes whole values, not operators; send the value itself, or PATCH the record";
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    check(&format!(r#"{{"replace": "products", "id": "{id}", "body": {{"stock": {{"$inc": 1}}}}}}"#), whole).await;
}

/// Every kind of problem, as `/problems/{code}` explains it.
#[tokio::test(flavor = "multi_thread")]
async fn problems() {
    let app = TestApp::open(NOTES);
    let document = app.call("GET /openapi.json", &[]).await.json();
    let mut text = String::new();
    for path in document["x-problems"].as_object().expect("an object").keys() {
        let explained = app.call(&format!("GET {path}"), &[]).await.json();
        let member = |name: &str| explained[name].as_str().unwrap_or_default().to_owned();
        let (status, title, remedy) = (&explained["status"], member("title"), member("remedy"));
        let _ = writeln!(text, "{path} {status}: {title}. {remedy}");
    }
    insta::assert_snapshot!(text);
}
