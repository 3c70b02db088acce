//! What tests of several crates share. A dev-dependency only: never part of the binary.

mod postgres;

pub use postgres::Cluster;
