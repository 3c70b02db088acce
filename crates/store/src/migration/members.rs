//! Stored documents with values that a new limit of a member refuses: what is longer or shorter than its member says now
//! stays until it is changed, and any other value stands in the way, as in a column.

use std::ops::ControlFlow;

use backstay_base::{Place, RecordId, Violation};
use backstay_model::{
    Collection, Difference, Document, EmbeddedId, Field, FieldId, FieldKind, MemberChange, MemberLimit, Model,
};
use backstay_scalar::Value;
use backstay_sql::{Origin, PROBED_IDS, Succession};

use super::Planned;
use super::finder::{Finder, that};
use super::refused::Refused;
use super::unconvertible::Unconvertible;
use crate::StoreError;
use crate::session::{OwnRow, SchemaSession};
use crate::step::Finding;

/// Records that are read at a time.
const PAGE: i64 = 1000;

/// A limit that has become stricter.
struct Tightened {
    /// The place of the step that says so.
    step: usize,
    member: (EmbeddedId, FieldId),
    limit: MemberLimit,
    found: Found,
}

/// What was found of it in one field.
#[derive(Default)]
struct Found {
    /// Records with values that are too short or too long.
    records: u64,
    ids: Vec<RecordId>,
    /// Those with other values that don't fit.
    refused: Refused,
}

/// Looks for them, and notes what is found where the limits change.
pub(super) async fn find(finder: &mut Finder<'_>, planned: &mut [Planned]) -> Result<(), StoreError> {
    let models = finder.models;
    let mut tightened: Vec<Tightened> =
        planned.iter().enumerate().filter_map(|(step, planned)| Tightened::of(models.new, (step, planned))).collect();
    if tightened.is_empty() {
        return Ok(());
    }
    let holders = models.new.collections.iter().filter(|of| of.versions.is_none());
    for collection in holders.filter(|of| models.pairing.collection(of.id).is_some()) {
        for field in collection.stored_fields() {
            let FieldKind::Document(document) = field.kind else { continue };
            let reached = models.new.reached(document);
            let origin = finder.succession.origin(collection.id, field.id);
            // What is converted is asked for values when it is.
            let is_asked = |of: &&mut Tightened| {
                reached[usize::from(of.member.0.0)]
                    && match origin {
                        Origin::Kept(_) => true,
                        Origin::Converted(_) => of.limit == MemberLimit::Length,
                        Origin::New => false,
                    }
            };
            let mut asked: Vec<&mut Tightened> = tightened.iter_mut().filter(is_asked).collect();
            if asked.is_empty() {
                continue;
            }
            let place = (collection, field, document);
            look(finder.session, (models.new, finder.succession), place, &mut asked).await?;
            for of in asked {
                let finding = std::mem::take(&mut of.found).finding(finder.succession, (collection, field));
                planned[of.step].step.findings.extend(finding);
            }
        }
    }
    Ok(())
}

impl Tightened {
    fn of(model: &Model, (step, planned): (usize, &Planned)) -> Option<Self> {
        let Some(Difference::MemberChanged { of, member, change }) = &planned.difference else { return None };
        let limit = match change {
            MemberChange::LengthTightened => MemberLimit::Length,
            MemberChange::Limit { limit, stricter: true } => MemberLimit::Value(*limit),
            MemberChange::Limit { stricter: false, .. }
            | MemberChange::LengthLoosened
            | MemberChange::RequiredLoosened => return None,
        };
        let (id, of) = (0..).map(EmbeddedId).zip(&model.embedded).find(|(_, embedded)| embedded.name == *of)?;
        let member = of.members.iter().find(|field| field.name == *member)?;
        Some(Self { step, member: (id, member.id), limit, found: Found::default() })
    }
}

/// Reads all documents of a field once.
async fn look(
    session: &mut dyn SchemaSession,
    (model, succession): (&Model, &Succession<'_>),
    (collection, field, document): (&Collection, &Field, Document),
    asked: &mut [&mut Tightened],
) -> Result<(), StoreError> {
    let mut after: Option<Value> = None;
    loop {
        let (statement, layout) = succession.values((collection.id, field.id), after.as_ref(), PAGE);
        let mut last: Option<Value> = None;
        let visit = &mut |row: &dyn OwnRow| {
            let mut values = layout.read(row)?;
            let id = std::mem::replace(&mut values[usize::from(Collection::ID.0)], Value::Null);
            note((model, document), (&id, &values[usize::from(field.id.0)]), asked);
            last = Some(id);
            Ok(())
        };
        session.query(&statement, visit).await?;
        if last.is_none() {
            return Ok(());
        }
        after = last;
    }
}

/// Notes the limits that one document breaks, each once.
fn note((model, document): (&Model, Document), (id, value): (&Value, &Value), asked: &mut [&mut Tightened]) {
    let Value::Json(text) = value else { return };
    let mut broken = vec![false; asked.len()];
    model.visit_misfits(document, text, &mut |misfit| {
        let meant = asked.iter().position(|of| (of.member, of.limit) == (misfit.member, misfit.limit));
        if let Some(at) = meant.filter(|at| !std::mem::replace(&mut broken[*at], true)) {
            let place = misfit.steps.iter().cloned().fold(Place::Whole, Place::then);
            let Tightened { limit, found, .. } = &mut *asked[at];
            found.add(*limit, (id, value), Violation::new(place, misfit.kind));
        }
        ControlFlow::Continue(())
    });
}

impl Found {
    fn add(&mut self, limit: MemberLimit, (id, value): (&Value, &Value), why: Violation) {
        match limit {
            MemberLimit::Value(_) => self.refused.add(id, value, Unconvertible::Within(why)),
            MemberLimit::Length => {
                self.records += 1;
                self.ids.extend(id.as_id().filter(|_| self.ids.len() < PROBED_IDS));
            }
        }
    }

    fn finding(self, succession: &Succession<'_>, (collection, field): (&Collection, &Field)) -> Option<Finding> {
        if self.records > 0 {
            let place = format!("{}.{}", collection.name, field.name);
            let words = format!("{} a value in {place} that doesn't fit", that(self.records, ["has", "have"]));
            let (records, ids, remedy) = (self.records, self.ids, String::new());
            return Some(Finding { words, records, ids, remedy, is_obstacle: false });
        }
        let words = (["doesn't fit", "don't fit"], "change those records first");
        self.refused.finding(succession, (collection, field), words)
    }
}
