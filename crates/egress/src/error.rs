use std::io;
use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;

/// Why a request to another server has no answer.
#[derive(Debug, Error)]
pub enum EgressError {
    /// The text is no address that can be asked.
    #[error("`{url}` can't be called: {problem}")]
    Url {
        /// What was given, without a password.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A header has a name or value that HTTP doesn't have, or is one that the client writes itself.
    #[error("the header `{0}` can't be sent")]
    Header(String),
    /// The name has no address.
    #[error("{host} has no address")]
    Unknown {
        /// The name.
        host: String,
        /// What the resolver says, if it says something.
        #[source]
        source: Option<io::Error>,
    },
    /// All addresses are private, and aren't allowed.
    #[error(
        "{host} has the address {address}, which is private or local; to call it, name its network in `egress.allow`"
    )]
    Private {
        /// The host of the URL.
        host: String,
        /// One of its addresses.
        address: IpAddr,
    },
    /// No connection was made.
    #[error("can't connect to {host}")]
    Connect {
        /// The host of the URL.
        host: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The server has no certificate for this name that anybody known has signed.
    #[error("no secure connection to {host}")]
    Tls {
        /// The host of the URL.
        host: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The time is up.
    #[error("{host} didn't {what} within {} ms", limit.as_millis())]
    Timeout {
        /// The host of the URL.
        host: String,
        /// What it didn't do: `accept a connection` or `answer`.
        what: &'static str,
        /// The time that it had.
        limit: Duration,
    },
    /// The body of the answer is too large.
    #[error("the answer of {host} is larger than {limit} bytes")]
    TooLarge {
        /// The host of the URL.
        host: String,
        /// The most that is read.
        limit: usize,
    },
    /// The connection broke, or what came isn't HTTP.
    #[error("{host} gave no answer that can be read")]
    Protocol {
        /// The host of the URL.
        host: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The operating system has no certificates of authorities, so no server can be trusted.
    #[error("no certificates of authorities were found; install the package `ca-certificates`")]
    NoAuthorities,
    /// An authority that was given isn't a certificate.
    #[error("a certificate of an authority can't be read")]
    Authority(#[source] Box<dyn std::error::Error + Send + Sync>),
}
