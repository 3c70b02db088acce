//! What every crate of Backstay shares: typed ids, the caller, the clock, limits, secrets and the error of the domain.
//! Does no I/O, and knows nothing of HTTP, SQL or JSON.

mod ambient;
mod bucket;
mod calendar;
mod caller;
mod causes;
mod cron;
mod error;
mod fair_queue;
mod flow;
mod grant;
mod id;
mod large_deletion;
pub mod limits;
mod memory;
mod nearest;
mod network;
mod place;
mod priority;
mod secret;
mod subnet;
mod time;
mod zone;

pub use ambient::{Ambient, Clock, Entropy, SystemClock, SystemEntropy};
pub use bucket::Bucket;
pub use calendar::{CalendarField, Period};
pub use caller::{Caller, CallerKind, OwnRecord};
pub use causes::with_causes;
pub use cron::{Cron, CronField, CronProblem};
pub use error::{
    Action, Conflict, Error, Limit, Overlap, RefusedByProcedure, RefusedTransition, Related, Shared, Unauthenticated,
    Violation, ViolationKind,
};
pub use fair_queue::{Bounds, FairQueue, QueueFull, Queued};
pub use flow::{Flow, Source};
pub use grant::Grant;
pub use id::{DependencyKey, FieldNumber, IdSource, KeyForm, KeyRef, RecordId, RequestId, TypeNumber};
pub use large_deletion::{Excess, LargeDeletion, Remedy};
pub use memory::{Held, Memory, Reserve};
pub use nearest::nearest;
pub use network::Network;
pub use place::{Place, Step};
pub use priority::{give_way, lower_priority};
pub use secret::Secret;
pub use subnet::{ParseSubnetError, Subnet};
pub use time::{Date, Duration, TimeError, Timestamp};
pub use zone::Zone;
