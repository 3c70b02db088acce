//! What is searched for, in lists and in the lists within records.

use std::sync::Arc;

use backstay_base::{Error, Place, Violation, ViolationKind, limits};
use backstay_model::Model;
use backstay_scalar::{Search, SearchProblem, Value};
use backstay_sql::{Selection, Slot, Template};

/// Reads what is searched for. The error is about this place.
pub fn read_search(text: &str, at: &Place) -> Result<Arc<Search>, Error> {
    Search::read(text).map(Arc::new).map_err(|problem| Error::malformed(at.clone(), violation(problem)))
}

fn violation(problem: SearchProblem) -> ViolationKind {
    match problem {
        SearchProblem::Long => ViolationKind::Range(format!("at most {} bytes", limits::SEARCH_BYTES)),
        SearchProblem::ManyWords => ViolationKind::Range(format!("at most {} words", limits::SEARCH_WORDS)),
        SearchProblem::ManyPrefixes => {
            ViolationKind::Range(format!("at most {} beginnings of words, such as york*", limits::SEARCH_PREFIXES))
        }
        SearchProblem::NoWord => ViolationKind::Misused {
            problem: "there is no word to look for".to_owned(),
            remedy: "send words of letters and digits, such as `new york -city`, or leave out `search`".to_owned(),
        },
        SearchProblem::ShortPrefix => ViolationKind::Misused {
            problem: "one letter is too short a beginning of a word".to_owned(),
            remedy: "write at least two letters before `*`".to_owned(),
        },
    }
}

/// Refuses values of the parameters in a selection that it searches for and that are no searches.
pub(crate) fn check_sought(selection: &Selection, params: &[Value]) -> Result<(), Error> {
    if params.is_empty() {
        return Ok(());
    }
    let mut violations = Vec::new();
    for written in selection.sought() {
        let Some(param) = written.checked.params.first() else { continue };
        let value = params.get(usize::from(written.first_param)).unwrap_or(&Value::Null);
        let wrong = match value {
            Value::Text(text) => Search::read(text).err().map(violation),
            _ => Some(ViolationKind::Type { expected: "a text".to_owned() }),
        };
        violations.extend(wrong.map(|kind| Violation::new(Place::Parameter(param.name.to_string()), kind)));
    }
    if violations.is_empty() { Ok(()) } else { Err(Error::Malformed(violations)) }
}

/// Whether a statement looks words up in classified fields.
pub(crate) fn looks_up_classified(template: &Template, model: &Model) -> bool {
    let classified = |collection| model.collection(collection).searched().any(|(field, _)| field.class.is_some());
    let is_classified = |slot: &Slot| matches!(slot, Slot::Match(looked_up) if classified(looked_up.collection));
    template.extent().searches && template.slots().any(is_classified)
}
