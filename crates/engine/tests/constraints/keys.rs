//! Ids that clients give, and ids that are given again.

use crate::support::Served;

const NOTES: &str = "type Note @open @key(given: true) { title: String }";
const A: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const B: &str = "01890a5d-ac96-774b-bcce-b302099a8058";
/// Of version 4.
const RANDOM: &str = "01890a5d-ac96-474b-bcce-b302099a8057";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_gives_the_id_or_the_server_makes_it() {
    for mut served in Served::both(NOTES) {
        let database = served.database;
        assert_eq!(served.create("Note", &format!(r#"{{"id":"{A}","title":"a"}}"#)).await, "ok", "{database}");
        assert_eq!((served.id(0).to_string(), served.newest("Note", "version").await), (A.to_owned(), 1.into()));
        assert_eq!(served.create("Note", r#"{"title":"b"}"#).await, "ok", "{database}");
        assert_eq!(served.id(1).version(), Some(7), "{database}");
        assert_eq!(served.newest("Note", "version").await, 1, "{database}");
        let taken = served.create("Note", &format!(r#"{{"id":"{A}","title":"c"}}"#)).await;
        assert_eq!(taken, "not-unique: Note id", "{database}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_makes_random_ids() {
    for mut served in Served::both("type Note @open @key(type: UUID4) { title: String }") {
        assert_eq!(served.create("Note", "{}").await, "ok");
        assert_eq!(served.id(0).version(), Some(4), "{}", served.database);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_that_are_refused() {
    let version_7 = "make a UUID of version 7, or leave `id` out: the server then makes one";
    let mut served = Served::sqlite(NOTES);
    let mut check = async |id: &str, problem: &str| {
        let refused = served.create("Note", &format!(r#"{{"id":{id}}}"#)).await;
        assert_eq!(refused, format!("invalid-values: /id {problem}"), "{id}");
    };
    let misused = |problem: &str| format!("Misused {{ problem: {problem:?}, remedy: {version_7:?} }}");
    check(&format!("\"{RANDOM}\""), &misused("expected a UUID of version 7, found version 4")).await;
    check("\"00000000-0000-0000-0000-000000000000\"", &misused("expected a UUID of version 7")).await;
    check("null", &misused("an id is never null")).await;
    check("7", "Type { expected: \"an id, such as \\\"01890a5d-ac96-774b-bcce-b302099a8057\\\"\" }").await;

    let mut served = Served::sqlite("type Note @open { title: String }");
    let not_given = "the server makes the ids of these records; write `@key(given: true)` on the type in the model to let \
                     clients make them";
    let refused = served.create("Note", &format!(r#"{{"id":"{A}"}}"#)).await;
    assert_eq!(refused, format!("invalid-values: /id ReadOnly({not_given:?})"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_of_one_request_refer_to_those_before_them() {
    let model = "type Note @open @key(given: true) { title: String partOf: Note notes: [Note!] @inverse(field: \"partOf\") \
                 size: Int @computed(is: \"size(this.notes)\", stored: COMMIT) }";
    for mut served in Served::both(model) {
        let database = served.database;
        let tree = format!(r#"[{{"id":"{A}","title":"a"}},{{"id":"{B}","partOf":"{A}"}},{{"partOf":"{A}"}}]"#);
        assert_eq!(served.create("Note", &tree).await, "ok", "{database}");
        let listed = served.list("Note", "size", None).await;
        assert_eq!(listed, r#"[{"size":2},{"size":0},{"size":0}]"#, "{database}");
        let twice = format!(r#"[{{"title":"x"}},{{"id":"{A}"}}]"#);
        assert_eq!(served.create("Note", &twice).await, "not-unique: Note id (record 1)", "{database}");
        // None refers to itself: it isn't there yet.
        let own = "01890a5d-ac96-774b-bcce-b302099a8059";
        let itself = served.create("Note", &format!(r#"{{"id":"{own}","partOf":"{own}"}}"#)).await;
        assert_eq!(itself, "invalid-values: /partOf Reference { collection: \"Note\", by: \"id\" }", "{database}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_continues_the_versions_of_a_deleted_one() {
    for mut served in Served::both(NOTES) {
        let database = served.database;
        let create = format!(r#"{{"id":"{A}","title":"a"}}"#);
        for expected in [1, 3, 5] {
            assert_eq!(served.create("Note", &create).await, "ok", "{database}");
            assert_eq!(served.newest("Note", "version").await, expected, "{database}");
            assert_eq!(served.update("Note", 0, r#"{"title":"b"}"#).await, "ok", "{database}");
            assert_eq!(served.delete("Note", 0).await, "ok", "{database}");
        }
        // Another id begins anew.
        assert_eq!(served.create("Note", &format!(r#"{{"id":"{B}"}}"#)).await, "ok", "{database}");
        assert_eq!(served.newest("Note", "version").await, 1, "{database}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_in_the_trash_is_taken() {
    for mut served in Served::both("type Note @open @key(given: true) @trash { title: String }") {
        let database = served.database;
        let create = format!(r#"{{"id":"{A}","title":"a"}}"#);
        assert_eq!(served.create("Note", &create).await, "ok", "{database}");
        assert_eq!(served.delete("Note", 0).await, "ok", "{database}");
        assert_eq!(served.create("Note", &create).await, "not-unique: Note id", "{database}");
        assert_eq!(served.purge("Note", 0).await, "ok", "{database}");
        assert_eq!(served.create("Note", &create).await, "ok", "{database}");
        // It was moved to the trash as version 2.
        assert_eq!(served.newest("Note", "version").await, 3, "{database}");
    }
}

/// What goes with a deleted record can be created again too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deletions_that_follow_leave_versions_behind() {
    let model = "type List @open { name: String } \
                 type Item @open @key(given: true) { list: List! @onDelete(do: CASCADE) }";
    for mut served in Served::both(model) {
        let database = served.database;
        assert_eq!(served.create("List", "{}").await, "ok", "{database}");
        assert_eq!(served.create("Item", &format!(r#"{{"id":"{A}","list":"%0"}}"#)).await, "ok", "{database}");
        assert_eq!(served.delete("List", 0).await, "ok", "{database}");
        assert_eq!(served.create("List", "{}").await, "ok", "{database}");
        assert_eq!(served.create("Item", &format!(r#"{{"id":"{A}","list":"%2"}}"#)).await, "ok", "{database}");
        assert_eq!(served.newest("Item", "version").await, 2, "{database}");
    }
}

/// Deleted and created again at the same time, again and again: its version never goes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_is_deleted_and_created_at_the_same_time() {
    for mut served in Served::both(NOTES) {
        let (database, create) = (served.database, format!(r#"{{"id":"{A}"}}"#));
        assert_eq!(served.create("Note", &create).await, "ok", "{database}");
        let mut last = 1;
        for round in 0..20 {
            let requests = [served.deleting("Note", 0), served.creating("Note", &create)];
            let answers = served.at_once(requests).await;
            let again = match answers.each_ref().map(String::as_str) {
                // The create was first, or the delete: then there may be a record already.
                ["ok", "ok"] => true,
                ["ok", "not-unique: Note id"] => served.create("Note", &create).await == "ok",
                _ => false,
            };
            assert!(again, "{database} {round}: {answers:?}");
            let version = served.newest("Note", "version").await.as_i64().expect("a version");
            assert!(version > last, "{database} {round}: {version} after {last}");
            last = version;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_of_records_that_were_deleted_before_they_could_be_given() {
    let server = "type Note @open { title: String }";
    for mut served in Served::both(server) {
        let database = served.database;
        for title in ["a", "b"] {
            assert_eq!(served.create("Note", &format!(r#"{{"title":"{title}"}}"#)).await, "ok", "{database}");
        }
        assert_eq!(served.update("Note", 0, r#"{"title":"c"}"#).await, "ok", "{database}");
        assert_eq!(served.delete("Note", 0).await, "ok", "{database}");
        served.serve("type Memo @open @renamed(from: \"Note\") @key(given: true) { title: String }");
        assert_eq!(served.create("Memo", r#"{"id":"%0"}"#).await, "ok", "{database}");
        assert_eq!(served.newest("Memo", "version").await, 3, "{database}");
        assert_eq!(served.create("Memo", r#"{"id":"%1"}"#).await, "not-unique: Memo id", "{database}");

        // It is deleted while none can be given.
        served.serve("type Note @open @renamed(from: \"Memo\") { title: String }");
        assert_eq!(served.delete("Note", 0).await, "ok", "{database}");
        served.serve(NOTES);
        assert_eq!(served.create("Note", r#"{"id":"%0"}"#).await, "ok", "{database}");
        assert_eq!(served.newest("Note", "version").await, 4, "{database}");
    }
}
