use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use backstay_base::{Caller, Error, RecordId};
use backstay_engine::{Answer, Context, JobTerms, NewJob, Transaction, TxContext};
use backstay_jobs::{Claimed, Handler, JobLine, Jobs, KindSettings, Outcome, Reporter, State, Workers, system_model};
use backstay_model::SourceFile;
use backstay_testkit::{TestApplication, TestClock, controlled};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

const MODEL: &str = r#"
extend schema @app(name: "Shop")

enum OrderState {
  OPEN @initial @to(state: "PAID", when: "true", run: "send")
  PAID
}

type Order @trash(keep: "30d")
  @allow(read: "true", create: "true", update: "true", delete: "true")
  @on(event: [CREATE, DELETE], run: "note")
  @on(event: UPDATE, run: "note", when: "new.total != old.total") {
  title: String!
  total: Int!
  state: OrderState!
}

type Mutation {
  note(id: ID!, event: String!, changed: [String!]!): Boolean @function @job
  send(id: ID!): Boolean @function @job(retries: 1, concurrency: 2)
}
"#;

/// Does what its input says, and remembers which jobs it was given.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    pub(crate) ran: Arc<Mutex<Vec<String>>>,
    /// What jobs with this input come to, in order; `Done` if there is none left.
    pub(crate) outcomes: Mutex<HashMap<String, Vec<Outcome>>>,
    /// Of the jobs that it was given.
    pub(crate) reporters: Mutex<Vec<Reporter>>,
}

impl Handler for Scripted {
    fn settings(&self, kind: &str) -> Option<KindSettings> {
        match kind {
            "unknown" => None,
            "slow" => Some(KindSettings { concurrency: 2, attempts: 2, timeout: Duration::from_millis(10) }),
            _ => Some(KindSettings { concurrency: 2, attempts: 3, timeout: Duration::from_mins(5) }),
        }
    }

    fn run(&self, job: Claimed) -> BoxFuture<'static, Outcome> {
        self.ran.lock().push(format!("{} {} #{}", job.kind, job.input, job.attempt));
        let outcome =
            self.outcomes.lock().get_mut(&*job.input).and_then(|left| (!left.is_empty()).then(|| left.remove(0)));
        self.reporters.lock().push(job.reporter.clone());
        let never = matches!(&*job.kind, "hangs" | "slow");
        Box::pin(async move {
            if never {
                std::future::pending::<()>().await;
            }
            outcome.unwrap_or(Outcome::Done("true".into()))
        })
    }
}

/// A transaction that does nothing but queue a job.
struct Add(NewJob);

impl Transaction for Add {
    type Answer = ();

    fn name(&self) -> &'static str {
        "add"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(cx.queue(&self.0))
    }
}

fn files(model: &str) -> Vec<SourceFile> {
    vec![SourceFile::app("model/shop.graphql", model), system_model()]
}

pub(crate) struct Shop {
    pub(crate) app: TestApplication,
    pub(crate) clock: TestClock,
    pub(crate) handler: Arc<Scripted>,
    pub(crate) jobs: Jobs,
}

impl Shop {
    pub(crate) fn open() -> Self {
        Self::with(MODEL)
    }

    /// The same with another model.
    pub(crate) fn with(model: &str) -> Self {
        let clock = TestClock::at("2026-01-31T12:00:00Z");
        let app = TestApplication::open(files(model), controlled(&clock, 7));
        Self::on(app, clock)
    }

    /// Opens the application again, with another model.
    pub(crate) fn restart(self, model: &str) -> Self {
        let Self { app, clock, jobs, .. } = self;
        drop(jobs);
        let app = app.restart(files(model), controlled(&clock, 8));
        Self::on(app, clock)
    }

    fn on(app: TestApplication, clock: TestClock) -> Self {
        let handler = Arc::new(Scripted::default());
        let jobs = Jobs::new(app.engine.clone(), vec![Arc::clone(&handler) as Arc<dyn Handler>]);
        Self { jobs: jobs.expect("the model has jobs"), app, clock, handler }
    }

    /// Queues a job whose input is this text.
    pub(crate) async fn add(&self, kind: &str, input: &str, terms: JobTerms) -> RecordId {
        let engine = &self.app.engine;
        let id = engine.next_id();
        let input = format!("\"{input}\"").into();
        let job = NewJob { id, kind: kind.into(), input, by: None, depth: 0, terms };
        engine.run(&Context::system(engine), Add(job)).await.expect("it is queued");
        id
    }

    /// Runs all that is due.
    pub(crate) async fn run(&self) {
        let mut workers = Workers::new("one");
        loop {
            self.clock.advance("1ms");
            if !workers.step(&self.jobs).await.expect("a step") {
                if workers.running() == 0 {
                    return;
                }
                workers.pause(Duration::from_mins(1)).await;
            }
        }
    }

    pub(crate) fn ran(&self) -> Vec<String> {
        std::mem::take(&mut *self.handler.ran.lock())
    }

    pub(crate) async fn show(&self, id: RecordId) -> JobLine {
        self.jobs.show(id).await.expect("there is such a job")
    }

    pub(crate) async fn states(&self) -> Vec<String> {
        let all = self.jobs.list(&State::ALL, 100).await.expect("a list");
        all.iter().map(|job| format!("{} {} {}", job.kind, job.input, job.state)).collect()
    }

    pub(crate) async fn create(&self, body: &str) -> RecordId {
        let client = self.app.client();
        match client.answer(&anybody(), client.create("Order", body).expect("a create")).await.expect("it is created") {
            Answer::Written(written) => written.ids[0],
            other => unreachable!("{other:?}"),
        }
    }

    pub(crate) async fn update(&self, id: RecordId, body: &str) {
        let client = self.app.client();
        client.answer(&anybody(), client.update("Order", id, body).expect("an update")).await.expect("it is updated");
    }
}

pub(crate) fn anybody() -> Arc<Caller> {
    Arc::new(Caller::anonymous())
}
