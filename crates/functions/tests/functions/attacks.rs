//! What a function does to itself, and to nobody else.

use std::time::{Duration, Instant};

use backstay_functions::Failure;

use crate::harness::{Scripted, call, functions, functions_of, run, value};

/// How this body ends, and that the next call of the same functions is unharmed.
async fn ends(body: &str, expected: impl Fn(&Failure) -> bool) {
    let text = format!(
        "export async function main(args, {{ db }}) {{ {body} }}
         export const after = async (_, {{ db }}) => [[].concat([1]).map((n) => n + 1), {{}}.polluted ?? null, JSON.stringify({{ a: 1 }})];"
    );
    let functions = functions_of(&[("main.js", &text)]);
    let host = Scripted::default();
    match functions.call(call("main", "{}"), &host).await {
        Err(failure) => assert!(expected(&failure), "{body}: {failure:?}"),
        Ok(result) => panic!("{body}: {result}"),
    }
    let after = functions.call(call("after", "{}"), &host).await;
    assert_eq!(after.expect("is unharmed"), r#"[[2],null,"{\"a\":1}"]"#, "{body}");
}

fn is_spent(failure: &Failure) -> bool {
    matches!(failure, Failure::Spent)
}

fn is_thrown(part: &'static str) -> impl Fn(&Failure) -> bool {
    move |failure| matches!(failure, Failure::Thrown { message, .. } if message.contains(part))
}

#[tokio::test(flavor = "multi_thread")]
async fn loops_end() {
    ends("for (;;) {}", is_spent).await;
    ends("for (;;) { try { for (;;) {} } catch {} finally { continue } }", is_spent).await;
    ends("for (;;) await null", is_spent).await;
    // Its promises may use up the memory first.
    ends("const f = () => Promise.resolve().then(f); await f()", |failure| !matches!(failure, Failure::Engine(_)))
        .await;
    ends("const f = async () => { try { for (;;) {} } catch { await f() } }; await f()", is_spent).await;
    ends("return { toJSON() { for (;;) {} } }", is_spent).await;
    ends("throw { get stack() { for (;;) {} }, toJSON() { for (;;) {} } }", is_spent).await;
    ends("[3, 2, 1].sort(() => { for (;;) {} })", is_spent).await;
    ends("await { then() { for (;;) {} } }", is_spent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn expressions_that_explode_end() {
    ends("return /^(a+)+$/.test('a'.repeat(40) + 'b')", is_spent).await;
    ends("return 'x'.repeat(30).match(/(x+x+)+y/)", is_spent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recursion_ends() {
    ends("const f = () => f() + 1; f()", is_thrown("Maximum call stack size exceeded")).await;
    ends("let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a", is_thrown("Maximum call stack")).await;
    ends("const f = new Proxy({}, { get: (_, name, self) => self[name] }); f.a", is_thrown("Maximum call stack")).await;
    ends("JSON.parse('['.repeat(1e6))", is_thrown("Maximum call stack")).await;
    ends("new RegExp('('.repeat(1e5) + ')'.repeat(1e5))", |failure| matches!(failure, Failure::Thrown { .. })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_bounded() {
    // The engine throws null if there is no room for the error.
    let out = |failure: &Failure| matches!(failure, Failure::Thrown { message, .. } if message.contains("out of memory") || message == "thrown: null");
    ends("'x'.repeat(1e9)", |failure| matches!(failure, Failure::Thrown { .. })).await;
    ends("let s = 'x'; for (;;) s += s", |failure| matches!(failure, Failure::Thrown { .. })).await;
    ends("const all = []; for (;;) all.push(new Array(1000).fill(0))", &out).await;
    ends("const all = []; for (;;) { try { for (;;) all.push(new Array(1000).fill(0)) } catch {} }", |failure| {
        is_spent(failure) || matches!(failure, Failure::Thrown { .. })
    })
    .await;
    ends("new Uint8Array(1e9)", |failure| matches!(failure, Failure::Thrown { .. })).await;
    ends("return 'x'.repeat(17 * 1024 * 1024)", |failure| matches!(failure, Failure::TooLarge)).await;
    ends("await db.posts.create({ title: 'x'.repeat(17 * 1024 * 1024) })", is_thrown("a request is too large")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_comes_is_not_waited_for() {
    ends("await new Promise(() => {})", |failure| matches!(failure, Failure::NeverSettles)).await;
    ends("await { then() {} }", |failure| matches!(failure, Failure::NeverSettles)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted() {
    ends("for (;;) await db.posts.get('1')", is_thrown("RangeError: a call makes at most 1000 requests")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_does_not_change_the_world_of_another() {
    let pollute = "Object.prototype.polluted = 1; Array.prototype.map = () => 'mine'; JSON.stringify = () => 'mine';
        Promise.prototype.then = undefined; globalThis.kept = 1; Object.freeze(Array); throw new Error('done')";
    ends(pollute, |failure| matches!(failure, Failure::Thrown { .. } | Failure::NeverSettles)).await;
    let functions = functions("let count = 0; export const main = () => ++count;");
    for _ in 0..3 {
        assert_eq!(functions.call(call("main", "{}"), &Scripted::default()).await.expect("runs"), "1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_do_not_become_code() {
    let check = async |body: &str, expected: &str| assert_eq!(value(body).await, expected, "{body}");
    check("return eval('1')", "TypeError: eval is not supported").await;
    check("return new Function('return 1')()", "TypeError: eval is not supported").await;
    check("return (() => {}).constructor('return 1')()", "TypeError: eval is not supported").await;
    check("return (async () => {}).constructor('return 1')()", "TypeError: eval is not supported").await;
    check("return (function* () {}).constructor('return 1')()", "TypeError: eval is not supported").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_nothing_to_reach_out_with() {
    let check = async |body: &str, expected: &str| assert_eq!(value(body).await, expected, "{body}");
    let names = "['process', 'require', 'os', 'std', 'Deno', 'Worker', 'XMLHttpRequest', 'setTimeout', '__host']";
    check(&format!("return {names}.filter((name) => name in globalThis)"), "[]").await;
    for module in ["os", "std", "fs", "node:fs", "/etc/passwd", "../../../etc/passwd", "backstay:run", "backstay:entry"]
    {
        let failure =
            run(&format!("export async function main() {{ const name = '{module}'; return import(name); }}")).await;
        assert!(matches!(failure, Err(Failure::Thrown { .. })), "{module}: {failure:?}");
    }
    check("return Reflect.ownKeys(globalThis).map(String).filter((name) => /backstay|host/.test(name))", "[]").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_that_the_engine_does_not_ask_in_ends_for_its_caller() {
    let functions = functions_of(&[(
        "main.js",
        "export const main = () => Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1);\nexport const other = () => 1;",
    )]);
    let soon = Some(Instant::now() + Duration::from_millis(200));
    let stuck =
        functions.call(backstay_functions::Call { deadline: soon, ..call("main", "{}") }, &Scripted::default()).await;
    assert!(matches!(stuck, Err(Failure::Spent)), "{stuck:?}");
    assert_eq!(functions.call(call("other", "{}"), &Scripted::default()).await.expect("runs"), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn such_loops_keep_nobody_waiting_whose_callers_are_gone() {
    let functions = functions_of(&[(
        "main.js",
        "export const main = () => [].join.call({ length: 2 ** 32 }, '');\nexport const other = () => 1;",
    )]);
    let host = Scripted::default();
    // As many as there are threads.
    for _ in 0..2 {
        let soon = Some(Instant::now() + Duration::from_millis(500));
        let looping = functions.call(backstay_functions::Call { deadline: soon, ..call("main", "{}") }, &host);
        let dropped = tokio::time::timeout(Duration::from_millis(100), looping).await;
        assert!(dropped.is_err(), "{dropped:?}");
    }
    assert_eq!(functions.call(call("other", "{}"), &host).await.expect("runs"), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_waits_for_ends() {
    let functions =
        functions_of(&[("main.js", "export const main = () => { for (;;) {} }; export const other = () => 1;")]);
    let host = Scripted::default();
    for _ in 0..4 {
        let dropped = tokio::time::timeout(Duration::from_millis(1), functions.call(call("main", "{}"), &host)).await;
        assert!(dropped.is_err() || matches!(dropped, Ok(Err(Failure::Spent))));
    }
    assert_eq!(functions.call(call("other", "{}"), &host).await.expect("runs"), "1");
}
