//! What the program wrote and reads again: results for `compare`.

use crate::support::Room;

/// A cut anywhere, also inside the last number or between two lines, is found.
#[test]
fn case_50_cut_and_extended_results_are_refused() {
    let room = Room::with_model();
    room.run("evaluate bolt.patchcore --dataset set --category bolt -o whole").succeeds();
    let json = room.run("evaluate bolt.patchcore --dataset set --category bolt --json").succeeds().stdout;
    room.write("whole.json", json);
    room.run("compare whole whole.json").succeeds();
    for (whole, cut) in [("whole/scores.csv", "cut.csv"), ("whole.json", "cut.json")] {
        let bytes = room.read(whole);
        assert_eq!(bytes.last(), Some(&b'\n'));
        let end = bytes.len() - 1;
        for length in (0..end).step_by(1 + end / 60).chain(end - 12..end) {
            room.write(cut, &bytes[..length]);
            let run = room.run(&format!("compare whole {cut}"));
            assert_eq!(run.code, 3, "{length} of {} bytes of {cut}\n{}", bytes.len(), run.stderr);
            run.fails(3, &[]);
        }
        for extra in [&b"x"[..], b"\0", b"{}", &[7; 64]] {
            room.write(cut, [&bytes, extra].concat());
            room.run(&format!("compare whole {cut}")).fails(3, &[&format!("{cut}: ")]);
        }
    }
}
