use std::process::ExitCode;

use backstay_engine::Stored;

use super::{find, print};
use crate::answer::Count;
use crate::arguments::Reset;
use crate::socket::Running;
use crate::terminal::Terminal;
use crate::{Failure, Place};

/// Deletes the database of an application, after asking.
pub(super) fn reset(arguments: &Reset) -> Result<ExitCode, Failure> {
    let place = find(arguments.whole.app.path(), arguments.whole.data.as_deref())?;
    place.refuse_linked_data()?;
    if Running::find(&place.data)?.is_some() {
        return Err(Failure::ServerRuns { path: place.data, what: "reset" });
    }
    let Some(stored) = place.stored()? else {
        print(&format!("nothing to do: there is no database in {}\n", place.data.display()))?;
        return Ok(ExitCode::SUCCESS);
    };
    if !arguments.yes {
        confirm(&place, &stored)?;
    }
    place.delete_database()?;
    let records = Count(stored.records, "record");
    print(&format!("deleted {records} in {}; the next start begins anew\n", place.data.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn confirm(place: &Place, Stored { application, records }: &Stored) -> Result<(), Failure> {
    let (path, records) = (place.data.clone(), *records);
    let Some(terminal) = Terminal::interactive() else { return Err(Failure::Unconfirmed { path, records }) };
    let what = format!("Delete {} in {}?", Count(records, "record"), path.display());
    let typed = terminal.ask(&format!("{what} Type the application's name, {application}: "))?;
    if typed == *application { Ok(()) } else { Err(Failure::Declined { path }) }
}
