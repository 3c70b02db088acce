//! `new`, `reset`, `directives`, `check --watch`, and where a server listens.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{App, Ended, Server};

/// The names of all entries of a directory, in order.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory").flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

const MADE: [&str; 7] =
    [".gitignore", ".graphqlrc.yml", "README.md", "backstay.toml", "directives.graphql", "model", "seed"];

#[test]
fn an_application_is_made_and_named_after_its_directory() {
    let app = App::new();
    let made = app.run(&["new", "my-notes"]).done();
    assert!(
        made.starts_with(
            "made My notes from the template `blog`; serve it, and each change as you save it, with\n\n  cd my-notes\n"
        ),
        "{made}"
    );
    assert_eq!(names(&app.path().join("my-notes")), MADE);
    assert_eq!(names(app.path()), ["model", "my-notes"], "nothing temporary stays");
    let model = fs::read_to_string(app.path().join("my-notes/model/people.graphql")).expect("a model");
    assert!(model.contains("@app(name: \"My notes\")"), "{model}");

    fs::create_dir(app.path().join("it's empty")).expect("a directory");
    let made = app.run(&["new", "it's empty/", "--template", "shop", "--name", "Bits & bobs"]).done();
    assert!(made.contains("  cd 'it'\\''s empty'\n"), "{made}");
    assert_eq!(names(&app.path().join("it's empty")), MADE, "an empty directory is used");

    fs::create_dir(app.path().join("here")).expect("a directory");
    let mut here = app.command(&["new", "."]);
    let output = here.current_dir(app.path().join("here")).stdin(Stdio::null()).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.starts_with(
            "made Here from the template `blog`; serve it, and each change as you save it, with\n\n  backstay dev\n"
        ),
        "{said}"
    );
    assert_eq!(names(&app.path().join("here")), MADE);
}

#[test]
fn nothing_is_made_where_something_is_or_nothing_can_be() {
    let app = App::new();
    let check = |arguments: &[&str], expected: &str| {
        let before = names(app.path());
        let refused = app.run(&[&["new"], arguments].concat()).refused();
        assert_eq!(refused, expected, "{arguments:?}");
        assert_eq!(names(app.path()), before, "{arguments:?}");
    };
    let other = "  help: choose a directory that doesn't exist or is empty\n";
    check(&["."], &format!("error: . is not empty: it contains model\n{other}"));
    for number in 0..7 {
        app.write(&format!("full/{number}.txt"), "");
    }
    let many = "error: full is not empty: it contains 0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 2 more files\n";
    check(&["full"], &format!("{many}{other}"));
    check(&["model/shelf.graphql"], &format!("error: model/shelf.graphql is not a directory\n{other}"));
    let absent = "error: there is no directory nowhere\n  help: create it first, or choose another place\n";
    check(&["nowhere/blog"], absent);
    let rule =
        "  help: a name has 1 to 80 characters, without quotes, backslashes and line breaks; give one with --name\n";
    check(&["blog", "--name", "say \"A\""], &format!("error: `say \\\"A\\\"` can't be the application's name\n{rule}"));
    check(&["blog", "--name", ""], &format!("error: `` can't be the application's name\n{rule}"));
    let nameless =
        "error: the application needs a name, and none can be made of the directory's\n  help: give one with --name\n";
    check(&["--", "--"], nameless);
    std::os::unix::fs::symlink("nowhere", app.path().join("link")).expect("a link");
    assert!(app.run(&["new", "link"]).refused().starts_with("error: cannot read link: "));
    let unknown = "error: there is no template `wiki`\n  help: choose from blog, shop, tracker, empty\n";
    check(&["blog", "--template", "wiki"], unknown);
    let misspelt = "error: there is no template `trakcer`\n  help: did you mean `tracker`?\n";
    check(&["blog", "--template", "trakcer"], misspelt);
    assert_eq!(app.run(&["new"]).code, Some(2));
}

#[test]
fn nothing_half_made_stays_in_a_directory_that_cannot_be_written() {
    let app = App::new();
    let parent = app.path().join("shut");
    fs::create_dir(&parent).expect("a directory");
    fs::set_permissions(&parent, fs::Permissions::from_mode(0o555)).expect("its mode");
    if fs::write(parent.join("probe"), "").is_ok() {
        // Root may write everywhere: a directory that can't have entries stands in.
        fs::remove_file(parent.join("probe")).expect("a file");
        let refused = app.run(&["new", "/proc/backstay-new"]).refused();
        assert!(refused.starts_with("error: cannot write /proc/backstay-new: "), "{refused}");
        return;
    }
    let refused = app.run(&["new", "shut/blog"]).refused();
    assert!(refused.starts_with("error: cannot write shut/blog: permission denied\n"), "{refused}");
    assert_eq!(names(&parent), [""; 0]);
}

/// Runs the program on a terminal of its own, typing these lines.
fn on_a_terminal(app: &App, line: &str, typed: &str) -> Ended {
    let program = format!("{} {line}", env!("CARGO_BIN_EXE_backstay"));
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &program, "/dev/null"]).current_dir(app.path());
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("script is installed");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), typed.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    Ended { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

#[test]
fn a_terminal_is_asked_for_name_and_template() {
    let app = App::new();
    let said = on_a_terminal(&app, "new wiki", "Our wiki\nempty\n").done();
    assert!(said.contains("Name of the application [Wiki]: "), "{said}");
    assert!(said.contains("Template (blog, shop, tracker, empty) [blog]: "), "{said}");
    assert!(said.contains("made Our wiki from the template `empty`"), "{said}");
    let said = on_a_terminal(&app, "new other", "\n\n").done();
    assert!(said.contains("made Other from the template `blog`"), "{said}");
    let said = on_a_terminal(&app, "new third --name Third", "wiki\nshpo\nshop\n").done();
    assert!(said.contains("there is no template `wiki`; choose from blog, shop, tracker, empty\nTemplate ("), "{said}");
    assert!(said.contains("there is no template `shpo`; did you mean `shop`?\nTemplate ("), "{said}");
    assert!(said.contains("made Third from the template `shop`"), "{said}");
    let said = on_a_terminal(&app, "new fourth --name Fourth --template emtpy", "empty\n").done();
    assert!(said.contains("there is no template `emtpy`; did you mean `empty`?\nTemplate ("), "{said}");
    assert!(said.contains("made Fourth from the template `empty`"), "{said}");
}

#[test]
fn a_database_is_reset_and_seeded_again() {
    let app = App::seeded();
    assert_eq!(app.run(&["reset"]).done(), "nothing to do: there is no database in ./.backstay\n");
    app.run(&["seed"]).done();
    app.write(".backstay/notes.txt", "mine");
    let server = app.serve();
    let refused = app.run(&["reset", "--yes"]).refused();
    let running =
        "error: cannot reset the database in ./.backstay while a server uses it\n  help: stop the server first\n";
    assert_eq!(refused, running);
    assert_eq!(server.stop(), Some(0));

    let asked = app.run(&["reset"]).refused();
    let help = "  help: if you want that, add --yes\n";
    assert_eq!(asked, format!("error: this would delete 6 records in ./.backstay\n{help}"));
    // The model has changed in a way that no migration allows, which is why people begin anew.
    let model = fs::read_to_string(app.path().join("model/shelf.graphql")).expect("a model");
    app.write("model/shelf.graphql", &model.replace("  name: String!\n", "  name: String!\n  shoeSize: Int!\n"));
    let wrong = on_a_terminal(&app, "reset", "Shop\n");
    assert!(
        wrong.out.contains("Delete 6 records in ./.backstay? Type the application's name, Shelf: "),
        "{}",
        wrong.out
    );
    assert!(wrong.out.contains("nothing was deleted"), "{}", wrong.out);
    assert_eq!(wrong.code, Some(1));
    let done = on_a_terminal(&app, "reset", "Shelf\n").done();
    assert!(done.contains("deleted 6 records in ./.backstay; the next start creates it again"), "{done}");
    assert_eq!(names(&app.data()), ["backstay.lock", "notes.txt"]);

    app.write("model/shelf.graphql", &model);
    let server = app.serve();
    assert_eq!(server.get("/api/books?count=true")["count"]["value"], 2, "the seed files are loaded again");
    assert_eq!(server.stop(), Some(0));
    assert!(app.run(&["reset", ".", "--yes"]).done().starts_with("deleted 6 records"));
}

#[test]
fn nothing_behind_a_link_or_of_another_program_is_deleted() {
    let (app, other) = (App::seeded(), App::seeded());
    other.run(&["seed"]).done();
    let check = |expected: &str| {
        let refused = app.run(&["reset", "--yes"]).refused();
        assert!(refused.contains(expected), "{refused}");
        assert!(other.data().join("backstay.db").exists());
    };
    std::os::unix::fs::symlink(other.data(), app.data()).expect("a link");
    check("error: ./.backstay is a symbolic link to ");
    assert!(app.run(&["reset", "--yes", "--data", ".backstay/"]).refused().contains("is a symbolic link to"));
    fs::remove_file(app.data()).expect("a link");
    fs::create_dir(app.data()).expect("a directory");
    std::os::unix::fs::symlink(other.data().join("backstay.db"), app.data().join("backstay.db")).expect("a link");
    check("is a symbolic link");
    fs::remove_file(app.data().join("backstay.db")).expect("a link");
    fs::write(app.data().join("backstay.db"), "my notes, which are no database").expect("a file");
    check("backstay.db");
    assert!(app.data().join("backstay.db").exists());
}

#[test]
fn the_directives_are_printed_or_written() {
    let app = App::new();
    let printed = app.run(&["directives"]).done();
    assert!(printed.contains("directive @allow(") && printed.contains("scalar Money"), "{printed}");
    assert_eq!(app.run(&["directives", "--out", "directives.graphql"]).done(), "");
    assert_eq!(fs::read_to_string(app.path().join("directives.graphql")).expect("a file"), printed);
    assert_eq!(
        app.run(&["check", "--format", "json"]).done(),
        "{\"diagnostics\":[]}\n",
        "it isn't taken for a model file"
    );
    let refused = app.run(&["directives", "--out", "nowhere/x.graphql"]).refused();
    assert_eq!(refused, "error: cannot write nowhere/x.graphql: there is no such file or directory\n");
}

#[test]
fn a_check_is_repeated_after_each_change() {
    let app = App::new();
    let mut watching = app
        .command(&["check", "--watch", "--format", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(watching.stdout.take().expect("a pipe")).lines();
    let mut next = || lines.next().expect("another check").expect("a line");
    let fine = "{\"diagnostics\":[]}";
    assert_eq!(next(), fine);
    app.write("model/more.graphql", "type Tag @allow(read: \"tru\") { name: String }");
    assert!(next().contains("model/more.graphql"));
    app.write("model/more.graphql", "type Tag @allow(read: \"true\") { name: String }");
    assert_eq!(next(), fine);
    app.write("backstay.toml", "server.listn = ''");
    assert!(next().contains("listn"));
    fs::remove_file(app.path().join("backstay.toml")).expect("a file");
    assert_eq!(next(), fine);
    app.write("seed/Tga.jsonl", "");
    assert!(next().contains("Tga.jsonl"));

    let interrupted = Command::new("kill").args(["-INT", &watching.id().to_string()]).status().expect("kill runs");
    assert!(interrupted.success());
    assert_eq!(watching.wait().expect("it ends").code(), Some(1), "the last check failed");
    assert_eq!(lines.next().map(Result::ok), None, "nothing is checked without a change");
}

#[test]
fn a_port_alone_is_one_of_the_configured_address() {
    let app = App::new();
    app.write("backstay.toml", "server.listen = '127.0.0.2:1'");
    let free = std::net::TcpListener::bind("127.0.0.2:0").and_then(|one| one.local_addr()).expect("a port").port();
    for option in ["--port", "-p", "--listen"] {
        let mut command = app.command(&["serve", option, &free.to_string(), "--log-format", "json"]);
        let server = Server::spawn(&mut command).listening();
        assert_eq!(server.address(), format!("127.0.0.2:{free}"));
        assert_eq!(server.stop(), Some(0));
    }
    let both = app.run(&["serve", "--port", "80", "--listen", "127.0.0.1:80"]);
    assert_eq!(both.code, Some(2), "{}", both.err);
    assert_eq!(app.run(&["serve", "--port", "70000"]).code, Some(2));
}

#[test]
fn commands_of_other_programs_lead_to_ours() {
    let app = App::new();
    for (words, expected) in [
        (&["init"][..], "use `backstay new DIR`"),
        (&["create", "blog"], "use `backstay new DIR`"),
        (&["start"], "use `backstay serve`"),
        (&["run"], "use `backstay serve`"),
        (&["develop"], "use `backstay dev`"),
        (&["migrate"], "plan   Show the steps"),
        (&["reset", "--force"], "use `--yes`"),
        (&["account", "add", "a@b.example", "--name", "A"], "such as name=Ben"),
    ] {
        let ended = app.run(words);
        assert_eq!(ended.code, Some(2), "{words:?}");
        assert!(ended.err.contains(expected), "{words:?}: {}", ended.err);
    }
    assert!(app.run(&["--version"]).done().starts_with("backstay "));
}

#[test]
fn a_client_is_written_to_a_file() {
    let app = App::empty();
    app.write("model/all.graphql", "extend schema @app(name: \"Books\")\ntype Book { title: String!  price: Money }");
    let out = app.run(&["client", "typescript", "--out", "books.ts"]).done();
    let client = fs::read_to_string(app.path().join("books.ts")).expect("the client");
    assert!(out.is_empty() && client.contains("price"), "{out}");
    let refused = app.run(&["client", "typescript", "--out", "none/books.ts"]).refused();
    assert!(refused.contains("cannot write none/books.ts"), "{refused}");
}
