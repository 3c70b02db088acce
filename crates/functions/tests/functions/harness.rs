//! Functions from texts, and a host that answers what a test says and remembers what it was asked.

use std::fs;
use std::sync::Arc;

use backstay_base::{Ambient, Clock, Entropy, Error, Flow, Secret, Source, Timestamp};
use backstay_egress::{Client, Settings};
use backstay_functions::{
    Attempt, Begun, Call, CalledBy, CollectionName, Failure, Functions, Host, Outside, Problem, Program, Refusal,
    Secrets,
};
use backstay_mail::Templates;
use futures_util::future::{BoxFuture, FutureExt};
use parking_lot::Mutex;
use tempfile::TempDir;

/// The files of an application's `functions/`.
pub(crate) fn application(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        let path = directory.path().join("functions").join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("is made");
        fs::write(path, text).expect("is written");
    }
    directory
}

fn collections() -> Vec<CollectionName> {
    let of =
        |member: &str, path: &str, single| CollectionName { member: member.to_owned(), path: path.to_owned(), single };
    vec![of("posts", "posts", false), of("blogPosts", "blog-posts", false), of("settings", "settings", true)]
}

/// What is wrong with these files.
pub(crate) fn problems(files: &[(&str, &str)]) -> Vec<String> {
    let directory = application(files);
    match read(&directory) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

pub(crate) fn read(directory: &TempDir) -> Result<Program, Vec<Problem>> {
    Program::read(directory.path(), &collections(), backstay_client::REQUESTS)
}

/// The functions of one file.
pub(crate) fn functions(text: &str) -> Arc<Functions> {
    functions_of(&[("main.ts", text)])
}

pub(crate) fn functions_of(files: &[(&str, &str)]) -> Arc<Functions> {
    let program = read(&application(files)).unwrap_or_else(|problems| panic!("{problems:?}"));
    let outside = (Outside::Servers(client()), secrets());
    Functions::start(program, 2, outside, Arc::new(Templates::none())).expect("threads")
}

fn secrets() -> Secrets {
    [("STRIPE_KEY".to_owned(), Secret::new("sk_test_4242".to_owned()))].into_iter().collect()
}

/// Calls servers of this machine, too.
fn client() -> Client {
    let allow = vec!["127.0.0.0/8".parse().expect("a network")];
    Client::new(Settings { allow, ..Settings::default() }).expect("a client")
}

/// A clock that stands still.
#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros_saturating(1_770_000_000_123_456)
    }
}

/// Bytes that are always the same.
#[derive(Debug)]
struct Same;

impl Entropy for Same {
    fn fill(&self, buffer: &mut [u8]) {
        for (place, byte) in buffer.iter_mut().enumerate() {
            *byte = u8::try_from(place % 251).unwrap_or(0);
        }
    }
}

/// Calls `function` with these arguments.
pub(crate) fn call(function: &str, arguments: &str) -> Call {
    Call {
        by: CalledBy::Action,
        longest: std::time::Duration::from_secs(30),
        function: function.to_owned(),
        arguments: arguments.to_owned(),
        auth: r#"{"id":"7","kind":"ACCOUNT","roles":["EDITOR"],"claims":{}}"#.to_owned(),
        ambient: Ambient { clock: Arc::new(Stopped), entropy: Arc::new(Same) },
        flow: Flow { source: Source::Local, caller: None },
        deadline: None,
    }
}

/// What `main` of this file returns, or why it doesn't.
pub(crate) async fn run(text: &str) -> Result<String, Failure> {
    run_with(text, &Scripted::default()).await
}

pub(crate) async fn run_with(text: &str, host: &Scripted) -> Result<String, Failure> {
    functions(text).call(call("main", "{}"), host).await
}

/// The body of `main`, which returns this.
pub(crate) async fn value(body: &str) -> String {
    let text = format!(
        "import {{ Decimal, Money, Problem, Refused }} from \"backstay\";\nvoid [Decimal, Money, Problem, Refused];\n\
         export async function main(args, {{ db, auth, log }}) {{ {body} }}"
    );
    match functions_of(&[("main.js", &text)]).call(call("main", "{}"), &Scripted::default()).await {
        Ok(value) => value,
        Err(failure) => failure.to_string().lines().next().unwrap_or_default().to_owned(),
    }
}

/// A host that writes down what it is asked.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    pub(crate) asked: Mutex<Vec<String>>,
    /// What each request is answered with, in their order; `{}` if there is none left.
    pub(crate) replies: Mutex<Vec<Result<String, Refusal>>>,
    /// How often a block has to run again.
    pub(crate) conflicts: Mutex<u64>,
    pub(crate) blocks: Mutex<u64>,
    /// What blocks have returned before.
    pub(crate) done: Option<String>,
}

impl Scripted {
    pub(crate) fn of<const N: usize>(answers: [&str; N]) -> Self {
        let answers = answers.map(|answer| Ok(answer.to_owned())).into();
        Self { replies: Mutex::new(answers), ..Self::default() }
    }

    /// Refuses the first request.
    pub(crate) fn refusing(problem: &str, error: Error) -> Self {
        let refusal = Refusal { problem: problem.to_owned(), error };
        Self { replies: Mutex::new(vec![Err(refusal)]), ..Self::default() }
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().clone()
    }

    fn note(&self, what: String) {
        self.asked.lock().push(what);
    }

    fn answer(&self) -> Result<String, Refusal> {
        let mut answers = self.replies.lock();
        if answers.is_empty() { Ok("{}".to_owned()) } else { answers.remove(0) }
    }

    fn attempt(&self) -> Attempt {
        let mut blocks = self.blocks.lock();
        *blocks += 1;
        Attempt { block: *blocks, millis: 1_770_000_001_000 }
    }
}

impl Host for Scripted {
    fn request<'a>(&'a self, block: Option<u64>, text: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
        let within = block.map(|block| format!("{block} ")).unwrap_or_default();
        self.note(format!("{within}{text}"));
        let answer = self.answer();
        async move {
            tokio::task::yield_now().await;
            answer
        }
        .boxed()
    }

    fn peek<'a>(&'a self, block: u64, text: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
        self.note(format!("{block} peek {text}"));
        let answer = self.answer();
        async move { answer }.boxed()
    }

    fn queue<'a>(&'a self, block: Option<u64>, text: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
        let block = block.map_or("alone".to_owned(), |block| block.to_string());
        self.note(format!("{block} queue {text}"));
        async move { Ok("\"1\"".to_owned()) }.boxed()
    }

    fn mail<'a>(&'a self, block: Option<u64>, text: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
        let block = block.map_or("alone".to_owned(), |block| block.to_string());
        self.note(format!("{block} mail {text}"));
        async move { Ok("\"2\"".to_owned()) }.boxed()
    }

    fn begin(&self) -> BoxFuture<'_, Result<Begun, Refusal>> {
        let begun = match &self.done {
            Some(result) => Begun::Done(result.clone()),
            None => Begun::Attempt(self.attempt()),
        };
        self.note("begin".to_owned());
        async move { Ok(begun) }.boxed()
    }

    fn commit<'a>(&'a self, block: u64, result: &'a str) -> BoxFuture<'a, Result<Option<Attempt>, Refusal>> {
        self.note(format!("{block} commit {result}"));
        let mut conflicts = self.conflicts.lock();
        let again = (*conflicts > 0).then(|| {
            *conflicts -= 1;
            self.attempt()
        });
        async move { Ok(again) }.boxed()
    }

    fn rollback(&self, block: u64) {
        self.note(format!("{block} rollback"));
    }
}
