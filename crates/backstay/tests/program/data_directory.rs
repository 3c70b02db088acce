//! Problems of the data directory, and how they are reported.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::support::App;

fn sqlite(app: &App, statement: &str) {
    let database = app.data().join("backstay.db");
    let status = Command::new("sqlite3").arg(database).arg(statement).status().expect("sqlite3 runs");
    assert!(status.success());
}

#[test]
fn the_data_is_its_owners_alone() {
    let app = App::new();
    let server = app.serve();
    let mode = |name: &str| fs::metadata(app.data().join(name)).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode("."), mode("backstay.db"), mode("backstay.sock")), (0o700, 0o600, 0o600));
    let second = app.run(&["serve", ".", "--listen", "127.0.0.1:0"]).refused();
    assert!(second.contains("another Backstay uses the database"), "{second}");
    drop(server);
    // A killed server leaves its socket behind, which does no harm.
    assert!(app.data().join("backstay.sock").exists());
    app.run(&["operator", "list"]).done();
    app.serve();
}

#[test]
fn what_others_may_write_to_is_warned_of() {
    let app = App::new();
    let warnings = || -> Vec<String> {
        let log = app.serve().stop_for_log();
        let warned = log.into_iter().filter(|line| line["level"] == "WARN");
        warned.map(|line| line["message"].as_str().expect("a text").to_owned()).collect()
    };
    assert_eq!(warnings(), [""; 0]);
    let mode = |path: &str, mode: u32| {
        fs::set_permissions(app.data().join(path), fs::Permissions::from_mode(mode)).expect("a mode");
    };
    let directory =
        "other users may write to the data directory and replace the database; take that right away (`chmod go-w`)";
    let file = "other users may write to the database's file; take that right away (`chmod go-w`)";
    for others in [0o777, 0o770] {
        mode(".", others);
        assert_eq!(warnings(), [directory], "{others:o}");
    }
    mode("backstay.db", 0o666);
    assert_eq!(warnings(), [directory, file]);
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let app = App::new();
    fs::create_dir(app.data()).expect("a directory");
    sqlite(&app, "CREATE TABLE theirs (x)");
    let before = fs::read(app.data().join("backstay.db")).expect("a file");
    let refused = app.run(&["operator", "list"]).refused();
    assert!(refused.contains("is the database of another program"), "{refused}");
    assert_eq!(fs::read(app.data().join("backstay.db")).expect("a file"), before);

    fs::write(app.data().join("backstay.db"), [7; 8192]).expect("a file");
    let refused = app.run(&["serve", ".", "--listen", "127.0.0.1:0"]).refused();
    let expected = "error: ./.backstay/backstay.db is damaged or not a database; restore it from a backup\n  help: if the \
                    file is not Backstay's, choose another data directory with --data\n";
    assert_eq!(refused, expected);
}

#[test]
fn a_newer_format_is_refused() {
    let app = App::new();
    app.run(&["key", "add", "importer"]).done();
    sqlite(&app, "PRAGMA user_version = 99");
    let refused = app.run(&["operator", "list"]).refused();
    assert!(refused.contains("was written by a newer Backstay"), "{refused}");
}

#[test]
fn a_database_that_another_program_changed() {
    let app = App::new();
    app.run(&["key", "add", "importer"]).done();
    sqlite(&app, "DROP TABLE backstay_meta");
    let refused = app.run(&["serve", ".", "--listen", "127.0.0.1:0"]).refused();
    let expected = "error: cannot use the database in ./.backstay\n  because: the database rejected a statement\n  \
                    because: no such table: backstay_meta\n";
    assert!(refused.starts_with(expected), "{refused}");
    assert!(refused.contains("\n  help: if another program has changed the database, restore it"), "{refused}");
}

#[test]
fn a_directory_that_cannot_be_made() {
    let app = App::new();
    app.write("file", "");
    for name in ["odd/backstay.db", "odder/backstay.sock/below"] {
        fs::create_dir_all(app.path().join(name)).expect("a directory");
    }
    std::os::unix::fs::symlink("nowhere", app.path().join("link")).expect("a link");
    let check = |data: &str, expected: &str| {
        let refused = app.run(&["serve", ".", "--listen", "127.0.0.1:0", "--data", data]).refused();
        let help = "  help: move it away, or choose another data directory with --data\n";
        assert_eq!(refused, format!("error: {expected}\n{help}"));
    };
    let taken = "there is a file, or a symbolic link to nothing, at this path";
    check("file", &format!("cannot create the data directory file: {taken}"));
    check("link", &format!("cannot create the data directory link: {taken}"));
    check("file/below", "cannot create the data directory file/below: a part of the path is not a directory");
    let socket = "cannot use the command socket odder/backstay.sock: it is a directory, not a file";
    let refused = app.run(&["serve", ".", "--listen", "127.0.0.1:0", "--data", "odder"]).refused();
    assert!(refused.contains(&format!("error: {socket}\n  help: move it away")), "{refused}");
    check("odd", "cannot write to odd/backstay.db: it is a directory, not a file");
}

/// Runs `backstay serve` on the application as a user with no rights, if the tests run as root.
fn without_rights(app: &App, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", env!("CARGO_BIN_EXE_backstay"), "serve"]);
    command.args([".", "--listen", "127.0.0.1:0"]).args(arguments).current_dir(app.path());
    let output = command.output().ok()?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    if told.starts_with("setpriv: ") {
        eprintln!("the tests do not run as root; skipped");
        return None;
    }
    assert_eq!(output.status.code(), Some(1), "{told}");
    Some(told)
}

#[test]
fn what_the_user_may_not_read_or_write() {
    let app = App::new();
    app.write("backstay.toml", "");
    fs::create_dir(app.path().join("locked")).expect("a directory");
    let mode = |name: &str, mode: u32| {
        fs::set_permissions(app.path().join(name), fs::Permissions::from_mode(mode)).expect("a mode");
    };
    for name in [".", "model"] {
        mode(name, 0o755);
    }
    mode("locked", 0o555);
    let write = "  help: give the user that runs Backstay write access, or choose another data directory with --data\n";
    let read = "  help: give the user that runs Backstay read access\n";
    let Some(told) = without_rights(&app, &["--data", "locked"]) else { return };
    assert_eq!(told, format!("error: cannot write to locked/backstay.lock: permission denied\n{write}"));
    let told = without_rights(&app, &["--data", "new"]);
    let expected = format!("error: cannot create the data directory new: permission denied\n{write}");
    assert_eq!(told, Some(expected));
    mode("model", 0);
    let told = without_rights(&app, &[]);
    assert_eq!(told, Some(format!("error: cannot read ./model: permission denied\n{read}")));
    mode("backstay.toml", 0);
    let told = without_rights(&app, &[]);
    assert_eq!(told, Some(format!("error: cannot read ./backstay.toml: permission denied\n{read}")));
    for name in ["model", "backstay.toml"] {
        mode(name, 0o755);
    }
}

#[test]
fn too_few_threads_are_no_panic() {
    let app = App::new();
    fs::set_permissions(app.path(), fs::Permissions::from_mode(0o777)).expect("a mode");
    let mut limited = Command::new("setpriv");
    limited.args(["--reuid=65533", "--regid=65533", "--clear-groups", "prlimit", "--nproc=1"]);
    limited.args([env!("CARGO_BIN_EXE_backstay"), "serve", ".", "--listen", "127.0.0.1:0"]).current_dir(app.path());
    let Ok(output) = limited.output() else { return };
    let told = String::from_utf8_lossy(&output.stderr);
    if told.starts_with("setpriv: ") {
        eprintln!("the tests do not run as root; skipped");
        return;
    }
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.starts_with("error: cannot start "), "{told}");
    assert!(told.contains("\n  help: raise the limit of processes (`ulimit -u"), "{told}");
}

/// Runs a script that may use `mount`, `backstay` and `step NAME COMMAND`. Returns a function that reads what a step
/// wrote to standard error.
fn with_mounts(app: &App, script: &str) -> Option<impl Fn(&str) -> String> {
    let can_mount = Command::new("unshare").args(["-Umr", "true"]).status().is_ok_and(|status| status.success());
    if !can_mount {
        eprintln!("this system does not allow mounting in a user namespace; skipped");
        return None;
    }
    fs::create_dir_all(app.path().join("disk")).expect("a directory");
    let program = env!("CARGO_BIN_EXE_backstay");
    let prelude = format!(
        "set -e; backstay() {{ {program} \"$@\"; }}; step() {{ n=$1; shift; \"$@\" 2> $n.err > $n.out && echo 0 >> $n.err || true; }}"
    );
    let script = format!("{prelude}\nmount -t tmpfs -o size=4m tmpfs disk\n{script}");
    let output = Command::new("unshare").args(["-Umr", "sh", "-c", &script]).current_dir(app.path()).output();
    let output = output.expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let root = app.path().to_owned();
    Some(move |name: &str| fs::read_to_string(root.join(format!("{name}.err"))).expect("what the step said"))
}

const SERVE: &str = "backstay serve . --listen 127.0.0.1:0 --data disk";

#[test]
fn a_start_on_a_full_disk_says_so() {
    let app = App::new();
    let script = format!(
        "fill() {{ dd if=/dev/zero of=disk/fill bs=1k 2> /dev/null || true; }}
         mkdir disk/new; fill
         step new {SERVE}/new
         step new-key backstay key add k --data disk/new
         rm disk/fill; mkdir disk/old; backstay key add k --data disk/old; fill
         step serve {SERVE}/old
         step apply backstay migrate apply --data disk/old
         step key backstay key add l --data disk/old
         step list backstay key list --data disk/old
         step seed backstay seed --data disk/old
         step plan backstay migrate plan --data disk/old"
    );
    let Some(told) = with_mounts(&app, &script) else { return };
    for (step, path) in [
        ("new", "new"),
        ("new-key", "new"),
        ("serve", "old"),
        ("apply", "old"),
        ("key", "old"),
        ("list", "old"),
        ("seed", "old"),
        ("plan", "old"),
    ] {
        let expected = format!("error: cannot write to the data directory disk/{path}: the disk is full\n");
        assert!(told(step).starts_with(&expected), "{step}: {}", told(step));
        assert!(told(step).contains("\n  help: free some space"), "{step}: {}", told(step));
    }
}

#[test]
fn a_start_on_a_file_system_that_is_read_only_says_so() {
    let app = App::new();
    let script = format!(
        "backstay key add k --data disk/old; mount -o remount,ro disk
         step new {SERVE}/new
         step serve {SERVE}/old
         step key backstay key add l --data disk/old"
    );
    let Some(told) = with_mounts(&app, &script) else { return };
    assert!(told("new").contains("disk/new: its file system is mounted read-only\n  help: "), "{}", told("new"));
    for step in ["serve", "key"] {
        let expected = "error: cannot write to the data directory disk/old: its file system is mounted read-only\n";
        assert!(told(step).starts_with(expected), "{step}: {}", told(step));
    }
}

#[test]
fn a_start_with_too_few_open_files_names_their_limit() {
    let app = App::new();
    app.run(&["key", "add", "importer"]).done();
    for limit in [8, 10, 12, 14, 16, 18, 20, 22] {
        for command in
            [&["serve", ".", "--listen", "127.0.0.1:0"][..], &["key", "list"], &["seed"], &["migrate", "plan"]]
        {
            let script = format!("ulimit -n {limit} && exec \"$0\" \"$@\"");
            let mut limited = Command::new("sh");
            limited.args(["-c", &script, env!("CARGO_BIN_EXE_backstay")]).args(command);
            let output = limited.current_dir(app.path()).output().expect("sh runs");
            let told = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{limit} {command:?} {told}");
            assert!(told.contains("open files") && told.contains("ulimit -n"), "{limit} {command:?} {told}");
        }
    }
}

#[test]
fn a_port_that_is_taken_is_known_before_anything_is_made() {
    let app = App::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let refused = app.run(&["serve", ".", "--listen", &address]).refused();
    assert!(refused.contains(&format!("cannot listen on {address}: ")), "{refused}");
    assert!(!app.data().exists());
}

#[test]
fn a_path_that_is_too_long_for_a_socket() {
    let app = App::new();
    let data = "d".repeat(120);
    let refused = app.run(&["operator", "list", "--data", &data]).refused();
    assert!(refused.contains("the path of the command socket is too long") && refused.contains("--data"), "{refused}");
    let refused = app.run(&["serve", ".", "--listen", "127.0.0.1:0", "--data", &data]).refused();
    assert!(refused.starts_with("error: the path of the command socket is too long"), "{refused}");
    assert!(!app.path().join(&data).exists());
}

#[test]
fn a_full_disk_ends_with_words_and_keeps_what_was_stored() {
    let app = App::with_books(9000);
    // A limit on the size of files acts as a full disk. Without the trap the process would be killed.
    let script = format!("trap '' XFSZ; ulimit -f 2000; exec {} seed", env!("CARGO_BIN_EXE_backstay"));
    let output = Command::new("sh").args(["-c", &script]).current_dir(app.path()).output().expect("sh runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("error: "), "{told}");
    app.run(&["seed"]).done();
    let server = app.serve();
    assert_eq!(server.get("/api/books?count=true&limit=1")["count"]["value"], 9000);
}
