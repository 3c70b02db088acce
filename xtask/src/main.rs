//! The tasks of this repository: run every test, and measure the product. Not part of the product.

mod bench;
mod clients;
mod commands;
mod keep;
mod needs;
mod newsroom;
mod python;
mod schemathesis;
mod testing;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <COMMAND>

Commands:
  test [ARGS…]   Install what the tests need and run them all, with `schemathesis` and `clients` if PyPI and Maven
                 Central can be reached; passes ARGS to `cargo test`, and then runs nothing else
  schemathesis [ARGS…]
                 Ask the newsroom whatever its OpenAPI document allows, and more; passes ARGS to Schemathesis
  clients        Make the clients of other languages for the newsroom, and run its tour with each
  bench [PART…]  Measure the release build against its controls; see docs/benchmarks.md
                 Parts: http, start, seeding, hostile, migrate, language, api, transfer, actions, barrier; all of them by
                 default
  keep NAME      Make a data directory for the tests to open from now on: crates/backstay/tests/kept/NAME

Options of bench:
  --callgrind    Count instructions per request with valgrind instead
  --seconds N    Duration of one measurement [default: 10]
  --rounds N     Number of measurements to take the median of [default: 3]
  --no-build     Measure the programs in target/release as they are
  --only ATTACK  Carry out this attack of the part hostile; repeatable
  --soak         Carry out the attacks of the part hostile on one server, then all of them at once, and tell its memory
  --rows N       Number of records that migrate changes, language lists and api reads [default: 1000000]
  --write        Write the tables into docs/benchmarks.md

Options of keep:
  --program FILE     Make it with this Backstay instead of the present one
  --application DIR  The application to make it from [default: crates/backstay/tests/kept/application]

Requires a rustup toolchain. Missing programs are installed with apt-get on Debian.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((command, rest)) if command == "test" => testing::run(rest),
        Some((command, rest)) if command == "schemathesis" => schemathesis::run(rest),
        Some((command, [])) if command == "clients" => clients::run(),
        Some((command, rest)) if command == "bench" => bench::run(rest),
        Some((command, rest)) if command == "keep" => keep::run(rest),
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
