use std::fmt;
use std::time::Instant;

use backstay_base::Caller;
use serde::Serialize;

/// Why a request is allowed or refused, and what it costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// What was asked, in words.
    pub request: String,
    /// Who asked.
    pub caller: ExplainedCaller,
    /// Whether it is allowed.
    pub allowed: bool,
    /// What the caller would be told, where it is refused.
    pub refusal: Option<String>,
    /// Of several requests, each that was begun.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<ExplainedRequest>,
    /// The rules that were asked; of several requests, those that their commit asks.
    pub rules: Vec<ExplainedRule>,
    /// The statements that were run: of a read its own, of a write all of them; of several requests, those of their commit.
    pub statements: Vec<ExplainedStatement>,
    /// How long each stage took.
    pub stages: Vec<Stage>,
}

/// One of several requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedRequest {
    /// Which it is, from 0.
    pub index: usize,
    /// What was asked, in words.
    pub request: String,
    /// What the caller would be told if the request is refused by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// The rules that were asked.
    pub rules: Vec<ExplainedRule>,
    /// The statements that were run.
    pub statements: Vec<ExplainedStatement>,
}

impl ExplainedRequest {
    /// A request of which nothing was asked yet.
    pub fn new(index: usize, request: String) -> Self {
        Self { index, request, refusal: None, rules: Vec::new(), statements: Vec::new() }
    }
}

/// A caller, as rules see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedCaller {
    /// `auth.kind`.
    pub kind: &'static str,
    /// `auth.id`.
    pub id: Option<String>,
    /// `auth.roles`.
    pub roles: Vec<String>,
}

impl ExplainedCaller {
    pub(crate) fn of(caller: &Caller) -> Self {
        Self {
            kind: caller.kind.name(),
            id: caller.id.map(|id| id.to_string()),
            roles: caller.roles.iter().map(ToString::to_string).collect(),
        }
    }
}

/// A rule and what it came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedRule {
    /// Whose rule it is, such as `Post read` or `User.email read`.
    pub of: String,
    /// Where it stands, such as `model/post.graphql:7`.
    pub place: String,
    /// Its text; empty where there is none, which refuses everybody.
    pub text: String,
    /// `true`, `false`, `unknown`, or `each record` where it is asked in the statement.
    pub answer: String,
    /// Its parts, in order.
    pub parts: Vec<ExplainedPart>,
}

/// A part of a rule and what it came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedPart {
    /// Its text.
    pub text: String,
    /// `true`, `false`, `unknown` or `each record`.
    pub answer: String,
    /// The values that it saw, by the names they have in the text. Classified ones are withheld.
    pub saw: Vec<(String, String)>,
}

/// A statement that was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedStatement {
    /// Its text.
    pub sql: String,
    /// The values of its placeholders, in order, each with where it comes from.
    pub values: Vec<String>,
    /// Rows that it answered or changed.
    pub rows: u64,
    /// Rows that were visited by walking through a table without an index.
    pub scanned: u64,
    /// Steps of the database's virtual machine.
    pub steps: u64,
}

/// A stage of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    /// `plan`, `read`, `write`.
    pub name: &'static str,
    /// How long it took.
    pub micros: u64,
}

impl Explanation {
    /// Of a request, described in words, of a caller: it is allowed, and nothing was asked yet.
    pub(crate) fn new(request: String, caller: ExplainedCaller) -> Self {
        Self {
            request,
            caller,
            allowed: true,
            refusal: None,
            requests: Vec::new(),
            rules: Vec::new(),
            statements: Vec::new(),
            stages: Vec::new(),
        }
    }

    /// The request is refused with this.
    pub fn refuse(&mut self, refusal: &impl fmt::Display) {
        self.allowed = false;
        self.refusal = Some(refusal.to_string());
    }

    pub(crate) fn stage(&mut self, name: &'static str, start: Instant) {
        // A stage that lasts longer than 64 bits of microseconds is not one that anybody waits for.
        let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.stages.push(Stage { name, micros });
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.allowed { "allowed" } else { "refused" };
        writeln!(f, "{}: {verdict}", self.request)?;
        if let Some(refusal) = &self.refusal {
            writeln!(f, "  {refusal}")?;
        }
        let ExplainedCaller { kind, id, roles } = &self.caller;
        let id = id.as_deref().unwrap_or("no id");
        let roles = if roles.is_empty() { "no roles".to_owned() } else { roles.join(", ") };
        writeln!(f, "\ncaller\n  {kind}, {id}, {roles}")?;
        for ExplainedRequest { index, request, refusal, rules, statements } in &self.requests {
            match refusal {
                Some(refusal) => writeln!(f, "\nrequest {}: {request}: refused\n  {refusal}", index + 1)?,
                None => writeln!(f, "\nrequest {}: {request}", index + 1)?,
            }
            asked(f, rules, statements)?;
        }
        if self.requests.is_empty() {
            asked(f, &self.rules, &self.statements)?;
        } else if !self.rules.is_empty() || !self.statements.is_empty() {
            writeln!(f, "\ncommit")?;
            asked(f, &self.rules, &self.statements)?;
        }
        if !self.stages.is_empty() {
            writeln!(f, "\nstages")?;
        }
        for stage in &self.stages {
            writeln!(f, "  {:<6} {:>8} µs", stage.name, stage.micros)?;
        }
        Ok(())
    }
}

/// The rules that were asked, and the statements.
fn asked(f: &mut fmt::Formatter<'_>, rules: &[ExplainedRule], statements: &[ExplainedStatement]) -> fmt::Result {
    writeln!(f, "\nrules")?;
    for rule in rules {
        write!(f, "{rule}")?;
    }
    for statement in statements {
        writeln!(f, "\nstatement\n  {}", statement.sql)?;
        writeln!(f, "  values: {}", statement.values.join(", "))?;
        let ExplainedStatement { rows, scanned, steps, .. } = statement;
        writeln!(f, "  rows returned or changed: {rows}; visited without an index: {scanned}; steps: {steps}")?;
    }
    Ok(())
}

impl fmt::Display for ExplainedRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.text.is_empty() {
            return writeln!(f, "  {}: there is no rule, so nobody may", self.of);
        }
        writeln!(f, "  {}: {}    ({})\n    {}", self.of, self.answer, self.place, self.text)?;
        for part in &self.parts {
            let saw: Vec<String> = part.saw.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            let saw = if saw.is_empty() { String::new() } else { format!("    [{}]", saw.join(", ")) };
            writeln!(f, "      {:<10} {}{saw}", part.answer, part.text)?;
        }
        Ok(())
    }
}
