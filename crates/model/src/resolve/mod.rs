//! From a valid schema to a `Model`: every name resolved, every directive read, everything checked that GraphQL knows
//! nothing of. Goes on after an error with a stand-in, so that all errors are found together.

mod allow;
mod app;
mod collection;
mod computed;
mod default;
mod deprecated;
mod directive;
mod documents;
mod embedded;
mod enums;
mod exclude;
mod field;
mod history;
mod index;
mod key;
mod kind;
mod length;
mod members;
mod money;
mod naming;
mod narrow;
mod order;
mod pattern;
mod range;
mod read;
mod record_unions;
mod relation;
mod renamed;
mod report;
mod sequence;
mod signature;
mod single;
mod slug;
mod survey;
mod tighten;
mod trash;
mod tree;
mod whole;

use std::sync::Arc;

use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{Name, Schema};

use app::app;
use collection::collection;
use documents::Documents;
use enums::enums;
use history::histories;
use renamed::check_former;
use report::Report;
use single::check_singles;
use survey::{Names, Survey};
use trash::check_trash;
use whole::{check_whole, identity};

use crate::compile::Compiled;
use crate::{Collection, Diagnostic, Diagnostics, Lint, Model};

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
    check_interfaces(report, &compiled.schema);
    let app = app(report, &compiled.schema, &survey);
    let (enums, roles) = enums(report, &survey);
    let embedded = members::types(report, Names { survey: &survey, enums: &enums, embedded: &[] });
    let names = Names { survey: &survey, enums: &enums, embedded: &embedded };
    let mut collections: Vec<Collection> = survey.types.iter().map(|ty| collection(report, names, ty)).collect();
    order::orders(report, &survey, &mut collections);
    tree::siblings(report, &survey, &mut collections);
    money::currencies(report, &survey, &mut collections);
    let unions = survey.embedded.unions();
    let record_unions = survey.record_unions.all(|name| survey.type_named(name).map(|of| of.id));
    check_former(report, embedded.iter().map(|of| (of.name.as_str(), of.former.as_slice())), None);
    let documents = Documents { embedded: &embedded, unions: &unions, record_unions: &record_unions };
    documents.check(report, &collections);
    documents.mentions(report, &mut collections);
    check_former(report, collections.iter().map(|of| (of.name.as_str(), of.former.as_slice())), None);
    let identity = identity(report, &survey, &collections);
    histories(report, &survey, &mut collections);
    check_whole(report, &enums, &collections);
    check_trash(report, &survey, &collections);
    check_singles(report, &survey, &enums, &collections);
    let addressed = collections.iter().filter(|collection| collection.versions.is_none());
    Some(Model {
        name: app.name?,
        by_name: collections.iter().map(|collection| (collection.name.clone(), collection.id)).collect(),
        by_path: addressed.map(|collection| (collection.path.clone(), collection.id)).collect(),
        collections,
        enums,
        embedded,
        unions,
        record_unions,
        rules: app.rules,
        packs: compiled.places.packs.all.clone(),
        roles,
        identity,
        sources: Arc::clone(&compiled.places.sources),
    })
}

/// Warns of interfaces that no type implements, in which nothing was checked.
fn check_interfaces(report: &mut Report<'_>, schema: &Schema) {
    let implemented = |name: &Name| {
        schema.types.values().any(
            |ty| matches!(ty, ExtendedType::Object(of) if of.implements_interfaces.iter().any(|known| *known == *name)),
        )
    };
    for ty in schema.types.values().filter(|ty| report.places.is_model(ty.location())) {
        if let ExtendedType::Interface(of) = ty
            && !implemented(&of.name)
        {
            let message = format!("no type implements {}", of.name);
            let help = format!("write `type … implements {}`, or remove the interface", of.name);
            report.warn(
                &of.name,
                Diagnostic::warning(Lint::UnusedInterface, message).help(help),
                "implemented nowhere",
            );
        }
    }
}
