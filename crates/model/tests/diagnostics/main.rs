//! What is wrong with a model, as it is told: one test per mistake.

mod actions;
mod allow;
mod app;
mod computed;
mod defaults;
mod deprecated;
mod directives;
mod embedded;
mod exclude;
mod fields;
mod history;
mod indexes;
mod interfaces;
mod jobs;
mod key;
mod limits;
mod mistakes;
mod names;
mod newcomers;
mod opposite;
mod order;
mod packs;
mod record_unions;
mod relations;
mod routes;
mod search;
mod sequence;
mod single;
mod slug;
mod states;
mod syntax;
mod system;
mod timers;
mod trash;
mod trees;
mod types;
mod unsupported;
mod warnings;

use backstay_model::{SourceFile, load};

/// All diagnostics of a model whose one file has this text.
fn told(model: &str) -> String {
    told_of(vec![
        SourceFile::app("app.graphql", "extend schema @app(name: \"Test\")\n"),
        SourceFile::app("model.graphql", model),
    ])
}

fn told_of(files: Vec<SourceFile>) -> String {
    match load(files) {
        Ok(loaded) => format!("loaded\n{}", loaded.warnings),
        Err(diagnostics) => format!("refused\n{diagnostics}"),
    }
}
