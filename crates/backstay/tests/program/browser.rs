use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long to wait for what must come.
const PATIENCE: Duration = Duration::from_mins(1);

/// A Chromium without a window, driven by `WebDriver` (W3C), which ends when it is dropped.
pub(crate) struct Browser {
    driver: Child,
    address: String,
    session: String,
}

impl Browser {
    /// Starts Debian's `chromedriver` on any free port, and a browser by it.
    pub(crate) fn start() -> Self {
        // The port that it chooses can be in use for IPv6.
        let (driver, port) = (0..10).find_map(|_| driver()).expect("chromedriver finds a port");
        let address = format!("127.0.0.1:{port}");
        let mut browser = Self { driver, address, session: String::new() };
        let options = json!({ "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
        let always = json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } });
        let made = browser.ask("POST", "/session", &json!({ "capabilities": { "alwaysMatch": always } }));
        browser.session = format!("/session/{}", made["sessionId"].as_str().expect("a session"));
        browser
    }

    /// Opens a page and waits until it is loaded.
    pub(crate) fn open(&self, url: &str) {
        self.of_session("/url", &json!({ "url": url }));
    }

    /// What this function body returns in the page.
    pub(crate) fn run(&self, script: &str, arguments: &Value) -> Value {
        let arguments = if arguments.is_null() { json!([]) } else { arguments.clone() };
        self.of_session("/execute/sync", &json!({ "script": script, "args": arguments }))
    }

    /// The same, once it is something.
    pub(crate) fn until(&self, script: &str) -> Value {
        let started = Instant::now();
        loop {
            let found = self.run(script, &Value::Null);
            let is_something = match &found {
                Value::Null | Value::Bool(false) => false,
                Value::String(text) => !text.is_empty(),
                Value::Array(items) => !items.is_empty(),
                Value::Bool(true) | Value::Number(_) | Value::Object(_) => true,
            };
            if is_something {
                return found;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "{script}\n{}",
                self.run("return document.body.innerText", &Value::Null)
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What was written to the console since it was asked for the last time.
    pub(crate) fn console(&self) -> Vec<String> {
        let entries = self.of_session("/se/log", &json!({ "type": "browser" }));
        let entries = entries.as_array().expect("a list").iter();
        entries.map(|entry| entry["message"].as_str().expect("a text").to_owned()).collect()
    }

    fn of_session(&self, path: &str, body: &Value) -> Value {
        self.ask("POST", &format!("{}{path}", self.session), body)
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.send(method, path, body).expect("the driver answers");
        assert!(status.starts_with("HTTP/1.1 200"), "{path}: {status} {answer}");
        answer["value"].clone()
    }

    /// Sends a request. Returns the first line of the answer, and its body, whose length the driver always says; it keeps
    /// the connection open.
    fn send(&self, method: &str, path: &str, body: &Value) -> io::Result<(String, Value)> {
        let body = body.to_string();
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n");
        stream.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes())?;
        let mut answer = BufReader::new(stream);
        let (mut status, mut length) = (String::new(), 0);
        answer.read_line(&mut status)?;
        loop {
            let mut line = String::new();
            answer.read_line(&mut line)?;
            match line.trim_end().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().map_err(io::Error::other)?;
                }
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        answer.read_exact(&mut body)?;
        Ok((status, serde_json::from_slice(&body)?))
    }
}

/// A driver that listens, and on which port.
fn driver() -> Option<(Child, String)> {
    let mut driver = Command::new("chromedriver");
    let driver = driver.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut driver = driver.expect("chromedriver starts; Debian has it in chromium-driver");
    let mut output = BufReader::new(driver.stdout.take().expect("a pipe"));
    let mut line = String::new();
    while output.read_line(&mut line).is_ok_and(|read| read > 0) {
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            let port = port.trim_end().trim_end_matches('.').to_owned();
            driver.stdout = Some(output.into_inner());
            return Some((driver, port));
        }
        line.clear();
    }
    let _ = driver.wait();
    None
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser ends with its session, not with the driver.
        let _ = self.send("DELETE", &self.session, &json!({}));
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
