//! The examples of the newsroom's document are true.

use std::fs;
use std::path::Path;

use backstay_http::HttpSettings;
use backstay_model::SourceFile;
use backstay_testkit::{Reply, TestApp};
use serde_json::{Value, json};

fn newsroom() -> TestApp {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/newsroom/model");
    let files = fs::read_dir(directory).expect("the example is there").map(|entry| {
        let path = entry.expect("the directory can be read").path();
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        SourceFile::app(name, fs::read_to_string(&path).expect("a model file is text"))
    });
    TestApp::of_files(files.collect(), HttpSettings::default())
}

/// An example of each parameter of an operation and of its body, as requests: the query and the body, if there is one.
fn requests(document: &Value, operation: &Value) -> Vec<(String, Option<(String, String)>)> {
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    let parameters: Vec<&Value> = parameters
        .iter()
        .map(|parameter| match parameter["$ref"].as_str() {
            Some(path) => document.pointer(&path[1..]).expect("a reference leads somewhere"),
            None => parameter,
        })
        .collect();
    let pair = |parameter: &&Value| {
        let value = parameter["example"].as_str()?;
        Some(format!("{}={}", parameter["name"].as_str()?, value.replace(' ', "%20").replace('<', "%3C")))
    };
    let is_required = |parameter: &&Value| parameter["required"] == true && parameter["in"] == "query";
    let required: Vec<String> = parameters
        .iter()
        .copied()
        .filter(|parameter| is_required(parameter))
        .filter_map(|parameter| pair(&parameter))
        .collect();
    let others =
        parameters.iter().copied().filter(|parameter| !is_required(parameter)).filter_map(|parameter| pair(&parameter));
    let mut queries: Vec<String> =
        others.map(|other| required.iter().cloned().chain([other]).collect::<Vec<_>>().join("&")).collect();
    if queries.is_empty() {
        queries.push(required.join("&"));
    }
    let bodies = operation["requestBody"]["content"].as_object().into_iter().flatten();
    let mut bodies: Vec<_> =
        bodies.filter_map(|(kind, content)| Some(Some((kind.clone(), content.get("example")?.to_string())))).collect();
    if bodies.is_empty() {
        bodies.push(None);
    }
    queries.iter().flat_map(|query| bodies.iter().map(move |body| (query.clone(), body.clone()))).collect()
}

/// Whether the document describes this answer: its status and its media type.
fn is_described(operation: &Value, reply: &Reply) -> bool {
    let responses = &operation["responses"];
    let problem = json!({ "content": { "application/problem+json": {} } });
    let response = responses.get(reply.status.to_string()).unwrap_or(&problem);
    match reply.header("content-type") {
        "" => response.get("content").is_none(),
        kind => response["content"].get(kind).is_some(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn examples_are_answered_as_described() {
    let app = newsroom();
    let editor = app.account("ada@example.org").await;
    app.grant("ada@example.org", "EDITOR").await;
    let leaving = app.account("ben@example.org").await;
    let document = app.call("GET /openapi.json", &[]).await.json();
    let mut wrong = Vec::new();
    let (mut done, mut bodies) = (0, 0);
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in
            item.as_object().expect("operations").iter().filter(|(name, _)| *name != "parameters")
        {
            for (query, body) in requests(&document, operation) {
                let path = path.replace("{id}", "01890a5d-ac96-774b-bcce-b302099a8057");
                let line = format!("{} {path}?{query}", method.to_uppercase());
                let line = line.trim_end_matches('?');
                let token = if path.starts_with("/auth/sign-out") { &leaving } else { &editor };
                let reply = match &body {
                    Some((kind, body)) => {
                        bodies += 1;
                        app.post(line, &[("authorization", token), ("content-type", kind)], body).await
                    }
                    None => app.call(line, &[("authorization", token)]).await,
                };
                done += usize::from(reply.status < 300);
                let is_form_right = ![400, 405, 406, 413, 415].contains(&reply.status);
                if !is_described(operation, &reply) || reply.status >= 500 || !is_form_right {
                    wrong.push(format!("{line} {body:?}: {} {}", reply.status, reply.text()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!((done, bodies) >= (30, 30), "{done} answers of {bodies} bodies");
}
