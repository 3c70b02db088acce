//! The `OpenAPI` document of the newsroom example, as a snapshot: what a client generator is given.

use std::fs;
use std::path::Path;

use backstay_http::{HttpSettings, describe};
use backstay_model::SourceFile;

#[test]
fn the_newsroom_is_described() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/newsroom/model");
    let mut files: Vec<SourceFile> = fs::read_dir(directory)
        .expect("the example is there")
        .map(|entry| {
            let path = entry.expect("the directory can be read").path();
            let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
            SourceFile::app(name, fs::read_to_string(&path).expect("a model file is text"))
        })
        .collect();
    files.push(backstay_identity::system_model(Some("User")));
    let loaded = backstay_model::load(files).unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    let document: serde_json::Value =
        serde_json::from_str(&describe(&loaded.model, &HttpSettings::default())).expect("the document is JSON");
    insta::assert_snapshot!(serde_json::to_string_pretty(&document).expect("it is JSON"));
}
