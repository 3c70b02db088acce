use std::fmt::Write as _;
use std::future::Future;
use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;

use backstay_engine::OpenOutcome;
use backstay_model::{Diagnostics, Style};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::answer::CHANGED_SEED;
use crate::config::LogFormat;
use crate::serving::Served;
use crate::{Backend, Backstay, Failure, Instance, Place, Seeded, Skipped, logging};

/// Serves an application until SIGINT or SIGTERM, then finishes the requests that are under way.
pub async fn serve(place: &Place) -> Result<(), Failure> {
    let application = Backstay::at(place.clone())?;
    tell_warnings(application.place(), &application.warnings());
    let listener = listen(place.config.server.listen).await?;
    let backend = application.open().await?;
    report(place, backend.outcome());
    let served = serve_open(&backend, listener).await;
    backend.close().await;
    if served.is_ok() {
        tracing::info!("stopped");
    }
    served
}

/// Takes the port. Clients that connect from now on wait until requests are served.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|source| Failure::Listen { address, source })
}

async fn serve_open(backend: &Backend, listener: TcpListener) -> Result<(), Failure> {
    let mut stop = std::pin::pin!(stop_signal()?);
    let address = listener.local_addr()?;
    tokio::select! {
        prepared = prepare(backend, address) => prepared?,
        () = &mut stop => {
            tracing::info!("stopped while loading seed files; the next start continues");
            return Ok(());
        }
    }
    let stop = async {
        stop.await;
        tracing::info!("stopping: waiting for requests in progress");
    };
    backend.serve(listener, stop).await
}

/// Loads the seed files, and announces the address.
async fn prepare(backend: &Backend, address: SocketAddr) -> Result<(), Failure> {
    report_seed(&backend.load(true).await?);
    match &*backend.serving().served().await {
        Some(Served { instance, .. }) => announce(backend.place(), instance, address).await,
        None => Ok(()),
    }
}

/// Warnings about the settings and the model: as lines of the log for programs, else with excerpts.
fn tell_warnings(place: &Place, model: &Diagnostics) {
    let settings = &place.config.warnings;
    if place.config.log.format == LogFormat::Json {
        for one in settings.plain().into_iter().chain(model.plain()) {
            let line = one.start.map(|start| start.line);
            tracing::warn!(code = one.code, file = one.file, line, help = one.help, "{}", one.message);
        }
    } else {
        let colour = io::stderr().is_terminal();
        logging::tell(&settings.render(colour));
        logging::tell(&model.render(if colour { Style::Colour } else { Style::Plain }));
    }
}

fn report(place: &Place, outcome: &OpenOutcome) {
    let data = &place.database;
    match outcome {
        OpenOutcome::Created => tracing::info!(%data, "created the database"),
        OpenOutcome::Unchanged => tracing::debug!(%data, "opened the database"),
        OpenOutcome::Migrated(steps) => {
            for step in steps {
                tracing::info!(step = step.words, "migrated the database");
            }
        }
    }
}

fn report_seed(seeded: &Seeded) {
    for Skipped { file, lines, first, why } in &seeded.skipped {
        tracing::warn!(file, lines, first, why, "skipped seed lines whose records already exist");
    }
    for file in &seeded.changed {
        let help = CHANGED_SEED;
        tracing::warn!(file, help, "the seed file has changed since it was loaded; the changes were not loaded");
    }
}

/// Announces the address: for people on a terminal, else in the log.
async fn announce(place: &Place, instance: &Instance, address: SocketAddr) -> Result<(), Failure> {
    let url = place.config.server.public_url.clone().unwrap_or_else(|| format!("http://{}", reachable(address)));
    let setup = instance.setup_token().await?.map(|token| format!("{url}/auth/setup?token={}", token.expose()));
    let model = instance.engine.model();
    let collections = model.collections.iter().filter(|one| !one.system);
    let collections: Vec<String> = collections.map(|one| model.api.path_of(&one.path)).collect();
    if !io::stderr().is_terminal() {
        tracing::info!(%address, url, data = %place.database, collections = collections.len(), "listening");
        if setup.is_some() {
            tracing::info!("there is no operator yet; add one with `backstay operator add EMAIL`");
        }
        return Ok(());
    }
    let mut text = format!("\n  {}\n\n", console::style(&model.name).bold());
    let mut line = |label: &str, words: &str| {
        let _ = writeln!(text, "  {} {words}", console::style(format!("{label:<9}")).dim());
    };
    line("address", &url);
    line("data", &place.database.to_string());
    line("API", &shortened(&collections));
    if let Some(link) = setup {
        line("operator", &format!("none yet; create the first one at this link:\n            {link}"));
    }
    line("stop", "Ctrl-C");
    text.push('\n');
    logging::tell(&text);
    Ok(())
}

/// The address as a browser on this machine can open it.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    match address {
        SocketAddr::V4(_) => SocketAddr::from(([127, 0, 0, 1], address.port())),
        SocketAddr::V6(_) => SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, address.port())),
    }
}

pub(crate) fn shortened(paths: &[String]) -> String {
    const SHOWN: usize = 6;
    let shown: Vec<&str> = paths.iter().take(SHOWN).map(String::as_str).collect();
    match paths.len().saturating_sub(SHOWN) {
        0 => shown.join("  "),
        more => format!("{}  and {more} more", shown.join("  ")),
    }
}

/// Completes on the first SIGINT or SIGTERM. A second one ends the process at once.
pub fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
        }
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => (),
                _ = terminate.recv() => (),
            }
            std::process::exit(1);
        });
    })
}
