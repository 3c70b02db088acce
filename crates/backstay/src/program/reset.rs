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
    let place = find(arguments.whole.app.path(), arguments.whole.data.as_ref())?;
    place.refuse_linked_data()?;
    if Running::find(&place)?.is_some() {
        return Err(Failure::ServerRuns { place: place.database, what: "reset" });
    }
    let Some(stored) = place.stored()? else {
        print(&format!("nothing to do: there is no database in {}\n", place.database))?;
        return Ok(ExitCode::SUCCESS);
    };
    if !arguments.yes {
        confirm(&place, &stored)?;
    }
    place.delete_database()?;
    let records = Count(stored.records, "record");
    print(&format!("deleted {records} in {}; the next start creates it again\n", place.database))?;
    Ok(ExitCode::SUCCESS)
}

fn confirm(place: &Place, Stored { application, records }: &Stored) -> Result<(), Failure> {
    let (place, records) = (place.database.clone(), *records);
    let Some(terminal) = Terminal::interactive() else { return Err(Failure::Unconfirmed { place, records }) };
    let what = format!("Delete {} in {place}?", Count(records, "record"));
    let typed = terminal.ask(&format!("{what} Type the application's name, {application}: "))?;
    if typed == *application { Ok(()) } else { Err(Failure::Declined { place }) }
}
