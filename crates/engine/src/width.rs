use std::sync::Arc;

use backstay_base::{Action, Error, Place, ViolationKind, limits};
use backstay_expr::{Rights, Rule};
use backstay_model::{Collection, Diagnostic, Model};
use backstay_sql::{Extent, Perspective, Planner, ReadScope, ReadShape, RecordSource, Selection, Template};

use crate::policy::{CollectionPolicy, Policy};
use crate::rights::{Grantee, rights_of};

/// Refuses a request whose statement joins more tables than databases take, or nests as many lists.
pub(crate) fn fits_statement(template: &Template) -> Result<(), Error> {
    let Extent { tables, lists, whole: _, searches: _, classified: _ } = template.extent();
    if relations(tables).max(lists) <= limits::STATEMENT_RELATIONS {
        return Ok(());
    }
    let most = limits::STATEMENT_RELATIONS;
    let range =
        format!("with what the rules need it leads through more than {most} relations; name fewer in one request");
    Err(Error::malformed(Place::Select, ViolationKind::Range(range)))
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
    let planner = Planner::measuring(Arc::clone(model));
    let rights = rights_of(Grantee::Anyone, model, policy);
    let too_wide = |collection: &Collection| {
        let found = relations(widest(&planner, &rights, collection, policy.collection(collection.id)));
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
fn widest(planner: &Planner, rights: &Rights, collection: &Collection, policy: &CollectionPolicy) -> usize {
    let id = collection.id;
    let read = |action, perspective| {
        let (selection, scope) = (Selection::Whole, ReadScope::One);
        let shape = ReadShape {
            action,
            perspective,
            collection: id,
            selection,
            first_param: 0,
            filter: None,
            search: None,
            scope,
        };
        planner.read(&shape, rights).template.extent().tables
    };
    let live = read(Action::Read, Perspective::Live);
    let rule = |action| rights.rule(id, action);
    let trash = collection.trash.map_or(0, |_| {
        let used = [Action::Restore, Action::Purge].map(|action| {
            let rules = [rule(Action::Trash), rule(action)].map(|rule| rule.expr().clone());
            planner.stored(id, Perspective::Trash, &rules).template.extent().tables
        });
        used.into_iter().max().unwrap_or(0).max(read(Action::Trash, Perspective::Trash))
    });
    let history = collection.history.as_ref().map_or(0, |_| {
        let listed = planner.history(id, rights, false).template.extent().tables;
        listed.max(read(Action::History, Perspective::AsOf))
    });
    let stored = |rules: Vec<&Rule>| {
        let rules = std::iter::once(rule(Action::Read)).chain(rules).map(|rule| rule.expr().clone());
        planner.stored(id, Perspective::Live, &rules.collect::<Vec<_>>()).template.extent().tables
    };
    let check =
        |rule: &Rule| planner.check(id, RecordSource::Stored, std::slice::from_ref(rule.expr())).extent().tables;
    let of_fields = collection.fields.iter().flat_map(|field| {
        let allowed = [Action::Create, Action::Update].map(|action| rights.field(id, field.id, action));
        let changes = rights.field_changes(id, field.id).iter();
        let changes = changes.flat_map(|change| std::iter::once(&change.rule).chain(&change.after));
        allowed.into_iter().chain(changes).chain(rights.checks(id, Some(field.id)))
    });
    let guards = policy
        .states
        .iter()
        .flat_map(|states| states.transitions.keys().map(|(from, to)| (states.field, (&**from, &**to))))
        .flat_map(|(field, way)| {
            let by = rights.taking(id, field, way).map(|taking| &taking.rule);
            std::iter::once(rights.transition(id, field, way)).chain(by)
        });
    let after = rights.clauses(id).iter().flat_map(|clause| [Some(&clause.rule), clause.after.as_ref()]).flatten();
    let others = of_fields.chain(rights.checks(id, None)).chain(guards).chain(after).map(check).max().unwrap_or(0);
    let updated = stored(rights.clauses(id).iter().map(|clause| &clause.rule).collect());
    let (deleted, referred) = (stored(vec![rule(Action::Delete)]), check(rule(Action::Refer)));
    let given = policy.given().map(|given| given.tables(planner, id)).max().unwrap_or(0);
    let all = [live, updated, deleted, referred, trash, history, check(rule(Action::Create)), others, given];
    all.into_iter().max().unwrap_or(0)
}
