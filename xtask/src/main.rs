//! The chores of this repository: running every test and measuring the product. Never part of what is shipped.

mod bench;
mod commands;
mod needs;
mod testing;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <COMMAND>

Commands:
  test [ARGS…]   install what the tests need and run them all; ARGS go to `cargo test`
  bench [PART…]  measure the release build against its controls (see docs/benchmarks.md)
                 parts: http, start, seeding; all of them where none is named
    --callgrind    count instructions per request under valgrind instead
    --seconds N    length of one measurement (default 10)
    --rounds N     measurements of which the median counts (default 3)
    --no-build     measure what target/release holds already
    --write        write the tables into docs/benchmarks.md

Needs a toolchain of rustup and, to install what is missing, a Debian with apt-get.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((command, rest)) if command == "test" => testing::run(rest),
        Some((command, rest)) if command == "bench" => bench::run(rest),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
