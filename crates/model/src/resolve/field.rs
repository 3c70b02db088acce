use apollo_compiler::ast::Type;
use apollo_compiler::schema::{Component, Directive, FieldDefinition};
use apollo_compiler::{Name, Node};

use super::app::EXPRESSION_WORDS;
use super::{Resolver, STANDARD_FIELDS, default, description};
use crate::{Allow, Check, Class, CollectionId, Column, Element, Field, FieldId, FieldKind, OnDelete, Set, SetOn};
use backstay_scalar::Scalar;

/// Query parameters of a list, which a field of that name could not be compared by.
const PARAMETERS: &[&str] = &["filter", "q", "search", "sort", "select", "limit", "after", "count"];

/// Characters of the message of a check.
const MESSAGE_CHARS: usize = 200;

impl<'a> Resolver<'a> {
    /// One of the four fields that every record has.
    pub(super) fn standard_field(&mut self, of: CollectionId, number: usize) -> Field {
        let node = self.types[usize::from(of.0)].node;
        let (name, written) = STANDARD_FIELDS[number];
        let declared = node.fields.get(name);
        if let Some(declared) = declared {
            let help = format!("write `{name}: {written}`, or leave it out: every record has it");
            if declared.ty.to_string() != written {
                let message = format!("`{name}` has the type `{written}` in every record");
                self.error(declared.name.location(), message, format!("declared as `{}`", declared.ty), help);
            } else if let Some(directive) = declared.directives.first() {
                let message = format!("`{name}` takes no directives");
                self.error(directive.location(), message, "not here", "remove it; Backstay alone writes this field");
            }
        }
        let scalar = [Scalar::Id, Scalar::DateTime, Scalar::DateTime, Scalar::Int][number];
        Field {
            id: FieldId(u16::try_from(number).unwrap_or_default()),
            name: name.to_owned(),
            columns: Column::of(name, &FieldKind::Scalar(scalar)),
            description: declared.and_then(|field| description(field.description.as_ref())),
            kind: FieldKind::Scalar(scalar),
            required: true,
            unique: number == 0,
            readonly: true,
            immutable: number < 2,
            default: None,
            set: Vec::new(),
            class: None,
            allow: Allow::default(),
            checks: Vec::new(),
            span: self.span_of(declared.map_or(&node.name, |field| &field.name)),
        }
    }

    /// A declared field. Where it is wrong, a stand-in that keeps the indexes of the others.
    pub(super) fn field(&mut self, of: CollectionId, id: FieldId, node: &'a Component<FieldDefinition>) -> Field {
        self.check_field_name(&node.name);
        let (kind, sound) = match self.kind(of, node) {
            Some(kind) => (kind, true),
            None => (FieldKind::Scalar(Scalar::Text), false),
        };
        let mut field = Field {
            id,
            name: node.name.to_string(),
            columns: Column::of(&node.name, &kind),
            description: description(node.description.as_ref()),
            required: node.ty.is_non_null() && !kind.is_to_many(),
            kind,
            unique: node.directives.has("unique"),
            readonly: node.directives.has("readonly"),
            immutable: node.directives.has("immutable"),
            default: None,
            set: Vec::new(),
            class: None,
            allow: Allow::default(),
            checks: Vec::new(),
            span: self.span_of(&node.name),
        };
        for directive in &node.directives.0 {
            if sound && self.check_applies(&field.kind, directive) {
                self.field_directive(&mut field, directive);
            }
        }
        if sound {
            self.check_writable(of, &field, node);
        }
        field
    }

    fn check_field_name(&mut self, name: &Name) {
        self.check_name(name, "field");
        let place = name.location();
        if PARAMETERS.contains(&name.as_str()) {
            let message = format!("`{name}` is a parameter of every list");
            let help = format!("`?{name}=…` could not mean the field; give it another name");
            self.error(place, message, "reserved", help);
        } else if EXPRESSION_WORDS.contains(&name.as_str()) && !matches!(name.as_str(), "size" | "duration") {
            let message = format!("`{name}` is a word of the rule language");
            self.error(place, message, "reserved", "a filter could not name the field; give it another name");
        }
    }

    fn kind(&mut self, of: CollectionId, node: &'a Component<FieldDefinition>) -> Option<FieldKind> {
        let name = node.ty.inner_named_type();
        match &node.ty {
            Type::Named(_) | Type::NonNullNamed(_) => self.single(of, node, name),
            Type::List(item) | Type::NonNullList(item) => match &**item {
                Type::NonNullNamed(_) => self.many(of, node, name),
                Type::Named(_) => {
                    let help = format!("write `[{name}!]`");
                    self.error(name.location(), "elements of a list are never null", "can be null", help);
                    None
                }
                Type::List(_) | Type::NonNullList(_) => {
                    let help = "use a type of its own for the inner list, or a `JSON` field";
                    self.error(node.name.location(), "a list of lists is not supported", "a list of lists", help);
                    None
                }
            },
        }
    }

    fn single(&mut self, of: CollectionId, node: &'a Component<FieldDefinition>, name: &'a Name) -> Option<FieldKind> {
        if let Some(target) = self.type_ids.get(name.as_str()).copied() {
            self.check_open(of, self.types[usize::from(target.0)].system, name)?;
            return Some(FieldKind::ToOne { target, on_delete: self.on_delete(node) });
        }
        if let Some(id) = self.enum_ids.get(name.as_str()).copied() {
            self.check_open(of, self.places.is_system(self.enum_nodes[usize::from(id.0)].location()), name)?;
            if self.enums[usize::from(id.0)].states && !node.ty.is_non_null() {
                let message = format!("`{}` holds a state, and a record is always in one", node.name);
                self.error(name.location(), message, "can be null", format!("write `{name}!`"));
            }
            return Some(FieldKind::Enum(id));
        }
        self.scalar(node, name).map(FieldKind::Scalar)
    }

    fn many(&mut self, of: CollectionId, node: &'a Component<FieldDefinition>, name: &'a Name) -> Option<FieldKind> {
        if let Some(target) = self.type_ids.get(name.as_str()).copied() {
            self.check_open(of, self.types[usize::from(target.0)].system, name)?;
            return self.relation_to_many(of, target, node);
        }
        if let Some(id) = self.enum_ids.get(name.as_str()).copied() {
            self.check_open(of, self.places.is_system(self.enum_nodes[usize::from(id.0)].location()), name)?;
            if self.enums[usize::from(id.0)].states {
                let help = "a record is in one state; use an enum without `@initial` and `@to` for a list";
                self.error(name.location(), format!("a list cannot hold states of {name}"), "has states", help);
            }
            return Some(FieldKind::List(Element::Enum(id)));
        }
        let scalar = self.scalar(node, name)?;
        if !scalar.is_listable() {
            let help = "use a type of its own for the elements, or one `JSON` field that holds an array";
            self.error(name.location(), format!("a list of {name} is not supported"), "in a list", help);
            return None;
        }
        Some(FieldKind::List(Element::Scalar(scalar)))
    }

    /// A type of the application never refers to the system model.
    fn check_open(&mut self, of: CollectionId, system: bool, name: &Name) -> Option<()> {
        if system && !self.types[usize::from(of.0)].system {
            let help = "refer to the identity type, or to a type or enum of your own";
            self.error(name.location(), format!("`{name}` belongs to Backstay"), "part of the system model", help);
            return None;
        }
        Some(())
    }

    fn scalar(&mut self, node: &Component<FieldDefinition>, name: &Name) -> Option<Scalar> {
        match Scalar::named(name) {
            Some(Scalar::Decimal { .. }) => Some(self.decimal(node)),
            Some(scalar) => Some(scalar),
            None => {
                let help = "see docs/model.md for the scalars that fields can have";
                self.error(name.location(), format!("a field cannot hold `{name}`"), "not for fields", help);
                None
            }
        }
    }

    fn decimal(&mut self, node: &Component<FieldDefinition>) -> Scalar {
        let directive = node.directives.get("precision");
        let number = |name: &str, otherwise: i32| {
            let value = directive.and_then(|directive| directive.specified_argument_by_name(name));
            value.map_or(otherwise, |value| value.to_i32().unwrap_or(-1))
        };
        let (digits, scale) = (number("digits", 18), number("scale", 4));
        if !(1..=18).contains(&digits) || !(0..=digits).contains(&scale) {
            let place = directive.and_then(Node::location);
            let help = "`digits` is 1 to 18 and counts all of them; `scale` is 0 to `digits`";
            self.error(place, "a Decimal cannot have this precision", "out of range", help);
            return Scalar::Decimal { precision: 18, scale: 4 };
        }
        Scalar::Decimal { precision: u8::try_from(digits).unwrap_or(18), scale: u8::try_from(scale).unwrap_or(4) }
    }

    fn on_delete(&mut self, node: &Component<FieldDefinition>) -> OnDelete {
        let required = node.ty.is_non_null();
        let Some(directive) = node.directives.get("onDelete") else {
            return if required { OnDelete::Restrict } else { OnDelete::SetNull };
        };
        match Self::word(directive, "do") {
            Some("CASCADE") => OnDelete::Cascade,
            Some("SET_NULL") if required => {
                let help = "write `do: RESTRICT` or `do: CASCADE`, or remove the `!` of the field's type";
                self.error(directive.location(), "a required relation cannot become null", "on a required field", help);
                OnDelete::Restrict
            }
            Some("SET_NULL") => OnDelete::SetNull,
            _ => OnDelete::Restrict,
        }
    }

    /// Whether the directive has a meaning for a field that holds this.
    fn check_applies(&mut self, kind: &FieldKind, directive: &Node<Directive>) -> bool {
        let stored = kind.is_stored();
        let to_one = matches!(kind, FieldKind::ToOne { .. });
        let state = matches!(kind, FieldKind::Enum(id) if self.enums[usize::from(id.0)].states);
        let decimal = matches!(
            kind,
            FieldKind::Scalar(Scalar::Decimal { .. }) | FieldKind::List(Element::Scalar(Scalar::Decimal { .. }))
        );
        let (applies, help) = match directive.name.as_str() {
            "unique" => (is_indexable(kind), "it is for scalars but Text, JSON and Money, enums and to-one relations"),
            "readonly" | "immutable" => {
                (!matches!(kind, FieldKind::OneToMany { .. }), "write it on the field at the other end")
            }
            "default" if state => (false, "the state marked `@initial` is the default"),
            "set" if state => (false, "a state changes by its transitions alone, so that every guard is asked"),
            "set" | "check" => (stored, "it is for fields that are stored in the record itself"),
            "default" | "class" => (stored && !to_one, "it is for scalars, enums and lists of them"),
            "onDelete" => (to_one, "it is for relations to one record"),
            "inverse" => (kind.is_to_many(), "it is for the side of a relation that is a list"),
            "precision" => (decimal, "it is for Decimal"),
            _ => (true, ""),
        };
        if !applies {
            let message = format!("`@{}` has no meaning for this field", directive.name);
            self.error(directive.location(), message, "not here", help);
        }
        applies
    }

    fn field_directive(&mut self, field: &mut Field, directive: &Node<Directive>) {
        match directive.name.as_str() {
            "default" => {
                let Some(value) = directive.specified_argument_by_name("to") else { return };
                match default::read(value, &field.kind, &self.enums) {
                    Ok(value) => field.default = Some(value),
                    Err(help) => {
                        let message = format!("the default of `{}` does not fit its type", field.name);
                        self.error(value.location(), message, "does not fit", help);
                    }
                }
            }
            "set" => self.set(field, directive),
            "class" => {
                field.class = match Self::word(directive, "is") {
                    Some("PERSONAL") => Some(Class::Personal),
                    Some("MEDICAL") => Some(Class::Medical),
                    Some("CARD") => Some(Class::Card),
                    _ => Some(Class::Secret),
                };
            }
            "allow" => {
                field.allow = self.allow(directive);
                if field.allow.delete.is_some() {
                    let help = "a record is deleted as a whole: write `delete:` in the `@allow` of the type";
                    self.error(directive.location(), "a field cannot be deleted", "`delete:` on a field", help);
                }
            }
            "check" => self.check(field, directive),
            "unique" if directive.specified_argument_by_name("fields").is_some() => {
                let help = "write `@unique` here, or `@unique(fields: […])` on the type";
                self.error(directive.location(), "`fields` is for `@unique` on a type", "on a field", help);
            }
            _ => {}
        }
    }

    fn set(&mut self, field: &mut Field, directive: &Node<Directive>) {
        let on = match Self::word(directive, "on") {
            Some("CREATE") => SetOn::Create,
            Some("UPDATE") => SetOn::Update,
            _ => SetOn::Write,
        };
        let Some(to) = self.rule(directive, "to") else { return };
        if field.set.iter().any(|set| set.on == on || set.on == SetOn::Write || on == SetOn::Write) {
            let message = format!("`{}` is set twice at the same moment", field.name);
            let help = "keep one `@set`, or one for CREATE and one for UPDATE";
            self.error(directive.location(), message, "again here", help);
        }
        field.set.push(Set { on, to });
    }

    fn check(&mut self, field: &mut Field, directive: &Node<Directive>) {
        let Some(rule) = self.rule(directive, "rule") else { return };
        let Some((message, place)) = Self::text(directive, "message") else { return };
        if message.trim().is_empty() || message.chars().count() > MESSAGE_CHARS {
            let help =
                format!("say in 1 to {MESSAGE_CHARS} characters what is expected, such as \"at most 80 characters\"");
            self.error(place, "this is no message for a check", "not a message", help);
        }
        field.checks.push(Check { rule, message: message.to_owned() });
    }

    pub(super) fn allow(&mut self, directive: &Node<Directive>) -> Allow {
        let allow = Allow {
            read: self.rule(directive, "read"),
            create: self.rule(directive, "create"),
            update: self.rule(directive, "update"),
            delete: self.rule(directive, "delete"),
        };
        if directive.arguments.is_empty() {
            let help = "say what is allowed to whom, such as `@allow(read: \"true\")`, or remove it";
            self.error(directive.location(), "`@allow` allows nothing", "no rule in it", help);
        }
        allow
    }

    /// A value that is required must come from somewhere.
    fn check_writable(&mut self, of: CollectionId, field: &Field, node: &Component<FieldDefinition>) {
        let state = matches!(field.kind, FieldKind::Enum(id) if self.enums[usize::from(id.0)].states);
        let set = field.set.iter().any(|set| set.on != SetOn::Update);
        let given = !field.readonly || field.default.is_some() || set || state;
        if field.required && !given && !self.types[usize::from(of.0)].system {
            let message = format!("nobody can give `{}` the value that it requires", field.name);
            let help = "add `@default(to: …)` or `@set(on: CREATE, to: …)`, or remove the `!` or `@readonly`";
            self.error(node.name.location(), message, "required and read-only", help);
        }
    }
}

/// Whether an index can be over a field that holds this.
pub(super) fn is_indexable(kind: &FieldKind) -> bool {
    match kind {
        FieldKind::Scalar(scalar) => scalar.is_sortable(),
        FieldKind::Enum(_) | FieldKind::ToOne { .. } => true,
        FieldKind::List(_) | FieldKind::OneToMany { .. } | FieldKind::ManyToMany { .. } => false,
    }
}
