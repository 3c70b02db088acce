use std::ops::Range;

/// The steps of a README.
pub(crate) struct Readme {
    pub(crate) steps: Vec<Step>,
}

/// A block to run.
pub(crate) struct Step {
    /// The line where it begins, from 1.
    pub(crate) line: usize,
    pub(crate) script: String,
    pub(crate) answer: Option<Answer>,
}

/// The expected output of a step.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    /// Its lines in the README, without the fences, from 0.
    lines: Range<usize>,
}

impl Answer {
    /// Takes any text for the SQL of the database that READMEs show.
    pub(crate) fn forget_statements(&mut self) {
        let is_statement = |line: &str| line.trim_start().starts_with("SELECT ");
        let lines = self.text.lines().map(|line| if is_statement(line) { "  …" } else { line });
        self.text = lines.collect::<Vec<_>>().join("\n");
    }
}

/// How an output is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Json,
    Http,
    Text,
}

impl Readme {
    pub(crate) fn parse(text: &str) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        let mut steps: Vec<Step> = Vec::new();
        let mut at = 0;
        while at < lines.len() {
            let Some(mark) = lines[at].strip_prefix("```") else {
                at += 1;
                continue;
            };
            let begin = at + 1;
            let length = lines[begin..].iter().position(|line| *line == "```").expect("a block ends");
            let block = lines[begin..begin + length].join("\n");
            let kind = match mark {
                "json" => Some(Kind::Json),
                "http" => Some(Kind::Http),
                "text" => Some(Kind::Text),
                _ => None,
            };
            if mark == "sh" {
                steps.push(Step { line: begin, script: block, answer: None });
            } else if let (Some(kind), Some(step)) = (kind, steps.last_mut()) {
                assert!(step.answer.is_none(), "line {begin}: a second answer to the same block");
                step.answer = Some(Answer { kind, text: block, lines: begin..begin + length });
            }
            at = begin + length + 1;
        }
        Self { steps }
    }

    pub(crate) fn scripts(&self) -> Vec<&str> {
        self.steps.iter().map(|step| step.script.as_str()).collect()
    }

    /// The README with the current answers.
    pub(crate) fn with_answers(&self, text: &str) -> String {
        let lines: Vec<&str> = text.lines().collect();
        let mut written = String::new();
        let mut from = 0;
        for answer in self.steps.iter().filter_map(|step| step.answer.as_ref()) {
            for line in lines[from..answer.lines.start].iter().copied().chain(answer.text.lines()) {
                written.push_str(line);
                written.push('\n');
            }
            from = answer.lines.end;
        }
        for line in &lines[from..] {
            written.push_str(line);
            written.push('\n');
        }
        written
    }
}

#[test]
fn blocks_and_their_answers_are_found() {
    let text = "a\n```sh\nx=1\n```\nb\n```console\nnot run\n```\n```sh\necho $x\n```\n\n```text\n1\n```\n";
    let mut readme = Readme::parse(text);
    assert_eq!(readme.scripts(), ["x=1", "echo $x"]);
    assert!(readme.steps[0].answer.is_none());
    assert_eq!(readme.with_answers(text), text);
    let answer = readme.steps[1].answer.as_mut().expect("an answer");
    assert_eq!((answer.kind, answer.text.as_str()), (Kind::Text, "1"));
    answer.text = "2\n3".to_owned();
    assert_eq!(readme.with_answers(text), text.replace("\n1\n", "\n2\n3\n"));
}
