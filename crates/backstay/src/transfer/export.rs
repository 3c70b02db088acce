use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use backstay_rest::{Style, Table};

use super::{ExportPage, Exported, Format, TransferError};
use crate::channel::Channel;
use crate::{Answer, Command, Failure};

/// What is exported, and how it is written.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    pub(crate) page: ExportPage,
    pub(crate) format: Format,
    pub(crate) style: Style,
}

/// Writes all records that are chosen, in the order of their ids. Returns how many there are.
pub(crate) async fn export(channel: &Channel<'_>, chosen: &Chosen, out: &mut dyn Write) -> Result<u64, Failure> {
    let (mut page, mut records, mut table) = (chosen.page.clone(), 0, None);
    let mut text = Vec::new();
    loop {
        let Answer::Exported { exported } = channel.ask(Command::Export { page: page.clone() }).await? else {
            return Err(TransferError::Answer.into());
        };
        let Exported { columns, records: read, next } = exported;
        if table.is_none() && chosen.format == Format::Csv {
            let columns = columns.into_iter().map(|(name, is_json)| (name.into(), is_json)).collect();
            table.insert(Table::new(chosen.style, columns)).header(&mut text);
        }
        for record in &read {
            match (chosen.format, &table) {
                (Format::Csv, Some(table)) => table.record(&mut text, record.as_bytes())?,
                (Format::Json, _) => {
                    text.extend_from_slice(if records == 0 { b"[\n" } else { b",\n" });
                    text.extend_from_slice(record.as_bytes());
                }
                (Format::Ndjson | Format::Csv, _) => {
                    text.extend_from_slice(record.as_bytes());
                    text.push(b'\n');
                }
            }
            records += 1;
        }
        out.write_all(&text).map_err(Failure::Output)?;
        text.clear();
        page.after = next;
        if page.after.is_none() {
            break;
        }
    }
    if chosen.format == Format::Json {
        out.write_all(if records == 0 { b"[]\n" } else { b"\n]\n" }).map_err(Failure::Output)?;
    }
    out.flush().map_err(Failure::Output)?;
    Ok(records)
}

/// A new file that only its owner may read: records may be secret. Nothing that is there already is written to.
pub(super) fn create(path: &Path) -> io::Result<BufWriter<File>> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(BufWriter::with_capacity(1 << 18, file))
}

/// Writes all records that are chosen into a file, which appears when it is complete.
pub(crate) async fn export_file(channel: &Channel<'_>, chosen: &Chosen, path: &Path) -> Result<u64, Failure> {
    let fail = |source| Failure::Write { path: path.to_owned(), source };
    let mut name = path.file_name().map(std::ffi::OsStr::to_owned).unwrap_or_default();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let mut file = create(&part).map_err(fail)?;
    let exported = match export(channel, chosen, &mut file).await {
        Err(Failure::Output(source)) => Err(fail(source)),
        exported => exported,
    };
    let written = exported.and_then(|records| {
        let synced = file.get_ref().sync_all().and_then(|()| std::fs::rename(&part, path));
        synced.map_err(fail).map(|()| records)
    });
    if written.is_err() {
        // It is of no use, and the disk may be full.
        let _ = std::fs::remove_file(&part);
    }
    written
}
