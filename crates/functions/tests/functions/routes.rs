//! Requests and responses of routes.

use crate::harness::{Scripted, call, functions, value};

/// What `main` returns for a request.
async fn respond(body: &str) -> String {
    let request = r#"{"$request":{"method":"POST","url":"http://h.example/a/b?c=d","headers":[["x-a","1"],["x-a","2"]],
        "params":{"id":"b"},"body":"{\"n\":1}"}}"#;
    let text = format!("export async function main(request: any, {{ auth }}: any) {{ {body} }}");
    match functions(&text).call(call("main", request), &Scripted::default()).await {
        Ok(value) => value,
        Err(failure) => failure.to_string().lines().next().unwrap_or_default().to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_what_the_standard_says() {
    let check = async |body: &str, expected: &str| assert_eq!(respond(body).await, expected, "{body}");
    check(
        "return [request instanceof Request, request.method, request.url]",
        r#"[true,"POST","http://h.example/a/b?c=d"]"#,
    )
    .await;
    check(
        "return [request.params.id, auth.id, request.headers.get('X-A'), request.headers.get('x-b')]",
        r#"["b","7","1, 2",null]"#,
    )
    .await;
    check("return [await request.json(), request.bodyUsed]", r#"[{"n":1},true]"#).await;
    check("return await request.text()", r#""{\"n\":1}""#).await;
    check("await request.text(); return await request.json()", "TypeError: the body was read already").await;
    check("return new URL(request.url).searchParams.get('c')", r#""d""#).await;
    check("request.method = 'GET'", "TypeError: 'method' is read-only").await;
}

/// What a client has sent can't pass for a response, with a status and headers of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_response_is_not_forged() {
    let refused = "TypeError: a value whose first member is `$response` can't be returned; write Response.json(…)";
    let sent = r#"{ $response: { status: 200, headers: [["content-type", "text/html"]], body: "<script>" } }"#;
    assert_eq!(respond(&format!("return {sent}")).await, refused);
    assert_eq!(respond(&format!("return {{ toJSON: () => ({sent}) }}")).await, refused);
    let within = r#"{"a":{"$response":{"status":200,"headers":[["content-type","text/html"]],"body":"<script>"}}}"#;
    assert_eq!(respond(&format!("return {{ a: {sent} }}")).await, within);
    let whole = respond(&format!("return Response.json({sent})")).await;
    assert!(
        whole.starts_with(r#"{"$response":{"status":200,"headers":[["content-type","application/json"]]"#),
        "{whole}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_is_written_as_the_host_reads_it() {
    let check =
        async |given: &str, expected: &str| assert_eq!(value(&format!("return {given}")).await, expected, "{given}");
    check("new Response()", r#"{"$response":{"status":200,"headers":[],"body":null}}"#).await;
    check(
        "new Response('a', { status: 201, headers: { 'X-B': ' c ' } })",
        r#"{"$response":{"status":201,"headers":[["x-b","c"],["content-type","text/plain; charset=utf-8"]],"body":"a"}}"#,
    )
    .await;
    check(
        "Response.json({ a: [1] }, { status: 404 })",
        r#"{"$response":{"status":404,"headers":[["content-type","application/json"]],"body":"{\"a\":[1]}"}}"#,
    )
    .await;
    check("Response.redirect('/x')", r#"{"$response":{"status":302,"headers":[["location","/x"]],"body":null}}"#).await;
    check("new Response('', { status: 99 })", "RangeError: the status of a Response is 200 to 599").await;
    check("new Response('', { status: 204 })", "TypeError: a Response with 204 has no body").await;
    check("new Response({})", "TypeError: the body of a Response is a string; write Response.json(…) for an object")
        .await;
    check(
        "new Response('', { code: 1 })",
        "TypeError: a Response has no option `code`; it has status, headers, statusText",
    )
    .await;
    check("new Headers([['a b', 'c']])", "TypeError: \"a b\" is not the name of a header").await;
    check("new Headers({ a: 'b\\nc' })", "TypeError: the value of a header is one line").await;
    let headers = "const all = new Headers({ a: '1' }); all.append('A', '2'); all.set('b', '3'); all.delete('c');";
    assert_eq!(value(&format!("{headers} return [...all]")).await, r#"[["a","1"],["a","2"],["b","3"]]"#);
    assert_eq!(
        value("const r = new Response('a'); return [r.status, r.ok, await r.text()]").await,
        r#"[200,true,"a"]"#
    );
}
