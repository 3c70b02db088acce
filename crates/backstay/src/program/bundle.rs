use std::process::ExitCode;

use super::{find, print};
use crate::Failure;
use crate::arguments::Bundle;

/// Makes the files of the packages that functions import, and says which.
pub(super) fn bundle(arguments: &Bundle) -> Result<ExitCode, Failure> {
    let place = find(arguments.app.path(), None)?;
    let bundled = crate::bundle::bundle(&place.directory)?;
    for (file, bytes) in &bundled.made {
        print(&format!("{file}  {} KiB\n", bytes.div_ceil(1024)))?;
    }
    for file in &bundled.removed {
        print(&format!("{file}  removed: nothing imports it\n"))?;
    }
    if bundled.made.is_empty() {
        print("no file in functions/ imports a package\n")?;
    }
    Ok(ExitCode::SUCCESS)
}
