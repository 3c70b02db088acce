use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use backstay_base::{Ambient, Secret};
use backstay_engine::Context;
use backstay_http::{Door, HttpSettings, Services};
use backstay_identity::{AccountRef, HashingCost, Identity, NewKey, Settings, SignUp, system_model};
use backstay_model::{ApiPrefix, SourceFile};
use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, Method, Request};

use crate::TestApplication;

/// The password of every account that a test makes.
const PASSWORD: &str = "correct horse battery";

/// An application with accounts, and all its doors, on a database of its own. Everyone may sign up.
#[derive(Debug)]
pub struct TestApp {
    /// What the door needs.
    pub services: Services,
    application: TestApplication,
}

impl TestApp {
    /// Opens the application that this model text describes. Its type for accounts is called `User`.
    pub fn open(model: &str) -> Self {
        Self::with(model, HttpSettings::default())
    }

    /// The same with other settings of the doors.
    pub fn with(model: &str, settings: HttpSettings) -> Self {
        Self::of_files(vec![SourceFile::app("model/test.graphql", model)], settings)
    }

    /// The same from several model files.
    pub fn of_files(files: Vec<SourceFile>, settings: HttpSettings) -> Self {
        Self::opened(files, settings, Ambient::system())
    }

    /// The application that this model text describes, with the records below this path.
    pub fn below(api: &ApiPrefix, model: &str) -> Self {
        let files = vec![SourceFile::app("model/test.graphql", model), system_model(Some("User"))];
        Self::of(TestApplication::open_below(api, files), HttpSettings::default())
    }

    /// The application that this model text describes, with time and randomness under the control of the test.
    pub fn controlled(model: &str, ambient: Ambient) -> Self {
        Self::opened(vec![SourceFile::app("model/test.graphql", model)], HttpSettings::default(), ambient)
    }

    /// The application that this model text describes, on the PostgreSQL database at this address.
    pub fn at(address: String, model: &str) -> Self {
        Self::controlled_at(address, model, Ambient::system())
    }

    /// The same with time and randomness under the control of the test.
    pub fn controlled_at(address: String, model: &str, ambient: Ambient) -> Self {
        let files = vec![SourceFile::app("model/test.graphql", model), system_model(Some("User"))];
        Self::of(TestApplication::open_at(address, files, ambient), HttpSettings::default())
    }

    fn opened(mut files: Vec<SourceFile>, settings: HttpSettings, ambient: Ambient) -> Self {
        files.push(system_model(Some("User")));
        Self::of(TestApplication::open(files, ambient), settings)
    }

    /// Serves the same database with another model.
    #[must_use]
    pub fn restart(self, model: &str) -> Self {
        let Self { services: Services { engine, identity, settings }, application } = self;
        drop((engine, identity));
        let files = vec![SourceFile::app("model/test.graphql", model), system_model(Some("User"))];
        Self::of(application.restart(files, Ambient::system()), settings)
    }

    fn of(application: TestApplication, settings: HttpSettings) -> Self {
        let hashing = HashingCost { memory_kib: 64, passes: 1, lanes: 1, threads: 2 };
        let accounts = Settings { sign_up: SignUp::Open, sign_ups_per_address: 1000, hashing, ..Settings::default() };
        let identity = Identity::new(application.engine.clone(), accounts).expect("the settings are good");
        Self { services: Services { engine: application.engine.clone(), identity, settings }, application }
    }

    /// Where the database is.
    pub fn application(&self) -> &TestApplication {
        &self.application
    }

    /// Sends one request through the doors.
    pub async fn send(&self, request: Request<Bytes>) -> Reply {
        self.send_from(IpAddr::V4(Ipv4Addr::UNSPECIFIED), request).await
    }

    /// Sends a request without a body from this address.
    pub async fn call_from(&self, from: IpAddr, line: &str, headers: &[(&str, &str)]) -> Reply {
        self.send_from(from, request(line, headers, Bytes::new())).await
    }

    async fn send_from(&self, from: IpAddr, request: Request<Bytes>) -> Reply {
        let response = Door::new(self.services.clone()).answer(request, from).await;
        let (parts, body) = response.into_parts();
        Reply { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Sends a request without a body: `GET /api/notes`, with these headers.
    pub async fn call(&self, line: &str, headers: &[(&str, &str)]) -> Reply {
        self.send(request(line, headers, Bytes::new())).await
    }

    /// Sends a request with a JSON body.
    pub async fn post(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut headers = headers.to_vec();
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            headers.push(("content-type", "application/json"));
        }
        self.send(request(line, &headers, Bytes::copy_from_slice(body.as_bytes()))).await
    }

    /// Makes an account and gives what to put into `Authorization`.
    pub async fn account(&self, email: &str) -> String {
        let body = format!(r#"{{"email": "{email}", "name": "Ada", "password": "{PASSWORD}"}}"#);
        let reply = self.post("POST /auth/sign-up", &[], &body).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        format!("Bearer {}", reply.json()["token"].as_str().expect("a token"))
    }

    /// Makes an operator and gives what to put into `Authorization`.
    pub async fn operator(&self, email: &str) -> String {
        let system = Context::system(&self.services.engine);
        let password = Secret::new(PASSWORD.to_owned());
        let administration = self.services.identity.administration(&system).expect("Backstay itself may");
        administration.add_operator(email, &password).await.expect("an operator can be added");
        let body = format!(r#"{{"email": "{email}", "password": "{PASSWORD}", "as": "operator"}}"#);
        let reply = self.post("POST /auth/sign-in", &[], &body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        format!("Bearer {}", reply.json()["token"].as_str().expect("a token"))
    }

    /// The one-time token with which the first operator is added.
    pub fn setup_token(&self) -> Secret {
        let system = Context::system(&self.services.engine);
        self.services.identity.administration(&system).expect("Backstay itself may").setup_token()
    }

    /// Gives an account a role.
    pub async fn grant(&self, email: &str, role: &str) {
        let system = Context::system(&self.services.engine);
        let account = AccountRef::Email(email.to_owned());
        let administration = self.services.identity.administration(&system).expect("Backstay itself may");
        administration.grant_role(&account, role).await.expect("the role can be given");
    }

    /// Makes a key that is limited to this, such as `notes:get`, and gives what to put into `Authorization`.
    pub async fn key(&self, only: &[String]) -> String {
        let system = Context::system(&self.services.engine);
        let administration = self.services.identity.administration(&system).expect("Backstay itself may");
        let (name, only) = (only.join(" "), Some(only.to_vec()));
        let key = NewKey { name, roles: Vec::new(), claims: BTreeMap::new(), only, expires_at: None };
        let issued = administration.issue_key(key).await.expect("a key can be issued");
        format!("Bearer {}", issued.secret.expose())
    }

    /// Takes a role from an account.
    pub async fn revoke(&self, email: &str, role: &str) {
        let system = Context::system(&self.services.engine);
        let account = AccountRef::Email(email.to_owned());
        let administration = self.services.identity.administration(&system).expect("Backstay itself may");
        administration.revoke_role(&account, role).await.expect("the role can be taken");
    }
}

/// A request from its first line, such as `GET /api/notes`, with a `Host` where none is given.
fn request(line: &str, headers: &[(&str, &str)], body: Bytes) -> Request<Bytes> {
    let (method, target) = line.split_once(' ').expect("a method and a target");
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        request = request.header(HOST, "localhost");
    }
    request.body(body).expect("a request")
}

/// What the doors answered.
#[derive(Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as it came.
    pub body: Bytes,
}

impl Reply {
    /// The value of a header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    /// The last part of a problem's `type`; empty where the body is not one.
    pub fn problem(&self) -> String {
        let kind = self.json()["type"].as_str().unwrap_or_default().to_owned();
        kind.trim_start_matches("/problems/").to_owned()
    }
}
