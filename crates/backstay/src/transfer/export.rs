use std::io::Write;
use std::path::Path;

use backstay_rest::{Column, RecordWriter, Style};

use super::part::Part;
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
    let (mut page, mut file) = (chosen.page.clone(), None);
    let mut text = Vec::new();
    loop {
        let Answer::Exported { exported } = channel.ask(Command::Export { page: page.clone() }).await? else {
            return Err(TransferError::Answer.into());
        };
        let Exported { columns, records, next } = exported;
        let writer = file.get_or_insert_with(|| {
            let column = |(name, is_json): (String, bool)| Column { name: name.into(), is_json };
            let columns = columns.into_iter().map(column).collect();
            let writer = RecordWriter::new(chosen.format.of_file(), chosen.style, columns);
            writer.begin(&mut text);
            writer
        });
        for record in &records {
            writer.record(&mut text, record.as_bytes())?;
        }
        if next.is_none() {
            writer.end(&mut text);
        }
        out.write_all(&text).map_err(Failure::Output)?;
        text.clear();
        page.after = next;
        if page.after.is_none() {
            out.flush().map_err(Failure::Output)?;
            return Ok(writer.records());
        }
    }
}

/// Writes all records that are chosen into a file, which appears when it is complete.
pub(crate) async fn export_file(channel: &Channel<'_>, chosen: &Chosen, path: &Path) -> Result<u64, Failure> {
    let fail = |source| Failure::Write { path: path.to_owned(), source };
    let mut part = Part::begin(path)?;
    let records = export(channel, chosen, &mut part.file).await.map_err(|failure| match failure {
        Failure::Output(source) => fail(source),
        failure => failure,
    })?;
    part.complete(path).map_err(fail)?;
    Ok(records)
}
