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
    let what = described(&stored);
    print(&format!("deleted {what} in {}; the next start creates it again\n", place.database))?;
    Ok(ExitCode::SUCCESS)
}

fn confirm(place: &Place, stored: &Stored) -> Result<(), Failure> {
    let (place, what) = (place.database.clone(), described(stored));
    let Some(terminal) = Terminal::interactive() else { return Err(Failure::Unconfirmed { place, what }) };
    let (name, expected) = match stored {
        Stored::Records(records) => ("the application's name, ", records.application.as_str()),
        Stored::UnfinishedCopy => ("", "yes"),
    };
    let typed = terminal.ask(&format!("Delete {what} in {place}? Type {name}{expected}: "))?;
    if typed == expected { Ok(()) } else { Err(Failure::Declined { place }) }
}

fn described(stored: &Stored) -> String {
    match stored {
        Stored::Records(records) => Count(records.count, "record").to_string(),
        Stored::UnfinishedCopy => "an unfinished copy".to_owned(),
    }
}
