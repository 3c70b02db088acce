//! What fields that others add to a type of a pack can't do to it, since its rules aren't asked.

use super::report::Report;
use crate::source::{Owner, Span};
use crate::{Collection, Diagnostic, Enum, Field, FieldKind, OnDelete, SourceFile};

/// A transition permits and makes changes beside all clauses, so one of a state that others add to a type leaves the fields
/// of a pack alone.
pub(super) fn check_written(
    report: &mut Report<'_>,
    collection: &Collection,
    (states, name, place): (&Enum, &str, Span),
) {
    let places = report.places;
    let owner = |field: &Field| places.sources.file(field.span).map(SourceFile::owner);
    let Some(field) = collection.fields.iter().find(|field| field.name == name) else { return };
    let Some(whose @ Owner::Pack(_)) = owner(field) else { return };
    let is_of_others = |of: &&Field| of.kind == FieldKind::Enum(states.id) && owner(of) != Some(whose);
    let Some((state, other)) = collection.fields.iter().find(is_of_others).and_then(|of| Some((of, owner(of)?))) else {
        return;
    };
    let message =
        format!("`{name}` of {} is a field of {whose}, and its state `{}` one of {other}", collection.name, state.name);
    let diagnostic =
        Diagnostic::error(message).at(place, "written beside the owner's rules").and(field.span, "declared here");
    report.push(diagnostic.help("leave it out; a transition writes fields of the one who declares the state"));
}

/// A record goes with the one that it refers to, whatever its rules say, so whether it does is for its owner to say.
pub(super) fn check_cascades(report: &mut Report<'_>, collection: &Collection) {
    let places = report.places;
    let owner = |span: Span| places.sources.file(span).map(SourceFile::owner);
    let Some(whose @ Owner::Pack(_)) = owner(collection.span) else { return };
    let fields = || collection.fields.iter();
    for field in fields().filter(|field| field.kind.on_delete() == Some(OnDelete::Cascade)) {
        let added = fields().find(|outer| {
            (outer.id == field.id || field.is_within(outer.id, &collection.fields)) && owner(outer.span) != Some(whose)
        });
        let Some(added) = added else { continue };
        let message = format!("`{}` would delete records of {}, a type of {whose}", field.name, collection.name);
        let diagnostic = Diagnostic::error(message).at(added.span, "added here").and(collection.span, "defined here");
        report.push(diagnostic.help("write `@onDelete(do: RESTRICT)` or `@onDelete(do: SET_NULL)`"));
    }
}
