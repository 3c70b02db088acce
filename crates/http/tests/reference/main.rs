//! The policy against its reference: applications with models at random are asked at random, through the doors, and
//! answer what `backstay_testkit::reference` says. `POLICY_CASES` is how many requests are made, and `POLICY_SEED` where
//! the choices start; a disagreement shows the seed that repeats it.
#![expect(clippy::panic, reason = "a disagreement fails the test, and is to show what it is")]

mod ask;
mod stage;

use std::collections::BTreeMap;

use backstay_testkit::reference::{Get, List, Random, Write};

use ask::Request;
use stage::Stage;

/// Requests to one application before another model is made.
const REQUESTS: usize = 60;
/// Requests in a run without settings.
const CASES: usize = 2000;

fn setting(name: &str, usual: usize) -> usize {
    let text = std::env::var(name).unwrap_or_else(|_| usual.to_string());
    text.parse().unwrap_or_else(|_| panic!("{name} is a whole number"))
}

/// One model, its records and callers, and requests to it. Gives how many were made, or what was wrong.
async fn round(seed: usize, requests: usize) -> Result<BTreeMap<String, usize>, String> {
    let mut random = Random::seeded(u64::try_from(seed).expect("a seed has at most 64 bits"));
    let mut stage = Stage::set(&mut random).await?;
    for _ in 0..requests {
        let actor = random.below(stage.actors.len());
        let asker = &stage.actors[actor].asker;
        let request = match random.below(10) {
            0 => Request::Get(Get::random(&mut random, &stage.world, asker)),
            1..5 => Request::Write(Write::random(&mut random, &stage.world, asker)),
            _ => Request::List(List::random(&mut random, &stage.world, asker)),
        };
        stage.check(actor, request).await?;
    }
    Ok(stage.tally)
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_the_reference() {
    let (cases, mut seed) = (setting("POLICY_CASES", CASES), setting("POLICY_SEED", 1));
    let (mut made, mut tally) = (0, BTreeMap::<String, usize>::new());
    while made < cases {
        match round(seed, REQUESTS.min(cases - made)).await {
            Ok(outcomes) => {
                made += outcomes.values().sum::<usize>();
                for (outcome, count) in outcomes {
                    *tally.entry(outcome).or_default() += count;
                }
            }
            Err(problem) => {
                panic!("repeat this with POLICY_SEED={seed} POLICY_CASES={REQUESTS}\n{problem}");
            }
        }
        seed += 1;
    }
    eprintln!("{made} requests: {tally:#?}");
    for outcome in ["get: 200", "list: some", "list: all", "POST: 201", "PATCH: 200", "DELETE: 204"] {
        assert!(made < CASES || tally.contains_key(outcome), "no request had the outcome {outcome}");
    }
}
