//! Ctrl-C and SIGTERM: what is half written goes away, then the signal does what it always does.

/// Listens from now on.
#[cfg(unix)]
pub(crate) fn listen() {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;
    // Where that is refused, a signal ends the program all the same, and may leave a temporary file.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    let listener = move || {
        for signal in signals.forever() {
            patchcore_files::abandon_unfinished();
            let _ = emulate_default_handler(signal);
        }
    };
    // Without a thread for it, likewise.
    let _ = std::thread::Builder::new().spawn(listener);
}

#[cfg(not(unix))]
pub(crate) fn listen() {}
