use sea_query::{CaseStatement, Expr as Sql, ExprTrait, SelectStatement};

use crate::tree::boolean;

/// A condition that holds only if it is *true*: SQL may compute null instead of false.
#[derive(Debug, Clone)]
pub(crate) enum Pred {
    /// Known when planned.
    Known(bool),
    /// Known per row.
    Sql(Sql),
}

impl Pred {
    /// Holds where all hold.
    pub(crate) fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::chain(parts, true, sea_query::ExprTrait::and)
    }

    /// Holds where one holds.
    pub(crate) fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::chain(parts, false, sea_query::ExprTrait::or)
    }

    fn chain(parts: impl IntoIterator<Item = Self>, neutral: bool, combine: fn(Sql, Sql) -> Sql) -> Self {
        let mut chain: Option<Sql> = None;
        for part in parts {
            match part {
                Self::Known(truth) if truth == neutral => {}
                Self::Known(truth) => return Self::Known(truth),
                Self::Sql(part) => {
                    chain = Some(match chain {
                        Some(chain) => combine(chain, part),
                        None => part,
                    });
                }
            }
        }
        chain.map_or(Self::Known(neutral), Self::Sql)
    }

    /// Holds where this and the condition do, and is evaluated only where the condition holds: databases may evaluate the
    /// operands of an AND in any order, but the branch of a CASE only where it is taken.
    pub(crate) fn behind(self, condition: Self) -> Self {
        match (condition, self) {
            (Self::Known(true), this) => this,
            (Self::Known(false), _) | (_, Self::Known(false)) => Self::Known(false),
            (condition, Self::Known(true)) => condition,
            (Self::Sql(condition), Self::Sql(this)) => {
                Self::Sql(CaseStatement::new().case(condition, this).finally(boolean(false)).into())
            }
        }
    }

    /// Holds where one of the two does, and is evaluated only where the other one doesn't hold.
    pub(crate) fn unless(self, other: Self) -> Self {
        match (other, self) {
            (Self::Known(false), this) => this,
            (Self::Known(true), _) | (_, Self::Known(true)) => Self::Known(true),
            (other, Self::Known(false)) => other,
            (Self::Sql(other), Self::Sql(this)) => {
                Self::Sql(CaseStatement::new().case(other, boolean(true)).finally(this).into())
            }
        }
    }

    /// Holds where this does, of what the condition is true of, and elsewhere where the other one does.
    pub(crate) fn or_where_not(self, condition: Sql, other: Self) -> Self {
        match (self, other) {
            (Self::Known(one), Self::Known(other)) if one == other => Self::Known(one),
            (this, other) => Self::Sql(CaseStatement::new().case(condition, this.sql()).finally(other.sql()).into()),
        }
    }

    /// The condition as SQL.
    pub(crate) fn sql(self) -> Sql {
        match self {
            Self::Known(truth) => boolean(truth),
            Self::Sql(sql) => sql,
        }
    }

    /// Holds where this does not, null included.
    pub(crate) fn otherwise(self) -> Self {
        match self {
            Self::Known(truth) => Self::Known(!truth),
            Self::Sql(sql) => Self::Sql(sql.is_not(boolean(true))),
        }
    }

    /// True or false, never null.
    pub(crate) fn definite(self) -> Sql {
        match self {
            Self::Known(truth) => boolean(truth),
            Self::Sql(sql) => sql.is(boolean(true)),
        }
    }

    /// Restricts a SELECT to where the condition holds.
    pub(crate) fn restrict(self, select: &mut SelectStatement) {
        match self {
            Self::Known(true) => {}
            condition => {
                select.and_where(condition.sql());
            }
        }
    }
}
