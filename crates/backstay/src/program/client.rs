use std::process::ExitCode;

use super::{find, write_out};
use crate::arguments::{Client, Made};
use crate::doors::http_settings;
use crate::{Failure, compile};

/// Makes a client from the document that a server of the application would describe itself with.
pub(super) fn client(arguments: &Client) -> Result<ExitCode, Failure> {
    let Client::Typescript(Made { app, out }) = arguments;
    let place = find(app.path(), None)?;
    let compiled = compile(&place.directory)?;
    let settings = http_settings(&place.config)?;
    let document = backstay_http::describe(compiled.application.model(), place.sizes(), &settings);
    write_out(&backstay_client::typescript(&document)?, out.as_deref())
}
