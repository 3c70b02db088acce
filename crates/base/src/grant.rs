use std::sync::Arc;

use crate::Action;

/// What an API key (or another delegated credential) is limited to: pairs of a collection and an action. A grant narrows
/// what the model's rules allow its holder, and never adds to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Grant(
    /// In order, each pair once.
    Box<[(Arc<str>, Arc<str>)]>,
);

impl Grant {
    /// Whether the holder may do this with records of the collection of this name. What a stored grant of another version
    /// holds beside `Action::GRANTED` allows nothing. Does not allocate.
    pub fn allows(&self, collection: &str, action: Action) -> bool {
        let wanted = (collection, action.word());
        self.0.binary_search_by(|(collection, action)| (&**collection, &**action).cmp(&wanted)).is_ok()
    }

    /// All pairs of a collection's name and an action's, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(collection, action)| (&**collection, &**action))
    }
}

impl<C: Into<Arc<str>>, A: Into<Arc<str>>> FromIterator<(C, A)> for Grant {
    fn from_iter<I: IntoIterator<Item = (C, A)>>(pairs: I) -> Self {
        let mut pairs: Vec<(Arc<str>, Arc<str>)> =
            pairs.into_iter().map(|(collection, action)| (collection.into(), action.into())).collect();
        pairs.sort_unstable();
        pairs.dedup();
        Self(pairs.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_allows_its_pairs_and_nothing_else() {
        let grant: Grant =
            [("Post", "update"), ("Post", "get"), ("Author", "get"), ("Post", "get")].into_iter().collect();
        let check = |collection: &str, action: Action, expected: bool| {
            assert_eq!(grant.allows(collection, action), expected, "{collection}:{action:?}");
        };
        check("Post", Action::Get, true);
        check("Post", Action::Update, true);
        check("Author", Action::Get, true);
        check("Author", Action::Update, false);
        check("Post", Action::Delete, false);
        check("Pos", Action::Get, false);
        check("post", Action::Get, false);
        check("", Action::Get, false);
        assert_eq!(grant.iter().collect::<Vec<_>>(), [("Author", "get"), ("Post", "get"), ("Post", "update")]);
    }

    #[test]
    fn an_empty_grant_allows_nothing() {
        let grant: Grant = std::iter::empty::<(&str, &str)>().collect();
        for action in Action::GRANTED {
            assert!(!grant.allows("Post", action), "{action:?}");
        }
    }
}
