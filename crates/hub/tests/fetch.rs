//! Downloads from servers that do well, and from servers that do not.

#![cfg(feature = "fetch")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use patchcore_hub::{Fetch, HubError, Source, Watch};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use support::server::{Question, Server, length, say, whole};
use support::{Place, content, data, sha256, tls_server, weights};

const TAG: &str = "ETag: \"one\"";
const HALF: usize = 150_000;

/// Announces the whole file and breaks off in the middle.
fn half(out: &mut dyn std::io::Write, tag: &str) {
    say(out, "200 OK", &[length(content().len()), tag.to_string()], &content()[..HALF]);
}

/// The rest that was asked for, from `bytes`.
fn rest(question: &Question, out: &mut dyn std::io::Write, bytes: &[u8]) {
    let from: usize =
        question.header("Range").trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap();
    let range = format!("Content-Range: bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
    say(out, "206 Partial Content", &[range, length(bytes.len() - from)], &bytes[from..]);
}

#[test]
fn a_file_is_fetched_once_and_recorded() {
    let (place, bytes) = (Place::new(), content());
    let server = Server::start(|_, out| whole(out, &content()));
    let stored = place.fetch(&server.url(), &weights(&bytes)).unwrap();
    assert!(stored.first && !stored.already);
    assert_eq!((stored.sha256.clone(), stored.bytes), (sha256(&bytes), 300_000));
    assert_eq!(stored.path, place.cache.path(&weights(&bytes)));
    assert_eq!(place.names(), ["tiny.pth", "tiny.pth.sha256"]);
    assert_eq!(place.read("tiny.pth"), bytes);
    assert_eq!(place.read("tiny.pth.sha256"), format!("{}  tiny.pth\n", sha256(&bytes)).as_bytes());

    let again = place.fetch(&server.url(), &weights(&bytes)).unwrap();
    assert!(again.already && !again.first);
    assert_eq!(server.asked().len(), 1);
    assert_eq!(server.asked()[0].path, "/tiny.pth");
    assert_eq!(server.asked()[0].header("Range"), "");
}

#[test]
fn a_broken_connection_is_gone_on_with() {
    let (place, bytes) = (Place::new(), content());
    let server = Server::start(|question, out| match question.number {
        0 => half(out, TAG),
        _ => rest(question, out, &content()),
    });
    place.fetch(&server.url(), &weights(&bytes)).unwrap();
    assert_eq!(place.read("tiny.pth"), bytes);
    assert_eq!(place.names(), ["tiny.pth", "tiny.pth.sha256"]);
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!((asked[1].header("Range"), asked[1].header("If-Range")), ("bytes=150000-", "\"one\""));
}

#[test]
fn the_next_fetch_goes_on_where_the_last_one_gave_up() {
    let (place, bytes) = (Place::new(), content());
    let server = Server::start(|question, out| match question.number {
        0 => half(out, "Last-Modified: Tue, 01 Sep 2020 08:00:00 GMT"),
        1 => say(out, "503 Service Unavailable", &[length(0)], b""),
        // Closes without a word.
        2 => {}
        _ => rest(question, out, &content()),
    });
    let error = place.fetch(&server.url(), &weights(&bytes)).unwrap_err();
    assert!(error.to_string().contains("503 Service Unavailable"), "{error}");
    assert_eq!(place.names(), ["tiny.pth.part", "tiny.pth.part.from"]);
    let error = place.fetch(&server.url(), &weights(&bytes)).unwrap_err();
    assert!(error.to_string().contains("150000 bytes are kept"), "{error}");

    place.fetch(&server.url(), &weights(&bytes)).unwrap();
    assert_eq!(place.read("tiny.pth"), bytes);
    assert_eq!(server.asked()[3].header("If-Range"), "Tue, 01 Sep 2020 08:00:00 GMT");
}

#[test]
fn what_came_from_another_address_is_not_gone_on_with() {
    let (place, bytes) = (Place::new(), content());
    let breaks = Server::start(|question, out| match question.number {
        0 => half(out, TAG),
        _ => say(out, "500 Oh", &[], b""),
    });
    place.fetch(&breaks.url(), &weights(&bytes)).unwrap_err();
    let server = Server::start(|_, out| whole(out, &content()));
    place.fetch(&server.url(), &weights(&bytes)).unwrap();
    assert_eq!(server.asked()[0].header("Range"), "");
}

#[test]
fn a_server_that_knows_no_ranges_starts_anew() {
    let (place, bytes) = (Place::new(), content());
    let server = Server::start(|question, out| match question.number {
        0 => half(out, TAG),
        _ => whole(out, &content()),
    });
    place.fetch(&server.url(), &weights(&bytes)).unwrap();
    assert_eq!(place.read("tiny.pth"), bytes);
    assert_eq!(server.asked()[1].header("Range"), "bytes=150000-");
}

/// How a server goes on with another file.
type Then = fn(&Question, &mut dyn std::io::Write, &[u8]);

#[test]
fn a_file_that_changed_meanwhile_starts_anew() {
    let place = Place::new();
    let new: Vec<u8> = content().iter().map(|byte| byte ^ 1).collect();
    // A server that minds `If-Range`, one that does not, and one whose new file is shorter.
    let minds = |_: &Question, out: &mut dyn std::io::Write, new: &[u8]| whole(out, new);
    let careless = |question: &Question, out: &mut dyn std::io::Write, new: &[u8]| {
        if question.header("Range").is_empty() { whole(out, new) } else { rest(question, out, new) }
    };
    let shorter = |question: &Question, out: &mut dyn std::io::Write, new: &[u8]| {
        if question.header("Range").is_empty() {
            whole(out, new);
        } else {
            say(out, "416 Range Not Satisfiable", &[length(0)], b"");
        }
    };
    let cases: [(Then, usize, usize); 3] = [(minds, 300_000, 2), (careless, 300_000, 3), (shorter, 9, 3)];
    for (then, len, questions) in cases {
        let file = new[..len].to_vec();
        let expected = weights(&file);
        let server = Server::start(move |question, out| match question.number {
            0 => half(out, TAG),
            _ => then(question, out, &file),
        });
        place.fetch(&server.url(), &expected).unwrap();
        assert_eq!(place.read("tiny.pth"), new[..len]);
        assert_eq!(server.asked().len(), questions);
        std::fs::remove_dir_all(place.cache.folder()).unwrap();
    }
}

#[test]
fn a_rest_that_begins_elsewhere_is_not_taken() {
    let (place, bytes) = (Place::new(), content());
    // It would be too long, too.
    let elsewhere = ["Content-Range: bytes 7-1048576/300000".to_string(), length(1 << 20)];
    let server = Server::start(move |question, out| match question.number {
        0 => half(out, TAG),
        1 => say(out, "206 Partial Content", &elsewhere, b"abc"),
        _ => whole(out, &content()),
    });
    place.fetch(&server.url(), &weights(&bytes)).unwrap();
    assert_eq!(place.read("tiny.pth"), bytes);
    assert_eq!(server.asked()[2].header("Range"), "");

    let unasked = Server::start(|_, out| say(out, "206 Partial Content", &[length(3)], b"abc"));
    let error = Place::new().fetch(&unasked.url(), &weights(&bytes)).unwrap_err();
    assert!(matches!(error, HubError::Status { .. }), "{error}");
}

#[test]
fn a_wrong_file_is_not_kept_and_both_hashes_are_told() {
    let (place, bytes) = (Place::new(), content());
    let server = Server::start(|_, out| whole(out, &content()[1..]));
    let error = place.fetch(&server.url(), &weights(&bytes)).unwrap_err().to_string();
    assert!(error.contains(&sha256(&bytes)[..8]) && error.contains(&sha256(&bytes[1..])), "{error}");
    assert!(error.contains("/tiny.pth: "), "{error}");
    assert_eq!(place.names(), [""; 0]);

    let portal = Server::start(|_, out| whole(out, b"<!DOCTYPE html><title>Sign in</title>"));
    let error = place.fetch(&portal.url(), &weights(&bytes)).unwrap_err().to_string();
    assert!(error.contains("HTML page"), "{error}");
    assert_eq!((place.names(), portal.asked().len()), (vec![], 1));
}

#[test]
fn a_file_must_be_the_one_that_was_recorded() {
    let (place, bytes) = (Place::new(), content());
    let vague = patchcore_hub::Pretrained { sha256_start: "", ..weights(&bytes) };
    let server = Server::start(|question, out| whole(out, &content()[question.number % 2..]));
    assert!(place.fetch(&server.url(), &vague).unwrap().first);
    std::fs::remove_file(place.cache.path(&vague)).unwrap();
    let error = place.fetch(&server.url(), &vague).unwrap_err().to_string();
    assert!(error.contains(&sha256(&bytes)) && error.contains(&sha256(&bytes[1..])), "{error}");
    let stored = place.fetch(&server.url(), &vague).unwrap();
    assert!(!stored.first && !stored.already);

    std::fs::write(place.cache.folder().join("tiny.pth.sha256"), "nonsense").unwrap();
    let error = place.fetch(&server.url(), &vague).unwrap_err();
    assert!(matches!(error, HubError::BadRecord { .. }), "{error}");
}

#[test]
fn an_altered_file_is_fetched_anew() {
    let (place, bytes) = (Place::new(), content());
    let server = Server::start(|_, out| whole(out, &content()));
    place.fetch(&server.url(), &weights(&bytes)).unwrap();
    std::fs::write(place.cache.path(&weights(&bytes)), &bytes[..299_999]).unwrap();
    let stored = place.fetch(&server.url(), &weights(&bytes)).unwrap();
    assert!(!stored.already && !stored.first);
    assert_eq!(place.read("tiny.pth"), bytes);
}

#[test]
fn a_missing_file_is_told_with_the_servers_words() {
    let place = Place::new();
    let server = Server::start(|_, out| say(out, "404 Not Found", &[length(4)], b"gone"));
    let error = place.fetch(&server.url(), &weights(b"")).unwrap_err().to_string();
    assert_eq!(error, format!("{}/tiny.pth: the server answers 404 Not Found", server.url()));
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn a_server_that_announces_too_much_is_given_up() {
    let (place, bytes) = (Place::new(), content());
    let server = Server::start(|_, out| say(out, "200 OK", &[length(400_000)], &content()));
    let error = place.fetch(&server.url(), &weights(&bytes)).unwrap_err();
    assert!(matches!(&error, HubError::Network { kept: 0, .. }), "{error}");
    assert_eq!((place.names(), server.asked().len()), (vec![], 1));

    // With a mark by which it could go on, it is asked again, and not for ever.
    let server = Server::start(|_, out| say(out, "200 OK", &[length(400_000), TAG.into()], &content()));
    let error = place.fetch(&server.url(), &weights(&bytes)).unwrap_err();
    assert!(matches!(&error, HubError::Network { kept: 300_000, .. }), "{error}");
    assert_eq!(server.asked().len(), 6);
}

#[test]
fn an_endless_body_ends_at_the_limit() {
    let (place, bytes) = (Place::new(), content());
    let endless = Server::start(|_, out| {
        say(out, "200 OK", &[], b"");
        while out.write_all(&[7; 4096]).is_ok() {}
    });
    let announced = Server::start(|_, out| say(out, "200 OK", &[length(1 << 40)], b"abc"));
    for server in [endless, announced] {
        let error = place.fetch(&server.url(), &weights(&bytes)).unwrap_err();
        assert!(matches!(&error, HubError::TooLong { allowed: 1_048_576, .. }), "{error}");
        assert_eq!((place.names(), server.asked().len()), (vec![], 1));
    }
}

#[test]
fn redirects_are_followed_to_another_host() {
    let (place, bytes) = (Place::new(), content());
    let files = Server::start(|question, out| match question.number {
        0 => half(out, TAG),
        _ => rest(question, out, &content()),
    });
    let to = [format!("Location: {}/store/abc?signature=1", files.localhost())];
    let front = Server::start(move |question, out| match question.path.as_str() {
        "/tiny.pth" => say(out, "302 Found", &["Location: /moved".into(), length(0)], b""),
        _ => say(out, "307 Temporary Redirect", &to, b""),
    });
    place.fetch(&front.url(), &weights(&bytes)).unwrap();
    assert_eq!(place.read("tiny.pth"), bytes);
    assert_eq!(files.asked()[1].path, "/store/abc?signature=1");
    assert_eq!(files.asked()[1].header("Range"), "bytes=150000-");
    assert_eq!(front.asked().len(), 4);
}

#[test]
fn redirects_in_a_circle_end() {
    let place = Place::new();
    let server =
        Server::start(|_, out| say(out, "301 Moved Permanently", &["Location: /tiny.pth".into()], b""));
    let error = place.fetch(&server.url(), &weights(b"")).unwrap_err().to_string();
    assert!(error.contains("more than 8 redirects"), "{error}");
    assert_eq!(server.asked().len(), 9);

    let nowhere = Server::start(|_, out| say(out, "302 Found", &["Location: ftp://x/tiny.pth".into()], b""));
    let error = place.fetch(&nowhere.url(), &weights(b"")).unwrap_err().to_string();
    assert!(error.contains("redirects to no web address"), "{error}");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let url = Server::start(|_, _| {}).url();
    let error = Place::new().fetch(&url, &weights(b"")).unwrap_err();
    assert!(matches!(&error, HubError::Network { .. }) && error.to_string().starts_with(&url), "{error}");
}

#[test]
fn https_trusts_the_certificates_that_it_is_given_and_no_others() {
    let (place, bytes) = (Place::new(), content());
    let server = tls_server(|_, out| whole(out, &content()));
    for url in [server.url(), server.localhost()] {
        let error = place.fetch(&url, &weights(&bytes)).unwrap_err();
        assert!(matches!(&error, HubError::Network { .. }), "{error}");
        assert!(error.to_string().contains("certificate"), "{error}");
        assert_eq!(place.names(), [""; 0]);
    }
    assert_eq!(server.asked().len(), 0);

    let trusting = |url: &str, file: &str| {
        let source = Source::mirror(url).unwrap();
        Fetch { cache: place.cache.clone(), source, certificates: Some(data(file)) }
            .bring(&weights(&bytes), &())
    };
    assert!(trusting(&server.url(), "ca.pem").is_ok());
    assert_eq!(place.read("tiny.pth"), bytes);
    std::fs::remove_dir_all(place.cache.folder()).unwrap();
    let error = trusting(&server.url(), "server.key").unwrap_err();
    assert!(matches!(&error, HubError::Certificates { .. }), "{error}");
    assert!(trusting(&server.url(), "none.pem").unwrap_err().to_string().contains("none.pem"));

    let plain = Server::start(|_, out| whole(out, &content()));
    let to = [format!("Location: {}/tiny.pth", plain.url())];
    let sends_on = tls_server(move |_, out| say(out, "302 Found", &to, b""));
    let error = trusting(&sends_on.url(), "ca.pem").unwrap_err();
    assert!(error.to_string().contains("not encrypted"), "{error}");
    assert_eq!(plain.asked().len(), 0);
}

/// Tells when a fetch waits for another one.
struct Waiting(Mutex<Sender<()>>);

impl Watch for Waiting {
    fn waits(&self) {
        self.0.lock().unwrap().send(()).unwrap();
    }
}

#[test]
fn of_two_fetches_at_once_one_waits() {
    let (place, bytes) = (Place::new(), content());
    let expected = weights(&bytes);
    let (asks, asked): (Sender<()>, Receiver<()>) = channel();
    let (waits, waiting) = channel();
    let server = Server::start(move |_, out| {
        asks.send(()).unwrap();
        // Answers when the other fetch has come.
        waiting.recv().unwrap();
        whole(out, &content());
    });
    let source = Source::mirror(&server.url()).unwrap();
    let fetch = Fetch { cache: place.cache.clone(), source, certificates: None };
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| fetch.bring(&expected, &()));
        asked.recv().unwrap();
        let watch = Waiting(Mutex::new(waits));
        let second = fetch.bring(&expected, &watch);
        (first.join().unwrap().unwrap(), second.unwrap())
    });
    assert!(!first.already && second.already);
    assert_eq!(server.asked().len(), 1);
    assert_eq!(place.read("tiny.pth"), bytes);
}

/// Keeps what it is told.
#[derive(Default)]
struct Seen(Mutex<Vec<(u64, Option<u64>)>>);

impl Watch for Seen {
    fn at(&self, done: u64, total: Option<u64>) {
        self.0.lock().unwrap().push((done, total));
    }
}

#[test]
fn progress_grows_to_the_whole() {
    let (place, bytes) = (Place::new(), content());
    let server = Server::start(|_, out| whole(out, &content()));
    let source = Source::mirror(&server.url()).unwrap();
    let seen = Seen::default();
    let fetch = Fetch { cache: place.cache.clone(), source, certificates: None };
    fetch.bring(&weights(&bytes), &seen).unwrap();
    let seen = seen.0.into_inner().unwrap();
    assert!(seen.is_sorted() && seen.iter().all(|(_, total)| *total == Some(300_000)));
    assert_eq!(seen.last().unwrap().0, 300_000);
}

#[test]
fn a_cache_that_cannot_be_written_is_named_before_anyone_is_asked() {
    let (place, bytes) = (Place::new(), content());
    let server = Server::start(|_, out| whole(out, &content()));
    std::fs::write(place.path("a"), "a file where a folder should be").unwrap();
    let error = place.fetch(&server.url(), &weights(&bytes)).unwrap_err();
    assert!(matches!(&error, HubError::File(_)) && error.to_string().contains("cache"), "{error}");
    assert_eq!(server.asked().len(), 0);
}
