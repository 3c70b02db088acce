//! The tour through `examples/newsroom`, as its README tells it.

mod walkthrough;

#[test]
fn the_newsroom_answers_as_its_readme_says() {
    walkthrough::walk("newsroom", |_| ());
}
