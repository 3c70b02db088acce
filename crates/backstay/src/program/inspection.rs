use std::process::ExitCode;

use super::{ask, find, show};
use crate::arguments::{Inspect, Within};
use crate::command::InspectVerb;
use crate::socket::Running;
use crate::{Command, Failure};

pub(super) async fn inspect(inspect: Inspect) -> Result<ExitCode, Failure> {
    let (verb, within): (InspectVerb, Within) = match inspect {
        Inspect::On { period, within } => (InspectVerb::On { seconds: period.0 }, within),
        Inspect::Off(within) => (InspectVerb::Off {}, within),
        Inspect::Show(within) => (InspectVerb::Show {}, within),
    };
    let place = find(&within.app, within.data.as_ref())?;
    if Running::find(&place)?.is_none() {
        return Err(Failure::NothingToInspect);
    }
    show(&within, &ask(&place, Command::Inspect { verb }).await?)
}
