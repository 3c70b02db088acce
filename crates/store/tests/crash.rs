//! A process that is killed while it writes leaves everything that it acknowledged, and a log without gaps.

mod conformance;

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use backstay_audit::verify;
use backstay_base::Ambient;
use backstay_store::{OpenOptions, Outcome, Store};
use conformance::script::{FirstColumn, MODEL, create_author, emails, model, read};
use tempfile::TempDir;

const DIRECTORY: &str = "BACKSTAY_CRASH_DIRECTORY";

fn open(directory: PathBuf) -> (Store, Outcome) {
    let options = OpenOptions::new(directory);
    let opened = Store::open(&options, &model(MODEL), Ambient::system(), Arc::new(())).expect("a database");
    (opened.store, opened.outcome)
}

/// What the killed process does: it creates records until then and prints which are acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the test below, in a process of its own"]
async fn writes_until_it_is_killed() {
    let directory = std::env::var_os(DIRECTORY).expect("started by the other test");
    let (store, _) = open(directory.into());
    let done = Arc::new(std::sync::Mutex::new(std::io::stderr()));
    let clients = (0..16_u32).map(|client| {
        let (store, done) = (store.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            for number in 0_u32.. {
                let email = format!("{client:02}-{number:06}@example.org");
                store.write(create_author(client << 24 | number, &email)).await.expect("a create");
                writeln!(done.lock().expect("not poisoned"), "done {email}").expect("a line");
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.expect("a client");
    }
}

#[tokio::test]
async fn what_was_acknowledged_outlives_the_process() {
    for lines in [1, 200, 3000] {
        let directory = TempDir::new().expect("a directory");
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--ignored", "--exact", "writes_until_it_is_killed", "--nocapture"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut output = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
        let mut acknowledged: Vec<String> = output.by_ref().take(lines).collect();
        child.kill().expect("killed");
        child.wait().expect("ended");
        acknowledged.extend(output);
        // The last line may have been cut short.
        let complete = acknowledged
            .iter()
            .filter_map(|line| line.strip_prefix("done ").filter(|e| e.strip_suffix(".org").is_some()));
        let complete: Vec<&str> = complete.collect();
        assert!(complete.len() >= lines, "{acknowledged:?}");

        let (store, outcome) = open(directory.path().to_owned());
        assert_eq!(outcome, Outcome::Unchanged);
        let mut stored = FirstColumn::default();
        read(&store, &emails(), &mut stored).await.expect("a read");
        let lost: Vec<_> =
            complete.iter().filter(|email| stored.values.binary_search(&(**email).to_owned()).is_err()).collect();
        assert!(lost.is_empty(), "{lost:?}");
        let log = store.log(1, u32::MAX).await.expect("the log");
        assert!(log.iter().zip(1..).all(|(entry, place)| entry.sequence == place));
        assert!(log.iter().all(|entry| verify(&entry.entry, entry.leaf).is_ok()));
        assert_eq!(log.len(), stored.values.len(), "one entry for each record");
    }
}
