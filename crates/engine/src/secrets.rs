use backstay_expr::Checked;
use backstay_model::{Class, Collection, Diagnostic, Field, FieldKind, Index, Model, RuleText};
use backstay_sql::condition_fields;

/// What a model says of a secret that would show its value: a conflict, or a transition that is possible. Backstay's own
/// secrets are hashes of random values, and no client writes them.
pub(crate) fn shown(model: &Model) -> Vec<Diagnostic> {
    let collections = model.collections.iter().filter(|collection| !collection.system);
    let secrets = collections.flat_map(|collection| {
        let secrets = collection.fields.iter().filter(|field| field.class == Some(Class::Secret));
        secrets.map(move |field| (collection, field))
    });
    secrets.filter_map(|(collection, field)| shows(model, collection, field)).collect()
}

fn shows(model: &Model, collection: &Collection, field: &Field) -> Option<Diagnostic> {
    let decides = |index: &Index| {
        index.fields.contains(&field.id) || condition_fields(model, collection, index).contains(&field.id)
    };
    let unique = collection.indexes.iter().any(|index| index.unique && decides(index));
    let states = matches!(field.kind, FieldKind::Enum(id) if model.enumeration(id).states);
    let name = &field.name;
    let (message, help) = if unique {
        (
            format!("`{name}` is secret and unique: a conflict would tell clients which values are taken"),
            "remove it from `@unique`; if clients may learn that, write `@allow(read: \"false\")` instead of \
             `@class(is: SECRET)`",
        )
    } else if states {
        (
            format!("`{name}` is secret and holds a state: each transition would tell clients which one"),
            "write `@allow(read: …)` instead of `@class(is: SECRET)`",
        )
    } else {
        return None;
    };
    Some(Diagnostic::error(message).at(field.span, "this field").help(help))
}

/// The name of a field that is secret.
pub(crate) fn secret(field: &Field) -> Option<&str> {
    (field.class == Some(Class::Secret)).then_some(field.name.as_str())
}

/// What a value that is computed for a field, or given to it, would show of a secret. Under the caller's rights it would
/// always be null.
pub(crate) fn copied(model: &Model, to: &Field, (rule, checked): (&RuleText, &Checked)) -> Option<Diagnostic> {
    if to.class == Some(Class::Secret) {
        return None;
    }
    let mut read = checked.reads.iter().chain(&checked.computed_from);
    let (of, secret) = read.find(|(of, field)| model.field(*of, *field).class == Some(Class::Secret))?;
    let (of, secret) = (&model.collection(*of).name, &model.field(*of, *secret).name);
    let message = format!("`{}` gets its value from `{of}.{secret}`, which is secret", to.name);
    let help = format!("leave `{secret}` out, or write `@class(is: SECRET)` on `{}` too", to.name);
    let span = model.sources.within(rule, 0..rule.text.len());
    Some(Diagnostic::error(message).at(span, format!("reads `{of}.{secret}`")).help(help))
}
