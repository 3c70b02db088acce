use std::io;
use std::path::Path;
use std::process::ExitCode;

use backstay_rest::Style;

use super::find;
use crate::answer::Count;
use crate::arguments::{Export, Import, OnError};
use crate::channel::Channel;
use crate::config::{Log, LogFormat, LogLevel};
use crate::transfer::{
    Chosen, ExportPage, FileImport, Format, FormulaCells, Mode, Reading, TransferError, WholeImport, WholeImported,
    export_all, import_all,
};
use crate::{Command, Failure, compile, logging, stop_signal, transfer};

pub(super) async fn import(arguments: Import) -> Result<ExitCode, Failure> {
    let place = find(&arguments.away.app, arguments.away.data.as_ref())?;
    logging::start(Log { format: LogFormat::Text, level: LogLevel::Warn });
    if let Some(directory) = &arguments.all {
        let compiled = compile(&place)?;
        let channel = Channel::to_import(&place)?;
        let whole = WholeImport {
            directory: directory.clone(),
            skip: arguments.on_error == OnError::Skip,
            restart: arguments.restart,
        };
        let imported = import_all(&channel, compiled.application.model(), &whole).await;
        channel.close();
        let WholeImported { records, refused } = imported?;
        let told = match refused {
            0 => String::new(),
            refused => format!(", {refused} refused: see the files `*.errors.ndjson` in {}", directory.display()),
        };
        super::print(&format!("{} imported{told}\n", Count(records, "record")))?;
        return Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let file = file_import(arguments)?;
    let channel = Channel::to_import(&place)?;
    let outcome = async {
        let outcome = transfer::import(&channel, &file).await?;
        let ends = Command::EndImport { imports: vec![outcome.import.clone()], check: Vec::new() };
        match file.dry_run {
            true => Ok(outcome),
            false => channel.ask(ends).await.map(|_| outcome),
        }
    };
    let outcome: Result<_, Failure> = outcome.await;
    channel.close();
    let outcome = outcome?;
    super::print(&outcome.to_string())?;
    Ok(if outcome.refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn file_import(arguments: Import) -> Result<FileImport, Failure> {
    let Import { collection, file, format, delimiter, encoding, columns, map, update, on_error, errors, .. } =
        arguments;
    let (collection, path) = collection.zip(file).ok_or(TransferError::NoFile)?;
    let errors = errors.unwrap_or_else(|| {
        let mut name = path.clone().into_os_string();
        name.push(".errors.ndjson");
        name.into()
    });
    let list = |text: String| text.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>();
    let reading = Reading {
        format,
        encoding,
        delimiter: delimiter.as_deref().map(delimiter_of).transpose()?,
        columns: columns.map(list),
        unguards: arguments.formulas == FormulaCells::Guard,
    };
    Ok(FileImport {
        path,
        collection,
        mode: update.map_or(Mode::Create, |key| Mode::Update(list(key))),
        reading,
        map,
        skip: on_error == OnError::Skip,
        errors,
        dry_run: arguments.dry_run,
        restart: arguments.restart,
    })
}

/// The character that separates cells.
fn delimiter_of(text: &str) -> Result<u8, TransferError> {
    match text.as_bytes() {
        _ if text == "tab" || text == "\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => Ok(*byte),
        _ => Err(TransferError::Delimiter(text.to_owned())),
    }
}

pub(super) async fn export(arguments: Export) -> Result<ExitCode, Failure> {
    let place = find(&arguments.away.app, arguments.away.data.as_ref())?;
    logging::start(Log { format: LogFormat::Text, level: LogLevel::Warn });
    if let Some(directory) = &arguments.all {
        let compiled = compile(&place)?;
        let channel = Channel::to_export(&place)?;
        let exported = until_stopped(Box::pin(export_all(&channel, compiled.application.model(), directory))).await;
        channel.close();
        tell(exported?, directory);
        return Ok(ExitCode::SUCCESS);
    }
    let collection = arguments.collection.ok_or(TransferError::NoFile)?;
    let page = ExportPage { collection, select: arguments.select, filter: arguments.filter, after: None };
    let file = arguments.file.filter(|file| file.as_os_str() != "-");
    let format = match (arguments.format, &file) {
        (Some(format), _) => format,
        (None, Some(file)) => Format::of_path(file)?,
        (None, None) => Format::Ndjson,
    };
    let delimiter = arguments.delimiter.as_deref().map(delimiter_of).transpose()?;
    let style =
        Style { delimiter: delimiter.unwrap_or(b','), guards_formulas: arguments.formulas == FormulaCells::Guard };
    let chosen = Chosen { page, format, style };
    let channel = Channel::to_export(&place)?;
    let exported = match &file {
        Some(file) => until_stopped(Box::pin(transfer::export_file(&channel, &chosen, file))).await,
        None => transfer::export(&channel, &chosen, &mut io::stdout().lock()).await,
    };
    channel.close();
    match (exported, file) {
        (Ok(records), Some(file)) => tell(records, &file),
        // The reader has seen enough, as `head` does.
        (Err(Failure::Output(error)), None) if error.kind() == io::ErrorKind::BrokenPipe => {}
        (exported, _) => drop(exported?),
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs an export. If the process is told to stop, what was written so far is removed.
async fn until_stopped(export: impl Future<Output = Result<u64, Failure>>) -> Result<u64, Failure> {
    let stopped = stop_signal()?;
    tokio::select! {
        exported = export => exported,
        () = stopped => Err(TransferError::Ended.into()),
    }
}

fn tell(records: u64, path: &Path) {
    logging::tell(&format!("{}: {}\n", path.display(), Count(records, "record")));
}
