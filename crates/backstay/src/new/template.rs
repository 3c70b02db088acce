use backstay_base::nearest;
use backstay_model::DIRECTIVES;

use super::NewError;
use crate::directory::DIRECTIVES_FILE;

/// What a new application begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Template {
    /// Posts that authors write and editors publish, with tags and comments.
    Blog,
    /// Products, and orders that customers place and clerks ship.
    Shop,
    /// Projects with members, and their issues.
    Tracker,
    /// Accounts and nothing else.
    Empty,
}

/// The path of a file in the application, and its text.
type File = (&'static str, &'static str);

/// The files of a template, as they are in the directory `templates`.
macro_rules! files {
    ($template:literal: $($file:literal),+) => {
        &[$(($file, include_str!(concat!("../../templates/", $template, "/", $file)))),+]
    };
}

const BLOG: &[File] = files!(
    "blog": "README.md", "backstay.toml", "model/blog.graphql", "model/people.graphql", "seed/Comment.jsonl",
    "seed/Person.jsonl", "seed/Post.jsonl", "seed/Tag.jsonl"
);

const SHOP: &[File] = files!(
    "shop": "README.md", "backstay.toml", "model/people.graphql", "model/shop.graphql", "seed/Customer.jsonl",
    "seed/Product.jsonl"
);

const TRACKER: &[File] = files!(
    "tracker": "README.md", "backstay.toml", "model/people.graphql", "model/tracker.graphql", "seed/Issue.jsonl",
    "seed/Membership.jsonl", "seed/Person.jsonl", "seed/Project.jsonl"
);

const EMPTY: &[File] = files!("empty": "README.md", "backstay.toml", "model/app.graphql");

/// The files that every application gets.
const SHARED: &[File] = &[
    (".gitignore", include_str!("../../templates/gitignore")),
    (".graphqlrc.yml", include_str!("../../templates/graphqlrc.yml")),
    (DIRECTIVES_FILE, DIRECTIVES),
];

impl Template {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Blog, Self::Shop, Self::Tracker, Self::Empty];

    /// The one of this name.
    pub(crate) fn named(name: &str) -> Result<Self, NewError> {
        let known = || Self::ALL.into_iter().map(Self::name);
        let named = Self::ALL.into_iter().find(|one| one.name() == name);
        named.ok_or_else(|| NewError::Template {
            name: name.to_owned(),
            meant: nearest(name, known()).map(str::to_owned),
            known: known().collect(),
        })
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Blog => "blog",
            Self::Shop => "shop",
            Self::Tracker => "tracker",
            Self::Empty => "empty",
        }
    }

    /// Its files.
    pub(super) fn files(self) -> impl Iterator<Item = File> {
        let own = match self {
            Self::Blog => BLOG,
            Self::Shop => SHOP,
            Self::Tracker => TRACKER,
            Self::Empty => EMPTY,
        };
        own.iter().chain(SHARED).copied()
    }
}
