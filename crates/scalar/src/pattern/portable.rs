//! Patterns as other engines read them.

use std::fmt::Write as _;

use regex_syntax::ast::{self, Ast};

/// The characters of a shorthand, as they stand within brackets.
pub(super) fn ascii(kind: &ast::ClassPerlKind) -> &'static str {
    match kind {
        ast::ClassPerlKind::Digit => "0-9",
        ast::ClassPerlKind::Space => r"\t\n\v\f\r ",
        ast::ClassPerlKind::Word => "0-9A-Za-z_",
    }
}

/// The most that PostgreSQL repeats something by a number.
const REPEATED: u32 = 255;

/// A pattern in the form in which ECMA-262 and PostgreSQL mean the same by it.
pub(super) struct Portable {
    /// Whether it has an anchor at its beginning.
    pub(super) begins: bool,
    /// What is between the anchors.
    pub(super) body: String,
    /// Whether it has an anchor at its end.
    pub(super) ends: bool,
}

impl Portable {
    /// None if it would mean something else elsewhere.
    pub(super) fn of(ast: &Ast) -> Option<Self> {
        let parts = match ast {
            Ast::Concat(concat) => &concat.asts[..],
            one => std::slice::from_ref(one),
        };
        let (begins, parts, ends) = without_anchors(parts);
        let mut body = String::new();
        match parts {
            [alternation @ Ast::Alternation(_)] => write_group(alternation, &mut body)?,
            parts => parts.iter().try_for_each(|part| write_portable(part, &mut body))?,
        }
        Some(Self { begins, body, ends })
    }
}

/// What is between anchors at the ends of a pattern, and whether there are any.
fn without_anchors(parts: &[Ast]) -> (bool, &[Ast], bool) {
    use ast::AssertionKind::{EndLine, EndText, StartLine, StartText};
    let (begins, parts) = match parts {
        [Ast::Assertion(first), rest @ ..] if matches!(first.kind, StartLine | StartText) => (true, rest),
        all => (false, all),
    };
    match parts {
        [rest @ .., Ast::Assertion(last)] if matches!(last.kind, EndLine | EndText) => (begins, rest, true),
        all => (begins, all, false),
    }
}

/// Writes a part; none if it would mean something else elsewhere.
fn write_portable(ast: &Ast, out: &mut String) -> Option<()> {
    match ast {
        Ast::Empty(_) => {}
        Ast::Literal(literal) => write_literal(literal.c, out)?,
        Ast::Dot(_) => out.push_str(r"[^\n]"),
        Ast::ClassPerl(class) => {
            let negation = if class.negated { "^" } else { "" };
            write!(out, "[{negation}{}]", ascii(&class.kind)).ok()?;
        }
        Ast::ClassBracketed(class) => {
            // What stands before the first item isn't one of them.
            let mut items = String::new();
            match &class.kind {
                ast::ClassSet::Item(item) => write_item(item, &mut items)?,
                ast::ClassSet::BinaryOp(_) => return None,
            }
            let negation = if class.negated { "^" } else { "" };
            write!(out, "[{negation}{items}]").ok()?;
        }
        Ast::Repetition(repetition) => {
            match &*repetition.ast {
                one @ (Ast::Literal(_) | Ast::Dot(_) | Ast::ClassPerl(_) | Ast::ClassBracketed(_) | Ast::Group(_)) => {
                    write_portable(one, out)?;
                }
                Ast::Repetition(_) => write_group(&repetition.ast, out)?,
                Ast::Empty(_)
                | Ast::Flags(_)
                | Ast::Assertion(_)
                | Ast::ClassUnicode(_)
                | Ast::Alternation(_)
                | Ast::Concat(_) => return None,
            }
            write_times(&repetition.op.kind, out)?;
        }
        Ast::Group(group) => match &group.kind {
            ast::GroupKind::NonCapturing(flags) if !flags.items.is_empty() => return None,
            ast::GroupKind::CaptureIndex(_) | ast::GroupKind::CaptureName { .. } | ast::GroupKind::NonCapturing(_) => {
                write_group(&group.ast, out)?;
            }
        },
        Ast::Alternation(alternation) => {
            for (at, part) in alternation.asts.iter().enumerate() {
                if at > 0 {
                    out.push('|');
                }
                write_portable(part, out)?;
            }
        }
        Ast::Concat(concat) => concat.asts.iter().try_for_each(|part| write_portable(part, out))?,
        Ast::Flags(_) | Ast::Assertion(_) | Ast::ClassUnicode(_) => return None,
    }
    Some(())
}

fn write_group(ast: &Ast, out: &mut String) -> Option<()> {
    out.push_str("(?:");
    write_portable(ast, out)?;
    out.push(')');
    Some(())
}

/// Whether as much or as little as possible is taken makes no difference to whether the whole text matches.
fn write_times(kind: &ast::RepetitionKind, out: &mut String) -> Option<()> {
    match kind {
        ast::RepetitionKind::ZeroOrOne => out.push('?'),
        ast::RepetitionKind::ZeroOrMore => out.push('*'),
        ast::RepetitionKind::OneOrMore => out.push('+'),
        ast::RepetitionKind::Range(range) => match *range {
            ast::RepetitionRange::Exactly(times) if times <= REPEATED => write!(out, "{{{times}}}").ok()?,
            ast::RepetitionRange::AtLeast(least) if least <= REPEATED => write!(out, "{{{least},}}").ok()?,
            ast::RepetitionRange::Bounded(least, most) if most <= REPEATED => write!(out, "{{{least},{most}}}").ok()?,
            ast::RepetitionRange::Exactly(_) | ast::RepetitionRange::AtLeast(_) | ast::RepetitionRange::Bounded(..) => {
                return None;
            }
        },
    }
    Some(())
}

fn write_item(item: &ast::ClassSetItem, out: &mut String) -> Option<()> {
    match item {
        ast::ClassSetItem::Literal(literal) => write_in_brackets(literal.c, out),
        ast::ClassSetItem::Range(range) => {
            if out.ends_with(range.start.c) {
                return None;
            }
            write_in_brackets(range.start.c, out)?;
            out.push('-');
            write_in_brackets(range.end.c, out)
        }
        ast::ClassSetItem::Perl(class) if !class.negated => {
            out.push_str(ascii(&class.kind));
            Some(())
        }
        ast::ClassSetItem::Union(union) => union.items.iter().try_for_each(|item| write_item(item, out)),
        ast::ClassSetItem::Empty(_)
        | ast::ClassSetItem::Ascii(_)
        | ast::ClassSetItem::Unicode(_)
        | ast::ClassSetItem::Perl(_)
        | ast::ClassSetItem::Bracketed(_) => None,
    }
}

fn write_literal(character: char, out: &mut String) -> Option<()> {
    write_plain(character, r"^$\.*+?()[]{}|", out)
}

fn write_in_brackets(character: char, out: &mut String) -> Option<()> {
    // With the flag `v`, two of the same of these mean something else.
    let doubles = "&!#%,:;<=>@`~^$*+.?";
    if out.ends_with(character) && doubles.contains(character) {
        return Some(());
    }
    write_plain(character, r"^$\.*+?()[]{}|/-", out)
}

fn write_plain(character: char, escaped: &str, out: &mut String) -> Option<()> {
    match character {
        '\t' => out.push_str(r"\t"),
        '\n' => out.push_str(r"\n"),
        '\r' => out.push_str(r"\r"),
        // Of the last ones, each would be two without the flag `u`.
        '\0'..='\x1f' | '\x7f' | '\u{10000}'.. => return None,
        special if escaped.contains(special) => out.extend(['\\', special]),
        plain => out.push(plain),
    }
    Some(())
}
