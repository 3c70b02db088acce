use std::collections::BTreeSet;

use backstay_expr::{Expr, Root};
use backstay_model::{Collection, CollectionId, Diagnostic, Field, FieldId, Lint};

use super::{Decides, RuleUse, Subject};

/// Rules that read stored sums. Those that decide what is allowed are asked of the sum as it is at the moment, which another
/// change can be about to change; a check of the record itself is asked again whenever its sum changes.
pub(super) fn in_rules(subject: Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for RuleUse { decides, rule, .. } in subject.rules() {
        let own_is_exact = decides == Decides::Check;
        let mut read = BTreeSet::new();
        sums(subject, &rule.whole, own_is_exact, &mut read);
        found.extend(read.first().map(|(of, field)| {
            let of: &Collection = subject.model.collection(*of);
            let field: &Field = of.field(*field);
            let message = format!(
                "this rule reads the stored sum `{}.{}`, which a concurrent request may be changing",
                of.name, field.name
            );
            let help = format!(
                "to limit the sum, add a `@check` to {} that names it; it runs on every change of the sum",
                of.name
            );
            let span = subject.span(&rule.text);
            Diagnostic::warning(Lint::StoredSumInRule, message).at(span, "reads a stored sum").help(help)
        }));
    }
    found
}

/// Rules that read stored sums which follow after the commit: what decides must be exact.
pub(super) fn kept_soon(subject: Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for RuleUse { rule, .. } in subject.rules() {
        let mut read = BTreeSet::new();
        sums(subject, &rule.whole, false, &mut read);
        let inexact = read.iter().map(|(of, field)| (subject.model.collection(*of), *field));
        for (of, field) in inexact.filter(|(of, field)| of.field(*field).is_kept_soon()) {
            let name = &of.field(field).name;
            let message =
                format!("a rule can't read `{}.{name}`, which follows changes only after they are made", of.name);
            let help = format!("write `stored: COMMIT` at `{}.{name}`: the sum is then exact in every commit", of.name);
            let place = subject.span(&rule.text);
            found.push(Diagnostic::error(message).at(place, "reads a sum with `stored: SOON`").help(help));
        }
    }
    found
}

/// The sums that an expression reads; without those of the record itself where these are exact.
fn sums(subject: Subject<'_>, expr: &Expr, own_is_exact: bool, read: &mut BTreeSet<(CollectionId, FieldId)>) {
    if let Some(path) = expr.node.path() {
        let mut at = path.collection;
        for (place, step) in path.steps.iter().enumerate() {
            let field = subject.model.field(at, *step);
            let is_own = place == 0 && matches!(path.root, Root::This | Root::New | Root::Old);
            if field.is_sum() && !(is_own && own_is_exact) {
                read.insert((at, *step));
            }
            let Some(target) = field.kind.target() else { break };
            at = target;
        }
    }
    expr.node.children().into_iter().for_each(|child| sums(subject, child, own_is_exact, read));
}
