//! The program `backstay`.

use std::process::ExitCode;

fn main() -> ExitCode {
    backstay::main()
}
