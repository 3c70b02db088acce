//! The limits of members within documents: `@length`, `@range` and `@pattern`. Reading a document doesn't ask them, because
//! what is stored may be older than a limit: who writes one asks them here, and knows what may stay as it was.

use std::ops::ControlFlow;

use backstay_base::{Step, ViolationKind};
use backstay_scalar::{Token, items, members};

use crate::document::{TYPE_NAME, reach};
use crate::kind::{Document, Element, FieldKind, Shape};
use crate::length::{Length, LengthProblem, Unit};
use crate::{Embedded, EmbeddedId, Field, FieldId, Model, ValueLimit};

/// A value within a document that a limit of its member refuses.
#[derive(Debug)]
pub struct DocumentMisfit<'t, 'w> {
    /// The member.
    pub member: (EmbeddedId, FieldId),
    /// What it is outside of.
    pub limit: MemberLimit,
    /// The value in the form in which it is stored.
    pub value: &'t str,
    /// How many characters or items it has, if these are too many.
    pub excess: Option<usize>,
    /// The way to it from the document.
    pub steps: &'w [Step],
    /// What is wrong.
    pub kind: ViolationKind,
}

/// A directive that limits the values of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemberLimit {
    /// `@length`.
    Length,
    /// A limit of each value.
    Value(ValueLimit),
}

impl Model {
    /// Whether a document can hold values that are limited by anything but their types.
    pub fn limits_within(&self, document: Document) -> bool {
        let is_limited = |of: &Embedded| of.members.iter().any(|of| of.length.is_some() || of.limits_values());
        let reached = self.reached(document);
        self.embedded.iter().zip(reached).any(|(of, reached)| reached && is_limited(of))
    }

    /// Of each embedded type, whether a document can hold values of it.
    pub fn reached(&self, document: Document) -> Vec<bool> {
        let mut reached = vec![false; self.embedded.len()];
        reach((&self.embedded, &self.unions), document.shape(), &mut reached);
        reached
    }

    /// Of each embedded type, whether a value of this one can have values of it, or is one.
    pub fn reached_from(&self, of: EmbeddedId) -> Vec<bool> {
        let mut reached = vec![false; self.embedded.len()];
        reach((&self.embedded, &self.unions), Shape::Embedded(of), &mut reached);
        reached
    }

    /// Shows the values of a document that limits of their members refuse, in the order in which they stand there, until
    /// the visitor has seen enough. The document is in the form in which it is stored.
    pub fn visit_misfits<'t>(&self, document: Document, text: &'t str, visit: Visit<'_, 't>) {
        _ = Walk { model: self, steps: Vec::new(), visit }.document(document, text);
    }
}

impl Model {
    /// The same of one value of an embedded type.
    pub(crate) fn visit_misfits_of<'t>(&self, of: EmbeddedId, text: &'t str, visit: Visit<'_, 't>) {
        _ = Walk { model: self, steps: Vec::new(), visit }.shaped(Shape::Embedded(of), text);
    }
}

type Visit<'v, 't> = &'v mut dyn FnMut(DocumentMisfit<'t, '_>) -> ControlFlow<()>;
type Member<'m> = (EmbeddedId, &'m Field);

struct Walk<'m, 'v, 't> {
    model: &'m Model,
    steps: Vec<Step>,
    visit: Visit<'v, 't>,
}

impl<'m, 't> Walk<'m, '_, 't> {
    fn document(&mut self, document: Document, raw: &'t str) -> ControlFlow<()> {
        let shape = document.shape();
        match document {
            Document::One(_) => self.shaped(shape, raw),
            Document::List(_) => self.each(raw, |walk, item| walk.shaped(shape, item)),
        }
    }

    fn within(&mut self, step: Step, walk: impl FnOnce(&mut Self) -> ControlFlow<()>) -> ControlFlow<()> {
        self.steps.push(step);
        let flow = walk(self);
        self.steps.pop();
        flow
    }

    fn each(&mut self, raw: &'t str, mut item: impl FnMut(&mut Self, &'t str) -> ControlFlow<()>) -> ControlFlow<()> {
        let mut items = items(raw).into_iter().flatten().enumerate();
        items.try_for_each(|(index, raw)| self.within(Step::Item(index), |walk| item(walk, raw.get())))
    }

    fn shaped(&mut self, shape: Shape, raw: &'t str) -> ControlFlow<()> {
        let model = self.model;
        let stored = members(raw).unwrap_or_default();
        let of = match shape {
            Shape::Embedded(id) => Some(id),
            Shape::Union(_) => {
                let tag = stored.iter().find(|(name, _)| name == TYPE_NAME);
                let name = tag.map(|(_, raw)| raw.get().trim_matches('"'));
                model.types_of(&shape).into_iter().find(|id| Some(model.embedded(*id).name.as_str()) == name)
            }
        };
        let Some(of) = of else { return ControlFlow::Continue(()) };
        for (name, raw) in stored.into_iter().filter(|(_, raw)| raw.get() != "null") {
            let Some(member) = model.embedded(of).members.iter().find(|member| member.name == *name) else { continue };
            self.within(Step::Member(member.name.clone()), |walk| walk.member((of, member), raw.get()))?;
        }
        ControlFlow::Continue(())
    }

    fn member(&mut self, member: Member<'m>, raw: &'t str) -> ControlFlow<()> {
        match &member.1.kind {
            FieldKind::Embedded(id) => self.shaped(Shape::Embedded(*id), raw),
            FieldKind::Document(document) => {
                self.document(*document, raw)?;
                self.count(member, raw)
            }
            FieldKind::List(element) => {
                self.each(raw, |walk, item| walk.value(member, *element, item))?;
                self.count(member, raw)
            }
            FieldKind::Scalar(scalar) => {
                self.text(member, raw)?;
                self.value(member, Element::Scalar(*scalar), raw)
            }
            FieldKind::Enum(_)
            | FieldKind::ToOne { .. }
            | FieldKind::ToOneOf { .. }
            | FieldKind::OneToMany { .. }
            | FieldKind::Lineage { .. }
            | FieldKind::OneToOne { .. }
            | FieldKind::ManyToMany { .. } => ControlFlow::Continue(()),
        }
    }

    /// A list may have only so many items.
    fn count(&mut self, member: Member<'m>, raw: &'t str) -> ControlFlow<()> {
        let Some(length) = member.1.length else { return ControlFlow::Continue(()) };
        let count = items(raw).map_or(0, |items| items.len());
        self.length(member, raw, (length, Unit::Items, count))
    }

    /// A text may have only so many characters.
    fn text(&mut self, member: Member<'m>, raw: &'t str) -> ControlFlow<()> {
        let (_, field) = member;
        let limited = field.length.zip(self.model.value_type(&field.kind));
        let Some((length, ty)) = limited else { return ControlFlow::Continue(()) };
        let unit = Unit::of_length(&field.kind);
        let count = ty.read(Token::Json(raw)).ok().and_then(|value| unit.count(&value));
        count.map_or(ControlFlow::Continue(()), |count| self.length(member, raw, (length, unit, count)))
    }

    fn length(
        &mut self,
        member: Member<'m>,
        raw: &'t str,
        (length, unit, count): (Length, Unit, usize),
    ) -> ControlFlow<()> {
        let Err(problem) = length.check_count(unit, count) else { return ControlFlow::Continue(()) };
        let excess = match problem {
            LengthProblem::TooLong { .. } => Some(count),
            LengthProblem::TooShort { .. } => None,
        };
        self.show(member, raw, (MemberLimit::Length, excess, problem.into()))
    }

    /// A value, or an item of a list, may have only certain values.
    fn value(&mut self, member: Member<'m>, element: Element, raw: &'t str) -> ControlFlow<()> {
        let (_, field) = member;
        if !field.limits_values() {
            return ControlFlow::Continue(());
        }
        let read = self.model.element_type(element).read(Token::Json(raw));
        let checked = read.map_or(Ok(()), |value| field.check_value(&value));
        let Err((limit, kind)) = checked else { return ControlFlow::Continue(()) };
        self.show(member, raw, (MemberLimit::Value(limit), None, kind))
    }

    fn show(
        &mut self,
        (of, field): Member<'m>,
        value: &'t str,
        (limit, excess, kind): (MemberLimit, Option<usize>, ViolationKind),
    ) -> ControlFlow<()> {
        (self.visit)(DocumentMisfit { member: (of, field.id), limit, value, excess, steps: &self.steps, kind })
    }
}
