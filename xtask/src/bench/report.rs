use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// `34` → `3.4 %`.
pub(crate) fn percent(thousandths: u64) -> String {
    format!("{}.{} %", thousandths / 10, thousandths % 10)
}

/// The tables of a run as Markdown.
#[derive(Debug)]
pub(crate) struct Report {
    sections: Vec<(&'static str, String)>,
    failures: Vec<String>,
}

/// A measurement and its control.
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) work: String,
    pub(crate) measured: f64,
    pub(crate) control: f64,
    /// The lowest acceptable ratio, if there is one.
    pub(crate) floor: Option<f64>,
    /// Additional figures, such as latencies.
    pub(crate) remark: String,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self { sections: Vec::new(), failures: Vec::new() }
    }

    /// Adds a table of measurements and their controls. The name marks its place in the document.
    pub(crate) fn compare(&mut self, name: &'static str, unit: &str, rows: &[Compared]) {
        let mut text = format!("| work | {unit} | control | ratio | floor | remark |\n|---|--:|--:|--:|--:|---|\n");
        for Compared { work, measured, control, floor, remark } in rows {
            let ratio = measured / control;
            let floor = floor.map_or_else(String::new, |floor| {
                let verdict = if ratio >= floor { "reached" } else { "**missed**" };
                format!("{floor} {verdict}")
            });
            let _ = writeln!(text, "| {work} | {measured:.0} | {control:.0} | {ratio:.2} | {floor} | {remark} |");
        }
        self.sections.push((name, text));
    }

    /// Adds a table of single values.
    pub(crate) fn list(&mut self, name: &'static str, rows: &[(String, String)]) {
        let mut text = String::from("| what | value |\n|---|--:|\n");
        for (what, value) in rows {
            let _ = writeln!(text, "| {what} | {value} |");
        }
        self.sections.push((name, text));
    }

    /// Adds a table that is Markdown already.
    pub(crate) fn table(&mut self, name: &'static str, text: String) {
        self.sections.push((name, text));
    }

    /// Makes the run fail after its tables are printed.
    pub(crate) fn fail(&mut self, failures: impl IntoIterator<Item = String>) {
        self.failures.extend(failures);
    }

    /// An error that lists what made the run fail, if anything did.
    pub(crate) fn verdict(&self) -> Result<()> {
        ensure!(self.failures.is_empty(), "the run failed:\n{}", self.failures.join("\n"));
        Ok(())
    }

    /// Prints every table.
    pub(crate) fn print(&self) -> Result<()> {
        let mut out = std::io::stdout().lock();
        for (name, text) in &self.sections {
            writeln!(out, "\n{name}\n\n{text}")?;
        }
        Ok(())
    }

    /// Writes every table to its place in a document, between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`.
    pub(crate) fn write(&self, document: &Path) -> Result<()> {
        let mut text = fs::read_to_string(document).with_context(|| format!("reading {}", document.display()))?;
        for (name, table) in &self.sections {
            text = placed(&text, name, table)
                .with_context(|| format!("the document has no place for the table {name:?}"))?;
        }
        fs::write(document, text).with_context(|| format!("writing {}", document.display()))
    }
}

fn placed(document: &str, name: &str, table: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- bench:{name} -->\n"), format!("<!-- /bench:{name} -->"));
    let from = document.find(&begin)? + begin.len();
    let to = from + document[from..].find(&end)?;
    Some(format!("{}{table}{}", &document[..from], &document[to..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_takes_the_place_of_the_one_before() {
        let document = "a\n<!-- bench:start -->\nold\n<!-- /bench:start -->\nb\n";
        let expected = "a\n<!-- bench:start -->\nnew\n<!-- /bench:start -->\nb\n";
        assert_eq!(placed(document, "start", "new\n").as_deref(), Some(expected));
        assert_eq!(placed(document, "doors", "new\n"), None);
    }

    #[test]
    fn a_missed_floor_is_said() {
        let row = |measured| Compared {
            work: "read".into(),
            measured,
            control: 100.0,
            floor: Some(0.45),
            remark: String::new(),
        };
        let mut report = Report::new();
        report.compare("doors", "per second", &[row(45.0), row(44.0)]);
        let expected = "| work | per second | control | ratio | floor | remark |\n|---|--:|--:|--:|--:|---|\n\
                        | read | 45 | 100 | 0.45 | 0.45 reached |  |\n\
                        | read | 44 | 100 | 0.44 | 0.45 **missed** |  |\n";
        assert_eq!(report.sections[0].1, expected);
    }
}
