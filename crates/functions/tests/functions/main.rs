//! Functions as they run: what they can do, and what they can't do to anybody else.

#![expect(clippy::panic, reason = "a test fails by it")]

mod attacks;
mod fetching;
mod harness;
mod numbers;
mod refusals;
mod requests;
mod routes;
mod sources;
mod web;
