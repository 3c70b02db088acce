use backstay_functions::Failure;

use crate::harness::{Scripted, call, functions, run_with, value};

/// What this body asks of the host.
async fn asks(body: &str, expected: &[&str]) {
    let host = Scripted::of([r#"{"items":[],"next":null}"#; 3]);
    let text = format!("export async function main(_: {{}}, {{ db }}: any) {{ {body} }}");
    run_with(&text, &host).await.unwrap_or_else(|failure| panic!("{body}: {failure}"));
    assert_eq!(host.asked(), expected, "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_written_as_in_transact() {
    asks(
        "await db.posts.get('1', { select: { title: true, author: { name: true } } })",
        &[r#"{"get":"posts","id":"1","select":"title,author{name}"}"#],
    )
    .await;
    asks("await db.posts.get({ slug: 'a' })", &[r#"{"get":"posts","by":{"slug":"a"}}"#]).await;
    asks(
        "await db.blogPosts.list({ filter: 'words > $n', params: { n: 3 }, sort: ['-words'], limit: 2 })",
        &[r#"{"list":"blog-posts","query":{"filter":"words > $n","params":{"n":3},"limit":2,"sort":"-words"}}"#],
    )
    .await;
    asks("await db.posts.create({ title: 'a' })", &[r#"{"create":"posts","body":{"title":"a"}}"#]).await;
    asks(
        "await db.posts.update('1', { views: { $inc: 1 } }, { ifMatch: 3 })",
        &[r#"{"update":"posts","id":"1","body":{"views":{"$inc":1}},"ifMatch":3}"#],
    )
    .await;
    asks("await db.posts.delete('1')", &[r#"{"delete":"posts","id":"1"}"#]).await;
    asks(
        "await db.posts.aggregate({ group: ['state'] })",
        &[r#"{"aggregate":"posts","query":{"group":"state","select":"count"}}"#],
    )
    .await;
    asks(
        "for await (const post of db.posts.all({ limit: 2, after: 'x' })) void post",
        &[r#"{"list":"posts","query":{"limit":2,"after":"x"}}"#],
    )
    .await;
    asks("await db.settings.get()", &[r#"{"get":"settings"}"#]).await;
    asks(
        "await Promise.all([db.posts.get('1'), db.posts.get('2')])",
        &[r#"{"get":"posts","id":"1"}"#, r#"{"get":"posts","id":"2"}"#],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_is_one_commit() {
    asks(
        "return db.transaction(async (tx) => {
           const { id } = await tx.posts.get('1');
           await tx.posts.peek.get('2');
           await tx.posts.create({ title: 'b' });
           return 5;
         })",
        &[
            "begin",
            r#"1 {"get":"posts","id":"1"}"#,
            r#"1 peek {"get":"posts","id":"2"}"#,
            r#"1 {"create":"posts","body":{"title":"b"}}"#,
            "1 commit 5",
        ],
    )
    .await;
    asks("await db.transaction(async () => { throw new Error('no') }).catch(() => {})", &["begin", "1 rollback"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_whose_reads_have_changed_runs_again() {
    let host = Scripted { conflicts: 2.into(), ..Scripted::of([r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":3}"#]) };
    let text = "export async function main(_: {}, { db }: any) {
        const rolls: number[] = [];
        const n = await db.transaction(async (tx: any) => {
            rolls.push(Math.random(), Date.now());
            return (await tx.posts.get('1')).n;
        });
        return { n, same: rolls[0] === rolls[2] && rolls[1] === rolls[3], now: rolls[1] };
    }";
    let result = run_with(text, &host).await.expect("runs");
    assert_eq!(result, r#"{"n":3,"same":true,"now":1770000001000}"#);
    assert_eq!(
        host.asked(),
        [
            "begin",
            r#"1 {"get":"posts","id":"1"}"#,
            "1 commit 1",
            r#"2 {"get":"posts","id":"1"}"#,
            "2 commit 2",
            r#"3 {"get":"posts","id":"1"}"#,
            "3 commit 3",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_was_committed_before_does_not_run() {
    let host = Scripted { done: Some(r#"{"n":4}"#.to_owned()), ..Scripted::default() };
    let text = "export async function main(_: {}, { db }: any) {
        return db.transaction(async () => { throw new Error('runs'); });
    }";
    assert_eq!(run_with(text, &host).await.expect("runs"), r#"{"n":4}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_queued_in_the_transaction_that_is_open() {
    let host = Scripted::default();
    let text = "export async function main(_: {}, { db, jobs }: any) {
        await jobs.add('send');
        return db.transaction(async () => jobs.add('send', { n: 1 }, { delay: 5 }));
    }";
    assert_eq!(run_with(text, &host).await.expect("it ends"), "\"1\"");
    let expected = [
        r#"alone queue {"job":"send","input":{}}"#,
        "begin",
        r#"1 queue {"delay":5,"job":"send","input":{"n":1}}"#,
        r#"1 commit "1""#,
    ];
    assert_eq!(host.asked(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_queued_in_the_transaction_that_is_open() {
    let host = Scripted::default();
    let text = "export async function main(_: {}, { db, mail }: any) {
        await mail.send({ to: 'ann@example.org', template: 'welcome' });
        return db.transaction(async () => mail.send({ to: 'ben@example.org', template: 'paid', values: { n: 1 } }));
    }";
    assert_eq!(run_with(text, &host).await.expect("it ends"), "\"2\"");
    let expected = [
        r#"alone mail {"to":"ann@example.org","template":"welcome"}"#,
        "begin",
        r#"1 mail {"to":"ben@example.org","template":"paid","values":{"n":1}}"#,
        r#"1 commit "2""#,
    ];
    assert_eq!(host.asked(), expected);
    let text = "export async function main(_: {}, { mail }: any) { await mail.send({ to: 'a@b.c', cc: 'd@e.f' }); }";
    let failure = run_with(text, &host).await.expect_err("there is no copy").to_string();
    assert!(failure.contains("a mail has no `cc`; it has language, template, to, values"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn misuse_is_named() {
    let check = async |body: &str, expected: &str| assert_eq!(value(body).await, expected, "{body}");
    check("await db.pots.get('1')", "TypeError: there is no collection `db.pots`; did you mean `db.posts`?").await;
    check("await db.posts.insert({})", "TypeError: db.posts has no `insert`; did you mean `create`?").await;
    check("await db.posts.findMany()", "TypeError: db.posts has no `findMany`; did you mean `list`?").await;
    check("await db.posts.crate({})", "TypeError: db.posts has no `crate`; did you mean `create`?").await;
    check("await db.settings.list()", "TypeError: db.settings has no `list`; it has get, update").await;
    check(
        "await db.transaction(async (tx) => tx.post.get('1'))",
        "TypeError: there is no collection `tx.post`; did you mean `tx.posts`?",
    )
    .await;
    check(
        "await db.transaction(async (tx) => tx.posts.peek.create({}))",
        "TypeError: tx.posts.peek has no `create`; it has list, pages, all, get, find, aggregate, history",
    )
    .await;
    check("log.inform('a')", "TypeError: log has no `inform`; did you mean `info`?").await;
    check("console.table([])", "TypeError: console has no `table`; it has debug, log, info, warn, error, trace").await;
    check("db.posts = 1", "TypeError: db can't be changed").await;
    check("await db.transaction(5)", "TypeError: db.transaction takes a function: db.transaction(async (tx) => …)")
        .await;
    check(
        "await db.transaction(async () => { await db.posts.get('1') })",
        "TypeError: a transaction is open; use its own `tx` instead of `db`, so that the request is a part of it",
    )
    .await;
    check(
        "await db.transaction(async () => db.transaction(async () => {}))",
        "TypeError: a transaction is open already; they don't nest",
    )
    .await;
    check(
        "let kept; await db.transaction(async (tx) => { kept = tx }); await kept.posts.get('1')",
        "TypeError: the transaction of this `tx` has ended",
    )
    .await;
    check("db.posts.create({})", "Error: the function returned without waiting for 1 request; write `await` before it")
        .await;
    check(
        "await db.transaction(async (tx) => { tx.posts.create({}) })",
        "Error: the transaction ended without waiting for a request of it; write `await` before it",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_integer_is_never_rounded() {
    let read = "export const main = async (_: {}, { db }: any) => (await db.posts.get('1')).views;";
    let host = Scripted::of([r#"{"views":9007199254740991}"#]);
    assert_eq!(run_with(read, &host).await.expect("runs"), "9007199254740991");
    let host = Scripted::of([r#"{"views":9007199254740993}"#]);
    let caught = "export const main = async (_: {}, { db }: any) =>
        db.posts.get('1').catch((error: any) => [error.code, error.message.slice(0, 16)]);";
    assert_eq!(run_with(caught, &host).await.expect("runs"), r#"["inexact-number","9007199254740993"]"#);

    let functions = functions("export const main = ({ n }: any) => n;");
    let given = functions.call(call("main", r#"{"n":-9007199254740992}"#), &Scripted::default()).await;
    assert!(matches!(&given, Err(Failure::Inexact { number }) if number == "-9007199254740992"), "{given:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_told_to_functions_and_to_nobody_else() {
    let check = async |body: &str, expected: &str| {
        let text = format!("export async function main(_: object, {{ secrets }}: any) {{ {body} }}");
        let ended = match functions(&text).call(call("main", "{}"), &Scripted::default()).await {
            Ok(result) => result,
            Err(Failure::Refused { message, .. }) => message,
            Err(failure) => failure.to_string().lines().next().unwrap_or_default().to_owned(),
        };
        assert_eq!(ended, expected, "{body}");
    };
    check("return secrets.get('STRIPE_KEY').length", "12").await;
    check("return secrets.has('OTHER')", "false").await;
    check("throw new Error(`refused: ${secrets.get('STRIPE_KEY')}`)", "Error: refused: [STRIPE_KEY]").await;
    check(
        "const { Refused } = { Refused: Error }; throw new Refused(secrets.get('STRIPE_KEY'))",
        "Error: [STRIPE_KEY]",
    )
    .await;
    check("secrets.get('STRIPE_KY')", "TypeError: there is no secret \"STRIPE_KY\"; did you mean \"STRIPE_KEY\"?")
        .await;
    check(
        "secrets.get('MAIL')",
        "TypeError: there is no secret \"MAIL\"; name it under [secrets] in backstay.toml, or set BACKSTAY_SECRET_MAIL",
    )
    .await;
    check("return secrets.STRIPE_KEY", "TypeError: secrets has no `STRIPE_KEY`; it has get, has").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_sees_its_arguments_and_its_caller() {
    let functions = functions(
        "export const main = (args: object, { auth }: any) =>
           ({ args, id: auth.id, roles: auth.roles, now: new Date().toISOString(), date: typeof Date() });
         export function sync() { return null; }
         export async function nothing() {}
         export const notAFunction = 5;",
    );
    let host = Scripted::default();
    let result = functions.call(call("main", r#"{"cart":"1","__proto__":{"a":1}}"#), &host).await.expect("runs");
    assert_eq!(
        result,
        r#"{"args":{"cart":"1","__proto__":{"a":1}},"id":"7","roles":["EDITOR"],"now":"2026-02-02T02:40:00.123Z","date":"string"}"#
    );
    assert_eq!(functions.call(call("sync", "{}"), &host).await.expect("runs"), "null");
    assert_eq!(functions.call(call("nothing", "{}"), &host).await.expect("runs"), "null");
    assert!(!functions.has("notAFunction"));
}
