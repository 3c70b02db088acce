use std::fmt;

/// What a warning about a model is about. Its code is stable: comments in models, scripts and `docs/lints.md` name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lint {
    /// A type that refuses everyone.
    NoAllow,
    /// A list of records that is probably the other end of a relation.
    MissingInverse,
    /// A relation with the name of a key, such as `authorId`.
    RelationNamedAsKey,
    /// An `ID` with the name of a key to another type, such as `userId`.
    KeyWithoutRelation,
    /// A write that anonymous callers may make.
    OpenWrite,
    /// A rule that looks records up by a field without an index.
    UnindexedRule,
    /// A field that holds something confidential, judging by its name or scalar, without `@class`.
    Unclassified,
    /// A computed field that reads what not everyone may read, and shows it to everyone.
    RevealingComputed,
    /// A stored field that gets the value of one that not everyone may read, and shows it to everyone.
    RevealingCopy,
    /// A field of accounts that rules read, and that accounts may choose themselves.
    SelfGranted,
    /// A field that `only:` names and nobody can read or change.
    HiddenInOnly,
    /// A rule that reads a stored sum.
    StoredSumInRule,
    /// A rule that refuses nothing.
    RuleAlwaysAllows,
    /// A rule that allows nothing.
    RuleNeverAllows,
    /// A state that no record can be in.
    UnreachableState,
    /// A role that no rule names.
    UnusedRole,
    /// A named rule that no rule names.
    UnusedRule,
    /// An embedded type that no field holds.
    UnusedEmbeddedType,
    /// An interface that no type implements.
    UnusedInterface,
    /// A `lint-ignore` comment that names no lint.
    UnknownLint,
    /// A `lint-ignore` comment without anything to ignore.
    UnusedIgnore,
}

impl Lint {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::NoAllow,
        Self::MissingInverse,
        Self::RelationNamedAsKey,
        Self::KeyWithoutRelation,
        Self::OpenWrite,
        Self::UnindexedRule,
        Self::Unclassified,
        Self::RevealingComputed,
        Self::RevealingCopy,
        Self::SelfGranted,
        Self::HiddenInOnly,
        Self::StoredSumInRule,
        Self::RuleAlwaysAllows,
        Self::RuleNeverAllows,
        Self::UnreachableState,
        Self::UnusedRole,
        Self::UnusedRule,
        Self::UnusedEmbeddedType,
        Self::UnusedInterface,
        Self::UnknownLint,
        Self::UnusedIgnore,
    ];

    /// Its code, such as `open-write`.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoAllow => "no-allow",
            Self::MissingInverse => "missing-inverse",
            Self::RelationNamedAsKey => "relation-named-as-key",
            Self::KeyWithoutRelation => "key-without-relation",
            Self::OpenWrite => "open-write",
            Self::UnindexedRule => "unindexed-rule",
            Self::Unclassified => "unclassified",
            Self::RevealingComputed => "revealing-computed",
            Self::RevealingCopy => "revealing-copy",
            Self::SelfGranted => "self-granted",
            Self::HiddenInOnly => "hidden-in-only",
            Self::StoredSumInRule => "stored-sum-in-rule",
            Self::RuleAlwaysAllows => "rule-always-allows",
            Self::RuleNeverAllows => "rule-never-allows",
            Self::UnreachableState => "unreachable-state",
            Self::UnusedRole => "unused-role",
            Self::UnusedRule => "unused-rule",
            Self::UnusedEmbeddedType => "unused-embedded-type",
            Self::UnusedInterface => "unused-interface",
            Self::UnknownLint => "unknown-lint",
            Self::UnusedIgnore => "unused-ignore",
        }
    }

    /// The lint with this code.
    pub fn with_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lint| lint.code() == code)
    }

    /// Whether a comment can say that it is meant to be so.
    pub fn can_be_ignored(self) -> bool {
        !matches!(self, Self::UnknownLint | Self::UnusedIgnore)
    }
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
