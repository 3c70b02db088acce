use std::iter;

use backstay_base::{Error, Place, ViolationKind};
use backstay_model::{Collection, FieldId};

use super::batch::Mode;

/// The fields by which records are found that are there already.
pub(super) fn keys(of: &Collection, mode: &Mode) -> Result<Vec<FieldId>, Error> {
    let Mode::Update(names) = mode else { return Ok(Vec::new()) };
    let field = |name: &String| of.field_named(name).map(|field| field.id);
    let named: Option<Vec<FieldId>> = names.iter().map(field).collect();
    let is_key = |named: &Vec<FieldId>| {
        *named == [Collection::ID]
            || of.keys().iter().any(|key| key.len() == named.len() && key.iter().all(|field| named.contains(field)))
    };
    named.filter(is_key).ok_or_else(|| {
        let known = of.keys().into_iter().map(|key| {
            let names: Vec<&str> = key.iter().map(|field| of.field(*field).name.as_str()).collect();
            names.join(",")
        });
        let known: Vec<String> = iter::once("id".to_owned()).chain(known).collect();
        let problem = format!("{} is not a unique key of {}", names.join(","), of.name);
        let remedy = format!("use --update with {}", known.join(" or "));
        Error::invalid(Place::part("--update"), ViolationKind::Misused { problem, remedy })
    })
}
