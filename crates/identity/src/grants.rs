use std::sync::Arc;

use backstay_base::{Action, Error, Grant, Limit, Place, Violation, ViolationKind, limits, nearest};
use backstay_model::{Collection, Model};
use backstay_scalar::Value;

use crate::error::Damaged;
use crate::roles;

/// Short for the first two of `Action::GRANTED`, as in `@allow(read: …)`.
const READ: &str = "read";
const READS: [&str; 2] = ["get", "search"];

/// What other systems call actions, and our words for them.
const OTHER_NAMES: [(&str, &str); 5] = [
    ("list", "`search`"),
    ("query", "`search`"),
    ("view", "`get`"),
    ("read one", "`get`"),
    ("write", "`create`, `update` and `delete`"),
];

/// Names that a message lists; more are counted.
const LISTED: usize = 20;

/// Reads what a new key is limited to: entries such as `posts:get`, which name a collection by its path under `/api/`
/// and one of its actions. `read` is short for `get` and `search`. White space around an entry and its parts does not
/// count. Violations are at `only`, all of them at once.
pub(crate) fn read(model: &Model, only: &[String]) -> Result<Grant, Error> {
    let (mut pairs, mut violations) = (Vec::new(), Vec::new());
    for entry in only {
        match pair(model, entry) {
            Ok((collection, READ)) => pairs.extend(READS.map(|action| (collection.name.as_str(), action))),
            Ok((collection, action)) => pairs.push((collection.name.as_str(), action)),
            Err(kind) => violations.push(Violation::new(Place::part("only"), kind)),
        }
    }
    if !violations.is_empty() {
        return Err(Error::Invalid(violations));
    }
    let grant: Grant = pairs.into_iter().collect();
    if grant.iter().len() > limits::GRANT_ENTRIES {
        let max = limits::GRANT_ENTRIES as u64;
        return Err(Limit::Size { what: "what the key is limited to", max, unit: "actions" }.into());
    }
    Ok(grant)
}

fn pair<'m>(model: &'m Model, entry: &str) -> Result<(&'m Collection, &'static str), ViolationKind> {
    let expected = || ViolationKind::Type { expected: "a collection and an action, such as posts:get".to_owned() };
    let (path, action) = entry.split_once(':').ok_or_else(expected)?;
    let (path, action) = (path.trim(), action.trim());
    let own = || model.collections.iter().filter(|collection| !collection.system);
    let collection = own().find(|collection| collection.path == path);
    let paths = || own().map(|one| one.path.as_str());
    let collection = collection.ok_or_else(|| unknown("collection", path, near(path, paths()), paths()))?;
    let actions = || Action::GRANTED.into_iter().map(Action::word).chain([READ]);
    let meant = || OTHER_NAMES.iter().find(|(name, _)| *name == action).map(|(_, ours)| (*ours).to_owned());
    let no_action = || unknown("action", action, meant().or_else(|| near(action, actions())), actions());
    let action = actions().find(|known| *known == action).ok_or_else(no_action)?;
    let of_trash = [Action::Restore, Action::Purge].iter().any(|of_trash| of_trash.word() == action);
    if of_trash && collection.trash.is_none() {
        return Err(ViolationKind::Range(format!("nobody can {action} records of `{path}`, which have no trash")));
    }
    Ok((collection, action))
}

/// The choice whose spelling is close to this name, quoted.
fn near<'n>(name: &str, choices: impl Iterator<Item = &'n str>) -> Option<String> {
    nearest(name, choices).map(|near| format!("`{near}`"))
}

/// The error for an unknown collection or action: it names what was probably meant, then the existing ones.
fn unknown<'n>(
    what: &str,
    name: &str,
    meant: Option<String>,
    choices: impl Iterator<Item = &'n str> + Clone,
) -> ViolationKind {
    let shown: String = name.chars().take(40).collect();
    let meant = meant.map_or(".".to_owned(), |meant| format!("; did you mean {meant}?"));
    let listed: Vec<&str> = choices.clone().take(LISTED).collect();
    let more = match choices.count() - listed.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    ViolationKind::Range(format!("unknown {what} `{shown}`{meant} Choose from {}{more}", listed.join(", ")))
}

/// A grant as it is stored: a text `TYPE:ACTION` for each pair. Types are stored by name, so that a grant keeps its
/// meaning when a path changes. Null stands for no grant.
pub(crate) fn value(grant: Option<&Grant>) -> Value {
    let Some(grant) = grant else { return Value::Null };
    let texts = grant.iter().map(|(collection, action)| Value::text(format!("{collection}:{action}")));
    Value::List(texts.collect())
}

/// The stored grant of a key; `field` names it if it is damaged.
pub(crate) fn stored(value: &Value, field: &'static str) -> Result<Option<Arc<Grant>>, Damaged> {
    if value.is_null() {
        return Ok(None);
    }
    let texts = roles::read(value, field)?;
    let pairs = texts.iter().map(|text| text.split_once(':').ok_or(Damaged(field)));
    pairs.collect::<Result<Grant, Damaged>>().map(|grant| Some(Arc::new(grant)))
}

/// A grant in the notation in which keys are made. A type that the model no longer has is shown by its name; nothing is
/// allowed by that.
pub(crate) fn shown(model: &Model, grant: &Grant) -> Vec<String> {
    let path = |name: &str| model.collection_named(name).map_or_else(|| name.to_owned(), |one| one.path.clone());
    grant.iter().map(|(collection, action)| format!("{}:{action}", path(collection))).collect()
}

#[cfg(test)]
mod tests {
    use backstay_model::{SourceFile, load};

    use super::*;

    fn model(text: &str) -> Model {
        load(vec![SourceFile::app("a.graphql", text)]).expect("the model loads").model
    }

    const SHOP: &str = "extend schema @app(name: \"A\")\n\
                        type BlogPost @allow(read: \"true\") { title: String! }\n";

    /// The stored form: it must stay readable.
    #[test]
    fn a_grant_is_stored_by_type_and_action() {
        let check = |only: Option<&[&str]>, stored_form: Value| {
            let only: Option<Vec<String>> = only.map(|only| only.iter().map(ToString::to_string).collect());
            let grant = only.map(|only| read(&model(SHOP), &only).expect("the names are known"));
            assert_eq!(value(grant.as_ref()), stored_form);
            assert_eq!(stored(&stored_form, "f"), Ok(grant.map(Arc::new)));
        };
        check(None, Value::Null);
        check(Some(&[]), Value::List([].into()));
        check(Some(&["blog-posts:get"]), Value::List([Value::text("BlogPost:get")].into()));
        let two = [Value::text("BlogPost:delete"), Value::text("BlogPost:refer")];
        check(Some(&["blog-posts:refer", "blog-posts:delete"]), Value::List(two.into()));
    }

    /// Earlier versions stored `history` too for `read`.
    #[test]
    fn a_stored_action_that_is_gone_is_read_and_allows_nothing_more() {
        let old = ["get", "history", "search"].map(|action| Value::text(format!("BlogPost:{action}")));
        let grant = stored(&Value::List(old.into()), "f").expect("it is read").expect("it is limited");
        let allowed = Action::GRANTED.into_iter().filter(|action| grant.allows("BlogPost", *action));
        assert_eq!(allowed.collect::<Vec<_>>(), [Action::Get, Action::Search]);
    }

    #[test]
    fn entries_are_trimmed() {
        let only = [" blog-posts:get".to_owned(), "blog-posts : delete ".to_owned()];
        let grant = read(&model(SHOP), &only).expect("the names are known");
        assert_eq!(grant.iter().collect::<Vec<_>>(), [("BlogPost", "delete"), ("BlogPost", "get")]);
    }

    #[test]
    fn words_of_other_systems_get_ours_as_the_suggestion() {
        let check = |action: &str, expected: &str| {
            let refused = read(&model(SHOP), &[format!("blog-posts:{action}")]).expect_err("there is no such action");
            let actions = "get, search, create, update, delete, restore, purge, refer, read";
            assert_eq!(refused.to_string(), format!("only: unknown action `{action}`{expected} Choose from {actions}"));
        };
        check("list", "; did you mean `search`?");
        check("view", "; did you mean `get`?");
        check("read one", "; did you mean `get`?");
        check("write", "; did you mean `create`, `update` and `delete`?");
        check("updat", "; did you mean `update`?");
        check("history", ".");
    }

    #[test]
    fn a_damaged_grant_is_an_error() {
        let damaged =
            [Value::List([Value::text("BlogPost")].into()), Value::List([Value::Int(1)].into()), Value::Int(1)];
        for value in damaged {
            assert_eq!(stored(&value, "f"), Err(Damaged("f")));
        }
    }

    #[test]
    fn a_type_that_is_gone_is_shown_by_its_name() {
        let grant: Grant = [("BlogPost", "get"), ("Input", "get")].into_iter().collect();
        assert_eq!(shown(&model(SHOP), &grant), ["blog-posts:get", "Input:get"]);
    }

    #[test]
    fn a_grant_has_a_limit() {
        let count = limits::GRANT_ENTRIES / 2 + 1;
        let types = (0..count).map(|n| format!("type T{n} @allow(read: \"true\") {{ name: String }}"));
        let types: Vec<String> = std::iter::once("extend schema @app(name: \"A\")".to_owned()).chain(types).collect();
        let model = model(&types.join("\n"));
        let only: Vec<String> = model.collections.iter().map(|one| format!("{}:read", one.path)).collect();
        assert!(matches!(read(&model, &only), Err(Error::Limit(Limit::Size { .. }))));
        assert_eq!(read(&model, &only[..count - 1]).map(|grant| grant.iter().len()).ok(), Some((count - 1) * 2));
    }
}
