use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// A kept-alive connection that sends one request at a time.
#[derive(Debug)]
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    token: Option<String>,
}

/// A request that is sent again and again.
#[derive(Debug)]
pub(crate) struct Request {
    method: &'static str,
    path: String,
    body: Option<String>,
}

impl Request {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), body: None }
    }

    pub(crate) fn post(path: impl Into<String>, body: String) -> Self {
        Self { method: "POST", path: path.into(), body: Some(body) }
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// Connects to a server.
    pub(crate) fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_mins(2)))?;
        Ok(Self { stream: BufReader::new(stream), token: None })
    }

    /// Sends requests over an open connection, as the account that this token belongs to or anonymously.
    pub(crate) fn over(stream: TcpStream, token: Option<&str>) -> Self {
        Self { stream: BufReader::new(stream), token: token.map(str::to_owned) }
    }

    /// Signs in. Later requests are sent by this account.
    pub(crate) fn sign_in(&mut self, email: &str, password: &str) -> Result<String> {
        let body = format!("{{\"email\":\"{email}\",\"password\":\"{password}\"}}");
        let answer = self.send("POST", "/auth/sign-in", Some(&body))?.json()?;
        let token = answer["token"].as_str().context("the sign-in answers a token")?.to_owned();
        self.token = Some(token.clone());
        Ok(token)
    }

    /// Gets a JSON document.
    pub(crate) fn get(&mut self, path: &str) -> Result<Value> {
        self.send("GET", path, None)?.json()
    }

    /// How many of these requests, one after the other and in turn, are answered in a second.
    pub(crate) fn rate(&mut self, requests: &[Request], seconds: u32) -> Result<f64> {
        let time = Duration::from_secs(seconds.into());
        self.ask(&requests[0])?;
        let (begin, mut answers) = (Instant::now(), 0_u32);
        for request in requests.iter().cycle().take_while(|_| begin.elapsed() < time) {
            self.ask(request)?;
            answers += 1;
        }
        Ok(f64::from(answers) / begin.elapsed().as_secs_f64())
    }

    /// Sends a request, which must succeed.
    pub(crate) fn ask(&mut self, Request { method, path, body }: &Request) -> Result<()> {
        let Answer { status, body } = self.send(method, path, body.as_deref())?;
        ensure!(matches!(status, 200 | 201), "status {status} for {path}: {}", String::from_utf8_lossy(&body));
        Ok(())
    }

    /// Sends a request and reads the whole answer.
    pub(crate) fn send(&mut self, method: &str, path: &str, body: Option<&str>) -> Result<Answer> {
        self.send_with(method, path, "", body)
    }

    /// The same with more header lines, each of which ends with CRLF.
    pub(crate) fn send_with(&mut self, method: &str, path: &str, lines: &str, body: Option<&str>) -> Result<Answer> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
        request.push_str(lines);
        if let Some(token) = &self.token {
            request.push_str("Authorization: Bearer ");
            request.push_str(token);
            request.push_str("\r\n");
        }
        if let Some(body) = body {
            let _ = write!(request, "Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        }
        request.push_str("\r\n");
        request.push_str(body.unwrap_or_default());
        self.stream.get_mut().write_all(request.as_bytes()).context("cannot send a request")?;
        self.receive().with_context(|| format!("cannot read the answer to {method} {path}"))
    }

    fn receive(&mut self) -> Result<Answer> {
        let status_line = self.line()?;
        let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.with_context(|| format!("invalid status line: {status_line:?}"))?;
        let mut length = 0;
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().context("invalid content length")?;
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                bail!("the answer has no content length");
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(Answer { status, body })
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            bail!("the server closed the connection");
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Answer {
    /// The body as JSON. Fails unless the status is 2xx.
    pub(crate) fn json(&self) -> Result<Value> {
        if !(200..300).contains(&self.status) {
            bail!("status {}: {}", self.status, String::from_utf8_lossy(&self.body));
        }
        serde_json::from_slice(&self.body).context("the answer is not JSON")
    }
}
