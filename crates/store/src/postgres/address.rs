use std::path::PathBuf;
use std::time::Duration;

use backstay_base::{Secret, limits};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::hosts::{self, CONNECT_TIMEOUT, Hosts};
use super::tls::{Roots, Verification, connector};
use crate::{Location, OpenError, ServerProblem};

/// What every session sets: values look the same whatever the server's and the user's defaults are, transactions mean
/// what they are written for, and a connection whose other end is gone releases what it holds.
const SESSION: &str = "-c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres -c bytea_output=hex \
                       -c default_transaction_isolation=read\\ committed \
                       -c client_connection_check_interval=5000 -c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 \
                       -c tcp_keepalives_count=3 -c statement_timeout=0 -c lock_timeout=0";
/// What the address may set otherwise: compiling statements takes longer than most of them.
const DEFAULTS: &str = "-c jit=off";

/// What a session of this process is known by to itself: a pooler between doesn't pass it on.
pub(super) const MARK: &str = "backstay.process";

/// The value of `MARK`, which no server has by itself.
pub(super) fn mark() -> String {
    format!("process-{}", std::process::id())
}

/// A database on a server, and how to connect to it.
#[derive(Clone)]
pub(super) struct Address {
    /// What errors call it.
    name: String,
    pub(super) config: Config,
    pub(super) connector: MakeRustlsConnect,
    leads_to: LeadsTo,
    pub(super) hosts: Hosts,
}

/// What answers at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeadsTo {
    Server,
    Pooler,
}

impl Address {
    /// Reads a URL, or a libpq connection string, of the server that writes. Of several hosts, that is the one that isn't a
    /// standby, unless the address wants it otherwise.
    pub(super) fn read(url: &Secret) -> Result<Self, OpenError> {
        let mut address = Self::of_replica(url)?;
        let config = &mut address.config;
        if hosts::count(config) > 1 && config.get_target_session_attrs() == TargetSessionAttrs::Any {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        Ok(address)
    }

    /// Reads the address of a standby that answers reads: any of its hosts may.
    pub(super) fn of_replica(url: &Secret) -> Result<Self, OpenError> {
        let name = Location::Url(url.clone()).to_string();
        read(url.expose())
            .map(|read| Self::new(name.clone(), read, LeadsTo::Server))
            .map_err(|problem| OpenError::Server { database: name, problem })
    }

    /// Reads the address of a pooler, which passes on nothing that a session sets.
    pub(super) fn of_pooler(url: &Secret) -> Result<Self, OpenError> {
        let name = Location::Url(url.clone()).to_string();
        let read = read_parameters(url.expose()).and_then(|(config, connector)| match config.get_options() {
            None => Ok((config, connector)),
            Some(_) => Err(ServerProblem::Parameter("`options` of a pooler".to_owned())),
        });
        read.map(|read| Self::new(name.clone(), read, LeadsTo::Pooler))
            .map_err(|problem| OpenError::Server { database: name, problem })
    }

    fn new(name: String, (config, connector): (Config, MakeRustlsConnect), leads_to: LeadsTo) -> Self {
        Self { name, config, connector, leads_to, hosts: Hosts::default() }
    }

    /// The error of a database that can't be used.
    pub(super) fn failed(&self, problem: ServerProblem) -> OpenError {
        OpenError::Server { database: self.name.clone(), problem }
    }

    /// Whether only a host that lets sessions write is wanted.
    pub(super) fn wants_to_write(&self) -> bool {
        self.config.get_target_session_attrs() == TargetSessionAttrs::ReadWrite
    }

    /// What answers there.
    pub(super) fn leads_to(&self) -> LeadsTo {
        self.leads_to
    }

    /// What errors call it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The same database for requests: none of them waits long for a lock, because others then wait for a connection.
    pub(super) fn serving(&self) -> Config {
        self.with(&format!("-c lock_timeout={}s", limits::LOCK_SECONDS))
    }

    /// The same for statements that may be durable later than they are acknowledged.
    pub(super) fn relaxed(&self) -> Config {
        self.with(&format!("-c lock_timeout={}s -c synchronous_commit=off", limits::LOCK_SECONDS))
    }

    fn with(&self, more: &str) -> Config {
        let mut config = self.config.clone();
        let options = config.get_options().unwrap_or_default().to_owned();
        config.options(format!("{options} {more}"));
        config
    }
}

/// The parameters that are about TLS and that the driver doesn't know.
#[derive(Default)]
struct Parameters {
    mode: Option<String>,
    roots: Option<String>,
}

/// An address with what every session sets.
fn read(url: &str) -> Result<(Config, MakeRustlsConnect), ServerProblem> {
    let (mut config, connector) = read_parameters(url)?;
    let options = config.get_options().unwrap_or_default().to_owned();
    let (idle, mark) = (limits::IDLE_TRANSACTION_SECONDS, mark());
    config.options(format!(
        "{DEFAULTS} {options} {SESSION} -c idle_in_transaction_session_timeout={idle}s -c {MARK}={mark}"
    ));
    Ok((config, connector))
}

fn read_parameters(url: &str) -> Result<(Config, MakeRustlsConnect), ServerProblem> {
    let mut own = Parameters::default();
    let rest = own.take(url)?;
    let mut config: Config = rest.parse().map_err(|error| address(&error))?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(ServerProblem::Address("it names no host".to_owned()));
    }
    require_equal_counts(&config)?;
    let (mode, verification) = own.meaning(config.get_ssl_mode())?;
    let is_local = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
    // As libpq has it, sockets of the same machine need no TLS.
    config.ssl_mode(if is_local { SslMode::Disable } else { mode });
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_application_name().is_none() {
        config.application_name("backstay");
    }
    config.keepalives_idle(Duration::from_secs(30)).keepalives_interval(Duration::from_secs(10)).keepalives_retries(3);
    Ok((config, connector(verification)?))
}

/// Refuses hosts, host addresses and ports that don't belong together: each host has one of them, but all can share a port.
fn require_equal_counts(config: &Config) -> Result<(), ServerProblem> {
    let (hosts, addresses, ports) = (config.get_hosts().len(), config.get_hostaddrs().len(), config.get_ports().len());
    let count = hosts::count(config);
    if hosts > 0 && addresses > 0 && hosts != addresses {
        return Err(ServerProblem::Address(format!(
            "the numbers of `host` ({hosts}) and `hostaddr` ({addresses}) differ; give one `hostaddr` for each `host`"
        )));
    }
    if ports > 1 && ports != count {
        return Err(ServerProblem::Address(format!(
            "the numbers of hosts ({count}) and ports ({ports}) differ; give one port for all hosts, or one for each"
        )));
    }
    Ok(())
}

impl Parameters {
    /// Takes these parameters out of a URL.
    fn take(&mut self, url: &str) -> Result<String, ServerProblem> {
        let Some((base, query)) = url.split_once('?').filter(|(base, _)| base.contains("://")) else {
            return Ok(url.to_owned());
        };
        let mut kept = Vec::new();
        for parameter in query.split('&') {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match name {
                "sslmode" => self.mode = Some(value.to_owned()),
                "sslrootcert" => self.roots = Some(decoded(value)?),
                "sslcert" | "sslkey" | "sslpassword" | "sslcrl" | "sslcrldir" | "passfile" | "service"
                | "gssencmode" | "krbsrvname" | "requirepeer" | "require_auth" => {
                    return Err(ServerProblem::Parameter(format!("`{name}`")));
                }
                _ => kept.push(parameter),
            }
        }
        Ok(if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) })
    }

    /// Whether there is TLS and what of the server's certificate is verified, as libpq means it.
    fn meaning(&self, written: SslMode) -> Result<(SslMode, Verification), ServerProblem> {
        let roots = || self.roots.as_deref().map_or_else(Roots::usual, |named| Ok(Roots::named(named)));
        Ok(match self.mode.as_deref() {
            None => (written, Verification::Nothing),
            Some("disable") => (SslMode::Disable, Verification::Nothing),
            Some("prefer" | "allow") => (SslMode::Prefer, Verification::Nothing),
            // With certificates to verify with, it is the same as `verify-ca`.
            Some("require") => match &self.roots {
                None => (SslMode::Require, Verification::Nothing),
                Some(named) => (SslMode::Require, Verification::Authority(Roots::named(named))),
            },
            Some("verify-ca") => (SslMode::Require, Verification::Authority(roots()?)),
            Some("verify-full") => (SslMode::Require, Verification::Name(roots()?)),
            Some(_) => {
                let modes = "`sslmode` is one of disable, prefer, require, verify-ca and verify-full";
                return Err(ServerProblem::Address(modes.to_owned()));
            }
        })
    }
}

/// A percent-encoded value.
fn decoded(value: &str) -> Result<String, ServerProblem> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        let hex = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        bytes.push(match byte {
            b'%' => match (hex(rest.next()), hex(rest.next())) {
                // Two digits make a byte.
                (Some(high), Some(low)) => u8::try_from(high * 16 + low).unwrap_or(b'?'),
                _ => return Err(ServerProblem::Address("a `%` must be followed by two digits".to_owned())),
            },
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| ServerProblem::Address("it isn't UTF-8".to_owned()))
}

/// Why the driver can't read the rest; its message names a parameter at most.
fn address(error: &tokio_postgres::Error) -> ServerProblem {
    let source = std::error::Error::source(error);
    ServerProblem::Address(source.map_or_else(|| error.to_string(), ToString::to_string))
}

impl Roots {
    /// What `sslrootcert` names.
    fn named(name: &str) -> Self {
        if name == "system" { Self::System } else { Self::File(PathBuf::from(name)) }
    }

    /// The file that libpq uses if none is named.
    fn usual() -> Result<Self, ServerProblem> {
        let home = std::env::var_os("HOME").map(PathBuf::from).ok_or(ServerProblem::NoCertificates)?;
        let file = home.join(".postgresql/root.crt");
        if file.exists() { Ok(Self::File(file)) } else { Err(ServerProblem::NoCertificates) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_of_tls_mean_what_they_mean_to_libpq() {
        let check = |url: &str, expected: &str| {
            let mut own = Parameters::default();
            let meant = own.take(url).and_then(|rest| {
                let config: Config = rest.parse().map_err(|error| address(&error))?;
                own.meaning(config.get_ssl_mode())
            });
            let meant = match meant {
                Ok((mode, verification)) => format!("{mode:?} {verification:?}"),
                Err(problem) => problem.to_string(),
            };
            assert_eq!(meant, expected, "{url}");
        };
        check("postgres://a@db/x", "Prefer Nothing");
        check("postgres://a@db/x?sslmode=disable", "Disable Nothing");
        check("postgres://a@db/x?sslmode=require", "Require Nothing");
        check("postgres://a@db/x?sslmode=require&sslrootcert=%2Fca.pem", "Require Authority(File(\"/ca.pem\"))");
        check("postgres://a@db/x?sslmode=verify-ca&sslrootcert=ca.pem", "Require Authority(File(\"ca.pem\"))");
        check("postgres://a@db/x?sslrootcert=system&sslmode=verify-full", "Require Name(System)");
        check("host=db user=a sslmode=require", "Require Nothing");
        check(
            "postgres://a@db/x?sslmode=full",
            "the address can't be read: `sslmode` is one of disable, prefer, require, verify-ca and verify-full",
        );
        check(
            "postgres://a@db/x?sslcert=a.crt",
            "the address has a parameter that Backstay doesn't support: `sslcert`",
        );
        check("postgres://a@db/x?colour=red", "the address can't be read: unknown option `colour`");
        check("postgres://a@db/x?sslrootcert=%2", "the address can't be read: a `%` must be followed by two digits");
    }

    #[test]
    fn an_address_needs_a_host() {
        let read = |url: &str| {
            Address::read(&Secret::new(url.to_owned())).map(|address| address.name).map_err(|error| error.to_string())
        };
        assert_eq!(read("postgres://ada:secret@db/news"), Ok("postgres://ada@db/news".to_owned()));
        let refused = "cannot use postgres:///news: the address can't be read: it names no host";
        assert_eq!(read("postgres:///news"), Err(refused.to_owned()));
    }

    #[test]
    fn each_host_has_an_address_and_a_port() {
        let check = |url: &str, expected: Result<(), &str>| {
            let read = read_parameters(url).map(drop).map_err(|problem| problem.to_string());
            assert_eq!(read, expected.map_err(|told| format!("the address can't be read: {told}")), "{url}");
        };
        check("host=a,b port=1,2 user=ada", Ok(()));
        check("host=a,b port=1 user=ada", Ok(()));
        check("host=a,b user=ada", Ok(()));
        check("host=a,b hostaddr=192.0.2.1,192.0.2.2 port=1 user=ada", Ok(()));
        check("hostaddr=192.0.2.1,192.0.2.2 port=1,2 user=ada", Ok(()));
        check(
            "host=a,b port=1,2,3 user=ada",
            Err("the numbers of hosts (2) and ports (3) differ; give one port for all hosts, or one for each"),
        );
        check(
            "host=a port=1,2 user=ada",
            Err("the numbers of hosts (1) and ports (2) differ; give one port for all hosts, or one for each"),
        );
        check(
            "host=a,b hostaddr=192.0.2.1 user=ada",
            Err("the numbers of `host` (2) and `hostaddr` (1) differ; give one `hostaddr` for each `host`"),
        );
    }

    #[test]
    fn of_several_hosts_the_one_that_writes_is_wanted() {
        use TargetSessionAttrs::{Any, ReadOnly, ReadWrite};
        let check = |url: &str, (server, replica): (TargetSessionAttrs, TargetSessionAttrs)| {
            let secret = Secret::new(url.to_owned());
            let wanted =
                |read: Result<Address, OpenError>| read.map(|read| read.config.get_target_session_attrs()).ok();
            let (server, replica) = (Some(server), Some(replica));
            assert_eq!(
                (wanted(Address::read(&secret)), wanted(Address::of_replica(&secret))),
                (server, replica),
                "{url}"
            );
        };
        check("postgres://ada@a/news", (Any, Any));
        check("postgres://ada@a,b/news", (ReadWrite, Any));
        check("postgres://ada@a,b/news?target_session_attrs=read-only", (ReadOnly, ReadOnly));
    }
}
