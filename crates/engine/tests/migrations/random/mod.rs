//! Models at random that change at random while they hold records, and back again. `MIGRATION_CASES` is how many models
//! are tried on SQLite, and a fifth as many on PostgreSQL, and `MIGRATION_SEED` where the choices start; a failure shows
//! the seed that repeats it. They have trees, trashes, histories, ranges that exclude each other, numbers, slugs, stored sums, shared
//! currencies and documents that refer to records.

mod carried;
mod edits;
mod generate;
mod judge;
mod schema;
mod text;
mod values;
mod world;

use std::sync::{Arc, Mutex, PoisonError};

use backstay_engine::OpenError;
use backstay_testkit::reference::Random;

use super::changed::{Place, told};
use judge::{judge_consequences, judge_numbers, judge_world};
use schema::Schema;
use text::{is_ambiguous, text};
use world::{follows, populate, read, write_again};

/// Models that are tried on SQLite in a run without settings.
const CASES: usize = 50;
/// How many of them are tried on SQLite for each on PostgreSQL.
const PER_POSTGRES: usize = 5;
/// Ways to change a model that are tried, as long as records stand in the way.
const TRIES: usize = 3;

#[expect(clippy::panic, reason = "a setting that is no number fails the test, and is to say so")]
fn setting(name: &str, usual: usize) -> usize {
    let text = std::env::var(name).unwrap_or_else(|_| usual.to_string());
    text.parse().unwrap_or_else(|_| panic!("{name} is a whole number"))
}

/// What is tried at the moment, for the one who reads a failure.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<String>>);

impl Notes {
    fn set(&self, text: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[expect(clippy::panic, reason = "a case that fails fails the test, and is to show what it was")]
async fn cases(count: usize, make: fn() -> Place) {
    let first = setting("MIGRATION_SEED", 1);
    let mut applied = 0;
    for seed in first..first + count {
        let notes = Notes::default();
        let case = tokio::spawn(Case::run(seed, make(), notes.clone()));
        let problem = match case.await {
            Ok(Ok(migrations)) => {
                applied += migrations;
                continue;
            }
            Ok(Err(problem)) => problem,
            Err(panicked) => panicked.to_string(),
        };
        panic!("repeat this with MIGRATION_SEED={seed} MIGRATION_CASES=1\n{}\n{problem}", notes.text());
    }
    assert!(count < CASES || applied >= count, "only {applied} migrations of {count} models were applied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn models_at_random_change_on_sqlite() {
    cases(setting("MIGRATION_CASES", CASES), Place::sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn models_at_random_change_on_postgres() {
    cases(setting("MIGRATION_CASES", CASES).div_ceil(PER_POSTGRES), Place::postgres).await;
}

/// One database whose model changes.
struct Case {
    place: Place,
    random: Random,
    notes: Notes,
    /// The model and its text.
    model: (Schema, String),
}

impl Case {
    /// Gives how many migrations were applied, or what was wrong.
    async fn run(seed: usize, place: Place, notes: Notes) -> Result<usize, String> {
        let mut random = Random::seeded(u64::try_from(seed).expect("a seed has at most 64 bits"));
        let schema = Schema::random(&mut random);
        let text = text(&schema, None);
        notes.set(text.clone());
        place.apply(&text, false).map_err(|error| error.to_string())?;
        let mut this = Self { place, random, notes, model: (schema, text) };
        populate(&this.place, &mut this.random, (&this.model.0, &this.model.1)).await?;
        let first = this.model.0.clone();
        for _ in 0..TRIES {
            let next = first.changed(&mut this.random);
            if this.change(&next).await? {
                return Ok(1 + usize::from(this.back(&first).await?));
            }
        }
        Ok(0)
    }

    /// Returns to an earlier model, after a release without `@renamed` if it could be read in two ways.
    async fn back(&mut self, first: &Schema) -> Result<bool, String> {
        let (now, at) = self.model.clone();
        let first = first.refilled(&now, &mut self.random);
        if self.random.chance(30) || is_ambiguous(&at, &text(&first, Some(&now))) {
            let settled = text(&now, None);
            self.notes.set(format!("{at}\n→\n{settled}"));
            let steps = self.place.apply(&settled, false).map_err(|error| format!("settling: {error}"))?;
            if steps.iter().any(|step| !step.sql.is_empty()) {
                return Err(format!("without `@renamed` and `@backfill` the model stores the same, but {steps:?}"));
            }
            self.model.1 = settled;
        }
        self.change(&first).await
    }

    /// Changes the model, if stored records allow it, and looks at what became of them.
    async fn change(&mut self, next: &Schema) -> Result<bool, String> {
        let (old, at) = self.model.clone();
        let to = text(next, Some(&old));
        let before = read(&self.place, (&old, &at)).await?;
        self.notes.set(format!("{at}\n→\n{to}\n{before}"));
        let planned = self.place.plan(&to);
        let told = told(&planned, &self.place).join("\n  ");
        self.notes.set(format!("{at}\n→\n{to}\n{before}\nplanned:\n  {told}"));
        let (dump, numbers) = (self.place.dump(), self.place.numbers());
        let loses_data = planned.iter().any(backstay_engine::Step::loses_data);
        let is_blocked = planned.iter().any(backstay_engine::Step::has_obstacle);
        if loses_data || is_blocked {
            self.refused((&at, &to), (is_blocked, &dump))?;
        }
        if is_blocked {
            return Ok(false);
        }
        self.place.apply(&to, true).map_err(|error| format!("nothing stood in the way, but: {error:?}"))?;
        self.model = (next.clone(), to.clone());
        let left = self.place.plan(&to);
        if !left.is_empty() {
            return Err(format!("steps are left: {left:?}"));
        }
        let differences = self.place.differences(&to);
        if !differences.is_empty() {
            return Err(differences);
        }
        follows(&self.place, (next, &to)).await?;
        let after = read(&self.place, (next, &to)).await?;
        judge_world((&old, next), (&before, &after))?;
        judge_consequences(next, &after, &self.place.mentioned(&to))?;
        judge_numbers((&old, next), (&numbers, &self.place.numbers()))?;
        write_again(&self.place, &mut self.random, (next, &to)).await?;
        let written = read(&self.place, (next, &to)).await?;
        judge_consequences(next, &written, &self.place.mentioned(&to))?;
        follows(&self.place, (next, &to)).await?;
        Ok(true)
    }

    /// A migration that is refused changes nothing.
    fn refused(&self, (at, to): (&str, &str), (is_blocked, dump): (bool, &str)) -> Result<(), String> {
        for allow_data_loss in [Some(false), is_blocked.then_some(true)].into_iter().flatten() {
            match self.place.apply(to, allow_data_loss) {
                Err(OpenError::Migration { .. }) => {}
                other => return Err(format!("it should have been refused, but: {other:?}")),
            }
            let now = self.place.dump();
            if now != *dump {
                return Err(format!("it was refused, but the database is another:\n{dump}\n→\n{now}"));
            }
        }
        let left = self.place.plan(at);
        if left.is_empty() { Ok(()) } else { Err(format!("it was refused, but back there are steps: {left:?}")) }
    }
}
