//! Rules that several owners write about one thing: all of them must hold, so that nobody loosens what another one says.

use super::report::Report;
use crate::source::Owner;
use crate::{Allow, Diagnostic, FieldAllow, FieldId, RuleText, UpdateRule};

/// The clauses of one owner about a type.
pub(super) struct Layer<'p> {
    pub(super) owner: Owner<'p>,
    pub(super) clauses: Vec<Allow>,
}

/// A rule of a clause other than that of updates.
type Part = fn(&mut Allow) -> &mut Option<RuleText>;

/// Those rules, by the name of the argument.
const PARTS: [(&str, Part); 6] = [
    ("read", |clause| &mut clause.read),
    ("refer", |clause| &mut clause.refer),
    ("create", |clause| &mut clause.create),
    ("delete", |clause| &mut clause.delete),
    ("restore", |clause| &mut clause.restore),
    ("purge", |clause| &mut clause.purge),
];

/// The clauses of a type where another owner's narrow them: for each action that these have rules for, one of both must
/// hold.
pub(super) fn by<'p>(report: &mut Report<'_>, name: &str, own: &Layer<'p>, other: &Layer<'_>) -> Layer<'p> {
    let clauses = own.clauses.iter().chain(&other.clauses);
    clauses.flat_map(rules).for_each(|rule| check_closed(report, rule));
    let mut alone = own.clauses.clone();
    let mut both = vec![Allow::default(); own.clauses.len() * other.clauses.len()];
    for (action, part) in PARTS {
        let rules = |clauses: &[Allow]| -> Vec<Option<RuleText>> {
            clauses.iter().cloned().map(|mut clause| part(&mut clause).take()).collect()
        };
        let (mut mine, theirs) = (rules(&own.clauses), rules(&other.clauses));
        let Some(first) = theirs.iter().flatten().next() else { continue };
        if mine.iter().all(Option::is_none) && matches!(action, "restore" | "purge") {
            // Where no clause has them, `delete:` answers for them.
            mine = own.clauses.iter().map(|clause| clause.delete.clone()).collect();
        }
        if mine.iter().all(Option::is_none) {
            refuse_widening(report, (name, action), (own.owner, other.owner), first);
            continue;
        }
        for clause in &mut alone {
            *part(clause) = None;
        }
        let pairs = mine.iter().flat_map(|mine| theirs.iter().map(move |theirs| (mine, theirs)));
        for (clause, (mine, theirs)) in both.iter_mut().zip(pairs) {
            *part(clause) = mine.as_ref().zip(theirs.as_ref()).map(|(mine, theirs)| mine.and(theirs));
        }
    }
    updates(report, name, (own, other), (&mut alone, &mut both));
    let clauses = alone.into_iter().chain(both).filter(|clause| rules(clause).next().is_some()).collect();
    Layer { owner: own.owner, clauses }
}

fn updates(
    report: &mut Report<'_>,
    name: &str,
    (own, other): (&Layer<'_>, &Layer<'_>),
    (alone, both): (&mut [Allow], &mut [Allow]),
) {
    let Some(first) = other.clauses.iter().find_map(|clause| clause.update.as_ref()) else { return };
    if own.clauses.iter().all(|clause| clause.update.is_none()) {
        return refuse_widening(report, (name, "update"), (own.owner, other.owner), &first.rule);
    }
    for clause in alone {
        (clause.update, clause.only) = (None, None);
    }
    let pairs = own.clauses.iter().flat_map(|mine| other.clauses.iter().map(move |theirs| (mine, theirs)));
    for (clause, (mine, theirs)) in both.iter_mut().zip(pairs) {
        let only = common(mine.only.as_deref(), theirs.only.as_deref());
        let update = mine.update.as_ref().zip(theirs.update.as_ref());
        if let Some((mine, theirs)) = update.filter(|_| only.as_ref().is_none_or(|only| !only.is_empty())) {
            clause.update = Some(both_updates(report, mine, theirs));
            clause.only = only;
        }
    }
}

/// The fields that both let change; `None`: all.
fn common(one: Option<&[FieldId]>, other: Option<&[FieldId]>) -> Option<Vec<FieldId>> {
    match (one, other) {
        (None, only) | (only, None) => only.map(<[FieldId]>::to_vec),
        (Some(one), Some(other)) => Some(one.iter().copied().filter(|field| other.contains(field)).collect()),
    }
}

/// The rules of a field where another owner's narrow them.
pub(super) fn field(report: &mut Report<'_>, own: &FieldAllow, other: FieldAllow) -> FieldAllow {
    let FieldAllow { read, create, update } = other;
    let updates = own.update.iter().chain(&update).flat_map(|update| update.after.iter().chain([&update.rule]));
    let rules = [&own.read, &own.create, &read, &create].into_iter().flatten().chain(updates);
    rules.for_each(|rule| check_closed(report, rule));
    let both = |own: &Option<RuleText>, other: Option<RuleText>| match (own, other) {
        (Some(own), Some(other)) => Some(own.and(&other)),
        (own, other) => other.or_else(|| own.clone()),
    };
    let update = match (&own.update, update) {
        (Some(own), Some(other)) => Some(both_updates(report, own, &other)),
        (own, other) => other.or_else(|| own.clone()),
    };
    FieldAllow { read: both(&own.read, read), create: both(&own.create, create), update }
}

fn both_updates(report: &mut Report<'_>, own: &UpdateRule, other: &UpdateRule) -> UpdateRule {
    // Without `after:`, the rule itself must be true of the proposed record.
    let asks_nothing = |update: &UpdateRule| update.after.is_none() && update.rule.text.trim() == "true";
    let after = match (&own.after, &other.after) {
        (None, None) => None,
        (Some(own), Some(other)) => Some(own.and(other)),
        (Some(after), None) if asks_nothing(other) => Some(after.clone()),
        (None, Some(after)) if asks_nothing(own) => Some(after.clone()),
        (after, _) => {
            let narrowed = &own.rule;
            let (message, help) = match after {
                Some(_) => (
                    "this rule narrows one that has `after:`",
                    "write `after:` beside it: what must be true of the change, with `new` for the proposed record",
                ),
                None => (
                    "this rule has `after:`, and narrows one that doesn't",
                    "leave `after:` out; the rule must then be true of the proposed record too",
                ),
            };
            let diagnostic = Diagnostic::error(message).at(other.rule.span, "narrows another rule");
            report.push(diagnostic.and(narrowed.span, "narrowed").help(help));
            None
        }
    };
    UpdateRule { rule: own.rule.and(&other.rule), after }
}

/// All rules of a clause.
fn rules(clause: &Allow) -> impl Iterator<Item = &RuleText> {
    let Allow { read, refer, create, update, only: _, delete, restore, purge } = clause;
    let updates = update.iter().flat_map(|update| update.after.iter().chain([&update.rule]));
    [read, refer, create, delete, restore, purge].into_iter().flatten().chain(updates)
}

/// A rule whose brackets don't close could end the part of the whole that it is in.
fn check_closed(report: &mut Report<'_>, rule: &RuleText) {
    if !rule.is_closed() {
        let diagnostic = Diagnostic::error("the brackets or quotes of the rule don't close").at(rule.span, "this rule");
        report.push(diagnostic.help("close each bracket and each quote within the rule"));
    }
}

/// The application's author means such a rule to allow something.
fn refuse_widening(
    report: &mut Report<'_>,
    (name, action): (&str, &str),
    (owner, other): (Owner<'_>, Owner<'_>),
    rule: &RuleText,
) {
    if other != Owner::Application {
        return;
    }
    let message = format!("{owner} lets nobody {action} a {name}, so this rule allows nothing");
    let help =
        format!("remove `{action}:`; what the application says of a type of {owner} narrows it and never widens it");
    report.push(Diagnostic::error(message).at(rule.span, "narrows what nobody may").help(help));
}
