use std::ops::Range;

use super::aggregates::AggregateName;
use super::calendar::is_of_calendar;
use super::operators::is_written_out;
use super::place::{Links, Place};
use super::{Checker, Each, RESERVED_NAMES, Variable, literal};
use crate::error::{Expected, ExprErrorKind, Name};
use crate::syntax::{Ident, Quantified, Syntax, SyntaxNode};
use crate::{Expr, Function, Many, Node, Quantifier, Type, foreign};
use backstay_base::nearest;
use backstay_scalar::{Letters, exact};

/// Every function but the aggregates, and how it is used.
const USAGES: [(&str, &str); 38] = [
    ("size", "`size(x)` or `x.size()` of a text, a list or a relation"),
    ("startsWith", "`text.startsWith(prefix)`"),
    ("endsWith", "`text.endsWith(suffix)`"),
    ("contains", "`text.contains(part)`"),
    ("lowerAscii", "`text.lowerAscii()`"),
    ("upperAscii", "`text.upperAscii()`"),
    ("lower", "`lower(text)`"),
    ("upper", "`upper(text)`"),
    ("fold", "`fold(text)`, which ignores case and accents"),
    ("trim", "`trim(text)`"),
    ("replace", "`replace(text, part, by)`"),
    ("text", "`text(x)`, of one value that isn't a text"),
    ("split", "`split(text, separator)`, which gives a list of texts"),
    ("join", "`join(list, separator)` of a list of texts"),
    ("matches", "`text.matches('[a-z]+')`, with the pattern in quotes"),
    (
        "round",
        "`round(number, 2)`, with the number of digits after the point, from 0 to 9 (an amount of money can do without)",
    ),
    ("money", "`money(12.50, 'EUR')`"),
    ("timestamp", "`timestamp('2026-01-31T12:00:00Z')`, of a literal or a parameter"),
    ("date", "`date('2026-01-31')`, of a literal or a parameter, or `date(moment, 'Europe/Zurich')`"),
    ("duration", "`duration('1h30m')`, of a literal or a parameter, or `duration(hours: 1, minutes: this.length)`"),
    ("today", "`today('Europe/Zurich')`, or `today()` for the day in UTC"),
    ("startOfHour", "`startOfHour(moment, 'Europe/Zurich')`"),
    ("startOfDay", "`startOfDay(moment, 'Europe/Zurich')`"),
    ("startOfWeek", "`startOfWeek(moment, 'Europe/Zurich')`"),
    ("startOfMonth", "`startOfMonth(moment, 'Europe/Zurich')`"),
    ("startOfQuarter", "`startOfQuarter(moment, 'Europe/Zurich')`"),
    ("startOfYear", "`startOfYear(moment, 'Europe/Zurich')`"),
    ("year", "`year(date)`"),
    ("month", "`month(date)`"),
    ("day", "`day(date)`"),
    ("years", "`years(from, to)`, the whole years between two dates"),
    ("within", "`record.within(other)`"),
    ("int", "`int(metadata['count'])`, of a value in a JSON field"),
    ("decimal", "`decimal(metadata['price'])`, of a value in a JSON field"),
    ("float", "`float(metadata['ratio'])`, of a value in a JSON field"),
    ("boolean", "`boolean(metadata['done'])`, of a value in a JSON field"),
    ("exists", "`relation.exists(x, condition on x)`"),
    ("all", "`relation.all(x, condition on x)`"),
];

/// Every function, and how it is used.
fn usages() -> impl Iterator<Item = (&'static str, &'static str)> {
    USAGES.into_iter().chain(AggregateName::ALL.map(|aggregate| (aggregate.name(), aggregate.usage())))
}

/// Whether every expression has a function of this name.
pub(super) fn is_function(name: &str) -> bool {
    usages().any(|(known, _)| known == name)
}

/// Digits to which a number is rounded at most.
const ROUNDED_DIGITS: i64 = exact::ROUNDED_DIGITS as i64;

impl Checker<'_> {
    pub(super) fn call(
        &mut self,
        target: Option<&Syntax>,
        function: &Ident,
        arguments: &[Syntax],
        span: &Range<u32>,
    ) -> Option<Expr> {
        let of_text = |function, ty| Some((function, ty));
        let method = match function.name.as_str() {
            "startsWith" => of_text(Function::StartsWith, Type::Bool),
            "endsWith" => of_text(Function::EndsWith, Type::Bool),
            "contains" => of_text(Function::Contains, Type::Bool),
            "lowerAscii" => of_text(Function::LowerAscii, Type::Text),
            "upperAscii" => of_text(Function::UpperAscii, Type::Text),
            _ => None,
        };
        if let Some((many, field)) = self.foreign_count(function, target, arguments) {
            return self.refuse_many(many, span, ExprErrorKind::Uncountable { field });
        }
        if let (Some(target), Some(aggregate)) = (target, AggregateName::named(&function.name)) {
            return self.aggregate((target, function, aggregate), arguments, span);
        }
        match (function.name.as_str(), target, arguments, method) {
            ("size", None, [of], _) | ("size", Some(of), [], _) => self.size(of, span),
            ("round", None, [of, Syntax { node: SyntaxNode::Int(digits @ 0..=ROUNDED_DIGITS), .. }], _) => {
                self.round(function, (of, Some(*digits)), span)
            }
            ("round", None, [of], _) => self.round(function, (of, None), span),
            ("money", None, [amount, currency], _) => self.money(amount, currency, span),
            ("date", None, [of @ Syntax { node: SyntaxNode::Index(..), .. }], _) => {
                self.reading(of, (function, &Type::Date), span)
            }
            (name, None, arguments, _) if is_of_calendar(name, arguments) => {
                self.of_calendar(function, arguments, span)
            }
            ("lower" | "upper" | "fold" | "trim", None, [_], _) | ("replace", None, [_, _, _], _) => {
                self.of_texts(function, arguments, span)
            }
            ("split", None, [text, separator], _) => self.split([text, separator], span),
            ("join", None, [list, separator], _) => self.join([list, separator], span),
            ("text", None, [of], _) => self.written(of, span),
            ("matches", Some(of), [Syntax { node: SyntaxNode::Text(text), span: at }], _) => {
                self.matches(of, (text, at), span)
            }
            ("years", None, [from, to], _) => self.years([from, to], span),
            (name, None, [of], _) if let Some(ty) = read_as(name) => self.reading(of, (function, &ty), span),
            ("timestamp", None, [of], _) => self.moment(of, &Type::Timestamp, function, span),
            ("date", None, [of], _) => self.moment(of, &Type::Date, function, span),
            ("duration", None, [of], _) => self.moment(of, &Type::Duration, function, span),
            ("within", Some(record), [other], _) if !matches!(other.node, SyntaxNode::Null) => {
                self.within((record, function), other, span)
            }
            (_, Some(target), arguments, Some((called, ty))) if arguments.len() == usize::from(ty == Type::Bool) => {
                let Some(target) = self.expect(target, &Type::Text) else {
                    // What the argument must be depends on the target: only what is wrong within it counts.
                    if let Some(argument) = arguments.first() {
                        self.expr(argument, Some(&Type::Text));
                    }
                    return None;
                };
                let argument = arguments.first().map(|argument| self.expect(argument, &Type::Text));
                let mut operands = vec![target];
                if let Some(argument) = argument {
                    operands.push(in_case_of(&operands[0].ty, argument?));
                }
                Some(self.make(Node::Call(called, operands), ty, span))
            }
            _ => self.refuse_call(function),
        }
    }

    pub(super) fn refuse_call<T>(&mut self, function: &Ident) -> Option<T> {
        let name = function.name.clone();
        let kind = if let Some((_, usage)) = usages().find(|(known, _)| *known == name) {
            ExprErrorKind::Arguments { function: name, usage }
        } else {
            let rules = self.scope.model.rules.names(self.scope.owner).filter(|_| !self.scope.client);
            let known = usages().map(|(known, _)| known).chain(rules);
            let suggestion = nearest(&name, known).map(str::to_owned);
            ExprErrorKind::Unknown { what: Name::Function, name, suggestion }
        };
        self.refuse(function.span.clone(), kind)
    }

    /// The relation to many whose records another language's word counts, and the name of its field.
    fn foreign_count<'s>(
        &mut self,
        function: &Ident,
        target: Option<&'s Syntax>,
        arguments: &'s [Syntax],
    ) -> Option<(&'s Syntax, String)> {
        let is_ours = match function.name.as_str() {
            "size" => true,
            "count" => target.is_some(),
            _ => false,
        };
        let is_foreign = foreign::counts(&function.name) && !is_ours;
        let target = target.or(arguments.first()).filter(|_| is_foreign)?;
        let many = self.many_at(target)?;
        let field = many.rsplit('.').next().unwrap_or(&many).to_owned();
        Some((target, field))
    }

    fn size(&mut self, of: &Syntax, span: &Range<u32>) -> Option<Expr> {
        if self.many_at(of).is_some() {
            return self.size_of_relation(of, span);
        }
        let of = self.expr(of, None)?;
        let of = self.list_of(of, &Type::Json);
        if !of.ty.is_text() && !matches!(of.ty, Type::List(_)) {
            let found = self.named_type(&of.ty);
            return self.refuse(of.span, ExprErrorKind::Type { expected: Expected::TextOrList, found });
        }
        if !matches!(of.node, Node::List(_)) && is_written_out(&of) {
            let what = "a list that is written out in a branch of `? :`".to_owned();
            let instead = "take the size of each branch, such as `big ? size(tags) : 2`";
            return self.refuse(of.span, ExprErrorKind::Unsupported { what, instead });
        }
        Some(self.make(Node::Call(Function::Size, vec![of]), Type::Int, span))
    }

    /// A moment, a day or a length of time: a literal is read now, a parameter has the type already.
    fn moment(&mut self, of: &Syntax, ty: &Type, function: &Ident, span: &Range<u32>) -> Option<Expr> {
        match &of.node {
            SyntaxNode::Param(name) => self.param(name, Some(ty), &of.span),
            SyntaxNode::Text(text) => {
                let read = self.literal(literal::text(self.scope.model, text, Some(ty)), &of.span)?;
                Some(self.make(read.node, read.ty, span))
            }
            SyntaxNode::Index(..) if *ty != Type::Duration => self.reading(of, (function, ty), span),
            _ => self.refuse_call(function),
        }
    }

    /// The records of a relation or the items of a list, of which a function of this name asks.
    pub(super) fn many(&mut self, of: &Syntax, function: &'static str) -> Option<(Many, Each, Links)> {
        let place = match &of.node {
            SyntaxNode::Name(_) | SyntaxNode::Select(..) => Some(self.place(of)?),
            _ => None,
        };
        match place {
            Some(Place::Many { over, each, links, .. }) => Some((over, each, links)),
            Some(Place::One(_)) | None => self.refuse(of.span.clone(), ExprErrorKind::NotToMany { function }),
        }
    }

    pub(super) fn quantifier(&mut self, quantified: &Quantified, span: &Range<u32>) -> Option<Expr> {
        let Quantified { kind, over, variable, body } = quantified;
        let function = match kind {
            Quantifier::Exists => "exists",
            Quantifier::All => "all",
        };
        let (over, each, links) = self.many(over, function)?;
        let name = variable.name.clone();
        if RESERVED_NAMES.contains(&name.as_str()) || self.is_taken(&name) {
            return self.refuse(variable.span.clone(), ExprErrorKind::Shadows { name });
        }
        let index = self.next_variable;
        self.next_variable += 1;
        self.variables.push(Variable { name, index, each });
        let body = self.expect(body, &Type::Bool);
        self.variables.pop();
        Some(self.quantified_links((over, each, links), *kind, (index, body?), span))
    }
}

/// The type as which a function of this name reads a value in a JSON field.
fn read_as(name: &str) -> Option<Type> {
    match name {
        "int" => Some(Type::Int),
        "decimal" => Some(Type::Decimal),
        "float" => Some(Type::Float),
        "boolean" => Some(Type::Bool),
        _ => None,
    }
}

/// The text, in the case in which the values of a scalar have their letters: else no address would end with
/// `@Example.org`.
fn in_case_of(ty: &Type, text: Expr) -> Expr {
    let letters = if let Type::Formatted(scalar) = ty { scalar.letters() } else { Letters::Mixed };
    let function = match letters {
        Letters::Mixed => return text,
        Letters::Lower => Function::LowerAscii,
        Letters::Upper => Function::UpperAscii,
    };
    let span = text.span.clone();
    Expr { node: Node::Call(function, vec![text]), ty: Type::Text, span }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn the_model_knows_all_functions() {
        let known: BTreeSet<&str> = backstay_model::FUNCTIONS.iter().copied().collect();
        assert_eq!(known, super::usages().map(|(name, _)| name).collect());
    }
}
