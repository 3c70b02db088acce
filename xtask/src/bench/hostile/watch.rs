use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};

use super::super::client::Client;
use super::super::server::memory_mib;
use super::super::socket::connect_from;
use super::mib;

/// How long an answer of `/healthz` may take.
const PROBE_PATIENCE: Duration = Duration::from_secs(2);
const PROBE_EVERY: Duration = Duration::from_millis(100);
const MEASURE_EVERY: Duration = Duration::from_millis(20);
/// The server is killed if it needs more: the machine that measures has other uses for its memory.
const MEMORY_MIB_MAX: f64 = 2048.0;

/// Watches a server from outside.
#[derive(Debug)]
pub(crate) struct Watch {
    address: SocketAddrV4,
    process: u32,
    /// The file of the write-ahead log.
    log: PathBuf,
    over: AtomicBool,
    watched: Mutex<Watched>,
}

/// What a watch saw.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watched {
    /// The most resident memory of the server.
    pub(crate) memory_mib: f64,
    /// The largest size of the write-ahead log.
    pub(crate) log_mib: f64,
    /// Its size at the end.
    pub(crate) log_after_mib: f64,
    /// Requests of `/healthz`, each over a new connection.
    pub(crate) probes: usize,
    /// Those that got no answer in time.
    pub(crate) missed: usize,
    /// The longest time until an answer.
    pub(crate) slowest: Duration,
}

impl Watch {
    /// A watch of the server with this process id, whose database has this write-ahead log.
    pub(crate) fn new(address: SocketAddrV4, process: u32, log: PathBuf) -> Self {
        Self { address, process, log, over: AtomicBool::new(false), watched: Mutex::default() }
    }

    /// Watches memory and disk until `finish`.
    pub(crate) fn measure(&self) -> Result<()> {
        while !self.over.load(Relaxed) {
            // A server that has ended has no memory; how it ended is known when the attack is over.
            if let Ok(memory) = memory_mib(self.process, "VmHWM:") {
                let log = self.log_mib();
                let mut watched = self.watched.lock();
                watched.memory_mib = watched.memory_mib.max(memory);
                watched.log_mib = watched.log_mib.max(log);
                drop(watched);
                if memory > MEMORY_MIB_MAX {
                    let process = i32::try_from(self.process).ok().and_then(Pid::from_raw).context("a process id")?;
                    kill_process(process, Signal::KILL).context("cannot kill the server")?;
                    return Ok(());
                }
            }
            thread::sleep(MEASURE_EVERY);
        }
        Ok(())
    }

    /// Asks for `/healthz` until `finish`.
    pub(crate) fn probe(&self) {
        while !self.over.load(Relaxed) {
            let begin = Instant::now();
            let alive = self.alive();
            let mut watched = self.watched.lock();
            watched.probes += 1;
            watched.missed += usize::from(!alive);
            watched.slowest = watched.slowest.max(begin.elapsed());
            drop(watched);
            thread::sleep(PROBE_EVERY.saturating_sub(begin.elapsed()));
        }
    }

    /// Ends the watch.
    pub(crate) fn finish(&self) {
        self.over.store(true, Relaxed);
    }

    /// What it saw, with the size of the write-ahead log as it is now.
    pub(crate) fn watched(&self) -> Watched {
        let mut watched = self.watched.lock().clone();
        watched.log_after_mib = self.log_mib();
        watched
    }

    /// Why the watch would have killed the server, if it did.
    pub(crate) fn exhausted(&self) -> Option<String> {
        let over = self.watched.lock().memory_mib > MEMORY_MIB_MAX;
        over.then(|| format!("killed, because it used more than {MEMORY_MIB_MAX:.0} MiB"))
    }

    /// Whether a new client gets an answer of `/healthz` in time.
    fn alive(&self) -> bool {
        let begin = Instant::now();
        let answer = connect_from(Ipv4Addr::LOCALHOST, self.address, PROBE_PATIENCE)
            .and_then(|stream| Client::over(stream, None).send("GET", "/healthz", None));
        answer.is_ok_and(|answer| answer.status == 200) && begin.elapsed() < PROBE_PATIENCE
    }

    /// There is no log while no connection has opened the database.
    fn log_mib(&self) -> f64 {
        mib(&self.log).unwrap_or(0.0)
    }
}
