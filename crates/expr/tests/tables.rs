//! Runs the tables of `tests/*.md`: an expression, and what it answers for the posts p1, p2 and p3, or why it is
//! refused. Lines such as `caller: bob` above a table say how it is read; a heading forgets them.

mod newsroom;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use backstay_expr::{Checked, ExprError, Facts, Scope, Type, compile, compile_value, evaluate, fold};
use backstay_model::Model;
use backstay_scalar::Value;
use newsroom::{World, caller, id, model};

#[test]
fn every_table_holds() {
    let model = model();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let (mut rows, mut wrong) = (0, Vec::new());
    for entry in fs::read_dir(folder).expect("the folder of this test") {
        let path = entry.expect("a file").path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let text = fs::read_to_string(&path).expect("a text");
            rows += run(&model, &path.display().to_string(), &text, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{} of {rows} rows are wrong:\n\n{}", wrong.len(), wrong.join("\n\n"));
    assert!(rows > 150, "only {rows} rows");
}

/// The table of errors in docs/expressions.md: each expression is refused, with the remedy that it shows.
#[test]
fn the_errors_in_the_documentation() {
    let model = model();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/expressions.md");
    let document = fs::read_to_string(path).expect("the document");
    let (_, errors) = document.split_once("## Errors\n").expect("the section");
    let rows: Vec<Vec<String>> = errors.lines().filter(|line| line.starts_with("| `")).filter_map(cells).collect();
    let code = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    for row in &rows {
        let [expression, _, remedy] = row.as_slice() else { panic!("three columns: {row:?}") };
        let is_filter = expression.contains("(in a filter)") || expression.starts_with('$');
        let expression = expression.split('`').find(|part| !part.is_empty()).expect("an expression");
        let post = model.collection_named("Post").expect("a type").id;
        let scope = if is_filter { Scope::filter(&model, post) } else { Scope::rule(&model, post) };
        let errors = compile(expression, &scope).expect_err(expression);
        for shown in code(remedy) {
            assert!(errors[0].remedy().contains(&shown), "{expression}: {}: {shown}", errors[0].remedy());
        }
    }
    assert!(rows.len() > 20, "only {} rows", rows.len());
}

fn run(model: &Model, file: &str, text: &str, wrong: &mut Vec<String>) -> usize {
    let (mut settings, mut columns, mut rows) = (BTreeMap::new(), Vec::new(), 0);
    for (number, line) in text.lines().enumerate() {
        if line.starts_with('#') {
            settings.clear();
        } else if let Some(cells) = cells(line) {
            if cells.iter().all(|cell| cell.starts_with("--")) {
                continue;
            } else if columns.is_empty() {
                columns = cells;
                continue;
            }
            rows += 1;
            let row: BTreeMap<&str, &str> =
                columns.iter().map(String::as_str).zip(cells.iter().map(String::as_str)).collect();
            let got = answers(model, &settings, &row);
            if got.iter().any(|(column, got)| row[column] != got) {
                let got: Vec<String> = got.iter().map(|(column, got)| format!("  {column}: {got}")).collect();
                wrong.push(format!("{file}:{}\n  {line}\n{}", number + 1, got.join("\n")));
            }
        } else {
            columns.clear();
            if let Some((key, value)) = line.split_once(": ")
                && ["scope", "caller", "new", "type"].contains(&key)
            {
                settings.insert(key.to_owned(), value.to_owned());
            } else if let Some((name, value)) = line.strip_prefix('$').and_then(|line| line.split_once(" = ")) {
                settings.insert(format!("${name}"), value.to_owned());
            }
        }
    }
    rows
}

/// The cells of a row of a table; an expression stands in backticks.
fn cells(line: &str) -> Option<Vec<String>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    let inner = inner.replace(r"\|", "\u{1}");
    let cells = inner.split('|').map(|cell| cell.trim().replace('\u{1}', "|"));
    let code = |cell: &str| cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`')).map(str::to_owned);
    Some(cells.enumerate().map(|(at, cell)| if at == 0 { code(&cell).unwrap_or(cell) } else { cell }).collect())
}

fn scope<'m>(model: &'m Model, settings: &BTreeMap<String, String>) -> Scope<'m> {
    let collection = |name: &str| model.collection_named(name).expect("a collection").id;
    let text = settings.get("scope").map_or("rule Post", String::as_str);
    match text.split_once(' ').unwrap_or((text, "")) {
        ("rule", name) => Scope::rule(model, collection(name)),
        ("update", name) => Scope::update_rule(model, collection(name)),
        ("by", name) => Scope::transition_by(model, collection(name)),
        ("hook", name) => Scope::hook(model, collection(name)),
        ("change", name) => Scope::change(model, collection(name)),
        ("filter", name) => Scope::filter(model, collection(name)),
        _ => {
            assert_eq!(text, "caller");
            Scope::caller_only(model)
        }
    }
}

/// The row as it ought to be.
fn answers<'r>(
    model: &Model,
    settings: &BTreeMap<String, String>,
    row: &BTreeMap<&'r str, &'r str>,
) -> BTreeMap<&'r str, String> {
    let expression = row["expression"];
    let scope = scope(model, settings);
    let compiled = match settings.get("type") {
        None => compile(expression, &scope),
        Some(ty) => compile_value(expression, &scope, &type_named(model, ty)),
    };
    let answer = |column: &str| match (column, &compiled) {
        ("expression", _) => expression.to_owned(),
        ("at", Err(errors)) => expression[errors[0].span.clone()].to_owned(),
        ("remedy", Err(errors)) => errors[0].remedy(),
        (_, Err(errors)) => errors.iter().map(ExprError::to_string).collect::<Vec<_>>().join("; "),
        ("type", Ok(checked)) => format!("{:?}", checked.expr.ty),
        (post, Ok(checked)) => answer_for(model, settings, checked, post),
    };
    row.keys().map(|column| (*column, answer(column))).collect()
}

fn answer_for(model: &Model, settings: &BTreeMap<String, String>, checked: &Checked, post: &str) -> String {
    if !["p1", "p2", "p3"].contains(&post) {
        return "not refused".to_owned();
    }
    let caller = caller(settings.get("caller").map_or("nobody", String::as_str));
    let mut world = World::new(model, caller, &checked.account);
    world.this = id(post);
    world.new = settings.get("new").map_or(world.this, |name| id(name));
    for param in &checked.params {
        let text = settings.get(&format!("${}", param.name)).expect("a value for the parameter");
        let value = compile_value(text, &Scope::caller_only(model), &param.ty).expect("a literal");
        world.params.push(evaluate(&value.expr, &world));
    }
    let answer = show(&evaluate(&checked.expr, &world));
    let mut facts = Facts::default();
    let extracted = facts.extract(&checked.expr);
    world.facts = facts.evaluate(&world.caller);
    assert_eq!(show(&evaluate(&extracted, &world)), answer);
    assert_eq!(show(&evaluate(&fold(&extracted, &world.facts), &world)), answer);
    answer
}

fn type_named(model: &Model, name: &str) -> Type {
    match name {
        "Int" => Type::Int,
        "Float" => Type::Float,
        "Decimal" => Type::Decimal,
        "Text" => Type::Text,
        "DateTime" => Type::Timestamp,
        "Date" => Type::Date,
        "Duration" => Type::Duration,
        "[String]" => Type::List(Box::new(Type::Text)),
        "User" => Type::Record(model.collection_named(name).expect("a collection").id, backstay_base::KeyForm::Uuid),
        other => Type::Enum(model.enums.iter().find(|one| one.name == other).expect("an enum").id),
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => "unknown".to_owned(),
        Value::Bool(is) => is.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Decimal(number) => number.to_string(),
        Value::Text(text) => text.as_ref().to_owned(),
        Value::Timestamp(moment) => moment.to_string(),
        Value::Date(date) => date.to_string(),
        Value::Duration(length) => length.to_string(),
        Value::Id(id) => String::from_utf8_lossy(id.as_bytes()).trim_end_matches('\0').to_owned(),
        Value::List(list) => list.iter().map(show).collect::<Vec<_>>().join(","),
        other => format!("{other:?}"),
    }
}
