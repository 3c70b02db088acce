use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::json;

use super::super::client::Client;
use super::super::socket::connect_from;
use super::samples::{Outcome, Sample, WINDOWS_PER_SECOND};
use super::scene::{Request, Scene};

/// How long others wait for an answer.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long others wait before they connect again.
const PAUSE: Duration = Duration::from_millis(20);

/// What others do. The load is light, and each request is due at a fixed moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// A record by id.
    Read,
    /// One note.
    Create,
    /// The notes with a word in their text, which looks at all of them.
    Count,
}

impl Work {
    pub(crate) const ALL: [Self; 3] = [Self::Read, Self::Create, Self::Count];

    /// Clients, each with a connection of its own.
    const fn clients(self) -> u32 {
        match self {
            Self::Read => 4,
            Self::Create => 2,
            Self::Count => 1,
        }
    }

    /// Requests of one client in a second.
    const fn rate(self) -> u32 {
        match self {
            Self::Read => 100,
            Self::Create => 50,
            Self::Count => 2,
        }
    }

    /// The least number of requests that are due in a window of time.
    pub(crate) const fn per_window(self) -> usize {
        ((self.rate() / WINDOWS_PER_SECOND).saturating_sub(1) * self.clients()) as usize
    }

    /// What is sent in this turn, and by which of the others.
    fn request(self, scene: &Scene, turn: usize) -> (usize, Request) {
        match self {
            Self::Read => (turn, Request::get(&scene.notes[turn % scene.notes.len()])),
            Self::Create => {
                let (account, body) = &scene.proposals[turn % scene.proposals.len()];
                (*account, Request::post("/api/notes", body.clone()))
            }
            Self::Count => {
                let word = format!("Note {}.", turn % 1000);
                let query = json!({
                    "filter": "body.contains($word)", "params": {"word": word}, "count": true, "limit": 1,
                    "select": "title",
                });
                (turn, Request::post("/api/notes:query", query.to_string()))
            }
        }
    }
}

/// Those who work while somebody attacks.
#[derive(Debug)]
pub(crate) struct Others<'a> {
    address: SocketAddrV4,
    scene: &'a Scene,
    over: AtomicBool,
    samples: Mutex<Vec<(Work, Sample)>>,
}

impl<'a> Others<'a> {
    pub(crate) fn new(address: SocketAddrV4, scene: &'a Scene) -> Self {
        Self { address, scene, over: AtomicBool::new(false), samples: Mutex::default() }
    }

    /// Starts their clients, which work until `finish`.
    pub(crate) fn start<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        for work in Work::ALL {
            for client in 0..work.clients() {
                scope.spawn(move || self.work(work, client));
            }
        }
    }

    /// Ends their work after the requests under way.
    pub(crate) fn finish(&self) {
        self.over.store(true, Relaxed);
    }

    /// What they measured so far, in the order in which the requests were due.
    pub(crate) fn samples(&self, of: Work) -> Vec<Sample> {
        let samples = self.samples.lock();
        let mut samples: Vec<Sample> =
            samples.iter().filter(|(work, _)| *work == of).map(|(_, sample)| *sample).collect();
        samples.sort_by_key(|sample| sample.due);
        samples
    }

    fn work(&self, work: Work, client: u32) {
        let mut connections = Connections::new(self);
        // The clients of one kind take turns.
        let interval = Duration::from_secs(1) / work.rate();
        let mut due = Instant::now() + interval * client / work.clients();
        for turn in (client as usize..).step_by(work.clients() as usize) {
            let early = due.saturating_duration_since(Instant::now());
            thread::sleep(early);
            if self.over.load(Relaxed) {
                return;
            }
            // A sleep that ends late is not the server's fault; a request before this one that ended late is.
            let begin = if early.is_zero() { due } else { Instant::now() };
            let (account, request) = work.request(self.scene, turn);
            let outcome = connections.send(account, &request).map_or(Outcome::Lost, Outcome::Status);
            let sample = Sample { due, latency: begin.elapsed(), outcome };
            self.samples.lock().push((work, sample));
            due += interval;
        }
    }
}

/// The connections of one client: one for each account that it has worked for.
struct Connections<'a> {
    others: &'a Others<'a>,
    open: Vec<Option<Client>>,
}

impl<'a> Connections<'a> {
    fn new(others: &'a Others<'a>) -> Self {
        Self { others, open: others.scene.others.iter().map(|_| None).collect() }
    }

    /// Sends a request as an account and returns the status. Without an answer, its connection is closed.
    fn send(&mut self, account: usize, request: &Request) -> Option<u16> {
        let account = account % self.open.len();
        let mut client = match self.open[account].take() {
            Some(client) => client,
            None => self.connect(account)?,
        };
        let Request { method, path, body } = request;
        let answer = client.send(method, path, body.as_deref()).ok()?;
        self.open[account] = Some(client);
        Some(answer.status)
    }

    fn connect(&self, account: usize) -> Option<Client> {
        let Others { address, scene, .. } = self.others;
        let stream = connect_from(Ipv4Addr::LOCALHOST, *address, PATIENCE);
        if stream.is_err() {
            thread::sleep(PAUSE);
        }
        Some(Client::over(stream.ok()?, Some(&scene.others[account])))
    }
}
