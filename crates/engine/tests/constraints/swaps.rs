//! Unique values that pass from one record to another within one write.

use backstay_engine::MatchingAct;

use crate::support::Served;

const MODEL: &str = r#"
type Album @open { title: String  tracks: [Track!] @inverse(field: "album") }
type Track @open @unique(fields: ["album", "place"]) @history(read: "true") {
  album: Album!
  place: Int!
  code: String @unique
  day: Date
  name: String!
}
type Shift @open @unique(fields: ["day"]) { day: Date!  crew: Crew }
type Crew @open { shifts: [Shift!] @inverse(field: "crew") }
"#;

/// An album (0) with three tracks (1 to 3), whose codes are as their names.
async fn album(mut on: Served) -> Served {
    assert_eq!(on.create("Album", r#"{"title":"A"}"#).await, "ok");
    for (place, name) in [(1, "a"), (2, "b"), (3, "c")] {
        let body = format!(r#"{{"album":"%0","place":{place},"name":"{name}","code":"{name}"}}"#);
        assert_eq!(on.create("Track", &body).await, "ok");
    }
    on
}

async fn tracks(on: &Served) -> String {
    let list = on.list_by("Track", |words| {
        (words.select, words.sort) = (Some("place,name,code,version".into()), Some("name".into()));
    });
    list.await.replace('"', "")
}

async fn check(body: &str, answer: &str, expected: &str) {
    for on in Served::both(MODEL) {
        let mut on = album(on).await;
        let name = on.database;
        assert_eq!(on.update("Album", 0, body).await, answer, "{name} {body}");
        assert_eq!(tracks(&on).await, expected, "{name} {body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_children_swap_their_places() {
    check(
        r#"{"tracks":{"$change":[{"id":"%1","place":2},{"id":"%2","place":1}]}}"#,
        "ok",
        "[{code:a,name:a,place:2,version:2},{code:b,name:b,place:1,version:2},{code:c,name:c,place:3,version:1}]",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_gets_what_the_next_one_has_in_any_order() {
    let expected =
        "[{code:a,name:a,place:2,version:2},{code:b,name:b,place:3,version:2},{code:c,name:c,place:1,version:2}]";
    for order in [[1, 2, 3], [3, 2, 1], [2, 3, 1]] {
        let place = |track: i32| track % 3 + 1;
        let each = order.map(|track| format!(r#"{{"id":"%{track}","place":{}}}"#, place(track)));
        check(&format!(r#"{{"tracks":{{"$change":[{}]}}}}"#, each.join(",")), "ok", expected).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_keys_pass_at_once_and_additions_get_what_is_given_up() {
    check(
        r#"{"tracks":{"$add":[{"place":1,"name":"d","code":"a"}],"$change":[{"id":"%1","place":2,"code":"b"},{"id":"%2","place":3,"code":"e"}],"$remove":["%3"]}}"#,
        "ok",
        "[{code:b,name:a,place:2,version:2},{code:e,name:b,place:3,version:2},{code:a,name:d,place:1,version:1}]",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_by_another_record_stays_refused_and_nothing_is_changed() {
    let before =
        "[{code:a,name:a,place:1,version:1},{code:b,name:b,place:2,version:1},{code:c,name:c,place:3,version:1}]";
    check(
        r#"{"tracks":{"$change":[{"id":"%1","place":2},{"id":"%2","place":3}]}}"#,
        "not-unique: Track album, place (record tracks/$change/1)",
        before,
    )
    .await;
    // A change that says what is stored already gives up nothing.
    check(
        r#"{"tracks":{"$change":[{"id":"%1","place":2},{"id":"%2","place":2}]}}"#,
        "not-unique: Track album, place (record tracks/$change/1)",
        before,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_keeps_its_value_keeps_it_and_its_version() {
    check(
        r#"{"tracks":{"$change":[{"id":"%3","place":3},{"id":"%1","place":2},{"id":"%2","place":1}]}}"#,
        "ok",
        "[{code:a,name:a,place:2,version:2},{code:b,name:b,place:1,version:2},{code:c,name:c,place:3,version:1}]",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_places_move_by_one_and_the_history_tells_no_others() {
    for on in Served::both(MODEL) {
        let on = album(on).await;
        let name = on.database;
        for by in [1, -1] {
            let input = on.input("Track", &format!(r#"{{"place":{{"$inc":{by}}}}}"#));
            assert_eq!(on.done(on.matching("Track", "place > 0", MatchingAct::Update(input))).await, "ok", "{name}");
        }
        let expected =
            "[{code:a,name:a,place:1,version:3},{code:b,name:b,place:2,version:3},{code:c,name:c,place:3,version:3}]";
        assert_eq!(tracks(&on).await, expected, "{name}");
        let told = [r#"3 update {"place":{"new":1,"old":2}}"#, r#"2 update {"place":{"new":2,"old":1}}"#];
        let history = on.history("Track", 1).await;
        assert_eq!(history[..2], told, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_only_has_days_can_not_be_swapped() {
    for mut on in Served::both(MODEL) {
        let name = on.database;
        assert_eq!(on.create("Crew", "{}").await, "ok", "{name}");
        for day in ["2026-01-01", "2026-01-02"] {
            assert_eq!(on.create("Shift", &format!(r#"{{"day":"{day}","crew":"%0"}}"#)).await, "ok", "{name}");
        }
        let swap = r#"{"shifts":{"$change":[{"id":"%1","day":"2026-01-02"},{"id":"%2","day":"2026-01-01"}]}}"#;
        let refused = "not-unique: Shift day (record shifts/$change/0)";
        assert_eq!(on.update("Crew", 0, swap).await, refused, "{name}");
    }
}
