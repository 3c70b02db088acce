//! Whatever the text, the answer is an expression or an error that points into it: no panic, no exhausted stack.

mod newsroom;

use std::thread;

use backstay_base::limits;
use backstay_expr::{ExprErrorKind, Facts, Scope, compile, evaluate, fold};
use backstay_model::Model;
use backstay_scalar::Value;
use newsroom::{World, caller, model};
use proptest::prelude::*;

/// The stack of a worker of the server, halved.
const STACK: usize = 1024 * 1024;

fn with_small_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    thread::Builder::new().stack_size(STACK).spawn(work).expect("a thread").join().expect("no panic")
}

/// Compiles, and does everything with the result that a request does.
fn run(model: &Model, text: &str) -> Result<(), Vec<ExprErrorKind>> {
    let post = model.collection_named("Post").expect("a collection").id;
    for scope in [Scope::change(model, post), Scope::filter(model, post)] {
        let checked = compile(text, &scope).map_err(|errors| {
            assert!(!errors.is_empty(), "{text}");
            for error in &errors {
                assert!(text.get(error.span.clone()).is_some(), "{:?} is not within {text:?}", error.span);
                assert!(!error.to_string().is_empty());
                let _ = error.remedy();
            }
            errors.into_iter().map(|error| error.kind).collect::<Vec<_>>()
        })?;
        let mut world = World::new(model, caller("nobody"), &[]);
        world.params = checked.params.iter().map(|_| Value::Null).collect();
        evaluate(&checked.expr, &world);
        let mut facts = Facts::default();
        let extracted = facts.extract(&checked.expr);
        let folded = fold(&extracted, &facts.evaluate(&world.caller));
        assert!(folded.same(&folded.clone()));
    }
    Ok(())
}

fn refused(text: &str, kind: &ExprErrorKind) {
    let (owned, shown) = (text.to_owned(), &text[..text.len().min(20)]);
    let got = with_small_stack(move || run(&model(), &owned));
    assert_eq!(got.expect_err(shown).as_slice(), std::slice::from_ref(kind), "{shown}…");
}

fn repeated(unit: &str) -> String {
    unit.repeat(limits::EXPRESSION_BYTES / unit.len())
}

#[test]
fn deep_texts_are_refused_before_they_are_parsed() {
    for unit in
        ["(", "[", "!", "-", "!-", "a.", "a+", "a-", "a*", "a<", "a==", "a?", "a?a:", "a in ", "f(", "a.f(", "-("]
    {
        refused(&repeated(unit), &ExprErrorKind::TooDeep);
    }
    refused(&format!("{}a", repeated("a?(a):")), &ExprErrorKind::TooDeep);
    refused(&format!("a{}", repeated(".exists(b,a")), &ExprErrorKind::TooDeep);
    refused(&"a.".repeat(8192), &ExprErrorKind::TooLong);
}

#[test]
fn wide_texts_are_not_deep() {
    let text = vec!["this.pinned"; 300].join("||");
    with_small_stack(move || run_rule(&text)).expect("300 terms are few enough");
    let text = format!("this.title in [{}]", vec!["'a'"; 800].join(","));
    with_small_stack(move || run_rule(&text)).expect("800 texts are few enough");
    let text = format!("this.words in [{}]", vec!["1"; 1200].join(","));
    assert_eq!(with_small_stack(move || run_rule(&text)), Err(vec![ExprErrorKind::TooLarge]));
}

/// A list gives its elements the type of one of them. If that one were checked twice, each level would double the work.
#[test]
fn lists_within_lists_are_checked_once() {
    let levels = 11;
    let quantified = "section.members.exists(m, m.active)";
    let nested = format!("{}{quantified}{}", "$p in [".repeat(levels), "]".repeat(levels));
    let text = vec![nested; 20].join("||");
    let checked = with_small_stack(move || {
        let model = model();
        let post = model.collection_named("Post").expect("a collection").id;
        compile(&text, &Scope::filter(&model, post))
    });
    let debug = format!("{:?}", checked.expect("few parts").expr);
    assert!(debug.contains("variable: 19") && !debug.contains("variable: 20"), "each variable has one number");
}

fn run_rule(text: &str) -> Result<(), Vec<ExprErrorKind>> {
    let model = model();
    let post = model.collection_named("Post").expect("a collection").id;
    let checked = compile(text, &Scope::rule(&model, post));
    let checked = checked.map_err(|errors| errors.into_iter().map(|error| error.kind).collect::<Vec<_>>())?;
    evaluate(&checked.expr, &World::new(&model, caller("nobody"), &[]));
    Ok(())
}

#[test]
fn the_deepest_text_that_is_taken_fits_the_stack() {
    for (open, close) in [("(", ")"), ("!(", ")"), ("(true && ", ")"), ("(true ? true : ", ")")] {
        let deepest = (1..40)
            .map(|depth| format!("{}true{}", open.repeat(depth), close.repeat(depth)))
            .take_while(|text| {
                let text = text.clone();
                with_small_stack(move || run_rule(&text)).is_ok()
            })
            .count();
        assert!((8..=limits::EXPRESSION_DEPTH).contains(&deepest), "{open}: {deepest}");
    }
}

const SEEDS: [&str; 12] = [
    "this.state == 'PUBLISHED' || this.author == auth.id || editor",
    "this.section.members.exists(m, m.user == auth.id && !m.active)",
    "title.contains($q) && words >= $n || state in ['DRAFT', \"ARCHIVED\"]",
    "this.pinned ? now - duration('1h30m') > this.publishedAt : !(this.price < -12.50e0)",
    "size(this.tags) % 3 == 0 ? 'a' in this.tags : this.title.lowerAscii() != ''",
    "auth.claims.x == null && auth.kind in ['ACCOUNT'] && 'EDITOR' in auth.roles",
    "this.section.members.all(m, m.user.posts.exists(p, p.cost.currency == 'EUR'))",
    "r'\\n' == '\\u00e4\\x41' // comment",
    "0x7fffffffffffffff - -9223372036854775808 < 18446744073709551616u",
    "has(this.x) || this.tags.map(t, t)[0] == {'a': b'c'}.a || `x y`.z || .y",
    "mine && circular || misspelt && null == $p",
    "'''a''' + \"\"\"b\"\"\" == 'ä😀' ? true : false",
];

fn mutated() -> impl Strategy<Value = String> {
    let pieces = [
        "(", ")", "[", "]", "{", "}", ".", ",", "?", ":", "!", "-", "+", "$", "$x", "'", "\"", "`", "\\", "ä", "😀",
        "\0", "\n", "r'", "b'", "null", "true", "in", "this", "new", "auth", "auth.id", "now", "m", "1", "1.5",
        "1e999", "0x", "''", "&&", "||", "==", "<", " ", "//", ".exists(", ".all(m,", "size(", "editor", "$in", "a$b",
        "as", "[?", ".?",
    ];
    let edit = (any::<prop::sample::Index>(), 0..6_usize, proptest::sample::select(pieces.to_vec()));
    (proptest::sample::select(SEEDS.to_vec()), proptest::collection::vec(edit, 0..8)).prop_map(|(seed, edits)| {
        let mut text: Vec<char> = seed.chars().collect();
        for (at, removed, piece) in edits {
            let start = at.index(text.len() + 1);
            let end = (start + removed).min(text.len());
            text.splice(start..end, piece.chars());
        }
        text.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(texts in proptest::collection::vec(mutated(), 10)) {
        thread_local! { static MODEL: Model = model(); }
        MODEL.with(|model| {
            for text in &texts {
                let _ = run(model, text);
            }
        });
    }

    #[test]
    fn no_characters_make_it_panic(text in "\\PC{0,60}") {
        thread_local! { static MODEL: Model = model(); }
        MODEL.with(|model| { let _ = run(model, &text); });
    }
}
