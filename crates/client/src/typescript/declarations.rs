//! What functions can import and ask for, as declarations for editors.

use std::fmt::Write as _;

use super::names::{Names, member, quoted};
use super::{TYPES, collections, types};
use crate::DocumentError;
use crate::document::Document;

/// The classes and the context of functions.
pub(super) const LIBRARY: &str = include_str!("library.d.ts");
/// What tests import.
const TESTING: &str = include_str!("testing.d.ts");

/// A template of mail, as functions name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailTemplate {
    /// Its name.
    pub name: String,
    /// The values that it takes.
    pub values: Vec<String>,
}

/// Declarations of the module `backstay`, which functions of the application with this `OpenAPI` document and these templates of mail
/// import. `paths`: those of all collections, some of which the document doesn't describe: only tests ask for their records.
pub fn declarations(openapi: &str, mail: &[MailTemplate], paths: &[String]) -> Result<String, DocumentError> {
    let value = serde_json::from_str(openapi)?;
    let document = Document::read(&value)?;
    let names = Names::of(&document, &[TYPES, LIBRARY]);
    let mut text = String::new();
    types::write(&mut text, &document, &names);
    collections::write_types(&mut text, &document, &names);
    // Exact numbers that are sent can be those of the library.
    let mut text = text.replace("string | number", "string | number | Decimal");
    collections::write_database(&mut text, &document);
    write_jobs(&mut text, &document, &names);
    write_mail(&mut text, mail);
    for part in [TYPES, LIBRARY] {
        text.push('\n');
        text.push_str(part);
    }
    let mut module = String::from(
        "/** What functions import from \"backstay\". `backstay client functions` makes it; don't change it by hand. */\ndeclare module \"backstay\" {\n",
    );
    write_body(&mut module, &text);
    module.push_str("}\n\n/** What tests import from \"backstay/test\". */\ndeclare module \"backstay/test\" {\n");
    let hidden = paths.iter().filter(|path| document.collections.values().all(|known| known.path != path.as_str()));
    let hidden: Vec<String> = hidden.map(|path| format!("{:?}", member(path))).collect();
    write_body(&mut module, TESTING);
    let hidden = if hidden.is_empty() { "never".to_owned() } else { hidden.join(" | ") };
    let _ = writeln!(module, "  /** Collections of which nobody may read records. */\n  type HiddenPath = {hidden};");
    module.push_str("}\n");
    Ok(module)
}

/// The names of jobs, and what each takes.
fn write_jobs(text: &mut String, document: &Document<'_>, names: &Names<'_>) {
    text.push_str("\n/** What the jobs of the model take, by their names. */\nexport interface JobInputs {\n");
    for (name, schema) in &document.jobs {
        let _ = writeln!(text, "  {}: {};", quoted(name), types::of(schema, names));
    }
    text.push_str("}\n");
}

/// The names of templates, and what each takes: with others, which the files name that it includes.
fn write_mail(text: &mut String, mail: &[MailTemplate]) {
    text.push_str(
        "\n/** The values that the templates of mail take, by their names. */\nexport interface MailTemplates {\n",
    );
    for MailTemplate { name, values } in mail {
        let _ = write!(text, "  {}: {{ ", quoted(name));
        for value in values {
            let _ = write!(text, "{}: unknown; ", quoted(value));
        }
        text.push_str("[name: string]: unknown };\n");
    }
    text.push_str("}\n");
}

fn write_body(module: &mut String, text: &str) {
    for line in text.lines() {
        let _ = if line.is_empty() { writeln!(module) } else { writeln!(module, "  {line}") };
    }
}
