//! The queue on a real database: `BACKSTAY_TEST_DATABASE` chooses which.

mod changes;
mod running;
mod schedules;
mod support;
