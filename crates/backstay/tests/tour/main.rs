//! Runs READMEs: the tours of the examples, the first requests of the templates, the recipes, and the walks of whole
//! applications.

mod applications;
mod atlas;
mod packs;
mod reads;
mod recipes;
mod templates;
mod typescript;
mod walkthrough;

walkthrough::on_each_database! {
    fn the_newsroom_answers_as_its_readme_says(database) {
        walkthrough::walk_example("newsroom", database, |_| ());
    }

    fn conduit_answers_as_its_readme_says(database) {
        walkthrough::walk_example("conduit", database, |_| ());
    }

    fn the_shop_answers_as_its_readme_says(database) {
        walkthrough::walk_example("shop", database, |_| ());
    }

    fn the_wallet_answers_as_its_readme_says(database) {
        walkthrough::walk_example("wallet", database, |_| ());
    }
}
