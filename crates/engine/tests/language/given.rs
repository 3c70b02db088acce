//! Values that the model gives: `@default(from:)`, `@set(when:)`, and both through relations.

use crate::{App, example, told, wrong};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_come_from_the_records_that_are_referred_to() {
    for app in App::both(example("Values that the model gives")) {
        let red =
            app.made("Variant", r#"{"name":"Red","price":"12.50","rate":{"amount":"2.50","currency":"EUR"}}"#).await;
        let ann = app.caller("User", r#"{"email":"ann@example.org"}"#).await;
        let check = async |body: &str, expected: &str| {
            let id = app.create(&ann, "Line", &body.replace("RED", &red.to_string())).await.expect("a line");
            let line = app.one(&ann, ("Line", id), "label,price,rate,quantity,total,shippedAt").await;
            assert_eq!(line, expected, "{} {body}", app.database);
            let buyer = app.one(&ann, ("Line", id), "buyer").await;
            assert!(buyer.contains(&ann.id.expect("an account").to_string()), "{buyer}");
            id
        };
        check(
            r#"{"variant":"RED"}"#,
            r#"{"label":"Red","price":"12.5000","quantity":1,"rate":{"amount":"2.50","currency":"EUR"},"shippedAt":null,"total":"12.5000"}"#,
        )
        .await;
        let id = check(
            r#"{"variant":"RED","price":"3","quantity":2,"label":null,"rate":null}"#,
            r#"{"label":null,"price":"3.0000","quantity":2,"rate":null,"shippedAt":null,"total":"6.0000"}"#,
        )
        .await;
        let change = async |body: &str, expected: &str| {
            app.update(&ann, ("Line", id), body).await.expect("a change");
            assert_eq!(app.one(&ann, ("Line", id), "total,shippedAt").await, expected, "{} {body}", app.database);
        };
        change(r#"{"quantity":3}"#, r#"{"shippedAt":null,"total":"9.0000"}"#).await;
        app.clock.advance("1h");
        change(r#"{"shipped":true}"#, r#"{"shippedAt":"2026-01-31T13:00:00.000000Z","total":"9.0000"}"#).await;
        app.clock.advance("1h");
        change(r#"{"quantity":4}"#, r#"{"shippedAt":"2026-01-31T13:00:00.000000Z","total":"12.0000"}"#).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defaults_are_computed_in_the_order_of_what_they_read() {
    let model = r#"
type Team @open { name: String!  members: [Person!] @inverse(field: "team") }
type Person @open { name: String!  team: Team! }
type Note @open {
  c: String @default(from: "this.b + '!'")
  b: String @default(from: "this.person.team.name")
  person: Person @default(from: "this.other")
  other: Person
  crowded: Boolean @default(from: "this.person.team.members.exists(m, m != this.person)")
  state: State!
  begun: Boolean @default(from: "this.state == 'OPEN'")
  first: Int @set(on: CREATE, when: "this.kind == 'A'", to: "1") @set(on: CREATE, when: "this.kind == 'B'", to: "2") @set(on: WRITE, to: "3")
  kind: String
}
enum State { OPEN @initial @to(state: "SHUT") SHUT }
"#;
    let model = &model.replace("this.b + '!'", "this.b");
    for app in App::both(model) {
        let team = app.made("Team", r#"{"name":"Red"}"#).await;
        let ann = app.made("Person", &format!(r#"{{"name":"Ann","team":"{team}"}}"#)).await;
        let caller = std::sync::Arc::new(backstay_base::Caller::anonymous());
        let check = async |body: &str, expected: &str| {
            let id = app.create(&caller, "Note", &body.replace("ANN", &ann.to_string())).await.expect("a note");
            assert_eq!(app.one(&caller, ("Note", id), "b,c,crowded,begun,first").await, expected, "{}", app.database);
        };
        check(r#"{"other":"ANN","kind":"A"}"#, r#"{"b":"Red","begun":true,"c":"Red","crowded":false,"first":1}"#).await;
        app.made("Person", &format!(r#"{{"name":"Bob","team":"{team}"}}"#)).await;
        check(r#"{"other":"ANN","kind":"B"}"#, r#"{"b":"Red","begun":true,"c":"Red","crowded":true,"first":2}"#).await;
        check(r#"{"c":"x"}"#, r#"{"b":null,"begun":true,"c":"x","crowded":null,"first":3}"#).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_can_be_the_record_that_refers_to_one() {
    let model = r#"
type User @open { name: String  profile: Profile @inverse(field: "user") }
type Profile @open { user: User @unique  label: String }
type Note @open {
  user: User
  profile: Profile @set(on: WRITE, to: "this.user.profile")
  label: String @default(from: "this.user.profile.label")
  known: Boolean @set(on: WRITE, to: "this.user.profile != null && this.user.name != null")
  pin: Pin @inverse(field: "note")
  pinned: Pin @set(on: WRITE, to: "this.pin")
}
type Pin @open { note: Note @unique }
"#;
    for app in App::both(model) {
        let ann = app.made("User", r#"{"name":"Ann"}"#).await;
        let bob = app.made("User", r#"{"name":"Bob"}"#).await;
        let profile = app.made("Profile", &format!(r#"{{"user":"{ann}","label":"A"}}"#)).await;
        let caller = std::sync::Arc::new(backstay_base::Caller::anonymous());
        let note = async |body: String| {
            let id = app.create(&caller, "Note", &body).await.expect("a note");
            (id, app.one(&caller, ("Note", id), "known,label,pinned,profile").await)
        };
        let (of_ann, seen) = note(format!(r#"{{"user":"{ann}"}}"#)).await;
        let expected = format!(r#"{{"known":true,"label":"A","pinned":null,"profile":"{profile}"}}"#);
        assert_eq!(seen, expected, "{}", app.database);
        for body in [format!(r#"{{"user":"{bob}"}}"#), "{}".to_owned()] {
            let (_, seen) = note(body).await;
            assert_eq!(seen, r#"{"known":false,"label":null,"pinned":null,"profile":null}"#, "{}", app.database);
        }
        let pin = app.made("Pin", &format!(r#"{{"note":"{of_ann}"}}"#)).await;
        app.update(&caller, ("Note", of_ann), r#"{"label":"B"}"#).await.expect("a change");
        let seen = app.one(&caller, ("Note", of_ann), "known,label,pinned,profile").await;
        let expected = format!(r#"{{"known":true,"label":"B","pinned":"{pin}","profile":"{profile}"}}"#);
        assert_eq!(seen, expected, "{}", app.database);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_does_not_fit_is_refused() {
    let model = r#"
type Variant @open { price: Decimal! @precision(digits: 18, scale: 6) }
type Line @open {
  variant: Variant
  price: Decimal! @precision(digits: 10, scale: 2) @default(from: "this.variant.price")
}
"#;
    for app in App::both(model) {
        let odd = app.made("Variant", r#"{"price":"1.234567"}"#).await;
        let caller = std::sync::Arc::new(backstay_base::Caller::anonymous());
        let line = app.create(&caller, "Line", &format!(r#"{{"variant":"{odd}"}}"#)).await;
        let refused = r#"/price Range("must have at most 8 digits before the point and 2 after it")"#;
        assert_eq!(told(line), refused, "{}", app.database);
        assert_eq!(told(app.create(&caller, "Line", "{}").await), "/price Required", "{}", app.database);
    }
}

/// What the model gives a new record follows its references. Whoever may not refer to them learns nothing from it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_given_from_a_record_that_may_not_be_referred_to() {
    let model = r#"
type Team @allow(read: "this.public", create: "true") { public: Boolean!  name: String  budget: Int }
type Note @open {
  title: String!
  team: Team
  name: String @length(max: 3) @default(from: "this.team.name")
  budget: Int! @set(on: CREATE, to: "this.team.budget")
}
"#;
    for app in App::both(model) {
        let poor = app.made("Team", r#"{"public":false,"name":"A"}"#).await.to_string();
        let long = app.made("Team", r#"{"public":false,"name":"ABCD","budget":1}"#).await.to_string();
        let seen = app.made("Team", r#"{"public":true,"name":"ABCD"}"#).await.to_string();
        let caller = std::sync::Arc::new(backstay_base::Caller::anonymous());
        let check = async |body: &str, expected: &str| {
            let told = told(app.create(&caller, "Note", body).await);
            assert_eq!(told, expected, "{} {body}", app.database);
        };
        let nobody = "01a20000-0000-7000-8000-000000000000";
        for team in [&*poor, &*long, nobody] {
            let refused = r#"/team Reference { collection: "Team", by: "id" }"#;
            check(&format!(r#"{{"title":"A","team":"{team}"}}"#), refused).await;
            check(&format!(r#"{{"team":"{team}"}}"#), refused).await;
        }
        let both = r#"/title Required; /budget Required; /name Range("must have at most 3 characters")"#;
        check(&format!(r#"{{"team":"{seen}"}}"#), both).await;
    }
}

#[test]
fn a_circle_of_computed_fields_is_told_once() {
    let check = |fields: &str, expected: &[&str]| {
        let model =
            format!("type A @open {{ {fields} }}\ntype B @open {{ of: A  x: Int @computed(is: \"this.of.a\") }}");
        assert_eq!(wrong(&model), expected, "{fields}");
    };
    let help = "(compute one of these fields from what is stored)";
    check(r#"a: Int @computed(is: "this.a")"#, &[&format!("2:101 `A.a` is computed from itself: A.a → A.a {help}")]);
    check(
        r#"c: Int @computed(is: "this.a + this.b")  a: Int @computed(is: "this.b + 1")  b: Int @computed(is: "this.a")
           d: Int @check(rule: "this.d != this.a", message: "no")"#,
        &[&format!("2:142 `A.a` is computed from itself: A.a → A.b → A.a {help}")],
    );
    check(
        r#"a: Int @computed(is: "this.b + this.c")  b: Int @computed(is: "this.a")  c: Int @computed(is: "this.a")"#,
        &[&format!("2:101 `A.a` is computed from itself: A.a → A.b → A.a {help}")],
    );
}

#[test]
fn patterns_of_computed_fields_count_in_the_expressions_that_name_them() {
    let patterns = ["this.a.matches('x')"; 6].join(" || ");
    let model = |check: &str| {
        format!(
            "type A @open @check(rule: \"{check}\", message: \"no\") {{ a: String  c: Boolean @computed(is: \"{patterns}\") }}"
        )
    };
    assert_eq!(wrong(&model("this.c")), Vec::<String>::new());
    let refused = wrong(&model("this.c || this.c"));
    assert!(matches!(&*refused, [one] if one.contains("more than 10 patterns")), "{refused:?}");
}

#[test]
fn circles_and_wrong_values_are_refused() {
    let check = |fields: &str, expected: &[&str]| {
        assert_eq!(wrong(&format!("type A @open {{ {fields} }}")), expected, "{fields}");
    };
    check(
        r#"a: Int @default(from: "this.a")"#,
        &["2:79 the default of `a` reads `a` itself (let one of them read other fields only)"],
    );
    check(
        r#"a: Int @default(from: "this.b")  b: Int @default(from: "this.c")  c: Int @default(from: "this.a")"#,
        &["2:79 these defaults read one another: `a` → `b` → `c` → `a` (let one of them read other fields only)"],
    );
    check(
        r#"a: Int @default(from: "'x'")  b: [A!]"#,
        &["2:102 expected Int, found String (write a value of the type that is expected)"],
    );
    check(
        "a: Int @default",
        &["2:86 `@default` gives no value (write `to:` with a literal, or `from:` with an expression)"],
    );
    check(
        r#"a: Int @default(to: 1, from: "2")"#,
        &[
            "2:86 `@default` gives two values (keep one of the two: `to:` with a literal, or `from:` with an expression)",
        ],
    );
    check(
        r#"a: Int @set(on: WRITE, to: "1") @set(on: CREATE, to: "2", when: "true")"#,
        &[
            "2:111 `a` is set twice at the same moment (keep one `@set`, or one for CREATE and one for UPDATE; of several for \
           one moment, all but the last need `when:`)",
        ],
    );
    check(
        r#"a: Int! @readonly @set(on: CREATE, to: "1", when: "true")"#,
        &["2:79 nobody can give `a` the value that it requires (add `@default(to: …)`, `@default(from: …)` or \
           `@set(on: CREATE, to: …)`, or remove the `!` or `@readonly`)"],
    );
}

const PRICES: &str = r#"
enum Level { LOW HIGH }
type Product @open { name: String! variants: [Variant!] @inverse(field: "product") }
type Variant @open { product: Product! prices: [Price!] @inverse(field: "variant") }
type Price @open {
  variant: Variant!  minQuantity: Int!  amount: Money!  rate: Decimal!  weight: Float!  name: String!  code: Country!
  from: DateTime!  day: Date!  pause: Duration!  level: Level!  tags: [String!]  data: JSON
}
type Tag @open { name: String! }
type Line @open {
  variant: Variant!  quantity: Int! @default(to: 1)  labels: [Tag!]
  unitPrice: Money @set(on: CREATE, to: "this.variant.prices.first(p, p.minQuantity <= this.quantity, [-p.minQuantity]).amount")
  twice: Money @set(on: CREATE, to: "round(this.variant.prices.first(p, p.minQuantity <= this.quantity, [-p.minQuantity]).amount * 2)")
  number: Decimal @set(on: CREATE, to: "this.variant.prices.first(p, true, [p.name]).amount.amount")
  prices: Int @default(from: "size(this.variant.prices)")
  cheap: Int @default(from: "this.variant.prices.count(p, p.minQuantity <= this.quantity)")
  all: Money @default(from: "this.variant.prices.sum(p, p.amount)")
  minutes: Int @default(from: "this.variant.prices.sum(p, p.minQuantity)")
  share: Decimal @default(from: "round(this.variant.prices.sum(p, p.rate * p.rate) / 3, 4)")
  most: Decimal @default(from: "this.variant.prices.max(p, p.rate)")
  heaviest: Float @default(from: "this.variant.prices.max(p, p.weight)")
  lastName: String @default(from: "this.variant.prices.max(p, p.name)")
  code: Country @default(from: "this.variant.prices.first(p, true, [p.name]).code")
  from: DateTime @default(from: "this.variant.prices.min(p, p.from)")
  day: Date @default(from: "this.variant.prices.max(p, p.day)")
  pause: Duration @default(from: "this.variant.prices.sum(p, p.pause)")
  level: Level @default(from: "this.variant.prices.max(p, p.level)")
  tags: [String!] @default(from: "this.variant.prices.first(p, true, [p.name]).tags")
  data: JSON @default(from: "this.variant.prices.first(p, true, [p.name]).data")
  best: Price @default(from: "this.variant.prices.first(p, true, [-p.name])")
  siblings: Int @set(on: WRITE, to: "this.variant.product.variants.count(v, v.prices.exists(p, p.rate > 1))")
  labelled: Int @set(on: WRITE, to: "size(this.labels)")
  any: Boolean @set(on: CREATE, to: "size(this.variant.prices) > 1 && this.variant.prices.exists(p, p.level == 'LOW')")
}
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_come_from_the_members_of_relations() {
    for app in App::both(PRICES) {
        let ann = std::sync::Arc::new(backstay_base::Caller::anonymous());
        let product = app.made("Product", r#"{"name":"Pen"}"#).await;
        let variant = app.made("Variant", &format!(r#"{{"product":"{product}"}}"#)).await;
        let bare = app.made("Variant", &format!(r#"{{"product":"{product}"}}"#)).await;
        let tag = app.made("Tag", r#"{"name":"red"}"#).await;
        let mut best = None;
        for (name, least, amount, rate, level) in [("a", 1, "5.00", "1.5", "LOW"), ("b", 10, "4.00", "0.25", "HIGH")] {
            let body = format!(
                r#"{{"variant":"{variant}","minQuantity":{least},"amount":{{"amount":"{amount}","currency":"EUR"}},"rate":"{rate}","weight":{rate},"name":"{name}","code":"DE","from":"2026-01-0{least_day}T00:00:00Z","day":"2026-01-0{least_day}","pause":"PT{least}M","level":"{level}","tags":["{name}","x"],"data":{{"of":"{name}"}}}}"#,
                least_day = least.min(2),
            );
            best = Some(app.made("Price", &body).await);
        }
        let check = async |body: String, select: &str, expected: &str| {
            let id = app.create(&ann, "Line", &body).await.expect("a line");
            assert_eq!(app.one(&ann, ("Line", id), select).await, expected, "{} {body} {select}", app.database);
        };
        let line = |quantity: i64| format!(r#"{{"variant":"{variant}","quantity":{quantity},"labels":["{tag}"]}}"#);
        check(
            line(1),
            "unitPrice,twice,number,prices,cheap",
            r#"{"cheap":1,"number":"5.0000","prices":2,"twice":{"amount":"10.00","currency":"EUR"},"unitPrice":{"amount":"5.00","currency":"EUR"}}"#,
        )
        .await;
        check(
            line(12),
            "unitPrice,cheap,all,minutes,share,most,heaviest",
            r#"{"all":{"amount":"9.00","currency":"EUR"},"cheap":2,"heaviest":1.5,"minutes":11,"most":"1.5000","share":"0.7708","unitPrice":{"amount":"4.00","currency":"EUR"}}"#,
        )
        .await;
        check(
            line(1),
            "lastName,code,from,day,pause,level,tags,data",
            r#"{"code":"DE","data":{"of":"a"},"day":"2026-01-02","from":"2026-01-01T00:00:00.000000Z","lastName":"b","level":"HIGH","pause":"PT11M","tags":["a","x"]}"#,
        )
        .await;
        let best = best.expect("a price");
        check(
            line(1),
            "best,siblings,labelled,any",
            &format!(r#"{{"any":true,"best":"{best}","labelled":1,"siblings":1}}"#),
        )
        .await;
        check(
            format!(r#"{{"variant":"{bare}"}}"#),
            "unitPrice,twice,number,prices,all,minutes,share,most,lastName,from,tags,data,best,labelled,any",
            r#"{"all":null,"any":false,"best":null,"data":null,"from":null,"labelled":0,"lastName":null,"minutes":0,"most":null,"number":null,"prices":0,"share":"0.0000","tags":null,"twice":null,"unitPrice":null}"#,
        )
        .await;
    }
}
