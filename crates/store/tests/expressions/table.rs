//! Tables in Markdown: lines of `| expression | SQLite | PostgreSQL | answers |`; all else is prose.

/// One file.
pub(crate) struct Table(Vec<Line>);

enum Line {
    Prose(String),
    Row(Row),
}

/// One expression.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) expression: String,
    pub(crate) sqlite: String,
    pub(crate) postgres: String,
    pub(crate) answers: String,
}

impl Table {
    pub(crate) fn read(path: &str) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self(text.lines().map(line).collect())
    }

    pub(crate) fn rows(&mut self) -> impl Iterator<Item = &mut Row> {
        self.0.iter_mut().filter_map(|line| match line {
            Line::Row(row) => Some(row),
            Line::Prose(_) => None,
        })
    }

    pub(crate) fn write(&self, path: &str) {
        let mut text = String::new();
        for line in &self.0 {
            match line {
                Line::Prose(prose) => text.push_str(prose),
                Line::Row(row) => {
                    let code = |cell: &str| format!("`{}`", cell.replace('|', "\\|"));
                    let cells = [code(&row.expression), code(&row.sqlite), code(&row.postgres), row.answers.clone()];
                    text.extend(["| ", &cells.join(" | "), " |"]);
                }
            }
            text.push('\n');
        }
        std::fs::write(path, text).expect("the table is written");
    }
}

fn line(text: &str) -> Line {
    let cells = cells(text);
    match cells.as_slice() {
        [expression, sqlite, postgres, answers] if text.starts_with("| `") => Line::Row(Row {
            expression: expression.clone(),
            sqlite: sqlite.clone(),
            postgres: postgres.clone(),
            answers: answers.clone(),
        }),
        _ => Line::Prose(text.to_owned()),
    }
}

fn cells(text: &str) -> Vec<String> {
    let inner = text.trim().trim_start_matches('|').strip_suffix('|').unwrap_or_default();
    let masked = inner.replace("\\|", "\u{0}");
    masked.split('|').map(|cell| cell.trim().trim_matches('`').replace('\u{0}', "|")).collect()
}
