//! `@search`: what is found, in which order, and by whom, on both databases.

use backstay_base::Caller;

use super::support::Served;

const MODEL: &str = r#"
extend schema @app(name: "News")
enum Role @roles { EDITOR }
type User @identity @allow(read: "true") { email: Email! @unique }
type Post @allow(read: "this.public || 'EDITOR' in auth.roles", create: "true", update: "true", delete: "true") @trash {
  title: String! @search(weight: 3)
  body: Text @search
  notes: Text @search(weight: 100) @allow(read: "'EDITOR' in auth.roles")
  draft: Text @search @allow(read: "this.title == 'Mine'")
  public: Boolean! @default(to: true)
  author: Author
}
type Author @open { name: String! posts: [Post!] @inverse(field: "author") }
type Shelf @open { name: String! posts: [Post!] plains: [Plain!] authors: [Author!] }
type Plain @open { name: String! }
type Sentence @open {
  english: String! @search(language: "en", weight: 2)
  german: String @search(language: "de")
  any: String @search
}
type Closed @open { name: String @search @allow(read: "'EDITOR' in auth.roles") }
"#;

/// What is wrong with the search.
const REFUSED: &str = "malformed-request: search Misused";

async fn create(served: &mut Served, of: &str, bodies: &[&str]) {
    for body in bodies {
        assert_eq!(served.create(of, body).await, "ok", "{body}");
    }
}

async fn check(served: &Served, searches: &[(&str, &str)]) {
    for (text, expected) in searches {
        assert_eq!(served.search("Post", "title", text).await, *expected, "{}: {text}", served.database);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_phrases_beginnings_alternatives_and_exclusions() {
    for mut served in Served::both(MODEL) {
        create(
            &mut served,
            "Post",
            &[
                r#"{"title":"New York","body":"The city that never sleeps"}"#,
                r#"{"title":"York","body":"An old city; new people"}"#,
                r#"{"title":"Zürich","body":"Straße, Genève and 東京タワー. It's half-time: 3.14"}"#,
                r#"{"title":"Empty"}"#,
                r#"{"title":"🎉","body":"e\u0301te\u0301 हिन्दी שָׁלוֹם"}"#,
            ],
        )
        .await;
        check(
            &served,
            &[
                ("york", "York, New York"),
                ("new york", "New York, York"),
                ("\"new york\"", "New York"),
                ("\"york new\"", ""),
                ("yor*", "York, New York"),
                ("\"new yo\"*", "New York"),
                ("york -sleeps", "York"),
                ("york -\"old city\"", "New York"),
                ("zurich OR york", "Zürich, York, New York"),
                ("zurich OR york people", "York"),
                ("ZÜRICH", "Zürich"),
                ("strasse geneve", "Zürich"),
                ("東京", "Zürich"),
                ("京東", ""),
                ("タワ*", "Zürich"),
                ("half-time it's 3.14", "Zürich"),
                ("\"ete हिन्दी שלום\"", "🎉"),
                ("empty", "Empty"),
                ("nothing", ""),
                ("title:york NEAR {c0} : ^york", ""),
            ],
        )
        .await;
        for text in ["", "* \" -", "-york", "y*", "🎉"] {
            let told = served.search("Post", "title", text).await;
            assert!(told.starts_with(REFUSED), "{}: {text}: {told}", served.database);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_found_follows_writes() {
    for mut served in Served::both(MODEL) {
        create(&mut served, "Post", &[r#"{"title":"One","body":"apple"}"#, r#"{"title":"Two","body":"apple"}"#]).await;
        check(&served, &[("apple", "Two, One")]).await;
        assert_eq!(served.update("Post", 0, r#"{"body":"pear"}"#).await, "ok");
        check(&served, &[("apple", "Two"), ("pear", "One"), ("one pear", "One")]).await;
        assert_eq!(served.update("Post", 0, r#"{"body":null}"#).await, "ok");
        check(&served, &[("pear", ""), ("one", "One")]).await;
        assert_eq!(served.delete("Post", 1).await, "ok");
        check(&served, &[("apple", "")]).await;
        assert_eq!(served.restore("Post", 1).await, "ok");
        check(&served, &[("apple", "Two")]).await;
        assert_eq!(served.delete("Post", 1).await, "ok");
        assert_eq!(served.purge("Post", 1).await, "ok");
        check(&served, &[("apple", ""), ("one", "One")]).await;
        let refused =
            vec![served.creating("Post", r#"{"title":"Three"}"#), served.updating("Post", 1, r#"{"title":"x"}"#)];
        assert_ne!(served.together(refused).await, "ok");
        check(&served, &[("three", "")]).await;
    }
}

/// A hidden field never matches, excludes or ranks, and neither does one that the caller sees in some records only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hidden_fields_and_records_are_not_searched() {
    for mut served in Served::both(MODEL) {
        served.ask_as(Caller::account(backstay_base::RecordId::from_bytes([1; 16]), ["EDITOR"]));
        create(
            &mut served,
            "Post",
            &[
                r#"{"title":"Apple pie","notes":"secret apple"}"#,
                r#"{"title":"Apple","notes":"nothing"}"#,
                r#"{"title":"Hidden apple","public":false}"#,
                r#"{"title":"Mine","draft":"unfinished"}"#,
            ],
        )
        .await;
        let editor = [
            ("apple", "Apple pie, Apple, Hidden apple"),
            ("secret", "Apple pie"),
            ("apple -secret", "Apple, Hidden apple"),
            ("unfinished", ""),
        ];
        check(&served, &editor).await;
        served.ask_as(Caller::anonymous());
        let anyone = [
            ("apple", "Apple, Apple pie"),
            ("secret", ""),
            ("apple -secret", "Apple, Apple pie"),
            ("apple OR secret", "Apple, Apple pie"),
            ("hidden", ""),
            ("unfinished OR mine", "Mine"),
        ];
        check(&served, &anyone).await;
        for of in ["Plain", "Closed"] {
            let told = served.search(of, "id", "x").await;
            assert!(told.starts_with(REFUSED), "{of}: {told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_orders_filters_and_counts() {
    for mut served in Served::both(MODEL) {
        for number in 0..7 {
            let body = format!(r#"{{"title":"Post {number}","body":"{}apple"}}"#, "word ".repeat(number));
            create(&mut served, "Post", &[&body]).await;
        }
        check(&served, &[("apple", "Post 0, Post 1, Post 2, Post 3, Post 4, Post 5, Post 6")]).await;
        let (mut after, mut pages) = (None, Vec::new());
        loop {
            let page = served
                .page("Post", |words| {
                    (words.search, words.select) = (Some("apple".into()), Some("title".into()));
                    (words.limit, words.count) = (Some(3), backstay_engine::Counting::Capped);
                    words.after = after.clone().map(std::borrow::Cow::Owned);
                })
                .await;
            assert_eq!(page["count"]["value"], 7, "{page}");
            pages.push(page["items"].as_array().expect("items").len());
            after = page["next"].as_str().map(str::to_owned);
            if after.is_none() {
                break;
            }
        }
        assert_eq!(pages, [3, 3, 1], "{}", served.database);
        let sorted = served
            .page("Post", |words| {
                (words.search, words.select) = (Some("apple".into()), Some("title".into()));
                (words.sort, words.filter) = (Some("-title".into()), Some("title > 'Post 4'".into()));
            })
            .await;
        assert_eq!(sorted["items"].to_string(), r#"[{"title":"Post 6"},{"title":"Post 5"}]"#, "{}", served.database);
    }
}

/// One entry is as long as a record can be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_texts_are_indexed_up_to_a_limit() {
    for mut served in Served::both(MODEL) {
        let words: Vec<String> = (0..16_500).map(|number: u32| format!("w{number:060}")).collect();
        let words = words.join(" ");
        for body in [words.clone(), "apple ".repeat(40_000), "\u{FDFA}".repeat(20_000), "東京".repeat(20_000)] {
            let body = serde_json::json!({ "title": "Long", "body": body, "notes": words[..60_000] });
            assert_eq!(served.create("Post", &body.to_string()).await, "ok", "{}", served.database);
        }
        let first = format!("w{:060}", 7);
        let last = format!("w{:060}", 16_400);
        check(&served, &[(&first, "Long"), (&last, ""), ("apple long", "Long"), ("東京東", "Long")]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn indexes_follow_models() {
    let model = |types: &str| format!("extend schema @app(name: \"News\")\n{types}");
    for mut served in Served::both(&model("type Post @open { title: String! body: Text }")) {
        create(&mut served, "Post", &[r#"{"title":"One","body":"apple"}"#, r#"{"title":"Two","body":"pear"}"#]).await;
        served.serve(&model("type Post @open { title: String! @search body: Text @search }"));
        check(&served, &[("one", "One"), ("apple", "One"), ("pear two", "Two")]).await;
        served.serve(&model("type Post @open { title: String! @search(weight: 9) body: Text }"));
        check(&served, &[("one", "One"), ("apple", "")]).await;
        create(&mut served, "Post", &[r#"{"title":"Three","body":"plum"}"#]).await;
        let renamed = r#"type Article @open @renamed(from: "Post") { heading: String! @search @renamed(from: "title") body: Text }"#;
        served.serve(&model(renamed));
        assert_eq!(served.search("Article", "heading", "three OR one").await, "Three, One", "{}", served.database);
        served.serve(&model("type Article @open { heading: String! body: Text }"));
        let back = r#"type Article @open { body: Text @search heading: Text! @search number: Int! @default(to: 1) @unique(where: "this.number > 9") }"#;
        served.serve(&model(back));
        assert_eq!(served.search("Article", "heading", "three plum").await, "Three", "{}", served.database);
        served.serve(&model(&format!("{back} type Other @open {{ name: String @search }}")));
        create(&mut served, "Other", &[r#"{"name":"x y"}"#]).await;
        assert_eq!(served.search("Other", "name", "y").await, "x y", "{}", served.database);
    }
}

/// The words of a search have a stem for each field, in phrases, beginnings and exclusions too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_with_a_language_have_other_forms_of_words() {
    for mut served in Served::both(MODEL) {
        create(
            &mut served,
            "Sentence",
            &[
                r#"{"english":"Running late","german":"Die Häuser","any":"running"}"#,
                r#"{"english":"He runs in cities","any":"Häuser"}"#,
                r#"{"english":"Late runs","german":"Ein Haus in der Straße"}"#,
                r#"{"english":"Ran","any":"cities"}"#,
            ],
        )
        .await;
        for (text, expected) in [
            ("runs", "Late runs, Running late, He runs in cities"),
            ("running", "Running late, Late runs, He runs in cities"),
            ("\"run late\"", "Running late"),
            ("\"late running\"", "Late runs"),
            ("runs -cities", "Late runs, Running late"),
            ("city", "He runs in cities"),
            ("cities", "Ran, He runs in cities"),
            ("haus", "Running late, Late runs"),
            ("HAUSER", "He runs in cities, Running late, Late runs"),
            ("strassen OR ran", "Ran, Late runs"),
            ("running*", "Running late, Late runs, He runs in cities"),
        ] {
            assert_eq!(served.search("Sentence", "english", text).await, expected, "{}: {text}", served.database);
        }
        assert_eq!(served.update("Sentence", 0, r#"{"english":"Walks"}"#).await, "ok");
        assert_eq!(served.search("Sentence", "english", "walking").await, "Walks", "{}", served.database);
        assert_eq!(served.search("Sentence", "english", "late").await, "Late runs", "{}", served.database);
    }
}

/// What is found is every second part of a fragment, in fields that the caller sees in every record.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_found_is_highlighted() {
    for mut served in Served::both(MODEL) {
        create(
            &mut served,
            "Post",
            &[
                r#"{"title":"<b>York</b>","body":"Old \"York\" and New York","notes":"york"}"#,
                r#"{"title":"New York","draft":"york"}"#,
                r#"{"title":"Leeds","body":"No word"}"#,
            ],
        )
        .await;
        let page = served.page("Post", |words| {
            words.select = Some("title".into());
            words.search = Some("york".into());
            words.highlight = Some("title,body".into());
        });
        let expected = serde_json::json!([
            { "title": "<b>York</b>", "$highlight": {
                "title": ["<b>", "York", "</b>"], "body": ["Old \"", "York", "\" and New ", "York", ""] } },
            { "title": "New York", "$highlight": { "title": ["New ", "York", ""], "body": null } },
        ]);
        assert_eq!(page.await["items"], expected, "{}", served.database);
        create(&mut served, "Sentence", &[r#"{"english":"He was running","german":"Häuser","any":"runs"}"#]).await;
        let page = served.page("Sentence", |words| {
            words.select = Some("id".into());
            words.search = Some("runs OR haus".into());
            words.highlight = Some("any,english,german".into());
        });
        let expected = serde_json::json!({
            "any": ["", "runs", ""], "english": ["He was ", "running", ""], "german": ["", "Häuser", ""] });
        assert_eq!(page.await["items"][0]["$highlight"], expected, "{}", served.database);
        for (search, highlight) in [
            (Some("york"), "notes"),
            (Some("york"), "draft"),
            (Some("york"), "public"),
            (Some("york"), "nothing"),
            (Some("york"), "title,,body"),
            (None, "title"),
        ] {
            let told = served.list_by("Post", |words| {
                words.search = search.map(Into::into);
                words.highlight = Some(highlight.to_owned().into());
            });
            let told = told.await;
            assert!(told.starts_with("malformed-request: "), "{}: {highlight}: {told}", served.database);
        }
    }
}

/// Posts of two authors, which an editor reads, and a shelf with some of them.
async fn authors(served: &mut Served) {
    served.ask_as(Caller::account(backstay_base::RecordId::from_bytes([1; 16]), ["EDITOR"]));
    create(served, "Author", &[r#"{"name":"Ann"}"#, r#"{"name":"Ben"}"#]).await;
    let (ann, ben) = (served.id(0), served.id(1));
    let posts = [
        format!(r#"{{"title":"Other fruit","body":"an apple and a pear","author":"{ann}"}}"#),
        format!(r#"{{"title":"Apple","notes":"secret","author":"{ann}"}}"#),
        format!(r#"{{"title":"Hidden apple","public":false,"author":"{ann}"}}"#),
        format!(r#"{{"title":"Apple pie","author":"{ben}"}}"#),
        r#"{"title":"Nobody's apple"}"#.to_owned(),
    ];
    create(served, "Post", &posts.each_ref().map(String::as_str)).await;
    let shelf = format!(r#"{{"name":"Top","posts":["{}","{}"],"authors":["{ann}"]}}"#, served.id(2), served.id(5));
    create(served, "Shelf", &[&shelf]).await;
}

/// A list within a record is searched as the collection itself would be, among its own records.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_within_records_are_searched() {
    for mut served in Served::both(MODEL) {
        authors(&mut served).await;
        let editor = [
            ("Author", r#"name,posts(search:"apple"){title}"#, "Ann: Apple, Hidden apple, Other fruit; Ben: Apple pie"),
            ("Author", r#"name,posts(search:"secret"){title}"#, "Ann: Apple; Ben: "),
            (
                "Author",
                "name,posts(search:'apple -secret',sort:title){title}",
                "Ann: Hidden apple, Other fruit; Ben: Apple pie",
            ),
            ("Shelf", r#"name,posts(search:"apple"){title}"#, "Top: Apple pie, Other fruit"),
            (
                "Shelf",
                r#"name,posts(search:"app* OR pear",limit:1,filter:title != 'Apple pie'){title}"#,
                "Top: Other fruit",
            ),
        ];
        let anyone = [
            ("Author", r#"name,posts(search:"apple"){title}"#, "Ann: Apple, Other fruit; Ben: Apple pie"),
            ("Author", r#"name,posts(search:"secret"){title}"#, "Ann: ; Ben: "),
            ("Author", r#"name,posts(search:"apple -secret"){title}"#, "Ann: Apple, Other fruit; Ben: Apple pie"),
            ("Author", r#"name,posts(search:"hidden OR unfinished"){title}"#, "Ann: ; Ben: "),
        ];
        for (caller, expected) in [(None, &anyone[..]), (Some("EDITOR"), &editor[..])] {
            served.ask_as(caller.map_or_else(Caller::anonymous, |role| {
                Caller::account(backstay_base::RecordId::from_bytes([1; 16]), [role])
            }));
            for (of, select, expected) in expected {
                let page = served.page(of, |words| words.select = Some((*select).to_owned().into())).await;
                assert_eq!(lists(&page, "posts"), *expected, "{}: {select}", served.database);
            }
        }
    }
}

/// The page itself and two lists in it, one of them within another list, each with words of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_searches_of_one_request() {
    for mut served in Served::both(MODEL) {
        authors(&mut served).await;
        let page = served.page("Post", |words| {
            words.search = Some("pie OR pear".into());
            words.select =
                Some(r#"title,author{name,a=posts(search:$a){title},b=posts(search:"fruit"){title}}"#.into());
            words.params = vec![("a".to_owned(), backstay_rest::Raw::Text("apple".into()))];
        });
        let page = page.await;
        let authors = serde_json::json!({ "items": [page["items"][0]["author"], page["items"][1]["author"]] });
        assert_eq!(page["items"][0]["title"], "Apple pie", "{}: {page}", served.database);
        assert_eq!(
            lists(&authors, "a"),
            "Ben: Apple pie; Ann: Apple, Hidden apple, Other fruit",
            "{}",
            served.database
        );
        assert_eq!(lists(&authors, "b"), "Ben: ; Ann: Other fruit", "{}", served.database);
        for (select, refused) in [
            (r#"name,plains(search:"x")"#, "malformed-request: select Misused"),
            (r#"name,posts(search:"-x")"#, "malformed-request: select Misused"),
            ("name,posts(search:$a)", "malformed-request: $a Required"),
        ] {
            let told = served.list("Shelf", select, None).await;
            assert!(told.starts_with(refused), "{}: {select}: {told}", served.database);
        }
        let told = served.list_by("Shelf", |words| {
            words.select = Some("posts(search:$a)".into());
            words.params = vec![("a".to_owned(), backstay_rest::Raw::Text("y*".into()))];
        });
        let told = told.await;
        assert!(told.starts_with("malformed-request: $a Misused"), "{}: {told}", served.database);
    }
}

/// `Ann: Apple, Pear; Ben: Plum`: the titles of a list within each record.
fn lists(page: &serde_json::Value, list: &str) -> String {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("?").to_owned();
    let of_record = |record: &serde_json::Value| {
        let titles: Vec<String> =
            record[list].as_array().into_iter().flatten().map(|one| text(&one["title"])).collect();
        format!("{}: {}", text(&record["name"]), titles.join(", "))
    };
    page["items"].as_array().into_iter().flatten().map(of_record).collect::<Vec<_>>().join("; ")
}
