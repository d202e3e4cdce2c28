//! `patchcore weights`, and the commands that take weights from the cache.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../hub/tests/support/server.rs"]
#[allow(dead_code, reason = "no test program needs all of it")]
mod server;
mod support;

use server::{Server, length, say, whole};
use support::{Room, resnet18, texts};

const FIT: &str =
    "fit --dataset set --category bolt -o part.patchcore --backbone resnet18 --imagesize 64 --bank-rows 9";
/// The SHA-256 of the file that [`resnet18`] makes.
const SHA256: &str = "f37072fd";

/// A room whose folder `mirror` has the weights.
fn with_mirror(room: Room) -> Room {
    room.write(format!("mirror/{}", resnet18::NAME), resnet18::file());
    room
}

#[test]
fn weights_from_a_folder_serve_every_command() {
    let room = with_mirror(Room::with_data());
    let hint = ["hint: patchcore weights fetch resnet18, or --weights FILE"];
    room.run(FIT).fails(4, &hint);
    let told = room.run("weights fetch resnet18 --mirror mirror").succeeds().stdout;
    assert!(told.contains("fetched ") && told.contains("recorded its SHA-256 f37072fd"), "{told}");
    room.run(FIT).succeeds();
    room.run("predict part.patchcore set/bolt/test").succeeds();
    room.run("evaluate part.patchcore --dataset set --category bolt").succeeds();
    room.run("bench part.patchcore set/bolt/test --rounds 1").succeeds();

    // The same as with the file itself.
    let with_file = format!("{FIT} --force --weights mirror/{}", resnet18::NAME);
    let model = room.read("part.patchcore");
    room.run(&with_file).succeeds();
    assert_eq!(room.read("part.patchcore"), model);

    room.write(format!("cache/{}", resnet18::NAME), b"altered");
    let altered = ["expected f37072fd", "patchcore weights fetch resnet18 brings the right file"];
    room.run(&format!("{FIT} --force")).fails(4, &altered);
    room.run("predict part.patchcore set/bolt/test").fails(4, &altered);
    std::fs::remove_dir_all(room.path("cache")).unwrap();
    room.run("predict part.patchcore set/bolt/test").fails(4, &hint);
}

#[test]
fn list_path_and_verify_follow_the_cache() {
    let room = with_mirror(Room::new());
    let listed = |room: &Room| {
        let all = room.run("weights list --json").succeeds().json();
        let rows = all["weights"].as_array().unwrap().clone();
        rows.iter().find(|row| row["name"] == "resnet18").unwrap().clone()
    };
    let row = listed(&room);
    assert_eq!((row["cached"].as_bool(), row["licence"].as_str()), (Some(false), Some("BSD-3-Clause")));
    assert_eq!(row["origin"], format!("https://download.pytorch.org/models/{}", resnet18::NAME));
    assert_eq!(row["mean"].to_string(), "[0.485,0.456,0.406]");
    room.run("weights path resnet18").fails(4, &["not there", "hint: patchcore weights fetch resnet18"]);
    room.run("weights verify resnet18").fails(4, &["not there"]);
    assert_eq!(room.run("weights verify").succeeds().stdout, "");

    let told = room.run("weights fetch resnet18 --mirror mirror --json").succeeds().json();
    assert_eq!((told["already"].as_bool(), told["recorded_now"].as_bool()), (Some(false), Some(true)));
    assert!(told["sha256"].as_str().unwrap().starts_with(SHA256));
    let told = room.run("weights fetch resnet18 --mirror mirror --json").succeeds().json();
    assert_eq!((told["already"].as_bool(), told["recorded_now"].as_bool()), (Some(true), Some(false)));
    assert_eq!(listed(&room)["cached"], true);
    let text = room.run("weights list").succeeds().stdout;
    let line = text.lines().find(|line| line.starts_with("resnet18 ")).unwrap();
    assert!(line.contains("BSD-3-Clause") && line.contains(" yes ") && line.contains("44.7 MiB"), "{line}");

    let file = room.path("cache").join(resnet18::NAME).display().to_string();
    assert_eq!(
        room.run("weights path").succeeds().stdout.trim_end(),
        room.path("cache").display().to_string()
    );
    assert_eq!(room.run("weights path resnet18").succeeds().stdout.trim_end(), file);
    assert_eq!(room.run("weights path resnet18 --json").succeeds().json()["path"], file);

    room.write("cache/notes.txt", b"mine");
    let states = || room.run("weights verify --json").json()["files"].as_array().unwrap().clone();
    assert_eq!(texts(&states(), "state"), ["unknown", "ok"]);
    assert!(room.run("weights verify").succeeds().stdout.starts_with("unknown "));
    room.write(format!("cache/{}", resnet18::NAME), b"altered");
    assert_eq!(texts(&states(), "state"), ["unknown", "altered"]);
    room.run("weights verify").fails(4, &["1 of 2 files are not what they should be", "expected f37072fd"]);
    room.run("weights fetch resnet18 --mirror mirror").succeeds();
    room.run("weights verify resnet18").succeeds();
}

#[test]
fn the_cache_may_lie_anywhere() {
    let room = with_mirror(Room::new());
    room.run("weights --cache here fetch resnet18 --mirror mirror").succeeds();
    room.run("weights fetch resnet18 --mirror mirror --cache there/too").succeeds();
    assert_eq!(room.names("here"), room.names("there/too"));
    assert!(!room.path("cache").exists());

    let mut nowhere = room.command();
    for name in ["PATCHCORE_WEIGHTS", "HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"] {
        nowhere.env_remove(name);
    }
    let output = nowhere.args(["weights", "list"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("hint: give one with --cache DIR"));

    room.write("file", b"");
    room.run("weights --cache file/below fetch resnet18 --mirror mirror").fails(5, &["file/below"]);
}

#[test]
fn a_downloaded_file_is_imported_if_it_is_the_right_one() {
    let room = with_mirror(Room::new());
    let file = resnet18::file();
    room.write("download.bin", &file);
    let told = room.run("weights import download.bin").succeeds().stdout;
    assert!(told.contains("imported ") && told.contains(resnet18::NAME), "{told}");
    room.run("weights verify").succeeds();
    let again = room.run("weights import download.bin --name resnet18 --json").succeeds().json();
    assert_eq!((again["name"].as_str(), again["already"].as_bool()), (Some("resnet18"), Some(true)));

    room.write("other.bin", b"other");
    room.run("weights import other.bin").fails(4, &["neither its name nor its SHA-256", "--name NAME"]);
    room.run("weights import other.bin --name resnet18")
        .fails(4, &["other.bin: SHA-256", "expected f37072fd"]);
    room.write("resnet50-0676ba61.pth", &file);
    room.run("weights import resnet50-0676ba61.pth").fails(4, &["expected 0676ba61", "f37072fd"]);
    room.run("weights import none.bin").fails(4, &["none.bin"]);
    room.run("weights import download.bin --name resnet19").fails(2, &["no weights are known for resnet19"]);
}

#[test]
fn what_cannot_be_fetched_is_told_before_anything_is() {
    let room = with_mirror(Room::new());
    room.run("weights fetch resnet18 resnet19 --mirror mirror")
        .fails(2, &["no weights are known for resnet19"]);
    room.run("weights fetch resnet18 --mirror ftp://x/y").fails(2, &["ftp://x/y", "https://"]);
    let secret = room.run("weights fetch resnet18 --mirror https://me:secret@x/y").fails(2, &["https://x"]);
    assert!(!secret.stderr.contains("secret@"), "{}", secret.stderr);
    room.run("weights fetch resnet34 --mirror mirror").fails(4, &["resnet34-b627a593.pth"]);
    assert!(!room.path("cache").join(resnet18::NAME).exists());
}

#[cfg(feature = "fetch")]
mod from_servers {
    use super::*;
    use std::process::Stdio;

    #[test]
    fn a_server_is_asked_once() {
        let room = Room::new();
        let server = Server::start(|_, out| whole(out, &resnet18::file()));
        let line = format!("weights fetch wideresnet50 --mirror {}", server.url());
        room.run(&line).fails(4, &["expected 95faca4d", "f37072fd", "--weights FILE"]);
        let line = format!("weights fetch resnet18 --quiet --mirror {}/models/", server.url());
        room.run(&line).succeeds();
        room.run(&line).succeeds();
        let asked = server.asked();
        let paths: Vec<&str> = asked.iter().map(|question| question.path.as_str()).collect();
        assert_eq!(paths, ["/wide_resnet50_2-95faca4d.pth", "/models/resnet18-f37072fd.pth"]);
        room.run("weights verify").succeeds();
    }

    #[test]
    fn servers_that_fail_are_told_in_json_too() {
        let room = Room::new();
        let server = Server::start(|_, out| say(out, "404 Not Found", &[length(0)], b""));
        let line = format!("weights fetch resnet18 --mirror {}", server.url());
        room.run(&line).fails(5, &["404 Not Found", "weights import FILE"]);
        room.run(&format!("{line} --json")).fails_in_json(5, &["404 Not Found"]);
        let long = Server::start(|_, out| say(out, "200 OK", &[length(1 << 30)], b""));
        let line = format!("weights fetch resnet18 --mirror {}", long.url());
        room.run(&line).fails(6, &["longer than 48234496 bytes"]);
    }

    #[test]
    fn a_fetch_goes_on_in_the_next_run() {
        let room = Room::new();
        let file = resnet18::file();
        let half = file.len() / 2;
        let tag = || "ETag: \"a\"".to_string();
        let server = Server::start(move |question, out| match question.number {
            0 => say(out, "200 OK", &[length(file.len()), tag()], &file[..half]),
            1 => {}
            _ => {
                let range = format!("Content-Range: bytes {half}-{}/{}", file.len() - 1, file.len());
                say(out, "206 Partial Content", &[range, length(file.len() - half), tag()], &file[half..]);
            }
        });
        let line = format!("weights fetch resnet18 --mirror {}", server.url());
        room.run(&line).fails(5, &[&format!("{half} bytes are kept")]);
        room.run("weights verify").succeeds();
        room.run(&line).succeeds();
        assert_eq!(server.asked()[2].header("Range"), format!("bytes={half}-"));
        room.run("weights verify resnet18").succeeds();
    }

    #[test]
    fn two_programs_at_once_share_one_download() {
        let room = Room::new();
        let server = Server::start(|_, out| whole(out, &resnet18::file()));
        let start = || {
            let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("patchcore"));
            command.args(["weights", "fetch", "resnet18", "--mirror", &server.url()]);
            command.arg("--cache").arg(room.path("cache"));
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let children = [start(), start(), start()];
        let mut fetched = 0;
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            fetched += usize::from(output.stdout.starts_with(b"fetched "));
        }
        assert_eq!((fetched, server.asked().len()), (1, 1));
        room.run("weights verify").succeeds();
    }

    /// No file of the program may grow beyond 1000 blocks.
    #[cfg(unix)]
    #[test]
    fn a_full_disk_leaves_nothing_behind() {
        let room = with_mirror(Room::new());
        let server = Server::start(|_, out| whole(out, &resnet18::file()));
        for mirror in [server.url(), "mirror".to_string()] {
            let mut limited = std::process::Command::new("sh");
            limited.args(["-c", "trap '' XFSZ; ulimit -f 1000; exec \"$@\"", "sh"]);
            limited.arg(assert_cmd::cargo::cargo_bin!("patchcore"));
            limited.args(["weights", "fetch", "resnet18", "--cache", "cache", "--mirror", &mirror]);
            let output = limited.current_dir(room.path(".")).output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(5), "{stderr}");
            assert!(stderr.contains(".part: cannot write it: "), "{stderr}");
            assert_eq!(room.names("cache"), [format!("{}.lock", resnet18::NAME)]);
        }
        room.run("weights fetch resnet18 --mirror mirror").succeeds();
    }

    /// The address of the publisher, as a proxy is asked for it: the name goes to nobody else.
    #[test]
    fn only_fetch_asks_the_publisher() {
        let room = Room::with_data();
        let proxy = Server::start(|_, out| say(out, "403 Forbidden", &[length(0)], b""));
        let run = |line: &str| {
            let mut command = room.command();
            for name in ["ALL_PROXY", "all_proxy", "https_proxy", "NO_PROXY", "no_proxy"] {
                command.env_remove(name);
            }
            command.env("HTTPS_PROXY", proxy.url()).args(line.split(' ')).output().unwrap()
        };
        assert_eq!(run(FIT).status.code(), Some(4));
        assert_eq!(run("weights list").status.code(), Some(0));
        assert_eq!(run("weights verify").status.code(), Some(0));
        assert_eq!(proxy.asked().len(), 0);
        let output = run("weights fetch resnet18");
        assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(proxy.asked()[0].path, "download.pytorch.org:443");

        // To a proxy, the address of this machine would mean its own.
        let server = Server::start(|_, out| whole(out, &resnet18::file()));
        assert!(run(&format!("weights fetch resnet18 --mirror {}", server.url())).status.success());
        assert_eq!((server.asked().len(), proxy.asked().len()), (1, 1));
    }
}

#[cfg(not(feature = "fetch"))]
#[test]
fn without_network_code_fetch_says_what_to_do() {
    let room = with_mirror(Room::new());
    let words = ["built without network code", "weights import FILE", "--mirror FOLDER"];
    room.run("weights fetch resnet18").fails(2, &words);
    let server = Server::start(|_, out| say(out, "200 OK", &[length(0)], b""));
    room.run(&format!("weights fetch resnet18 --mirror {}", server.url())).fails(2, &words);
    assert_eq!(server.asked().len(), 0);
    room.run("weights fetch resnet18 --mirror mirror").succeeds();
    let _ = whole;
}
