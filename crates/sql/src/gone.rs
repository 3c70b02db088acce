//! What a rule tells of a record that is in the trash or was deleted. Its own values are known, as far as they are kept, and
//! it can find records that are live. Nothing follows from what it doesn't find if that may have gone with the record: a part of
//! a rule that would have to conclude from it is unknown.

use backstay_base::Action;
use backstay_expr::{Aggregate, Expr, Many, Node, Operator, Path, Quantifier, Rights, Root, Type, Within};
use backstay_model::{Collection, Field, FieldId, FieldKind, OnDelete, VersionChange, Versions};
use sea_query::{Expr as Sql, ExprTrait, Query};

use crate::builder::{Anchor, Record};
use crate::going_with::going_with;
use crate::lower::{Bound, DocumentOf, Lowering};
use crate::predicate::Pred;
use crate::presence::Presence;
use crate::tree::{boolean, column, integer, only_where, word};
use crate::within::Items;
use crate::{ColumnRef, Perspective};

impl Lowering<'_, '_, '_> {
    /// Where a part of the rule can be `wanted`, apart from what its own parts ask.
    pub(crate) fn tells(&mut self, expr: &Expr, wanted: bool) -> Pred {
        if self.scope.presence == Presence::There {
            return Pred::Known(true);
        }
        match &expr.node {
            Node::Not(_) | Node::Binary(Operator::And | Operator::Or, ..) | Node::Conditional(..) => Pred::Known(true),
            Node::Quantifier { kind, over: Many::Records(path), .. } => {
                match wanted == is_decisive(*kind) || self.stays(path) {
                    true => self.leads_to(path),
                    false => Pred::Known(false),
                }
            }
            // Its body is asked of each item.
            Node::Quantifier { over: Many::Items(list), .. } => self.has_list(list),
            Node::Quantifier { over: Many::Referred(_), .. } => Pred::Known(false),
            Node::Computed(of) if self.is_shown_truth(of) => Pred::Known(true),
            Node::Literal(_)
            | Node::Param(..)
            | Node::Output(..)
            | Node::Caller(_)
            | Node::Now
            | Node::Path(_)
            | Node::Negate(_)
            | Node::Binary(..)
            | Node::IsNull { .. }
            | Node::In(..)
            | Node::List(_)
            | Node::Call(..)
            | Node::Matches(..)
            | Node::Aggregate(_)
            | Node::Computed(_)
            | Node::Within(_)
            | Node::Ordinal(..)
            | Node::Fact(_) => self.is_known(expr),
        }
    }

    /// The truth of a part of the rule, null where it can't tell.
    pub(crate) fn told(&mut self, expr: &Expr, truth: impl FnOnce(&mut Self) -> Sql) -> Sql {
        let decisive = match &expr.node {
            Node::Quantifier { kind, over: Many::Records(path), .. }
                if self.scope.presence == Presence::Gone && !self.stays(path) =>
            {
                Some(is_decisive(*kind))
            }
            _ => None,
        };
        let told = match self.tells(expr, decisive.unwrap_or(true)) {
            Pred::Known(false) => return self.builder.dialect.unknown(),
            told => told,
        };
        let truth = truth(self);
        match (told, decisive) {
            (Pred::Known(_), None) => truth,
            (told, None) => only_where(told.sql(), truth),
            (told, Some(decisive)) => {
                let is = Pred::Sql(self.builder.dialect.is_truth(truth, decisive));
                only_where(Pred::all([told, is]).sql(), boolean(decisive))
            }
        }
    }

    /// Where everything is known that an expression reads.
    fn is_known(&mut self, expr: &Expr) -> Pred {
        let own = match (&expr.node, expr.node.path()) {
            (Node::Quantifier { over: Many::Items(list), variable, body, .. }, _) => {
                return self.is_known_of_items(list, *variable, &[body]);
            }
            (Node::Aggregate(of), None) => {
                let Many::Items(list) = &of.over else { return Pred::Known(false) };
                return self.is_known_of_items(list, of.variable, &of.own_children());
            }
            (Node::Within(within), _) => self.is_known_within(within, &expr.ty),
            (_, None) => Pred::Known(true),
            (Node::Path(path), _) => self.ends_at(path),
            (Node::Computed(of), _) => self.follows(&of.at, &of.at.steps),
            (Node::Aggregate(of), _) => return self.is_counted(of),
            (_, Some(_)) => Pred::Known(false),
        };
        let children = expr.node.children();
        let within: Vec<Pred> = match own {
            Pred::Known(false) => Vec::new(),
            _ => children.into_iter().map(|child| self.is_known(child)).collect(),
        };
        Pred::all(std::iter::once(own).chain(within))
    }

    /// Where what members come to is known: if none of them can have gone, and each is asked for its own values.
    fn is_counted(&mut self, of: &Aggregate) -> Pred {
        let Some(path) = of.over.path().filter(|path| self.stays(path)) else { return Pred::Known(false) };
        let leads = self.leads_to(path);
        let children = of.children().into_iter().map(|child| self.is_known_of_member(child));
        Pred::all(std::iter::once(leads).chain(children.collect::<Vec<_>>()))
    }

    fn is_known_of_member(&mut self, expr: &Expr) -> Pred {
        match &expr.node {
            Node::Path(Path { root: Root::Bound(_), collection, steps, .. }) => {
                let own = match steps.as_slice() {
                    [] => true,
                    [only] => stays_with_member(self.builder.model.field(*collection, *only)),
                    _ => false,
                };
                Pred::Known(own)
            }
            Node::Path(_) => self.is_known(expr),
            Node::Within(_) if can_be_emptied(&expr.ty) => Pred::Known(false),
            node if node.path().is_some() => Pred::Known(false),
            node => {
                let children = node.children();
                Pred::all(children.into_iter().map(|child| self.is_known_of_member(child)).collect::<Vec<_>>())
            }
        }
    }

    /// Where the list is known, and what these read of each of its items.
    fn is_known_of_items(&mut self, list: &Within, variable: u16, of_item: &[&Expr]) -> Pred {
        let has_list = self.has_list(list);
        let Some(Items { list: _, frame, alias, of }) = self.items(list) else { return has_list };
        self.scope.bound.push((variable, Bound::Item(alias, of)));
        let known = Pred::all(of_item.iter().map(|expr| self.is_known(expr)).collect::<Vec<_>>());
        self.scope.bound.pop();
        let of_all = match known.otherwise() {
            Pred::Known(is_unknown) => Pred::Known(!is_unknown),
            unknown @ Pred::Sql(_) => {
                let mut select = Query::select();
                select.expr(integer(1));
                unknown.restrict(&mut select);
                self.builder.from(frame, &mut select);
                Pred::Sql(Sql::exists(select).not())
            }
        };
        Pred::all([has_list, of_all])
    }

    /// Where the document is known that has a list; that of an item is known where the item is.
    fn has_list(&mut self, list: &Within) -> Pred {
        list.document().map_or(Pred::Known(true), |document| self.is_known(document))
    }

    /// Where a value within a document is what it was, if its document is known. A deletion empties references in the
    /// documents of records that are there, also those in values within them.
    fn is_known_within(&mut self, within: &Within, ty: &Type) -> Pred {
        match (self.document_of(&within.of), ty) {
            (DocumentOf::Own(root), Type::Record(target, _)) => {
                let version = self.anchor(root);
                let Some(succeeded) = self.succeeded(&version) else { return Pred::Known(true) };
                let collection = self.builder.model.collection(*target);
                let rights = (Rights::unrestricted(), Action::Read);
                let record = self.builder.rows(collection, Perspective::Stored, rights).anchor;
                let (key, reference) = (self.builder.key(&record), self.within(within).settled());
                let created = self.builder.stored(&record, ColumnRef::main(Collection::CREATED_AT));
                let mut later = Query::select();
                later.expr(integer(1)).and_where(key.eq(reference)).and_where(created.gte(succeeded.at));
                self.builder.from(record.frame, &mut later);
                Pred::Sql(succeeded.is_live.or(Sql::exists(later).not()))
            }
            (DocumentOf::Another, ty) if can_be_emptied(ty) => Pred::Sql(self.within(within).settled().is_not_null()),
            (DocumentOf::Own(_) | DocumentOf::Account | DocumentOf::Another, _) => Pred::Known(true),
        }
    }

    /// Whether members of the to-many relation at the end of a path are those of a record that is there, and can't have gone
    /// with the one that the rule is about.
    fn stays(&self, path: &Path) -> bool {
        let model = self.builder.model;
        let leads_away = !is_own(path.root) || path.steps.len() > 1;
        let members = path.field(model).and_then(|relation| relation.kind.target());
        leads_away && members.is_some_and(|members| !going_with(model, self.scope.this.collection).contains(&members))
    }

    /// Where the record is known that has the to-many relation at the end of a path.
    fn leads_to(&mut self, path: &Path) -> Pred {
        let steps = path.steps.split_last().map_or(&[][..], |(_, steps)| steps);
        self.follows(path, steps)
    }

    /// Where the value at the end of a path is known.
    fn ends_at(&mut self, path: &Path) -> Pred {
        let Some((last, steps)) = path.steps.split_last() else { return Pred::Known(true) };
        let followed = self.follows(path, steps);
        if matches!(followed, Pred::Known(false)) || path.root == Root::Account {
            return followed;
        }
        let start = self.anchor(path.root);
        let (holder, _) = self.walk(&start, steps);
        let model = self.builder.model;
        let field = model.field(holder.collection, *last);
        let is_own = is_own(path.root) && steps.is_empty();
        let ends = match &field.kind {
            // What a sum counts may have gone with the record.
            _ if field.is_sum() || is_own && !holder.perspective.has(field) => Pred::Known(false),
            FieldKind::ToOne { on_delete, .. } if is_own && *on_delete != OnDelete::Restrict => {
                self.is_not_succeeded(&holder, field)
            }
            _ => self.follows_one(&holder, field, is_own),
        };
        Pred::all([followed, ends])
    }

    /// Where the records are known to which these steps of a path lead, or none is there for another reason than that it is
    /// gone.
    fn follows(&mut self, path: &Path, steps: &[FieldId]) -> Pred {
        if path.root == Root::Account {
            return Pred::Known(true);
        }
        let mut holder = self.anchor(path.root);
        let mut conditions = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            let field = self.builder.model.field(holder.collection, *step);
            conditions.push(self.follows_one(&holder, field, at == 0 && is_own(path.root)));
            holder = self.builder.follow(&holder, *step, self.scope.rights).anchor;
        }
        Pred::all(conditions)
    }

    /// The same of one relation. The record's own reference stays when what it led to is gone; those of others are emptied.
    fn follows_one(&mut self, holder: &Anchor, field: &Field, is_own: bool) -> Pred {
        match &field.kind {
            // Of a record in the trash it is emptied too, where one that is live would keep what it leads to.
            FieldKind::ToOne { on_delete: OnDelete::Restrict, .. }
                if is_own && holder.perspective == Perspective::Trash =>
            {
                let next = self.builder.follow(holder, field.id, self.scope.rights).anchor;
                Pred::Sql(self.builder.key(&next).is_not_null())
            }
            FieldKind::ToOne { .. } if is_own => {
                let reference = self.builder.stored(holder, ColumnRef::main(field.id));
                let next = self.builder.follow(holder, field.id, self.scope.rights).anchor;
                let there = Pred::Sql(self.builder.key(&next).is_not_null());
                Pred::any([Pred::Sql(reference.is_null()), Pred::all([there, self.is_older(&next, holder)])])
            }
            FieldKind::ToOne { on_delete: OnDelete::SetNull, .. } => {
                Pred::Sql(self.builder.stored(holder, ColumnRef::main(field.id)).is_not_null())
            }
            FieldKind::OneToOne { .. } => {
                let next = self.builder.follow(holder, field.id, self.scope.rights).anchor;
                Pred::Sql(self.builder.key(&next).is_not_null())
            }
            FieldKind::ToOne { .. }
            | FieldKind::Scalar(_)
            | FieldKind::Enum(_)
            | FieldKind::List(_)
            | FieldKind::Embedded(_)
            | FieldKind::Document(_)
            | FieldKind::ToOneOf { .. }
            | FieldKind::OneToMany { .. }
            | FieldKind::Lineage { .. }
            | FieldKind::ManyToMany { .. } => Pred::Known(true),
        }
    }

    /// Where a version's own reference doesn't lead to a record that was created later under the id of a deleted one. Ids
    /// may have been given before, whatever the type says now.
    fn is_not_succeeded(&mut self, version: &Anchor, reference: &Field) -> Pred {
        if self.succeeded(version).is_none() {
            return Pred::Known(true);
        }
        let next = self.builder.follow(version, reference.id, self.scope.rights).anchor;
        Pred::any([Pred::Sql(self.builder.key(&next).is_null()), self.is_older(&next, version)])
    }

    /// Where a record was there before the version that refers to it ended: one that was created later under the id of a
    /// deleted record is another one.
    fn is_older(&mut self, record: &Anchor, version: &Anchor) -> Pred {
        let Some(Succeeded { is_live, at }) = self.succeeded(version) else { return Pred::Known(true) };
        Pred::Sql(is_live.or(self.builder.stored(record, ColumnRef::main(Collection::CREATED_AT)).lt(at)))
    }

    /// `None` of a record that isn't a version: its references are emptied when what they lead to is deleted.
    fn succeeded(&self, version: &Anchor) -> Option<Succeeded> {
        let Record::Row(alias) = &version.record else { return None };
        let (from, until) = (column(alias, Versions::FROM), column(alias, Versions::UNTIL));
        let trash = self.builder.model.collection(version.collection).trash;
        let trashed = trash.map(|trash| self.builder.column(version.collection, ColumnRef::main(trash.at)));
        let exists = column(alias, Versions::CHANGE).ne(word(VersionChange::Delete.word()));
        let is_live = trashed.into_iter().fold(exists, |live, at| live.and(column(alias, &at.name).is_null()));
        match version.perspective {
            Perspective::Live | Perspective::Stored | Perspective::Trash => None,
            Perspective::Last => Some(Succeeded { is_live, at: from }),
            Perspective::AsOf | Perspective::Versions => {
                Some(Succeeded { is_live: until.clone().is_null().and(is_live), at: until.if_null(from) })
            }
        }
    }
}

/// When a version stopped being what the record is.
struct Succeeded {
    /// Where it still is.
    is_live: Sql,
    /// The moment, elsewhere.
    at: Sql,
}

/// Whether a field of a record that is there is what it was when another one was deleted.
fn stays_with_member(field: &Field) -> bool {
    match field.kind {
        FieldKind::ToOne { on_delete, .. } => on_delete != OnDelete::SetNull,
        FieldKind::OneToOne { .. } => false,
        FieldKind::Scalar(_)
        | FieldKind::Enum(_)
        | FieldKind::List(_)
        | FieldKind::Embedded(_)
        | FieldKind::Document(_)
        | FieldKind::ToOneOf { .. }
        | FieldKind::OneToMany { .. }
        | FieldKind::Lineage { .. }
        | FieldKind::ManyToMany { .. } => !field.is_sum(),
    }
}

/// Whether a value within a document can be a reference or have some within it.
fn can_be_emptied(ty: &Type) -> bool {
    matches!(ty, Type::Record(..) | Type::Json | Type::Item(_) | Type::Reference(_))
}

/// Which truth one member decides.
fn is_decisive(kind: Quantifier) -> bool {
    kind == Quantifier::Exists
}

fn is_own(root: Root) -> bool {
    match root {
        Root::This | Root::New | Root::Old => true,
        Root::Account | Root::Bound(_) => false,
    }
}
