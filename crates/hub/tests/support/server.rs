//! A web server of one thread, on this machine's own address, that says what a test tells it to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What a client asked for.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// How many were asked before.
    pub(crate) number: usize,
    pub(crate) path: String,
    headers: Vec<(String, String)>,
}

impl Question {
    /// The header's value, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }
}

/// A server on a port of its own; it ends with the test.
pub(crate) struct Server {
    address: SocketAddr,
    scheme: &'static str,
    asked: Arc<Mutex<Vec<Question>>>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Answers every question by what `answer` writes, then closes the connection.
    pub(crate) fn start(answer: impl FnMut(&Question, &mut dyn Write) + Send + 'static) -> Self {
        Self::with("http", answer, |stream| Box::new(stream))
    }

    /// The same over a stream that `open` makes of the connection.
    pub(crate) fn with(
        scheme: &'static str,
        mut answer: impl FnMut(&Question, &mut dyn Write) + Send + 'static,
        open: impl Fn(TcpStream) -> Box<dyn Stream> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, ends) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (asked_there, ends_there) = (Arc::clone(&asked), Arc::clone(&ends));
        let thread = std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if ends_there.load(Ordering::SeqCst) {
                    break;
                }
                let mut reader = BufReader::new(open(stream));
                let number = asked_there.lock().unwrap().len();
                let Some(question) = read(&mut reader, number) else { continue };
                asked_there.lock().unwrap().push(question.clone());
                answer(&question, reader.get_mut());
                // What a client makes of the end is its own affair.
                let _ = reader.get_mut().flush();
            }
        });
        Self { address, scheme, asked, ends, thread: Some(thread) }
    }

    /// The address as a mirror.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// The same machine under another name.
    pub(crate) fn localhost(&self) -> String {
        format!("{}://localhost:{}", self.scheme, self.address.port())
    }

    /// All that was asked so far.
    pub(crate) fn asked(&self) -> Vec<Question> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        // Wakes it from waiting for a client.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the server panicked");
        }
    }
}

/// Both directions of a connection.
pub(crate) trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// Reads the head of a question; nothing if the client went away first.
fn read(reader: &mut impl BufRead, number: usize) -> Option<Question> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_string();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let path = lines.first()?.split(' ').nth(1)?.to_string();
    let header =
        |line: &String| line.split_once(": ").map(|(key, value)| (key.to_string(), value.to_string()));
    Some(Question { number, path, headers: lines.iter().skip(1).filter_map(header).collect() })
}

/// Writes a status line, header lines and a body; a client that has gone away is left alone.
pub(crate) fn say(out: &mut dyn Write, status: &str, headers: &[String], body: &[u8]) {
    let mut head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
    for header in headers {
        head += header;
        head += "\r\n";
    }
    let _ = out
        .write_all(head.as_bytes())
        .and_then(|()| out.write_all(b"\r\n"))
        .and_then(|()| out.write_all(body));
}

/// The whole file, with its length.
pub(crate) fn whole(out: &mut dyn Write, body: &[u8]) {
    say(out, "200 OK", &[length(body.len())], body);
}

/// The header that says how long a body is.
pub(crate) fn length(bytes: usize) -> String {
    format!("Content-Length: {bytes}")
}
