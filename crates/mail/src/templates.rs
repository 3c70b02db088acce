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
    environment: Environment<'static>,
    /// By name and language.
    all: BTreeMap<String, BTreeMap<String, Template>>,
    /// The language of whoever has none, or one in which there is no template.
    language: String,
}

/// A template in one language.
#[derive(Debug, Default)]
struct Template {
    /// The file with the subject and the text.
    text: Option<String>,
    html: Option<String>,
}

/// How the subject of a template is named among the templates.
const SUBJECT: &str = ".subject";

impl Templates {
    /// None, for an application that sends no mail.
    pub fn none() -> Self {
        Self { environment: Environment::empty(), all: BTreeMap::new(), language: String::new() }
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
        let Reading { environment, all, mut wrong } = reading;
        wrong.extend(incomplete(&all, &language));
        if wrong.is_empty() { Ok(Self { environment, all, language }) } else { Err(wrong) }
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
        let (language, template) = self.spoken(languages, mail.language.as_deref());
        let values = Value::from(Serde(&mail.values));
        let given: BTreeSet<&str> = mail.values.keys().map(String::as_str).collect();
        let mut content =
            Content { subject: String::new(), text: String::new(), html: None, language: language.to_owned() };
        if let Some(file) = &template.text {
            content.subject = one_line(&self.rendered(&format!("{file}{SUBJECT}"), &values, &given)?);
            self.rendered(file, &values, &given)?.trim_start_matches('\n').clone_into(&mut content.text);
        }
        if let Some(file) = &template.html {
            content.html = Some(self.rendered(file, &values, &given)?);
        }
        Ok(content)
    }

    /// The template in this language, in the language without its region, or in that of the settings.
    fn spoken<'t>(
        &'t self,
        languages: &'t BTreeMap<String, Template>,
        wanted: Option<&str>,
    ) -> (&'t str, &'t Template) {
        let wanted = wanted.and_then(normalized);
        let mut tag = wanted.as_deref();
        while let Some(one) = tag {
            if let Some((language, template)) = languages.get_key_value(one) {
                return (language, template);
            }
            tag = one.rsplit_once('-').map(|(shorter, _)| shorter);
        }
        let fallback = languages.get_key_value(&self.language).or_else(|| languages.iter().next());
        fallback.map_or((self.language.as_str(), &NO_TEMPLATE), |(language, template)| (language, template))
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
        let template = self.environment.get_template(name).map_err(|error| failed(error, false))?;
        let rendered = template.render_captured_to(values.clone(), &mut out).map(drop);
        rendered.map_err(|error| failed(error, out.0.len() >= limits::MAIL_BYTES))?;
        Ok(String::from_utf8_lossy(&out.0).into_owned())
    }

    /// The values that a file names, as far as it doesn't give them itself.
    fn variables(&self, name: &str) -> BTreeSet<String> {
        let template = self.environment.get_template(name);
        let names = template.map(|template| template.undeclared_variables(false)).unwrap_or_default();
        names.into_iter().filter(|name| !self.environment.globals().any(|(global, _)| global == name)).collect()
    }
}

static NO_TEMPLATE: Template = Template { text: None, html: None };

impl Template {
    /// Its files, and its subject.
    fn files(&self) -> impl Iterator<Item = String> {
        let subject = self.text.iter().map(|file| format!("{file}{SUBJECT}"));
        subject.chain(self.text.clone()).chain(self.html.clone())
    }
}

/// Templates while they are read.
struct Reading {
    environment: Environment<'static>,
    all: BTreeMap<String, BTreeMap<String, Template>>,
    wrong: Vec<Problem>,
}

impl Default for Reading {
    fn default() -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|name| match Path::new(name).extension() {
            Some(extension) if extension == "html" => AutoEscape::Html,
            _ => AutoEscape::None,
        });
        environment.set_fuel(Some(limits::MAIL_FUEL));
        Self { environment, all: BTreeMap::new(), wrong: Vec::new() }
    }
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
        let template = self.all.entry(name).or_default().entry(language).or_default();
        match form {
            Form::Text => {
                template.text = Some(file.to_owned());
                let parts = split(file, text)?;
                // Errors name the lines of the whole file.
                let body = format!("{}{}", "\n".repeat(parts.lines), parts.body);
                self.compile(file, &format!("{file}{SUBJECT}"), parts.subject.to_owned())?;
                self.compile(file, file, body)
            }
            Form::Html => {
                template.html = Some(file.to_owned());
                self.compile(file, file, text.to_owned())
            }
        }
    }

    fn compile(&mut self, file: &str, name: &str, text: String) -> Result<(), Problem> {
        self.environment.add_template_owned(name.to_owned(), text).map_err(|error| {
            let message = error.detail().map_or_else(|| error.to_string(), str::to_owned);
            Problem::at(&path(file), error.line().unwrap_or(1), message)
        })
    }
}

/// Templates without a text, or without the language that others fall back to.
fn incomplete(all: &BTreeMap<String, BTreeMap<String, Template>>, language: &str) -> Vec<Problem> {
    let mut wrong = Vec::new();
    for (name, languages) in all {
        for (tag, template) in languages {
            if let (None, Some(html)) = (&template.text, &template.html) {
                let message = format!("write the same as `{name}.{tag}.txt`, which also has the subject");
                wrong.push(Problem::of_file(&path(html), format!("there is no text beside the HTML; {message}")));
            }
        }
        if !languages.contains_key(language) {
            let file = path(&format!("{name}.{language}.txt"));
            let message =
                format!("`{name}` isn't there in `{language}`, the language of whoever has no other (`mail.language`)");
            wrong.push(Problem::of_file(&file, message));
        }
    }
    wrong
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
