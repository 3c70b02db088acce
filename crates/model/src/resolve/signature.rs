//! The name of a named rule with its parameters: `memberOf(p: Project, roles: [Role!])`.

use apollo_compiler::parser::SourceSpan;
use backstay_base::limits;
use backstay_scalar::Scalar;

use super::naming::{is_expression_word, is_function_word};
use super::report::Report;
use super::survey::Survey;
use crate::names::suggestion;
use crate::{Element, ParameterKind, RuleParameter};

/// The signature of a named rule as it is written, and where.
pub(super) struct Signature<'s, 'a> {
    pub(super) survey: &'s Survey<'a>,
    pub(super) written: &'s str,
    pub(super) place: Option<SourceSpan>,
}

/// What is wrong with a signature, and what to do about it.
type Refusal = (String, String);

impl Signature<'_, '_> {
    /// The name and the parameters; `None` where something is wrong, which is reported.
    pub(super) fn read(&self, report: &mut Report<'_>) -> Option<(String, Vec<RuleParameter>)> {
        match self.parsed(report) {
            Ok(read) => Some(read),
            Err((message, help)) => {
                report.error(self.place, message, "not a name", help);
                None
            }
        }
    }

    fn parsed(&self, report: &Report<'_>) -> Result<(String, Vec<RuleParameter>), Refusal> {
        let written = self.written.trim();
        let Some((name, rest)) = written.split_once('(') else {
            return Ok((self.rule_name(written)?, Vec::new()));
        };
        let name = self.rule_name(name.trim_end())?;
        if is_function_word(&name) {
            let message = format!("`{name}(…)` is a function of CEL");
            return Err((message, "give the rule another name".to_owned()));
        }
        let Some(inner) = rest.strip_suffix(')') else {
            return Err((format!("the parameters of `{name}` do not end"), "end the name with `)`".to_owned()));
        };
        if inner.trim().is_empty() {
            return Err((format!("`{name}` has no parameter in its brackets"), format!("write `{name}` alone")));
        }
        let mut parameters: Vec<RuleParameter> = Vec::new();
        for written in inner.split(',') {
            let parameter = self.parameter(report, &name, written.trim())?;
            if parameters.iter().any(|known| known.name == parameter.name) {
                let message = format!("`{name}` has two parameters called `{}`", parameter.name);
                return Err((message, "give one of them another name".to_owned()));
            }
            parameters.push(parameter);
        }
        if parameters.len() > limits::RULE_PARAMETERS {
            let (count, most) = (parameters.len(), limits::RULE_PARAMETERS);
            let message = format!("`{name}` has {count} parameters, more than {most}");
            return Err((message, "pass a record and use its fields".to_owned()));
        }
        Ok((name, parameters))
    }

    fn rule_name(&self, name: &str) -> Result<String, Refusal> {
        if !is_identifier(name) {
            let help = "a name has up to 48 letters, digits and underscores, and starts with a letter";
            let message = match self.written {
                "" => "the rule has no name".to_owned(),
                written => format!("`{written}` cannot name a rule"),
            };
            return Err((message, help.to_owned()));
        }
        if is_expression_word(name) {
            let message = format!("`{name}` is a word of the rule language");
            return Err((message, "give the rule another name".to_owned()));
        }
        Ok(name.to_owned())
    }

    fn parameter(&self, report: &Report<'_>, rule: &str, written: &str) -> Result<RuleParameter, Refusal> {
        let Some((name, ty)) = written.split_once(':') else {
            let message = format!("`{written}` is not a parameter of `{rule}`");
            return Err((message, format!("write its name and its type, such as `{rule}(p: Project)`")));
        };
        let (name, ty) = (name.trim(), ty.trim());
        if !is_identifier(name) || is_expression_word(name) {
            let message = format!("`{name}` cannot name a parameter of `{rule}`");
            let help = "use up to 48 letters, digits and underscores, starting with a letter, and no word of the rule \
                        language";
            return Err((message, help.to_owned()));
        }
        Ok(RuleParameter { name: name.to_owned(), kind: self.kind(report, (rule, name), ty)? })
    }

    fn kind(&self, report: &Report<'_>, (rule, name): (&str, &str), ty: &str) -> Result<ParameterKind, Refusal> {
        let of = format!("`{name}` of `{rule}`");
        if let Some(plain) = ty.strip_suffix('!') {
            let message = format!("the type of {of} ends with `!`");
            return Err((message, format!("write `{name}: {plain}`; a value that is missing is unknown in the rule")));
        }
        let Some(inner) = ty.strip_prefix('[').and_then(|ty| ty.strip_suffix(']')) else {
            return self.single(report, &of, ty);
        };
        let Some(element) = inner.trim().strip_suffix('!') else {
            let message = format!("the elements of {of} can be null");
            return Err((message, format!("write `{name}: [{}!]`", inner.trim())));
        };
        match self.single(report, &of, element.trim_end())? {
            ParameterKind::Scalar(scalar) if scalar.is_listable() => Ok(ParameterKind::List(Element::Scalar(scalar))),
            ParameterKind::Enum(id) => Ok(ParameterKind::List(Element::Enum(id))),
            ParameterKind::Scalar(_) | ParameterKind::List(_) | ParameterKind::Record(_) => {
                let help =
                    "a parameter takes a record, a scalar, a value of an enum, or a list of scalars or enum values";
                Err((format!("{of} cannot be a list of {element}"), help.to_owned()))
            }
        }
    }

    fn single(&self, report: &Report<'_>, of: &str, ty: &str) -> Result<ParameterKind, Refusal> {
        let belongs_to_backstay = || {
            let message = format!("{of} takes `{ty}`, which belongs to Backstay");
            Err((message, "use a type or enum of your own".to_owned()))
        };
        let ty = report.places.packs.meant(report.places.owner(self.place), ty);
        if let Some(target) = self.survey.type_named(ty) {
            return if target.system { belongs_to_backstay() } else { Ok(ParameterKind::Record(target.id)) };
        }
        if let Some((id, node)) = self.survey.enum_named(ty) {
            let system = report.places.is_system(node.location());
            return if system { belongs_to_backstay() } else { Ok(ParameterKind::Enum(id)) };
        }
        if let Some(scalar) = Scalar::named(ty) {
            return Ok(ParameterKind::Scalar(scalar));
        }
        let types = self.survey.types.iter().filter(|ty| !ty.system).map(|ty| ty.node.name.as_str());
        let enums = self.survey.enums.iter().filter(|node| !report.places.is_system(node.location()));
        let known = types.chain(enums.map(|node| node.name.as_str()));
        Err((format!("{of} has an unknown type, `{ty}`"), suggestion(ty, known)))
    }
}

/// The normal form of a signature.
pub(super) fn normal(name: &str, written: &str) -> String {
    match written.split_once('(') {
        None => name.to_owned(),
        Some((_, parameters)) => {
            let tight: String = parameters.chars().filter(|c| !c.is_whitespace()).collect();
            format!("{name}({}", tight.replace(':', ": ").replace(',', ", "))
        }
    }
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.len() <= limits::MODEL_NAME_CHARS
}
