use backstay_model::{Model, RoutePart, RoutePath};

use crate::endpoint::Verb;

/// Every path of the team's own. Of two that a path fits, the one whose first different part is not a parameter comes first.
#[derive(Debug)]
pub(crate) struct OwnPaths(Vec<OwnPath>);

#[derive(Debug)]
struct OwnPath {
    path: RoutePath,
    is_inbox: bool,
    /// The actions for its methods, by their places among those of the model.
    actions: Vec<(Verb, usize)>,
}

impl OwnPaths {
    pub(crate) fn of(model: &Model) -> Self {
        let mut all: Vec<OwnPath> = Vec::new();
        for (index, action) in model.actions.iter().enumerate() {
            let Some(route) = &action.route else { continue };
            let row = (Verb::of_route(route.method), index);
            if let Some(known) = all.iter_mut().find(|known| known.path.is_same(&route.path)) {
                known.actions.push(row);
            } else {
                let (path, is_inbox) = (route.path.clone(), route.inbox.is_some());
                all.push(OwnPath { path, is_inbox, actions: vec![row] });
            }
        }
        for own in &mut all {
            own.actions.sort_by_key(|(verb, _)| *verb as u8);
        }
        all.sort_by_key(|own| own.path.parts.iter().map(is_parameter).collect::<Vec<_>>());
        Self(all)
    }

    /// The place of a path among them.
    pub(crate) fn find(&self, path: &str) -> Option<usize> {
        self.0.iter().position(|own| fits(&own.path, path))
    }

    /// How the model writes a path: with the names of its parameters.
    pub(crate) fn text(&self, own: usize) -> &str {
        &self.0[own].path.text
    }

    /// The action for a method.
    pub(crate) fn action(&self, own: usize, verb: Verb) -> Option<usize> {
        self.0[own].actions.iter().find(|(known, _)| *known == verb).map(|(_, action)| *action)
    }

    /// The methods of a path.
    pub(crate) fn verbs(&self, own: usize) -> impl Iterator<Item = Verb> {
        self.0[own].actions.iter().map(|(verb, _)| *verb)
    }

    /// Whether it receives events.
    pub(crate) fn is_inbox(&self, own: usize) -> bool {
        self.0[own].is_inbox
    }
}

fn is_parameter(part: &RoutePart) -> bool {
    match part {
        RoutePart::Literal(_) => false,
        RoutePart::Parameter(_) => true,
    }
}

/// Whether a path, still percent-encoded, is one of these.
fn fits(own: &RoutePath, path: &str) -> bool {
    let Some(path) = path.strip_prefix('/') else { return false };
    let mut parts = path.split('/');
    let each = own.parts.iter().all(|part| match (part, parts.next()) {
        (RoutePart::Literal(text), Some(part)) => text == part,
        (RoutePart::Parameter(_), Some(part)) => !part.is_empty(),
        (RoutePart::Literal(_) | RoutePart::Parameter(_), None) => false,
    });
    each && parts.next().is_none()
}
