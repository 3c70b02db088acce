use super::{Kind, Schema, Value};

/// An expression of the reference: it writes itself in the language and evaluates itself.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Expr {
    Literal(Value),
    Param(usize),
    Path(Path),
    Auth(Auth),
    Now,
    Not(Box<Expr>),
    Negate(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    Compute(Arithmetic, Box<Expr>, Box<Expr>),
    /// `== null` if true, else `!= null`.
    IsNull(Box<Expr>, bool),
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// In a list of expressions, or in what is a list.
    In(Box<Expr>, Box<Expr>),
    List(Vec<Expr>),
    Call(Function, Vec<Expr>),
    Members(Quantifier, Path, usize, Box<Expr>),
    /// Whether the record that a path leads to is another one or below it.
    Within(Path, Box<Expr>),
    /// A value in a document, read as one of this kind; of none, whether there is one.
    Json(Path, Vec<JsonStep>, Option<Kind>),
    /// A named rule.
    Named(usize),
}

/// A path from a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Where it starts.
    pub root: Root,
    /// The type of the record that it starts from.
    pub of: usize,
    /// Fields, each of the type that the one before leads to.
    pub steps: Vec<usize>,
}

/// A step into a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonStep {
    /// To the member of this name.
    Member(&'static str),
    /// To an element.
    Item(usize),
}

/// Where a path starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// `this`.
    This,
    /// `new`.
    New,
    /// The variable with this number.
    Bound(usize),
}

/// What is known of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Auth {
    Id,
    Kind,
    Roles,
    Verified,
    Link,
    Claim(&'static str),
}

/// `exists` or `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Quantifier {
    Exists,
    All,
}

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($variant:ident $word:literal)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the words say it")]
        pub enum $name { $($variant),+ }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

words! {
    /// A comparison.
    Comparison { Equal "==" NotEqual "!=" Less "<" LessEqual "<=" Greater ">" GreaterEqual ">=" }
}
words! {
    /// An operation on numbers and moments.
    Arithmetic { Add "+" Subtract "-" Multiply "*" Divide "/" Remainder "%" }
}
words! {
    /// A function.
    Function {
        Size "size" StartsWith "startsWith" EndsWith "endsWith" Contains "contains" Lower "lowerAscii" Upper "upperAscii"
        Round "round" Quotient "round" Split "split" Join "join" Written "text" Years "years" Matches "matches"
        Replace "replace" LowerAll "lower"
    }
}

impl JsonStep {
    fn text(self) -> String {
        match self {
            Self::Member(name) => format!("['{name}']"),
            Self::Item(index) => format!("[{index}]"),
        }
    }
}

/// Writes expressions.
#[derive(Debug, Clone, Copy)]
pub struct Writer<'s> {
    schema: &'s Schema,
    filter: bool,
}

impl<'s> Writer<'s> {
    /// As a rule is written: `this.title`.
    pub fn rule(schema: &'s Schema) -> Self {
        Self { schema, filter: false }
    }

    /// As a filter is written: `title`.
    pub fn filter(schema: &'s Schema) -> Self {
        Self { schema, filter: true }
    }

    /// The text of an expression.
    pub fn text(self, expr: &Expr) -> String {
        match expr {
            Expr::Literal(value) => value.literal(),
            Expr::Param(index) => format!("$p{index}"),
            Expr::Path(path) => self.path(path),
            Expr::Auth(Auth::Id) => "auth.id".to_owned(),
            Expr::Auth(Auth::Kind) => "auth.kind".to_owned(),
            Expr::Auth(Auth::Roles) => "auth.roles".to_owned(),
            Expr::Auth(Auth::Verified) => "auth.verified".to_owned(),
            Expr::Auth(Auth::Link) => "auth.link".to_owned(),
            Expr::Auth(Auth::Claim(name)) => format!("auth.claims.{name}"),
            Expr::Now => "now".to_owned(),
            Expr::Not(of) => format!("!{}", self.operand(of)),
            Expr::Negate(of) => format!("-{}", self.operand(of)),
            Expr::And(left, right) => self.infix("&&", left, right),
            Expr::Or(left, right) => self.infix("||", left, right),
            Expr::Compare(operator, left, right) => self.infix(operator.word(), left, right),
            Expr::Compute(operator, left, right) => self.infix(operator.word(), left, right),
            Expr::IsNull(of, true) => format!("{} == null", self.operand(of)),
            Expr::IsNull(of, false) => format!("{} != null", self.operand(of)),
            Expr::If(condition, then, otherwise) => {
                let [condition, then, otherwise] = [condition, then, otherwise].map(|part| self.operand(part));
                format!("{condition} ? {then} : {otherwise}")
            }
            Expr::In(element, list) => self.infix("in", element, list),
            Expr::List(items) => {
                let items: Vec<String> = items.iter().map(|item| self.text(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Expr::Call(
                function @ (Function::Size
                | Function::Round
                | Function::Split
                | Function::Join
                | Function::Written
                | Function::Years
                | Function::Replace
                | Function::LowerAll),
                arguments,
            ) => {
                let arguments: Vec<String> = arguments.iter().map(|argument| self.text(argument)).collect();
                format!("{}({})", function.word(), arguments.join(", "))
            }
            Expr::Call(Function::Quotient, arguments) => {
                let quotient = self.infix("/", &arguments[0], &arguments[1]);
                format!("round({quotient}, {})", self.text(&arguments[2]))
            }
            Expr::Call(function, arguments) => {
                let rest: Vec<String> = arguments[1..].iter().map(|argument| self.text(argument)).collect();
                format!("{}.{}({})", self.operand(&arguments[0]), function.word(), rest.join(", "))
            }
            Expr::Members(kind, path, variable, body) => {
                let word = if *kind == Quantifier::Exists { "exists" } else { "all" };
                format!("{}.{word}(v{variable}, {})", self.path(path), self.text(body))
            }
            Expr::Within(path, of) => format!("{}.within({})", self.path(path), self.text(of)),
            Expr::Json(path, steps, kind) => {
                let steps: Vec<String> = steps.iter().map(|step| step.text()).collect();
                let value = format!("{}{}", self.path(path), steps.concat());
                match kind {
                    Some(Kind::Text) => format!("text({value})"),
                    Some(Kind::Int) => format!("int({value})"),
                    Some(Kind::Decimal { .. }) => format!("decimal({value})"),
                    Some(Kind::Bool) => format!("boolean({value})"),
                    _ => value,
                }
            }
            Expr::Named(index) => self.schema.rules[*index].0.to_owned(),
        }
    }

    fn infix(self, word: &str, left: &Expr, right: &Expr) -> String {
        format!("{} {word} {}", self.operand(left), self.operand(right))
    }

    /// In brackets, unless it is one word.
    fn operand(self, expr: &Expr) -> String {
        let text = self.text(expr);
        match expr {
            Expr::Literal(Value::Int(i64::MIN..=-1) | Value::Float(_) | Value::Decimal(_)) if text.starts_with('-') => {
                format!("({text})")
            }
            Expr::Literal(_)
            | Expr::Param(_)
            | Expr::Path(_)
            | Expr::Auth(_)
            | Expr::Now
            | Expr::List(_)
            | Expr::Call(..)
            | Expr::Members(..)
            | Expr::Within(..)
            | Expr::Json(..)
            | Expr::Named(_) => text,
            _ => format!("({text})"),
        }
    }

    fn path(self, path: &Path) -> String {
        let mut words = match path.root {
            Root::This if self.filter => Vec::new(),
            Root::This => vec!["this".to_owned()],
            Root::New => vec!["new".to_owned()],
            Root::Bound(variable) => vec![format!("v{variable}")],
        };
        let mut of = path.of;
        for step in &path.steps {
            let field = self.schema.field(of, *step);
            words.push(field.name.clone());
            of = field.kind.target().unwrap_or(of);
        }
        words.join(".")
    }
}
