//! Actions as a model declares them: the fields of `type Query` and `type Mutation`, and routes. They are taken out before the schema is built.
//! `input` types, the arguments of an action and its result become embedded types, so that values of them are read, limited
//! and described as those of any other embedded type. What is made keeps the place of what it stands for.

use std::collections::HashMap;
use std::mem;

use apollo_compiler::ast::{
    Argument, Definition, Directive, DirectiveList, Document, FieldDefinition, InputValueDefinition,
    ObjectTypeDefinition, ObjectTypeExtension, Type, Value,
};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::{Name, Node, name};

use crate::names::{pascal, suggestion};
use crate::places::Places;
use crate::{Diagnostic, Diagnostics, EmbeddedRole};

/// What a model declares for its actions.
#[derive(Debug, Default)]
pub(crate) struct DeclaredActions {
    /// The actions, in the order of the model.
    pub(crate) all: Vec<DeclaredAction>,
    /// The names of input types.
    inputs: Vec<Name>,
}

impl DeclaredActions {
    /// What the values of the embedded type of this name are.
    pub(crate) fn role(&self, name: &Name) -> EmbeddedRole {
        if self.inputs.contains(name) {
            EmbeddedRole::Input
        } else if self.all.iter().any(|action| action.arguments.as_ref() == Some(name)) {
            EmbeddedRole::Arguments
        } else if self.all.iter().any(|action| action.result == *name) {
            EmbeddedRole::Result
        } else {
            EmbeddedRole::Part
        }
    }
}

/// An action, and the embedded types that were made for it.
#[derive(Debug)]
pub(crate) struct DeclaredAction {
    pub(crate) node: Node<FieldDefinition>,
    /// Whether it may change anything: it is a field of `type Mutation`.
    pub(crate) writes: bool,
    /// The type of its arguments; `None` if it takes none.
    pub(crate) arguments: Option<Name>,
    /// A type with one member, which is called like the action and holds what it returns.
    pub(crate) result: Name,
    /// Whether it returns a list of records: the member then holds one of them.
    pub(crate) lists_records: bool,
    /// `@route` or `@inbox`, for which `node` was made.
    pub(crate) route: Option<Node<Directive>>,
}

/// What a definition of the model is, as far as it matters to the types of arguments and results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Records,
    Embedded,
    Interface,
    Union,
    Input,
    Other,
}

/// The fields of these types are actions.
fn root(name: &Name) -> Option<Root> {
    match name.as_str() {
        "Query" => Some(Root { writes: false }),
        "Mutation" => Some(Root { writes: true }),
        _ => None,
    }
}

#[derive(Debug, Clone, Copy)]
struct Root {
    writes: bool,
}

/// Takes the actions out of the documents, and makes embedded types of what they take and return.
pub(crate) fn take(documents: &mut [Document], places: &Places, out: &mut Diagnostics) -> DeclaredActions {
    let kinds = kinds(documents);
    let mut taking = Taking { kinds, places, out, declared: DeclaredActions::default() };
    for document in documents {
        let mut made = Vec::new();
        for definition in mem::take(&mut document.definitions) {
            taking.definition(definition, &mut made);
        }
        document.definitions = made;
    }
    taking.declared
}

fn kinds(documents: &[Document]) -> HashMap<Name, Kind> {
    let mut kinds = HashMap::new();
    for definition in documents.iter().flat_map(|document| &document.definitions) {
        let kind = match definition {
            Definition::ObjectTypeDefinition(of) if of.directives.has("embedded") => Kind::Embedded,
            Definition::ObjectTypeDefinition(_) => Kind::Records,
            Definition::InterfaceTypeDefinition(_) => Kind::Interface,
            Definition::UnionTypeDefinition(_) => Kind::Union,
            Definition::InputObjectTypeDefinition(_) => Kind::Input,
            _ => Kind::Other,
        };
        if let (Some(name), false) = (definition.name(), definition.is_extension_definition()) {
            kinds.insert(name.clone(), kind);
        }
    }
    kinds
}

struct Taking<'t> {
    kinds: HashMap<Name, Kind>,
    places: &'t Places,
    out: &'t mut Diagnostics,
    declared: DeclaredActions,
}

impl Taking<'_> {
    fn error(&mut self, place: Option<SourceSpan>, (message, label): (String, &str), help: impl Into<String>) {
        let diagnostic = Diagnostic::error(message).located(self.places.span(place), label);
        self.out.push(diagnostic.help(help));
    }

    fn kind(&self, name: &Name) -> Kind {
        self.kinds.get(name).copied().unwrap_or(Kind::Other)
    }

    /// Passes a definition on, or what becomes of it.
    fn definition(&mut self, definition: Definition, made: &mut Vec<Definition>) {
        match definition {
            Definition::ObjectTypeDefinition(ref of) if root(&of.name).is_some() => {
                self.root((&of.name, &of.directives), &of.fields, made);
            }
            Definition::ObjectTypeExtension(ref of) if root(&of.name).is_some() => {
                self.root((&of.name, &of.directives), &of.fields, made);
            }
            Definition::InputObjectTypeDefinition(ref of) => {
                let fields = of.fields.iter().map(|field| self.input_value(field)).collect();
                let description = of.description.clone();
                let mut directives = of.directives.clone();
                directives.push(embedded_mark());
                self.declared.inputs.push(of.name.clone());
                made.push(Definition::ObjectTypeDefinition(of.same_location(ObjectTypeDefinition {
                    description,
                    name: of.name.clone(),
                    implements_interfaces: Vec::new(),
                    directives,
                    fields,
                })));
            }
            Definition::InputObjectTypeExtension(ref of) => {
                let fields = of.fields.iter().map(|field| self.input_value(field)).collect();
                made.push(Definition::ObjectTypeExtension(of.same_location(ObjectTypeExtension {
                    name: of.name.clone(),
                    implements_interfaces: Vec::new(),
                    directives: of.directives.clone(),
                    fields,
                })));
            }
            Definition::SchemaExtension(ref of) => {
                for directive in of.directives.iter().filter(|one| one.name == "route" || one.name == "inbox") {
                    self.route(directive, made);
                }
                made.push(definition);
            }
            other => {
                self.check_outputs(&other);
                made.push(other);
            }
        }
    }

    /// Refuses an input type where values are stored or answered.
    fn check_outputs(&mut self, definition: &Definition) {
        let fields: &[Node<FieldDefinition>] = match definition {
            Definition::ObjectTypeDefinition(of) => &of.fields,
            Definition::ObjectTypeExtension(of) => &of.fields,
            Definition::InterfaceTypeDefinition(of) => &of.fields,
            Definition::InterfaceTypeExtension(of) => &of.fields,
            Definition::UnionTypeDefinition(of) => {
                for member in &of.members {
                    self.refuse_input(member);
                }
                return;
            }
            _ => return,
        };
        for field in fields {
            self.refuse_input(field.ty.inner_named_type());
        }
    }

    fn refuse_input(&mut self, name: &Name) {
        if self.kind(name) != Kind::Input {
            return;
        }
        let message = format!("{name} is an input type, which only arguments of actions can have");
        let help = format!("declare a type for it: `type … @embedded` with the fields of {name}");
        self.error(name.location(), (message, "an input type"), help);
    }

    fn root(
        &mut self,
        (name, directives): (&Name, &DirectiveList),
        fields: &[Node<FieldDefinition>],
        made: &mut Vec<Definition>,
    ) {
        let Some(Root { writes }) = root(name) else { return };
        for directive in directives {
            let message = format!("`@{}` has no meaning for `type {name}`", directive.name);
            let help = "write it on the actions that it is about";
            self.error(directive.location(), (message, "not here"), help);
        }
        for field in fields {
            self.action(field, writes, made);
        }
    }

    /// A route is an action that is called at a path of its own, and returns a response.
    fn route(&mut self, directive: &Node<Directive>, made: &mut Vec<Definition>) {
        let argument = |name: &str| directive.specified_argument_by_name(name);
        // What is missing, or of another type, is reported when the schema is validated.
        let Some(run) = argument("run") else { return };
        let Some((written, function)) = argument("name").unwrap_or(run).as_str().zip(run.as_str()) else { return };
        let named = argument("name").unwrap_or(run).location().or(directive.location());
        let Ok(name) = Name::new(written) else {
            let message = format!("`{written}` is not a name for a route");
            self.error(named, (message, "not a name"), "write the name of a function, such as \"article\"");
            return;
        };
        let is_inbox = directive.name == "inbox";
        let Some(rule) = (if is_inbox { Some(run) } else { argument("allow") }) else { return };
        let text = |name, place: &Node<Value>, text: &str| {
            place.same_location(Argument { name, value: place.same_location(Value::String(text.to_owned())) })
        };
        let mark = |name, argument| directive.same_location(Directive { name, arguments: vec![argument] });
        let call = match is_inbox {
            // Whoever has the secret may send events.
            true => text(name!("call"), rule, "true"),
            false => rule.same_location(Argument { name: name!("call"), value: rule.clone() }),
        };
        let mut directives =
            vec![mark(name!("function"), text(name!("name"), run, function)), mark(name!("allow"), call)];
        if argument("rate").is_some() {
            let limits = directive.arguments.iter().filter(|one| one.name == "rate" || one.name == "per").cloned();
            directives.push(directive.same_location(Directive { name: name!("limit"), arguments: limits.collect() }));
        }
        let node = directive.same_location(FieldDefinition {
            description: None,
            name,
            arguments: Vec::new(),
            ty: Type::Named(name!("JSON")),
            directives: DirectiveList(directives),
        });
        let reads = argument("method").and_then(|method| method.as_enum()).is_some_and(|method| method == "GET");
        let before = self.declared.all.len();
        self.action(&node, is_inbox || !reads, made);
        if let Some(action) = self.declared.all.get_mut(before) {
            action.route = Some(directive.clone());
        }
    }

    fn action(&mut self, node: &Node<FieldDefinition>, writes: bool, made: &mut Vec<Definition>) {
        let name = &node.name;
        let place = name.location().or(node.location());
        if let Some(first) = self.declared.all.iter().find(|known| known.node.name == *name) {
            let span = self.places.span(first.node.name.location().or(first.node.location()));
            let mut diagnostic = Diagnostic::error(format!("two actions are called `{name}`"))
                .located(self.places.span(place), "again here")
                .help("give one of them another name, which `auth.via` tells it by: a route with `name: \"…\"`");
            if let Some(span) = span {
                diagnostic = diagnostic.and(span, "first here");
            }
            self.out.push(diagnostic);
            return;
        }
        if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
            let message = format!("`{name}` is not a name for an action");
            self.error(place, (message, "begins with no small letter"), "begin it with a small letter");
            return;
        }
        self.directives(node);
        let arguments = (!node.arguments.is_empty()).then(|| {
            let fields = node.arguments.iter().map(|argument| self.input_value(argument)).collect();
            self.made(node, "Arguments", fields, made)
        });
        let of = node.ty.inner_named_type();
        let lists_records = node.ty.is_list() && self.kind(of) == Kind::Records;
        match self.kind(of) {
            Kind::Input => self.refuse_input(of),
            Kind::Interface | Kind::Union => {
                let message = format!("`{name}` returns {of}, which isn't one type");
                let help = "return a record of one type, an `@embedded` type, a scalar or an enum";
                self.error(of.location(), (message, "not supported yet"), help);
            }
            Kind::Records | Kind::Embedded | Kind::Other => {}
        }
        let ty = match lists_records {
            true => Type::Named(of.clone()),
            false => node.ty.clone(),
        };
        let result = node.same_location(FieldDefinition {
            description: None,
            name: name.clone(),
            arguments: Vec::new(),
            ty,
            directives: DirectiveList(precision(&node.directives)),
        });
        let result = self.made(node, "Result", vec![result], made);
        let node = node.clone();
        self.declared.all.push(DeclaredAction { node, writes, arguments, result, lists_records, route: None });
    }

    /// Makes an embedded type for an action, and returns its name.
    fn made(
        &mut self,
        node: &Node<FieldDefinition>,
        what: &str,
        fields: Vec<Node<FieldDefinition>>,
        made: &mut Vec<Definition>,
    ) -> Name {
        let text = format!("{}{what}", pascal(&node.name));
        let name = Name::new(&text).unwrap_or(name!("Arguments"));
        if self.kinds.contains_key(&name) {
            let message = format!("{name} is what `{}` takes or returns, and a definition of the model", node.name);
            let help = format!("give the action or {name} another name");
            self.error(node.name.location().or(node.location()), (message, "needs this name"), help);
        }
        let definition = ObjectTypeDefinition {
            description: None,
            name: name.clone(),
            implements_interfaces: Vec::new(),
            directives: DirectiveList(vec![embedded_mark()]),
            fields,
        };
        made.push(Definition::ObjectTypeDefinition(node.same_location(definition)));
        name
    }

    /// An argument or a field of an input type as a member of an embedded type.
    fn input_value(&mut self, node: &Node<InputValueDefinition>) -> Node<FieldDefinition> {
        let of = node.ty.inner_named_type();
        let name = &node.name;
        let refused = match self.kind(of) {
            Kind::Records => Some((
                format!("`{name}` takes a record of {of}, and records aren't sent"),
                format!("write `{name}: ID` to take the record's id"),
            )),
            Kind::Embedded => Some((
                format!("`{name}` takes {of}, which is no input type"),
                format!("declare an input type with the fields of {of}: `input …`"),
            )),
            Kind::Interface | Kind::Union => Some((
                format!("`{name}` takes {of}, which isn't one type"),
                "take a scalar, an enum or an input type".to_owned(),
            )),
            Kind::Input | Kind::Other => None,
        };
        if let Some((message, help)) = refused {
            self.error(of.location(), (message, "not for arguments"), help);
        }
        let mut directives = node.directives.clone();
        if let Some(value) = node.default_value.as_ref().filter(|value| !value.is_null()) {
            let argument = value.same_location(Argument { name: name!("to"), value: value.clone() });
            let default = Directive { name: name!("default"), arguments: vec![argument] };
            directives.push(value.same_location(default));
        }
        node.same_location(FieldDefinition {
            description: node.description.clone(),
            name: name.clone(),
            arguments: Vec::new(),
            ty: (*node.ty).clone(),
            directives,
        })
    }

    /// Refuses directives that an action doesn't take.
    fn directives(&mut self, node: &Node<FieldDefinition>) {
        const TAKEN: [(&str, &[&str]); 6] = [
            ("allow", &["call"]),
            ("function", &["name"]),
            ("limit", &["rate", "per"]),
            // `resolve/jobs.rs` reads its arguments.
            ("job", &[]),
            ("deprecated", &["reason"]),
            ("precision", &[]),
        ];
        let mut known: Vec<&Name> = Vec::new();
        for directive in &node.directives {
            let Some((name, arguments)) = TAKEN.into_iter().find(|(name, _)| directive.name == *name) else {
                let message = format!("`@{}` has no meaning for actions", directive.name);
                let help = "an action takes `@function`, `@allow(call: …)`, `@limit`, `@job` and `@deprecated`";
                self.error(directive.location(), (message, "not here"), help);
                continue;
            };
            if known.contains(&&directive.name) {
                let message = format!("`@{name}` is written twice");
                let help = if name == "allow" { "join the two rules with `||`" } else { "keep one of them" };
                self.error(directive.location(), (message, "again here"), help);
            }
            known.push(&directive.name);
            for sent in directive.arguments.iter().filter(|_| !arguments.is_empty()) {
                let argument = &sent.name;
                if !arguments.contains(&argument.as_str()) {
                    let message = format!("`@{name}` of an action has no argument `{argument}`");
                    let help = suggestion(argument, arguments.iter().copied());
                    self.error(argument.location(), (message, "not here"), help);
                } else if argument == "per" {
                    if !matches!(sent.value.as_enum().map(Name::as_str), Some("CALLER" | "ADDRESS")) {
                        let message = "`per:` is CALLER or ADDRESS".to_owned();
                        self.error(sent.value.location(), (message, "neither of them"), "write one of the two words");
                    }
                } else if sent.value.as_str().is_none() {
                    let message = format!("`{argument}:` is a string");
                    self.error(sent.value.location(), (message, "not a string"), "put it in double quotes");
                }
            }
        }
    }
}

fn embedded_mark() -> Node<Directive> {
    Node::new(Directive { name: name!("embedded"), arguments: Vec::new() })
}

/// `@precision`, which is part of the type of what an action returns.
fn precision(directives: &DirectiveList) -> Vec<Node<Directive>> {
    directives.get_all("precision").cloned().collect()
}
