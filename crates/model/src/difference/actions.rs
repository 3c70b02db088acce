//! Actions, of which nothing is stored: what differs is what clients can ask for.

use super::api::{ApiChange, breaking, harmless};
use super::written::written;
use crate::{Action, CallRate, EmbeddedId, Field, FieldKind, Job, Model, Route, RouteMethod};

/// An action as clients see it, and who may call it.
#[derive(PartialEq)]
pub(super) struct ActionBehaviour<'m> {
    name: &'m str,
    writes: bool,
    /// The method and the path of a route.
    route: Option<(RouteMethod, &'m str)>,
    arguments: Vec<Argument>,
    result: String,
    /// What clients don't notice: its function, and what is said of it.
    unnoticed: [Option<&'m str>; 2],
    rate: Option<CallRate>,
    call: &'m str,
    job: Option<&'m Job>,
    deprecated: bool,
}

#[derive(PartialEq)]
struct Argument {
    name: String,
    required: bool,
    /// Its type with all that is within.
    of: String,
}

/// An action is new, gone, or another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionChange {
    /// Its name.
    pub name: String,
    /// What is another about it.
    pub is: ActionDifference,
}

/// What is another about an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionDifference {
    /// It is new.
    New,
    /// It is gone.
    Gone,
    /// Calls or readers of its results may have to change.
    Signature,
    /// It takes more than before, and nothing else has changed.
    Wider,
    /// Others may call it.
    Callers,
    /// It is deprecated, or not any more.
    Deprecated,
    /// Nothing that clients notice.
    Unnoticed,
}

impl<'m> ActionBehaviour<'m> {
    pub(super) fn of(model: &'m Model, action: &'m Action) -> Self {
        let Action {
            name,
            description,
            deprecated,
            function,
            arguments,
            result: _,
            call,
            rate,
            job,
            writes,
            route,
            span: _,
        } = action;
        let result = model.result_field(action);
        Self {
            name,
            writes: *writes,
            route: route.as_ref().map(|Route { method, path, inbox: _, token: _ }| (*method, path.text.as_str())),
            arguments: arguments.map_or_else(Vec::new, |of| members(model, of).collect()),
            result: format!("{}{}", whole(model, &result.kind), if result.required { "!" } else { "" }),
            unnoticed: [description.as_deref(), Some(function)],
            rate: *rate,
            call: &call.text,
            job: job.as_ref(),
            deprecated: deprecated.is_some(),
        }
    }

    fn changed_in(&self, newer: &Self) -> Option<ActionDifference> {
        let Self { name: _, writes, route, arguments, result, unnoticed, rate, call, job, deprecated } = self;
        let is_wider = || {
            let (old, new): (Vec<_>, Vec<_>) = newer.arguments.iter().partition(|one| arguments.contains(one));
            old.len() == arguments.len() && new.iter().all(|one| !one.required)
        };
        let has_moved = *writes != newer.writes || *route != newer.route;
        Some(if has_moved || *result != newer.result || *arguments != newer.arguments && !is_wider() {
            ActionDifference::Signature
        } else if *arguments != newer.arguments {
            ActionDifference::Wider
        } else if *call != newer.call {
            ActionDifference::Callers
        } else if *deprecated != newer.deprecated {
            ActionDifference::Deprecated
        } else if *unnoticed != newer.unnoticed || *rate != newer.rate || *job != newer.job {
            ActionDifference::Unnoticed
        } else {
            return None;
        })
    }
}

fn members(model: &Model, of: EmbeddedId) -> impl Iterator<Item = Argument> {
    let argument = move |field: &Field| {
        let required = field.required && field.default.is_none();
        Argument { name: field.name.clone(), required, of: whole(model, &field.kind) }
    };
    model.embedded(of).members.iter().map(argument)
}

/// A type with the members of embedded types within.
fn whole(model: &Model, kind: &FieldKind) -> String {
    let within = match kind {
        FieldKind::Embedded(id) => vec![*id],
        FieldKind::Document(document) => model.types_of(&document.shape()),
        _ => Vec::new(),
    };
    let each = within.into_iter().flat_map(|id| members(model, id));
    let each: Vec<String> =
        each.map(|one| format!("{}{}{}", one.name, if one.required { "!" } else { "" }, one.of)).collect();
    if each.is_empty() { written(model, kind) } else { format!("{} {{{}}}", written(model, kind), each.join(",")) }
}

impl ActionChange {
    /// What it is called.
    pub(super) fn words(&self) -> String {
        format!("the action {}", self.name)
    }

    /// What clients notice of it.
    pub(super) fn noticed(&self) -> Option<ApiChange> {
        let at = format!("/do/{}", self.name);
        match self.is {
            ActionDifference::New => Some(harmless(format!("{at} is new"))),
            ActionDifference::Gone => Some(breaking(format!("{at} is gone"))),
            ActionDifference::Signature => Some(breaking(format!("{at} takes or returns something else"))),
            ActionDifference::Wider => Some(harmless(format!("{at} takes more arguments"))),
            ActionDifference::Callers => Some(harmless(format!("others may call {at}"))),
            ActionDifference::Deprecated => Some(harmless(format!("whether {at} is deprecated has changed"))),
            ActionDifference::Unnoticed => None,
        }
    }
}

/// How newer actions differ from those before.
pub(super) fn actions_changed(older: &[ActionBehaviour<'_>], newer: &[ActionBehaviour<'_>]) -> Vec<ActionChange> {
    let change = |name: &str, is| ActionChange { name: name.to_owned(), is };
    let gone = older.iter().filter(|of| newer.iter().all(|other| other.name != of.name));
    let kept = newer.iter().filter_map(|after| match older.iter().find(|before| before.name == after.name) {
        None => Some(change(after.name, ActionDifference::New)),
        Some(before) => before.changed_in(after).map(|is| change(after.name, is)),
    });
    kept.chain(gone.map(|of| change(of.name, ActionDifference::Gone))).collect()
}
