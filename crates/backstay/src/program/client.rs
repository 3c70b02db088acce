use std::process::ExitCode;

use backstay_client::DocumentError;

use super::{find, write_out};
use crate::arguments::{Client, Made};
use crate::doors::http_settings;
use crate::{Failure, compile};

/// Makes a text of a document.
type Make = fn(&str) -> Result<String, DocumentError>;

/// Makes a client, or the declarations of functions, from the document that a server of the application would describe itself with.
pub(super) fn client(arguments: &Client) -> Result<ExitCode, Failure> {
    let (make, Made { app, out }): (Make, &Made) = match arguments {
        Client::Typescript(made) => (backstay_client::typescript, made),
        Client::Functions(made) => (backstay_client::declarations, made),
    };
    let place = find(app.path(), None)?;
    let compiled = compile(&place.directory)?;
    let settings = http_settings(&place.config)?;
    let document = backstay_http::describe(compiled.application.model(), place.sizes(), &settings);
    write_out(&make(&document)?, out.as_deref())
}
