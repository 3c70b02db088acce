//! Accounts, operators and API keys on a real database, with a clock that the test controls.

mod accounts;
mod administration;
mod attempts;
mod capability;
mod claims;
mod grants;
mod invitations;
mod links;
mod me;
mod operators;
mod revocation;
mod secrets;
mod sign_up;
mod support;
mod texts;
mod verified;
