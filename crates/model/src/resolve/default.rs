use apollo_compiler::ast::Value as Literal;
use backstay_base::limits;
use backstay_scalar::{Problem, Scalar, Token, Value, quote};

use crate::names::suggestion;
use crate::{Document, Element, Enum, FieldKind};

/// The value of a literal as the type of a field; else what is expected.
pub(super) fn read(literal: &Literal, kind: &FieldKind, enums: &[Enum]) -> Result<Value, String> {
    if literal.is_null() {
        return Err("leave `@default` out: a field without a value is null anyway".to_owned());
    }
    match kind {
        FieldKind::Scalar(scalar) => self::scalar(literal, *scalar),
        FieldKind::Enum(id) => enum_value(literal, &enums[usize::from(id.0)]),
        FieldKind::List(element) => {
            let Literal::List(items) = literal else { return Err("write a list, such as `[]`".to_owned()) };
            if items.len() > limits::LIST_ITEMS {
                return Err(format!("a list has at most {} elements", limits::LIST_ITEMS));
            }
            let one = |item: &Literal| match element {
                Element::Scalar(scalar) => self::scalar(item, *scalar),
                Element::Enum(id) => enum_value(item, &enums[usize::from(id.0)]),
            };
            items.iter().map(|item| one(item)).collect::<Result<Vec<_>, _>>().map(|values| Value::List(values.into()))
        }
        FieldKind::Document(Document::List(_)) => match literal {
            Literal::List(items) if items.is_empty() => Ok(Value::Json("[]".into())),
            _ => Err("the only default of a list of embedded values is `[]`".to_owned()),
        },
        FieldKind::Document(Document::One(_)) => Err("a value of a union has no default".to_owned()),
        FieldKind::Embedded(_) => Err("give the members of the embedded type defaults of their own".to_owned()),
        FieldKind::ToOne { .. }
        | FieldKind::ToOneOf { .. }
        | FieldKind::OneToMany { .. }
        | FieldKind::Lineage { .. }
        | FieldKind::OneToOne { .. }
        | FieldKind::ManyToMany { .. } => Err("write an expression: `@default(from: \"auth.id\")`".to_owned()),
    }
}

fn enum_value(literal: &Literal, of: &Enum) -> Result<Value, String> {
    let known = || of.values.iter().map(|value| &*value.name);
    match literal {
        Literal::Enum(name) if of.value(name).is_some() => Ok(Value::text(name.as_str())),
        Literal::Enum(name) => Err(suggestion(name, known())),
        Literal::String(name) => Err(format!("write it without quotes; {}", suggestion(name, known()))),
        _ => Err(format!(
            "write a value of {}, such as {}",
            of.name,
            known().next().expect("GraphQL refuses an enum without values")
        )),
    }
}

/// The token that a literal is; of objects and lists their JSON.
pub(super) fn scalar(literal: &Literal, scalar: Scalar) -> Result<Value, String> {
    let read = match literal {
        Literal::String(text) => scalar.read(Token::Text(text)),
        Literal::Int(number) => scalar.read(Token::Number(number.as_str())),
        Literal::Float(number) => scalar.read(Token::Number(number.as_str())),
        Literal::Boolean(truth) => scalar.read(Token::Bool(*truth)),
        Literal::Object(_) | Literal::List(_) => {
            let mut document = String::new();
            json(literal, &mut document, 0)?;
            scalar.read(Token::Json(&document))
        }
        Literal::Null | Literal::Enum(_) | Literal::Variable(_) => Err(Problem::Expected(scalar.expected())),
    };
    read.map_err(|problem| match (problem, scalar) {
        (Problem::Expected(expected), Scalar::DateTime) => {
            format!("write {expected}; for the moment of the write use `@default(from: \"now\")`")
        }
        (Problem::Expected(expected), _) => format!("write {expected}"),
        (problem, _) => format!("the value {problem}"),
    })
}

/// Writes a literal as compact JSON.
fn json(literal: &Literal, out: &mut String, depth: usize) -> Result<(), String> {
    if depth > limits::JSON_DEPTH {
        return Err(format!("a document has at most {} levels", limits::JSON_DEPTH));
    }
    match literal {
        Literal::Null => out.push_str("null"),
        Literal::Boolean(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Literal::Int(number) => out.push_str(number.as_str()),
        Literal::Float(number) => out.push_str(number.as_str()),
        Literal::String(text) => json_text(text, out),
        Literal::Enum(name) => return Err(format!("write \"{name}\" in quotes")),
        Literal::Variable(_) => return Err("a default has no variables".to_owned()),
        Literal::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                json(item, out, depth + 1)?;
            }
            out.push(']');
        }
        Literal::Object(members) => {
            out.push('{');
            for (at, (name, value)) in members.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                json_text(name, out);
                out.push(':');
                json(value, out, depth + 1)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

/// Appends a text as a JSON string.
fn json_text(text: &str, out: &mut String) {
    let mut quoted = Vec::with_capacity(text.len() + 2);
    quote(&mut quoted, text);
    out.push_str(std::str::from_utf8(&quoted).expect("quoting a text adds only ASCII"));
}
