//! The arguments and the results of actions, as JSON.

use std::ops::ControlFlow;
use std::sync::Arc;

use backstay_base::{Place, RecordId, Step, Violation, ViolationKind, limits};
use backstay_scalar::{Token, items, members};

use crate::document::{RelatedReader, shorten};
use crate::{Action, CollectionId, Field, Model, ResultKind, Returned};

impl Model {
    /// The action of this name.
    pub fn action_named(&self, name: &str) -> Option<&Action> {
        self.actions.iter().find(|action| action.name == name)
    }

    /// What an action returns, as a field of its type, required or not.
    pub fn result_field(&self, action: &Action) -> &Field {
        &self.embedded(action.result.of).members[0]
    }

    /// Reads the arguments of an action from a JSON object: a document that has all of them.
    ///
    /// # Errors
    /// Everything that is wrong with them, each at its place within `at`.
    pub fn read_arguments(&self, action: &Action, raw: &str, at: &Place) -> Result<Arc<str>, Vec<Violation>> {
        let refused = |kind| vec![Violation::new(at.clone(), kind)];
        let sent = members(raw).map_err(|_| refused(ViolationKind::Type { expected: "an object".to_owned() }))?;
        let Some(of) = action.arguments else {
            return match sent.first() {
                None => Ok("{}".into()),
                Some((name, _)) => {
                    let (problem, remedy) =
                        (format!("`{}` takes no arguments", action.name), "leave it out".to_owned());
                    let place = at.clone().then(Step::Member(shorten(name)));
                    Err(vec![Violation::new(place, ViolationKind::Misused { problem, remedy })])
                }
            };
        };
        let text = self.read_embedded(of, raw, (at.clone(), &mut |target, raw, _| self.key_in(target, raw)))?;
        let mut wrong = Vec::new();
        self.visit_misfits_of(of, &text, &mut |misfit| {
            let place = misfit.steps.iter().fold(at.clone(), |place, step| place.then(step.clone()));
            wrong.push(Violation::new(place, misfit.kind));
            if wrong.len() < limits::VIOLATIONS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        if wrong.is_empty() { Ok(text) } else { Err(wrong) }
    }

    /// Reads what an action returns from JSON. A record can be written as its id or as an object with it.
    ///
    /// # Errors
    /// Everything that is not as the model declares it.
    pub fn read_result(&self, action: &Action, raw: &str) -> Result<Returned, Vec<Violation>> {
        // The door reads the response that a route returns.
        if action.route.is_some() {
            return Ok(Returned::Value(raw.into()));
        }
        let one = |raw: &str, at: Place| {
            let whole = format!("{{\"{}\":{raw}}}", action.name);
            let related: RelatedReader<'_> = &mut |target, raw: &str, _: &Place| self.key_in(target, raw);
            let text = self.read_embedded(action.result.of, &whole, (at, related))?;
            let read = members(&text).unwrap_or_default();
            Ok::<_, Vec<Violation>>(
                read.into_iter().next().map_or("null".into(), |(_, raw)| Arc::<str>::from(raw.get())),
            )
        };
        let record = |target: CollectionId, raw: &str, at: Place| {
            let text = one(raw, at.clone())?;
            match &*text {
                "null" => Ok(None),
                text => match self.collection(target).key.scalar().read(Token::Json(text)) {
                    Ok(id) => Ok(id.as_id()),
                    Err(problem) => Err(vec![Violation::new(at, problem.into())]),
                },
            }
        };
        match action.result.kind {
            ResultKind::Value => Ok(match one(raw, Place::Whole)? {
                text if &*text == "null" => Returned::Nothing,
                text => Returned::Value(text),
            }),
            ResultKind::Record(of) => {
                Ok(record(of, raw, Place::Whole)?.map_or(Returned::Nothing, |id| Returned::Record(of, id)))
            }
            ResultKind::Records(_) if raw.trim() == "null" => Ok(Returned::Nothing),
            ResultKind::Records(of) => {
                let expected = || ViolationKind::Type { expected: "an array of records".to_owned() };
                let each = items(raw).map_err(|_| vec![Violation::new(Place::Whole, expected())])?;
                if each.len() > limits::PAGE_MAX as usize {
                    let most = format!("must have at most {} records; it has {}", limits::PAGE_MAX, each.len());
                    return Err(vec![Violation::new(Place::Whole, ViolationKind::Range(most))]);
                }
                let each = each.into_iter().enumerate().map(|(index, raw)| {
                    let at = Place::item(index);
                    let missing = || vec![Violation::new(at.clone(), ViolationKind::Required)];
                    record(of, raw.get(), at.clone())?.ok_or_else(missing)
                });
                Ok(Returned::Records(of, each.collect::<Result<_, _>>()?))
            }
        }
    }

    /// The key of a record that is written as an object: its `id`.
    fn key_in(&self, target: CollectionId, raw: &str) -> Result<RecordId, ViolationKind> {
        let sent = members(raw).unwrap_or_default();
        let id = sent.into_iter().find(|(name, _)| name == "id").ok_or(ViolationKind::Required)?;
        let read = self.collection(target).key.scalar().read(Token::Json(id.1.get()))?;
        read.as_id().ok_or(ViolationKind::Required)
    }
}
