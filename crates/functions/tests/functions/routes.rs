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
    check("return request.token", "null").await;
    check("return auth.signup({})", "TypeError: auth has no `signup`; did you mean `signUp`?").await;
    check("return auth.user", "TypeError: auth has no `user`; did you mean `id`?").await;
    check("return JSON.parse(JSON.stringify(auth)).id", "\"7\"").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_json_is_its_sender_s_mistake() {
    let refused = read_as("application/json", ("body", "{\"n\":"), "return await request.json()").await;
    assert!(refused.starts_with("the body isn't JSON: "), "{refused}");
    let caught = "try { await request.json() } catch (error) { return error.code }";
    assert_eq!(read_as("application/json", ("body", "x"), caught).await, "\"not-json\"");
}

/// What `main` returns for a request with this type, body and octets.
async fn read_as(kind: &str, (member, sent): (&str, &str), body: &str) -> String {
    let request = serde_json::json!({ "$request": {
        "method": "POST", "url": "http://h.example/", "headers": [["content-type", kind]], "params": {}, member: sent,
    } });
    let text = format!("export async function main(request: any) {{ {body} }}");
    match functions(&text).call(call("main", &request.to_string()), &Scripted::default()).await {
        Ok(value) => value,
        Err(failure) => failure.to_string().lines().next().unwrap_or_default().to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_read_as_octets_and_as_a_form() {
    let octets = ("octets", "/wBh");
    assert_eq!(read_as("image/gif", octets, "return [...await request.bytes()]").await, "[255,0,97]");
    assert_eq!(read_as("image/gif", octets, "return (await request.arrayBuffer()).byteLength").await, "3");
    assert_eq!(read_as("text/plain", octets, "return await request.text()").await, "\"\u{fffd}\\u0000a\"");
    assert_eq!(read_as("text/plain", ("body", "é"), "return [...await request.bytes()]").await, "[195,169]");

    let form = "const form = await request.formData(); const b = form.get('b');
        const shown = typeof b === 'object' ? [b.name, b.type, b.size, await b.text()] : b;
        return [form.get('a'), form.getAll('a'), form.has('c'), shown]";
    let encoded = "application/x-www-form-urlencoded";
    assert_eq!(read_as(encoded, ("body", "a=1&a=x+y&b=%C3%A9"), form).await, r#"["1",["1","x y"],false,"é"]"#);
    let multipart = "--XX\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XX\r\n\
                     Content-Disposition: form-data; name=\"b\"; filename=\"é%22.txt\"\r\nContent-Type: text/csv\r\n\r\n\
                     1\r\n2\r\n--XX--\r\n";
    let expected = r#"["1",["1"],false,["é\".txt","text/csv",4,"1\r\n2"]]"#;
    assert_eq!(read_as("multipart/form-data; boundary=XX", ("body", multipart), form).await, expected);
    assert_eq!(read_as("multipart/form-data; boundary=\"XX\"", ("body", multipart), form).await, expected);
    let cut = "TypeError: the body isn't multipart/form-data, or is cut off";
    let check = async |kind: &str, sent: &str, expected: &str| {
        assert_eq!(read_as(kind, ("body", sent), form).await, expected, "{kind}");
    };
    check("multipart/form-data", multipart, cut).await;
    check("multipart/form-data; boundary=YY", multipart, cut).await;
    check("multipart/form-data; boundary=XX", &multipart[..80], cut).await;
    let nameless = "--XX\r\n\r\n1\r\n--XX--";
    check("multipart/form-data; boundary=XX", nameless, "TypeError: a part of the body has no name").await;
    let no_form = "TypeError: the body is no form: its type is neither application/x-www-form-urlencoded nor \
                   multipart/form-data";
    check("text/plain", "a=1", no_form).await;
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
    check(
        "new Response({})",
        "TypeError: the body of a Response is a string, or bytes; write Response.json(…) for an object",
    )
    .await;
    check(
        "new Response(new Uint8Array([255, 1, 2]).subarray(0, 2), { headers: { 'content-type': 'image/gif' } })",
        r#"{"$response":{"status":200,"headers":[["content-type","image/gif"]],"octets":"/wE="}}"#,
    )
    .await;
    check(
        "new Response(new ArrayBuffer(1))",
        r#"{"$response":{"status":200,"headers":[["content-type","application/octet-stream"]],"octets":"AA=="}}"#,
    )
    .await;
    check(
        "new Response(new URLSearchParams({ a: 'b c' }))",
        r#"{"$response":{"status":200,"headers":[["content-type","application/x-www-form-urlencoded;charset=UTF-8"]],"body":"a=b+c"}}"#,
    )
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
