//! What is kept for a shorter time than before is deleted once the new model is served, so that a plan counts it.

use crate::changed::{Place, told};

/// Tries to go from one model to another without consent, which the losses are asked for, and with it.
async fn check(old: &str, (more, less): (&str, &str), prepare: &[&str], expected: &str) {
    for mut place in Place::both() {
        place.apply(old, false).expect("a database");
        place.create(old, &[("P", r#"{"a":"1"}"#), ("P", r#"{"a":"2"}"#)]).await;
        for act in prepare {
            match *act {
                "delete" => place.delete(old, ("P", 1)).await,
                "update" => place.update(old, ("P", 0), r#"{"a":"3"}"#).await,
                other => place.update(old, ("P", 0), other).await,
            }
        }
        // Nothing is as old as that.
        assert!(place.plan(more).iter().all(|step| !step.loses_data()), "{}: {more}", place.name());
        let steps = told(&place.plan(less), &place);
        assert!(steps.contains(&expected.to_owned()), "{}: {steps:#?}", place.name());
        assert!(place.apply(less, false).is_err(), "{}: {less}", place.name());
        place.applied(less);
        assert_eq!(place.plan(less), [], "{}", place.name());
        assert_eq!(place.differences(less), "", "{}", place.name());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trash_that_keeps_records_for_less() {
    let model = |keep: &str| format!("type P @open @trash{keep} {{ a: String }}");
    let less = model("(keep: \"30m\")");
    let lost = "LosesData 1: the trash of P now keeps records for 30 minutes";
    let more = model("(keep: \"2h\")");
    // The update comes an hour after the deletion.
    check(&model(""), (&more, &less), &["delete", "update"], lost).await;
    check(&model("(keep: \"30d\")"), (&more, &less), &["delete", "update"], lost).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_that_keeps_versions_for_less() {
    let model = |keep: &str| format!("type P @open @history(read: \"true\"{keep}) {{ a: String }}");
    let less = model(", keep: \"30m\"");
    let lost = "LosesData 3: the history of P now keeps old versions for 30 minutes";
    // Of the deleted record, both versions are old; of the other one, that which the first update followed.
    let acts = ["delete", "update", r#"{"a":"4"}"#];
    check(&model(""), (&model(", keep: \"3h\""), &less), &acts, lost).await;
}

/// A field that a model had before it had a trash says which records are in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trash_that_finds_old_records_in_it() {
    let old = "type P @open { a: String trashedAt: DateTime }";
    let model = |keep: &str| format!("type P @open @trash{keep} {{ a: String }}");
    let lost = "LosesData 1: P now has a trash, in which deleted records are kept for 30 minutes; those with a `trashedAt` are \
                in it [1 record is in the trash from then on: %0]";
    let trashed = r#"{"trashedAt":"2026-01-31T12:00:00Z"}"#;
    check(old, (&model("(keep: \"2h\")"), &model("(keep: \"30m\")")), &[trashed], lost).await;
    for mut place in Place::both() {
        place.apply(old, false).expect("a database");
        place.create(old, &[("P", r#"{"a":"1","trashedAt":"2026-01-31T12:00:00Z"}"#), ("P", "{}")]).await;
        let steps = told(&place.apply(&model(""), false).expect("nothing is lost"), &place);
        let words = "Safe: P now has a trash, in which deleted records are kept until they are purged; those with a \
                     `trashedAt` are in it [1 record is in the trash from then on: %0]";
        assert!(steps.contains(&words.to_owned()), "{}: {steps:#?}", place.name());
    }
}
