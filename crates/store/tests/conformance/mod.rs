//! The cases that every database must pass, and what they are made of.
#![expect(dead_code, reason = "each test binary uses its part")]

pub(crate) mod cases;
pub(crate) mod script;
