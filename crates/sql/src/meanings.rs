//! What is the same in two models, their expressions included.

use std::collections::HashMap;

use backstay_expr::{Alike, Expr, Scope as Names, compile, computed, sum};
use backstay_model::{Collection, CollectionId, FieldId, Meaning, Meanings, Model, Pairing, RuleText, Wording};

/// What is the same in two models.
pub fn paired(old: &Model, new: &Model) -> Pairing {
    let pairing = Pairing::of(old, new);
    let mut meanings = Meanings::default();
    for after in &new.collections {
        let Some(before) = pairing.collection(after.id).map(|id| old.collection(id)) else { continue };
        let [was, is] = [(old, before), (new, after)].map(|(model, of)| rules(model, of));
        for (was_rule, was) in &was {
            for (is_rule, is) in &is {
                let meaning = meaning((old, new), &pairing, (was, is));
                meanings.rules.insert((after.id, was_rule.clone(), is_rule.clone()), meaning);
            }
        }
        for field in &after.fields {
            let was = pairing.field(after.id, field.id).and_then(|was| value(old, (before.id, was)));
            if let Some((was, is)) = was.zip(value(new, (after.id, field.id))) {
                meanings.fields.insert((after.id, field.id), meaning((old, new), &pairing, (&was, &is)));
            }
        }
    }
    pairing.knowing(meanings)
}

fn meaning(models: (&Model, &Model), pairing: &Pairing, (was, is): (&Expr, &Expr)) -> Meaning {
    let same = |follows_values| Alike::new(models, pairing, follows_values).same(was, is);
    match (same(false), same(true)) {
        (true, _) => Meaning::Same,
        (false, true) => Meaning::ValuesRenamed,
        (false, false) => Meaning::Other,
    }
}

/// The checks and conditions of a collection, but for those that another version of Backstay may have understood.
fn rules(model: &Model, of: &Collection) -> Vec<(Wording, Expr)> {
    let checks = of.checks.iter().chain(of.fields.iter().flat_map(|field| &field.checks)).map(|check| &check.rule);
    let indexes = of.indexes.iter().filter_map(|index| index.condition.as_ref());
    let exclusions = of.exclusions.iter().filter_map(|exclusion| exclusion.condition.as_ref());
    let all = checks.chain(indexes).chain(exclusions);
    let rules: HashMap<Wording, &RuleText> = all.map(|rule| (rule.wording(), rule)).collect();
    let compiled = |(wording, rule)| Some((wording, compile(rule, &Names::check(model, of.id)).ok()?.expr));
    rules.into_iter().filter_map(compiled).collect()
}

/// What a computed field or a stored sum comes to.
fn value(model: &Model, (of, field): (CollectionId, FieldId)) -> Option<Expr> {
    let definition = model.field(of, field);
    match (definition.is_computed(), definition.is_sum()) {
        (true, _) => computed(model, of, field).ok().map(|checked| checked.expr),
        (false, true) => sum(model, of, field).ok().map(|sum| sum.computed.value),
        (false, false) => None,
    }
}
