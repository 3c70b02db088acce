//! Webhooks of an application on a temporary database, with a clock that the tests control, to servers of this machine.

mod administration;
mod delivering;
mod failing;
mod receiver;
mod rights;
mod support;
