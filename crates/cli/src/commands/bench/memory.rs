//! The most memory that this process held, where the system tells.

use std::fs;

/// Forgets the largest size so far.
pub(super) fn forget_peak() {
    // Linux; elsewhere, or if it is not allowed, the peak stays that of the whole run.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The largest resident size since the process began or [`forget_peak`], in bytes.
pub(super) fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib << 10)
}
