//! Ids that are numbers or texts, on both databases.

use crate::support::Served;

const MODEL: &str = r#"
type Country @open @key(type: TEXT) { name: String neighbours: [Country!] }
type Order @open @key(type: INT, given: true) { to: Country after: Order tags: [Country!]
  next: [Order!] @inverse(field: "after") size: Int @computed(is: "size(this.next)", stored: COMMIT) }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_and_texts_name_records() {
    for mut served in Served::both(MODEL) {
        let database = served.database;
        for id in ["CH", "DE", "ch", "ä'\\\"%"] {
            let body = serde_json::json!({ "id": id }).to_string();
            assert_eq!(served.create("Country", &body).await, "ok", "{database} {id}");
        }
        assert_eq!(served.create("Country", r#"{"id":"CH"}"#).await, "not-unique: Country id", "{database}");
        assert_eq!(served.create("Order", r#"{"to":"CH","tags":["DE","ä'\\\"%"]}"#).await, "ok", "{database}");
        assert_eq!(served.create("Order", r#"{"id":5,"after":1,"to":"ch"}"#).await, "ok", "{database}");
        assert_eq!(served.create("Order", r#"{"after":5}"#).await, "ok", "{database}");
        assert_eq!(served.create("Order", r#"{"id":5}"#).await, "not-unique: Order id", "{database}");
        let all = served.list("Order", "id,to,after,size,tags{id}", None).await;
        assert_eq!(
            all,
            r#"[{"after":null,"id":1,"size":1,"tags":[{"id":"DE"},{"id":"ä'\\\"%"}],"to":"CH"},{"after":1,"id":5,"size":1,"tags":[],"to":"ch"},{"after":5,"id":6,"size":0,"tags":[],"to":null}]"#,
            "{database}"
        );
        let check = async |filter: &str, expected: &str| {
            assert_eq!(served.list("Order", "id", Some(filter)).await, expected, "{database} {filter}");
        };
        check("this.to == 'CH'", r#"[{"id":1}]"#).await;
        check("this.after == 1 || this.id == 6", r#"[{"id":5},{"id":6}]"#).await;
        check("this.after.to.id in ['CH']", r#"[{"id":5}]"#).await;
        check("this.tags.exists(t, t == 'DE')", r#"[{"id":1}]"#).await;
        check("text(this.id) + text(this.to) == '5ch'", r#"[{"id":5}]"#).await;
    }
}
