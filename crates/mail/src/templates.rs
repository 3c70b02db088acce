//! The templates of an application: read, checked and rendered.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

use backstay_base::{limits, nearest};
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value};

use crate::content::Content;
use crate::error::RenderError;
use crate::files::{DIRECTORY, FileName, Form, normalized, path, split};
use crate::letter::Mail;
use crate::problem::Problem;

/// The templates of an application.
#[derive(Debug)]
pub struct Templates {
    environments: Environments,
    /// By name and language.
    all: BTreeMap<String, BTreeMap<String, Template>>,
    /// The language of whoever has none, or one in which there is no template.
    language: String,
}

/// A template in one language: its files.
#[derive(Debug)]
struct Template {
    /// The one with the subject and the text.
    text: String,
    html: Option<String>,
}

/// The files of a template in one language that were found.
#[derive(Debug, Default)]
struct Found {
    text: Option<String>,
    html: Option<String>,
}

/// How the subject of a template is named among the templates.
const SUBJECT: &str = ".subject";

impl Templates {
    /// None, for an application that sends no mail.
    pub fn none() -> Self {
        Self { environments: Environments::default(), all: BTreeMap::new(), language: String::new() }
    }

    /// Reads the templates of the application in this directory. Each is there in this language.
    pub fn read(application: &Path, language: &str) -> Result<Self, Vec<Problem>> {
        let directory = application.join(DIRECTORY);
        let files = match files(&directory) {
            Ok(files) if files.is_empty() => return Ok(Self { language: language.to_owned(), ..Self::none() }),
            Ok(files) => files,
            Err(error) => return Err(vec![Problem::of_file(DIRECTORY, error.to_string())]),
        };
        let language = normalized(language).unwrap_or_else(|| language.to_owned());
        let mut reading = Reading::default();
        for file in files {
            if let Err(problem) = reading.file(&directory, &file) {
                reading.wrong.push(problem);
            }
        }
        let Reading { environments, found, mut wrong } = reading;
        let all = complete(found, &language, &mut wrong);
        if wrong.is_empty() { Ok(Self { environments, all, language }) } else { Err(wrong) }
    }

    /// Whether there is no template.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The language in which each template is there.
    pub fn language(&self) -> &str {
        &self.language
    }

    /// Whether there is a template of this name.
    pub fn has(&self, name: &str) -> bool {
        self.all.contains_key(name)
    }

    /// The name of each template, with the values that it takes in any language.
    pub fn names(&self) -> impl Iterator<Item = (&str, BTreeSet<String>)> {
        self.all.iter().map(|(name, languages)| {
            let files = languages.values().flat_map(Template::files);
            (name.as_str(), files.flat_map(|file| self.variables(&file)).collect())
        })
    }

    /// The members of its values that a template names in any language, such as `title` of `record`.
    pub fn members(&self, name: &str) -> BTreeSet<(String, String)> {
        let files = self.all.get(name).into_iter().flat_map(BTreeMap::values).flat_map(Template::files);
        let paths = files.flat_map(|file| {
            let template = self.environments.of(&file).get_template(&file);
            template.map(|template| template.undeclared_variables(true)).unwrap_or_default()
        });
        let member = |path: String| {
            let mut parts = path.split('.').map(str::to_owned);
            Some((parts.next()?, parts.next()?))
        };
        paths.filter_map(member).collect()
    }

    /// The template of this name, or the one that was probably meant.
    fn named(&self, name: &str) -> Result<&BTreeMap<String, Template>, RenderError> {
        self.all.get(name).ok_or_else(|| RenderError::NoTemplate {
            name: name.to_owned(),
            nearest: nearest(name, self.all.keys().map(String::as_str)).map(str::to_owned),
        })
    }

    /// What a mail says.
    ///
    /// # Errors
    /// If there is no such template, or it fails with these values.
    pub fn render(&self, mail: &Mail) -> Result<Content, RenderError> {
        let languages = self.named(&mail.template)?;
        let none = || RenderError::NoTemplate { name: mail.template.clone(), nearest: None };
        let (language, template) = self.spoken(languages, mail.language.as_deref()).ok_or_else(none)?;
        let file = &template.text;
        let values = Value::from(Serde(&mail.values));
        let given: BTreeSet<&str> = mail.values.keys().map(String::as_str).collect();
        let rendered = |name: &str| self.rendered(name, &values, &given);
        Ok(Content {
            subject: one_line(&rendered(&format!("{file}{SUBJECT}"))?),
            text: rendered(file)?.trim_start_matches('\n').to_owned(),
            html: template.html.as_deref().map(rendered).transpose()?,
            language: language.to_owned(),
        })
    }

    /// The template in this language, in the language without its region, or in that of the settings.
    fn spoken<'t>(
        &'t self,
        languages: &'t BTreeMap<String, Template>,
        wanted: Option<&str>,
    ) -> Option<(&'t str, &'t Template)> {
        let wanted = wanted.and_then(normalized);
        let mut tag = wanted.as_deref();
        while let Some(one) = tag {
            if let Some((language, template)) = languages.get_key_value(one) {
                return Some((language, template));
            }
            tag = one.rsplit_once('-').map(|(shorter, _)| shorter);
        }
        languages.get_key_value(&self.language).map(|(language, template)| (language.as_str(), template))
    }

    fn rendered(&self, name: &str, values: &Value, given: &BTreeSet<&str>) -> Result<String, RenderError> {
        let file = path(name.strip_suffix(SUBJECT).unwrap_or(name));
        let mut out = Bounded(Vec::new());
        let failed = |error: minijinja::Error, is_full: bool| {
            if is_full {
                return RenderError::TooLarge { file: file.clone() };
            }
            let missing = self.variables(name).into_iter().filter(|name| !given.contains(name.as_str()));
            let names: Vec<String> = missing.collect();
            if error.kind() == ErrorKind::UndefinedError && !names.is_empty() {
                return RenderError::MissingValues { file: file.clone(), names };
            }
            RenderError::Template { file: file.clone(), line: error.line(), source: error.into() }
        };
        let template = self.environments.of(name).get_template(name).map_err(|error| failed(error, false))?;
        let rendered = template.render_captured_to(values.clone(), &mut out).map(drop);
        rendered.map_err(|error| failed(error, out.0.len() >= limits::MAIL_BYTES))?;
        Ok(String::from_utf8_lossy(&out.0).into_owned())
    }

    /// The values that a file names, as far as it doesn't give them itself.
    fn variables(&self, name: &str) -> BTreeSet<String> {
        let environment = self.environments.of(name);
        let template = environment.get_template(name);
        let names = template.map(|template| template.undeclared_variables(false)).unwrap_or_default();
        names.into_iter().filter(|name| !environment.globals().any(|(global, _)| global == name)).collect()
    }
}

impl Template {
    /// Its files, and its subject.
    fn files(&self) -> impl Iterator<Item = String> {
        [format!("{}{SUBJECT}", self.text), self.text.clone()].into_iter().chain(self.html.clone())
    }
}

/// Where templates find their parts: those of HTML among HTML, which escapes values, and those of texts among texts.
#[derive(Debug)]
struct Environments {
    html: Environment<'static>,
    text: Environment<'static>,
}

impl Environments {
    /// The one of the file of this name, or of the subject in it.
    fn of(&self, name: &str) -> &Environment<'static> {
        if is_html(name) { &self.html } else { &self.text }
    }
}

impl Default for Environments {
    fn default() -> Self {
        let with = |escape: fn(&str) -> AutoEscape| {
            let mut environment = Environment::new();
            environment.set_undefined_behavior(UndefinedBehavior::Strict);
            environment.set_auto_escape_callback(escape);
            // What an account may not read is null, and nothing in the mail.
            environment.set_formatter(|out, state, value| {
                if value.is_none() { Ok(()) } else { minijinja::escape_formatter(out, state, value) }
            });
            environment.set_fuel(Some(limits::MAIL_FUEL));
            environment
        };
        Self { html: with(|_| AutoEscape::Html), text: with(|_| AutoEscape::None) }
    }
}

fn is_html(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "html")
}

/// Templates while they are read.
#[derive(Default)]
struct Reading {
    environments: Environments,
    /// By name and language.
    found: BTreeMap<String, BTreeMap<String, Found>>,
    wrong: Vec<Problem>,
}

impl Reading {
    fn file(&mut self, directory: &Path, file: &str) -> Result<(), Problem> {
        let name = FileName::read(file)?;
        let of_file = |message: String| Problem::of_file(&path(file), message);
        let about = fs::metadata(directory.join(file)).map_err(|error| of_file(error.to_string()))?;
        if !about.is_file() || about.len() > limits::MAIL_BYTES as u64 {
            return Err(of_file(format!("this is not a file of at most {} bytes", limits::MAIL_BYTES)));
        }
        let text = fs::read_to_string(directory.join(file)).map_err(|error| of_file(error.to_string()))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let FileName::Template { name, language, form } = name else {
            return self.compile(file, file, text.to_owned());
        };
        let found = self.found.entry(name).or_default().entry(language).or_default();
        match form {
            Form::Text => {
                found.text = Some(file.to_owned());
                let parts = split(file, text)?;
                // Errors name the lines of the whole file.
                let body = format!("{}{}", "\n".repeat(parts.lines), parts.body);
                self.compile(file, &format!("{file}{SUBJECT}"), parts.subject.to_owned())?;
                self.compile(file, file, body)
            }
            Form::Html => {
                found.html = Some(file.to_owned());
                self.compile(file, file, text.to_owned())
            }
        }
    }

    fn compile(&mut self, file: &str, name: &str, text: String) -> Result<(), Problem> {
        let environments = &mut self.environments;
        let environment = if is_html(name) { &mut environments.html } else { &mut environments.text };
        environment.add_template_owned(name.to_owned(), text).map_err(|error| {
            let message = error.detail().map_or_else(|| error.to_string(), str::to_owned);
            Problem::at(&path(file), error.line().unwrap_or(1), message)
        })
    }
}

/// The templates. Those without a text, or without the language that others fall back to, are wrong.
fn complete(
    found: BTreeMap<String, BTreeMap<String, Found>>,
    language: &str,
    wrong: &mut Vec<Problem>,
) -> BTreeMap<String, BTreeMap<String, Template>> {
    let mut all = BTreeMap::new();
    for (name, languages) in found {
        if !languages.contains_key(language) {
            let file = path(&format!("{name}.{language}.txt"));
            let message =
                format!("`{name}` isn't there in `{language}`, the language of whoever has no other (`mail.language`)");
            wrong.push(Problem::of_file(&file, message));
        }
        let mut templates = BTreeMap::new();
        for (tag, Found { text, html }) in languages {
            match (text, html) {
                (Some(text), html) => drop(templates.insert(tag, Template { text, html })),
                (None, html) => {
                    let file = html.unwrap_or_else(|| format!("{name}.{tag}.html"));
                    let message = format!("the HTML has no text; write `{name}.{tag}.txt`, which also has the subject");
                    wrong.push(Problem::of_file(&path(&file), message));
                }
            }
        }
        all.insert(name, templates);
    }
    all
}

/// The names of the files in a directory, in order, without hidden files and documents; none if there is no directory.
fn files(directory: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !(name.starts_with(['.', '#']) || name.ends_with('~') || name.to_ascii_lowercase().ends_with(".md")) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// A subject is one line: nothing that it holds begins another header.
fn one_line(text: &str) -> String {
    let words = text.split(|one: char| one.is_control() || one.is_whitespace()).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(limits::MAIL_SUBJECT_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// What a template has written, up to the size that a mail may have.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = limits::MAIL_BYTES - self.0.len();
        if bytes.len() >= room {
            self.0.resize(limits::MAIL_BYTES, 0);
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
