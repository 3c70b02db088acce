use std::cmp::Ordering;

use serde_json::Value as Json;

use super::evaluate::Evaluation;
use super::expression::{Path, Root};
use super::{Asker, Expr, Outlook, Record, Selection, SortKey, Value, World};

/// What a request should be answered with.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected<T> {
    /// One of these statuses.
    Refused(&'static [u16]),
    /// This, or one of these statuses: no record can be allowed, which Backstay may notice beforehand.
    Hopeless(&'static [u16], T),
    /// This.
    Answered(T),
}

/// A list that is asked for.
#[derive(Debug, Clone)]
pub struct List {
    /// The type.
    pub of: usize,
    /// The filter, with the values of its parameters and the kinds that they are written as.
    pub filter: Option<(Expr, Vec<(Value, super::Kind)>)>,
    /// Fields that have values.
    pub equal: Vec<(usize, Value)>,
    /// The order.
    pub sort: Vec<SortKey>,
    /// What is answered of each record.
    pub select: Selection,
    /// Records of a page.
    pub limit: usize,
    /// Whether they are counted.
    pub count: bool,
}

/// One record that is asked for.
#[derive(Debug, Clone)]
pub struct Get {
    /// The type.
    pub of: usize,
    /// The id.
    pub id: std::sync::Arc<str>,
    /// What is answered of it.
    pub select: Selection,
}

impl Asker {
    /// The statuses of a request that no rule allows.
    pub fn refusal(&self) -> &'static [u16] {
        if self.caller.kind == "ANONYMOUS" { &[401] } else { &[403] }
    }

    /// What a list shows on all its pages.
    pub fn list(&self, world: &World, list: &List) -> Expected<Vec<Json>> {
        let granted = self.caller.is_for(list.of, &["search"]);
        let collection = self.may_read(world, list.of);
        let named = self.may_ask(world, list);
        let answer = || {
            let mut records: Vec<&Record> =
                world.all(list.of).filter(|record| self.is_listed(world, list, record)).collect();
            self.sort(world, &mut records, &list.sort);
            records.into_iter().map(|record| self.shown(world, record.into(), &list.select)).collect()
        };
        self.expected((granted, collection, named), answer)
    }

    /// What a read is answered with: whether the key is for it, whether the type may be read, and whether what the
    /// request names may be seen.
    fn expected<T>(
        &self,
        (granted, collection, named): (bool, Outlook, Outlook),
        answer: impl FnOnce() -> T,
    ) -> Expected<T> {
        match (granted, collection, named) {
            (false, _, Outlook::Refused) | (_, Outlook::Refused, Outlook::Refused) => {
                Expected::Refused(&[400, 401, 403])
            }
            (false, ..) | (_, Outlook::Refused, _) => Expected::Refused(self.refusal()),
            (_, Outlook::Hopeless, Outlook::Refused) => Expected::Refused(&[400, 401, 403]),
            (_, Outlook::Open, Outlook::Refused) => Expected::Refused(&[400]),
            (_, Outlook::Open, Outlook::Open) => Expected::Answered(answer()),
            (..) => Expected::Hopeless(&[400, 401, 403], answer()),
        }
    }

    fn is_listed(&self, world: &World, list: &List, record: &Record) -> bool {
        let equal = |(field, value): &(usize, Value)| {
            self.sees(world, record.into(), *field) && record.values[*field].compare(value).is_some_and(Ordering::is_eq)
        };
        let passes = |(filter, params): &(Expr, Vec<(Value, super::Kind)>)| {
            let params: Vec<Value> = params.iter().map(|(value, _)| value.clone()).collect();
            self.passes(world, record, (filter, &params))
        };
        self.reads(world, record.into()) && list.equal.iter().all(equal) && list.filter.as_ref().is_none_or(passes)
    }

    /// Whether a filter is true of a record, as the caller sees it.
    pub(super) fn passes(&self, world: &World, record: &Record, (filter, params): (&Expr, &[Value])) -> bool {
        let this = record.into();
        Evaluation { asker: self, world, restricted: true, this, new: this, params }.truth(filter) == Some(true)
    }

    /// What a get answers; nothing for a record that isn't there for the caller.
    pub fn get(&self, world: &World, get: &Get) -> Expected<Option<Json>> {
        let granted = self.caller.is_for(get.of, &["get"]);
        let found = world.find(get.of, &get.id).filter(|record| self.reads(world, (*record).into()));
        let answer = || found.map(|record| self.shown(world, record.into(), &get.select));
        let named = self.may_select(world, get.of, &get.select);
        self.expected((granted, self.may_read(world, get.of), named), answer)
    }

    /// Whether all that a list names could be seen in some record.
    pub(super) fn may_ask(&self, world: &World, list: &List) -> Outlook {
        let fields = list.equal.iter().map(|(field, _)| *field);
        let named = fields.fold(Outlook::Open, |all, field| all.and(self.may_see(world, list.of, field)));
        let named = list.sort.iter().fold(named, |all, key| all.and(self.may_sort(world, list.of, key)));
        let filter = list.filter.as_ref().map_or(Outlook::Open, |(filter, _)| self.may_filter(world, filter));
        named.and(filter).and(self.may_select(world, list.of, &list.select))
    }

    pub(super) fn may_filter(&self, world: &World, expr: &Expr) -> Outlook {
        let all = |parts: &[&Expr]| parts.iter().fold(Outlook::Open, |all, part| all.and(self.may_filter(world, part)));
        match expr {
            Expr::Literal(_) | Expr::Param(_) | Expr::Auth(_) | Expr::Now | Expr::Named(_) => Outlook::Open,
            Expr::Path(path) | Expr::Json(path, ..) => self.may_follow(world, path),
            Expr::Within(path, of) => self.may_follow(world, path).and(self.may_filter(world, of)),
            Expr::Not(of) | Expr::Negate(of) | Expr::IsNull(of, _) => self.may_filter(world, of),
            Expr::And(left, right)
            | Expr::Or(left, right)
            | Expr::Compare(_, left, right)
            | Expr::Compute(_, left, right)
            | Expr::In(left, right) => all(&[left, right]),
            Expr::If(condition, then, otherwise) => all(&[condition, then, otherwise]),
            Expr::List(items) | Expr::Call(_, items) => all(&items.iter().collect::<Vec<_>>()),
            Expr::Members(_, path, _, body) => self.may_follow(world, path).and(self.may_filter(world, body)),
        }
    }

    /// Whether the fields of a path could be seen, and the records that it leads through read.
    fn may_follow(&self, world: &World, path: &Path) -> Outlook {
        let mut of = path.of;
        let mut outlook = Outlook::Open;
        for (index, step) in path.steps.iter().enumerate() {
            // A record is its id: what asks for the id of a related record looks at the reference alone.
            if *step == 0 && index > 0 {
                break;
            }
            let passes_through = index > 0 || matches!(path.root, Root::Bound(_));
            if passes_through {
                outlook = outlook.and(self.may_read(world, of));
            }
            outlook = outlook.and(self.may_see(world, of, *step));
            let kind = &world.schema.field(of, *step).kind;
            if let Some(target) = kind.target() {
                of = target;
                if kind.is_many() {
                    outlook = outlook.and(self.may_read(world, of));
                }
            }
        }
        outlook
    }
}
