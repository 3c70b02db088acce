use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::Workshop;
use super::server::Server;
use crate::commands::output;

/// Requests for the load generator to send in turn, stored in a file.
#[derive(Debug)]
pub(crate) struct Targets {
    file: PathBuf,
    script: PathBuf,
}

/// A request.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) token: Option<&'a str>,
    pub(crate) body: Option<&'a str>,
}

/// The result of a measurement.
#[derive(Debug, Clone)]
pub(crate) struct Rate {
    pub(crate) per_second: f64,
    /// The median latency, as the load generator prints it.
    pub(crate) median: String,
    /// The 99th percentile of latency.
    pub(crate) p99: String,
}

impl Targets {
    /// Stores the requests in a file.
    pub(crate) fn write<'a>(
        workshop: &Workshop,
        name: &str,
        targets: impl IntoIterator<Item = Target<'a>>,
    ) -> Result<Self> {
        let mut lines = String::new();
        for Target { method, path, token, body } in targets {
            let (token, body) = (token.unwrap_or("-"), body.unwrap_or("-"));
            let _ = writeln!(lines, "{method}\t{path}\t{token}\t{body}");
        }
        let file = workshop.scratch.join(format!("{name}.targets"));
        fs::write(&file, lines).context("cannot store the requests")?;
        Ok(Self { file, script: workshop.root.join("bench/wrk/targets.lua") })
    }

    /// The command that sends them for this long from this many clients.
    fn command(&self, server: &Server, clients: usize, seconds: u32) -> Command {
        let threads = clients.min(2);
        let mut command = Command::new("wrk");
        command.env("TARGETS", &self.file).arg("--latency").arg("--script").arg(&self.script);
        command.arg(format!("--threads={threads}")).arg(format!("--connections={clients}"));
        command.arg(format!("--duration={seconds}s")).arg("--timeout=30s").arg(server.url());
        command
    }

    /// Sends them and waits for the result.
    pub(crate) fn send(&self, server: &Server, clients: usize, seconds: u32) -> Result<Rate> {
        rate(&output(&mut self.command(server, clients, seconds))?)
    }

    /// Sends these and others at the same time.
    pub(crate) fn send_with(
        &self,
        others: &Self,
        server: &Server,
        clients: usize,
        seconds: u32,
    ) -> Result<(Rate, Rate)> {
        let mut beside = others.command(server, clients, seconds);
        let beside = beside.stdout(Stdio::piped()).spawn().context("cannot start wrk")?;
        let first = self.send(server, clients, seconds)?;
        let second = beside.wait_with_output().context("wrk failed")?;
        Ok((first, rate(&String::from_utf8_lossy(&second.stdout))?))
    }
}

/// Parses the output of wrk. Fails if requests were refused, because the measurement would be meaningless.
fn rate(text: &str) -> Result<Rate> {
    let after = |label: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(label));
        line.map(|rest| rest.trim().to_owned()).with_context(|| format!("no {label:?} in wrk's output:\n{text}"))
    };
    if let Ok(refused) = after("Non-2xx or 3xx responses:") {
        bail!("{refused} requests were refused");
    }
    let per_second = after("Requests/sec:")?.parse().context("wrk printed no number of requests per second")?;
    Ok(Rate { per_second, median: after("50%")?, p99: after("99%")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "Running 1s test @ http://127.0.0.1:1\n  Latency Distribution\n     50%    1.10ms\n     \
                          75%    1.50ms\n     90%    1.90ms\n     99%    3.20ms\n  100 requests in 1.00s\n\
                          Requests/sec:  57412.33\nTransfer/sec:      1.00MB\n";

    #[test]
    fn the_load_generators_words_are_understood() {
        let rate = rate(OUTPUT).expect("a rate");
        assert_eq!((rate.median.as_str(), rate.p99.as_str()), ("1.10ms", "3.20ms"));
        assert!((rate.per_second - 57_412.33).abs() < 0.001);
    }

    #[test]
    fn refused_requests_are_no_measurement() {
        let text = format!("{OUTPUT}  Non-2xx or 3xx responses: 3\n");
        assert_eq!(rate(&text).expect_err("refused").to_string(), "3 requests were refused");
    }
}
