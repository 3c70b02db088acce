use std::sync::Arc;

use backstay_base::Action;
use backstay_expr::{Expr, Holder, Node, Path, Rights, Root, Rule};
use backstay_model::FieldId;
use backstay_scalar::Part;
use sea_query::{Expr as Sql, ExprTrait, Query};

use crate::builder::{Anchor, Builder, Record, Seen};
use crate::operand::{Form, Val};
use crate::predicate::Pred;
use crate::presence::{Presence, is_of_version};
use crate::tree::{column, name, subquery};
use crate::{ColumnRef, Perspective};

/// The names of values that are needed more than once.
const VALUES: [&str; 2] = ["v", "w"];

/// What the roots of paths are in one expression, and with whose rights it looks at records.
#[derive(Debug, Clone)]
pub(crate) struct Scope<'e> {
    pub(crate) this: Anchor,
    pub(crate) new: Anchor,
    pub(crate) old: Anchor,
    pub(crate) bound: Vec<(u16, Bound)>,
    pub(crate) rights: &'e Rights,
    /// Whether `this` is there, for a rule.
    pub(crate) presence: Presence,
    /// The number of the statement's parameter that is the first one of the expression.
    pub(crate) first_param: u16,
    /// What groups come to, for an expression about them.
    pub(crate) outputs: Arc<[Vec<OutputColumn>]>,
}

/// A column that holds a part of what a group comes to.
#[derive(Debug, Clone)]
pub(crate) struct OutputColumn {
    pub(crate) part: Part,
    pub(crate) sql: Sql,
    pub(crate) form: Form,
}

impl OutputColumn {
    pub(crate) fn value(&self) -> Val {
        Val { sql: self.sql.clone(), guards: Vec::new(), form: self.form.clone() }
    }
}

impl<'e> Scope<'e> {
    /// A rule about one record. Rules see everything.
    pub(crate) fn rule(this: &Anchor) -> Self {
        Self { presence: Presence::of(this.perspective), ..Self::question(this, Rights::unrestricted()) }
    }

    /// What a caller with these rights asks about a record.
    pub(crate) fn question(this: &Anchor, rights: &'e Rights) -> Self {
        let old = Anchor { record: Record::Old, ..this.clone() };
        let (bound, presence) = (Vec::new(), Presence::There);
        let outputs = Arc::default();
        Self { this: this.clone(), new: this.clone(), old, bound, rights, presence, first_param: 0, outputs }
    }
}

/// What a variable stands for.
#[derive(Debug, Clone)]
pub(crate) enum Bound {
    /// A record of a to-many relation.
    Record(Anchor),
    /// The item of a list that the row with this alias is, and who has the list.
    Item(Arc<str>, DocumentOf),
}

/// Who has a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DocumentOf {
    /// The record that this root of paths is.
    Own(Root),
    /// The caller's account.
    Account,
    /// A record that a relation leads to.
    Another,
}

impl DocumentOf {
    fn at(document: &Path) -> Self {
        match document.root {
            Root::Account => Self::Account,
            Root::This | Root::New | Root::Old if document.steps.len() == 1 => Self::Own(document.root),
            Root::This | Root::New | Root::Old | Root::Bound(_) => Self::Another,
        }
    }
}

/// Lowers expressions in one scope. What is lowered is as long as the expression: an operand whose text is needed twice
/// is lowered twice only where nothing around it is, and otherwise named once.
#[derive(Debug)]
pub(crate) struct Lowering<'b, 'm, 'e> {
    pub(crate) builder: &'b mut Builder<'m>,
    pub(crate) scope: Scope<'e>,
    /// Whether an operand that is lowered twice is being lowered.
    pub(crate) repeated: bool,
}

/// Where a rule about this record is true. Of a version, the rule is about the record as it is now, or as it was when it was
/// deleted.
pub(crate) fn holds(builder: &mut Builder<'_>, rule: &Rule, this: &Anchor) -> Pred {
    if let Some(truth) = rule.decided() {
        return Pred::Known(truth.is_true());
    }
    let about =
        |builder: &mut Builder<'_>, record: &Anchor| Lowering::new(builder, Scope::rule(record)).is_true(rule.expr());
    match this.perspective {
        Perspective::Live | Perspective::Trash | Perspective::Stored | Perspective::Last => about(builder, this),
        Perspective::AsOf | Perspective::Versions => {
            let last = builder.last_version(this);
            let of_last = about(builder, &last);
            if is_of_version(builder.model.collection(this.collection), rule.expr()) {
                return of_last;
            }
            let live = builder.live(this);
            let is_live = builder.key(&live).is_not_null();
            about(builder, &live).or_where_not(is_live, of_last)
        }
    }
}

/// Where a field is seen by its rule. Of a version, the rule is about the record as it is now, and those of its parts that
/// name nothing but the record's own fields are about the version too: what it hid then stays hidden.
pub(crate) fn shows(builder: &mut Builder<'_>, rule: &Rule, this: &Anchor) -> Pred {
    let now = holds(builder, rule, this);
    match this.perspective {
        _ if rule.decided().is_some() => now,
        Perspective::Live | Perspective::Trash | Perspective::Stored | Perspective::Last => now,
        Perspective::AsOf | Perspective::Versions => {
            let collection = builder.model.collection(this.collection);
            let parts = rule.expr().conjuncts().into_iter();
            let parts: Vec<_> = parts.filter(|part| is_of_version(collection, part)).collect();
            let mut lowering = Lowering::new(builder, Scope::rule(this));
            Pred::all([now].into_iter().chain(parts.into_iter().map(|part| lowering.is_true(part))))
        }
    }
}

/// Where a record is there and seen, and that a relation leads to it.
pub(crate) fn sees(builder: &mut Builder<'_>, record: &Seen<'_>) -> Pred {
    let Seen { anchor, read, declared } = record;
    let declared = declared.map_or(Pred::Known(true), |rule| holds(builder, rule, anchor));
    Pred::all([builder.is_part(anchor), holds(builder, read, anchor), declared])
}

impl<'b, 'm, 'e> Lowering<'b, 'm, 'e> {
    pub(crate) fn new(builder: &'b mut Builder<'m>, scope: Scope<'e>) -> Self {
        Self { builder, scope, repeated: false }
    }

    /// Lowers what is needed twice.
    pub(crate) fn repeating<T>(&mut self, lower: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.repeated, true);
        let lowered = lower(self);
        self.repeated = before;
        lowered
    }

    /// Uses the value of an expression more than once. One that is long is named in a subquery.
    pub(crate) fn named(&mut self, value: Sql, of: &Expr, using: impl FnOnce(&mut Self, Sql) -> Sql) -> Sql {
        if is_short(of) {
            return using(self, value);
        }
        self.named_always([value], |this, [value]| using(this, value))
    }

    /// Uses values more than once, which are named in a subquery that is not flattened.
    pub(crate) fn named_always<const N: usize>(
        &mut self,
        values: [Sql; N],
        using: impl FnOnce(&mut Self, [Sql; N]) -> Sql,
    ) -> Sql {
        let alias = self.builder.alias();
        let names: [&str; N] = std::array::from_fn(|index| VALUES[index]);
        let outer = using(self, names.map(|value| column(&alias, value)));
        let mut operands = Query::select();
        for (value, named) in values.into_iter().zip(names) {
            operands.expr_as(value, name(named));
        }
        self.builder.keep_apart(&mut operands);
        let mut select = Query::select();
        select.expr(outer).from_subquery(operands, name(&alias));
        subquery(select)
    }

    /// The record that a path starts from.
    ///
    /// # Panics
    /// Panics if the variable of no enclosing quantifier is meant, which no checked expression does.
    pub(crate) fn anchor(&self, root: Root) -> Anchor {
        match root {
            Root::This => self.scope.this.clone(),
            Root::New => self.scope.new.clone(),
            Root::Old => self.scope.old.clone(),
            Root::Account => {
                let identity = self.builder.model.identity.expect("only a model with accounts names the caller's own");
                Anchor { record: Record::Account, collection: identity, ..self.scope.this.clone() }
            }
            Root::Bound(variable) => {
                let Bound::Record(record) = self.bound(variable) else { unreachable!("an item is no record") };
                record.clone()
            }
        }
    }

    /// The alias of the row that is the item for which a variable stands.
    ///
    /// # Panics
    /// Panics if it stands for no item, which in a checked expression it does.
    pub(crate) fn item_row(&self, variable: u16) -> &str {
        self.bound_item(variable).0
    }

    /// Who has the document that a value is within.
    pub(crate) fn document_of(&self, holder: &Holder) -> DocumentOf {
        match holder {
            Holder::Document(document) => document.node.path().map_or(DocumentOf::Another, DocumentOf::at),
            Holder::Item(variable) => self.bound_item(*variable).1,
        }
    }

    fn bound_item(&self, variable: u16) -> (&str, DocumentOf) {
        let Bound::Item(alias, of) = self.bound(variable) else { unreachable!("a record is no item") };
        (alias, *of)
    }

    fn bound(&self, variable: u16) -> &Bound {
        let bound = self.scope.bound.iter().rev().find(|(name, _)| *name == variable);
        &bound.expect("a variable is bound where it is named").1
    }

    /// In which perspective and with whose rights the relations of a record are read.
    pub(crate) fn view_from(&self, anchor: &Anchor) -> (Perspective, &'e Rights) {
        (anchor.perspective, self.scope.rights)
    }

    /// Where a field of the record is seen.
    pub(crate) fn sees_field(&mut self, record: &Anchor, field: FieldId) -> Pred {
        let rule = self.scope.rights.field(record.collection, field, Action::Read);
        shows(self.builder, rule, record)
    }

    /// Where the record is seen.
    pub(crate) fn sees_record(&mut self, record: &Seen<'_>) -> Pred {
        sees(self.builder, record)
    }

    /// The id of the record that a to-one relation of a record leads to; the conditions say where that is seen. Where the
    /// record stores it, whether the other record is seen doesn't matter.
    pub(crate) fn reference(&mut self, holder: &Anchor, field: FieldId) -> (Sql, Vec<Pred>) {
        let sees = self.sees_field(holder, field);
        if self.builder.model.field(holder.collection, field).kind.is_stored() {
            return (self.builder.stored(holder, ColumnRef::main(field)), vec![sees]);
        }
        let next = self.builder.follow(holder, field, self.scope.rights);
        let conditions = vec![sees, self.sees_record(&next)];
        (self.builder.key(&next.anchor), conditions)
    }

    /// Follows to-one relations; the conditions say where the way is seen.
    pub(crate) fn walk(&mut self, start: &Anchor, steps: &[FieldId]) -> (Anchor, Vec<Pred>) {
        let mut at = start.clone();
        let mut conditions = Vec::new();
        for step in steps {
            conditions.push(self.sees_field(&at, *step));
            let next = self.builder.follow(&at, *step, self.scope.rights);
            conditions.push(self.sees_record(&next));
            at = next.anchor;
        }
        (at, conditions)
    }
}

/// Whether an expression is lowered to a short text, whatever the client wrote.
pub(crate) fn is_short(expr: &Expr) -> bool {
    match &expr.node {
        Node::Literal(_)
        | Node::Param(..)
        | Node::Output(..)
        | Node::Caller(_)
        | Node::Now
        | Node::Path(_)
        | Node::Within(_)
        | Node::Fact(_) => true,
        Node::Call(_, arguments) => match arguments.as_slice() {
            [only] => matches!(only.node, Node::Literal(_) | Node::Param(..) | Node::Caller(_) | Node::Path(_)),
            _ => false,
        },
        Node::Not(_)
        | Node::Negate(_)
        | Node::Binary(..)
        | Node::IsNull { .. }
        | Node::Conditional(..)
        | Node::In(..)
        | Node::List(_)
        | Node::Matches(..)
        | Node::Quantifier { .. }
        | Node::Aggregate(_)
        | Node::Ordinal(..) => false,
        Node::Computed(of) => is_short(&of.value),
    }
}
