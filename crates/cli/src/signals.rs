//! Ctrl-C and SIGTERM: what is half written goes away, then the signal does what it always does; a second one at once.

/// Listens from now on.
#[cfg(unix)]
pub(crate) fn listen() {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag::register_conditional_default;
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    // As long as nobody listens, any signal ends the program, and may leave a temporary file. This comes first, so that
    // the one that is heard does not count as the second.
    let heard = Arc::new(AtomicBool::new(true));
    for signal in [SIGINT, SIGTERM] {
        let _ = register_conditional_default(signal, heard.clone());
    }
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    heard.store(false, Ordering::SeqCst);
    let hears = heard.clone();
    let listener = move || {
        for signal in signals.forever() {
            hears.store(true, Ordering::SeqCst);
            if patchcore_faults::at("signal.clean").is_some() {
                // As when the disk does not answer.
                std::thread::park();
            }
            patchcore_files::abandon_unfinished();
            let _ = emulate_default_handler(signal);
        }
    };
    if std::thread::Builder::new().spawn(listener).is_err() {
        heard.store(true, Ordering::SeqCst);
    }
}

#[cfg(not(unix))]
pub(crate) fn listen() {}
