use backstay_base::{Error, Place, ViolationKind};
use backstay_expr::{Checked, Expr, Node, Operator};
use backstay_sql::{Fold, FoldFunction, GroupKey, Groups, Phrase};

use crate::grouping::name_of_path;
use crate::{Filter, shorten};

/// Refuses groups that put together amounts of money which can be in several currencies: these are never added up or compared.
/// They share one if groups do, or if the filter asks for one.
pub(crate) fn share_one(groups: &Groups, filter: &Filter) -> Result<(), Error> {
    let filter = filter.expression.as_ref().map(|asked| &*asked.checked);
    groups.of.iter().try_for_each(|value| match open(&value.fold, &groups.by, filter).is_empty() {
        true => Ok(()),
        false => value.fold.term().map_or(Ok(()), |term| Err(several(term))),
    })
}

/// The currencies of amounts that are put together, as far as the keys of the groups and the filter leave several.
pub(crate) fn open(fold: &Fold, keys: &[GroupKey], filter: Option<&Checked>) -> Vec<Expr> {
    let Fold::Of(FoldFunction::Sum | FoldFunction::Average | FoldFunction::Min | FoldFunction::Max, term) = fold else {
        return Vec::new();
    };
    let asked = filter.map(|filter| filter.expr.conjuncts()).unwrap_or_default();
    let fixed = asked.into_iter().filter_map(fixed);
    let same: Vec<&Expr> = keys.iter().map(|key| &key.value.of.checked.expr).chain(fixed).collect();
    term.checked.expr.open_currencies(&same)
}

fn several(term: &Phrase) -> Error {
    let text = shorten(&term.text);
    let problem = format!("`{text}` can be in several currencies, which are never put together");
    let remedy = match name_of_path(&[&text]) {
        Some(_) => format!("name `{text}.currency` in `group`, or one currency in `filter`"),
        None => "name the currency of each amount in it in `group` (`price.currency`), or one currency in `filter`"
            .to_owned(),
    };
    Error::malformed(Place::Select, ViolationKind::Misused { problem, remedy })
}

/// What a condition says that something is equal to one value.
fn fixed(part: &Expr) -> Option<&Expr> {
    let Node::Binary(Operator::Equal, left, right) = &part.node else { return None };
    let is_given = |side: &Expr| matches!(side.node, Node::Literal(_) | Node::Param(..));
    match (is_given(left), is_given(right)) {
        (false, true) => Some(left),
        (true, false) => Some(right),
        (true, true) | (false, false) => None,
    }
}
