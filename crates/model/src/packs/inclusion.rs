//! `@pack` in the files of the application, and `@manifest` in those of a pack.

use apollo_compiler::Node;
use apollo_compiler::ast::{Definition, Directive, Document, Value};
use apollo_compiler::parser::{Parser, SourceSpan};

use crate::names::suggestion;
use crate::pack::Pack;
use crate::places::Places;
use crate::source::Owner;
use crate::{Diagnostic, Diagnostics};

/// A text and its place.
type Written = (String, Option<SourceSpan>);

/// A `@pack`.
pub(super) struct Inclusion {
    pub(super) name: String,
    /// The whole directive.
    pub(super) place: Option<SourceSpan>,
    pub(super) binds: Vec<Bind>,
    /// Whether all its binds could be read.
    pub(super) is_sound: bool,
}

/// One of the names in its `binds:`, with what it stands for.
pub(super) struct Bind {
    pub(super) name: Written,
    pub(super) to: Vec<Written>,
}

/// The names of the packs that a file includes.
pub(super) fn named_in(text: &str) -> Vec<String> {
    if !text.contains("@pack") {
        return Vec::new();
    }
    let document = Parser::new().parse_ast(text, "model.graphql").unwrap_or_else(|failed| failed.partial);
    let packs = of_schema(&document).filter(|directive| directive.name == "pack");
    packs.filter_map(|directive| Some(text_of(directive, "name")?.0)).collect()
}

/// The packs that the application includes, and how. Reports what is wrong with that.
pub(super) fn read(
    documents: &[Document],
    places: &Places,
    available: &[String],
    out: &mut Diagnostics,
) -> (Vec<Pack>, Vec<Inclusion>) {
    let mut reading = Reading { places, available, out, manifests: Vec::new(), inclusions: Vec::new() };
    for directive in documents.iter().flat_map(of_schema) {
        reading.directive(directive);
    }
    let packs = reading.packs();
    (packs, reading.inclusions)
}

/// What the schema is marked with.
fn of_schema(document: &Document) -> impl Iterator<Item = &Node<Directive>> {
    document.definitions.iter().flat_map(|definition| match definition {
        Definition::SchemaExtension(of) => of.directives.as_slice(),
        _ => &[],
    })
}

struct Manifest {
    /// The pack in whose files it is.
    of: String,
    place: Option<SourceSpan>,
    name: Option<Written>,
    version: Option<Written>,
}

struct Reading<'r> {
    places: &'r Places,
    available: &'r [String],
    out: &'r mut Diagnostics,
    manifests: Vec<Manifest>,
    inclusions: Vec<Inclusion>,
}

impl Reading<'_> {
    fn error(&mut self, place: (Option<SourceSpan>, &str), message: String, help: String) {
        let diagnostic = Diagnostic::error(message).located(self.places.span(place.0), place.1);
        self.out.push(diagnostic.help(help));
    }

    fn directive(&mut self, directive: &Node<Directive>) {
        let place = directive.location();
        match (directive.name.as_str(), self.places.owner(place)) {
            ("pack", Owner::Application) => self.inclusion(directive),
            ("pack", Owner::Pack(of)) => {
                let message = format!("the pack `{of}` can't include another pack");
                let help = "include it in the application's model; packs may use each other's types";
                self.error((place, "in a file of a pack"), message, help.to_owned());
            }
            ("app", Owner::Pack(of)) => {
                let message = format!("the pack `{of}` can't name the application");
                let help = format!("write `@manifest(name: \"{of}\", version: \"1.0\")`");
                self.error((place, "in a file of a pack"), message, help);
            }
            ("manifest", Owner::Pack(of)) => {
                let of = of.to_owned();
                let (name, version) = (text_of(directive, "name"), text_of(directive, "version"));
                self.manifests.push(Manifest { of, place, name, version });
            }
            ("manifest", Owner::Application) => {
                let message = "`@manifest` is for the files of a pack".to_owned();
                self.error((place, "in a file of the application"), message, "write `@app(name: \"…\")`".to_owned());
            }
            _ => {}
        }
    }

    fn inclusion(&mut self, directive: &Node<Directive>) {
        let place = directive.location();
        let Some((name, at)) = text_of(directive, "name") else { return };
        if !self.available.contains(&name) {
            let help = match self.available {
                [] => format!("put its files into the directory `packs/{name}`"),
                known => suggestion(&name, known.iter().map(String::as_str)),
            };
            return self.error((at, "not in `packs`"), format!("there is no pack `{name}`"), help);
        }
        if let Some(first) = self.inclusions.iter().find(|known| known.name == name) {
            let mut diagnostic = Diagnostic::error(format!("the pack `{name}` is included twice"));
            if let Some(first) = self.places.span(first.place) {
                diagnostic = diagnostic.and(first, "first here");
            }
            let help = "keep one `@pack`, with all its `binds`";
            self.out.push(diagnostic.located(self.places.span(place), "again here").help(help));
            return;
        }
        let given = directive.specified_argument_by_name("binds").filter(|value| !value.is_null());
        let binds: Vec<Option<Bind>> = given.iter().flat_map(|value| items(value)).map(bind).collect();
        let is_sound = binds.iter().all(Option::is_some);
        self.inclusions.push(Inclusion { name, place, binds: binds.into_iter().flatten().collect(), is_sound });
    }

    /// The packs as their manifests describe them.
    fn packs(&mut self) -> Vec<Pack> {
        let mut packs = Vec::new();
        let included: Vec<(String, Option<SourceSpan>)> =
            self.inclusions.iter().map(|of| (of.name.clone(), of.place)).collect();
        let manifests = std::mem::take(&mut self.manifests);
        for (name, place) in included {
            let own: Vec<&Manifest> = manifests.iter().filter(|manifest| manifest.of == name).collect();
            match own.as_slice() {
                [] => {
                    let message = format!("the pack `{name}` has no manifest");
                    let help = format!(
                        "write `extend schema @manifest(name: \"{name}\", version: \"1.0\")` in one of the files in \
                         `packs/{name}`"
                    );
                    self.error((place, "included here"), message, help);
                }
                [manifest] => packs.extend(self.pack(manifest)),
                [first, second, ..] => {
                    let mut diagnostic = Diagnostic::error(format!("the pack `{name}` has two manifests"));
                    if let Some(first) = self.places.span(first.place) {
                        diagnostic = diagnostic.and(first, "first here");
                    }
                    let span = self.places.span(second.place);
                    self.out.push(diagnostic.located(span, "again here").help("keep one of the two"));
                }
            }
        }
        packs
    }

    /// What is missing from a manifest is reported with the directives.
    fn pack(&mut self, manifest: &Manifest) -> Option<Pack> {
        let ((name, named), (version, at)) = (manifest.name.as_ref()?, manifest.version.as_ref()?);
        if *name != manifest.of {
            let message = format!("the pack in `packs/{}` is called `{name}` in its manifest", manifest.of);
            let help = format!("write `name: \"{}\"`, or rename the directory", manifest.of);
            self.error((*named, "not the name of its directory"), message, help);
        }
        let is_number = |part: &str| (1..=9).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        if version.split('.').count() > 3 || !version.split('.').all(is_number) {
            let help = "write one to three numbers with points between them, such as \"1.4\"";
            self.error((*at, "not a version"), format!("`{version}` is not a version"), help.to_owned());
        }
        Some(Pack { name: manifest.of.clone(), version: version.clone() })
    }
}

/// An entry of `binds:`. What is wrong with one that can't be read is reported with the directives.
fn bind(entry: &Node<Value>) -> Option<Bind> {
    let members = entry.as_object()?;
    let member = |name: &str| members.iter().find(|(key, _)| key.as_str() == name).map(|(_, value)| value);
    let written = |value: &Node<Value>| Some((value.as_str()?.to_owned(), value.location()));
    let name = written(member("name")?)?;
    Some(Bind { name, to: items(member("to")?).iter().map(written).collect::<Option<_>>()? })
}

/// The values of a list. GraphQL takes a single value where a list is expected.
fn items(value: &Node<Value>) -> &[Node<Value>] {
    if let Value::List(items) = &**value { items } else { std::slice::from_ref(value) }
}

fn text_of(directive: &Directive, argument: &str) -> Option<Written> {
    let value = directive.specified_argument_by_name(argument)?;
    value.as_str().map(|text| (text.to_owned(), value.location()))
}
