//! From a valid schema to a `Model`: every name resolved, every directive read, everything checked that GraphQL knows
//! nothing of. Goes on after an error with a stand-in, so that all errors are found together.

mod actions;
mod allow;
mod app;
mod call_rate;
mod closed;
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
mod interfaces;
mod jobs;
mod key;
mod kind;
mod layers;
mod length;
mod members;
mod money;
mod naming;
mod notifications;
mod order;
mod owners;
mod pattern;
mod range;
mod read;
mod record_unions;
mod relation;
mod renamed;
mod report;
mod routes;
mod schedules;
mod search;
mod sequence;
mod signature;
mod single;
mod slug;
mod survey;
mod tighten;
mod timers;
mod trash;
mod tree;
mod whole;

use std::sync::Arc;

use app::app;
use collection::collection;
use documents::Documents;
use enums::enums;
use history::histories;
use interfaces::{check_implemented, interfaces};
use renamed::check_former;
use report::Report;
use single::check_singles;
use survey::{Names, Survey};
use trash::check_trash;
use whole::{check_whole, identity};

use crate::compile::Compiled;
use crate::{ApiPrefix, Collection, Diagnostics, Model};

/// The model, or nothing where errors were found; all diagnostics in either case. `api`: where its records are, if that is known.
pub(crate) fn resolve(compiled: &Compiled, api: Option<&ApiPrefix>) -> (Option<Model>, Diagnostics) {
    let mut report = Report::new(&compiled.places, api);
    let model = model(&mut report, compiled);
    let out = report.finish();
    (if out.has_errors() { None } else { model }, out)
}

fn model(report: &mut Report<'_>, compiled: &Compiled) -> Option<Model> {
    let survey = Survey::of(report, &compiled.schema);
    if report.has_errors() {
        return None;
    }
    check_implemented(report, &compiled.schema);
    let app = app(report, &compiled.schema, &survey);
    let (enums, roles) = enums(report, &survey);
    let bare = Names { survey: &survey, enums: &enums, embedded: &[] };
    let embedded = members::types(report, bare, &compiled.actions);
    let names = Names { survey: &survey, enums: &enums, embedded: &embedded };
    let mut collections: Vec<Collection> = survey.types.iter().map(|ty| collection(report, names, ty)).collect();
    order::orders(report, &survey, &mut collections);
    tree::siblings(report, &survey, &mut collections);
    money::currencies(report, &survey, &enums, &mut collections);
    let unions = survey.embedded.unions();
    let record_unions = survey.record_unions.all(|name| survey.type_named(name).map(|of| of.id));
    check_former(report, embedded.iter().map(|of| (of.name.as_str(), of.former.as_slice())), None);
    let actions = actions::actions(report, names, &compiled.actions);
    let role_names =
        roles.map(|id| enums[usize::from(id.0)].values.iter().map(|value| &*value.name).collect::<Vec<_>>());
    jobs::check_roles(report, &actions, &role_names.unwrap_or_default());
    let mut hooks = jobs::hooks(report, names, jobs::Hooked { collections: &collections, actions: &actions });
    let schedules = schedules::schedules(report, names, &compiled.schema, &actions);
    let documents = Documents { embedded: &embedded, unions: &unions, record_unions: &record_unions };
    documents.check(report, &collections);
    documents.mentions(report, &mut collections);
    check_former(report, collections.iter().map(|of| (of.name.as_str(), of.former.as_slice())), None);
    let identity = identity(report, &survey, &collections);
    let notified = notifications::Notified { collections: &collections, enums: &enums, identity };
    hooks.extend(notifications::notifications(report, names, notified));
    histories(report, &survey, &mut collections);
    check_whole(report, &enums, &collections);
    check_trash(report, &survey, &collections);
    check_singles(report, &survey, &enums, &collections);
    let interfaces = interfaces(report, (&compiled.schema, &survey), &collections);
    routes::check_paths(report, &actions, (&collections, &interfaces));
    let addressed = collections.iter().filter(|collection| collection.versions.is_none());
    Some(Model {
        name: app.name?,
        api: report.api.cloned().unwrap_or_default(),
        by_name: collections.iter().map(|collection| (collection.name.clone(), collection.id)).collect(),
        by_path: addressed.map(|collection| (collection.path.clone(), collection.id)).collect(),
        collections,
        enums,
        embedded,
        unions,
        record_unions,
        interfaces,
        actions,
        hooks,
        schedules,
        rules: app.rules,
        packs: compiled.places.packs.all.clone(),
        roles,
        identity,
        sources: Arc::clone(&compiled.places.sources),
    })
}
