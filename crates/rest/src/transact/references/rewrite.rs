//! A request with other JSON in the places of its references.

use backstay_base::{Error, Place, Step, Violation, ViolationKind, limits};
use backstay_model::Model;
use backstay_scalar::{Members, items, members, quote};
use serde_json::value::RawValue;

use super::super::addressed::Named;
use super::super::sent::Sent;
use super::kind::Kind;
use super::scope::Scope;
use super::{REFERENCE, Reference};
use crate::words::shorten;

/// What stands in the place of a reference where a value of this kind is wanted, as JSON.
pub(super) type Replacing<'r, 'm> = &'r mut dyn FnMut(Reference<'_>, Kind<'m>) -> Result<String, ViolationKind>;

/// Whether there can be references in this JSON.
pub(super) fn may_refer(raw: &str) -> bool {
    raw.contains(REFERENCE)
}

/// The request with its references replaced; `None` if it has none.
///
/// # Errors
/// All that is wrong with references, at their places in the request.
pub(super) fn rewritten<'r, 'm>(
    sent: &Sent<'r>,
    (model, named): (&'m Model, Named),
    replacing: Replacing<'_, 'm>,
) -> Result<Option<Sent<'r>>, Error> {
    let mut walk = Walk { model, replacing, at: Vec::new(), depth: 0, violations: Vec::new() };
    let mut rewritten = Vec::new();
    for (member, raw) in sent.members() {
        let Some(scope) = Scope::of_member(model, named, member) else { continue };
        walk.at.push(Step::Member(member.name().to_owned()));
        if let Some(text) = walk.value(raw.get(), &scope) {
            rewritten.push((member, RawValue::from_string(text).map_err(Error::internal)?));
        }
        walk.at.pop();
    }
    match walk.violations {
        violations if !violations.is_empty() => Err(Error::Invalid(violations)),
        _ if rewritten.is_empty() => Ok(None),
        _ => Ok(Some(sent.with(rewritten))),
    }
}

struct Walk<'w, 'm> {
    model: &'m Model,
    replacing: Replacing<'w, 'm>,
    at: Vec<Step>,
    depth: usize,
    violations: Vec<Violation>,
}

impl<'m> Walk<'_, 'm> {
    /// The value with its references replaced; `None` if it has none.
    fn value(&mut self, raw: &str, scope: &Scope<'m>) -> Option<String> {
        if !may_refer(raw) || self.violations.len() >= limits::VIOLATIONS {
            return None;
        }
        if self.depth == limits::REFERENCE_DEPTH {
            if scope.has_references() {
                let range = format!("no reference below {} objects and arrays", limits::REFERENCE_DEPTH);
                self.violate(ViolationKind::Range(range));
            }
            return None;
        }
        self.depth += 1;
        let replaced = match raw.as_bytes().first() {
            Some(b'{') => members(raw).ok().and_then(|members| self.object(&members, scope)),
            Some(b'[') => items(raw).ok().and_then(|items| self.array(&items, scope)),
            Some(_) | None => None,
        };
        self.depth -= 1;
        replaced
    }

    fn object(&mut self, members: &Members<'_>, scope: &Scope<'m>) -> Option<String> {
        if scope.has_references()
            && let Some((_, reference)) = members.iter().find(|(name, _)| name == REFERENCE)
        {
            let replaced = self.reference((reference, members.len() == 1), scope);
            return replaced.map_err(|kind| self.violate(kind)).ok();
        }
        let (mut out, mut is_other) = (vec![b'{'], false);
        for (index, (name, raw)) in members.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            quote(&mut out, name);
            out.push(b':');
            let inner = scope.member(self.model, name, members.len() == 1);
            self.at.push(Step::Member(shorten(name)));
            let replaced = self.value(raw.get(), &inner);
            self.at.pop();
            is_other |= replaced.is_some();
            out.extend_from_slice(replaced.as_deref().unwrap_or(raw.get()).as_bytes());
        }
        out.push(b'}');
        is_other.then_some(out).and_then(|out| String::from_utf8(out).ok())
    }

    /// Notes what is wrong here.
    fn violate(&mut self, kind: ViolationKind) {
        let at = self.at.iter().cloned().fold(Place::Whole, Place::then);
        self.violations.push(Violation::new(at, kind));
    }

    fn array(&mut self, items: &[&RawValue], scope: &Scope<'m>) -> Option<String> {
        let (inner, mut out, mut is_other) = (scope.item(), String::from("["), false);
        for (index, raw) in items.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            self.at.push(Step::Item(index));
            let replaced = self.value(raw.get(), &inner);
            self.at.pop();
            is_other |= replaced.is_some();
            out.push_str(replaced.as_deref().unwrap_or(raw.get()));
        }
        out.push(']');
        is_other.then_some(out)
    }

    fn reference(&mut self, (raw, alone): (&RawValue, bool), scope: &Scope<'m>) -> Result<String, ViolationKind> {
        let text = crate::json::text(raw, EXPECTED)?;
        let text = text.filter(|_| alone).ok_or_else(|| ViolationKind::Type { expected: EXPECTED.to_owned() })?;
        let reference = Reference::read(&text)?;
        let wanted = scope.wanted().ok_or_else(|| {
            let problem = "a reference can't stand for a whole object here".to_owned();
            let remedy = "write it as the value of a member, such as {\"author\": {\"$ref\": \"w.id\"}}".to_owned();
            ViolationKind::Misused { problem, remedy }
        })?;
        (self.replacing)(reference, wanted)
    }
}

const EXPECTED: &str = "an object with nothing but a reference, such as {\"$ref\": \"w.id\"}";
