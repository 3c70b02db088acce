//! Named rules with parameters.

use std::sync::Arc;

use backstay_base::Caller;

use crate::{App, example, told, wrong};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_membership_is_asked_of_the_record_that_is_passed() {
    for app in App::both(example("Named rules")) {
        let ann = app.made("User", r#"{"email":"ann@example.org"}"#).await;
        let bob = app.made("User", r#"{"email":"bob@example.org"}"#).await;
        let ours = app.made("Project", r#"{"name":"Ours"}"#).await;
        let theirs = app.made("Project", r#"{"name":"Theirs"}"#).await;
        app.made("Member", &format!(r#"{{"project":"{ours}","user":"{ann}"}}"#)).await;
        app.made("Member", &format!(r#"{{"project":"{theirs}","user":"{bob}"}}"#)).await;
        let ann = Arc::new(Caller::account(ann, Vec::<&str>::new()));
        let task = |project, hours: u32| format!(r#"{{"title":"T","project":"{project}","hours":{hours},"rate":20}}"#);
        let id = app.create(&ann, "Task", &task(ours, 2)).await.expect("a task of a project of hers");
        let check = |result, expected: &str| assert_eq!(told(result), expected, "{}", app.database);
        check(app.create(&ann, "Task", &task(theirs, 2)).await.map(|_| ()), "forbidden");
        let costly = r#"/hours Check { message: "a task costs at most 500" }"#;
        check(app.create(&ann, "Task", &task(ours, 30)).await.map(|_| ()), costly);
        check(app.update(&ann, ("Task", id), &format!(r#"{{"project":"{theirs}"}}"#)).await, "forbidden");
        check(app.update(&ann, ("Task", id), r#"{"title":"U"}"#).await, "ok");
        app.made("Task", &task(theirs, 1)).await;
        assert_eq!(app.list(&ann, "Task", "title,cost").await, r#"[{"cost":40,"title":"U"}]"#, "{}", app.database);
    }
}

#[test]
fn errors_point_into_the_text_of_the_rule() {
    let model = |rules: &str, read: &str| {
        format!("extend schema @app(name: \"A\") {rules}\ntype A @allow(read: \"{read}\") {{ x: Int, a: A }}\n")
    };
    let check =
        |rules: &str, read: &str, expected: &[&str]| assert_eq!(wrong(&model(rules, read)), expected, "{rules}");
    check(
        r#"@rule(name: "f(n: Int)", is: "n == 'x'")"#,
        "f(this.x) || f(this.a.x)",
        &["1:61 Int and String cannot be compared (compare it with a value of its own type)"],
    );
    check(
        r#"@rule(name: "f(n: Int)", is: "n == 'x'")"#,
        "true",
        &["1:61 Int and String cannot be compared (compare it with a value of its own type)"],
    );
    check(
        r#"@rule(name: "a(n: Int)", is: "b(n)") @rule(name: "b(n: Int)", is: "c(n)") @rule(name: "c(n: Int)", is: "a(n)")"#,
        "a(this.x)",
        &["1:135 these rules need each other: `a` → `b` → `c` → `a` (write one of them out in full)"],
    );
    check(
        r#"@rule(name: "f(n: Int)", is: "n == 1")"#,
        "f(this.a)",
        &["2:24 expected Int, found A (pass a value that `n` of `f(n: Int)` takes)"],
    );
    check(
        r#"@rule(name: "f(n: Int)", is: "n == 1")"#,
        "f",
        &["2:22 `f(n: Int)` takes 1 argument, not 0 (write a value for each parameter in brackets after `f`)"],
    );
}

#[test]
fn a_signature_is_checked() {
    let check = |name: &str, expected: &str| {
        let model = format!(
            "extend schema @rule(name: \"{name}\", is: \"true\")\nenum Role {{ A }}\ntype A @open {{ x: Int }}"
        );
        let found = wrong(&model);
        assert_eq!(found, if expected.is_empty() { Vec::new() } else { vec![format!("2:27 {expected}")] }, "{name}");
    };
    check("f( a : A,b: [Role!], c: Decimal )", "");
    check("f(a: B)", "`a` of `f` has an unknown type, `B` (available names: A, Role)");
    check("f(a: Rol)", "`a` of `f` has an unknown type, `Rol` (did you mean `Role`?)");
    check(
        "f(a: A!)",
        "the type of `a` of `f` ends with `!` (write `a: A`; a value that is missing is unknown in the rule)",
    );
    check("f(a: [Int])", "the elements of `a` of `f` can be null (write `a: [Int!]`)");
    let help = "a parameter takes a record, a scalar, a value of an enum, or a list of scalars or enum values";
    check("f(a: [A!])", &format!("`a` of `f` cannot be a list of A ({help})"));
    check("f()", "`f` has no parameter in its brackets (write `f` alone)");
    check("f(a: A", "the parameters of `f` do not end (end the name with `)`)");
    check("f(a)", "`a` is not a parameter of `f` (write its name and its type, such as `f(p: Project)`)");
    check("f(a: Int, a: Int)", "`f` has two parameters called `a` (give one of them another name)");
    let help = "use up to 48 letters, digits and underscores, starting with a letter, and no word of the rule language";
    check("f(this: A)", &format!("`this` cannot name a parameter of `f` ({help})"));
    check("double(a: Int)", "`double(…)` is a function of CEL (give the rule another name)");
    check("size(a: Int)", "`size` is a word of the rule language (give the rule another name)");
    let nine: Vec<String> = (0..9).map(|n| format!("p{n}: Int")).collect();
    let many = format!("f({})", nine.join(", "));
    check(&many, "`f` has 9 parameters, more than 8 (pass a record and use its fields)");
}
