//! What is told of an expression besides its tree.

mod newsroom;

use backstay_expr::{Checked, Parameter, Scope, Type, compile};
use backstay_model::{CollectionId, FieldId, Model};
use newsroom::{World, caller, id, model, now};

fn compiled<'m>(model: &'m Model, text: &str, scope: fn(&'m Model, CollectionId) -> Scope<'m>) -> Checked {
    let post = model.collection_named("Post").expect("a collection").id;
    compile(text, &scope(model, post)).expect(text)
}

fn named(model: &Model, reads: &[(CollectionId, FieldId)]) -> Vec<String> {
    let name = |(collection, field): &(CollectionId, FieldId)| {
        format!("{}.{}", model.collection(*collection).name, model.field(*collection, *field).name)
    };
    reads.iter().map(name).collect()
}

#[test]
fn reads_tell_every_field_on_the_way() {
    let model = model();
    let check = |text: &str, expected: &[&str], needs_store: bool| {
        let checked = compiled(&model, text, Scope::rule);
        let mut reads = named(&model, &checked.reads);
        reads.sort();
        assert_eq!(reads, expected, "{text}");
        assert_eq!(checked.needs_store, needs_store, "{text}");
    };
    check("true", &[], false);
    check("this.author == auth.id && this.author != null", &["Post.author"], false);
    check("this.author.id == auth.id", &["Post.author"], false);
    check("this.id == auth.id", &["Post.id"], false);
    check("this.cost.amount > 1", &["Post.cost"], false);
    check("this.author.name == 'a'", &["Post.author", "User.name"], true);
    check("mine", &["Post.author"], false);
    check("this.title in [this.body, 'a']", &["Post.body", "Post.title"], false);
    check(
        "this.section.members.exists(m, m.user == auth.id)",
        &["Member.user", "Post.section", "Section.members"],
        true,
    );
    check("this.intro.text == 'a'", &["Post.intro"], false);
    check("this.blocks.all(b, b.size.width > 3 && b.text != this.title)", &["Post.blocks", "Post.title"], false);
    check("this.blocks.exists(b, b.text == this.author.name)", &["Post.author", "Post.blocks", "User.name"], true);
    // For each item through all of them: nothing in memory limits that.
    check("this.blocks.all(a, this.blocks.count(b, a.text == b.text) == 1)", &["Post.blocks"], true);
}

#[test]
fn the_moment_is_noted() {
    let model = model();
    let check = |text: &str, uses_now: bool| {
        assert_eq!(compiled(&model, text, Scope::change).uses_now, uses_now, "{text}");
    };
    check("this.pinned", false);
    check("now > this.publishedAt", true);
    check("request.time > new.publishedAt", true);
    check("this.author == new.author", false);
}

#[test]
fn parameters_take_the_type_of_what_they_stand_beside() {
    let model = model();
    let check = |text: &str, expected: &[(&str, Type)]| {
        let checked = compiled(&model, text, Scope::filter);
        let expected: Vec<Parameter> =
            expected.iter().map(|(name, ty)| Parameter { name: (*name).into(), ty: ty.clone() }).collect();
        assert_eq!(checked.params, expected, "{text}");
        assert!(!format!("{:?}", checked.expr).contains("Null,"), "{text}");
    };
    let user = || Type::Record(model.collection_named("User").expect("a collection").id, backstay_base::KeyForm::Uuid);
    let state = || Type::Enum(model.enums.iter().find(|one| one.name == "State").expect("an enum").id);
    check("title == $q", &[("q", Type::Text)]);
    check("$q == null || title == $q", &[("q", Type::Text)]);
    check("$b < words && rating > $a && words != $b", &[("b", Type::Int), ("a", Type::Float)]);
    check("author == $u && author.id == $u", &[("u", user())]);
    check("state in $s", &[("s", Type::List(Box::new(state())))]);
    check("$s in [state]", &[("s", state())]);
    check("publishedAt + $d > timestamp($t)", &[("d", Type::Duration), ("t", Type::Timestamp)]);
    check("words in [$a, 1] && author.born < date($b)", &[("a", Type::Int), ("b", Type::Date)]);
    check("pinned == $in", &[("in", Type::Bool)]);
}

#[test]
fn places_are_those_of_the_text_and_of_the_use_of_a_rule() {
    let model = model();
    let checked = compiled(&model, "  (this.pinned) && !mine", Scope::rule);
    let backstay_expr::Node::Binary(_, left, right) = &checked.expr.node else { unreachable!("it is `&&`") };
    assert_eq!((checked.expr.span.clone(), left.span.clone(), right.span.clone()), (3..24, 3..14, 19..24));
    let backstay_expr::Node::Not(mine) = &right.node else { unreachable!("it is `!`") };
    let backstay_expr::Node::Binary(_, own, editor) = &mine.node else { unreachable!("it is `||`") };
    assert_eq!((mine.span.clone(), own.span.clone(), editor.span.clone()), (20..24, 20..24, 20..24));
}

#[test]
fn a_bare_proposed_record_answers_what_needs_no_store() {
    let model = model();
    let mut world = World::new(&model, caller("bob"), &[]);
    assert_eq!(backstay_expr::Environment::now(&world), now());
    world.this = id("p2");
    assert!(backstay_expr::truth(&compiled(&model, "mine", Scope::rule).expr, &world).is_true());
}
