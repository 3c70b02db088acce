//! Functions that call other servers.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

use crate::harness::value;

/// A server that answers one request with this, and then tells what it was asked, without the headers that every request has.
fn server(answer: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let serving = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        let mut reader = BufReader::new(stream);
        let (mut asked, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a line");
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().expect("a length");
            } else if !["host: ", "user-agent: ", "connection: "].iter().any(|common| line.starts_with(common)) {
                asked.push_str(&line);
                asked.push('|');
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("a body");
        asked.push_str(&String::from_utf8(body).expect("text"));
        reader.get_mut().write_all(answer.as_bytes()).expect("it is sent");
        asked
    });
    (url, serving)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_calls_another_server() {
    let answer = "HTTP/1.1 201 Created\r\nX-Paid: yes\r\nx-paid: twice\r\ncontent-length: 12\r\nconnection: close\r\n\r\n{\"paid\":\"7\"}";
    let (url, serving) = server(answer);
    let body = format!(
        "const answer = await fetch('{url}/charges?for=7', {{ method: 'post', headers: {{ 'X-Key': 'k' }}, body: '{{}}' }}); \
         return [answer.status, answer.ok, answer.headers.get('x-PAID'), answer.headers.has('etag'), await answer.json(), \
         (await answer.text()).length];"
    );
    assert_eq!(value(&body).await, r#"[201,true,"yes, twice",false,{"paid":"7"},12]"#);
    assert_eq!(serving.join().expect("it was called"), "post /charges?for=7 http/1.1|x-key: k|{}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_no_error_and_no_redirect_is_followed() {
    for (answer, expected) in [
        ("HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy", r#"[503,false,null,"busy"]"#),
        (
            "HTTP/1.1 302 Found\r\nlocation: http://10.0.0.1/\r\ncontent-length: 0\r\n\r\n",
            r#"[302,false,"http://10.0.0.1/",""]"#,
        ),
    ] {
        let (url, serving) = server(answer);
        let body = format!(
            "const answer = await fetch('{url}'); \
             return [answer.status, answer.ok, answer.headers.get('location'), await answer.text()];"
        );
        assert_eq!(value(&body).await, expected);
        assert_eq!(serving.join().expect("it was called"), "get / http/1.1|");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_called_is_refused() {
    let check = async |body: &str, expected: &str| {
        assert_eq!(value(&format!("return {body}")).await, expected, "{body}");
    };
    check(
        "fetch('http://10.0.0.1/')",
        "TypeError: 10.0.0.1 has the address 10.0.0.1, which is private or local; to call it, name its network in `egress.allow`",
    )
    .await;
    check(
        "fetch('http://[::ffff:169.254.169.254]/')",
        "TypeError: [::ffff:a9fe:a9fe] has the address ::ffff:169.254.169.254, which is private or local; to call it, name its network in `egress.allow`",
    )
    .await;
    check(
        "fetch('/charges')",
        "TypeError: `/charges` can't be called: it isn't a URL; write `https://` and the name of a server",
    )
    .await;
    check(
        "fetch('http://127.0.0.1/', { method: 'TRACE' })",
        "TypeError: `TRACE` is not a method; use one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    )
    .await;
    check(
        "fetch('http://127.0.0.1/', { mode: 'cors' })",
        "TypeError: fetch has no option `mode`; it has method, headers, body",
    )
    .await;
    check(
        "fetch('http://127.0.0.1/', { body: {} })",
        "TypeError: the body of a fetch is a string; write JSON.stringify(…) for an object",
    )
    .await;
    check(
        "db.transaction(async () => fetch('http://127.0.0.1/'))",
        "TypeError: fetch can't be used in a transaction, which may run several times; call it before or after",
    )
    .await;
}
