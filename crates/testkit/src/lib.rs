//! What the tests of several crates share. Only a dev-dependency: never part of the binary.

mod ambient;
#[cfg(feature = "application")]
mod application;
#[cfg(feature = "application")]
mod client;
#[cfg(feature = "doors")]
mod doors;
#[cfg(feature = "mail")]
mod mail_server;
mod pooler;
mod postgres;
#[cfg(feature = "reference")]
pub mod reference;
mod round_trips;

pub use ambient::{TestClock, TestEntropy, controlled, duration, moment};
#[cfg(feature = "application")]
pub use application::{TestApplication, TestDatabase};
#[cfg(feature = "application")]
pub use client::TestClient;
#[cfg(feature = "doors")]
pub use doors::{Reply, TestApp};
#[cfg(feature = "mail")]
pub use mail_server::{Behaviour, MailServer, ReceivedMail};
pub use pooler::Pooler;
pub use postgres::Cluster;
pub use round_trips::RoundTrips;
