//! What the answer of a request has, as far as that is known before it is there.

use backstay_base::{ViolationKind, nearest};
use backstay_engine::{InnerSelection, Inputs, Request, Selected, SelectedField, Selection, ValueKind};
use backstay_model::{Collection, CollectionId, Field, FieldKind, Model, ValueType};
use backstay_scalar::Scalar;

use super::Reference;
use super::kind::Kind;
use crate::words::shorten;

/// What a request answers that later ones can refer to.
#[derive(Debug, Clone)]
pub(super) struct Source {
    of: Of,
    /// How many records it answers, if that is an array.
    pub(super) several: Option<usize>,
    /// Whether it writes: then its ids are known whatever it shows.
    pub(super) writes: bool,
}

#[derive(Debug, Clone)]
enum Of {
    Record(CollectionId, Selection),
    /// A record of one of several types.
    Types,
}

impl Source {
    /// Of a request; `None` if its answer is no record.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let of = match request {
            Request::Get(get) => Of::Record(get.collection, get.selection.clone()),
            Request::GetOfTypes(_) => Of::Types,
            request => {
                let shown = request.options().and_then(|options| options.shown.clone());
                Of::Record(request.written()?, shown.map_or(Selection::Whole, |shown| shown.selection))
            }
        };
        let several = match request {
            Request::Create(create) => match &create.inputs {
                Inputs::One(_) => None,
                Inputs::Many(inputs) => Some(inputs.len()),
            },
            _ => None,
        };
        Some(Self { of, several, writes: request.options().is_some() })
    }

    /// What a reference to it leads to.
    pub(super) fn kind<'m>(&self, model: &'m Model, reference: Reference<'_>) -> Result<Kind<'m>, ViolationKind> {
        let path = reference.path();
        let path = match self.several {
            None => &path[..],
            Some(count) => match path.split_first() {
                Some((item, rest)) if item.parse().is_ok_and(|item: usize| item < count) && !rest.is_empty() => rest,
                _ => return Err(no_item(reference, count)),
            },
        };
        match &self.of {
            Of::Types => Ok(Kind::Any),
            Of::Record(collection, _) if path == [ID] && self.writes => Ok(Kind::Id(*collection)),
            Of::Record(_, _) if path == [VERSION] => Ok(Kind::One(ValueType::Scalar(Scalar::Int))),
            Of::Record(collection, selection) => {
                let way = Way { model, reference };
                way.of_record(model.collection(*collection), selection, path)
            }
        }
    }
}

pub(super) const ID: &str = "id";
pub(super) const VERSION: &str = "version";

fn no_item(reference: Reference<'_>, count: usize) -> ViolationKind {
    let name = shorten(reference.name);
    ViolationKind::Misused {
        problem: format!(
            "`{name}` writes an array of {count}, and `{}` is in none of its results",
            shorten(reference.member())
        ),
        remedy: format!("write the number of one, counted from 0, and a field: {{\"$ref\": \"{name}.0.id\"}}"),
    }
}

/// The way of a reference through an answer.
#[derive(Debug, Clone, Copy)]
struct Way<'m, 'r> {
    model: &'m Model,
    reference: Reference<'r>,
}

impl<'m> Way<'m, '_> {
    fn of_record(self, of: &'m Collection, selection: &Selection, path: &[&str]) -> Result<Kind<'m>, ViolationKind> {
        let Some((name, rest)) = path.split_first() else { return Err(self.no_value()) };
        let Selection::Parts(parts) = selection else { return self.of_stored(of, (name, rest)) };
        for part in parts.iter() {
            match part {
                Selected::Stored => {
                    if let Ok(kind) = self.of_stored(of, (name, rest)) {
                        return Ok(kind);
                    }
                }
                Selected::Field(selected) if named(of, selected) == *name => {
                    return self.of_field(of, (of.field(selected.field), selected.inner.as_ref()), rest);
                }
                Selected::Derived(value) if &*value.name == *name => {
                    let kind = match value.value.kind {
                        ValueKind::Scalar(scalar) => ValueType::Scalar(scalar),
                        ValueKind::Enum(id) => self.model.enum_type(id),
                    };
                    return if rest.is_empty() { Ok(Kind::One(kind)) } else { Err(self.no_value()) };
                }
                Selected::Field(_) | Selected::Derived(_) => {}
            }
        }
        let is_left_out = of.member_named(None, name).is_some_and(Field::is_readable);
        Err(if is_left_out { self.not_selected(name) } else { self.unknown(of, name) })
    }

    /// A field that is answered without being selected by its name.
    fn of_stored(self, of: &'m Collection, (name, rest): (&str, &[&str])) -> Result<Kind<'m>, ViolationKind> {
        let field = of.member_named(None, name).filter(|field| field.is_readable());
        match field {
            Some(field) if matches!(field.kind, FieldKind::OneToOne { .. }) => Err(self.not_selected(name)),
            Some(field) => self.of_field(of, (field, None), rest),
            None => Err(self.unknown(of, name)),
        }
    }

    fn of_field(
        self,
        of: &'m Collection,
        (field, inner): (&'m Field, Option<&InnerSelection>),
        rest: &[&str],
    ) -> Result<Kind<'m>, ViolationKind> {
        let one = |kind: Kind<'m>| if rest.is_empty() { Ok(kind) } else { Err(self.no_value()) };
        match &field.kind {
            FieldKind::Scalar(_) if field.id == Collection::ID => one(Kind::Id(of.id)),
            FieldKind::Scalar(_) if field.shares_currency() => one(Kind::One(ValueType::Scalar(Scalar::Money))),
            FieldKind::Scalar(Scalar::Json | Scalar::Money) if !rest.is_empty() => Ok(Kind::Any),
            FieldKind::Scalar(scalar) => one(Kind::One(ValueType::Scalar(*scalar))),
            FieldKind::Enum(id) => one(Kind::One(self.model.enum_type(*id))),
            FieldKind::List(element) => one(Kind::List(self.model.element_type(*element))),
            FieldKind::Embedded(id) => match rest {
                [] => Ok(Kind::Embedded(*id)),
                [name, rest @ ..] => {
                    let member = of.members(Some(field.id)).find(|member| member.own_name() == *name);
                    let member = member.filter(|member| member.is_readable());
                    self.of_field(of, (member.ok_or_else(|| self.unknown(of, name))?, None), rest)
                }
            },
            FieldKind::ToOne { target, .. } | FieldKind::OneToOne { target, .. } => match inner {
                Some(InnerSelection::Fields(inner)) => self.of_record(self.model.collection(*target), inner, rest),
                Some(InnerSelection::Document(_)) | None => one(Kind::Id(*target)),
            },
            // What is in these is known when it is there.
            FieldKind::Document(_) | FieldKind::ToOneOf { .. } => Ok(Kind::Any),
            FieldKind::OneToMany { .. } | FieldKind::ManyToMany { .. } | FieldKind::Lineage { .. } => {
                Err(ViolationKind::Misused {
                    problem: format!("`{}` leads to a list of records", shorten(self.reference.text)),
                    remedy: "refer to a field of the record itself".to_owned(),
                })
            }
        }
    }

    fn unknown(self, of: &Collection, name: &str) -> ViolationKind {
        let names = of.fields.iter().filter(|field| field.within.is_none() && field.is_readable());
        let meant = nearest(name, names.map(|field| field.name.as_str()));
        let suggestion = meant.map(|meant| format!("{}.{meant}", self.reference.name));
        ViolationKind::Unknown { what: "reference", name: shorten(self.reference.text), suggestion }
    }

    fn not_selected(self, name: &str) -> ViolationKind {
        ViolationKind::Misused {
            problem: format!("`{}` doesn't answer `{}`", shorten(self.reference.name), shorten(name)),
            remedy: format!("add `{}` to its `select`", shorten(name)),
        }
    }

    fn no_value(self) -> ViolationKind {
        ViolationKind::Misused {
            problem: format!("`{}` leads to no value", shorten(self.reference.text)),
            remedy: "refer to a field of the result, such as {\"$ref\": \"w.id\"}".to_owned(),
        }
    }
}

fn named<'n>(of: &'n Collection, selected: &'n SelectedField) -> &'n str {
    selected.alias.as_deref().unwrap_or_else(|| of.field(selected.field).own_name())
}
