//! Accounts, operators and services on a real database, with time in the hand of the test.

mod accounts;
mod attempts;
mod operators;
mod revocation;
mod secrets;
mod support;
