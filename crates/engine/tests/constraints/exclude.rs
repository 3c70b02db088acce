//! `@exclude`.

use backstay_base::Caller;

use crate::support::{Served, documented, refused};

const SAME_ROOM: &str = "overlaps: Booking start to end [room] one that is seen";

fn booking(room: usize, start: &str, end: &str) -> String {
    let day = |day: &str| if day == "null" { day.to_owned() } else { format!("\"2026-06-{day}T12:00:00Z\"") };
    format!(r#"{{"room":"%{room}","start":{},"end":{}}}"#, day(start), day(end))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ranges_of_one_room_do_not_overlap() {
    for mut on in Served::both(documented("### Ranges that don't overlap")) {
        let name = on.database;
        for room in ["A", "B"] {
            assert_eq!(on.create("Room", &format!(r#"{{"name":"{room}"}}"#)).await, "ok");
        }
        let backwards = r#"invalid-values: /end Range("must be later than `start`")"#;
        for (room, start, end, expected) in [
            (0, "10", "12", "ok"),
            // The range does not include its end.
            (0, "12", "14", "ok"),
            (0, "08", "10", "ok"),
            (0, "11", "13", SAME_ROOM),
            (0, "10", "12", SAME_ROOM),
            (0, "07", "20", SAME_ROOM),
            (0, "13", "null", SAME_ROOM),
            (1, "11", "13", "ok"),
            (0, "20", "null", "ok"),
            (0, "25", "26", SAME_ROOM),
            (0, "19", "null", SAME_ROOM),
            (0, "16", "17", "ok"),
            (0, "18", "18", backwards),
            (0, "19", "18", backwards),
        ] {
            assert_eq!(on.create("Booking", &booking(room, start, end)).await, expected, "{name} {room} {start} {end}");
        }
        // One that is cancelled is in nobody's way, until it is booked again.
        assert_eq!(on.update("Booking", 2, r#"{"state":"CANCELLED"}"#).await, "ok", "{name}");
        assert_eq!(on.create("Booking", &booking(0, "11", "12")).await, "ok", "{name}");
        assert_eq!(on.update("Booking", 2, r#"{"state":"BOOKED"}"#).await, SAME_ROOM, "{name}");
        assert_eq!(on.update("Booking", 2, r#"{"state":"BOOKED","end":"2026-06-11T12:00:00Z"}"#).await, "ok", "{name}");
        // A booking is not in its own way.
        assert_eq!(on.update("Booking", 2, r#"{"start":"2026-06-10T13:00:00Z"}"#).await, "ok", "{name}");
        assert_eq!(on.update("Booking", 2, r#"{"room":"%1","end":"2026-06-12T12:00:00Z"}"#).await, SAME_ROOM, "{name}");
        assert_eq!(on.update("Booking", 2, r#"{"note":"x"}"#).await, "ok", "{name}");
        // One of several is named, and none is made.
        let several = [booking(1, "01", "02"), booking(1, "03", "05"), booking(1, "04", "06")].join(",");
        let expected = format!("{SAME_ROOM} (record 2)");
        assert_eq!(on.create("Booking", &format!("[{several}]")).await, expected, "{name}");
        assert_eq!(on.create("Booking", &booking(1, "01", "06")).await, "ok", "{name}");
    }
}

/// What lacks a value is compared with nothing; the types of bounds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bounds_of_each_type() {
    let model = r#"
enum Kind { X Y }
type Days @open @exclude(from: "first", to: "last") { first: Date last: Date }
type Steps @open @exclude(fields: ["kind", "code"], from: "low", to: "high") { kind: Kind code: String low: Int! high: Int }
type Prices @open @exclude(fields: "of", from: "low", to: "high") @exclude(fields: "of", from: "low", to: "end", where: "this.fixed") {
  of: Days
  low: Decimal! @precision(digits: 10, scale: 2)
  high: Decimal @precision(digits: 10, scale: 2)
  end: Decimal @precision(digits: 10, scale: 2)
  fixed: Boolean! @default(to: false)
}"#;
    for mut on in Served::both(model) {
        let name = on.database;
        let days = "overlaps: Days first to last [] one that is seen";
        let steps = "overlaps: Steps low to high [kind, code] one that is seen";
        let prices = "overlaps: Prices low to high [of] one that is seen";
        let fixed = "overlaps: Prices low to end [of] one that is seen";
        for (of, body, expected) in [
            ("Days", r#"{"first":"2026-01-01","last":"2026-01-03"}"#, "ok"),
            ("Days", r#"{"first":"2026-01-03","last":"2026-01-04"}"#, "ok"),
            ("Days", r#"{"first":"2026-01-02","last":"2026-01-03"}"#, days),
            ("Days", r#"{"first":null,"last":"2026-01-02"}"#, "ok"),
            ("Days", "{}", "ok"),
            ("Steps", r#"{"kind":"X","code":"a","low":-5,"high":5}"#, "ok"),
            ("Steps", r#"{"kind":"X","code":"a","low":4}"#, steps),
            ("Steps", r#"{"kind":"X","code":"b","low":4}"#, "ok"),
            ("Steps", r#"{"kind":"X","low":4}"#, "ok"),
            ("Steps", r#"{"kind":"X","low":4}"#, "ok"),
            (
                "Steps",
                r#"{"kind":"Y","code":"a","low":4,"high":3}"#,
                r#"invalid-values: /high Range("must be greater than `low`")"#,
            ),
            ("Prices", r#"{"of":"%0","low":"9.50","high":"10.00"}"#, "ok"),
            ("Prices", r#"{"of":"%0","low":"9.99","high":"100.00"}"#, prices),
            ("Prices", r#"{"of":"%0","low":"10.00","high":"100.00","end":"20.00","fixed":true}"#, "ok"),
            ("Prices", r#"{"of":"%0","low":"100.00","high":"101.00","end":"102.00","fixed":true}"#, "ok"),
            ("Prices", r#"{"of":"%0","low":"101.00","high":"102.00","end":"103.00","fixed":true}"#, fixed),
            ("Prices", r#"{"of":"%0","low":"101.00","high":"102.00","end":"103.00"}"#, "ok"),
        ] {
            assert_eq!(on.create(of, body).await, expected, "{name} {body}");
        }
    }
}

/// A record that loses a reference because what it leads to is deleted can begin to be compared.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_makes_no_ranges_overlap() {
    let model = |read: &str| {
        format!(
            r#"
type Staff @open {{ name: String }}
type Booking @allow(read: "{read}", create: "true", update: "true") @exclude(from: "low", to: "high", where: "this.cancelledBy == null") {{
  low: Int!
  high: Int!
  cancelledBy: Staff
}}"#
        )
    };
    for (read, refusal) in [
        ("true", "related-conflict: of Booking overlaps: Booking low to high [] one that is seen"),
        ("this.cancelledBy == null", "related-conflict: Related { of: None }"),
    ] {
        for mut on in Served::both(&model(read)) {
            let name = on.database;
            assert_eq!(on.create("Staff", "[{},{}]").await, "ok", "{name}");
            let booking = |by: &str, low: i64| format!(r#"{{"low":{low},"high":{},"cancelledBy":{by}}}"#, low + 10);
            assert_eq!(on.create("Booking", &booking("null", 1)).await, "ok", "{name}");
            assert_eq!(on.create("Booking", &booking(r#""%0""#, 5)).await, "ok", "{name}");
            assert_eq!(on.create("Booking", &booking(r#""%1""#, 20)).await, "ok", "{name}");
            assert_eq!(on.delete("Staff", 0).await, refusal, "{name} {read}");
            assert_eq!(on.delete("Staff", 1).await, "ok", "{name} {read}");
            // Two of them at once.
            assert_eq!(on.create("Staff", "{}").await, "ok", "{name}");
            assert_eq!(on.create("Booking", &booking(r#""%5""#, 40)).await, "ok", "{name}");
            assert_eq!(on.create("Booking", &booking(r#""%5""#, 45)).await, "ok", "{name}");
            assert_eq!(on.delete("Staff", 5).await, refusal, "{name} {read}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_in_the_trash_are_in_nobodys_way() {
    let model = r#"type A @open @trash @exclude(from: "low", to: "high") { low: Int! high: Int }"#;
    for mut on in Served::both(model) {
        let name = on.database;
        let overlaps = "overlaps: A low to high [] one that is seen";
        assert_eq!(on.create("A", r#"{"low":1,"high":5}"#).await, "ok");
        assert_eq!(on.delete("A", 0).await, "ok");
        assert_eq!(on.create("A", r#"{"low":4}"#).await, "ok", "{name}");
        assert_eq!(on.restore("A", 0).await, overlaps, "{name}");
        assert_eq!(on.update("A", 1, r#"{"low":5}"#).await, "ok", "{name}");
        assert_eq!(on.restore("A", 0).await, "ok", "{name}");
        assert_eq!(on.update("A", 1, r#"{"low":4}"#).await, overlaps, "{name}");
    }
}

/// Of many that want the same room at the same time, one gets it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once() {
    let model =
        r#"type A @open @exclude(fields: ["room"], from: "low", to: "high") { room: Int! low: Int! high: Int! }"#;
    for mut on in Served::both(model) {
        let name = on.database;
        let bodies = (0..60).map(|at| format!(r#"{{"room":{},"low":{},"high":{}}}"#, at % 3, at, at + 60)).collect();
        let answers = on.create_at_once("A", bodies).await;
        assert_eq!(answers.iter().filter(|answer| *answer == "ok").count(), 3, "{name} {answers:?}");
        let others =
            answers.iter().filter(|answer| *answer == "overlaps: A low to high [room] one that is seen").count();
        assert_eq!(others, 57, "{name} {answers:?}");
    }
}

/// A conflict tells only what the caller may know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_conflict_tells() {
    let model = r#"
type Account @open @identity { email: Email! @unique }
type Seen @exclude(from: "low", to: "high") @allow(read: "this.owner == auth.id", create: "true") {
  owner: Account
  low: Int!
  high: Int
}
type Hidden @open @exclude(fields: "kind", from: "low", to: "high") {
  kind: String! @allow(read: "auth.id != null")
  low: Int!
  high: Int
}
type Start @open @exclude(from: "low", to: "high") { low: Int! @allow(read: "auth.id != null") high: Int }"#;
    for mut on in Served::both(model) {
        let name = on.database;
        assert_eq!(on.create("Account", r#"{"email":"a@example.org"}"#).await, "ok");
        assert_eq!(on.create("Seen", r#"{"owner":"%0","low":1}"#).await, "ok");
        assert_eq!(on.create("Seen", r#"{"low":5}"#).await, "overlaps: Seen low to high [] another", "{name}");
        on.ask_as_account(0);
        assert_eq!(on.create("Seen", r#"{"low":5}"#).await, "overlaps: Seen low to high [] one that is seen", "{name}");
        on.ask_as(Caller::anonymous());
        for of in ["Hidden", "Start"] {
            let kind = if of == "Hidden" { r#""kind":"x","# } else { "" };
            assert_eq!(on.create(of, &format!(r#"{{{kind}"low":5,"high":9}}"#)).await, "ok");
            let unseen = format!("overlaps: OverlapUnseen {{ collection: \"{of}\" }}");
            assert_eq!(on.create(of, &format!(r#"{{{kind}"low":5}}"#)).await, unseen, "{name}");
        }
        let backwards = r#"invalid-values: /high Range("must come after the start of the range")"#;
        assert_eq!(on.update("Start", 3, r#"{"high":5}"#).await, backwards, "{name}");
    }
}

#[test]
fn its_condition_is_that_of_an_index() {
    let model = r#"
type A @open
  @exclude(from: "low", to: "high", where: "this.other.low > 1")
  @exclude(from: "low", to: "high", where: "this.size > 1") {
  low: Int!
  high: Int
  other: A
  others: [A!] @inverse(field: "other")
  size: Int @computed(is: "size(this.others)", stored: COMMIT)
}"#;
    insta::assert_snapshot!(refused(model));
}
