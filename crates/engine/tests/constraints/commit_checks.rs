//! `@check(on: COMMIT)`.

use backstay_base::{Error, RecordId};
use backstay_engine::{Authority, Input, Transaction, TxContext};
use backstay_scalar::Value;
use futures_util::future::{BoxFuture, join_all};

use crate::sums::fields;
use crate::support::{Served, documented, refused};

/// The model of the documentation.
fn books() -> &'static str {
    documented("### Checks at commit")
}

/// The violation reported for the entry with this number, which the request doesn't name.
fn unbalanced(on: &Served, number: usize) -> String {
    let id = on.id(number);
    format!(r#"CheckOfOther {{ message: "postings must add up to zero", collection: "Entry", id: {id} }}"#)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_belongs_together_is_checked_when_all_of_it_is_written() {
    for mut on in Served::both(books()) {
        let name = on.database;
        assert_eq!(on.create("Entry", r#"[{"text":"rent"},{"text":"food"}]"#).await, "ok", "{name}: nothing is zero");
        let told = format!("invalid-values:  {}", unbalanced(&on, 0));
        assert_eq!(on.create("Posting", r#"{"entry":"%0","account":"a","amount":"5"}"#).await, told, "{name}");
        let pair = r#"[{"entry":"%0","account":"a","amount":"5.5"},{"entry":"%0","account":"b","amount":"-5.5"}]"#;
        assert_eq!(on.create("Posting", pair).await, "ok", "{name}");
        let unequal = r#"[{"entry":"%1","account":"a","amount":"5"},{"entry":"%1","account":"b","amount":"-6"}]"#;
        let told = format!("invalid-values: /1 {}", unbalanced(&on, 1));
        assert_eq!(on.create("Posting", unequal).await, told, "{name}: the last one is told");
        assert_eq!(fields(&on, "Posting", "amount").await, "\"5.5000\"\n\"-5.5000\"\n", "{name}: nothing is half done");

        let told = format!("invalid-values:  {}", unbalanced(&on, 0));
        assert_eq!(on.update("Posting", 2, r#"{"amount":"6"}"#).await, told, "{name}");
        assert_eq!(on.update("Posting", 2, r#"{"account":"c"}"#).await, "ok", "{name}: the rule doesn't read it");
        assert_eq!(on.delete("Posting", 2).await, told, "{name}");
        let both =
            vec![on.updating("Posting", 2, r#"{"amount":"6"}"#), on.updating("Posting", 3, r#"{"amount":"-6"}"#)];
        assert_eq!(on.together(both).await, "ok", "{name}");
        let told = |request: usize, entry: usize| {
            let shown = unbalanced(&on, entry).replace(&on.id(entry).to_string(), &format!("%{entry}"));
            format!("Some({request}) invalid-values:  {shown}")
        };
        let one = vec![
            on.updating("Entry", 1, r#"{"text":"meat"}"#),
            on.updating("Posting", 2, r#"{"amount":"7"}"#),
            on.updating("Entry", 1, r#"{"text":"fish"}"#),
        ];
        assert_eq!(on.together(one).await, told(1, 0), "{name}: the request that is the reason");
        let moved = vec![on.updating("Posting", 2, r#"{"entry":"%1"}"#)];
        let both = format!("{},{}", told(0, 0), told(0, 1).trim_start_matches("Some(0) invalid-values:"));
        assert_eq!(on.together(moved).await, both, "{name}: it left one, and came to the other");
        let moved = vec![on.updating("Posting", 2, r#"{"entry":"%1"}"#), on.deleting("Posting", 3)];
        assert_eq!(on.together(moved).await, told(0, 1), "{name}: it came to another");
        let moved =
            vec![on.updating("Posting", 2, r#"{"entry":"%1"}"#), on.updating("Posting", 3, r#"{"entry":"%1"}"#)];
        assert_eq!(on.together(moved).await, "ok", "{name}");
        assert_eq!(on.together(vec![on.deleting("Posting", 2), on.deleting("Entry", 1)]).await, "ok", "{name}");
        assert_eq!(fields(&on, "Posting", "amount").await, "", "{name}: the rest went with it");
    }
}

/// Entries that must balance before they are closed, and whose text can change in any case.
const GUARDED: &str = r#"
type Entry @open @trash(keep: "30d")
  @check(rule: "this.postings.sum(p, p.amount) == 0", message: "not balanced", on: COMMIT, guards: ["closed", "at.place"])
  @check(rule: "this.postings.all(p, p.amount < 100)", message: "too large", on: COMMIT, guards: ["postings"]) {
  text: String
  closed: Boolean
  at: Origin
  postings: [Posting!] @inverse(field: "entry")
}
type Origin @embedded { place: String page: Int }
type Posting @open @trash(keep: "30d") { entry: Entry @onDelete(do: CASCADE)  amount: Int!  note: String }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_is_asked_if_what_it_guards_changes() {
    for mut on in Served::both(GUARDED) {
        let name = on.database;
        let own = r#"invalid-values:  Check { message: "not balanced" }"#;
        assert_eq!(on.create("Entry", r#"{"text":"rent","at":{"place":"A","page":1}}"#).await, "ok", "{name}");
        assert_eq!(on.create("Posting", r#"{"entry":"%0","amount":5}"#).await, "ok", "{name}: not guarded");
        let large = on.create("Posting", r#"{"entry":"%0","amount":100}"#).await;
        assert!(large.contains("too large") && !large.contains("not balanced"), "{name}: {large}");
        assert_eq!(on.update("Entry", 0, r#"{"text":"food"}"#).await, "ok", "{name}");
        assert_eq!(on.update("Entry", 0, r#"{"at":{"page":2}}"#).await, "ok", "{name}");
        assert_eq!(on.update("Entry", 0, r#"{"closed":true}"#).await, own, "{name}");
        assert_eq!(on.update("Entry", 0, r#"{"at":{"place":"B"}}"#).await, own, "{name}: a member");
        assert_eq!(on.update("Posting", 1, r#"{"note":"x"}"#).await, "ok", "{name}: neither reads it");
        let both = vec![on.updating("Entry", 0, r#"{"closed":true}"#), on.updating("Posting", 1, r#"{"amount":0}"#)];
        assert_eq!(on.together(both).await, "ok", "{name}");
        assert_eq!(on.update("Posting", 1, r#"{"amount":7}"#).await, "ok", "{name}: it is closed already");

        // What is new or comes back is asked in any case.
        assert_eq!(on.delete("Entry", 0).await, "ok", "{name}");
        let restored = on.restore("Entry", 0).await;
        assert!(restored.contains("not balanced"), "{name}: {restored}");
    }
}

/// An order with its lines, which belong to a customer.
const SHOP: &str = r#"
type Customer @open @check(rule: "this.most == null || this.orders.all(o, o.total <= this.most)", message: "too large", on: COMMIT) {
  most: Int
  orders: [Order!] @inverse(field: "customer")
}
type Order @open @trash(keep: "30d") {
  customer: Customer @onDelete(do: SET_NULL)
  limit: Int @check(rule: "this.limit == null || this.lines.sum(l, l.n) <= this.limit", message: "over the limit", on: COMMIT)
  total: Int @computed(is: "this.lines.sum(l, l.n)", stored: COMMIT)
  lines: [Line!] @inverse(field: "order")
  receipt: Receipt @inverse(field: "order")
  paid: Boolean! @default(to: false) @check(rule: "!this.paid || this.receipt != null && this.receipt.ok", message: "no receipt", on: COMMIT)
}
type Line @open @trash(keep: "30d") { order: Order @onDelete(do: CASCADE)  n: Int! }
type Receipt @open @trash(keep: "30d") { order: Order! @unique @onDelete(do: CASCADE)  ok: Boolean }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_is_asked_when_it_or_its_children_change() {
    for mut on in Served::both(SHOP) {
        let name = on.database;
        let own = |field: &str, message: &str| format!(r#"invalid-values: {field} Check {{ message: "{message}" }}"#);
        let order = |message: &str, id: RecordId| {
            format!(r#"invalid-values:  CheckOfOther {{ message: "{message}", collection: "Order", id: {id} }}"#)
        };
        assert_eq!(on.create("Customer", r#"{"most":10}"#).await, "ok", "{name}");
        assert_eq!(on.create("Order", r#"{"customer":"%0","limit":5}"#).await, "ok", "{name}");
        assert_eq!(on.create("Line", r#"[{"order":"%1","n":3},{"order":"%1","n":2}]"#).await, "ok", "{name}");
        assert_eq!(on.update("Order", 1, r#"{"limit":4}"#).await, own("/limit", "over the limit"), "{name}");
        assert_eq!(on.create("Order", r#"[{},{"limit":-1}]"#).await, own("/1/limit", "over the limit"), "{name}");
        let over = order("over the limit", on.id(1));
        assert_eq!(on.update("Line", 2, r#"{"n":4}"#).await, over, "{name}");

        // The trash, and back.
        assert_eq!(on.delete("Line", 2).await, "ok", "{name}");
        assert_eq!(on.update("Order", 1, r#"{"limit":2}"#).await, "ok", "{name}");
        assert_eq!(on.restore("Line", 2).await, over, "{name}: restored");
        assert_eq!(on.delete("Order", 1).await, "ok", "{name}: what is deleted isn't asked");
        assert_eq!(on.restore("Order", 1).await, "ok", "{name}: what was deleted before stays there");
        assert_eq!(on.purge("Line", 2).await, "ok", "{name}");

        // Sums of children, with and without a limit: unknown passes.
        let large = format!(
            r#"invalid-values:  CheckOfOther {{ message: "too large", collection: "Customer", id: {} }}"#,
            on.id(0)
        );
        assert_eq!(on.update("Order", 1, r#"{"limit":null}"#).await, "ok", "{name}");
        assert_eq!(on.create("Line", r#"{"order":"%1","n":9}"#).await, large, "{name}: the sum of a child");
        assert_eq!(on.update("Customer", 0, r#"{"most":null}"#).await, "ok", "{name}");
        assert_eq!(on.create("Line", r#"{"order":"%1","n":9}"#).await, "ok", "{name}");
        assert_eq!(on.update("Customer", 0, r#"{"most":10}"#).await, own("", "too large"), "{name}");

        // The other end of a unique relation.
        assert_eq!(on.update("Order", 1, r#"{"paid":true}"#).await, own("/paid", "no receipt"), "{name}");
        assert_eq!(on.create("Receipt", r#"{"order":"%1","ok":true}"#).await, "ok", "{name}");
        assert_eq!(on.update("Order", 1, r#"{"paid":true}"#).await, "ok", "{name}");
        assert_eq!(on.update("Receipt", 5, r#"{"ok":false}"#).await, order("no receipt", on.id(1)), "{name}");
        assert_eq!(on.update("Receipt", 5, r#"{"ok":null}"#).await, "ok", "{name}: unknown passes");
        assert_eq!(on.delete("Receipt", 5).await, order("no receipt", on.id(1)), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_change_because_another_is_deleted_are_asked() {
    let model = r#"
type User @open { name: String }
type Task @open @check(rule: "this.steps.all(s, s.owner != null)", message: "somebody has to do each step", on: COMMIT) {
  lead: User @onDelete(do: SET_NULL) @check(rule: "this.lead != null || size(this.steps) == 0", message: "a lead, or no steps", on: COMMIT)
  steps: [Step!] @inverse(field: "task")
}
type Step @open { task: Task! @onDelete(do: CASCADE)  owner: User @onDelete(do: SET_NULL) }
"#;
    for mut on in Served::both(model) {
        let name = on.database;
        assert_eq!(on.create("User", r#"[{"name":"ann"},{"name":"bob"}]"#).await, "ok", "{name}");
        assert_eq!(on.create("Task", r#"{"lead":"%0"}"#).await, "ok", "{name}");
        assert_eq!(on.create("Step", r#"{"task":"%2","owner":"%1"}"#).await, "ok", "{name}");
        let told = |message: &str| {
            let id = on.id(2);
            format!(r#"invalid-values:  CheckOfOther {{ message: "{message}", collection: "Task", id: {id} }}"#)
        };
        assert_eq!(on.done(on.deleting("User", 1)).await, told("somebody has to do each step"), "{name}: of a child");
        assert_eq!(on.done(on.deleting("User", 0)).await, told("a lead, or no steps"), "{name}: of the record");
        let both = vec![on.deleting("Step", 3), on.deleting("User", 0), on.deleting("User", 1)];
        assert_eq!(on.together(both).await, "ok", "{name}");
    }
}

/// Makes an entry with postings of these amounts.
struct Whole(&'static [i64]);

impl Transaction for Whole {
    type Answer = RecordId;

    fn name(&self) -> &'static str {
        "whole"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<RecordId, Error>> {
        Box::pin(async move {
            let model = cx.model();
            let of = |name: &str| model.collection_named(name).expect("a collection");
            let (entries, postings) = (of("Entry"), of("Posting"));
            let field = |of: &backstay_model::Collection, name: &str| of.field_named(name).expect("a field").id;
            let entry = Input::new().with(field(entries, "text"), "whole");
            let entry = cx.create(Authority::Caller, entries.id, entry).await?.id();
            for amount in self.0 {
                let posting = Input::new()
                    .with(field(postings, "entry"), Value::Id(entry))
                    .with(field(postings, "account"), "a")
                    .with(field(postings, "amount"), Value::Decimal((*amount).into()));
                cx.create(Authority::Caller, postings.id, posting).await?;
            }
            Ok(entry)
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parent_and_children_can_be_made_in_one_commit() {
    for mut on in Served::both(books()) {
        let name = on.database;
        let pair = r#"{"text":"rent","postings":[{"account":"a","amount":"5"},{"account":"b","amount":"-5"}]}"#;
        assert_eq!(on.create("Entry", pair).await, "ok", "{name}");
        let one = r#"{"text":"rent","postings":[{"account":"a","amount":"5"}]}"#;
        let told = r#"invalid-values:  Check { message: "postings must add up to zero" }"#;
        assert_eq!(on.create("Entry", one).await, told, "{name}");
        assert_eq!(on.done(on.deleting("Entry", 0)).await, "ok", "{name}");
        on.run(Whole(&[3, -1, -2])).await.expect("it balances");
        let told = on.run(Whole(&[3, -1])).await.expect_err("it doesn't");
        assert_eq!(told, r#"invalid-values:  Check { message: "postings must add up to zero" }"#, "{name}");
        assert_eq!(fields(&on, "Entry", "text").await, "\"whole\"\n", "{name}");
    }
}

/// With an id that the client gives, children can refer to a record that is made in the same commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_together_make_parent_and_children() {
    let model = books().replace("type Entry\n", "type Entry @key(given: true)\n");
    for mut on in Served::both(&model) {
        let name = on.database;
        let whole = |on: &Served, amount: &str| {
            let id = "01990000-0000-7000-8000-00000000000e";
            let posting = |amount: &str| format!(r#"{{"entry":"{id}","account":"a","amount":"{amount}"}}"#);
            let entry = on.creating("Entry", &format!(r#"{{"id":"{id}","text":"rent"}}"#));
            vec![entry, on.creating("Posting", &posting("5")), on.creating("Posting", &posting(amount))]
        };
        let told = r#"Some(0) invalid-values:  Check { message: "postings must add up to zero" }"#;
        assert_eq!(on.together(whole(&on, "-4")).await, told, "{name}: the request that makes the record");
        assert_eq!(on.create("Entry", r#"{"text":"other"}"#).await, "ok", "{name}");
        assert_eq!(on.together(whole(&on, "-5")).await, "ok", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_at_the_same_time_do_not_break_a_check_together() {
    let model = r#"
type Room @open @check(rule: "size(this.seats) <= 3", message: "full", on: COMMIT) { seats: [Seat!] @inverse(field: "room") }
type Seat @open { room: Room!  guest: Int }
"#;
    for mut on in Served::both(model) {
        let name = on.database;
        assert_eq!(on.create("Room", "{}").await, "ok", "{name}");
        let guest = |guest: usize| on.done(on.creating("Seat", &format!(r#"{{"room":"%0","guest":{guest}}}"#)));
        let answers = join_all((0..12).map(guest)).await;
        let seated = answers.iter().filter(|answer| *answer == "ok").count();
        let full = answers.iter().filter(|answer| answer.contains(r#"message: "full""#)).count();
        assert_eq!((seated, full), (3, 9), "{name}: {answers:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_record_of_a_check_is_named_to_those_who_may_read_it() {
    let model = r#"
type Box @allow(read: "auth.kind == 'OPERATOR'", create: "true", update: "true") @check(rule: "size(this.things) <= 1", message: "full", on: COMMIT) {
  things: [Thing!] @inverse(field: "box")
}
type Thing @allow(read: "true", create: "true") { box: Box! }
"#;
    let hidden =
        model.replace(r#"type Box @allow(read: "auth.kind == 'OPERATOR'""#, r#"type Box @allow(refer: "true""#);
    for mut on in Served::both(&hidden) {
        let name = on.database;
        assert_eq!(on.create("Box", "{}").await, "ok", "{name}");
        let two = r#"[{"box":"%0"},{"box":"%0"}]"#;
        let told = r#"invalid-values: /1 Check { message: "full" }"#;
        assert_eq!(on.create("Thing", two).await, told, "{name}: the record is not named");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_commit_asks_a_limited_number_of_records() {
    let model = r#"
type Box @open @check(rule: "size(this.things) <= 1", message: "full", on: COMMIT) { things: [Thing!] @inverse(field: "box") }
type Thing @open { box: Box! }
"#;
    let mut on = Served::sqlite(model);
    let boxes = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
    assert_eq!(on.create("Box", &boxes(1000)).await, "ok");
    let more = vec![on.creating("Box", &boxes(1000)), on.creating("Box", "{}")];
    assert_eq!(on.together(more).await, "None too-large");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_explanation_asks_what_the_commit_would() {
    for mut on in Served::both(books()) {
        let name = on.database;
        assert_eq!(on.create("Entry", r#"{"text":"rent"}"#).await, "ok", "{name}");
        let explained = on.explained(on.creating("Posting", r#"{"entry":"%0","account":"a","amount":"5"}"#)).await;
        assert!(!explained.allowed, "{name}");
        let last = explained.rules.last().expect("a rule");
        assert_eq!((last.of.as_str(), last.answer.as_str()), ("Entry check", "false"), "{name}");
        let refusal = explained.refusal.expect("a refusal");
        assert!(format!("{refusal:?}").contains("postings must add up to zero"), "{name}: {refusal:?}");
    }
}

#[test]
fn a_check_at_commit_follows_own_fields_and_inverse_lists_only() {
    let check = |check: &str, message: &str, remedy: &str| {
        let model = format!(
            r#"
type User @open {{ name: String  tags: [Tag!] }}
type Tag @open {{ name: String }}
type Entry @open @tree(parent: "above") {check} {{ text: String  by: User  tags: [Tag!]  above: Entry  lines: [Line!] @inverse(field: "entry")  linesOfBy: Boolean @computed(is: "this.by.name == 'x'") }}
type Line @open {{ entry: Entry!  n: Int  by: User  parts: [Part!] @inverse(field: "line") }}
type Part @open {{ line: Line! }}"#
        );
        let found = refused(&model);
        assert!(found.contains(message) && found.contains(remedy), "{check}\n{found}");
    };
    let remedy = "use fields of the record itself and of the records of its `@inverse` lists, or remove `on: COMMIT`";
    let others =
        "a check at commit can't read records that are neither the record itself nor in one of its `@inverse` lists";
    let rule = |rule: &str| format!(r#"@check(rule: "{rule}", message: "no", on: COMMIT)"#);
    check(&rule("this.by.name == 'x'"), others, remedy);
    check(&rule("this.linesOfBy"), others, remedy);
    check(&rule("this.lines.all(l, l.by.name == 'x')"), others, remedy);
    check(&rule("this.lines.all(l, l.entry.text == 'x')"), others, remedy);
    check(&rule("this.lines.all(l, size(l.parts) == 1)"), others, remedy);
    check(&rule("size(this.tags) == 1"), "a check at commit can't read the members of many-to-many relations", remedy);
    check(&rule("size(this.ancestors) == 1"), "a check at commit can't read `ancestors` and `descendants`", remedy);
    check(&rule("size(this.by.tags) == 1"), others, remedy);
    let as_it_was =
        "write a check without `on: COMMIT`: at the end of a commit, only the record as it is then is known";
    check(&rule("old == null"), "there is no `old` here", as_it_was);
    let guarding = |guards: &str| {
        format!(r#"@check(rule: "size(this.lines) == 1", message: "no", on: COMMIT, guards: [{guards}])"#)
    };
    check(
        &guarding(r#""text", "tags""#),
        "a check at commit can't guard `tags`, which is links",
        "without `on: COMMIT`",
    );
    check(&guarding(r#""descendants""#), "no update changes `descendants` of Entry", "remove it from `guards`");
    check(&guarding(r#""line""#), "Entry has no field `line`", "lines");
    check(
        r#"@check(rule: "this.text != null", message: "no", on: COMMIT, guards: ["lines"])"#,
        "the check doesn't read `lines`, so no change of them has it asked",
        "read it in the rule",
    );
    check(r#"@check(rule: "this.text != null", message: "no", on: DELETE)"#, "DELETE", "COMMIT");
}
