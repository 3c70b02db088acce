//! The names that the requests of a body have for later ones.

use std::collections::HashMap;
use std::sync::Arc;

use backstay_base::{Error, Place, ViolationKind, limits, nearest};
use backstay_engine::{Asked, Dependent, Request};

use super::super::Member;
use super::super::addressed::Named;
use super::super::sent::Sent;
use super::completion::Later;
use super::kind::{Kind, naming_its_type};
use super::rewrite::{may_refer, rewritten};
use super::source::{ID, Source};
use super::stand_in::stand_in;
use super::{Reference, name_in, refused};
use crate::reader::Reader;
use crate::words::shorten;

/// The requests that have names, as far as they are read.
#[derive(Debug, Default)]
pub(in super::super) struct Names {
    /// The place of each among all requests.
    places: HashMap<String, usize>,
    /// Those that are read already: where the answer will be among the answers, and what it has. `None`: it couldn't be read.
    read: HashMap<String, Option<(usize, Source)>>,
    /// Places, among the answers, of the requests whose records are referred to.
    shown: Vec<usize>,
    stand_ins: usize,
}

/// Why a request wasn't read.
#[derive(Debug)]
pub(in super::super) struct Unread {
    pub(in super::super) error: Error,
    /// Only because it refers to another one that wasn't read.
    pub(in super::super) follows: bool,
}

impl From<Error> for Unread {
    fn from(error: Error) -> Self {
        Self { error, follows: false }
    }
}

impl Names {
    /// The names that these requests have, of which none is read yet.
    pub(in super::super) fn of(requests: &[Result<Sent<'_>, Error>]) -> Self {
        let mut names = Self::default();
        for (place, sent) in requests.iter().enumerate() {
            let name = sent.as_ref().ok().and_then(|sent| name_in(sent.member(Member::As)?).ok());
            if let Some(name) = name {
                names.places.entry(name).or_insert(place);
            }
        }
        names
    }

    /// What the request at this place is called.
    pub(in super::super) fn name(&self, place: usize, sent: &Sent<'_>) -> Result<Option<String>, Error> {
        let Some(raw) = sent.member(Member::As) else { return Ok(None) };
        let wrong = |kind| Error::malformed(Place::member(Member::As.name()), kind);
        let name = name_in(raw).map_err(wrong)?;
        if self.places.get(&name) == Some(&place) {
            return Ok(Some(name));
        }
        let problem = format!("an earlier request is already called `{name}`");
        let misused = ViolationKind::Misused { problem, remedy: "choose another name".to_owned() };
        Err(Error::invalid(Place::member(Member::As.name()), misused))
    }

    /// Notes what was read under a name: where its answer will be, and what it is.
    pub(in super::super) fn note(&mut self, name: String, read: Option<(usize, &Request)>) {
        let source = read.and_then(|(position, request)| Some((position, Source::of(request)?)));
        self.read.insert(name, source);
    }

    /// The requests, by where their answers will be, whose records have to be answered: others refer to them.
    pub(in super::super) fn into_shown(self) -> Vec<usize> {
        self.shown
    }

    /// The request at this place, which can refer to those that were read before it.
    pub(in super::super) fn asked(
        &mut self,
        reader: &Arc<Reader>,
        (place, named): (usize, Named),
        sent: &Sent<'_>,
    ) -> Result<Asked, Unread> {
        if !sent.members().any(|(_, raw)| may_refer(raw.get())) {
            return Ok(sent.typed(reader, named)?.into());
        }
        let (mut sources, mut follows, mut is_wrong) = (HashMap::new(), false, false);
        let replacing = &mut |reference: Reference<'_>, wanted: Kind<'_>| {
            let found = self.source(reference, place);
            let (position, source) = found.map_err(|Unknown { kind, follows: waits }| {
                (follows, is_wrong) = (follows || waits, is_wrong || !waits);
                kind
            })?;
            let replaced = self.stand_in(reader, (reference, wanted), (position, &source));
            is_wrong |= replaced.is_err();
            sources.insert(reference.name.to_owned(), (position, source));
            replaced
        };
        let rewritten = rewritten(sent, (reader.model(), named), replacing);
        let rewritten = rewritten.map_err(|error| Unread { error, follows: follows && !is_wrong })?;
        let Some(rewritten) = rewritten else { return Ok(sent.typed(reader, named)?.into()) };
        let stand_in = rewritten.typed(reader, named)?;
        let completion = Arc::new(Later::new(Arc::clone(reader), (sent, named), (place, sources)));
        Ok(Asked::Dependent(Dependent { stand_in, completion }))
    }

    /// The request that a reference of the one at this place names.
    fn source(&self, reference: Reference<'_>, place: usize) -> Result<(usize, Source), Unknown> {
        let name = reference.name;
        let misused = |problem: String, remedy: &str| Unknown {
            kind: ViolationKind::Misused { problem, remedy: remedy.to_owned() },
            follows: false,
        };
        match self.places.get(name) {
            Some(of) if *of == place => {
                let problem = format!("`{name}` is this request itself, which has no result yet");
                Err(misused(problem, "refer to an earlier request"))
            }
            Some(of) if *of > place => {
                let problem = format!("`{name}` is a later request, which has no result yet");
                Err(misused(problem, "move it before this one"))
            }
            Some(_) => match self.read.get(name) {
                Some(Some((position, source))) => Ok((*position, source.clone())),
                Some(None) | None => Err(Unknown { kind: refused(reference), follows: true }),
            },
            None => {
                let earlier = self.places.iter().filter(|(_, of)| **of < place).map(|(name, _)| name.as_str());
                let suggestion = nearest(name, earlier).map(str::to_owned);
                let kind = if suggestion.is_some() {
                    ViolationKind::Unknown { what: "request", name: shorten(name), suggestion }
                } else {
                    let problem = format!("no earlier request is called `{}`", shorten(name));
                    let remedy = format!("give one the name: `\"as\": \"{}\"`", shorten(name));
                    ViolationKind::Misused { problem, remedy }
                };
                Err(Unknown { kind, follows: false })
            }
        }
    }

    /// What stands in the place of a reference until it has a value.
    fn stand_in(
        &mut self,
        reader: &Reader,
        (reference, wanted): (Reference<'_>, Kind<'_>),
        (position, source): (usize, &Source),
    ) -> Result<String, ViolationKind> {
        let model = reader.model();
        let kind = source.kind(model, reference)?;
        if !kind.fits(wanted, model) {
            return Err(ViolationKind::Misused {
                problem: format!("`{}` is {}", shorten(reference.text), kind.described(model)),
                remedy: format!("send {} here", wanted.described(model)),
            });
        }
        if reference.path().last() != Some(&ID) || !source.writes {
            self.shown.push(position);
        }
        if self.stand_ins == limits::REFERENCES {
            return Err(ViolationKind::Range(format!("at most {} references", limits::REFERENCES)));
        }
        self.stand_ins += 1;
        Ok(match (kind, wanted) {
            (Kind::Id(of), Kind::OneOf(_)) => naming_its_type(of, &stand_in(kind, model, self.stand_ins), model),
            (known, Kind::Any) => stand_in(known, model, self.stand_ins),
            (_, wanted) => stand_in(wanted, model, self.stand_ins),
        })
    }
}

/// Why a reference names no request.
struct Unknown {
    kind: ViolationKind,
    follows: bool,
}
