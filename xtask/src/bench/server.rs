use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Workshop;
use super::client::Client;

/// How long a server may take to become ready, including seeding.
const PATIENCE: Duration = Duration::from_mins(10);

/// A server to measure. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    /// The time from its start to its first answer.
    pub(crate) ready_after: Duration,
}

impl Server {
    /// Starts Backstay on an application and waits until it is ready.
    pub(crate) fn backstay(workshop: &Workshop, application: &Path, data: &Path) -> Result<Self> {
        Self::program(&workshop.program("backstay"), &workshop.scratch, application, data)
    }

    /// The same with this program, whose log goes to the scratch directory.
    pub(crate) fn program(program: &Path, scratch: &Path, application: &Path, data: &Path) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(program);
        Self::serve(&mut command, application, data, address);
        Self::start(scratch, "backstay", command, address, "/readyz")
    }

    /// Starts Backstay under callgrind, which counts instructions and writes its files into the scratch directory.
    pub(crate) fn counted(workshop: &Workshop, application: &Path, data: &Path) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new("valgrind");
        let files = workshop.scratch.join("callgrind.out");
        command.args(["--tool=callgrind", "--quiet"]).arg(format!("--callgrind-out-file={}", files.display()));
        command.arg(workshop.program("backstay"));
        Self::serve(&mut command, application, data, address);
        Self::start(&workshop.scratch, "callgrind", command, address, "/readyz")
    }

    /// Starts the control that answers every request with this body.
    pub(crate) fn constant(workshop: &Workshop, name: &str, body: &[u8]) -> Result<Self> {
        let file = workshop.scratch.join(format!("{name}.json"));
        fs::write(&file, body).context("cannot write the control's body")?;
        let address = free_address()?;
        let mut command = Command::new(workshop.program("control-http"));
        command.arg("--listen").arg(address.to_string()).arg("--body").arg(file);
        Self::start(&workshop.scratch, name, command, address, "/")
    }

    /// Starts the control that inserts rows, at most this many per commit.
    pub(crate) fn inserting(workshop: &Workshop, group: usize) -> Result<Self> {
        let name = format!("control-insert-{group}");
        let database = workshop.scratch.join(format!("{name}.db"));
        let address = free_address()?;
        let mut command = Command::new(workshop.program("control-insert"));
        command.arg("--listen").arg(address.to_string()).arg("--group").arg(group.to_string());
        command.arg("--database").arg(database);
        Self::start(&workshop.scratch, &name, command, address, "/")
    }

    fn serve(command: &mut Command, application: &Path, data: &Path, address: SocketAddr) {
        command.arg("serve").arg(application).arg("--data").arg(data).arg("--listen").arg(address.to_string());
    }

    fn start(scratch: &Path, name: &str, mut command: Command, address: SocketAddr, probe: &str) -> Result<Self> {
        let log_path = scratch.join(format!("{name}.log"));
        let log = File::create(&log_path).context("cannot create the server's log")?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let begin = Instant::now();
        let child = command.spawn().with_context(|| format!("starting {name}"))?;
        let mut server = Self { child, address, ready_after: Duration::ZERO };
        while begin.elapsed() < PATIENCE {
            if let Some(status) = server.child.try_wait()? {
                bail!("{name} ended with {status}; see {}", log_path.display());
            }
            let answer = Client::connect(address).and_then(|mut client| client.send("GET", probe, None));
            if answer.is_ok_and(|answer| answer.status != 503) {
                server.ready_after = begin.elapsed();
                return Ok(server);
            }
            thread::sleep(Duration::from_millis(1));
        }
        bail!("{name} is not ready after {PATIENCE:?}; see {}", log_path.display());
    }

    /// Connects to it.
    pub(crate) fn client(&self) -> Result<Client> {
        Client::connect(self.address)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its process id.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Its resident memory in MiB.
    pub(crate) fn resident_mib(&self) -> Result<f64> {
        memory_mib(self.child.id(), "VmRSS:")
    }

    /// What of it no file holds, in MiB: the kernel can't take it back as it can the pages of the program's file.
    pub(crate) fn own_mib(&self) -> Result<f64> {
        memory_mib(self.child.id(), "RssAnon:")
    }

    /// How it ended, unless it is running.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Asks it to stop and waits until it has.
    pub(crate) fn stop(mut self) -> Result<()> {
        let signal = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status()?;
        if !signal.success() {
            bail!("kill failed with {signal}");
        }
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A figure of `/proc/PID/status` in MiB: `VmRSS:`, the resident memory, or `VmHWM:`, the most that it has been. Fails if
/// the process has ended.
pub(crate) fn memory_mib(process: u32, figure: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).context("reading /proc")?;
    let line = status.lines().find_map(|line| line.strip_prefix(figure)).with_context(|| figure.to_owned())?;
    let kib: u32 = line.trim().trim_end_matches(" kB").parse().with_context(|| figure.to_owned())?;
    Ok(f64::from(kib) / 1024.0)
}

/// A port that is free at the moment.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot find a free port")?;
    Ok(listener.local_addr()?)
}
