//! Actions as methods.

use std::fmt::Write as _;

use super::comment;
use super::names::{Names, quoted};
use super::types::{self, Member, body};
use crate::document::{Action, Document};

/// Declares the methods, within the client.
pub(super) fn declare(text: &mut String, document: &Document<'_>, names: &Names<'_>) {
    if document.actions.is_empty() {
        return;
    }
    text.push_str("  /** The actions of the application. */\n  readonly do: {\n");
    for (name, action) in &document.actions {
        comment(text, "    ", action.operation["description"].as_str());
        let result = action.result().map_or_else(|| "unknown".to_owned(), |schema| types::of(schema, names));
        let (options, mark) = (options(action), if action.demands_arguments() { "" } else { "?" });
        let _ = match arguments(action, names) {
            Some(arguments) => {
                let arguments = arguments.replace('\n', "\n    ");
                writeln!(text, "    {}(args{mark}: {arguments}, options?: {options}): Promise<{result}>;", quoted(name))
            }
            None => writeln!(text, "    {}(args?: {{}}, options?: {options}): Promise<{result}>;", quoted(name)),
        };
    }
    text.push_str("  };\n");
}

/// Says where each action is.
pub(super) fn paths(text: &mut String, document: &Document<'_>) {
    text.push_str("\nconst ACTIONS: { readonly [name: string]: { path: string; reads: boolean } } = {\n");
    for (name, Action { path, reads, operation: _ }) in &document.actions {
        let _ = writeln!(text, "  {}: {{ path: {path:?}, reads: {reads} }},", quoted(name));
    }
    text.push_str("};\n");
}

fn options(action: &Action<'_>) -> String {
    let of_call = if action.reads { "{}" } else { "WriteOptions" };
    match action.selects() {
        true => format!("{of_call} & {{ select?: string; params?: FilterParams }}"),
        false => of_call.to_owned(),
    }
}

/// The type of the arguments, if there are any.
fn arguments(action: &Action<'_>, names: &Names<'_>) -> Option<String> {
    if let Some(schema) = action.body() {
        return Some(types::of(schema, names));
    }
    let of = |one: &serde_json::Value| {
        let of_json = one.pointer("/content/application~1json/schema");
        types::of(of_json.unwrap_or(&one["schema"]), names)
    };
    let mut all = action.arguments().peekable();
    all.peek()?;
    Some(body(all.map(|one| Member {
        name: one["name"].as_str().unwrap_or_default(),
        of: of(one),
        optional: one["required"] != true,
        about: one["description"].as_str(),
    })))
}
