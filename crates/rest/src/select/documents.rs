//! The members of the values in a document: `lines{count,product{name}}`, and of a union `blocks{Quote{text},caption}`.

use std::sync::Arc;

use backstay_base::{Error, Place, nearest};
use backstay_engine::{DocumentSelection, MemberSelection, Selected, SelectedMember, SelectedType, Selection};
use backstay_model::{Collection, CollectionId, EmbeddedId, Field, FieldKind, Shape, TYPE_NAME};

use super::{Holder, Parser};
use crate::words::unknown;

/// What is selected of the values of one type so far.
struct Chosen {
    of: EmbeddedId,
    members: Vec<SelectedMember>,
    /// Before which of them all others stand, if `*` is selected.
    all: Option<usize>,
}

impl<'p> Parser<'p> {
    /// The members of the values of a field, after the `{`. In a union, a name alone selects the member of each type that
    /// has it, and the name of a type stands before the members of that type.
    pub(super) fn values(&mut self, (shape, field): (Shape, &str), depth: usize) -> Result<DocumentSelection, Error> {
        self.check_depth(depth)?;
        let is_union = matches!(shape, Shape::Union(_));
        let types = self.model.types_of(&shape).into_iter();
        let mut chosen: Vec<Chosen> = types.map(|of| Chosen { of, members: Vec::new(), all: None }).collect();
        loop {
            self.space();
            let (start, word) = (self.at, self.word());
            let named = chosen.iter_mut().find(|chosen| is_union && self.model.embedded(chosen.of).name == word);
            if let Some(chosen) = named {
                for member in self.of_type(chosen.of, depth)? {
                    self.choose(chosen, member, start)?;
                }
            } else if is_union && word == TYPE_NAME {
                self.at += word.len();
            } else {
                self.part_of_values(&mut chosen, depth)?;
            }
            self.space();
            if self.take('}') {
                let types = chosen.into_iter().map(|chosen| self.with_all(chosen));
                return Ok(DocumentSelection(types.collect()));
            }
            if !self.take(',') {
                return Err(self.syntax("a '}' is missing", &format!("close the members of `{field}` with '}}'")));
            }
        }
    }

    /// What is selected of a type, with what `*` stands for.
    fn with_all(&self, Chosen { of, mut members, all }: Chosen) -> SelectedType {
        if let Some(at) = all {
            let named = |id| members.iter().any(|known| known.member == id && known.alias.is_none());
            let others = self.model.embedded(of).members.iter().map(|member| member.id).filter(|id| !named(*id));
            let others: Vec<_> = others.map(|member| SelectedMember { member, alias: None, inner: None }).collect();
            members.splice(at..at, others);
        }
        SelectedType { of, members: members.into() }
    }

    /// What stands in the braces of a type's name.
    fn of_type(&mut self, of: EmbeddedId, depth: usize) -> Result<Vec<SelectedMember>, Error> {
        let of_type = self.model.embedded(of);
        let name = &of_type.name;
        self.at += name.len();
        self.space();
        if !self.take('{') {
            let example = of_type.members.first().map_or(TYPE_NAME, Field::own_name);
            let remedy = format!("write which members of its values to answer in braces: {name}{{{example}}}");
            return Err(self.syntax(&format!("`{name}` is a type"), &remedy));
        }
        let DocumentSelection(types) = self.values((Shape::Embedded(of), name), depth)?;
        Ok(types.iter().flat_map(|of| of.members.iter().cloned()).collect())
    }

    /// A member of each type that has it, or `*`.
    fn part_of_values(&mut self, chosen: &mut [Chosen], depth: usize) -> Result<(), Error> {
        let start = self.at;
        if self.take('*') {
            for chosen in chosen {
                self.count()?;
                chosen.all.get_or_insert(chosen.members.len());
            }
            return Ok(());
        }
        let (name, alias) = self.member_name(chosen)?;
        let after = self.at;
        for chosen in chosen {
            let Some(member) = self.model.embedded(chosen.of).members.iter().find(|member| member.own_name() == name)
            else {
                continue;
            };
            self.at = after;
            self.count()?;
            let inner = self.inner_of(member, depth)?;
            let alias = alias.filter(|alias| *alias != member.own_name()).map(Arc::from);
            self.choose(chosen, SelectedMember { member: member.id, alias, inner }, start)?;
        }
        Ok(())
    }

    /// The name of a member of some types, and the alias before it.
    fn member_name(&mut self, types: &[Chosen]) -> Result<(&'p str, Option<&'p str>), Error> {
        let model = self.model;
        let members = || types.iter().flat_map(|chosen| &model.embedded(chosen.of).members).map(Field::own_name);
        let start = self.at;
        let word = |parser: &mut Self| {
            let word = parser.word();
            if word.is_empty() {
                let remedy = format!("write names with commas between them: {}", members().next().unwrap_or(TYPE_NAME));
                return Err(parser.syntax("expected the name of a member", &remedy));
            }
            parser.at += word.len();
            parser.space();
            Ok(word)
        };
        let mut name = word(self)?;
        let mut alias = None;
        if self.take('=') {
            alias = Some(name);
            self.space();
            name = word(self)?;
        }
        if !members().any(|member| member == name) {
            return Err(Error::malformed(Place::Select, unknown("member", name, nearest(name, members()))));
        }
        let taken =
            alias.filter(|alias| *alias == TYPE_NAME || (*alias != name && members().any(|member| member == *alias)));
        if let Some(alias) = taken {
            self.at = start;
            return Err(self.syntax(&format!("`{alias}` is the name of another member"), "choose another alias"));
        }
        Ok((name, alias))
    }

    /// Adds a member. What is selected twice in the same way is answered once; with other contents it needs a name.
    fn choose(&mut self, chosen: &mut Chosen, selected: SelectedMember, start: usize) -> Result<(), Error> {
        let of = self.model.embedded(chosen.of);
        let name = |selected: &SelectedMember| {
            selected.alias.clone().unwrap_or_else(|| of.member(selected.member).own_name().into())
        };
        let named = name(&selected);
        match chosen.members.iter().find(|known| name(known) == named) {
            None => chosen.members.push(selected),
            Some(known) if *known == selected => {}
            Some(_) => {
                self.at = start;
                let own = of.member(selected.member).own_name();
                let remedy = format!("select it once, or give one of them an alias: other={own}");
                return Err(self.syntax(&format!("`{named}` is selected twice"), &remedy));
            }
        }
        Ok(())
    }

    /// What is selected of what a member holds, if braces follow.
    fn inner_of(&mut self, member: &Field, depth: usize) -> Result<Option<MemberSelection>, Error> {
        self.space();
        if self.rest().starts_with('.') {
            return Err(self.path(member));
        }
        if self.take('(') {
            return self.arguments(member).map(|_| None);
        }
        if !self.take('{') {
            return Ok(None);
        }
        let name = member.own_name();
        let inner = match &member.kind {
            FieldKind::Embedded(of) => MemberSelection::Values(self.values((Shape::Embedded(*of), name), depth + 1)?),
            FieldKind::Document(document) => MemberSelection::Values(self.values((document.shape(), name), depth + 1)?),
            FieldKind::ToOne { target, .. } => {
                let target = self.model.collection(*target);
                let selection = self.parts(Holder { collection: target, within: None }, depth + 1)?;
                if !self.take('}') {
                    return Err(self.syntax("a '}' is missing", "close the fields of the relation with '}'"));
                }
                MemberSelection::Records([(target.id, selection)].into())
            }
            FieldKind::ToOneOf { union, .. } => {
                let targets = &self.model.record_union(*union).members;
                MemberSelection::Records(self.of_one_of(member, targets, depth)?)
            }
            FieldKind::Scalar(_)
            | FieldKind::Enum(_)
            | FieldKind::List(_)
            | FieldKind::OneToMany { .. }
            | FieldKind::OneToOne { .. }
            | FieldKind::ManyToMany { .. }
            | FieldKind::Lineage { .. } => {
                let problem = format!("`{name}` is not a relation and has no fields");
                return Err(self.syntax(&problem, "leave out the braces"));
            }
        };
        Ok(Some(inner))
    }

    /// What is answered of the record that a reference to one of several types leads to: for each type what is selected by
    /// its name, and what is selected of all.
    fn of_one_of(
        &mut self,
        member: &Field,
        targets: &[CollectionId],
        depth: usize,
    ) -> Result<Arc<[(CollectionId, Selection)]>, Error> {
        self.check_depth(depth + 1)?;
        let targets: Vec<&Collection> = targets.iter().map(|target| self.model.collection(*target)).collect();
        let mut selected: Vec<Vec<Selected>> = vec![Vec::new(); targets.len()];
        loop {
            self.space();
            let (start, word) = (self.at, self.word());
            if word == TYPE_NAME {
                self.at += word.len();
            } else if let Some(at) = targets.iter().position(|target| target.name == word) {
                if let Selection::Parts(own) = self.within_type((targets[at], word), depth + 1)? {
                    for part in own.iter() {
                        self.add(&mut selected[at], part.clone(), (targets[at], start))?;
                    }
                }
            } else {
                for (target, selected) in targets.iter().zip(&mut selected) {
                    self.at = start;
                    let part = self.shared((target, member), depth)?;
                    self.add(selected, part, (target, start))?;
                }
            }
            self.space();
            if self.take('}') {
                let selected = targets.iter().zip(selected).filter(|(_, parts)| !parts.is_empty());
                return Ok(selected.map(|(target, parts)| (target.id, Selection::parts(parts))).collect());
            }
            if !self.take(',') {
                let remedy = format!("close the types and fields of `{}` with '}}'", member.own_name());
                return Err(self.syntax("a '}' is missing", &remedy));
            }
        }
    }
}
