//! What there is in a schema, as the server's catalog has it.

/// A schema.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    /// The schema's name.
    pub schema: String,
    /// Its tables by name, without those of extensions.
    pub tables: Vec<FoundTable>,
    /// Its enums by name.
    pub enums: Vec<FoundEnum>,
    /// Its views, materialized ones included.
    pub views: Vec<String>,
}

impl Survey {
    /// The table of this name.
    pub fn table(&self, name: &str) -> Option<&FoundTable> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// The enum of this name.
    pub fn enumeration(&self, name: &str) -> Option<&FoundEnum> {
        self.enums.iter().find(|found| found.name == name)
    }
}

/// What kind of table one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// One of its own.
    Plain,
    /// One that has partitions.
    Partitioned,
    /// One of these.
    Partition,
    /// One that inherits from another one, or that another one inherits from.
    Inherited,
    /// One on another server.
    Foreign,
    /// One that a crash of the server empties.
    Unlogged,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTable {
    /// Its name.
    pub name: String,
    /// What kind it is.
    pub kind: TableKind,
    /// Its comment.
    pub comment: Option<String>,
    /// Whether the user may change it.
    pub is_owned: bool,
    /// Whom row security keeps from rows.
    pub row_security: RowSecurity,
    /// The names of rules that rewrite what is written to it.
    pub rules: Vec<String>,
    /// The names of its triggers.
    pub triggers: Vec<String>,
    /// Whether one of these can fill in columns of new rows.
    pub fills_rows: bool,
    /// Its columns, in their order.
    pub columns: Vec<FoundColumn>,
    /// The name and the columns of its primary key.
    pub key: Option<(String, Vec<String>)>,
    /// What else is unique.
    pub uniques: Vec<FoundUnique>,
    /// Foreign keys.
    pub references: Vec<FoundReference>,
    /// Checks.
    pub checks: Vec<FoundCheck>,
    /// The names of its exclusion constraints.
    pub exclusions: Vec<String>,
    /// Indexes that nothing above rests on.
    pub indexes: Vec<FoundIndex>,
}

impl FoundTable {
    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&FoundColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// Whom a table's row security keeps from rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowSecurity {
    /// Nobody.
    Off,
    /// All but its owner.
    Others,
    /// Its owner, too.
    Everybody,
}

/// Whose type a column has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeFamily {
    /// One of the server itself.
    BuiltIn,
    /// An enum of this schema.
    Enum,
    /// Any other, such as one of an extension.
    Other,
}

/// Whose the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValuesOf {
    /// Whoever writes the row gives them.
    Writers,
    /// The database counts them, and takes none that are given.
    Counter,
    /// The database computes them.
    Formula,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundColumn {
    /// Its name.
    pub name: String,
    /// Its comment.
    pub comment: Option<String>,
    /// The server's type, or that of its domain: `int4`, `varchar`, the name of an enum.
    pub ty: String,
    /// Whose type that is.
    pub family: TypeFamily,
    /// The type as SQL says it.
    pub declared: String,
    /// What the type's brackets hold, as the server stores it; -1 without them.
    pub modifier: i64,
    /// Whether it always has a value.
    pub not_null: bool,
    /// The expression of its default.
    pub default: Option<String>,
    /// Whose its values are.
    pub values: ValuesOf,
    /// Whether its texts are compared byte by byte.
    pub is_bytewise: bool,
    /// The checks of its domain, about `VALUE`.
    pub domain_checks: Vec<String>,
    /// A view, trigger, policy or computed column that keeps its type from being changed.
    pub held_by: Option<String>,
}

/// Something unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundUnique {
    /// The name of the index.
    pub name: String,
    /// Whether it is a constraint.
    pub is_constraint: bool,
    /// Whether foreign keys rest on it.
    pub is_referenced: bool,
    /// Whether it treats nulls as equal.
    pub nulls_same: bool,
    /// Its columns; `None` if it is over expressions or a part of the rows.
    pub columns: Option<Vec<String>>,
    /// Its definition.
    pub definition: String,
}

/// What happens to rows that refer to a deleted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// The deletion is refused.
    Refused,
    /// They go, too.
    Cascades,
    /// They lose the reference.
    Nulls,
    /// They get the column's default.
    Defaults,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundReference {
    /// Its name.
    pub name: String,
    /// The columns that refer.
    pub columns: Vec<String>,
    /// The table that they refer to; with the schema if it is another one.
    pub target: String,
    /// The columns there.
    pub target_columns: Vec<String>,
    /// What happens on a deletion.
    pub on_delete: Deletion,
    /// Whether it can be checked at commit.
    pub is_deferrable: bool,
    /// Whether it holds for all rows.
    pub is_valid: bool,
}

/// A check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCheck {
    /// Its name.
    pub name: String,
    /// Its expression.
    pub expression: String,
    /// Whether it holds for all rows.
    pub is_valid: bool,
}

/// An index that isn't unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundIndex {
    /// Its name.
    pub name: String,
    /// Its columns; `None` if it isn't a usual one over columns.
    pub columns: Option<Vec<String>>,
    /// Its definition.
    pub definition: String,
}

/// An enum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundEnum {
    /// Its name.
    pub name: String,
    /// Its comment.
    pub comment: Option<String>,
    /// Whether the user may change it.
    pub is_owned: bool,
    /// Its values, in their order.
    pub values: Vec<String>,
    /// Whether its values convert to texts and back by themselves.
    pub converts: bool,
}
