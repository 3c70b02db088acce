//! `@tree`, on both databases.

use backstay_base::Caller;

use crate::support::{Served, documented};

const CLERK: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

fn clerk() -> Caller {
    Caller::account(CLERK.parse().expect("an id"), Vec::<&str>::new())
}

/// 0 is a root; 1 and 3 are below it, 2 below 1, 4 below 2. 5 is another root.
async fn grown(served: &mut Served) {
    served.ask_as(clerk());
    for body in [
        r#"{"name":"Home"}"#,
        r#"{"name":"Garden","parent":"%0","position":2}"#,
        r#"{"name":"Tools","parent":"%1"}"#,
        r#"{"name":"Kitchen","parent":"%0","position":1}"#,
        r#"{"name":"Saws","parent":"%2"}"#,
        r#"{"name":"Books"}"#,
    ] {
        assert_eq!(served.create("Category", body).await, "ok", "{} {body}", served.database);
    }
}

/// The names above and below each category.
async fn shape(served: &Served) -> Vec<String> {
    let listed = served.list("Category", "name,ancestors{name},descendants{name}", None).await;
    let listed: Vec<serde_json::Value> = serde_json::from_str(&listed).expect("a list");
    let names = |list: &serde_json::Value| {
        let names = list.as_array().expect("a list").iter().map(|one| one["name"].as_str().expect("a name").to_owned());
        names.collect::<Vec<String>>().join("/")
    };
    listed
        .iter()
        .map(|one| {
            format!(
                "{} | {} | {}",
                names(&one["ancestors"]),
                one["name"].as_str().expect("a name"),
                names(&one["descendants"])
            )
        })
        .collect()
}

async fn circle(served: &mut Served, number: usize, parent: &str) {
    let refused = served.update("Category", number, &format!(r#"{{"parent":"{parent}"}}"#)).await;
    let expected = "invalid-values: /parent Misused { problem: \"this Category would be below itself\", remedy: \"choose a \
                    record that is not in its own branch\" }";
    assert_eq!(refused, expected, "{} {number} below {parent}", served.database);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_has_those_above_and_below_it() {
    for mut served in Served::both(documented("### Trees")) {
        grown(&mut served).await;
        let expected = [
            " | Home | Kitchen/Garden/Tools/Saws",
            "Home | Garden | Tools/Saws",
            "Home/Garden | Tools | Saws",
            "Home | Kitchen | ",
            "Home/Garden/Tools | Saws | ",
            " | Books | ",
        ];
        assert_eq!(shape(&served).await, expected, "{}", served.database);
        let children = served.list("Category", "children{name}", Some("name == 'Home'")).await;
        assert_eq!(children, r#"[{"children":[{"name":"Kitchen"},{"name":"Garden"}]}]"#, "{}", served.database);
        let sorted = served.list("Category", "ancestors(sort:name,limit:2){name}", Some("name == 'Saws'")).await;
        assert_eq!(sorted, r#"[{"$more":["ancestors"],"ancestors":[{"name":"Garden"},{"name":"Home"}]}]"#);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_branch_moves() {
    for mut served in Served::both(documented("### Trees")) {
        let database = served.database;
        grown(&mut served).await;
        assert_eq!(served.update("Category", 1, r#"{"parent":"%5"}"#).await, "ok", "{database}");
        let moved = [
            " | Home | Kitchen",
            "Books | Garden | Tools/Saws",
            "Books/Garden | Tools | Saws",
            "Home | Kitchen | ",
            "Books/Garden/Tools | Saws | ",
            " | Books | Garden/Tools/Saws",
        ];
        assert_eq!(shape(&served).await, moved, "{database}");
        // Those that move along keep their version.
        let versions = served.list("Category", "version", Some("name == 'Saws' || name == 'Garden'")).await;
        assert_eq!(versions, r#"[{"version":2},{"version":1}]"#, "{database}");
        assert_eq!(served.update("Category", 2, r#"{"parent":null}"#).await, "ok", "{database}");
        let root = [
            " | Home | Kitchen",
            "Books | Garden | ",
            " | Tools | Saws",
            "Home | Kitchen | ",
            "Tools | Saws | ",
            " | Books | Garden",
        ];
        assert_eq!(shape(&served).await, root, "{database}");
        // Within one commit, each change finds those before it.
        let swap = vec![
            served.updating("Category", 0, r#"{"parent":"%4"}"#),
            served.updating("Category", 1, r#"{"parent":"%3"}"#),
            served.creating("Category", r#"{"name":"New","parent":"%1"}"#),
        ];
        assert_eq!(served.together(swap).await, "ok", "{database}");
        let together = [
            "Tools/Saws | Home | Kitchen/Garden/New",
            "Tools/Saws/Home/Kitchen | Garden | New",
            " | Tools | Saws/Home/Kitchen/Garden/New",
            "Tools/Saws/Home | Kitchen | Garden/New",
            "Tools | Saws | Home/Kitchen/Garden/New",
            " | Books | ",
            "Tools/Saws/Home/Kitchen/Garden | New | ",
        ];
        assert_eq!(shape(&served).await, together, "{database}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_record_is_below_itself() {
    for mut served in Served::both(documented("### Trees")) {
        let database = served.database;
        grown(&mut served).await;
        circle(&mut served, 0, "%0").await;
        circle(&mut served, 0, "%1").await;
        circle(&mut served, 0, "%4").await;
        circle(&mut served, 1, "%4").await;
        // The second one closes the circle.
        let turned = vec![
            served.updating("Category", 0, r#"{"parent":"%5"}"#),
            served.updating("Category", 5, r#"{"parent":"%4"}"#),
        ];
        let refused = served.together(turned).await;
        assert!(refused.starts_with("Some(1) invalid-values: /parent Misused"), "{database}: {refused}");
        assert_eq!(shape(&served).await[5], " | Books | ", "{database}");
        for _ in 0..5 {
            let each_other = [
                served.updating("Category", 0, r#"{"parent":"%5"}"#),
                served.updating("Category", 5, r#"{"parent":"%4"}"#),
            ];
            let answers = served.at_once(each_other).await;
            let done = answers.iter().filter(|answer| *answer == "ok").count();
            assert_eq!(done, 1, "{database}: {answers:?}");
            let apart = vec![
                served.updating("Category", 0, r#"{"parent":null}"#),
                served.updating("Category", 5, r#"{"parent":null}"#),
            ];
            assert_eq!(served.together(apart).await, "ok", "{database}");
        }
    }
}

/// The reference isn't looked up before if everybody may read the records.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parent_exists() {
    let model = r#"type N @open @key(given: true) @tree(parent: "up") { up: N }"#;
    let none = r#"invalid-values: /up Reference { collection: "N", by: "id" }"#;
    let unused = r#"{"up":"01890a5d-ac96-774b-bcce-b302099a8057"}"#;
    let own = r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057","up":"01890a5d-ac96-774b-bcce-b302099a8057"}"#;
    for mut served in Served::both(model) {
        let database = served.database;
        assert_eq!(served.create("N", "{}").await, "ok", "{database}");
        assert_eq!(served.create("N", unused).await, none, "{database}");
        assert_eq!(served.update("N", 0, unused).await, none, "{database}");
        let together = vec![served.creating("N", "{}"), served.creating("N", unused)];
        assert_eq!(served.together(together).await, format!("Some(1) {none}"), "{database}");
        assert_eq!(served.create("N", own).await, none, "{database}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_has_so_many_levels() {
    for mut served in Served::both(documented("### Trees")) {
        let database = served.database;
        served.ask_as(clerk());
        assert_eq!(served.create("Category", r#"{"name":"0"}"#).await, "ok", "{database}");
        for level in 1..32 {
            let body = format!(r#"{{"name":"{level}","parent":"{}"}}"#, served.id(level - 1));
            assert_eq!(served.create("Category", &body).await, "ok", "{database}");
        }
        let deeper = format!(r#"{{"name":"32","parent":"{}"}}"#, served.id(31));
        let expected = "invalid-values: /parent Misused { problem: \"the tree would have 33 levels, and can have 32\", \
                        remedy: \"choose a record further up\" }";
        assert_eq!(served.create("Category", &deeper).await, expected, "{database}");
        assert_eq!(served.create("Category", r#"{"name":"above"}"#).await, "ok", "{database}");
        let above = format!(r#"{{"parent":"{}"}}"#, served.id(32));
        assert_eq!(served.update("Category", 0, &above).await, expected, "{database}");
        let counted = served.list("Category", "name", Some("size(ancestors) == 31 && size(descendants) == 0")).await;
        assert_eq!(counted, r#"[{"name":"31"}]"#, "{database}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_a_branch() {
    for mut served in Served::both(documented("### Trees")) {
        let database = served.database;
        grown(&mut served).await;
        for (name, category) in [("saw", "\"%4\""), ("spade", "\"%2\""), ("pan", "\"%3\""), ("thing", "null")] {
            let body = format!(r#"{{"name":"{name}","category":{category}}}"#);
            assert_eq!(served.create("Product", &body).await, "ok", "{database}");
        }
        let check = async |filter: &str, expected: &str| {
            let filter =
                (0..6).fold(filter.to_owned(), |text, at| text.replace(&format!("%{at}"), &served.id(at).to_string()));
            let of = if filter.contains("this.") || filter.contains("ancestors.") { "Category" } else { "Product" };
            assert_eq!(served.list(of, "name", Some(&filter)).await, expected, "{database} {filter}");
        };
        check("category.within('%1')", r#"[{"name":"saw"},{"name":"spade"}]"#).await;
        check("category.within('%0')", r#"[{"name":"saw"},{"name":"spade"},{"name":"pan"}]"#).await;
        check("category.within('%4')", r#"[{"name":"saw"}]"#).await;
        check("category.within('%5')", "[]").await;
        check("!category.within('%1')", r#"[{"name":"pan"}]"#).await;
        check("category.within('%1') && name == 'saw'", r#"[{"name":"saw"}]"#).await;
        check("category.within('%4') || category.within('%3')", r#"[{"name":"saw"},{"name":"pan"}]"#).await;
        check("this.within('%2')", r#"[{"name":"Tools"},{"name":"Saws"}]"#).await;
        check("this.parent.within('%2')", r#"[{"name":"Saws"}]"#).await;
        check("ancestors.exists(a, a.name == 'Garden')", r#"[{"name":"Tools"},{"name":"Saws"}]"#).await;
        check("this.parent == null && size(ancestors) == 0", r#"[{"name":"Home"},{"name":"Books"}]"#).await;
        check(
            "this.name != 'x' && ancestors.first(a, a.parent == null).name == 'Home' && size(descendants) == 0",
            r#"[{"name":"Kitchen"},{"name":"Saws"}]"#,
        )
        .await;
        check("this.descendants.all(d, d.name != 'Saws')", r#"[{"name":"Kitchen"},{"name":"Saws"},{"name":"Books"}]"#)
            .await;
        check("ancestors.first(a, true, [-a.name]).name == 'Tools'", r#"[{"name":"Saws"}]"#).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_learns_of_records_above_that_they_may_not_read() {
    for mut served in Served::both(documented("### Trees")) {
        let database = served.database;
        grown(&mut served).await;
        assert_eq!(served.create("Product", r#"{"name":"saw","category":"%4"}"#).await, "ok", "{database}");
        assert_eq!(served.update("Category", 1, r#"{"public":false}"#).await, "ok", "{database}");
        served.ask_as(Caller::anonymous());
        let seen = [
            " | Home | Kitchen/Tools/Saws",
            "Home | Tools | Saws",
            "Home | Kitchen | ",
            "Home/Tools | Saws | ",
            " | Books | ",
        ];
        assert_eq!(shape(&served).await, seen, "{database}");
        let hidden = format!("category.within('{}')", served.id(1));
        assert_eq!(served.list("Product", "name", Some(&hidden)).await, "[]", "{database}");
        let above = format!("category.within('{}')", served.id(0));
        assert_eq!(served.list("Product", "name", Some(&above)).await, r#"[{"name":"saw"}]"#, "{database}");
        let counted = served.list("Category", "name", Some("size(ancestors) == 2")).await;
        assert_eq!(counted, r#"[{"name":"Saws"}]"#, "{database}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_becomes_of_children() {
    let model = |on_delete: &str, more: &str| {
        format!(
            "type Category @open {more} @tree(parent: \"parent\") {{ name: String! parent: Category @onDelete(do: {on_delete}) }}"
        )
    };
    for mut served in Served::both(&model("SET_NULL", "")) {
        grown_plain(&mut served).await;
        assert_eq!(served.delete("Category", 1).await, "ok", "{}", served.database);
        let expected = [" | Home | Kitchen", " | Tools | Saws", "Home | Kitchen | ", "Tools | Saws | ", " | Books | "];
        assert_eq!(shape(&served).await, expected, "{}", served.database);
    }
    for mut served in Served::both(&model("CASCADE", "")) {
        grown_plain(&mut served).await;
        assert_eq!(served.delete("Category", 1).await, "ok", "{}", served.database);
        let expected = [" | Home | Kitchen", "Home | Kitchen | ", " | Books | "];
        assert_eq!(shape(&served).await, expected, "{}", served.database);
    }
    for mut served in Served::both(&model("CASCADE", "@trash")) {
        grown_plain(&mut served).await;
        assert_eq!(served.delete("Category", 2).await, "ok", "{}", served.database);
        let trashed = [" | Home | Garden/Kitchen", "Home | Garden | ", "Home | Kitchen | ", " | Books | "];
        assert_eq!(shape(&served).await, trashed, "{}", served.database);
        // What is in the trash moves along, and comes back where it was.
        assert_eq!(served.update("Category", 1, r#"{"parent":"%5"}"#).await, "ok", "{}", served.database);
        assert_eq!(served.restore("Category", 2).await, "ok", "{}", served.database);
        let restored = [
            " | Home | Kitchen",
            "Books | Garden | Tools/Saws",
            "Books/Garden | Tools | Saws",
            "Home | Kitchen | ",
            "Books/Garden/Tools | Saws | ",
            " | Books | Garden/Tools/Saws",
        ];
        assert_eq!(shape(&served).await, restored, "{}", served.database);
    }
}

async fn grown_plain(served: &mut Served) {
    for body in [
        r#"{"name":"Home"}"#,
        r#"{"name":"Garden","parent":"%0"}"#,
        r#"{"name":"Tools","parent":"%1"}"#,
        r#"{"name":"Kitchen","parent":"%0"}"#,
        r#"{"name":"Saws","parent":"%2"}"#,
        r#"{"name":"Books"}"#,
    ] {
        assert_eq!(served.create("Category", body).await, "ok", "{} {body}", served.database);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_model_sets_the_parent() {
    let model = "type Page @open @tree(parent: \"parent\") { name: String! wanted: Page \
                 parent: Page @set(on: WRITE, to: \"this.wanted\") }";
    for mut served in Served::both(model) {
        let database = served.database;
        for body in [r#"{"name":"a"}"#, r#"{"name":"b","wanted":"%0"}"#, r#"{"name":"c","wanted":"%1"}"#] {
            assert_eq!(served.create("Page", body).await, "ok", "{database} {body}");
        }
        let refused = served.update("Page", 0, r#"{"wanted":"%2"}"#).await;
        assert!(refused.starts_with("invalid-values: /parent Misused"), "{database}: {refused}");
        assert_eq!(served.update("Page", 2, r#"{"wanted":"%0"}"#).await, "ok", "{database}");
        let listed = served.list("Page", "name,ancestors{name}", Some("name == 'c'")).await;
        assert_eq!(listed, r#"[{"ancestors":[{"name":"a"}],"name":"c"}]"#, "{database}");
    }
}

/// A rule about the proposed record sees the records that would be above it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_see_where_a_record_would_come() {
    let model = r#"type Folder @tree(parent: "parent")
        @allow(read: "true", create: "this.parent == null || !this.ancestors.exists(a, a.locked)",
               update: "true", after: "!new.ancestors.exists(a, a.locked)") {
        name: String! locked: Boolean! @default(to: false) parent: Folder
    }"#;
    for mut served in Served::both(model) {
        let database = served.database;
        for (body, expected) in [
            (r#"{"name":"a","locked":true}"#, "ok"),
            (r#"{"name":"b"}"#, "ok"),
            (r#"{"name":"c","parent":"%0"}"#, "sign-in-required"),
            (r#"{"name":"c","parent":"%1"}"#, "ok"),
            (r#"{"name":"d","parent":"%2"}"#, "ok"),
        ] {
            assert_eq!(served.create("Folder", body).await, expected, "{database} {body}");
        }
        assert_eq!(served.update("Folder", 2, r#"{"parent":"%0"}"#).await, "sign-in-required", "{database}");
        assert_eq!(served.update("Folder", 2, r#"{"parent":null}"#).await, "ok", "{database}");
        assert_eq!(
            served.update("Folder", 2, r#"{"ancestors":[]}"#).await,
            "invalid-values: /ancestors ReadOnly(\"this follows from the parents of the records\")",
            "{database}"
        );
    }
}

/// A forest whose siblings are ordered by a field.
fn ordered_by(field: &str) -> String {
    format!(
        r#"
enum Level {{ LOW MIDDLE HIGH }}
type Node @open @tree(parent: "parent", order: "{field}") {{
  parent: Node
  children: [Node!] @inverse(field: "parent")
  position: Int
  name: String
  ratio: Float
  price: Decimal @precision(digits: 9, scale: 2)
  at: DateTime
  day: Date
  level: Level
}}"#
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_below_a_record_has_the_order_of_the_tree() {
    for field in ["position", "name", "ratio", "price", "at", "day", "level"] {
        for mut on in Served::both(&ordered_by(field)) {
            let name = on.database;
            for values in [
                r#"{"position":10,"name":"ba","ratio":1.5,"price":"10.50","at":"2026-01-01T00:00:00Z","day":"2026-01-01","level":"HIGH"}"#,
                r#"{"position":-2,"name":"b","ratio":-2.5,"price":"-0.05","at":"1969-01-01T00:00:00Z","day":"1969-01-01","level":"LOW"}"#,
                "{}",
                "{}",
                r#"{"position":1}"#,
                "{}",
                "{}",
            ] {
                assert_eq!(on.create("Node", values).await, "ok", "{name}");
            }
            for (child, parent) in [(0, 6), (1, 6), (2, 6), (3, 0), (4, 1), (5, 1)] {
                let moved = on.update("Node", child, &format!(r#"{{"parent":"%{parent}"}}"#)).await;
                assert_eq!(moved, "ok", "{name}");
            }
            let below = on.newest("Node", "descendants").await;
            // Of siblings without a value, the older one comes first; one with a value comes before one without.
            let expected = [1, 4, 5, 0, 3, 2].map(|number| serde_json::json!({"id": on.id(number).to_string()}));
            assert_eq!(below, serde_json::json!(expected), "{name}: {field}");
        }
    }
}
