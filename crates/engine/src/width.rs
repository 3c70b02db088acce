use std::sync::Arc;

use backstay_base::{Action, Error, ViolationKind, limits};
use backstay_expr::Expr;
use backstay_model::{Collection, Diagnostic, Model};
use backstay_sql::{
    Dialect, Planner, ReadScope, ReadShape, RecordSource, SelectedField, Selection, Template, Visibility,
};

use crate::policy::{CollectionPolicy, Compiled, Policy};
use crate::rule;

/// Refuses a request whose statement joins more tables than databases take.
pub(crate) fn fits_statement(template: &Template) -> Result<(), Error> {
    if relations(template.tables()) <= limits::STATEMENT_RELATIONS {
        return Ok(());
    }
    let most = limits::STATEMENT_RELATIONS;
    let range =
        format!("with what the rules need it leads through more than {most} relations; name fewer in one request");
    Err(Error::malformed("select", ViolationKind::Range(range)))
}

/// Relations that a statement follows: its tables but the first.
fn relations(tables: usize) -> usize {
    tables.saturating_sub(1)
}

/// Whether a plan is worth keeping for the next request of its shape.
pub(crate) fn is_kept(template: &Template) -> bool {
    template.text().len() <= limits::KEPT_STATEMENT_BYTES
}

/// The types whose rules lead through so many relations that no statement could ask them.
pub(crate) fn too_wide(model: &Arc<Model>, policy: &Policy) -> Vec<Diagnostic> {
    // Both dialects join the same tables.
    let planner = Planner::new(Arc::clone(model), Dialect::Sqlite);
    let too_wide = |collection: &Collection| {
        let found = relations(widest(&planner, collection, policy.collection(collection.id)));
        (found > limits::RULE_RELATIONS).then(|| {
            let most = limits::RULE_RELATIONS;
            let message = format!("the rules of {} lead through {found} relations", collection.name);
            let help = format!("at most {most} can be asked in one statement; let rules name fewer paths");
            Diagnostic::error(message).at(collection.span, "this type").help(help)
        })
    };
    model.collections.iter().filter_map(too_wide).collect()
}

/// Tables of the widest statement that the rules of a type alone make.
fn widest(planner: &Planner, collection: &Collection, policy: &CollectionPolicy) -> usize {
    let whole = |rule: Option<&Compiled>| rule.map_or_else(|| rule::constant(true), |rule| rule.whole.clone());
    let allowed = |action: Action| whole(policy.allow.of(action));
    let shown = collection.stored_fields().map(|field| SelectedField {
        field: field.id,
        visible: whole(policy.fields[usize::from(field.id.0)].allow.of(Action::Read)),
        expand: None,
    });
    let read = planner.read(&ReadShape {
        selection: Selection { collection: collection.id, fields: shown.collect() },
        read: allowed(Action::Read),
        filter: None,
        visibility: Visibility::default(),
        scope: ReadScope::One,
    });
    let stored = |action| planner.stored(collection.id, &[allowed(Action::Read), allowed(action)]).template.tables();
    let check = |rule: &Expr| planner.check(collection.id, RecordSource::Stored, std::slice::from_ref(rule)).tables();
    let of_fields = policy.fields.iter().flat_map(|field| {
        let allows = [Action::Create, Action::Update].into_iter().filter_map(|action| field.allow.of(action));
        allows.chain(field.checks.iter().map(|check| &check.rule))
    });
    let guards = policy.states.iter().flat_map(|states| states.transitions.values());
    let others = of_fields.chain(guards.filter_map(|transition| transition.when.as_ref()));
    let others = others.map(|rule| check(&rule.whole)).max().unwrap_or(0);
    let updated = match policy.allow.of(Action::Update) {
        Some(update) if update.names_new => check(&update.whole),
        _ => stored(Action::Update),
    };
    [read.template.tables(), updated, stored(Action::Delete), check(&allowed(Action::Create)), others]
        .into_iter()
        .max()
        .unwrap_or(0)
}
