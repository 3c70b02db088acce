//! What several owners say of one type with `@allow`: each of them has a layer of clauses, which never loosens another one.

use super::closed::Closed;
use super::report::Report;
use crate::{Allow, Diagnostic, Field, Layer, OwnerName, RuleText, UpdateRule};

/// The layers of the clauses, each with its owner, in the order of the model.
pub(super) fn of(
    report: &mut Report<'_>,
    (name, owner): (&str, OwnerName),
    clauses: Vec<(OwnerName, Allow)>,
    (closed, fields): (&Closed, &[Field]),
) -> Vec<Layer> {
    let mut layers = vec![Layer { owner, clauses: Vec::new() }];
    for (owner, clause) in clauses {
        match layers.iter_mut().find(|layer| layer.owner == owner) {
            Some(layer) => layer.clauses.push(clause),
            None => layers.push(Layer { owner, clauses: vec![clause] }),
        }
    }
    refuse_widening(report, name, &layers);
    if layers[0].clauses.iter().any(|clause| clause.update.is_some()) {
        closed.refuse_updates(report, &mut layers, fields);
    }
    layers
}

/// A rule of a clause, by the name of the argument.
fn rules(clause: &Allow) -> [(&'static str, Option<&RuleText>); 7] {
    let Allow { read, refer, create, update, only: _, delete, restore, purge } = clause;
    let update = update.as_ref().map(|UpdateRule { rule, after: _ }| rule);
    [
        ("read", read.as_ref()),
        ("refer", refer.as_ref()),
        ("create", create.as_ref()),
        ("update", update),
        ("delete", delete.as_ref()),
        ("restore", restore.as_ref()),
        ("purge", purge.as_ref()),
    ]
}

/// The application's author means a rule for what the owner of the type lets nobody do to allow something.
fn refuse_widening(report: &mut Report<'_>, name: &str, layers: &[Layer]) {
    let Some((own, others)) = layers.split_first() else { return };
    let is_said = |action: &str| {
        let answers = |said: &str| said == action || said == "delete" && matches!(action, "restore" | "purge");
        own.clauses.iter().flat_map(rules).any(|(said, rule)| rule.is_some() && answers(said))
    };
    let of_application = others.iter().filter(|layer| layer.owner == OwnerName::Application);
    for (action, rule) in of_application.flat_map(|layer| &layer.clauses).flat_map(rules) {
        let Some(rule) = rule.filter(|_| !is_said(action)) else { continue };
        let owner = &own.owner;
        let message = format!("{owner} lets nobody {action} a {name}, so this rule allows nothing");
        let help = format!(
            "remove `{action}:`; what the application says of a type of {owner} narrows it and never widens it"
        );
        report.push(Diagnostic::error(message).at(rule.span, "narrows what nobody may").help(help));
    }
}
