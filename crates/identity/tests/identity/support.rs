//! An application with accounts on a temporary database, with a clock that the test controls.

use std::net::IpAddr;
use std::sync::Arc;

use backstay_base::{Caller, Error, Secret, ViolationKind};
use backstay_engine::{Context, Engine, Input};
use backstay_identity::{
    AccountRef, Administration, HashingCost, Identity, Me, Settings, SignUp, SignedIn, system_model,
};
use backstay_model::SourceFile;
use backstay_rest::accounts as bodies;
use backstay_testkit::{TestApplication, TestClock, controlled};

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const ADDRESS: &str = "192.0.2.1";

const MODEL: &str = r#"
extend schema @app(name: "Club")

enum Role @roles { EDITOR WRITER }

enum Standing {
  GUEST @initial @to(state: "MEMBER", when: "'EDITOR' in auth.roles")
  MEMBER
}

type User @identity
  @allow(
    read: "this.id == auth.id || 'EDITOR' in auth.roles"
    create: "'EDITOR' in auth.roles"
    update: "this.id == auth.id"
    delete: "this.id == auth.id"
  ) {
  email: Email! @unique
  name: String!
  handle: String @unique
  bio: String @allow(update: "this.id == auth.id")
  rank: Int @default(to: 0) @allow(update: "'EDITOR' in auth.roles")
  badge: String @allow(create: "'EDITOR' in auth.roles")
  credits: Int @default(to: 0) @readonly
  groups: [Group!]
  standing: Standing!
  house: House
  sponsor: User
}

type House @allow(read: "this.listed || auth.claims.steward == 'yes'", create: "true", update: "auth.link != null") {
  name: String!
  listed: Boolean!
}

type Group @allow(read: "true") {
  name: String!
  members: [User!] @inverse(field: "groups")
}
"#;

const WITHOUT_ACCOUNTS: &str = r#"
extend schema @app(name: "Meter")
enum Role @roles { READER }
type Reading @allow(read: "'READER' in auth.roles") { value: Int! }
"#;

pub(crate) struct Club {
    pub(crate) app: TestApplication,
    pub(crate) identity: Identity,
    pub(crate) clock: TestClock,
}

impl Club {
    /// The application with accounts and these settings.
    pub(crate) fn open(settings: Settings) -> Self {
        Self::with(files(), settings)
    }

    /// An application without accounts.
    pub(crate) fn without_accounts() -> Self {
        let files = vec![SourceFile::app("model/meter.graphql", WITHOUT_ACCOUNTS), system_model(None)];
        Self::with(files, settings())
    }

    /// An application of this model, whose accounts need no more than an address.
    pub(crate) fn of(model: &str) -> Self {
        Self::with(vec![SourceFile::app("model/club.graphql", model), system_model(Some("User"))], settings())
    }

    fn with(files: Vec<SourceFile>, settings: Settings) -> Self {
        let clock = TestClock::at("2026-01-31T12:00:00Z");
        let app = TestApplication::open(files, controlled(&clock, 7));
        let identity = Identity::new(app.engine.clone(), settings).expect("the model fits");
        Self { app, identity, clock }
    }

    /// The same application after a restart with these settings.
    pub(crate) fn restart(self, settings: Settings) -> Self {
        let Self { app, identity, clock } = self;
        drop(identity);
        let app = app.restart(files(), controlled(&clock, 8));
        let identity = Identity::new(app.engine.clone(), settings).expect("the model fits");
        Self { app, identity, clock }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.app.engine
    }

    /// A user's name, as the fields that are given for an account.
    pub(crate) fn named(&self, name: &str) -> Input {
        let user = self.engine().model().collection_named("User").expect("a type");
        Input::new().with(user.field_named("name").expect("a field").id, name)
    }

    pub(crate) fn anonymous(&self) -> Context {
        Context::new(self.engine(), Arc::new(Caller::anonymous()))
    }

    pub(crate) fn system(&self) -> Context {
        Context::system(self.engine())
    }

    /// The operations for operators, in the name of a caller who may use them.
    pub(crate) fn administration<'a>(&'a self, cx: &'a Context) -> Administration<'a> {
        self.identity.administration(cx).expect("an operator or Backstay itself")
    }

    /// The context of a request with this token.
    pub(crate) async fn shown(&self, token: &Secret) -> Result<Context, Error> {
        Ok(Context::new(self.engine(), self.identity.authenticate(token).await?))
    }

    pub(crate) async fn sign_up_with(&self, body: &str) -> Result<SignedIn, Error> {
        self.sign_up_as(&self.anonymous(), body).await
    }

    pub(crate) async fn sign_up_as(&self, cx: &Context, body: &str) -> Result<SignedIn, Error> {
        let model = self.engine().model();
        let accounts = model.identity.ok_or_else(no_accounts)?;
        let new = bodies::new_account(model, accounts, body.as_bytes())?;
        self.identity.sign_up(cx, address(ADDRESS), new).await
    }

    pub(crate) async fn sign_up(&self, email: &str) -> Result<SignedIn, Error> {
        self.sign_up_with(&format!(r#"{{"email": "{email}", "name": "Ada", "password": "{PASSWORD}"}}"#)).await
    }

    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Result<SignedIn, Error> {
        self.sign_in_with(&format!(r#"{{"email": "{email}", "password": "{password}"}}"#)).await
    }

    pub(crate) async fn sign_in_with(&self, body: &str) -> Result<SignedIn, Error> {
        self.sign_in_from(&self.anonymous(), ADDRESS, body).await
    }

    pub(crate) async fn sign_in_from(&self, cx: &Context, from: &str, body: &str) -> Result<SignedIn, Error> {
        self.identity.sign_in(cx, address(from), bodies::credentials(body.as_bytes())?).await
    }

    pub(crate) async fn change_password(&self, cx: &Context, body: &str) -> Result<SignedIn, Error> {
        self.identity.require_session(cx)?;
        let change = bodies::password_change(body.as_bytes())?;
        self.identity.change_password(cx, address(ADDRESS), change).await
    }

    pub(crate) async fn change_email(&self, cx: &Context, body: &str) -> Result<Me, Error> {
        self.identity.require_session(cx)?;
        self.identity.change_email(cx, address(ADDRESS), bodies::email_change(body.as_bytes())?).await
    }

    /// What a caller is told about itself.
    pub(crate) async fn me(&self, cx: &Context) -> serde_json::Value {
        let me = self.identity.me(cx).await.expect("whoever has an id may ask");
        json(&bodies::me(self.engine(), cx, &me).await.expect("it is written"))
    }

    /// The record of whoever has signed in, as they are told it.
    pub(crate) async fn account(&self, signed_in: &SignedIn) -> serde_json::Value {
        let body = bodies::signed_in(self.engine(), &self.anonymous(), signed_in).await.expect("it is written");
        json(&body)["account"].clone()
    }

    /// The records of a collection that the caller sees.
    pub(crate) async fn items(&self, cx: &Context, of: &str) -> Vec<serde_json::Value> {
        let client = self.app.client();
        let page = client.page(cx.caller(), client.list(of, |_| ()).expect("a request")).await;
        page.map_or_else(|_| Vec::new(), |page| json(&page.body)["items"].as_array().expect("a list").clone())
    }

    /// The context of an account with the role EDITOR.
    pub(crate) fn editor(&self) -> Context {
        Context::new(self.engine(), Arc::new(Caller::account(self.engine().next_id(), ["EDITOR"])))
    }

    /// The id of a new house.
    pub(crate) async fn house(&self, listed: bool) -> String {
        let client = self.app.client();
        let create = client.create("House", &format!(r#"{{"name": "North", "listed": {listed}}}"#)).expect("a request");
        let written = client.written(self.editor().caller(), create).await.expect("everyone may make a house");
        written.ids[0].to_string()
    }

    /// The context of an operator who has signed in.
    pub(crate) async fn operator(&self) -> Context {
        self.shown(&self.operator_token().await).await.expect("the token is good")
    }

    /// The token of an operator who has signed in.
    pub(crate) async fn operator_token(&self) -> Secret {
        let operator = self.administration(&self.system()).add_operator("root@example.org", &secret(PASSWORD)).await;
        operator.expect("an operator can be added");
        let body = format!(r#"{{"email": "root@example.org", "password": "{PASSWORD}", "as": "operator"}}"#);
        self.sign_in_with(&body).await.expect("an operator can sign in").token
    }
}

fn no_accounts() -> Error {
    let what = "an account here: this application has none".to_owned();
    Error::Forbidden { action: backstay_base::Action::Create, what }
}

pub(crate) fn files() -> Vec<SourceFile> {
    vec![SourceFile::app("model/club.graphql", MODEL), system_model(Some("User"))]
}

/// Open sign-up, hashes that cost little, and more attempts than a test makes.
pub(crate) fn settings() -> Settings {
    Settings {
        sign_up: SignUp::Open,
        attempts_per_account: 100,
        attempts_per_address: 1000,
        sign_ups_per_address: 1000,
        hashing: HashingCost { memory_kib: 16, passes: 1, lanes: 1, threads: 2 },
        ..Settings::default()
    }
}

pub(crate) fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

pub(crate) fn by_email(text: &str) -> AccountRef {
    AccountRef::Email(text.to_owned())
}

pub(crate) fn json(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(bytes).expect("an answer is JSON")
}

/// The outcome of an operation without texts: `done`, the code of an error, or the place and kind of each violation.
/// Texts are compared in `texts.rs` only.
pub(crate) fn told<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => "done".to_owned(),
        Err(Error::Invalid(violations) | Error::Malformed(violations)) => {
            let shown = violations.iter().map(|one| format!("{} {}", one.at, kind(&one.kind)));
            shown.collect::<Vec<_>>().join("; ")
        }
        Err(error @ Error::Internal(_)) => format!("{error:?}"),
        Err(error) => error.code().to_owned(),
    }
}

fn kind(kind: &ViolationKind) -> String {
    let name = match kind {
        ViolationKind::Unknown { suggestion: Some(meant), .. } => return format!("unknown, {meant}?"),
        ViolationKind::Unknown { .. } => "unknown",
        ViolationKind::Syntax { .. } => "syntax",
        ViolationKind::Duplicate => "duplicate",
        ViolationKind::Required => "required",
        ViolationKind::Type { .. } => "type",
        ViolationKind::Range(_) => "range",
        ViolationKind::Check { .. } | ViolationKind::CheckOfOther { .. } | ViolationKind::Refused { .. } => "check",
        ViolationKind::ReadOnly(_) => "read-only",
        ViolationKind::NeedsPassword => "needs-password",
        ViolationKind::NotAnAccount => "not-an-account",
        ViolationKind::Misused { .. } => "misused",
        ViolationKind::InitialState { .. } => "initial-state",
        ViolationKind::FieldForbidden { .. }
        | ViolationKind::FieldTogether { .. }
        | ViolationKind::FieldHidden { .. } => "forbidden",
        ViolationKind::Reference { .. } => "reference",
        ViolationKind::Transition { .. } => "transition",
    };
    name.to_owned()
}
