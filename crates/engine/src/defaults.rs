//! `@default(from:)`: in which order the defaults are computed, each after those that its expression reads, and what none
//! can read.

use backstay_expr::{Expr, Node};
use backstay_model::{Collection, Diagnostic, Field, FieldId, Model, RuleText};

use backstay_scalar::Value;

use crate::given::Given;

/// The fields with a computed default in that order, or a circle of defaults that read one another.
pub(crate) fn ordered(collection: &Collection, defaults: &[Option<&Given>]) -> Result<Vec<FieldId>, Diagnostic> {
    let mut order = Order { defaults, trail: Vec::new(), done: Vec::new() };
    for field in &collection.fields {
        if let Err(circle) = order.visit(field.id) {
            return Err(told(collection, &circle));
        }
    }
    Ok(order.done)
}

struct Order<'p> {
    /// By `FieldId`.
    defaults: &'p [Option<&'p Given>],
    /// The defaults from the start of the walk to here, each read by the one before.
    trail: Vec<FieldId>,
    done: Vec<FieldId>,
}

impl Order<'_> {
    /// Visits a field after the defaults that its own reads. Fails with a circle.
    fn visit(&mut self, field: FieldId) -> Result<(), Vec<FieldId>> {
        let Some(default) = self.defaults[usize::from(field.0)] else { return Ok(()) };
        if self.done.contains(&field) {
            return Ok(());
        }
        if let Some(first) = self.trail.iter().position(|known| *known == field) {
            return Err(self.trail[first..].iter().copied().chain([field]).collect());
        }
        self.trail.push(field);
        for read in default.whole.own_fields() {
            self.visit(read)?;
        }
        self.trail.pop();
        self.done.push(field);
        Ok(())
    }
}

/// A default that is `null` itself.
pub(crate) fn is_nothing(model: &Model, rule: &RuleText, given: &Expr) -> Option<Diagnostic> {
    matches!(given.node, Node::Literal(Value::Null)).then(|| {
        let span = model.sources.within(rule, 0..rule.text.len());
        Diagnostic::error("this default gives no value")
            .at(span, "null")
            .help("leave `@default` out: a field without a value is null anyway")
    })
}

/// What a model gives a new record before its slugs and numbers are made, although it reads one of them.
pub(crate) fn reads_made(
    model: &Model,
    collection: &Collection,
    (field, rule, given): (&Field, &RuleText, &Expr),
) -> Option<Diagnostic> {
    let mut reads = given.own_fields().into_iter().map(|read| collection.field(read));
    let made = reads.find(|read| read.slug.is_some() || read.sequence.is_some())?;
    let span = model.sources.within(rule, 0..rule.text.len());
    let (name, made) = (&field.name, &made.name);
    let message = format!("`{name}` gets its value before `{made}` is made");
    let help = format!("make it a `@computed` field, or leave `{made}` out");
    Some(Diagnostic::error(message).at(span, format!("reads `{made}`")).help(help))
}

/// A check that reads a number, which a record gets after all checks.
pub(crate) fn checks_number(
    model: &Model,
    collection: &Collection,
    (rule, checked): (&RuleText, &Expr),
) -> Option<Diagnostic> {
    let mut reads = checked.own_fields().into_iter().map(|read| collection.field(read));
    let number = &reads.find(|read| read.sequence.is_some())?.name;
    let span = model.sources.within(rule, 0..rule.text.len());
    let message = format!("a check is asked before a record gets its `{number}`");
    let help = format!("leave `{number}` out: nobody sends it, and it never changes");
    Some(Diagnostic::error(message).at(span, format!("reads `{number}`")).help(help))
}

fn told(collection: &Collection, circle: &[FieldId]) -> Diagnostic {
    let names: Vec<String> = circle.iter().map(|id| format!("`{}`", collection.field(*id).name)).collect();
    let message = match names.as_slice() {
        [name, _] => format!("the default of {name} reads {name} itself"),
        names => format!("these defaults read one another: {}", names.join(" → ")),
    };
    let span = collection.field(circle[0]).span;
    Diagnostic::error(message).at(span, "this field").help("let one of them read other fields only")
}
