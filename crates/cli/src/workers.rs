//! The threads that share the work: as many as the machine gives.

use crate::output;
use std::sync::mpsc;
use std::thread::Builder;

/// Starts so many threads for the work, or as many as the system allows; with none the work is done on this one.
///
/// A pool that cannot start all of its threads has none, and the only one of the process can be made but once. So the
/// threads are started first, and the pool gets those that are there.
pub(crate) fn start(threads: usize) {
    let mut started = Vec::new();
    for number in 0..threads {
        let (door, work) = mpsc::channel::<rayon::ThreadBuilder>();
        let worker = move || {
            if let Ok(worker) = work.recv() {
                worker.run();
            }
        };
        match Builder::new().name(format!("worker {number}")).spawn(worker) {
            Ok(thread) => started.push((door, thread)),
            Err(error) => {
                // What one thread more would have taken, the work needs too: memory, above all.
                for (door, thread) in started.split_off(started.len().div_ceil(2)) {
                    drop(door);
                    // It has done nothing that could fail.
                    let _ = thread.join();
                }
                let used = started.len().max(1);
                output::warn(&format!("the system refuses {threads} threads ({error}): uses {used}"));
                break;
            }
        }
    }
    let (count, mut started) = (started.len(), started.into_iter());
    let pool = if count == 0 {
        rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global()
    } else {
        let hand_over = |worker| {
            let (door, _) = started.next().ok_or(std::io::ErrorKind::WouldBlock)?;
            door.send(worker).map_err(|_| std::io::ErrorKind::BrokenPipe.into())
        };
        rayon::ThreadPoolBuilder::new().num_threads(count).spawn_handler(hand_over).build_global()
    };
    // It fails only if there is a pool already, which then does the work.
    debug_assert!(pool.is_ok());
}
