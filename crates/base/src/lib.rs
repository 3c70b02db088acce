//! The words every crate of Backstay shares: typed ids, values, the caller, time, money, limits, secrets and the
//! error of the domain. Does no I/O, and knows nothing of HTTP, SQL or JSON documents.

mod ambient;
mod caller;
mod error;
mod id;
pub mod limits;
mod money;
mod nearest;
mod secret;
mod time;
mod value;

pub use ambient::{Ambient, Clock, Entropy, SystemClock, SystemEntropy};
pub use caller::{Caller, CallerKind};
pub use error::{Action, Conflict, Error, Limit, Unauthenticated, Violation, ViolationKind};
pub use id::{FieldNumber, IdSource, RecordId, RequestId, TypeNumber};
pub use money::{Currency, MONEY_SCALE, Money, MoneyError};
pub use nearest::nearest;
pub use secret::Secret;
pub use time::{Date, Duration, TimeError, Timestamp};
pub use value::{Value, ValueRef};
