use backstay_base::limits;
use backstay_expr::{Checked, Expr, Node, Path, Root};
use backstay_model::Model;
use backstay_scalar::Part;
use backstay_sql::{GroupKey, GroupValue};

use super::{AskedKey, Reading};
use crate::currencies;

impl Reading<'_> {
    /// Adds a key for each currency of amounts that are put together, unless the keys or the filter leave one. Currencies that
    /// no path leads to are left, and their amounts refused where the groups are planned.
    pub(super) fn split_by_currency(
        &mut self,
        keys: &mut Vec<GroupKey>,
        (values, filter): (&[GroupValue], Option<&Checked>),
    ) {
        for value in values {
            for currency in currencies::open(&value.fold, keys, filter) {
                self.split(keys, &currency);
            }
        }
    }

    fn split(&mut self, keys: &mut Vec<GroupKey>, currency: &Expr) {
        let Some(term) = written(currency, self.model).filter(|_| keys.len() < limits::GROUP_KEYS) else { return };
        let Ok(key) = self.key(&AskedKey { term: &term, name: None }) else { return };
        // It comes after the other keys, and before the values.
        let Some(output) = self.outputs.pop() else { return };
        if key.value.of.checked.expr.same(currency) {
            self.outputs.insert(keys.len(), output);
            keys.push(key);
        }
    }
}

/// The currency as a client would write it.
fn written(currency: &Expr, model: &Model) -> Option<String> {
    let (path, is_part) = match &currency.node {
        Node::Path(path) => (path, path.part == Some(Part::Currency)),
        Node::Computed(computed) => (&computed.at, true),
        _ => return None,
    };
    let path = text(path, model)?;
    Some(if is_part { format!("{path}.currency") } else { path })
}

fn text(path: &Path, model: &Model) -> Option<String> {
    if path.root != Root::This {
        return None;
    }
    let (mut of, mut names) = (path.collection, Vec::with_capacity(path.steps.len()));
    for step in &path.steps {
        let field = model.field(of, *step);
        names.push(field.name.as_str());
        of = field.kind.target().unwrap_or(of);
    }
    Some(names.join("."))
}
