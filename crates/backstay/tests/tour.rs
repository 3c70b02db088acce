//! Runs the tour of `examples/newsroom` from its README.

mod walkthrough;

#[test]
fn the_newsroom_answers_as_its_readme_says() {
    walkthrough::walk("newsroom", |_| ());
}
