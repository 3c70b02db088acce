mod actions;
mod collections;
mod declarations;
mod fields;
mod names;
mod types;

use std::fmt::Write as _;

use serde_json::Value;

pub use declarations::{MailTemplate, declarations};
pub use names::member;

use crate::DocumentError;
use crate::document::Document;
use names::Names;

/// What every client has.
const RUNTIME: &str = include_str!("typescript/runtime.ts");

/// The types of its requests and answers.
const TYPES: &str = include_str!("typescript/types.ts");

/// How its requests are written in the notation of `/transact`: a class `LaterRequests`, in TypeScript. It needs nothing else of
/// a client but types.
pub const REQUESTS: &str = include_str!("typescript/requests.ts");

/// A client in TypeScript for the application with this `OpenAPI` document: one module without dependencies, in syntax that
/// can be erased (TypeScript 4.8 or later).
pub fn typescript(openapi: &str) -> Result<String, DocumentError> {
    let value: Value = serde_json::from_str(openapi)?;
    let document = Document::read(&value)?;
    let names = Names::of(&document, &[RUNTIME, TYPES, REQUESTS]);
    let mut text = String::new();
    let title = document.title.replace("*/", "* /");
    let _ =
        writeln!(text, "/** A client of {title}. `backstay client typescript` makes it; don't change it by hand. */\n");
    types::write(&mut text, &document, &names);
    collections::write(&mut text, &document, &names);
    for part in [RUNTIME, TYPES, REQUESTS] {
        text.push('\n');
        text.push_str(part);
    }
    Ok(text)
}

/// A description as a comment.
fn comment(text: &mut String, indent: &str, description: Option<&str>) {
    let Some(description) = description else { return };
    let description = description.replace("*/", "* /");
    match description.trim().lines().collect::<Vec<_>>()[..] {
        [] => {}
        [line] => {
            let _ = writeln!(text, "{indent}/** {line} */");
        }
        ref lines => {
            let _ = writeln!(text, "{indent}/**");
            for line in lines {
                let _ = writeln!(text, "{indent} * {line}");
            }
            let _ = writeln!(text, "{indent} */");
        }
    }
}
