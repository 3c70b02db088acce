use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::Workshop;
use super::dataset;
use super::report::Report;
use super::server::Server;

const STARTS: usize = 9;

/// Measures how long a start with an unchanged model takes, and how much memory an idle server uses.
pub(crate) fn measure(workshop: &Workshop, report: &mut Report) -> Result<()> {
    eprintln!("xtask: seeding {} records", dataset::NOTES);
    let application = dataset::prepare(&workshop.root, &workshop.scratch)?;
    let data = workshop.scratch.join("data");
    Server::backstay(workshop, &application, &data)?.stop()?;

    eprintln!("xtask: starting {STARTS} times");
    let mut milliseconds = Vec::new();
    let (mut resident, mut own) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let server = Server::backstay(workshop, &application, &data)?;
        milliseconds.push(server.ready_after.as_secs_f64() * 1000.0);
        thread::sleep(Duration::from_millis(300));
        resident.push(server.resident_mib()?);
        own.push(server.own_mib()?);
        server.stop()?;
    }
    milliseconds.sort_by(f64::total_cmp);
    resident.sort_by(f64::total_cmp);
    own.sort_by(f64::total_cmp);
    report.list(
        "start",
        &[
            (
                "start with an unchanged model, 100,000 records (at most 100 ms)".into(),
                at_most(100.0, milliseconds[STARTS / 2], format!("{:.0} ms", milliseconds[STARTS / 2])),
            ),
            (
                "memory, idle (at most 40 MiB)".into(),
                at_most(40.0, resident[STARTS / 2], format!("{:.1} MiB", resident[STARTS / 2])),
            ),
            ("of it, not pages of files such as the program's".into(), format!("{:.1} MiB", own[STARTS / 2])),
        ],
    );
    Ok(())
}

/// A figure, marked if it is more than it may be.
fn at_most(most: f64, measured: f64, figure: String) -> String {
    if measured > most { figure + " **missed**" } else { figure }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_is_too_large_is_marked() {
        assert_eq!(at_most(40.0, 40.0, "40.0 MiB".to_owned()), "40.0 MiB");
        assert_eq!(at_most(40.0, 48.3, "48.3 MiB".to_owned()), "48.3 MiB **missed**");
    }
}
