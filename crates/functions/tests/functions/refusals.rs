use backstay_base::Error;
use backstay_functions::Failure;

use crate::harness::{Scripted, run, run_with, value};

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_to_the_caller() {
    let text = "import { Refused } from 'backstay';
        export async function main() { throw new Refused('sold out', { code: 'sold-out' }); }";
    match run(text).await {
        Err(Failure::Refused { message, code }) => {
            assert_eq!((message.as_str(), code.as_deref()), ("sold out", Some("sold-out")));
        }
        other => panic!("{other:?}"),
    }
    let check = async |body: &str, expected: &str| assert_eq!(value(body).await, expected, "{body}");
    check(
        "throw new Refused('x', { code: 'Sold Out' })",
        "TypeError: the code of a refusal is written like \"sold-out\", not \"Sold Out\"",
    )
    .await;
    check("throw new Refused()", "TypeError: Refused takes a message for the caller").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_of_a_request_can_be_caught() {
    let problem = r#"{"code":"not-found","message":"there is no such post","errors":[]}"#;
    let host = Scripted::refusing(problem, not_found());
    let text = "import { Problem } from 'backstay';
        export async function main(_: {}, { db }: any) {
            try { await db.posts.get('1'); } catch (error) {
                if (error instanceof Problem) return [error.code, error.message];
                throw error;
            }
        }";
    assert_eq!(run_with(text, &host).await.expect("runs"), r#"["not-found","there is no such post"]"#);

    let host = Scripted::refusing(problem, not_found());
    let text = "export const main = async (_: {}, { db }: any) => db.posts.find('1');";
    assert_eq!(run_with(text, &host).await.expect("runs"), "null");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_that_is_not_caught_is_the_answer() {
    let host = Scripted::refusing(r#"{"code":"not-found","message":"there is no such post","errors":[]}"#, not_found());
    let text = "export const main = async (_: {}, { db }: any) => db.posts.get('1');";
    match run_with(text, &host).await {
        Err(Failure::Request { what, stack, error: Error::NotFound { .. } }) => {
            assert_eq!(what, "db.posts.get");
            assert!(stack.trim().starts_with("at main (functions/main.ts:1:"), "{stack}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_has_its_place_in_the_source() {
    let text = "type Cart = {\n  id: string;\n};\nexport async function main(_: Cart) {\n  const none: any = null;\n  return none.id;\n}\n";
    match run(text).await {
        Err(Failure::Thrown { message, stack }) => {
            assert_eq!(message, "TypeError: cannot read property 'id' of null");
            assert!(stack.contains("functions/main.ts:6:"), "{stack}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_thrown_is_told() {
    let check = async |body: &str, expected: &str| assert_eq!(value(body).await, expected, "{body}");
    check("throw 5", "thrown: 5").await;
    check("throw undefined", "thrown: undefined").await;
    check("throw { get message() { throw 1 } }", "something was thrown that has no text").await;
    check("throw new Proxy({}, { get() { throw 1 } })", "something was thrown that has no text").await;
    check("const a = {}; a.a = a; return a", "TypeError: circular reference").await;
    check("return 5n", "TypeError: BigInt are forbidden in JSON.stringify").await;
    check("return { toJSON() { throw new Error('no') } }", "Error: no").await;
}

fn not_found() -> Error {
    Error::NotFound { what: "Post".to_owned() }
}
