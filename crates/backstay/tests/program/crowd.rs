//! Many callers at once, while the server is killed and started again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use parking_lot::RwLock;
use serde_json::Value;

use crate::support::{App, Server, exchange, read};

/// How often a request is sent again that has no answer or a temporary one, ten milliseconds after each other.
const TRIES: usize = 6000;
/// The answers between two kills.
const ANSWERS: usize = 9;

/// The server of an application, wherever it listens at the moment.
pub(crate) struct Address {
    now: RwLock<String>,
    /// How many requests were answered.
    answers: AtomicUsize,
}

/// What is sent: such as `POST /api/carts`, the header lines, each of which ends with CRLF, and the body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent<'a> {
    pub(crate) request: &'a str,
    pub(crate) lines: &'a str,
    pub(crate) body: &'a str,
}

impl Address {
    /// Sends a request until there is an answer that another try wouldn't change.
    pub(crate) fn insist(&self, Sent { request, lines, body }: Sent<'_>) -> (u16, Value) {
        let mut last = None;
        for _ in 0..TRIES {
            let address = self.now.read().clone();
            last = exchange(&address, request, lines, body).ok().and_then(|answer| read(&answer));
            match last.take_if(|(status, answer)| !is_temporary(*status, answer)) {
                Some(answer) => {
                    self.answers.fetch_add(1, Ordering::Relaxed);
                    return answer;
                }
                None => thread::sleep(Duration::from_millis(10)),
            }
        }
        assert_eq!(last, None, "{request} is never answered");
        (0, Value::Null)
    }
}

/// Whether another try may have another answer: too much is going on, or a conflict.
fn is_temporary(status: u16, answer: &Value) -> bool {
    let conflicts = ["/problems/concurrent-change", "/problems/request-in-flight"];
    [429, 503].contains(&status) || answer["type"].as_str().is_some_and(|problem| conflicts.contains(&problem))
}

/// Runs a crowd of callers, and kills the server so many times on the way. `started` is told of each server before the
/// callers know it.
pub(crate) fn run(app: &App, kills: usize, started: impl Fn(&Server), crowd: impl Fn(&Address) + Sync) -> Server {
    let first = app.serve();
    started(&first);
    let address = Address { now: RwLock::new(first.address().to_owned()), answers: AtomicUsize::new(0) };
    thread::scope(|scope| {
        let callers = scope.spawn(|| crowd(&address));
        let mut server = first;
        for kill in 1..=kills {
            while address.answers.load(Ordering::Relaxed) < kill * ANSWERS && !callers.is_finished() {
                thread::sleep(Duration::from_millis(1));
            }
            // Dropping a server kills it.
            drop(server);
            server = app.serve();
            started(&server);
            server.address().clone_into(&mut address.now.write());
        }
        callers.join().expect("the callers are content");
        server
    })
}

/// How often long runs do it: a hundred times, or as often as `BACKSTAY_LONG_RUNS` says.
pub(crate) fn runs() -> usize {
    std::env::var("BACKSTAY_LONG_RUNS").map_or(100, |text| text.parse().expect("a number"))
}
