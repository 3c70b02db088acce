//! Expressions at random, all of which are well typed.

use super::expression::{Arithmetic, Auth, Comparison, Function, JsonStep, Path, Quantifier, Root};
use super::pools::{JSON_NAMES, PATTERNS};
use super::{Expr, Kind, Random, Schema, Value, World};

/// Claims that callers may have.
pub const CLAIMS: [&str; 2] = ["region", "desk"];
/// Attempts at a path of the wanted kind.
const ATTEMPTS: usize = 12;
/// To-one relations that a path follows at most.
const STEPS: usize = 2;

/// Makes expressions about records.
#[derive(Debug)]
pub struct Expressions<'r, 's> {
    random: &'r mut Random,
    schema: &'s Schema,
    /// For ids in literals; rules are made before there are records.
    world: Option<&'s World>,
    roots: Vec<(Root, usize)>,
    variables: usize,
    /// In a filter: the values of parameters, and the kinds that they are written as.
    params: Option<Vec<(Value, Kind)>>,
}

impl<'r, 's> Expressions<'r, 's> {
    /// Rules about a record of a type, and about the proposed one too.
    pub fn rules(random: &'r mut Random, schema: &'s Schema, of: usize, names_new: bool) -> Self {
        let mut roots = vec![(Root::This, of)];
        if names_new {
            roots.push((Root::New, of));
        }
        Self { random, schema, world: None, roots, variables: 0, params: None }
    }

    /// Filters of a list.
    pub fn filters(random: &'r mut Random, world: &'s World, of: usize) -> Self {
        let roots = vec![(Root::This, of)];
        let params = Some(Vec::new());
        Self { random, schema: &world.schema, world: Some(world), roots, variables: 0, params }
    }

    /// The parameters of the filter that was made.
    pub fn into_params(self) -> Vec<(Value, Kind)> {
        self.params.unwrap_or_default()
    }

    /// A condition.
    pub fn condition(&mut self, depth: usize) -> Expr {
        if depth == 0 {
            return self.test();
        }
        match self.random.below(100) {
            0..18 => Expr::And(self.boxed(depth), self.boxed(depth)),
            18..42 => Expr::Or(self.boxed(depth), self.boxed(depth)),
            42..52 => Expr::Not(self.boxed(depth)),
            52..56 => Expr::If(self.boxed(depth), self.boxed(depth), self.boxed(depth)),
            56..59 => {
                let operator = *self.random.pick(&[Comparison::Equal, Comparison::NotEqual]);
                Expr::Compare(operator, self.boxed(depth), self.boxed(depth))
            }
            59..75 => self.members(depth).unwrap_or_else(|| self.test()),
            _ => self.test(),
        }
    }

    fn boxed(&mut self, depth: usize) -> Box<Expr> {
        Box::new(self.condition(depth - 1))
    }

    /// `exists` or `all`.
    fn members(&mut self, depth: usize) -> Option<Expr> {
        let (path, kind) = self.path(Kind::is_many)?;
        let kind = kind.target()?;
        let variable = self.variables;
        self.variables += 1;
        self.roots.push((Root::Bound(variable), kind));
        // What is said of a member is mostly about the member.
        self.roots.push((Root::Bound(variable), kind));
        let body = self.condition(depth - 1);
        self.roots.truncate(self.roots.len() - 2);
        let quantifier = if self.random.chance(60) { Quantifier::Exists } else { Quantifier::All };
        Some(Expr::Members(quantifier, path, variable, Box::new(body)))
    }

    /// A condition without connectives.
    fn test(&mut self) -> Expr {
        let made = match self.random.below(100) {
            0..10 => self.caller(),
            10..22 => self
                .path(|kind| !kind.is_many())
                .map(|(path, _)| Expr::IsNull(Box::new(Expr::Path(path)), self.random.chance(50))),
            22..32 => self.path(|kind| *kind == Kind::Bool).map(|(path, _)| Expr::Path(path)),
            32..42 => self.relation(),
            42..52 => self.membership(),
            52..62 => self.text_test(),
            62..68 => self.document(),
            68..72 => self.branch(),
            _ => self.comparison(),
        };
        made.unwrap_or_else(|| Expr::Literal(Value::Bool(self.random.chance(50))))
    }

    fn caller(&mut self) -> Option<Expr> {
        let role = Value::Text(self.random.pick(&self.schema.roles).clone());
        let kind = Value::text(self.random.pick::<&str>(&["ANONYMOUS", "ACCOUNT", "SERVICE"]));
        let most = if self.params.is_some() || self.schema.rules.is_empty() { 6 } else { 7 };
        Some(match self.random.below(most) {
            0 => Expr::In(Box::new(Expr::Literal(role)), Box::new(Expr::Auth(Auth::Roles))),
            1 => equal(Expr::Auth(Auth::Kind), Expr::Literal(kind)),
            2 => Expr::IsNull(Box::new(Expr::Auth(Auth::Id)), self.random.chance(30)),
            3 => {
                let claim = Expr::Auth(Auth::Claim(self.random.pick::<&str>(&CLAIMS)));
                let (path, _) = self.path(|kind| *kind == Kind::Text)?;
                equal(Expr::Path(path), claim)
            }
            4 => Expr::Auth(Auth::Verified),
            5 => self.link(),
            _ => Expr::Named(self.random.below(self.schema.rules.len())),
        })
    }

    /// About the link that the caller shows.
    fn link(&mut self) -> Expr {
        let link = Expr::Auth(Auth::Link);
        match self.path(|kind| *kind == Kind::Link) {
            Some((path, _)) if self.random.chance(70) => {
                let operator = if self.random.chance(80) { Comparison::Equal } else { Comparison::NotEqual };
                Expr::Compare(operator, Box::new(Expr::Path(path)), Box::new(link))
            }
            _ => Expr::IsNull(Box::new(link), self.random.chance(50)),
        }
    }

    /// A comparison of records.
    fn relation(&mut self) -> Option<Expr> {
        let (path, of) = self.record()?;
        let other = match self.random.below(10) {
            0..5 => Expr::Auth(Auth::Id),
            5..8 => self.record_of(of)?,
            _ => Expr::Literal(Value::Id(self.id(of))),
        };
        let operator = if self.random.chance(80) { Comparison::Equal } else { Comparison::NotEqual };
        Some(Expr::Compare(operator, Box::new(path), Box::new(other)))
    }

    /// A record, as itself, its id, or what a relation leads to.
    fn record(&mut self) -> Option<(Expr, usize)> {
        let (path, kind) = self.path(|kind| matches!(kind, Kind::Key | Kind::ToOne { .. }))?;
        let of = kind.target().unwrap_or_else(|| self.type_at(&path));
        Some((Expr::Path(path), of))
    }

    fn record_of(&mut self, of: usize) -> Option<Expr> {
        (0..ATTEMPTS).find_map(|_| self.record().filter(|(_, found)| *found == of).map(|(path, _)| path))
    }

    /// The type of the record whose field is last.
    fn type_at(&self, path: &Path) -> usize {
        let before = path.steps.split_last().map_or(&[][..], |(_, before)| before);
        before.iter().fold(path.of, |of, step| self.schema.field(of, *step).kind.target().unwrap_or(of))
    }

    fn id(&mut self, of: usize) -> std::sync::Arc<str> {
        let known = self.world.and_then(|world| self.random.record(world, of));
        known.unwrap_or_else(|| self.random.unused_id())
    }

    fn membership(&mut self) -> Option<Expr> {
        if self.random.chance(40)
            && let Some((path, Kind::List(element))) = self.path(|kind| matches!(kind, Kind::List(_)))
        {
            let value = Expr::Literal(self.random.value(self.schema, &element));
            return Some(Expr::In(Box::new(value), Box::new(Expr::Path(path))));
        }
        if self.random.chance(15)
            && let Some((path, _)) = self.path(|kind| *kind == Kind::Text)
        {
            let parts = vec![Expr::Path(path), Expr::Literal(self.random.value(self.schema, &Kind::Text))];
            let part = self.operand(&Kind::Text, 1);
            return Some(Expr::In(Box::new(part), Box::new(Expr::Call(Function::Split, parts))));
        }
        let (path, kind) =
            self.path(|kind| !kind.is_many() && !matches!(kind, Kind::List(_) | Kind::Bool | Kind::Json))?;
        let of = self.type_at(&path);
        let length = self.random.below(4);
        let mut item = || match &kind {
            Kind::Key => Value::Id(self.id(of)),
            Kind::ToOne { target, .. } => Value::Id(self.id(*target)),
            kind => self.random.value(self.schema, kind),
        };
        let items: Vec<Value> = (0..length).map(|_| item()).collect();
        let list = match self.params.is_some() && self.random.chance(40) {
            true => self.param(Value::List(items), &kind),
            false => Expr::List(items.into_iter().map(Expr::Literal).collect()),
        };
        Some(Expr::In(Box::new(Expr::Path(path)), Box::new(list)))
    }

    /// What is in a document.
    fn document(&mut self) -> Option<Expr> {
        let (path, _) = self.path(|kind| *kind == Kind::Json)?;
        let mut steps = vec![JsonStep::Member(self.random.pick::<&str>(&JSON_NAMES))];
        match self.random.below(4) {
            0 => steps.push(JsonStep::Member(self.random.pick::<&str>(&JSON_NAMES[..2]))),
            1 => steps.push(JsonStep::Item(self.random.below(4))),
            _ => {}
        }
        let value = |kind: Option<Kind>| Box::new(Expr::Json(path.clone(), steps.clone(), kind));
        let kind = self.random.pick(&[Kind::Text, Kind::Int, Kind::Decimal { scale: 2 }, Kind::Bool]).clone();
        Some(match self.random.below(10) {
            0..2 => Expr::IsNull(value(None), self.random.chance(50)),
            2..4 => {
                let text = Expr::Literal(self.random.value(self.schema, &Kind::Text));
                Expr::In(Box::new(text), value(Some(Kind::List(Box::new(Kind::Text)))))
            }
            _ => {
                let all = if kind == Kind::Bool { &Comparison::ALL[..2] } else { Comparison::ALL };
                let operator = *self.random.pick(all);
                Expr::Compare(operator, value(Some(kind.clone())), Box::new(self.operand(&kind, 1)))
            }
        })
    }

    /// Whether a record is in a branch of a tree.
    fn branch(&mut self) -> Option<Expr> {
        let schema = self.schema;
        let is_tree =
            |of: usize| schema.types[of].fields.iter().any(|field| matches!(field.kind, Kind::Lineage { .. }));
        let (path, kind) = self.path(|kind| matches!(kind, Kind::ToOne { target, .. } if is_tree(*target)))?;
        let of = kind.target()?;
        let root = if self.random.chance(40) { self.record_of(of) } else { None };
        let root = root.unwrap_or_else(|| Expr::Literal(Value::Id(self.id(of))));
        Some(Expr::Within(path, Box::new(root)))
    }

    fn text_test(&mut self) -> Option<Expr> {
        let (path, kind) = self.path(|kind| *kind == Kind::Text)?;
        let function = *self.random.pick(&[Function::StartsWith, Function::EndsWith, Function::Contains]);
        let subject = match self.random.below(6) {
            0 => Expr::Call(Function::Lower, vec![Expr::Path(path)]),
            1 => Expr::Call(Function::Upper, vec![Expr::Path(path)]),
            _ => Expr::Path(path),
        };
        if self.random.chance(35) {
            let (pattern, _) = *self.random.pick(&PATTERNS);
            return Some(Expr::Call(Function::Matches, vec![subject, Expr::Literal(Value::text(pattern))]));
        }
        let part = self.operand(&kind, 0);
        Some(Expr::Call(function, vec![subject, part]))
    }

    fn comparison(&mut self) -> Option<Expr> {
        if self.random.chance(12)
            && let Some((text, _)) = self.path(|kind| *kind == Kind::Text)
        {
            let size = Expr::Literal(Value::Int(*self.random.pick(&[0, 1, 2, 4])));
            let sized = Expr::Call(Function::Size, vec![Expr::Path(text)]);
            return Some(Expr::Compare(*self.random.pick(Comparison::ALL), Box::new(sized), Box::new(size)));
        }
        if self.random.chance(4)
            && let Some((flag, _)) = self.path(|kind| *kind == Kind::Bool)
        {
            let word = Expr::Literal(Value::Text((*self.random.pick(&["true", "false"])).into()));
            let written = Expr::Call(Function::Written, vec![Expr::Path(flag)]);
            return Some(Expr::Compare(Comparison::Equal, Box::new(written), Box::new(word)));
        }
        let comparable = |kind: &Kind| {
            !kind.is_many() && !matches!(kind, Kind::List(_) | Kind::Json | Kind::ToOne { .. } | Kind::Key | Kind::Link)
        };
        let (path, kind) = self.path(comparable)?;
        let operator = *self.random.pick(if kind == Kind::Bool { &Comparison::ALL[..2] } else { Comparison::ALL });
        let left = match self.random.chance(30).then(|| self.computed(&kind, 1)) {
            // A literal has no type of its own that a parameter beside it could take.
            Some(Expr::Literal(_)) | None => Expr::Path(path),
            Some(computed) => computed,
        };
        let right = self.operand(&kind, 1);
        match self.random.chance(85) {
            true => Some(Expr::Compare(operator, Box::new(left), Box::new(right))),
            false => Some(Expr::Compare(operator, Box::new(right), Box::new(left))),
        }
    }

    /// A value beside one of this kind: a literal, a parameter, or what is computed.
    fn operand(&mut self, kind: &Kind, depth: usize) -> Expr {
        match self.random.below(10) {
            0..4 => Expr::Literal(self.random.value(self.schema, kind)),
            4..6 if self.params.is_some() => {
                let value = self.random.value(self.schema, kind);
                self.param(value, kind)
            }
            _ => self.computed(kind, depth),
        }
    }

    /// A value that is no literal.
    fn computed(&mut self, kind: &Kind, depth: usize) -> Expr {
        let Some((path, _)) = self.path(|found| same_type(found, kind)) else {
            return Expr::Literal(self.random.value(self.schema, kind));
        };
        let path = Expr::Path(path);
        if depth == 0 || self.random.chance(50) || matches!(kind, Kind::Enum(_)) {
            return path;
        }
        if self.random.chance(20) {
            let condition = self.condition(depth - 1);
            let other = self.computed(kind, depth - 1);
            return Expr::If(Box::new(condition), Box::new(path), Box::new(other));
        }
        match kind {
            Kind::Int if self.random.chance(15) => Expr::Negate(Box::new(path)),
            Kind::Int if self.random.chance(10) => match self.path(|kind| *kind == Kind::Date) {
                Some((date, _)) => {
                    let other = self.operand(&Kind::Date, 0);
                    Expr::Call(Function::Years, vec![Expr::Path(date), other])
                }
                None => path,
            },
            Kind::Int if self.random.chance(20) => match self.path(|kind| matches!(kind, Kind::Text | Kind::List(_))) {
                Some((sized, _)) => Expr::Call(Function::Size, vec![Expr::Path(sized)]),
                None => path,
            },
            Kind::Int | Kind::Float => {
                let operators = if *kind == Kind::Int { Arithmetic::ALL } else { &Arithmetic::ALL[..4] };
                let operator = *self.random.pick(operators);
                let by = match operator {
                    Arithmetic::Remainder if self.random.chance(40) => Expr::Literal(Value::Int(-1)),
                    _ => self.operand(kind, depth - 1),
                };
                Expr::Compute(operator, Box::new(path), Box::new(by))
            }
            Kind::Decimal { .. } => self.exact(path, kind, depth),
            Kind::Moment if self.random.chance(30) => Expr::Now,
            Kind::Moment => {
                let length = Expr::Literal(self.random.length());
                Expr::Compute(*self.random.pick(&Arithmetic::ALL[..2]), Box::new(path), Box::new(length))
            }
            Kind::Text => self.text(path, depth),
            _ => path,
        }
    }

    /// A text that is made of this one, or of something else.
    fn text(&mut self, path: Expr, depth: usize) -> Expr {
        match self.random.below(6) {
            0 => {
                let function = *self.random.pick(&[Function::Lower, Function::Upper, Function::LowerAll]);
                Expr::Call(function, vec![path])
            }
            1 if self.random.chance(50) => {
                let [part, by] = [0, 1].map(|_| Expr::Literal(self.random.value(self.schema, &Kind::Text)));
                Expr::Call(Function::Replace, vec![path, part, by])
            }
            1 => match self.path(|kind| *kind == Kind::List(Box::new(Kind::Text))) {
                Some((list, _)) => {
                    let by = Expr::Literal(self.random.value(self.schema, &Kind::Text));
                    Expr::Call(Function::Join, vec![Expr::Path(list), by])
                }
                None => path,
            },
            2..4 => {
                let has_text = |kind: &Kind| {
                    matches!(
                        kind,
                        Kind::Int
                            | Kind::Decimal { .. }
                            | Kind::Bool
                            | Kind::Enum(_)
                            | Kind::Date
                            | Kind::Moment
                            | Kind::ToOne { .. }
                    )
                };
                match self.path(has_text) {
                    Some((of, _)) => Expr::Call(Function::Written, vec![Expr::Path(of)]),
                    None => path,
                }
            }
            _ => Expr::Compute(Arithmetic::Add, Box::new(path), Box::new(self.operand(&Kind::Text, depth - 1))),
        }
    }

    /// An exact number that is computed from this one.
    fn exact(&mut self, path: Expr, kind: &Kind, depth: usize) -> Expr {
        let digits = Expr::Literal(Value::Int(i64::try_from(self.random.below(4)).expect("few")));
        match self.random.below(6) {
            0 => Expr::Call(Function::Round, vec![path, digits]),
            1 => match self.path(|kind| matches!(kind, Kind::Decimal { .. } | Kind::Int)) {
                Some((by, _)) => Expr::Call(Function::Quotient, vec![path, Expr::Path(by), digits]),
                None => path,
            },
            2 => match self.path(|kind| *kind == Kind::Int) {
                Some((from, _)) if self.random.chance(50) => {
                    Expr::Compute(Arithmetic::Subtract, Box::new(Expr::Path(from)), Box::new(path))
                }
                Some((by, _)) => Expr::Compute(Arithmetic::Multiply, Box::new(path), Box::new(Expr::Path(by))),
                None => path,
            },
            _ => {
                let operator = *self.random.pick(&Arithmetic::ALL[..2]);
                Expr::Compute(operator, Box::new(path), Box::new(self.operand(kind, depth - 1)))
            }
        }
    }

    fn param(&mut self, value: Value, kind: &Kind) -> Expr {
        let params = self.params.get_or_insert_default();
        params.push((value, kind.clone()));
        Expr::Param(params.len() - 1)
    }

    /// A path to a field of the wanted kind.
    fn path(&mut self, wanted: impl Fn(&Kind) -> bool) -> Option<(Path, Kind)> {
        (0..ATTEMPTS).find_map(|_| {
            let (root, start) = *self.random.pick(&self.roots);
            let (mut of, mut steps) = (start, Vec::new());
            let most = [0, 0, 0, 1, 1, STEPS];
            for _ in 0..*self.random.pick(&most) {
                let fields = &self.schema.types[of].fields;
                let relations: Vec<usize> =
                    (0..fields.len()).filter(|index| matches!(fields[*index].kind, Kind::ToOne { .. })).collect();
                if relations.is_empty() {
                    break;
                }
                let step = *self.random.pick(&relations);
                of = fields[step].kind.target()?;
                steps.push(step);
            }
            let fields = &self.schema.types[of].fields;
            let fit: Vec<usize> = (0..fields.len())
                .filter(|index| wanted(&fields[*index].kind))
                .filter(|index| self.params.is_none() || !fields[*index].secret)
                .collect();
            if fit.is_empty() {
                return None;
            }
            let last = *self.random.pick(&fit);
            steps.push(last);
            if let (Root::Bound(_), [0]) = (root, steps.as_slice())
                && self.random.chance(50)
            {
                steps.clear();
            }
            Some((Path { root, of: start, steps }, fields[last].kind.clone()))
        })
    }
}

/// Whether values of the kinds compare.
fn same_type(left: &Kind, right: &Kind) -> bool {
    match (left, right) {
        (Kind::Decimal { .. }, Kind::Decimal { .. }) => true,
        (left, right) => left == right,
    }
}

fn equal(left: Expr, right: Expr) -> Expr {
    Expr::Compare(Comparison::Equal, Box::new(left), Box::new(right))
}
