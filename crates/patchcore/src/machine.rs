//! How much memory this process may still take: what its limits, its control group and the machine leave.
//!
//! Linux only; elsewhere nothing is known, and nothing is refused for it.

use std::fs::read_to_string;
use std::path::Path;

/// What is left of the narrowest limit.
///
/// ```
/// // Elsewhere than on Linux nothing is known.
/// if let Some(left) = patchcore::Left::now(false) {
///     assert!(left.bytes > 0 && !left.of.is_empty());
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Bytes that may still be taken.
    pub bytes: u64,
    /// Whose limit that is, as words before the number.
    pub of: &'static str,
}

impl Left {
    /// What is left now. The limits of the process and of its control group always count; the machine's free memory only
    /// without `trusted`, where nobody said how much may be taken.
    pub fn now(trusted: bool) -> Option<Self> {
        Self::below(Path::new("/"), trusted)
    }

    /// What the system's files below `root` say.
    fn below(root: &Path, trusted: bool) -> Option<Self> {
        let left = |of, bytes: Option<u64>| bytes.map(|bytes| Self { bytes, of });
        let all = [
            left("this process by its limits has", address_space(root)),
            left("its control group has", control_group(root)),
            left("this machine has", if trusted { None } else { free(root) }),
        ];
        all.into_iter().flatten().min_by_key(|left| left.bytes)
    }
}

/// What this process holds now, in bytes.
pub(crate) fn held_memory() -> Option<u64> {
    in_kib(&read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

/// The value after `name` in lines such as `VmRSS:   1024 kB`, in bytes.
pub(crate) fn in_kib(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// `ulimit -v`, less what is taken.
fn address_space(root: &Path) -> Option<u64> {
    let limits = read_to_string(root.join("proc/self/limits")).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let most: u64 = line.split_whitespace().next()?.parse().ok()?;
    let taken = in_kib(&read_to_string(root.join("proc/self/status")).ok()?, "VmSize:")?;
    Some(most.saturating_sub(taken))
}

/// What can be had without another program losing any; swap is memory too.
fn free(root: &Path) -> Option<u64> {
    let text = read_to_string(root.join("proc/meminfo")).ok()?;
    Some(in_kib(&text, "MemAvailable:")?.saturating_add(in_kib(&text, "SwapFree:").unwrap_or(0)))
}

/// What the narrowest control group that this process is in leaves, of either version.
fn control_group(root: &Path) -> Option<u64> {
    let groups = read_to_string(root.join("proc/self/cgroup")).ok()?;
    let of_line = |line: &str| {
        let mut fields = line.splitn(3, ':');
        let (number, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let of = |names, mount: &str| {
            // A container may see its own group at the top, under the host's path; so all on the way are looked at.
            let folders = Path::new(path.trim_start_matches('/')).ancestors();
            folders.filter_map(|folder| left_of(&root.join(mount).join(folder), names)).min()
        };
        match number {
            "0" if controllers.is_empty() => of(&VERSION_2, "sys/fs/cgroup"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                of(&VERSION_1, "sys/fs/cgroup/memory")
            }
            _ => None,
        }
    };
    groups.lines().filter_map(of_line).min()
}

/// The files of a control group: its limit, what it takes, and the names of what of that is only kept as long as nobody
/// needs the memory.
struct Names {
    most: &'static str,
    taken: &'static str,
    kept: [&'static str; 2],
}

const VERSION_2: Names =
    Names { most: "memory.max", taken: "memory.current", kept: ["inactive_file ", "active_file "] };
const VERSION_1: Names = Names {
    most: "memory.limit_in_bytes",
    taken: "memory.usage_in_bytes",
    kept: ["total_inactive_file ", "total_active_file "],
};

fn left_of(folder: &Path, names: &Names) -> Option<u64> {
    let number = |name: &str| read_to_string(folder.join(name)).ok()?.trim().parse::<u64>().ok();
    let most = number(names.most)?;
    let statistics = read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let value = |name: &&str| {
        let line = statistics.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse::<u64>().ok()
    };
    let kept: u64 = names.kept.iter().filter_map(value).sum();
    Some(most.saturating_sub(number(names.taken).unwrap_or(0).saturating_sub(kept)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine with these files.
    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    const STATUS: (&str, &str) = ("proc/self/status", "Name:\tx\nVmSize:\t  1024 kB\nVmRSS:\t 512 kB\n");
    const UNLIMITED: (&str, &str) =
        ("proc/self/limits", "Max address space         unlimited            unlimited            bytes\n");
    const FREE: (&str, &str) =
        ("proc/meminfo", "MemTotal: 9 kB\nMemAvailable:    4096 kB\nSwapFree:         1024 kB\n");

    #[test]
    fn the_narrowest_limit_is_told() {
        let left = |files: &[(&str, &str)], trusted| Left::below(machine(files).path(), trusted);
        let own = |bytes, of| Some(Left { bytes, of });
        assert_eq!(left(&[], false), None);
        assert_eq!(left(&[STATUS, UNLIMITED, FREE], false), own(5 << 20, "this machine has"));
        assert_eq!(left(&[STATUS, UNLIMITED, FREE], true), None);
        let limited = (
            "proc/self/limits",
            "Max address space         3145728              unlimited            bytes\n",
        );
        assert_eq!(left(&[STATUS, limited, FREE], true), own(2 << 20, "this process by its limits has"));
        let less = (
            "proc/self/limits",
            "Max address space         1000                 unlimited            bytes\n",
        );
        assert_eq!(left(&[STATUS, less, FREE], false), own(0, "this process by its limits has"));
    }

    #[test]
    fn the_narrowest_control_group_counts_and_what_can_be_given_back_is_free() {
        let left = |files: &[(&str, &str)]| Left::below(machine(files).path(), true).map(|left| left.bytes);
        let v2 = [
            ("proc/self/cgroup", "0::/app/job\n"),
            ("sys/fs/cgroup/app/memory.max", "1000000"),
            ("sys/fs/cgroup/app/memory.current", "700000\n"),
            ("sys/fs/cgroup/app/memory.stat", "anon 600000\nactive_file 10000\ninactive_file 90000\n"),
            ("sys/fs/cgroup/app/job/memory.max", "max\n"),
            ("sys/fs/cgroup/app/job/memory.current", "5\n"),
        ];
        assert_eq!(left(&v2), Some(400_000));
        let v1 = [
            ("proc/self/cgroup", "5:cpu:/x\n4:blkio,memory:/docker/abc\n0::/\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "1000000\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "900000\n"),
            ("sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 300000\n"),
        ];
        assert_eq!(left(&v1), Some(400_000));
        assert_eq!(left(&[("proc/self/cgroup", "0::/\n"), ("sys/fs/cgroup/memory.max", "max\n")]), None);
        assert_eq!(left(&[("proc/self/cgroup", "nonsense\n0:\n")]), None);
    }
}
