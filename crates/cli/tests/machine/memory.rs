//! Little memory, few threads, few descriptors.

use crate::limited;
use crate::support::{Room, draw};

const MIB: u64 = 1 << 20;

fn address_space(mib: u64) -> String {
    format!("--as={}", mib * MIB)
}

/// 2,000 pictures whose patches take 3.6 GiB: told and refused once the first ones are embedded.
#[test]
fn case_70_a_fit_too_large_for_the_limit_is_refused_before_the_work() {
    let room = Room::new();
    draw::save(&draw::plate(1), &room.path("many/0000.png"));
    for i in 1..2000 {
        std::fs::hard_link(room.path("many/0000.png"), room.path(format!("many/{i:04}.png"))).unwrap();
    }
    let fit = "fit --good many -o m.patchcore --imagesize 448";
    for (line, form) in [(fit, "error[E006]: fitting needs about "), (&format!("{fit} --json"), "\"E006\"")] {
        let Some(run) = limited(&room, &[&address_space(1024)], line) else { return };
        let run = run.ends(&[6], &[form, "this process by its limits has ", " MiB"]);
        assert!(!run.stderr.contains("out of memory"), "{}", run.stderr);
    }
    // What the user allows does not widen what the process has.
    let run = limited(&room, &[&address_space(1024)], &format!("{fit} --max-memory 100GiB")).unwrap();
    run.ends(&[6], &["this process by its limits has "]);
    assert_eq!(room.names("."), ["many"]);
}

#[test]
fn case_70_a_model_too_large_for_the_limit_is_refused_before_it_is_read() {
    let room = Room::new();
    let (rows, end) = (1u64 << 20, (1u64 << 20) * 152 * 4);
    let text = format!(r#"{{"bank":{{"dtype":"F32","shape":[{rows},152],"data_offsets":[0,{end}]}}}}"#);
    let header = format!("{text:<width$}", width = 512);
    room.write("large.patchcore", [&512u64.to_le_bytes(), header.as_bytes()].concat());
    let file = std::fs::File::options().write(true).open(room.path("large.patchcore")).unwrap();
    file.set_len(8 + 512 + end).unwrap();
    for line in
        ["inspect large.patchcore", "predict large.patchcore .", "calibrate large.patchcore --good . -o n"]
    {
        let Some(run) = limited(&room, &[&address_space(512)], line) else { return };
        run.ends(
            &[6],
            &[
                "error[E006]: large.patchcore: the model needs about 1",
                "its limits has ",
                "hint: it takes a machine",
            ],
        );
    }
    assert_eq!(room.names("."), ["large.patchcore"]);
}

/// Where nothing foretold it, the system refuses some allocation; each limit meets another one.
#[test]
fn case_70_whatever_allocation_is_refused_the_program_ends_in_order() {
    let room = Room::with_model();
    let lines = [
        "fit --good set/bolt/train/good -o new.patchcore --imagesize 640",
        "predict bolt.patchcore set/bolt/test -o out --force",
        "evaluate bolt.patchcore --dataset set --category bolt --json",
    ];
    let (mut refused, mut done) = (0, 0);
    for line in lines {
        for mib in [96, 128, 160, 192, 224, 256, 320, 384] {
            let Some(run) = limited(&room, &[&address_space(mib)], line) else { return };
            let run = run.ends(&[0, 6], &[]);
            if run.code == 6 {
                refused += 1;
                let form =
                    if line.contains("--json") { "{\"error\":{\"code\":\"E006\"," } else { "error[E006]: " };
                assert!(run.stderr.contains(form), "{line} in {mib} MiB\n{}", run.stderr);
                assert!(room.names(".").iter().all(|name| !name.starts_with('.')), "{:?}", room.names("."));
                assert!(!room.path("new.patchcore").exists());
            } else {
                done += 1;
                let _ = std::fs::remove_file(room.path("new.patchcore"));
            }
        }
    }
    println!("{refused} runs refused, {done} done");
    assert!(refused > 3 && done > 3, "{refused} runs refused, {done} done");
}

/// A stack of 2 MiB for each of a thousand threads does not fit: some of them do.
#[test]
fn case_71_fewer_threads_than_asked_for_do_the_same_work() {
    let room = Room::with_model();
    let line = "predict bolt.patchcore set/bolt/test --json";
    let expected = room.run(line).succeeds().stdout;
    let Some(run) = limited(&room, &[&address_space(2048)], &format!("{line} --threads 1024")) else {
        return;
    };
    let run = run.ends(&[0], &["warning: the system refuses 1024 threads ("]);
    assert_eq!(run.stdout, expected);
    // Root may start any number of processes; others get none of these threads.
    let run = limited(&room, &["--nproc=1"], &format!("{line} --threads 3")).unwrap().ends(&[0], &[]);
    assert_eq!(run.stdout, expected);
}

#[test]
fn case_71_few_descriptors_are_enough_or_an_error() {
    let room = Room::with_model();
    for line in [
        "predict bolt.patchcore set/bolt/test -o out --force",
        "fit --good set/bolt/train/good -o new.patchcore --force",
        "evaluate bolt.patchcore --dataset set --category bolt -o measured --force",
    ] {
        let Some(run) = limited(&room, &["--nofile=16"], line) else { return };
        run.ends(&[0], &[]);
        for files in [3, 4, 5, 6, 7, 8] {
            let run = limited(&room, &[&format!("--nofile={files}")], line).unwrap();
            // With none left the system cannot even load the program.
            run.ends(&[0, 3, 4, 5, 7, 127], &[]);
        }
    }
}
