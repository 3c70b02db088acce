//! Runs docs/recipes.md: each section with a model is an application, whose requests answer as the section says.

use std::fs;
use std::path::Path;

use crate::walkthrough::{self, Database, Served};

const DOCUMENT: &str = include_str!("../../../../docs/recipes.md");

/// The first block of a section with this mark, with its fences, and what is in it.
fn block<'d>(section: &'d str, mark: &str) -> Option<(&'d str, &'d str)> {
    let fence = format!("```{mark}\n");
    let start = section.find(&fence)?;
    let inside = &section[start + fence.len()..];
    let end = inside.find("\n```")? + 1;
    Some((&section[start..start + fence.len() + end + "```".len()], &inside[..end]))
}

crate::walkthrough::on_each_database! {
    fn every_recipe_does_what_it_says(database) {
        walk_recipes(database);
    }
}

fn walk_recipes(database: Database) {
    let (first, sections) = DOCUMENT.split_once("\n## ").expect("recipes");
    let (accounts, _) = block(first, "sh").expect("accounts for all");
    let mut recipes = 0;
    for section in sections.split("\n## ") {
        let Some((_, model)) = block(section, "graphql") else { continue };
        let place = tempfile::tempdir().expect("a temporary directory");
        let application = place.path().join("recipe");
        fs::create_dir_all(application.join("model")).expect("a directory");
        let write = |name: &str, text: &str| fs::write(application.join(name), text).expect("a file");
        write("model/recipe.graphql", model);
        write("backstay.toml", "[accounts]\nsign_up = \"open\"\n");
        write("README.md", &format!("{accounts}\n\n{section}"));
        check(&application, place, database);
        recipes += 1;
    }
    assert!(recipes >= 7, "{recipes} recipes were found");
}

fn check(application: &Path, place: tempfile::TempDir, database: Database) {
    let (readme, within) = (application.join("README.md"), application.to_owned());
    walkthrough::walk(&readme, &Served::start(place, (&within, &within), database));
}
