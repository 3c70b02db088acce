//! What clients meet that use more connections or memory than their share, and what everyone else meets beside them.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use backstay_base::limits;
use backstay_http::{HttpSettings, Proxies};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::id_of;
use crate::wire::{Server, post, rest};

const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
const MIB: usize = 1024 * 1024;
/// Guards against hanging only.
const LONG: Duration = Duration::from_secs(20);

/// A connection from `127.0.0.LAST`.
async fn connect_from(server: &Server, last: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    let from = SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0));
    socket.bind(from).expect("all of 127.0.0.0/8 is this machine");
    // A client that reads nothing must not have it buffered on its side.
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    socket.connect(server.address).await.expect("the server listens")
}

/// Sends a health check and gives the status of the answer, of which the rest stays unread; 0 if the connection ends.
async fn status(stream: &mut TcpStream) -> u16 {
    if stream.write_all(HEALTH).await.is_err() {
        return 0;
    }
    first_status(stream).await
}

async fn first_status(stream: &mut TcpStream) -> u16 {
    let mut start = [0; 12];
    let read = tokio::time::timeout(LONG, stream.read_exact(&mut start)).await.expect("nobody hangs");
    if read.is_err() {
        return 0;
    }
    String::from_utf8_lossy(&start[9..]).parse().expect("a status")
}

/// A connection that has begun to send a request with a body, and is answered only once the body is complete.
async fn busy(server: &Server, last: u8, token: &str) -> TcpStream {
    let mut stream = connect_from(server, last).await;
    stream.write_all(post("Content-Length: 20", token).as_bytes()).await.expect("it is taken");
    tokio::time::sleep(Duration::from_millis(50)).await;
    stream
}

fn settings(connections: usize, network_percent: u8) -> HttpSettings {
    HttpSettings { connections, network_percent, ..HttpSettings::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_cannot_take_every_connection() {
    let server = Server::start(settings(8, 50)).await;
    let ada = server.app.account("ada@example.org").await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(busy(&server, 1, &ada).await);
    }
    let mut refused = connect_from(&server, 1).await;
    refused.write_all(HEALTH).await.expect("it is taken");
    let answer = rest(&mut refused).await;
    assert!(answer.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{answer}");
    for part in ["/problems/too-many-requests", "retry-after: 1\r\n", "connection: close\r\n", "application/problem"] {
        assert!(answer.contains(part), "{part}: {answer}");
    }
    assert_eq!(status(&mut connect_from(&server, 2).await).await, 200, "another address has its own share");
    drop(held.pop());
    // The server takes a moment to notice.
    let mut answered = 429;
    for _ in 0..100 {
        answered = status(&mut connect_from(&server, 1).await).await;
        if answered != 429 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(answered, 200, "a place is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_unanswered_at_the_limit_of_all() {
    let server = Server::start(settings(4, 100)).await;
    let ada = server.app.account("ada@example.org").await;
    let mut held = Vec::new();
    for last in 1..=4 {
        held.push(busy(&server, last, &ada).await);
    }
    let mut refused = connect_from(&server, 5).await;
    refused.write_all(HEALTH).await.expect("it is taken");
    let answer = rest(&mut refused).await;
    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
    assert!(answer.contains("/problems/busy") && answer.contains("retry-after: 1\r\n"), "{answer}");
    // The requests that were running are answered as if nothing had been.
    for stream in &mut held {
        stream.write_all(b"{\"title\": \"It held\"}").await.expect("it is taken");
        assert_eq!(first_status(stream).await, 201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_give_way_the_longest_idle_first() {
    let server = Server::start(settings(4, 50)).await;
    let mut idle = Vec::new();
    for last in [1, 1, 2, 3] {
        let mut stream = connect_from(&server, last).await;
        assert_eq!(status(&mut stream).await, 200);
        idle.push(stream);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let mut fresh = Vec::new();
    // The share of 127.0.0.1 is used up, so its own oldest goes; then all are, and the network that has the most pays.
    for (last, gone) in [(1, 0), (4, 1)] {
        let mut stream = connect_from(&server, last).await;
        assert_eq!(status(&mut stream).await, 200);
        fresh.push(stream);
        rest(&mut idle[gone]).await;
    }
    for stream in &mut idle[2..] {
        let mut answer = vec![0; 4096];
        assert!(stream.read(&mut answer).await.expect("it is open") > 0);
        assert_eq!(status(stream).await, 200, "the others stay");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_give_way() {
    let server = Server::start(settings(4, 100)).await;
    let mut silent = Vec::new();
    for half in ["", "G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: h\r\n"] {
        let mut stream = connect_from(&server, 1).await;
        stream.write_all(half.as_bytes()).await.expect("it is taken");
        silent.push(stream);
    }
    // What arrives slowly is no progress.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    for stream in &mut silent[1..] {
        stream.write_all(b"X").await.expect("it is open");
    }
    let mut served = Vec::new();
    for last in 2..=5 {
        // The server may take a moment to see how long a connection has been silent.
        let stream = loop {
            let mut stream = connect_from(&server, last).await;
            match status(&mut stream).await {
                200 => break stream,
                refused => assert_eq!(refused, 503),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        served.push(stream);
    }
    for stream in &mut silent {
        assert_eq!(rest(stream).await, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_head_has_less_time_on_a_server_that_is_half_full() {
    let server = Server::start(settings(4, 100)).await;
    let mut silent = Vec::new();
    for _ in 0..4 {
        silent.push(connect_from(&server, 1).await);
    }
    let mut ends = silent.iter_mut().map(|stream| tokio::time::timeout(Duration::from_secs(7), stream.read_u8()));
    let (first, last) = (ends.next().expect("the first"), ends.next_back().expect("the last"));
    let (first, last) = tokio::join!(first, last);
    assert!(first.is_err(), "it came when there was room and has 30 seconds");
    assert!(last.is_ok(), "it has 5 seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_may_use_all_connections_and_its_clients_have_shares() {
    let proxies = Proxies { subnets: vec!["127.0.0.9".parse().expect("a subnet")], ..Proxies::default() };
    let server = Server::start(HttpSettings { proxies, ..memory(50, 8) }).await;
    let ada = server.app.account("ada@example.org").await;
    let id = large_note(&server, &ada).await;
    let mut proxied = Vec::new();
    for _ in 0..8 {
        let mut stream = connect_from(&server, 9).await;
        let head = format!("GET /api/notes/{id} HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n");
        stream.write_all(head.as_bytes()).await.expect("it is taken");
        proxied.push(stream);
    }
    let mut statuses = Vec::new();
    for stream in &mut proxied {
        statuses.push(first_status(stream).await);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 200, 429, 429, 429, 429]);
    proxied.truncate(7);
    let head = format!("GET /api/notes/{id} HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 192.0.2.2\r\n\r\n");
    let mut answered = 503;
    // The server takes a moment to notice that a connection was closed.
    for _ in 0..100 {
        let mut stream = connect_from(&server, 9).await;
        // A connection that is refused may be closed before this arrives.
        drop(stream.write_all(head.as_bytes()).await);
        answered = first_status(&mut stream).await;
        if answered != 503 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(answered, 200, "another client of the proxy has its own share");
}

/// Memory for so many MiB, of which a network may use 32.
fn memory(mib: usize, connections: usize) -> HttpSettings {
    // Clients that read nothing aren't cut off before a slow machine has come to the end of the test.
    let stall_time = Duration::from_mins(10);
    HttpSettings { memory_bytes: mib * MIB, compress_from: None, stall_time, ..settings(connections, 50) }
}

/// Makes a public note whose answer has between 7 and 8 MiB.
async fn large_note(server: &Server, token: &str) -> String {
    let body = format!(r#"{{"title": "x", "public": true, "body": "{}"}}"#, "x".repeat(7_800_000));
    id_of(&server.app.post("POST /api/notes", &[("authorization", token)], &body).await)
}

/// Asks for the note and reads nothing of the answer but its status.
async fn ask(server: &Server, last: u8, id: &str) -> (TcpStream, u16) {
    let mut stream = connect_from(server, last).await;
    stream.write_all(format!("GET /api/notes/{id} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes()).await.expect("it is taken");
    let status = first_status(&mut stream).await;
    (stream, status)
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_read_nothing_hold_no_more_than_their_share() {
    let server = Server::start(memory(64, 100)).await;
    let ada = server.app.account("ada@example.org").await;
    let id = large_note(&server, &ada).await;
    let mut held = Vec::new();
    for number in 0..4 {
        let (stream, status) = ask(&server, 1, &id).await;
        assert_eq!(status, 200, "{number}");
        held.push(stream);
    }
    let (mut refused, status) = ask(&server, 1, &id).await;
    assert_eq!(status, 429);
    let problem = String::from_utf8_lossy(&read_some(&mut refused).await).into_owned();
    assert!(problem.contains("/problems/too-many-requests") && problem.contains("retry-after: 1\r\n"), "{problem}");
    for number in 0..4 {
        let (stream, status) = ask(&server, 2, &id).await;
        assert_eq!(status, 200, "{number}");
        held.push(stream);
    }
    let (_, status) = ask(&server, 3, &id).await;
    assert_eq!(status, 503, "all of the memory is in use");
    assert_eq!(self::status(&mut connect_from(&server, 1).await).await, 200, "health checks are always answered");
    let listed = b"GET /api/notes?select=title HTTP/1.1\r\nHost: h\r\n\r\n";
    let mut small = connect_from(&server, 3).await;
    small.write_all(listed).await.expect("it is taken");
    assert_eq!(first_status(&mut small).await, 200, "there is room for small answers");
    // Whoever reads makes room.
    let mut read = held.remove(0);
    let mut taken = read_some(&mut read).await.len();
    while taken < 7_800_000 {
        taken += read_some(&mut read).await.len();
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(ask(&server, 1, &id).await.1, 200);
}

async fn read_some(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = vec![0; 64 * 1024];
    let read = tokio::time::timeout(LONG, stream.read(&mut bytes)).await.expect("nobody hangs");
    bytes.truncate(read.expect("it is open"));
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_nothing_is_cut_off_and_what_it_held_is_free() {
    let server = Server::start(HttpSettings { stall_time: Duration::from_secs(4), ..memory(64, 100) }).await;
    let ada = server.app.account("ada@example.org").await;
    let id = large_note(&server, &ada).await;
    let request = format!("GET /api/notes/{id} HTTP/1.1\r\nHost: h\r\n\r\n");
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut stream = connect_from(&server, 1).await;
        // Many at once, of which only the first is under way.
        stream.write_all(request.repeat(20).as_bytes()).await.expect("it is taken");
        // An answer takes more while it is made.
        assert_eq!(first_status(&mut stream).await, 200);
        held.push(stream);
    }
    assert_eq!(ask(&server, 1, &id).await.1, 429);
    let free_again = async {
        while ask(&server, 1, &id).await.1 != 200 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(LONG, free_again).await.expect("the memory is free again");
    // Until the last of them has stalled for as long, too: one that is read goes on.
    tokio::time::sleep(Duration::from_secs(6)).await;
    for stream in &mut held {
        let mut taken = 0;
        let ended = loop {
            match tokio::time::timeout(LONG, stream.read(&mut [0; 4096])).await.expect("nobody hangs") {
                Ok(0) | Err(_) => break taken,
                Ok(bytes) => taken += bytes,
            }
        };
        assert!(ended < 7_800_000, "{ended} bytes of the first answer were read");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_that_makes_progress_gets_all() {
    let server = Server::start(HttpSettings { stall_time: Duration::from_secs(4), ..memory(64, 100) }).await;
    let ada = server.app.account("ada@example.org").await;
    let id = large_note(&server, &ada).await;
    let (mut stream, status) = ask(&server, 1, &id).await;
    assert_eq!(status, 200);
    let mut taken = 0;
    while taken < 7_800_000 {
        let mut bytes = vec![0; MIB];
        let mut filled = 0;
        while filled < bytes.len() && taken + filled < 7_800_000 {
            filled += stream.read(&mut bytes[filled..]).await.expect("it is not cut off");
        }
        taken += filled;
        // All in all longer than a client may stall.
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_count_while_they_arrive() {
    let server = Server::start(memory(64, 100)).await;
    let ada = server.app.account("ada@example.org").await;
    let body = format!(r#"{{"title": "x", "body": "{}"}}"#, "x".repeat(7_000_000));
    let (almost, last) = body.as_bytes().split_at(body.len() - 1);
    let head = post(&format!("Content-Length: {}", body.len()), &ada);
    let begin = async || {
        let mut stream = connect_from(&server, 1).await;
        stream.write_all(head.as_bytes()).await.expect("it is taken");
        // It may be refused before all of it is sent.
        let _ = stream.write_all(almost).await;
        stream
    };
    // The server takes a moment to read what has arrived. Until it has, a third body may find the room of one of the two,
    // which is refused then instead of the third.
    let two_of_three = async {
        loop {
            let mut held = [begin().await, begin().await];
            let third = tokio::time::timeout(Duration::from_millis(500), first_status(&mut begin().await)).await;
            let mut statuses = Vec::new();
            for stream in &mut held {
                let _ = stream.write_all(last).await;
                statuses.push(first_status(stream).await);
            }
            if third == Ok(429) && statuses == [201, 201] {
                return;
            }
        }
    };
    tokio::time::timeout(LONG, two_of_three).await.expect("bodies count");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_was_made_is_confirmed_even_without_memory_for_its_answer() {
    let server = Server::start(memory(64, 100)).await;
    let ada = server.app.account("ada@example.org").await;
    let id = large_note(&server, &ada).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        let (stream, status) = ask(&server, 1, &id).await;
        assert_eq!(status, 200);
        held.push(stream);
    }
    let body = r#"{"rank": 7}"#;
    let length = body.len();
    let head = format!(
        "PATCH /api/notes/{id} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Authorization: {ada}\r\nConnection: close\r\n\r\n"
    );
    let mut stream = connect_from(&server, 1).await;
    stream.write_all(format!("{head}{body}").as_bytes()).await.expect("it is taken");
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 204 No Content"), "{answer}");
    assert!(answer.contains("preference-applied: return=minimal\r\n") && answer.contains("etag: \"2."), "{answer}");
    let read = server.app.call(&format!("GET /api/notes/{id}?select=rank"), &[]).await;
    assert_eq!(read.json()["rank"], 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_have_hardly_begun_hold_hardly_anything() {
    // Each of 2,000 requests would count as 64 KiB: four times as much as one network may use.
    let server = Server::start(HttpSettings { body_time: Duration::from_mins(1), ..memory(64, 4000) }).await;
    let ada = server.app.account("ada@example.org").await;
    let head = post("Content-Length: 1000000", &ada);
    let mut begun = Vec::new();
    for _ in 0..1500 {
        let mut stream = connect_from(&server, 1).await;
        stream.write_all(format!("{head}{{").as_bytes()).await.expect("it is taken");
        begun.push(stream);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let body = r#"{"title": "Beside them"}"#;
    let mut beside = connect_from(&server, 1).await;
    let head = post(&format!("Content-Length: {}", body.len()), &ada);
    beside.write_all(format!("{head}{body}").as_bytes()).await.expect("it is taken");
    assert_eq!(first_status(&mut beside).await, 201, "their own network still has memory");
    let refused = tokio::time::timeout(LONG, begun[0].read_u8()).await.expect("a body must go on arriving");
    assert!(refused.is_ok(), "the client is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_network_sends_only_so_many_bodies_at_a_time() {
    let server = Server::start(HttpSettings { body_time: Duration::from_mins(1), ..HttpSettings::default() }).await;
    let ada = server.app.account("ada@example.org").await;
    let begun = post("Content-Length: 20", &ada);
    let mut arriving = Vec::new();
    for _ in 0..limits::NETWORK_BODIES {
        let mut stream = connect_from(&server, 1).await;
        stream.write_all(begun.as_bytes()).await.expect("it is taken");
        arriving.push(stream);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut refused = busy(&server, 1, &ada).await;
    let answer = rest(&mut refused).await;
    assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
    assert!(answer.contains("as many request bodies as one network may send at a time"), "{answer}");
    let other = busy(&server, 2, &ada).await;
    let (whole, mut beside) = (r#"{"title": "Beside them"}"#, connect_from(&server, 1).await);
    let head = post(&format!("Content-Length: {}", whole.len()), &ada);
    beside.write_all(format!("{head}{whole}").as_bytes()).await.expect("it is taken");
    assert_eq!(first_status(&mut beside).await, 201, "a body that arrives with its head");
    for mut stream in [arriving.swap_remove(0), other] {
        stream.write_all(br#"{"title": "A whole"}"#).await.expect("it is taken");
        assert_eq!(first_status(&mut stream).await, 201);
    }
    let mut next = busy(&server, 1, &ada).await;
    next.write_all(br#"{"title": "A whole"}"#).await.expect("it is taken");
    assert_eq!(first_status(&mut next).await, 201, "there is room again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stops_arriving_is_refused() {
    let server = Server::start(HttpSettings { body_time: Duration::from_mins(1), ..HttpSettings::default() }).await;
    let ada = server.app.account("ada@example.org").await;
    let mut stalled = server.connect().await;
    stalled.write_all(format!("{}{{", post("Content-Length: 20", &ada)).as_bytes()).await.expect("it is taken");
    let mut answer = Vec::new();
    tokio::time::timeout(LONG, stalled.read_to_end(&mut answer)).await.expect("nobody hangs").expect("an answer");
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("/problems/body-timeout"), "{answer}");
    assert!(answer.contains("nothing of the body arrived for 10 seconds"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_count_while_they_arrive() {
    // Of 1,000 heads with 40 KiB each, 32 MiB hold less than 900.
    let server = Server::start(memory(64, 2500)).await;
    let half = format!("GET /healthz HTTP/1.1\r\nHost: h\r\nX-Long: {}", "x".repeat(40 * 1024));
    let mut heads = Vec::new();
    for _ in 0..1000 {
        let mut stream = connect_from(&server, 1).await;
        // One that isn't taken in is closed.
        let _ = stream.write_all(half.as_bytes()).await;
        heads.push(stream);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut closed = 0;
    for stream in &mut heads {
        let read = tokio::time::timeout(Duration::from_millis(1), stream.read_u8()).await;
        closed += usize::from(matches!(read, Ok(Err(_))));
    }
    assert!((100..=600).contains(&closed), "{closed} are closed");
    assert_eq!(status(&mut connect_from(&server, 2).await).await, 200, "another network has its own share");
    drop(heads);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut whole = connect_from(&server, 1).await;
    whole.write_all(format!("{}\r\n\r\n", &half[..30 * 1024]).as_bytes()).await.expect("it is taken");
    assert_eq!(first_status(&mut whole).await, 200, "what they held is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn others_are_answered_beside_a_hundred_of_the_largest_answers() {
    let server = Server::start(memory(64, 400)).await;
    let ada = server.app.account("ada@example.org").await;
    let small = id_of(
        &server.app.post("POST /api/notes", &[("authorization", &ada)], r#"{"title": "s", "public": true}"#).await,
    );
    for _ in 0..2 {
        large_note(&server, &ada).await;
    }
    let (mut asked, mut statuses) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        let mut stream = connect_from(&server, 1).await;
        stream.write_all(b"GET /api/notes HTTP/1.1\r\nHost: h\r\n\r\n").await.expect("it is taken");
        asked.push(stream);
        let (_, read) = ask(&server, 2, &small).await;
        let healthy = status(&mut connect_from(&server, 2).await).await;
        assert_eq!((read, healthy), (200, 200), "others are answered meanwhile");
    }
    for stream in &mut asked {
        statuses.push(first_status(stream).await);
    }
    let count = |status: u16| statuses.iter().filter(|one| **one == status).count();
    assert_eq!(count(200) + count(429), 100, "{statuses:?}");
    assert!((1..=2).contains(&count(200)), "two of them are 32 MiB: {statuses:?}");
    drop(asked);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(ask(&server, 1, &small).await.1, 200, "their memory is free again");
}
