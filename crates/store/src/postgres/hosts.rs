//! The hosts of an address. The driver tries them in turn, too, but waits for ever for one that accepts the connection and then
//! says nothing, such as a primary whose machine is stopped while a standby was promoted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::config::{Host, LoadBalanceHosts};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Error, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long connecting to a host may take if the address doesn't say it.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

type Stream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// Which of an address's hosts is tried first: the last one that could be used. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Hosts(Arc<AtomicUsize>);

impl Hosts {
    /// Connects to the first host that can be used. One that doesn't let a connection be made within `connect_timeout` is left out,
    /// unless it is the last one.
    pub(super) async fn connect(
        &self,
        config: &Config,
        connector: &MakeRustlsConnect,
    ) -> Result<(Client, Connection<Socket, Stream>), Error> {
        let count = count(config);
        if count < 2 || config.get_load_balance_hosts() != LoadBalanceHosts::Disable {
            return config.connect(connector.clone()).await;
        }
        let (first, time) = (self.0.load(Ordering::Relaxed), connect_timeout(config));
        for host in (first..first + count - 1).map(|host| host % count) {
            let alone = alone(config, host);
            if let Ok(Ok(connected)) = timeout(time, alone.connect(connector.clone())).await {
                self.0.store(host, Ordering::Relaxed);
                return Ok(connected);
            }
        }
        let last = (first + count - 1) % count;
        let connected = alone(config, last).connect(connector.clone()).await?;
        self.0.store(last, Ordering::Relaxed);
        Ok(connected)
    }
}

/// How long connecting to a host may take.
pub(super) fn connect_timeout(config: &Config) -> Duration {
    config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT)
}

/// How many hosts an address has.
pub(super) fn count(config: &Config) -> usize {
    config.get_hosts().len().max(config.get_hostaddrs().len())
}

/// The same address with only one of its hosts.
fn alone(config: &Config, host: usize) -> Config {
    let mut alone = sessions(config);
    match config.get_hosts().get(host) {
        Some(Host::Tcp(name)) => _ = alone.host(name),
        Some(Host::Unix(path)) => _ = alone.host_path(path),
        None => {}
    }
    if let Some(address) = config.get_hostaddrs().get(host) {
        alone.hostaddr(*address);
    }
    if let Some(port) = config.get_ports().get(host).or(config.get_ports().first()) {
        alone.port(*port);
    }
    if let Some(time) = config.get_connect_timeout() {
        alone.connect_timeout(*time);
    }
    if let Some(time) = config.get_tcp_user_timeout() {
        alone.tcp_user_timeout(*time);
    }
    if let Some(time) = config.get_keepalives_interval() {
        alone.keepalives_interval(time);
    }
    if let Some(retries) = config.get_keepalives_retries() {
        alone.keepalives_retries(retries);
    }
    alone
        .keepalives(config.get_keepalives())
        .keepalives_idle(config.get_keepalives_idle())
        .ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .target_session_attrs(config.get_target_session_attrs())
        .channel_binding(config.get_channel_binding());
    alone
}

/// What an address says of sessions, wherever they are.
fn sessions(config: &Config) -> Config {
    let mut sessions = Config::new();
    if let Some(user) = config.get_user() {
        sessions.user(user);
    }
    if let Some(password) = config.get_password() {
        sessions.password(password);
    }
    if let Some(name) = config.get_dbname() {
        sessions.dbname(name);
    }
    if let Some(options) = config.get_options() {
        sessions.options(options);
    }
    if let Some(name) = config.get_application_name() {
        sessions.application_name(name);
    }
    sessions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_alone_has_all_that_the_address_says_otherwise() {
        let both = "host=db1,db2 port=5433,5434 user=ada password=secret dbname=news options='-c jit=on' application_name=app \
                    connect_timeout=3 tcp_user_timeout=4 keepalives=1 keepalives_idle=5 keepalives_interval=6 keepalives_retries=7 \
                    sslmode=require target_session_attrs=read-write channel_binding=require";
        let both: Config = both.parse().expect("an address");
        let check = |host: usize, (name, port): (&str, u16)| {
            let mut expected = alone(&both, host);
            assert_eq!((expected.get_hosts(), expected.get_ports()), (&[Host::Tcp(name.to_owned())][..], &[port][..]));
            // Whatever else the driver's type has, or will have, is the same.
            expected.host("other").port(1);
            let mut others: Config = both.clone();
            others.host("third").port(1);
            let shown = |config: &Config| {
                let text = format!("{config:?}");
                let end = |text: &str| text.find(", host:").expect("hosts");
                let rest = text.split_once("connect_timeout: ").expect("what follows the hosts").1.to_owned();
                (text[..end(&text)].to_owned(), rest)
            };
            assert_eq!(shown(&expected), shown(&others));
        };
        check(0, ("db1", 5433));
        check(1, ("db2", 5434));
    }
}
