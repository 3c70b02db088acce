//! Attacks on the release build with default settings: what others notice of each, and what it costs the server.

mod attacker;
mod attacks;
mod others;
mod samples;
mod scene;
mod table;
mod watch;

use std::fs;
use std::net::{SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::report::Report;
use super::server::Server;
use super::{Options, Workshop, seeding, socket};
use attacker::Attacker;
use attacks::{ATTACKS, Attack};
use others::{Others, Work};
use samples::{Latencies, recovered};
use scene::Scene;
use table::{Beside, Row};
use watch::Watch;

/// Others work for this long before anything is measured.
const WARM_UP: Duration = Duration::from_secs(1);
/// How long a server may take to recover.
const RECOVERY: Duration = Duration::from_secs(30);
/// Recovered is a server whose 99th percentile is under this many times the quiet one.
const RECOVERED: u32 = 2;
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Files that are open besides those of an attack.
const OPEN_FILES: u64 = 12_000;

/// The attacks with these names; all of them if there are none.
pub(crate) fn chosen(names: &[String]) -> Result<Vec<&'static Attack>> {
    if names.is_empty() {
        return Ok(ATTACKS.iter().collect());
    }
    let find = |name: &String| {
        let all = || ATTACKS.iter().map(|attack| attack.name).collect::<Vec<_>>().join(", ");
        ATTACKS
            .iter()
            .find(|attack| attack.name == name)
            .with_context(|| format!("there is no attack {name:?}; there are {}", all()))
    };
    names.iter().map(find).collect()
}

/// Carries out the attacks one after the other, each on a server of its own with the same data.
pub(crate) fn measure(workshop: &Workshop, options: &Options, report: &mut Report) -> Result<()> {
    let files = socket::raise_open_files()?;
    ensure!(files >= OPEN_FILES, "at most {files} files may be open, but {OPEN_FILES} are needed; see `ulimit -n`");
    eprintln!("xtask: seeding");
    let application = scene::prepare(workshop)?;
    let data = workshop.scratch.join("hostile");
    let server = Server::backstay(workshop, &application, &data)?;
    let scene = Scene::open(&mut server.client()?)?;
    server.stop()?;

    let range = Range { workshop, application, data, scene, phase: Duration::from_secs(options.seconds.into()) };
    let attacks = chosen(&options.attacks.only)?;
    if options.attacks.soak {
        return range.soak(&attacks, report);
    }
    let mut rows = Vec::new();
    for attack in attacks {
        eprintln!("xtask: {}", attack.title);
        rows.push(range.carry_out(attack)?);
    }
    report.table("hostile", table::table(&rows));
    report.fail(rows.iter().filter_map(Row::failure));
    Ok(())
}

/// Where attacks take place.
struct Range<'a> {
    workshop: &'a Workshop,
    application: PathBuf,
    data: PathBuf,
    scene: Scene,
    /// The length of the quiet phase, and of the attack.
    phase: Duration,
}

impl Range<'_> {
    fn carry_out(&self, attack: &Attack) -> Result<Row> {
        let Self { workshop, application, data, scene, phase } = self;
        let database = seeding::database_in(data)?;
        let log = database.with_extension("db-wal");
        let before = mib(&database)?;
        let mut server = Server::backstay(workshop, application, data)?;
        let address = v4(server.address())?;
        let watch = Watch::new(address, server.process(), log);
        let others = Others::new(address, scene);
        let trial = thread::scope(|scope| {
            let measuring = scope.spawn(|| watch.measure());
            others.start(scope);
            thread::sleep(WARM_UP);
            let quiet = Instant::now();
            thread::sleep(*phase);

            scope.spawn(|| watch.probe());
            let begin = Instant::now();
            let attacker = Attacker::new(scene, address, begin + *phase);
            let attacked = thread::scope(|scope| {
                let attacking = scope.spawn(|| attacker::go_last().map(|()| (attack.run)(&attacker)));
                attacker.finish();
                attacking.join()
            });
            let trial = Trial { quiet, begin, end: begin + *phase };
            let recovered = trial.recovery(&others, &mut server);
            others.finish();
            watch.finish();
            let watching = measuring.join();
            (trial, (attacked, attacker.answers(), attacker.difference()), recovered, watching)
        });
        let (trial, (attacked, attacker, difference), recovered, watching) = trial;
        let Ok(attacked) = attacked else { bail!("the attacker panicked") };
        attacked?;
        let Ok(watching) = watching else { bail!("the thread that watches the server panicked") };
        watching?;
        let ended = server.ended()?.map(|status| watch.exhausted().unwrap_or_else(|| status.to_string()));
        let beside = |work| trial.beside(&others.samples(work));
        let watched = watch.watched();
        if ended.is_none() {
            server.stop()?;
        }
        Ok(Row {
            attack: attack.title,
            reads: beside(Work::Read),
            creates: beside(Work::Create),
            counts: beside(Work::Count),
            attacker,
            watched,
            grown_mib: mib(&database)? - before,
            recovered: recovered?,
            ended,
            difference,
        })
    }
}

/// How often the length of one attack all of them last beside each other.
const BESIDE: u32 = 3;

impl Range<'_> {
    /// Carries out the attacks on one server, one after the other and then all beside each other, and tells how much memory it has
    /// needed.
    fn soak(&self, attacks: &[&'static Attack], report: &mut Report) -> Result<()> {
        let Self { workshop, application, data, scene, phase } = self;
        let log = seeding::database_in(data)?.with_extension("db-wal");
        let mut server = Server::backstay(workshop, application, data)?;
        let address = v4(server.address())?;
        let watch = Watch::new(address, server.process(), log);
        let others = Others::new(address, scene);
        let mut rows: Vec<(String, String)> = Vec::new();
        let outcome = thread::scope(|scope| {
            let measuring = scope.spawn(|| watch.measure());
            scope.spawn(|| watch.probe());
            others.start(scope);
            let attacked = self.attack_in_turn(attacks, address).and_then(|()| {
                rows.push(("peak memory, one attack after the other".into(), memory(&watch)));
                self.attack_at_once(attacks, address, *phase * BESIDE)
            });
            rows.push(("peak memory, with all of them beside each other".into(), memory(&watch)));
            others.finish();
            watch.finish();
            match measuring.join() {
                Ok(measured) => measured.and(attacked),
                Err(_) => bail!("the thread that watches the server panicked"),
            }
        });
        outcome?;
        let ended = server.ended()?.map(|status| watch.exhausted().unwrap_or_else(|| status.to_string()));
        let watched = watch.watched();
        rows.push(("largest write-ahead log".into(), format!("{:.0} MiB", watched.log_mib)));
        rows.push((
            "requests of `/healthz` without an answer".into(),
            format!("{} of {}", watched.missed, watched.probes),
        ));
        if ended.is_none() {
            server.stop()?;
        }
        report.list("soak", &rows);
        report.fail(ended.map(|how| format!("the server ended: {how}")));
        let excess = watched.memory_mib > table::MEMORY_MIB;
        report.fail(excess.then(|| format!("the server used {:.0} MiB of memory", watched.memory_mib)));
        Ok(())
    }

    fn attack_in_turn(&self, attacks: &[&'static Attack], address: SocketAddrV4) -> Result<()> {
        for attack in attacks {
            eprintln!("xtask: {}", attack.title);
            self.attack_at_once(std::slice::from_ref(attack), address, self.phase)?;
        }
        Ok(())
    }

    /// Carries out attacks at the same time, each from a connection of its own and all from one network.
    fn attack_at_once(&self, attacks: &[&'static Attack], address: SocketAddrV4, phase: Duration) -> Result<()> {
        let until = Instant::now() + phase;
        let attackers: Vec<Attacker<'_>> = attacks.iter().map(|_| Attacker::new(&self.scene, address, until)).collect();
        thread::scope(|scope| {
            let attack = |(attack, attacker)| {
                let (attack, attacker): (&&'static Attack, &Attacker<'_>) = (attack, attacker);
                let run = attack.run;
                scope.spawn(move || attacker::go_last().map(|()| run(attacker)))
            };
            let running: Vec<_> = attacks.iter().zip(&attackers).map(attack).collect();
            attackers.iter().for_each(Attacker::finish);
            running.into_iter().try_for_each(|running| match running.join() {
                Ok(attacked) => attacked,
                Err(_) => bail!("an attacker panicked"),
            })
        })?;
        match attackers.iter().find_map(Attacker::difference) {
            Some(answers) => bail!("answers differ that must be the same: {answers}"),
            None => Ok(()),
        }
    }
}

fn memory(watch: &Watch) -> String {
    format!("{:.0} MiB", watch.watched().memory_mib)
}

/// The moments of one attack.
#[derive(Debug, Clone, Copy)]
struct Trial {
    quiet: Instant,
    begin: Instant,
    end: Instant,
}

impl Trial {
    fn beside(&self, samples: &[samples::Sample]) -> Beside {
        Beside {
            quiet: Latencies::between(samples, self.quiet, self.begin),
            attacked: Latencies::between(samples, self.begin, self.end),
        }
    }

    /// Waits until reads and creates of others are quick again. None if that takes too long or the server has ended.
    fn recovery(&self, others: &Others<'_>, server: &mut Server) -> Result<Option<Duration>> {
        let of = |work: Work| {
            let samples = others.samples(work);
            let quiet = Latencies::between(&samples, self.quiet, self.begin).percentile(99)?;
            recovered(&samples, self.end, quiet * RECOVERED, work.per_window())
        };
        while self.end.elapsed() < RECOVERY && server.ended()?.is_none() {
            if let (Some(reads), Some(creates)) = (of(Work::Read), of(Work::Create)) {
                return Ok(Some(reads.max(creates)));
            }
            thread::sleep(LOOK_AGAIN);
        }
        Ok(None)
    }
}

/// The size of a file in MiB.
fn mib(file: &Path) -> Result<f64> {
    let bytes = fs::metadata(file).with_context(|| format!("reading {}", file.display()))?.len();
    Ok(f64::from(u32::try_from(bytes >> 10)?) / 1024.0)
}

fn v4(address: SocketAddr) -> Result<SocketAddrV4> {
    match address {
        SocketAddr::V4(address) => Ok(address),
        SocketAddr::V6(_) => bail!("the server listens on an address of IPv6"),
    }
}
