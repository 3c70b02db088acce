use std::ops::Range;

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr as Cel, IdedExpr, LiteralValue, operators};
use cel::parser::PrattParser;
use cel::parser::pratt_parser::TokenKind;

use crate::error::{ExprError, ExprErrorKind};
use crate::lexis::{Lexis, Word, bare_date};
use crate::{Operator, Quantifier};

/// A parsed expression, not yet checked.
#[derive(Debug, Clone)]
pub(crate) struct Syntax {
    pub(crate) node: SyntaxNode,
    /// From its first byte to its last, brackets around it excepted.
    pub(crate) span: Range<u32>,
}

#[derive(Debug, Clone)]
pub(crate) enum SyntaxNode {
    Null,
    Bool(bool),
    Int(i64),
    /// With the text as written, which an exact type reads again.
    Float(f64, String),
    Text(String),
    Name(String),
    Param(String),
    Select(Box<Syntax>, Ident),
    /// `of[key]`, and where its first bracket stands.
    Index(Box<Syntax>, Box<Syntax>, Range<u32>),
    Call {
        target: Option<Box<Syntax>>,
        function: Ident,
        arguments: Vec<Syntax>,
    },
    /// `duration(hours: 1, minutes: x)`.
    Length(Vec<(Ident, Syntax)>),
    Not(Box<Syntax>),
    Negate(Box<Syntax>),
    Binary(Binary),
    In(Box<Syntax>, Box<Syntax>),
    Conditional(Conditional),
    List(Vec<Syntax>),
    Quantified(Quantified),
}

impl Syntax {
    /// A name, or names joined by dots, as written.
    pub(crate) fn path(&self) -> Option<String> {
        match &self.node {
            SyntaxNode::Name(name) => Some(name.clone()),
            SyntaxNode::Select(of, field) => Some(format!("{}.{}", of.path()?, field.name)),
            SyntaxNode::Index(of, key, _) => Some(format!("{}[{}]", of.path()?, key.written()?)),
            _ => None,
        }
    }

    /// A path or a literal, as written.
    pub(crate) fn written(&self) -> Option<String> {
        match &self.node {
            SyntaxNode::Text(text) if !text.contains(['\'', '\\', '\n', '`']) => Some(format!("'{text}'")),
            SyntaxNode::Int(number) => Some(number.to_string()),
            SyntaxNode::Bool(is) => Some(is.to_string()),
            SyntaxNode::Param(name) => Some(format!("${name}")),
            SyntaxNode::Null => Some("null".to_owned()),
            _ => self.path(),
        }
    }
}

/// `left operator right`.
#[derive(Debug, Clone)]
pub(crate) struct Binary {
    pub(crate) operator: Operator,
    pub(crate) left: Box<Syntax>,
    pub(crate) right: Box<Syntax>,
}

/// `condition ? then : otherwise`.
#[derive(Debug, Clone)]
pub(crate) struct Conditional {
    pub(crate) condition: Box<Syntax>,
    pub(crate) then: Box<Syntax>,
    pub(crate) otherwise: Box<Syntax>,
}

/// `over.exists(variable, body)` or `over.all(variable, body)`.
#[derive(Debug, Clone)]
pub(crate) struct Quantified {
    pub(crate) kind: Quantifier,
    pub(crate) over: Box<Syntax>,
    pub(crate) variable: Ident,
    pub(crate) body: Box<Syntax>,
}

/// A name and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Ident {
    pub(crate) name: String,
    pub(crate) span: Range<u32>,
}

/// Parses the words.
pub(crate) fn parse(lexis: &Lexis<'_>) -> Result<Syntax, ExprError> {
    let parsed = PrattParser::new().parse(&lexis.cel).map_err(|errors| {
        let place = errors.errors.iter().filter(|error| error.pos.0 > 0).map(|error| error.pos).min();
        place_of_error(lexis, place)
    })?;
    Walk { lexis, next: 0 }.expr(&parsed)
}

/// Says what is wrong at the line and column (both from 1; the column in bytes) where the parser stopped.
fn place_of_error(lexis: &Lexis<'_>, place: Option<(isize, isize)>) -> ExprError {
    // Without a place, the parser stopped at the end.
    let (line, column) = place.map_or((usize::MAX, 1), |(line, column)| (line.unsigned_abs(), column.unsigned_abs()));
    let line_start: usize = lexis.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let offset = line_start + column.saturating_sub(1);
    let Some(index) = lexis.words.iter().position(|word| word.span.end > offset) else {
        return ended_early(lexis, &lexis.words);
    };
    if let Some(date) = bare_date(lexis.text, lexis.words[index].span.start) {
        return date;
    }
    if let Some(span) = place_of_foreign(lexis, index) {
        let found = lexis.text[span.clone()].to_owned();
        return ExprError::at(span, ExprErrorKind::Unexpected { found });
    }
    let word = &lexis.words[index];
    let (before, closes) = (&lexis.words[..index], matches!(lexis.text_of(word), ")" | "]" | ","));
    if closes && open(before).is_some_and(|open| open.kind == TokenKind::TokQuestion) {
        return ended_early(lexis, before);
    }
    let kind = match word.kind {
        TokenKind::TokInt | TokenKind::TokFloat if is_bad_number(lexis.text_of(word)) => ExprErrorKind::Number,
        TokenKind::TokString if lexis.text_of(word).contains('\\') => ExprErrorKind::Escape,
        _ if follows_text(lexis, index) => ExprErrorKind::EndedText { found: lexis.text_of(word).to_owned() },
        _ => ExprErrorKind::Unexpected { found: lexis.text_of(word).to_owned() },
    };
    ExprError::at(word.span.clone(), kind)
}

/// The last bracket or `?` in these words that is still open.
fn open(words: &[Word]) -> Option<&Word> {
    let mut open = Vec::new();
    for word in words {
        match word.kind {
            TokenKind::TokLeftParen | TokenKind::TokLeftBracket | TokenKind::TokQuestion => open.push(word),
            TokenKind::TokRightParen | TokenKind::TokRightBracket | TokenKind::TokColon => drop(open.pop()),
            _ => {}
        }
    }
    open.pop()
}

/// At the end of these words, or at the bracket or the choice that is open there.
fn ended_early(lexis: &Lexis<'_>, words: &[Word]) -> ExprError {
    let end = lexis.text.len();
    let Some(word) = open(words) else { return ExprError::at(end..end, ExprErrorKind::End) };
    let mut error = ExprError::at(word.span.clone(), ExprErrorKind::End);
    error.advise(match word.kind {
        TokenKind::TokQuestion => "write a value for both cases: `condition ? x : y`".to_owned(),
        TokenKind::TokLeftParen => "close this bracket with `)`".to_owned(),
        _ => "close this bracket with `]`".to_owned(),
    });
    error
}

/// Whether the word begins where a text ends, as after a quote that is meant to be part of the text.
fn follows_text(lexis: &Lexis<'_>, index: usize) -> bool {
    let (before, word) = (index.checked_sub(1).map(|before| &lexis.words[before]), &lexis.words[index]);
    let begins_there = |before: &Word| before.kind == TokenKind::TokString && before.span.end == word.span.start;
    before.is_some_and(begins_there) && matches!(word.kind, TokenKind::TokString | TokenKind::TokIdent)
}

/// What belongs to another language around the word at which the parser stopped: `not x`, `x not in y`, `<>`, `===`,
/// `=>`, `=<`, `->`, `??` and `in (a, b)`.
fn place_of_foreign(lexis: &Lexis<'_>, index: usize) -> Option<Range<usize>> {
    let word = &lexis.words[index];
    let before = &lexis.words[index.checked_sub(1)?];
    let arrow = word.span.start..word.span.start + 2;
    if matches!(lexis.text.get(arrow.clone()), Some("=>" | "=<")) {
        return Some(arrow);
    }
    let joined = |first: &Word, second: &Word| Some(first.span.start..second.span.end);
    let after = lexis.words.get(index + 1);
    if let Some(after) = after.filter(|after| after.kind == TokenKind::TokIn)
        && lexis.text_of(word).eq_ignore_ascii_case("not")
    {
        return joined(word, after);
    }
    let equality = matches!(before.kind, TokenKind::TokEqualEqual | TokenKind::TokExclamationEqual);
    match word.kind {
        _ if equality && before.span.end == word.span.start && lexis.text_of(word) == "=" => joined(before, word),
        TokenKind::TokQuestion if before.kind == TokenKind::TokQuestion => joined(before, word),
        TokenKind::TokGreater if before.kind == TokenKind::TokMinus && before.span.end == word.span.start => {
            let long = after.filter(|after| after.kind == TokenKind::TokGreater && after.span.start == word.span.end);
            joined(before, long.unwrap_or(word))
        }
        TokenKind::TokGreater if before.kind == TokenKind::TokLess && before.span.end == word.span.start => {
            Some(before.span.start..word.span.end)
        }
        TokenKind::TokComma => {
            let open = lexis.words[..index].iter().rposition(|word| word.kind == TokenKind::TokLeftParen)?;
            let sign = &lexis.words[open.checked_sub(1)?];
            (sign.kind == TokenKind::TokIn).then(|| sign.span.start..lexis.words[open].span.end)
        }
        _ => lexis.text_of(before).eq_ignore_ascii_case("not").then(|| before.span.clone()),
    }
}

fn is_bad_number(text: &str) -> bool {
    text.parse::<i64>().is_err()
        && !text.parse::<f64>().is_ok_and(|number| number.is_finite() && text.contains(['.', 'e', 'E']))
}

/// Follows the parser's tree in the order of the text and takes the places of its nodes from the words, because the
/// parser keeps none.
struct Walk<'l, 't> {
    lexis: &'l Lexis<'t>,
    next: usize,
}

impl Walk<'_, '_> {
    fn expr(&mut self, expr: &IdedExpr) -> Result<Syntax, ExprError> {
        match &expr.expr {
            Cel::Literal(literal) => self.literal(literal),
            Cel::Ident(name) => {
                let word = self.leaf(TokenKind::TokIdent)?;
                let node = if word.parameter {
                    SyntaxNode::Param(self.lexis.text_of(&word)[1..].to_owned())
                } else {
                    SyntaxNode::Name(name.clone())
                };
                Ok(Syntax { node, span: place(&word) })
            }
            Cel::Select(select) if !select.test => {
                let operand = self.expr(&select.operand)?;
                let field = self.step()?;
                let span = operand.span.start..field.span.end;
                Ok(Syntax { node: SyntaxNode::Select(Box::new(operand), field), span })
            }
            Cel::Call(call) => self.call(call),
            Cel::List(list) => {
                let open = self.leaf(TokenKind::TokLeftBracket)?;
                let elements = self.separated(&list.elements)?;
                let close = self.find(TokenKind::TokRightBracket)?;
                Ok(Syntax { node: SyntaxNode::List(elements), span: place(&open).start..place(&close).end })
            }
            Cel::Comprehension(comprehension) => self.quantifier(comprehension),
            Cel::Select(_) | Cel::Map(_) | Cel::Struct(_) | Cel::Unspecified => Err(self.lost()),
        }
    }

    fn literal(&mut self, literal: &LiteralValue) -> Result<Syntax, ExprError> {
        let (kind, node) = match literal {
            LiteralValue::Null => (TokenKind::TokNull, SyntaxNode::Null),
            LiteralValue::Boolean(is) => {
                let is = *is.inner();
                (if is { TokenKind::TokTrue } else { TokenKind::TokFalse }, SyntaxNode::Bool(is))
            }
            LiteralValue::Int(number) => (TokenKind::TokInt, SyntaxNode::Int(*number.inner())),
            LiteralValue::Double(number) => (TokenKind::TokFloat, SyntaxNode::Float(*number.inner(), String::new())),
            LiteralValue::String(text) => (TokenKind::TokString, SyntaxNode::Text(text.inner().to_owned())),
            LiteralValue::Bytes(_) | LiteralValue::UInt(_) => return Err(self.lost()),
        };
        let word = self.leaf(kind)?;
        let node = match node {
            SyntaxNode::Float(number, _) => {
                let sign = if number.is_sign_negative() { "-" } else { "" };
                SyntaxNode::Float(number, format!("{sign}{}", self.lexis.text_of(&word)))
            }
            SyntaxNode::Text(text) if text.contains('\0') => {
                return Err(ExprError::new(place(&word), ExprErrorKind::Nul));
            }
            node => node,
        };
        Ok(Syntax { node, span: place(&word) })
    }

    fn call(&mut self, call: &CallExpr) -> Result<Syntax, ExprError> {
        match (call.func_name.as_str(), call.args.as_slice(), &call.target) {
            (operators::LOGICAL_NOT, [of], None) => self.prefixed(TokenKind::TokExclamation, of, SyntaxNode::Not),
            (operators::NEGATE, [of], None) => self.prefixed(TokenKind::TokMinus, of, SyntaxNode::Negate),
            (operators::CONDITIONAL, [condition, then, otherwise], None) => {
                let condition = Box::new(self.expr(condition)?);
                self.find(TokenKind::TokQuestion)?;
                let then = Box::new(self.expr(then)?);
                self.find(TokenKind::TokColon)?;
                let otherwise = Box::new(self.expr(otherwise)?);
                let span = condition.span.start..otherwise.span.end;
                Ok(Syntax { node: SyntaxNode::Conditional(Conditional { condition, then, otherwise }), span })
            }
            (name, [left, right], None) if infix(name).is_some() => self.infix(name, left, right),
            (operators::INDEX, [of, key], None) => {
                let of = Box::new(self.expr(of)?);
                let open = self.find(TokenKind::TokLeftBracket)?;
                let key = Box::new(self.expr(key)?);
                let close = self.find(TokenKind::TokRightBracket)?;
                let span = of.span.start..place(&close).end;
                Ok(Syntax { node: SyntaxNode::Index(of, key, place(&open)), span })
            }
            (_, arguments, Some(target)) => {
                let target = self.expr(target)?;
                let function = self.step()?;
                let start = target.span.start;
                self.arguments(start, Some(Box::new(target)), function, arguments)
            }
            (_, arguments, None) => {
                let word = self.leaf(TokenKind::TokIdent)?;
                let function = self.ident(&word);
                self.arguments(function.span.start, None, function, arguments)
            }
        }
    }

    fn arguments(
        &mut self,
        start: u32,
        target: Option<Box<Syntax>>,
        function: Ident,
        arguments: &[IdedExpr],
    ) -> Result<Syntax, ExprError> {
        self.find(TokenKind::TokLeftParen)?;
        if self.lexis.words.get(self.next).is_some_and(|word| word.label) {
            return self.length(start, arguments);
        }
        let arguments = self.separated(arguments)?;
        let close = self.find(TokenKind::TokRightParen)?;
        Ok(Syntax { node: SyntaxNode::Call { target, function, arguments }, span: start..place(&close).end })
    }

    /// Named arguments, whose names are arguments of their own to the parser.
    fn length(&mut self, start: u32, arguments: &[IdedExpr]) -> Result<Syntax, ExprError> {
        let mut parts = Vec::with_capacity(arguments.len() / 2);
        for (index, pair) in arguments.chunks(2).enumerate() {
            if index > 0 {
                self.find(TokenKind::TokComma)?;
            }
            let word = self.leaf(TokenKind::TokIdent)?;
            let (true, [_, value]) = (word.label, pair) else {
                let found = self.lexis.text_of(&word).to_owned();
                return Err(ExprError::at(word.span, ExprErrorKind::Unexpected { found }));
            };
            self.find(TokenKind::TokComma)?;
            parts.push((self.ident(&word), self.expr(value)?));
        }
        let close = self.find(TokenKind::TokRightParen)?;
        Ok(Syntax { node: SyntaxNode::Length(parts), span: start..place(&close).end })
    }

    fn prefixed(
        &mut self,
        prefix: TokenKind,
        of: &IdedExpr,
        node: fn(Box<Syntax>) -> SyntaxNode,
    ) -> Result<Syntax, ExprError> {
        let word = self.leaf(prefix)?;
        let of = self.expr(of)?;
        let span = place(&word).start..of.span.end;
        Ok(Syntax { node: node(Box::new(of)), span })
    }

    fn infix(&mut self, name: &str, left: &IdedExpr, right: &IdedExpr) -> Result<Syntax, ExprError> {
        let left = Box::new(self.expr(left)?);
        let Some((token, operator)) = infix(name) else { return Err(self.lost()) };
        self.find(token)?;
        let right = Box::new(self.expr(right)?);
        let span = left.span.start..right.span.end;
        let node = match operator {
            Some(operator) => SyntaxNode::Binary(Binary { operator, left, right }),
            None => SyntaxNode::In(left, right),
        };
        Ok(Syntax { node, span })
    }

    /// `exists` and `all` are macros: the parser gives the loops that they stand for.
    fn quantifier(&mut self, comprehension: &ComprehensionExpr) -> Result<Syntax, ExprError> {
        let (kind, body) = match &comprehension.loop_step.expr {
            Cel::Call(CallExpr { func_name, args, .. }) => match (func_name.as_str(), args.as_slice()) {
                (operators::LOGICAL_OR, [_, body]) => (Quantifier::Exists, body),
                (operators::LOGICAL_AND, [_, body]) => (Quantifier::All, body),
                _ => return Err(self.lost()),
            },
            _ => return Err(self.lost()),
        };
        let over = Box::new(self.expr(&comprehension.iter_range)?);
        self.step()?;
        self.find(TokenKind::TokLeftParen)?;
        let word = self.leaf(TokenKind::TokIdent)?;
        let variable = self.ident(&word);
        self.find(TokenKind::TokComma)?;
        let body = Box::new(self.expr(body)?);
        let close = self.find(TokenKind::TokRightParen)?;
        let span = over.span.start..place(&close).end;
        Ok(Syntax { node: SyntaxNode::Quantified(Quantified { kind, over, variable, body }), span })
    }

    fn separated(&mut self, items: &[IdedExpr]) -> Result<Vec<Syntax>, ExprError> {
        let mut parsed = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.find(TokenKind::TokComma)?;
            }
            parsed.push(self.expr(item)?);
        }
        Ok(parsed)
    }

    /// `.name`
    fn step(&mut self) -> Result<Ident, ExprError> {
        self.find(TokenKind::TokDot)?;
        let word = self.lexis.words.get(self.next).cloned().ok_or_else(|| self.lost())?;
        self.next += 1;
        Ok(self.ident(&word))
    }

    fn ident(&self, word: &Word) -> Ident {
        Ident { name: self.lexis.text_of(word).to_owned(), span: place(word) }
    }

    /// The next word that begins an operand. Brackets before it have no node of their own, nor have pairs of `!` or
    /// `-`, which the parser leaves out, nor has the sign of a number.
    fn leaf(&mut self, kind: TokenKind) -> Result<Word, ExprError> {
        self.skip(kind, &[TokenKind::TokLeftParen, TokenKind::TokExclamation, TokenKind::TokMinus])
    }

    /// The next word that follows an operand, after the brackets that close.
    fn find(&mut self, kind: TokenKind) -> Result<Word, ExprError> {
        self.skip(kind, &[TokenKind::TokRightParen, TokenKind::TokComma])
    }

    fn skip(&mut self, wanted: TokenKind, over: &[TokenKind]) -> Result<Word, ExprError> {
        while let Some(word) = self.lexis.words.get(self.next) {
            self.next += 1;
            if word.kind == wanted {
                return Ok(word.clone());
            }
            if !over.contains(&word.kind) {
                break;
            }
        }
        Err(self.lost())
    }

    /// The tree has something that the words don't: refused, because there is no place to point to.
    fn lost(&self) -> ExprError {
        let word = self.lexis.words.get(self.next.saturating_sub(1));
        let span = word.map_or(0..self.lexis.text.len(), |word| word.span.clone());
        let found = self.lexis.text[span.clone()].to_owned();
        ExprError::at(span, ExprErrorKind::Unexpected { found })
    }
}

fn place(word: &Word) -> Range<u32> {
    let at = |offset: usize| u32::try_from(offset).expect("an expression is at most `limits::EXPRESSION_BYTES` long");
    at(word.span.start)..at(word.span.end)
}

/// The word of an operator with two operands, and the operator; `in` has none.
fn infix(name: &str) -> Option<(TokenKind, Option<Operator>)> {
    let (token, operator) = match name {
        operators::IN => return Some((TokenKind::TokIn, None)),
        operators::LOGICAL_AND => (TokenKind::TokLogicalAnd, Operator::And),
        operators::LOGICAL_OR => (TokenKind::TokLogicalOr, Operator::Or),
        operators::EQUALS => (TokenKind::TokEqualEqual, Operator::Equal),
        operators::NOT_EQUALS => (TokenKind::TokExclamationEqual, Operator::NotEqual),
        operators::LESS => (TokenKind::TokLess, Operator::Less),
        operators::LESS_EQUALS => (TokenKind::TokLessEqual, Operator::LessEqual),
        operators::GREATER => (TokenKind::TokGreater, Operator::Greater),
        operators::GREATER_EQUALS => (TokenKind::TokGreaterEqual, Operator::GreaterEqual),
        operators::ADD => (TokenKind::TokPlus, Operator::Add),
        operators::SUBSTRACT => (TokenKind::TokMinus, Operator::Subtract),
        operators::MULTIPLY => (TokenKind::TokAsterisk, Operator::Multiply),
        operators::DIVIDE => (TokenKind::TokSlash, Operator::Divide),
        operators::MODULO => (TokenKind::TokPercent, Operator::Remainder),
        _ => return None,
    };
    Some((token, Some(operator)))
}
