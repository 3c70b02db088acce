//! Who may take a transition: those whom a clause lets change the state, and those whom its `by` names.

use std::sync::Arc;

use backstay_base::{Action, Caller, Place, RecordId, Violation, ViolationKind};
use backstay_engine::{Error, Written};
use backstay_model::SourceFile;
use backstay_testkit::{TestApplication, TestClock, controlled};

const MODEL: &str = r#"
extend schema @app(name: "Expenses")

enum Claim {
  OPEN @initial
    @to(state: "APPROVED", by: "this.boss == auth.id", with: ["note"], when: "this.amount <= 100", message: "claims over 100 go to the board", set: [{field: "by", to: "auth.id"}])
    @to(state: "DECLINED", by: "this.boss.deputies.exists(d, d == auth.id)", with: ["note", "seen"])
  APPROVED @to(state: "OPEN")
  DECLINED @to(state: "OPEN", by: "false")
}

type User @identity @allow(read: "true", create: "true") {
  email: Email! @unique
  deputies: [User!]
}

type Expense
  @allow(read: "true", create: "true")
  @allow(update: "this.owner == auth.id", only: ["amount"])
  @allow(update: "auth.kind == 'SERVICE'") {
  state: Claim!
  amount: Int!
  owner: User!
  boss: User!
  note: String
  by: User
  seen: [User!]
}

"The state is hidden from all but the owner."
type Secret @allow(read: "true", create: "true") {
  state: Claim! @allow(read: "this.owner == auth.id")
  amount: Int! @default(to: 1)
  owner: User!
  boss: User!
  note: String
  by: User
  seen: [User!]
}
"#;

struct Office {
    application: TestApplication,
    owner: Arc<Caller>,
    boss: Arc<Caller>,
    deputy: Arc<Caller>,
}

impl Office {
    async fn open() -> Self {
        let ambient = controlled(&TestClock::at("2026-01-31T12:00:00Z"), 7);
        let application = TestApplication::open(vec![SourceFile::app("model/expenses.graphql", MODEL)], ambient);
        let nobody = Arc::new(Caller::anonymous());
        let mut office = Self { application, owner: Arc::clone(&nobody), boss: Arc::clone(&nobody), deputy: nobody };
        office.owner = office.person("ann", "[]").await;
        office.deputy = office.person("dan", "[]").await;
        let deputies = office.filled("[DEPUTY]");
        office.boss = office.person("bob", &deputies).await;
        office
    }

    async fn person(&self, name: &str, deputies: &str) -> Arc<Caller> {
        let body = format!(r#"{{"email":"{name}@example.org","deputies":{deputies}}}"#);
        let roles: [&str; 0] = [];
        Arc::new(Caller::account(self.made("User", &body).await, roles))
    }

    fn filled(&self, body: &str) -> String {
        let id = |caller: &Caller| caller.id.map_or_else(String::new, |id| format!("\"{id}\""));
        let body = body.replace("OWNER", &id(&self.owner)).replace("BOSS", &id(&self.boss));
        body.replace("DEPUTY", &id(&self.deputy))
    }

    async fn made(&self, of: &str, body: &str) -> RecordId {
        let client = self.application.client();
        let request = client.create(of, &self.filled(body)).expect("a request");
        client.written(&self.owner, request).await.expect("it is created").ids[0]
    }

    async fn expense(&self, amount: u32) -> RecordId {
        self.made("Expense", &format!(r#"{{"amount":{amount},"owner":OWNER,"boss":BOSS}}"#)).await
    }

    async fn update(&self, of: &str, caller: &Arc<Caller>, id: RecordId, body: &str) -> Result<Written, Error> {
        let client = self.application.client();
        client.written(caller, client.update(of, id, &self.filled(body))?).await
    }
}

fn told<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(Error::Invalid(violations)) => {
            let told = violations.iter().map(|Violation { at, kind }| format!("{at} {kind}"));
            told.collect::<Vec<_>>().join("; ")
        }
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn by_lets_others_take_a_transition_and_change_nothing_else() {
    let office = Office::open().await;
    let check = async |caller: &Arc<Caller>, body: &str, expected: &str| {
        let id = office.expense(50).await;
        assert_eq!(told(office.update("Expense", caller, id, body).await), expected, "{body}");
    };
    let (boss, deputy, owner) = (&office.boss, &office.deputy, &office.owner);
    check(boss, r#"{"state":"APPROVED"}"#, "ok").await;
    check(boss, r#"{"state":"APPROVED","note":"fine"}"#, "ok").await;
    let amount = "/amount you may not update this field";
    check(boss, r#"{"state":"APPROVED","amount":1}"#, amount).await;
    check(boss, r#"{"state":"APPROVED","amount":50}"#, "ok").await;
    check(boss, r#"{"note":"fine"}"#, "you may not update this Expense").await;
    check(boss, r#"{"state":"OPEN"}"#, "you may not update this Expense").await;
    check(boss, "{}", "you may not update this Expense").await;
    check(boss, r#"{"state":"DECLINED"}"#, "you may not update this Expense").await;
    check(deputy, r#"{"state":"DECLINED","seen":[DEPUTY]}"#, "ok").await;
    check(deputy, r#"{"state":"APPROVED"}"#, "you may not update this Expense").await;
    // The clause of the owner doesn't include the state.
    check(owner, r#"{"state":"APPROVED"}"#, "/state you may not update this field").await;
    check(owner, r#"{"amount":5}"#, "ok").await;
}

#[tokio::test]
async fn the_guard_is_asked_of_everyone() {
    let office = Office::open().await;
    let expensive = office.expense(500).await;
    let body = r#"{"state":"APPROVED"}"#;
    let told_boss = told(office.update("Expense", &office.boss, expensive, body).await);
    let refused = "this Expense can't go from OPEN to APPROVED: claims over 100 go to the board";
    assert_eq!(told_boss, refused);
    let service = Arc::new(Caller { kind: backstay_base::CallerKind::Service, ..Caller::anonymous() });
    let told_service = told(office.update("Expense", &service, expensive, body).await);
    assert_eq!(told_service, refused);
    let cheap = office.expense(5).await;
    assert_eq!(told(office.update("Expense", &service, cheap, body).await), "ok", "a clause lets it change the state");
    assert_eq!(told(office.update("Expense", &service, cheap, r#"{"state":"OPEN"}"#).await), "ok");
}

/// One permit must allow the whole change: neither the owner's clause nor the boss's transition alone does.
#[tokio::test]
async fn a_clause_and_a_transition_do_not_add_up() {
    let office = Office::open().await;
    let boss = Arc::clone(&office.boss);
    let id = office.made("Expense", r#"{"amount":50,"owner":BOSS,"boss":BOSS}"#).await;
    let refused = office.update("Expense", &boss, id, r#"{"state":"APPROVED","amount":1}"#).await;
    let kinds = match refused {
        Err(Error::Invalid(violations)) => violations,
        other => vec![Violation::new(Place::Whole, ViolationKind::Range(told(other)))],
    };
    let together = ViolationKind::FieldTogether { with: vec!["amount".to_owned()] };
    assert_eq!(kinds, [Violation::new(Place::member("state"), together)]);
    assert_eq!(told(office.update("Expense", &boss, id, r#"{"amount":1}"#).await), "ok");
    assert_eq!(told(office.update("Expense", &boss, id, r#"{"state":"APPROVED"}"#).await), "ok");
}

/// A refusal must not reveal a state that the caller can't read.
#[tokio::test]
async fn whoever_does_not_see_the_state_takes_no_transition() {
    let office = Office::open().await;
    let id = office.made("Secret", r#"{"owner":OWNER,"boss":BOSS}"#).await;
    for body in [r#"{"state":"APPROVED"}"#, r#"{"state":"OPEN"}"#, r#"{"state":"APPROVED","amount":2}"#] {
        let told = told(office.update("Secret", &office.boss, id, body).await);
        assert_eq!(told, "you may not update this Secret", "{body}");
    }
    let own = office.made("Secret", r#"{"owner":OWNER,"boss":OWNER}"#).await;
    assert_eq!(told(office.update("Secret", &office.owner, own, r#"{"state":"APPROVED"}"#).await), "ok");
}

#[tokio::test]
async fn an_explanation_shows_who_may_take_it() {
    let office = Office::open().await;
    let id = office.expense(50).await;
    let client = office.application.client();
    let explain = async |caller: &Arc<Caller>, body: &str| {
        let request = client.update("Expense", id, body).expect("a request");
        let explanation = client.explain(caller, request).await.expect("an explanation");
        let shown = explanation.rules.iter().skip(3).map(|rule| format!("{}: {}", rule.of, rule.answer));
        shown.collect::<Vec<_>>()
    };
    assert_eq!(
        explain(&office.boss, r#"{"state":"APPROVED","note":"fine"}"#).await,
        [
            "Expense.state OPEN to APPROVED, by: true",
            "Expense.state OPEN to APPROVED, with: true",
            "Expense.state OPEN to APPROVED: true"
        ]
    );
    assert_eq!(explain(&office.deputy, r#"{"state":"APPROVED"}"#).await, ["Expense.state OPEN to APPROVED, by: false"]);
}

#[tokio::test]
async fn the_documented_transitions_hold() {
    const DOCUMENT: &str = include_str!("../../../docs/model.md");
    let (_, section) = DOCUMENT.split_once("\n## States\n").expect("the section");
    let (_, example) = section.split_once("```graphql\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    let ambient = controlled(&TestClock::at("2026-01-31T12:00:00Z"), 7);
    let user = "type User @identity @allow(read: \"true\", create: \"true\") { email: Email! @unique }";
    let model = format!("extend schema @app(name: \"Leave\")\n{user}\n{example}");
    let application = TestApplication::open(vec![SourceFile::app("model/leave.graphql", model)], ambient);
    let client = application.client();
    let anyone = Arc::new(Caller::anonymous());
    let person = async |name: &str| {
        let made = client.create("User", &format!(r#"{{"email":"{name}@example.org"}}"#)).expect("a request");
        let id = client.written(&anyone, made).await.expect("a person").ids[0];
        let roles: [&str; 0] = [];
        (id, Arc::new(Caller::account(id, roles)))
    };
    let ((ann_id, ann), (bob_id, bob)) = (person("ann").await, person("bob").await);
    let check = async |caller: &Arc<Caller>, body: &str, expected: &str| {
        let leave = format!(r#"{{"person":"{ann_id}","manager":"{bob_id}","firstDay":"2026-03-01T00:00:00Z"}}"#);
        let made = client.written(&ann, client.create("Leave", &leave).expect("a request")).await;
        let request = client.update("Leave", made.expect("a leave").ids[0], body).expect("a request");
        assert_eq!(told(client.written(caller, request).await), expected, "{body}");
    };
    check(&bob, r#"{"state":"APPROVED"}"#, "ok").await;
    let unmet = |to: &str| format!("this Leave can't go from OPEN to {to}: a condition of this transition isn't met");
    check(&bob, r#"{"state":"DECLINED"}"#, &unmet("DECLINED")).await;
    check(&bob, r#"{"state":"DECLINED","reason":"too late"}"#, "ok").await;
    check(&bob, r#"{"state":"RETRACTED"}"#, "you may not update this Leave").await;
    check(&ann, r#"{"state":"RETRACTED"}"#, "ok").await;
    check(&ann, r#"{"state":"APPROVED"}"#, &unmet("APPROVED")).await;
    check(&ann, r#"{"state":"DECLINED"}"#, &unmet("DECLINED")).await;
    let forbidden = ViolationKind::FieldForbidden { action: Action::Update };
    check(&ann, r#"{"reason":"x"}"#, &format!("/reason {forbidden}")).await;
}
