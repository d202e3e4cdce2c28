"""What a measurement must name, how it notices that the cores were shared, where the programs lie, how tables look."""
import os
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def cpu():
    """Model name of the processor and its instruction sets for floats."""
    fields = {}
    for line in open("/proc/cpuinfo"):
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    flags = fields["flags"].split()
    wide = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in flags]
    return f"{fields['model name']}, family {fields['cpu family']} model {fields['model']} ({', '.join(wide)})"


def heading(threads, precision, packages):
    """One line: processor, cores that may be used, threads, precision, versions."""
    cores = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    return f"{cpu()}; cores {cores}; {threads} thread(s); {precision}; {versions}"


def busy_seconds():
    """Processor time that the cores we may use have spent on anything, the hypervisor's other guests included."""
    cores = {f"cpu{core}" for core in os.sched_getaffinity(0)}
    total = 0
    for line in open("/proc/stat"):
        name, *ticks = line.split()
        if name in cores:
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, ticks[:8])
            total += user + nice + system + irq + softirq + steal
    return total / os.sysconf("SC_CLK_TCK")


def own_seconds():
    """Processor time of this process and of the children that it has waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


class Quiet:
    """Repeats measurements during which others used the cores, and remembers how bad the ones that count were."""

    LIMIT = 0.05

    def __init__(self, tries):
        self.tries, self.worst = tries, 0.0

    def measure(self, block):
        """The result of `block()` in the first try in which others had at most 5 % of a core, else in the quietest."""
        tries = []
        while len(tries) < self.tries and not (tries and tries[-1][0] <= self.LIMIT):
            start, busy, own = time.perf_counter(), busy_seconds(), own_seconds()
            result = block()
            others = (busy_seconds() - busy - own_seconds() + own) / (time.perf_counter() - start)
            tries.append((others, result))
        others, result = min(tries, key=lambda one: one[0])
        self.worst = max(self.worst, others)
        return result

    def __str__(self):
        return f"other processes took at most {max(self.worst, 0):.0%} of a core during the blocks that count"


def program(relative, default_target=ROOT / "target"):
    """A program that cargo built in release mode."""
    path = Path(os.environ.get("CARGO_TARGET_DIR", default_target)) / "release" / relative
    if not path.exists():
        raise SystemExit(f"{path} is missing; README.md says how to build it")
    return path


def table(head, rows, markdown=False):
    """Rows of text under a head; the first column to the left, the others to the right."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    bar, edge = (" | ", "|") if markdown else ("  ", "")
    align = lambda row: [cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))]
    lines = [bar.join(align(row)) for row in [head, *rows]]
    if markdown:
        lines.insert(1, bar.join("-" * w if i == 0 else "-" * (w - 1) + ":" for i, w in enumerate(widths)))
        lines = [f"{edge} {line} {edge}" for line in lines]
    return "\n".join(lines)
