//! Reading ahead: the next pictures are decoded while the network works on these.

use rayon::prelude::*;
use std::ops::Range;

/// Loads items `0..total` a chunk at a time, and hands each chunk to `work`, in order, while the next one is loaded.
///
/// At most two chunks are in memory; a chunk has as many items as there are threads, but at least four. With one thread
/// chunks are loaded and worked on in turn. A chunk's results come in the order of their numbers, whatever order they
/// were loaded in.
///
/// ```
/// let mut sums = Vec::new();
/// patchcore::read_ahead(6, |i| i * i, |numbers, squares| {
///     assert_eq!(numbers.len(), squares.len());
///     sums.extend(squares);
///     Ok::<(), String>(())
/// })?;
/// assert_eq!(sums, [0, 1, 4, 9, 16, 25]);
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
/// The first error of `work`, which ends the whole.
pub fn read_ahead<L: Send, E: Send>(
    total: usize,
    load: impl Fn(usize) -> L + Sync,
    work: impl FnMut(Range<usize>, Vec<L>) -> Result<(), E> + Send,
) -> Result<(), E> {
    read_ahead_by(usual_chunk(), total, load, work)
}

/// Items of a chunk, unless told.
pub(crate) fn usual_chunk() -> usize {
    rayon::current_num_threads().max(4)
}

/// As [`read_ahead`], so many items at a time.
pub(crate) fn read_ahead_by<L: Send, E: Send>(
    size: usize,
    total: usize,
    load: impl Fn(usize) -> L + Sync,
    mut work: impl FnMut(Range<usize>, Vec<L>) -> Result<(), E> + Send,
) -> Result<(), E> {
    let chunk = |first: usize| first.min(total)..total.min(first + size);
    let load_all = |numbers: Range<usize>| numbers.into_par_iter().map(&load).collect::<Vec<L>>();
    let mut numbers = chunk(0);
    let mut loaded = load_all(numbers.clone());
    while !numbers.is_empty() {
        let next = chunk(numbers.end);
        let (worked, ahead) = rayon::join(|| work(numbers, loaded), || load_all(next.clone()));
        worked?;
        (numbers, loaded) = (next, ahead);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    fn with_threads<T: Send>(threads: usize, run: impl FnOnce() -> T + Send) -> T {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(run)
    }

    #[test]
    fn everything_comes_once_and_in_order() {
        for threads in [1, 2, 3, 7] {
            for total in [0, 1, 3, 4, 5, 8, 50] {
                let mut seen = Vec::new();
                let result: Result<(), ()> = with_threads(threads, || {
                    read_ahead(
                        total,
                        |i| i + 100,
                        |numbers, loaded| {
                            assert_eq!(numbers.start, seen.len());
                            assert!(numbers.map(|i| i + 100).eq(loaded.iter().copied()));
                            seen.extend(loaded);
                            Ok(())
                        },
                    )
                });
                assert_eq!(result, Ok(()));
                assert_eq!(seen.len(), total, "{threads} threads");
            }
        }
    }

    /// Counts how many of it live.
    struct Held<'a>(&'a AtomicUsize);

    impl Drop for Held<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, SeqCst);
        }
    }

    #[test]
    fn no_more_than_two_chunks_are_held() {
        for threads in [1, 2, 5] {
            let (living, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let load = |_| {
                most.fetch_max(living.fetch_add(1, SeqCst) + 1, SeqCst);
                Held(&living)
            };
            let done: Result<(), ()> = with_threads(threads, || read_ahead(100, load, |_, _| Ok(())));
            assert_eq!(done, Ok(()));
            assert!(most.into_inner() <= 2 * threads.max(4), "{threads} threads");
        }
    }

    #[test]
    fn an_error_ends_the_whole() {
        for threads in [1, 2] {
            let loaded = AtomicUsize::new(0);
            let load = |_| loaded.fetch_add(1, SeqCst);
            let fails = |numbers: Range<usize>, _| if numbers.contains(&9) { Err("nine") } else { Ok(()) };
            assert_eq!(with_threads(threads, || read_ahead(100, load, fails)), Err("nine"));
            // The chunk of nine and, at most, the one after it.
            assert!(loaded.into_inner() <= 16, "{threads} threads");
        }
    }
}
