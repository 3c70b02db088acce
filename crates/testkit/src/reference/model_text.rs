use std::fmt::{Display, Formatter, Result};

use super::schema::{Access, Allow, Enum, Field, OnDelete, Type};
use super::{Expr, Kind, Schema, Value, Writer};

/// A text in SDL.
fn text(of: &str) -> String {
    serde_json::Value::from(of).to_string()
}

impl Display for Schema {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "extend schema @app(name: \"Reference\")")?;
        for (name, expr) in &self.rules {
            write!(f, " @rule(name: \"{name}\", is: {})", text(&Writer::rule(self).text(expr)))?;
        }
        writeln!(f, "\nenum Role @roles {{ {} }}", self.roles.join(" "))?;
        for one in &self.enums {
            self.enumeration(f, one)?;
        }
        for (index, one) in self.types.iter().enumerate() {
            self.one_type(f, one, index == 0)?;
        }
        Ok(())
    }
}

impl Schema {
    fn enumeration(&self, f: &mut Formatter<'_>, one: &Enum) -> Result {
        writeln!(f, "enum {} {{", one.name)?;
        for (index, value) in one.values.iter().enumerate() {
            write!(f, "  {value}")?;
            if let Some(transitions) = &one.transitions {
                if index == 0 {
                    write!(f, " @initial")?;
                }
                for way in transitions.iter().filter(|way| way.from == index) {
                    write!(f, " @to(state: \"{}\"", one.values[way.to])?;
                    self.rule(f, ", by", way.by.as_ref())?;
                    if !way.with.is_empty() {
                        let of = self.types.iter().find(|of| of.fields.iter().any(|field| field.kind == Kind::Enum(1)));
                        let fields = &of.expect("a type has the states").fields;
                        let names: Vec<String> = way.with.iter().map(|field| text(&fields[*field].name)).collect();
                        write!(f, ", with: [{}]", names.join(", "))?;
                    }
                    self.rule(f, ", when", way.when.as_ref())?;
                    write!(f, ")")?;
                }
            }
            writeln!(f)?;
        }
        writeln!(f, "}}")
    }

    fn one_type(&self, f: &mut Formatter<'_>, one: &Type, identity: bool) -> Result {
        write!(f, "type {}{}", one.name, if identity { " @identity" } else { "" })?;
        for clause in &one.allow {
            self.allow(f, Some(one), clause)?;
        }
        writeln!(f, " @path(is: \"{}\") {{", one.path)?;
        for field in &one.fields[4..] {
            self.one_field(f, field)?;
        }
        writeln!(f, "}}")
    }

    fn one_field(&self, f: &mut Formatter<'_>, field: &Field) -> Result {
        write!(f, "  {}: {}{}", field.name, self.type_name(&field.kind), if field.required { "!" } else { "" })?;
        match &field.kind {
            Kind::Email => write!(f, " @unique")?,
            Kind::Decimal { scale } => write!(f, " @precision(digits: 18, scale: {scale})")?,
            Kind::ToOne { on_delete, .. } => {
                let word = match on_delete {
                    OnDelete::Restrict => "RESTRICT",
                    OnDelete::Cascade => "CASCADE",
                    OnDelete::SetNull => "SET_NULL",
                };
                write!(f, " @onDelete(do: {word})")?;
            }
            Kind::OneToMany { target, via } | Kind::Inverse { target, via } => {
                write!(f, " @inverse(field: \"{}\")", self.field(*target, *via).name)?;
            }
            _ => {}
        }
        match field.access {
            Access::Writable => {}
            Access::Immutable => write!(f, " @immutable")?,
            Access::ReadOnly => write!(f, " @readonly")?,
        }
        if field.secret {
            write!(f, " @class(is: SECRET)")?;
        }
        if let Some(default) = &field.default {
            write!(f, " @default(to: {})", Self::default(&field.kind, default))?;
        }
        for check in &field.checks {
            write!(f, " @check(rule: {}, message: \"no\")", text(&Writer::rule(self).text(check)))?;
        }
        self.allow(f, None, &field.allow)?;
        writeln!(f)
    }

    fn default(kind: &Kind, value: &Value) -> String {
        match (kind, value) {
            (Kind::Enum(_), Value::Text(name)) => name.to_string(),
            _ => value.json(kind).to_string(),
        }
    }

    fn type_name(&self, kind: &Kind) -> String {
        match kind {
            Kind::Key | Kind::Link => "ID".to_owned(),
            Kind::Bool => "Boolean".to_owned(),
            Kind::Int => "Int".to_owned(),
            Kind::Float => "Float".to_owned(),
            Kind::Decimal { .. } => "Decimal".to_owned(),
            Kind::Text => "String".to_owned(),
            Kind::Email => "Email".to_owned(),
            Kind::Moment => "DateTime".to_owned(),
            Kind::Date => "Date".to_owned(),
            Kind::Enum(index) => self.enums[*index].name.to_owned(),
            Kind::Json => "JSON".to_owned(),
            Kind::List(element) => format!("[{}!]", self.type_name(element)),
            Kind::ToOne { target, .. } => self.types[*target].name.clone(),
            Kind::OneToMany { target, .. }
            | Kind::ManyToMany { target }
            | Kind::Lineage { target, .. }
            | Kind::Inverse { target, .. } => {
                format!("[{}!]", self.types[*target].name)
            }
        }
    }

    fn allow(&self, f: &mut Formatter<'_>, of: Option<&Type>, allow: &Allow) -> Result {
        let Allow { read, refer, create, update, only, after, delete } = allow;
        let rules = [
            ("read", read),
            ("refer", refer),
            ("create", create),
            ("update", update),
            ("after", after),
            ("delete", delete),
        ];
        let mut before = " @allow(";
        for (name, rule) in rules.into_iter().filter(|(_, rule)| rule.is_some()) {
            self.rule(f, &format!("{before}{name}"), rule.as_ref())?;
            before = ", ";
        }
        if let (Some(only), Some(of)) = (only, of) {
            let names: Vec<String> = only.iter().map(|field| text(&of.fields[*field].name)).collect();
            write!(f, "{before}only: [{}]", names.join(", "))?;
        }
        if before == ", " { write!(f, ")") } else { Ok(()) }
    }

    fn rule(&self, f: &mut Formatter<'_>, name: &str, rule: Option<&Expr>) -> Result {
        match rule {
            Some(rule) => write!(f, "{name}: {}", text(&Writer::rule(self).text(rule))),
            None => Ok(()),
        }
    }
}
