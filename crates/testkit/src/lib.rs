//! What tests of several crates share. A dev-dependency only: never part of the binary.

mod ambient;
#[cfg(feature = "application")]
mod application;
mod postgres;

pub use ambient::{TestClock, TestEntropy, controlled};
#[cfg(feature = "application")]
pub use application::TestApplication;
pub use postgres::Cluster;
