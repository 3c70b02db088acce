//! From a valid schema to a `Model`: every name resolved, every directive read, everything checked that GraphQL knows
//! nothing of. Goes on after an error with a stand-in, so that all errors are found together.

mod allow;
mod app;
mod collection;
mod default;
mod directive;
mod documents;
mod embedded;
mod enums;
mod field;
mod index;
mod kind;
mod length;
mod naming;
mod read;
mod relation;
mod renamed;
mod report;
mod signature;
mod single;
mod survey;
mod whole;

use std::sync::Arc;

use app::app;
use collection::collection;
use documents::Documents;
use enums::enums;
use renamed::check_former;
use report::Report;
use single::check_singles;
use survey::{Names, Survey};
use whole::{check_whole, identity};

use crate::compile::Compiled;
use crate::{Collection, Diagnostics, Model};

/// The model, or nothing where errors were found; all diagnostics in either case.
pub(crate) fn resolve(compiled: &Compiled) -> (Option<Model>, Diagnostics) {
    let mut report = Report::new(&compiled.places);
    let model = model(&mut report, compiled);
    let out = report.finish();
    (if out.has_errors() { None } else { model }, out)
}

fn model(report: &mut Report<'_>, compiled: &Compiled) -> Option<Model> {
    let survey = Survey::of(report, &compiled.schema);
    if report.has_errors() {
        return None;
    }
    let app = app(report, &compiled.schema, &survey);
    let (enums, roles) = enums(report, &survey);
    let embedded = survey.embedded.resolved(report, Names { survey: &survey, enums: &enums, embedded: &[] });
    let names = Names { survey: &survey, enums: &enums, embedded: &embedded };
    let collections: Vec<Collection> = survey.types.iter().map(|ty| collection(report, names, ty)).collect();
    let unions = survey.embedded.unions();
    check_former(report, embedded.iter().map(|of| (of.name.as_str(), of.former.as_slice())), None);
    Documents { embedded: &embedded, unions: &unions }.check(report, &collections);
    check_former(report, collections.iter().map(|of| (of.name.as_str(), of.former.as_slice())), None);
    let identity = identity(report, &survey, &collections);
    check_whole(report, &enums, &collections);
    check_singles(report, &survey, &enums, &collections);
    Some(Model {
        name: app.name?,
        by_name: collections.iter().map(|collection| (collection.name.clone(), collection.id)).collect(),
        by_path: collections.iter().map(|collection| (collection.path.clone(), collection.id)).collect(),
        collections,
        enums,
        embedded,
        unions,
        rules: app.rules,
        roles,
        identity,
        sources: Arc::clone(&compiled.places.sources),
    })
}
