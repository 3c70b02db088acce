//! Accounts, operators and services on a real database, with time in the hand of the test.

mod accounts;
mod administration;
mod attempts;
mod claims;
mod invitations;
mod me;
mod operators;
mod revocation;
mod secrets;
mod sign_up;
mod support;
