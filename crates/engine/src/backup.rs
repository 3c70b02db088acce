use std::path::Path;

use backstay_store::{Checked, Copied, CopyError, Location, OpenOptions, Restored, Restoring, Store, Watch};

use crate::Engine;

impl Engine {
    /// Writes a checked copy of the database into this file, which must not exist; requests go on meanwhile. It has every
    /// write that was answered before. Blocks.
    pub fn back_up(&self, to: &Path, watch: &mut Watch<'_>) -> Result<Checked, CopyError> {
        self.inner.store.back_up(to, watch)
    }

    /// The same of the database at the location of these options, which no process has open, whatever model it was opened
    /// with.
    pub fn back_up_closed(options: &OpenOptions, to: &Path, watch: &mut Watch<'_>) -> Result<Checked, CopyError> {
        Store::back_up_closed(&options.location, to, watch)
    }

    /// Copies the database at one location to another one, which must be empty or hold the beginning of such a copy, and compares
    /// both. No process may use them. Blocks; a database server needs a current multi-threaded tokio runtime.
    pub fn copy(from: &Location, to: &Location, watch: &mut Watch<'_>) -> Result<Copied, CopyError> {
        Store::copy(from, to, watch)
    }

    /// Makes a backup the database at the location of these options, which no process may use. The database before stays in
    /// a directory of its own. Blocks.
    pub fn restore(
        options: &OpenOptions,
        restoring: &Restoring<'_>,
        watch: &mut Watch<'_>,
    ) -> Result<Restored, CopyError> {
        Store::restore(&options.location, restoring, watch)
    }
}
