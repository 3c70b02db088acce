use std::ops::Range;
use std::sync::Arc;

use backstay_base::{KeyForm, nearest};
use backstay_model::{Collection, CollectionId, Field, FieldId, FieldKind};
use backstay_scalar::{Part, Scalar};

use super::named::Argument;
use super::place::{Links, Place};
use super::{Checker, Each, RESERVED_NAMES, Variable};
use crate::error::{ExprError, ExprErrorKind, Name};
use crate::syntax::{Ident, Syntax, SyntaxNode};
use crate::{CallerPart, Expr, Many, Node, Operator, Output, Path, Root, Type, foreign};

/// Relations that one path may lead through.
pub(super) const PATH_RELATIONS: usize = 8;

impl<'m> Checker<'m> {
    /// The value that a name or a path leads to. An embedded value is none by itself, nor is a reference to one of several
    /// types.
    pub(super) fn value_at(&mut self, syntax: &Syntax) -> Option<Expr> {
        let value = self.tested_at(syntax)?;
        if let Type::Embedded { .. } | Type::Item(_) = value.ty {
            let what = format!("a whole value of {}", self.named_type(&value.ty).name);
            let instead = "name one of its members, or test whether it is there with `!= null`";
            return self.refuse(syntax.span.clone(), ExprErrorKind::Unsupported { what, instead });
        }
        if let Type::OneOf { .. } | Type::Reference(_) = value.ty {
            let what = format!("a whole reference to {}", self.named_type(&value.ty).name);
            let instead = "name the type that it refers to, as in `this.to.Post == x`; `.id` is the id of any of them";
            return self.refuse(syntax.span.clone(), ExprErrorKind::Unsupported { what, instead });
        }
        Some(value)
    }

    /// What a name or a path leads to, where only its presence is asked for.
    pub(super) fn tested_at(&mut self, syntax: &Syntax) -> Option<Expr> {
        match self.place(syntax)? {
            Place::One(expr) => Some(expr),
            Place::Many { over: Many::Items(list), .. } => Some(list.whole(&syntax.span)),
            Place::Many { field, .. } => self.refuse_many(syntax, &syntax.span, ExprErrorKind::ToMany { field }),
        }
    }

    /// Refuses the records of a relation or the items of a list, to which `of` leads, where one value is needed.
    pub(super) fn refuse_many<T>(&mut self, of: &Syntax, span: &Range<u32>, kind: ExprErrorKind) -> Option<T> {
        let question = match kind {
            ExprErrorKind::Uncountable { .. } => None,
            ExprErrorKind::ToItems { .. } => Some("ask for its items"),
            _ => Some("use `in` with lists and `exists` with relations"),
        };
        let mut error = ExprError::new(span.clone(), kind);
        if let Some(many) = of.path() {
            let variable = self.free_variable(&many);
            error.advise(match question {
                Some(question) => format!("{question}: `{many}.exists({variable}, …)`"),
                None => format!("write `size({many})`, or `{many}.count({variable}, …)` with a condition"),
            });
        }
        self.errors.push(error);
        None
    }

    pub(super) fn place(&mut self, syntax: &Syntax) -> Option<Place> {
        match &syntax.node {
            SyntaxNode::Name(name) => self.named(name, &syntax.span),
            SyntaxNode::Select(of, field) => {
                if let Some(part) = self.part_of_caller(of, field, &syntax.span) {
                    return part.map(Place::One);
                }
                if let Some(refused) = self.bare_enum(of, field, &syntax.span) {
                    return refused;
                }
                match self.place_of_operand(of)? {
                    Place::One(value) if self.is_free(&value) => self.refuse_part_of_json(of, field),
                    Place::One(of) => self.step(of, field, &syntax.span),
                    many @ Place::Many { over: Many::Records(_), links: Links::All, .. }
                        if let Some(links) = Links::named(&field.name).filter(|_| !self.scope.client) =>
                    {
                        self.changed_links(many, links, &syntax.span)
                    }
                    Place::Many { field: many, .. } if foreign::counts(&field.name) => {
                        self.refuse_many(of, &syntax.span, ExprErrorKind::Uncountable { field: many })
                    }
                    Place::Many { over: Many::Items(_), field, .. } => {
                        self.refuse_many(of, &of.span, ExprErrorKind::ToItems { field })
                    }
                    Place::Many { field, .. } => self.refuse_many(of, &of.span, ExprErrorKind::ToMany { field }),
                }
            }
            SyntaxNode::Index(of, key, bracket) => self.index((of, key, bracket), &syntax.span).map(Place::One),
            _ => self.expr(syntax, None).map(Place::One),
        }
    }

    /// `State.DRAFT`, which other languages write for a value of an enum; the outer `None` where it is something else.
    #[expect(clippy::option_option, reason = "something else; refused")]
    fn bare_enum(&mut self, of: &Syntax, value: &Ident, span: &Range<u32>) -> Option<Option<Place>> {
        let SyntaxNode::Name(name) = &of.node else { return None };
        let is_free = !self.scope.client && self.visible_variable(name).is_none();
        let of = self.scope.model.enums.iter().find(|of| is_free && of.name == *name)?;
        of.value(&value.name)?;
        let kind = ExprErrorKind::Unknown { what: Name::BareValue, name: value.name.clone(), suggestion: None };
        Some(self.refuse(span.clone(), kind))
    }

    pub(super) fn place_of_operand(&mut self, of: &Syntax) -> Option<Place> {
        self.nodes += 1;
        self.place(of)
    }

    fn named(&mut self, name: &str, span: &Range<u32>) -> Option<Place> {
        if let Some(Variable { index, each, .. }) = self.visible_variable(name) {
            let (index, each) = (*index, *each);
            return Some(Place::One(self.one_of_many(index, each, span)));
        }
        if self.argument(name).is_some() {
            return self.value_of_argument(name, span).map(Place::One);
        }
        match name {
            // A client's filter can name a field that is called so.
            "old" if self.scope.client && self.this_field(name).is_some() => {}
            "this" | "new" | "old" => {
                let (name, root, collection) = match name {
                    "this" => ("this", Root::This, self.scope.this),
                    "new" => ("new", Root::New, self.scope.new),
                    _ => ("old", Root::Old, self.scope.old),
                };
                let Some(collection) = collection else {
                    return self.refuse(span.clone(), self.no_record(name));
                };
                return Some(Place::One(self.record(root, collection, span)));
            }
            "now" => return Some(Place::One(self.now(span))),
            "auth" | "request" => {
                let instead = match name {
                    "auth" => {
                        "name a part: `auth.id`, `auth.kind`, `auth.roles`, `auth.claims.x`, `auth.verified`, `auth.link`, `auth.via` or `auth.account.x`; \
                         to require a signed-in caller, write `auth.id != null`"
                    }
                    _ => "name a part: `request.time`",
                };
                let what = format!("`{name}` alone");
                return self.refuse(span.clone(), ExprErrorKind::Unsupported { what, instead });
            }
            _ => {}
        }
        if self.scope.client {
            return self.plain_field(name, span);
        }
        if let Some(rule) = self.rule_named(name) {
            let unapplied = Ident { name: name.to_owned(), span: span.clone() };
            return self.use_of_rule(rule, (&unapplied, None), span, None).map(Place::One);
        }
        let known = self.scope.model.rules.names(self.scope.owner).chain(RESERVED_NAMES);
        let variables = self.variables.iter().map(|variable| variable.name.as_str());
        let parameters = self.arguments.iter().map(Argument::name);
        let suggestion = self
            .this_field(name)
            .or_else(|| nearest(name, known.chain(variables).chain(parameters)).map(str::to_owned));
        let name = name.to_owned();
        self.refuse(span.clone(), ExprErrorKind::Unknown { what: Name::Variable, name, suggestion })
    }

    /// `this.name`, where a rule names a field of it without `this`.
    pub(super) fn this_field(&self, name: &str) -> Option<String> {
        let collection = self.scope.model.collection(self.scope.this?);
        collection.field_named(name).map(|field| format!("this.{}", field.name))
    }

    /// What a group of records comes to.
    fn output(&mut self, outputs: &[Output], name: &str, span: &Range<u32>) -> Option<Place> {
        if let Some((index, output)) = (0_u16..).zip(outputs).find(|(_, output)| output.name == name) {
            let value = self.make(Node::Output(index, None), output.ty.clone(), span);
            return Some(Place::One(value));
        }
        let names = outputs.iter().map(|output| output.name.as_str());
        self.unknown(Name::Output, name, names, span)
    }

    /// A field of `this` in a filter.
    fn plain_field(&mut self, name: &str, span: &Range<u32>) -> Option<Place> {
        if let Some(outputs) = self.scope.outputs {
            return self.output(outputs, name, span);
        }
        let Some(collection) = self.scope.this else {
            return self.refuse(span.clone(), self.no_record("this"));
        };
        let this = self.record(Root::This, collection, span);
        self.step(this, &Ident { name: name.to_owned(), span: span.clone() }, span)
    }

    /// The error for `this`, `new` or `old` where there is no such record.
    fn no_record(&self, name: &'static str) -> ExprErrorKind {
        let elsewhere = self.scope.change_elsewhere.filter(|_| name != "this");
        let instead = match self.scope.this {
            Some(_) if self.scope.client => "write the name of the field alone",
            Some(_) if name == "old" => {
                "write `this`; only a change has a record as it was: in `@check`, `@set`, `after:` and the `when:` of `@to`"
            }
            Some(_) => "write `this`; where a record is created, `this` is the record as it would be",
            None if self.scope.new.is_some() => {
                "write `new` for the record after the change, and `old` for the one before it"
            }
            None => "only the caller (`auth`) and the moment (`now`) are known here",
        };
        ExprErrorKind::NoRecord { name, instead: elsewhere.unwrap_or(instead) }
    }

    /// What a variable stands for.
    pub(super) fn one_of_many(&mut self, variable: u16, each: Each, span: &Range<u32>) -> Expr {
        match each {
            Each::Record(collection) => self.record(Root::Bound(variable), collection, span),
            Each::Item(shape) => self.item(variable, shape, span),
        }
    }

    pub(super) fn record(&mut self, root: Root, collection: CollectionId, span: &Range<u32>) -> Expr {
        let path = Path { root, collection, steps: Vec::new(), part: None };
        let ty = self.record_type(collection);
        self.make(Node::Path(path), ty, span)
    }

    /// The type of a record of a collection.
    pub(super) fn record_type(&self, collection: CollectionId) -> Type {
        Type::Record(collection, self.scope.model.collection(collection).key.form())
    }

    pub(super) fn now(&mut self, span: &Range<u32>) -> Expr {
        self.found.uses_now = true;
        self.make(Node::Now, Type::Timestamp, span)
    }

    /// The path as it is written, if it leads to the records of a relation to many.
    pub(super) fn many_at(&mut self, syntax: &Syntax) -> Option<String> {
        let written = syntax.path()?;
        let noted = self.errors.len();
        let place = self.place(syntax);
        self.errors.truncate(noted);
        matches!(place, Some(Place::Many { .. })).then_some(written)
    }

    /// What of one of many can be compared with a value: a record itself, and a member of an item.
    pub(super) fn comparable_of_many(&mut self, many: &Syntax, variable: &str) -> String {
        let noted = self.errors.len();
        let place = self.place(many);
        self.errors.truncate(noted);
        match place {
            Some(Place::Many { over: Many::Items(_), .. }) => format!("{variable}.…"),
            Some(Place::Many { over: Many::Records(_) | Many::Referred(_), .. } | Place::One(_)) | None => {
                variable.to_owned()
            }
        }
    }

    /// A name for a variable of a quantifier over this path.
    pub(super) fn free_variable(&self, path: &str) -> String {
        let field = path.rsplit('.').next().unwrap_or(path);
        let first = field.chars().take(1).collect::<String>().to_lowercase();
        if self.visible_variable(&first).is_none() { first } else { format!("{first}2") }
    }

    /// The variable of this name; those outside a named rule cannot be seen from within.
    pub(super) fn visible_variable(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().rev().find(|variable| variable.name == name)
    }

    /// `auth.…` and `request.…`; the outer `None` where it is neither.
    #[expect(clippy::option_option, reason = "not of the caller; refused; known")]
    fn part_of_caller(&mut self, of: &Syntax, part: &Ident, span: &Range<u32>) -> Option<Option<Expr>> {
        match &of.node {
            SyntaxNode::Name(name) if name == "auth" => Some(self.auth(part, span)),
            SyntaxNode::Name(name) if name == "request" && part.name == "time" => Some(Some(self.now(span))),
            SyntaxNode::Name(name) if name == "request" => {
                Some(self.unknown(Name::RequestPart, &part.name, ["time"], &part.span))
            }
            SyntaxNode::Select(inner, claims) if claims.name == "claims" => match &inner.node {
                SyntaxNode::Name(name) if name == "auth" => {
                    let claim = CallerPart::Claim(Arc::from(part.name.as_str()));
                    Some(Some(self.make(Node::Caller(claim), Type::Text, span)))
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn auth(&mut self, part: &Ident, span: &Range<u32>) -> Option<Expr> {
        let (caller, ty) = match part.name.as_str() {
            "account" => return self.account(part, span),
            "id" => (CallerPart::Id, Type::Id(KeyForm::Uuid)),
            "link" => (CallerPart::Link, Type::Id(KeyForm::Uuid)),
            "kind" => (CallerPart::Kind, Type::Text),
            "verified" => (CallerPart::Verified, Type::Bool),
            "roles" => match self.scope.model.roles {
                Some(roles) => (CallerPart::Roles, Type::List(Box::new(Type::Enum(roles)))),
                None => return self.refuse(part.span.clone(), ExprErrorKind::NoRoles),
            },
            "via" => (CallerPart::Via, Type::List(Box::new(Type::Text))),
            "claims" => {
                let (what, instead) = ("`auth.claims` alone".to_owned(), "name a claim: `auth.claims.x`");
                return self.refuse(span.clone(), ExprErrorKind::Unsupported { what, instead });
            }
            name => {
                return self.unknown(
                    Name::AuthPart,
                    name,
                    ["id", "kind", "roles", "claims", "account", "verified", "link", "via"],
                    &part.span,
                );
            }
        };
        Some(self.make(Node::Caller(caller), ty, span))
    }

    /// The caller's own record. A filter can't name it: the caller may not be allowed to read all of it.
    fn account(&mut self, part: &Ident, span: &Range<u32>) -> Option<Expr> {
        if self.scope.restricted {
            let instead = "filters know `auth.id`, `auth.kind`, `auth.roles` and `auth.claims`";
            let what = "`auth.account`".to_owned();
            return self.refuse(part.span.clone(), ExprErrorKind::Unsupported { what, instead });
        }
        match self.scope.model.identity {
            Some(identity) => Some(self.record(Root::Account, identity, span)),
            None => self.refuse(part.span.clone(), ExprErrorKind::NoAccounts),
        }
    }

    pub(super) fn unknown<'n, T>(
        &mut self,
        what: Name,
        name: &str,
        known: impl IntoIterator<Item = &'n str>,
        span: &Range<u32>,
    ) -> Option<T> {
        let suggestion = nearest(name, known).map(str::to_owned);
        self.refuse(span.clone(), ExprErrorKind::Unknown { what, name: name.to_owned(), suggestion })
    }

    /// From a record to one of its fields, or from money to one of its parts.
    pub(super) fn step(&mut self, of: Expr, field: &Ident, span: &Range<u32>) -> Option<Place> {
        if matches!(of.node, Node::Aggregate(_)) {
            return self.step_of_aggregate(of, field, span);
        }
        let of = match self.document_at(of) {
            Ok((within, shape)) => return self.member_within(&within, shape, field, span),
            Err(of) => of,
        };
        if let (Node::Within(within), Type::Reference(union)) = (&of.node, &of.ty) {
            return self.alternative_within(within, *union, field, span);
        }
        if of.ty == Type::Money && !matches!(of.node, Node::Path(_)) {
            let (part, _) = self.money_part(field)?;
            return self.bounded(of.in_part(part), span).map(Place::One);
        }
        if let (Node::Within(_) | Node::Conditional(..), Type::Record(..)) = (&of.node, &of.ty) {
            if field.name == "id" {
                return Some(Place::One(Expr { span: span.clone(), ..of }));
            }
            return self.follow(of, field, span);
        }
        let Expr { node: Node::Path(mut path), ty, .. } = of else {
            let kind = ExprErrorKind::NoFields { of: self.named_type(&of.ty), name: field.name.clone() };
            return self.refuse(field.span.clone(), kind);
        };
        match (ty, path.part) {
            (Type::Embedded { field: (collection, outer), .. }, None) => {
                self.member(path, (collection, outer), field, span)
            }
            (Type::OneOf { field: (collection, holder), .. }, None) => {
                self.alternative(path, (collection, holder), field, span)
            }
            (Type::Record(collection, _), None) => self.field(path, collection, field, span),
            (Type::Money, None) => {
                let (part, ty) = self.money_part(field)?;
                path.part = Some(part);
                Some(Place::One(self.make(Node::Path(path), ty, span)))
            }
            (ty, _) => {
                let kind = ExprErrorKind::NoFields { of: self.named_type(&ty), name: field.name.clone() };
                self.refuse(field.span.clone(), kind)
            }
        }
    }

    /// A part of an amount of money, and its type.
    pub(super) fn money_part(&mut self, field: &Ident) -> Option<(Part, Type)> {
        match field.name.as_str() {
            "amount" => Some((Part::Main, Type::Decimal)),
            "currency" => Some((Part::Currency, Type::Formatted(Scalar::Currency))),
            name => self.unknown(Name::MoneyPart, name, ["amount", "currency"], &field.span),
        }
    }

    fn field(&mut self, mut path: Path, collection: CollectionId, name: &Ident, span: &Range<u32>) -> Option<Place> {
        let client = self.scope.client;
        let collection: &'m Collection = self.scope.model.collection(collection);
        if path.steps.last() == Some(&Collection::ID) {
            path.steps.pop();
        }
        // Clients may use the old name that a field still answers to; the model's own rules may not.
        let found = collection.member_named(None, &name.name).filter(|field| client || field.name == name.name);
        let shared = self.scope.shared.filter(|_| path.root == Root::This && path.steps.is_empty());
        if let Some(shared) = shared.filter(|shared| found.is_none_or(|field| !shared.shares(&field.name))) {
            let names = shared.fields.iter().map(String::as_str);
            return self.unknown(Name::Field(shared.name.clone()), &name.name, names, &name.span);
        }
        let Some(field) = found else {
            let open = collection.members(None).filter(|field| !client || field.is_readable());
            let names = open.map(|field| field.name.as_str());
            // `authorId` and `author_id` for `author`: a relation is its key.
            let relation = name.name.strip_suffix("Id").or_else(|| name.name.strip_suffix("_id"));
            let relation = relation.and_then(|relation| collection.field_named(relation));
            if let Some(relation) = relation.filter(|field| field.kind.target().is_some()) {
                let (what, suggestion) = (Name::Field(collection.name.clone()), Some(relation.name.clone()));
                let kind = ExprErrorKind::Unknown { what, name: name.name.clone(), suggestion };
                return self.refuse(name.span.clone(), kind);
            }
            return self.unknown(Name::Field(collection.name.clone()), &name.name, names, &name.span);
        };
        let of_account = path.root == Root::Account && path.steps.is_empty();
        if (self.scope.restricted || of_account) && !field.is_readable() {
            return self.refuse(name.span.clone(), ExprErrorKind::Secret { field: name.name.clone() });
        }
        self.note_of_account(&path, field);
        // A record is its id: `author.id` reads no more than `author` does.
        if field.id != Collection::ID || path.steps.is_empty() {
            self.found.reads.insert((collection.id, field.id));
        }
        if field.is_computed() {
            return self.computed_field(path, (collection, field), span).map(Place::One);
        }
        if let Some(way) = &field.currency {
            return self.shared_amount(&path, (field, way), span).map(Place::One);
        }
        if field.id != Collection::ID {
            path.steps.push(field.id);
            // Of the caller's own record only its fields are known without the database: this is a field of another one.
            if of_account && matches!(field.kind, FieldKind::OneToOne { .. }) {
                path.steps.push(Collection::ID);
            }
        }
        if path.steps.len() > PATH_RELATIONS + 1 {
            return self.refuse(span.clone(), ExprErrorKind::LongPath { max: PATH_RELATIONS });
        }
        if let Some(ty) = Type::of(collection, field) {
            let value = self.make(Node::Path(path), ty, span);
            return Some(Place::of(value, &field.kind, &name.name));
        }
        let target = field.kind.target().expect("a field whose value has no type is a relation to many");
        let (over, each) = (Many::Records(path), Each::Record(target));
        Some(Place::Many { over, each, field: name.name.clone(), links: Links::All })
    }

    /// Notes a field of the record that a path leads to, if that is the caller's own: its values are read with the caller.
    pub(super) fn note_of_account(&mut self, path: &Path, field: &Field) {
        let of_account = path.root == Root::Account && path.steps.is_empty();
        if of_account && field.id != Collection::ID && field.is_stored() {
            self.found.account.insert(field.id);
        }
    }

    /// A member of an embedded value, to which the path leads: it takes the place of the value in the path.
    pub(super) fn member(
        &mut self,
        mut path: Path,
        (collection, outer): (CollectionId, FieldId),
        name: &Ident,
        span: &Range<u32>,
    ) -> Option<Place> {
        let (client, collection) = (self.scope.client, self.scope.model.collection(collection));
        let Some(member) = collection.member_named(Some(outer), &name.name) else {
            let open = collection.members(Some(outer)).filter(|member| !client || member.is_readable());
            let what = Name::Field(self.named_type(&Type::of(collection, collection.field(outer))?).name);
            return self.unknown(what, &name.name, open.map(Field::own_name), &name.span);
        };
        path.steps.pop();
        let of_account = path.root == Root::Account && path.steps.is_empty();
        if (self.scope.restricted || of_account) && !member.is_readable() {
            return self.refuse(name.span.clone(), ExprErrorKind::Secret { field: member.name.clone() });
        }
        self.note_of_account(&path, member);
        if member.kind.is_stored() {
            self.found.reads.insert((collection.id, member.id));
        }
        path.steps.push(member.id);
        let value = Type::of(collection, member).map(|ty| self.make(Node::Path(path), ty, span))?;
        Some(Place::of(value, &member.kind, &name.name))
    }

    /// Whether an embedded value, or a reference to one of several types, is there: one of its members has a value.
    pub(super) fn presence_of_members(
        &mut self,
        path: &Path,
        (collection, outer): (CollectionId, FieldId),
        negated: bool,
        span: &Range<u32>,
    ) -> Option<Expr> {
        let collection = self.scope.model.collection(collection);
        let mut record = path.clone();
        record.steps.pop();
        let of_account = record.root == Root::Account && record.steps.is_empty();
        let restricted = self.scope.restricted || of_account;
        let parts = collection.parts(outer).filter(|part| !restricted || part.is_readable());
        let mut tests = Vec::new();
        for part in parts {
            self.found.reads.insert((collection.id, part.id));
            self.note_of_account(&record, part);
            let mut path = record.clone();
            path.steps.push(part.id);
            let of = self.make(Node::Path(path), Type::of(collection, part)?, span);
            tests.push(self.make(Node::IsNull { of: Box::new(of), negated }, Type::Bool, span));
        }
        self.nodes += 2 * tests.len();
        let operator = if negated { Operator::Or } else { Operator::And };
        tests.into_iter().reduce(|all, test| {
            let node = Node::Binary(operator, Box::new(all), Box::new(test));
            Expr { node, ty: Type::Bool, span: span.clone() }
        })
    }
}
