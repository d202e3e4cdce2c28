//! The program's allocator: the system's, which says a last word where Rust would abort.
//!
//! A `Vec` that the system refuses memory ends the process by a signal, without a word of use to anybody. Here a function
//! of the program is called first, which says what was refused and ends the process in order. Who can go on without the
//! memory says so with [`may_fail`], and gets the error of `try_reserve` as ever.
//!
//! It costs one comparison with null per allocation.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::OnceLock;

/// What is called with the number of bytes that were refused.
static LAST_WORD: OnceLock<fn(usize)> = OnceLock::new();

thread_local! {
    static MAY_FAIL: Cell<bool> = const { Cell::new(false) };
}

/// The system's allocator; where it refuses memory, the function given to [`when_refused`] has the last word.
pub struct Allocator;

/// Sets what is called when memory is refused, once for the process. It must not return if it can help it, and runs on a
/// machine without memory: it allocates nothing. What returns leads to the abort that Rust has for this.
pub fn when_refused(last_word: fn(bytes: usize)) {
    // A second one changes nothing.
    let _ = LAST_WORD.set(last_word);
}

/// Runs `ask`, whose caller can go on without the memory that it asks for with `try_reserve`.
///
/// ```
/// use patchcore_kernels::memory::may_fail;
/// let mut values: Vec<u8> = Vec::new();
/// assert!(may_fail(|| values.try_reserve_exact(usize::MAX / 2)).is_err());
/// assert!(may_fail(|| values.try_reserve_exact(10)).is_ok());
/// ```
pub fn may_fail<T>(ask: impl FnOnce() -> T) -> T {
    /// Restores what was before, also after a panic.
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            MAY_FAIL.set(self.0);
        }
    }
    let _before = Before(MAY_FAIL.replace(true));
    ask()
}

/// The last word, unless the caller can go on. In it, whatever is refused again is refused in silence.
#[cold]
#[inline(never)]
fn refused(bytes: usize) {
    // A thread that is ending has no variables any more; it is not one that asked.
    if MAY_FAIL.try_with(|asked| asked.replace(true)).unwrap_or(false) {
        return;
    }
    if let Some(last_word) = LAST_WORD.get() {
        let abort = AbortOnUnwind;
        last_word(bytes);
        std::mem::forget(abort);
    }
    let _ = MAY_FAIL.try_with(|asked| asked.set(false));
}

/// An allocator must not unwind; dropped by a panic, this ends the process.
struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        std::process::abort();
    }
}

fn checked(memory: *mut u8, bytes: usize) -> *mut u8 {
    if memory.is_null() {
        refused(bytes);
    }
    memory
}

// SAFETY: every block comes from `System` and goes back to it with the layout that the caller gave; nothing is added to
// it. `refused` does not unwind: `AbortOnUnwind` stands around the only call that could.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc`, which is that of `System`.
        checked(unsafe { System.alloc(layout) }, layout.size())
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        checked(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller gives a block of this allocator with its layout; all of them are `System`'s.
        unsafe { System.dealloc(memory, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as in `dealloc`; the new size is the caller's to get right.
        checked(unsafe { System.realloc(memory, layout, new_size) }, new_size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    static REFUSED: AtomicUsize = AtomicUsize::new(0);

    /// The allocator itself, by hand: the tests' own memory comes from elsewhere.
    #[test]
    fn the_last_word_is_asked_unless_the_caller_can_go_on() {
        when_refused(|bytes| {
            REFUSED.store(bytes, SeqCst);
            // What is refused in here does not ask again.
            refused(1);
        });
        let (large, small) =
            (Layout::from_size_align(isize::MAX as usize - 63, 64), Layout::new::<[u64; 9]>());
        let large = large.unwrap();
        // A compiler that sees a block come and go takes for granted that there was memory: `black_box` hides that.
        // SAFETY: the layouts are not empty, and each block is given back with the layout that it has.
        unsafe {
            assert!(may_fail(|| black_box(Allocator.alloc(large))).is_null());
            assert_eq!(REFUSED.load(SeqCst), 0);
            assert!(black_box(Allocator.alloc(large)).is_null());
            assert_eq!(REFUSED.swap(0, SeqCst), large.size());
            assert!(black_box(Allocator.alloc_zeroed(large)).is_null());
            assert_eq!(REFUSED.swap(0, SeqCst), large.size());
            let block = black_box(Allocator.alloc_zeroed(small));
            assert!(black_box(Allocator.realloc(block, small, large.size())).is_null());
            assert_eq!(REFUSED.swap(0, SeqCst), large.size());
            // It is untouched, and can still grow.
            let block = Allocator.realloc(block, small, 4096);
            assert!(std::slice::from_raw_parts(block, small.size()).iter().all(|&byte| byte == 0));
            Allocator.dealloc(block, Layout::from_size_align(4096, small.align()).unwrap());
        }
        assert_eq!(REFUSED.load(SeqCst), 0);
    }

    #[test]
    fn a_panic_ends_the_permission() {
        let caught = std::panic::catch_unwind(|| may_fail(|| panic!("on purpose")));
        assert!(caught.is_err() && !MAY_FAIL.get());
        may_fail(|| may_fail(|| ()));
        assert!(!MAY_FAIL.get());
    }
}
