//! Every directive that is declared, with every argument missing, doubled, of another type and empty, and on every
//! place where it doesn't belong. The cases follow from `directives.graphql`, so a new directive is covered at once.

use apollo_compiler::Node;
use apollo_compiler::ast::{DirectiveDefinition, DirectiveLocation, InputValueDefinition, Type};
use apollo_compiler::parser::Parser;
use backstay_model::{DIRECTIVES, PlainDiagnostic, SourceFile, load};

/// The places of a model that can have directives.
const PLACES: [DirectiveLocation; 6] = [
    DirectiveLocation::Schema,
    DirectiveLocation::Object,
    DirectiveLocation::Interface,
    DirectiveLocation::FieldDefinition,
    DirectiveLocation::Enum,
    DirectiveLocation::EnumValue,
];

/// Words of GraphQL and of its compiler that say nothing to those who write a model.
const JARGON: [&str; 10] = [
    "non-null",
    "FIELD_DEFINITION",
    "OBJECT",
    "ENUM_VALUE",
    "argument definition",
    "BackstayLiteral",
    "BackstayBind",
    "BackstayFieldValue",
    "expected value of type",
    "see docs/model.md",
];

fn declared() -> Vec<Node<DirectiveDefinition>> {
    let document = Parser::new().parse_ast(DIRECTIVES, "directives.graphql").expect("it is GraphQL");
    document.definitions.iter().filter_map(|definition| definition.as_directive_definition().cloned()).collect()
}

/// A model with this directive on this place.
fn model(place: DirectiveLocation, directive: &str) -> String {
    let at = |here: DirectiveLocation| if here == place { directive } else { "" };
    format!(
        "extend schema @app(name: \"Test\") {}\n\
         interface Named {} {{\n  name: String\n}}\n\
         enum State {} {{\n  A {}\n  B\n}}\n\
         type Tag implements Named @allow(read: \"true\") {{\n  name: String\n}}\n\
         type Post @allow(read: \"true\") {} {{\n  title: String {}\n  state: State\n}}\n",
        at(DirectiveLocation::Schema),
        at(DirectiveLocation::Interface),
        at(DirectiveLocation::Enum),
        at(DirectiveLocation::EnumValue),
        at(DirectiveLocation::Object),
        at(DirectiveLocation::FieldDefinition),
    )
}

/// What is wrong with it.
fn problems(model: &str) -> Vec<PlainDiagnostic> {
    match load(vec![SourceFile::app("model.graphql", model)]) {
        Ok(_) => Vec::new(),
        Err(diagnostics) => diagnostics.plain(),
    }
}

/// What a diagnostic lacks, if anything.
fn lacks(one: &PlainDiagnostic) -> Option<&'static str> {
    if one.help.as_deref().unwrap_or_default().is_empty() {
        return Some("a remedy");
    }
    if one.start.is_none() {
        return Some("a place");
    }
    if one.label.is_empty() {
        return Some("words at its place");
    }
    let words = format!("{} {}", one.message, one.help.as_deref().unwrap_or_default());
    JARGON.iter().any(|word| words.contains(word)).then_some("words of ours")
}

/// Collects the cases that aren't refused as they should be.
#[derive(Default)]
struct Cases {
    count: usize,
    wrong: Vec<String>,
}

impl Cases {
    /// `refused`: whether this use is a mistake whatever else the model says.
    fn check(&mut self, what: &str, place: DirectiveLocation, directive: &str, refused: bool) -> Vec<PlainDiagnostic> {
        self.count += 1;
        let problems = problems(&model(place, directive));
        if refused && problems.is_empty() {
            self.wrong.push(format!("{what}, on {place}: `{directive}` is accepted"));
        }
        for (one, lacks) in problems.iter().filter_map(|one| Some((one, lacks(one)?))) {
            self.wrong.push(format!("{what}, on {place}: `{directive}`: no {lacks}: {} ({:?})", one.message, one.help));
        }
        problems
    }

    fn finish(self, least: usize) {
        assert!(self.wrong.is_empty(), "{} of {}:\n{}", self.wrong.len(), self.count, self.wrong.join("\n"));
        assert!(self.count >= least, "only {} cases", self.count);
    }
}

/// A value of this type.
fn value(ty: &Type) -> String {
    if ty.is_list() {
        return match ty.inner_named_type().as_str() {
            "BackstayFieldValue" => "[{field: \"title\", to: \"'a'\"}]".to_owned(),
            "BackstayBind" => "[{name: \"Person\", to: \"Post\"}]".to_owned(),
            _ => "[\"title\"]".to_owned(),
        };
    }
    match ty.inner_named_type().as_str() {
        "Int" => "2".to_owned(),
        "Boolean" => "true".to_owned(),
        "String" | "BackstayLiteral" => "\"title\"".to_owned(),
        options => first_option(options),
    }
}

fn first_option(name: &str) -> String {
    let document = Parser::new().parse_ast(DIRECTIVES, "directives.graphql").expect("it is GraphQL");
    let named = document.definitions.iter().filter_map(|definition| definition.as_enum_type_definition());
    let options = named.into_iter().find(|of| of.name == name).expect(name);
    options.values.first().expect(name).value.to_string()
}

/// Values of other types than this one.
fn other_values(ty: &Type) -> Vec<&'static str> {
    let named = ty.inner_named_type();
    if named == "BackstayLiteral" {
        return Vec::new();
    }
    let is_list = ty.is_list();
    let all = [
        ("Int", "1"),
        ("Float", "1.5"),
        ("Boolean", "true"),
        ("String", "\"text\""),
        ("enum", "WORD"),
        ("object", "{a: 1}"),
        ("list", "[1]"),
        ("list", "[[\"a\"]]"),
        ("list", "[null]"),
    ];
    // GraphQL takes one value for a list of one.
    let others = all.into_iter().filter(|(kind, _)| *kind != named.as_str());
    let empty = (!is_list).then_some("[]");
    others.map(|(_, value)| value).chain(empty).chain(ty.is_non_null().then_some("null")).collect()
}

/// The directive with these arguments.
fn written(of: &DirectiveDefinition, arguments: &[(&InputValueDefinition, String)]) -> String {
    let arguments: Vec<String> =
        arguments.iter().map(|(argument, value)| format!("{}: {value}", argument.name)).collect();
    if arguments.is_empty() { format!("@{}", of.name) } else { format!("@{}({})", of.name, arguments.join(", ")) }
}

/// Each argument with a value of its type.
fn complete(of: &DirectiveDefinition) -> Vec<(&InputValueDefinition, String)> {
    of.arguments.iter().map(|argument| (&**argument, value(&argument.ty))).collect()
}

/// The places where a directive can be.
fn places(of: &DirectiveDefinition) -> impl Iterator<Item = DirectiveLocation> {
    PLACES.into_iter().filter(|place| of.locations.contains(place))
}

#[test]
fn arguments_that_are_missing_or_doubled() {
    let mut cases = Cases::default();
    for of in declared() {
        for place in places(&of) {
            let all = complete(&of);
            cases.check("complete", place, &written(&of, &all), false);
            cases.check(
                "bare",
                place,
                &format!("@{}", of.name),
                all.iter().any(|(argument, _)| argument.is_required()),
            );
            for (at, (argument, given)) in all.iter().enumerate() {
                let mut others = all.clone();
                others.remove(at);
                cases.check("missing", place, &written(&of, &others), argument.is_required());
                cases.check("alone", place, &written(&of, &all[at..=at]), false);
                others.push((argument, given.clone()));
                others.push((argument, given.clone()));
                cases.check("doubled", place, &written(&of, &others), true);
            }
            let mut unknown = written(&of, &all).trim_end_matches(')').to_owned();
            unknown.push_str(if all.is_empty() { "(unknown: 1)" } else { ", unknown: 1)" });
            cases.check("unknown", place, &unknown, true);
            let twice = format!("{} {}", written(&of, &all), written(&of, &all));
            cases.check("twice", place, &twice, !of.repeatable);
        }
    }
    cases.finish(300);
}

#[test]
fn arguments_of_another_type() {
    let mut cases = Cases::default();
    for of in declared() {
        for place in places(&of) {
            let all = complete(&of);
            for (at, (argument, _)) in all.iter().enumerate() {
                for other in other_values(&argument.ty) {
                    let mut changed = all.clone();
                    other.clone_into(&mut changed[at].1);
                    cases.check("another type", place, &written(&of, &changed), true);
                }
            }
        }
    }
    cases.finish(400);
}

#[test]
fn texts_that_are_empty() {
    let mut cases = Cases::default();
    for of in declared() {
        for place in places(&of) {
            let all = complete(&of);
            for (at, (argument, _)) in all.iter().enumerate() {
                if argument.ty.inner_named_type() != "String" {
                    continue;
                }
                let empty = if argument.ty.is_list() { ["[\"\"]", "[]"] } else { ["\"\"", "\" \""] };
                // A blank is a pattern.
                let count = if of.name == "pattern" { 1 } else { 2 };
                for empty in empty.into_iter().take(count) {
                    let mut changed = all.clone();
                    empty.clone_into(&mut changed[at].1);
                    cases.check("empty", place, &written(&of, &changed), true);
                    let alone = &changed[at..=at];
                    cases.check("empty and alone", place, &written(&of, alone), true);
                }
            }
        }
    }
    cases.finish(100);
}

#[test]
fn places_where_a_directive_does_not_belong() {
    let mut cases = Cases::default();
    for of in declared() {
        for place in PLACES.into_iter().filter(|place| !of.locations.contains(place)) {
            for directive in [format!("@{}", of.name), written(&of, &complete(&of))] {
                let problems = cases.check("wrong place", place, &directive, true);
                // The wrong place is all that is wrong.
                let named = format!("`@{}` can't be used on ", of.name);
                if !matches!(&*problems, [one] if one.message.starts_with(&named)) {
                    let found: Vec<&str> = problems.iter().map(|one| &*one.message).collect();
                    cases.wrong.push(format!("`{directive}` on {place}: {}", found.join("; ")));
                }
            }
        }
    }
    cases.finish(150);
}
