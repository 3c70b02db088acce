use backstay_engine::CopyError;

/// What to do about a backup or a restore that failed.
pub(super) fn help(error: &CopyError) -> Option<String> {
    let help = match error {
        CopyError::Exists { .. } => "choose another name, or remove that file",
        CopyError::Underway { .. } => "wait until it is complete, or choose another name",
        CopyError::Itself { .. } | CopyError::NotAFile { .. } => "name a file that `backstay backup FILE` has made",
        CopyError::Damaged { .. } => "nothing was changed; use another backup",
        CopyError::InUse { .. } => "`backstay backup FILE` makes a backup of it, which can be restored",
        CopyError::OtherApplication { .. } => "nothing was changed; if this is what you want, add --any-application",
        CopyError::OnServer => {
            "use `pg_dump --format=custom --file=FILE URL`, and to restore it into an empty database `pg_restore \
             --exit-on-error --single-transaction --dbname=URL FILE`"
        }
        CopyError::Empty { .. } => {
            "name a data directory, which holds `backstay.db` (by default it is `.backstay` in the application's directory), or \
             the address of a PostgreSQL database"
        }
        CopyError::OlderFormat { .. } => "open it once with this version: `backstay migrate apply`; then copy it",
        CopyError::NotEmpty { .. } => "copy to an empty database or a new directory",
        CopyError::OtherCopy { .. } => "delete it, and copy to an empty database or a new directory",
        CopyError::Differs { .. } => {
            "another program may have changed one of the two; delete the copy and make it anew, and report it if it happens again"
        }
        CopyError::Write { .. }
        | CopyError::Read { .. }
        | CopyError::Outpaced { .. }
        | CopyError::Interrupted
        | CopyError::Open(_)
        | CopyError::Store(_) => return None,
    };
    Some(help.to_owned())
}
