//! A rule that still has the old name of a field.

use backstay_expr::{Scope, compile};
use backstay_model::{SourceFile, load};

#[test]
fn the_new_name_is_the_remedy() {
    let text = r#"
extend schema @app(name: "Test")
type Post @allow(read: "true") { title: String @renamed(from: "name") at: Place nam: String }
type Place @embedded { town: String @renamed(from: "city") }
"#;
    let loaded = load(vec![SourceFile::app("m.graphql", text)]);
    let model = loaded.map_err(|refused| refused.to_string()).expect("it loads").model;
    let post = model.collection_named("Post").expect("a type").id;
    for (rule, expected) in [
        ("this.name == 'x'", "it is called `title` now"),
        ("this.at.city == 'x'", "it is called `town` now"),
        ("this.titel == 'x'", "did you mean `title`?"),
    ] {
        let errors = compile(rule, &Scope::rule(&model, post)).expect_err("no such field");
        let remedies: Vec<String> = errors.iter().map(backstay_expr::ExprError::remedy).collect();
        assert_eq!(remedies, [expected], "{rule}");
    }
}
