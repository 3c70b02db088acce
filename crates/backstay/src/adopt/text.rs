//! The model as its author reads and changes it.

use std::fmt::Write as _;

use super::defaults::string;
use super::draft::{Draft, DraftField, DraftType, FieldType};

/// The text of the model.
pub(super) fn write(draft: &Draft) -> String {
    let mut text = format!(
        "# Made by `backstay adopt`. Who may do what is yours to say: until then, operators and keys may do everything.\n\
         extend schema\n  @app(name: {})\n  @rule(name: \"staff\", is: \"auth.kind in ['OPERATOR', 'SERVICE']\")\n",
        string(&draft.name)
    );
    let is_used = |name: &str| {
        let fields = draft.types.iter().flat_map(|of| &of.fields);
        fields.into_iter().any(|field| field.kind == FieldType::Plain(name.to_owned()))
    };
    for found in draft.enums.iter().filter(|found| is_used(&found.name)) {
        text.push('\n');
        describe(&mut text, "", found.description.as_deref());
        // Writing into a text can't fail.
        let _ = writeln!(text, "enum {} {{ {} }}", found.name, found.values.join(" "));
    }
    for of in &draft.types {
        text.push('\n');
        write_type(&mut text, of);
    }
    text
}

fn write_type(text: &mut String, of: &DraftType) {
    describe(text, "", of.description.as_deref());
    let key = of.key.1.map(|kind| format!(" @key(type: {kind})")).unwrap_or_default();
    let path = of.path.as_ref().map(|path| format!(" @path(is: \"{path}\")")).unwrap_or_default();
    let _ = writeln!(text, "type {}{key}{path}", of.name);
    let create = if of.creates { ", create: \"staff\"" } else { "" };
    let _ = write!(text, "  @allow(read: \"staff\"{create}, update: \"staff\", delete: \"staff\")");
    for directive in &of.directives {
        let _ = write!(text, "\n  {directive}");
    }
    for check in &of.checks {
        let message = format!("must satisfy {} of the database", check.name);
        let message: String = message.chars().take(200).collect();
        let _ = write!(text, "\n  @check(rule: {}, message: {})", string(&check.rule), string(&message));
    }
    text.push_str(" {\n");
    for field in of.fields.iter().filter(|field| field.kind != FieldType::Standard) {
        write_field(text, field);
    }
    for list in &of.lists {
        let _ = writeln!(text, "  {list}");
    }
    text.push_str("}\n");
}

fn write_field(text: &mut String, field: &DraftField) {
    describe(text, "  ", field.description.as_deref());
    let ty = match &field.kind {
        FieldType::Standard => "DateTime",
        FieldType::Plain(ty) | FieldType::Record(ty) => ty,
        FieldType::Line => "String",
        FieldType::Long => "Text",
    };
    let required = if field.required { "!" } else { "" };
    let _ = write!(text, "  {}: {ty}{required}", field.name);
    for directive in field.directives.iter().chain(&field.default) {
        let _ = write!(text, " {directive}");
    }
    text.push('\n');
}

fn describe(text: &mut String, indent: &str, description: Option<&str>) {
    if let Some(description) = description.map(str::trim).filter(|description| !description.is_empty()) {
        let _ = writeln!(text, "{indent}{}", string(description));
    }
}
