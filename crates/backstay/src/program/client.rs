use std::process::ExitCode;

use backstay_client::MailTemplate;

use super::{find, write_out};
use crate::arguments::{Client, Made};
use crate::doors::http_settings;
use crate::{Failure, compile, functions, mail};

/// Makes a client, or the declarations of functions, from the document that a server of the application would describe itself with.
pub(super) fn client(arguments: &Client) -> Result<ExitCode, Failure> {
    let (Client::Typescript(Made { app, out }) | Client::Functions(Made { app, out })) = arguments;
    let place = find(app.path(), None)?;
    let compiled = compile(&place)?;
    let settings = http_settings(&place.config)?;
    let (model, sizes) = (compiled.application.model(), place.sizes());
    let text = match arguments {
        Client::Typescript(_) => backstay_client::typescript(&backstay_http::describe(model, sizes, &settings))?,
        Client::Functions(_) => {
            let document = backstay_http::describe_for_functions(model, sizes, &settings);
            let templates = mail::read(&place.directory, &place.config)?;
            let each = templates.names();
            let mail: Vec<MailTemplate> = each
                .map(|(name, values)| MailTemplate { name: name.to_owned(), values: values.into_iter().collect() })
                .collect();
            let paths = functions::paths(compiled.application.model());
            backstay_client::declarations(&document, &mail, &paths)?
        }
    };
    write_out(&text, out.as_deref())
}
