"""Plots how the time of choosing the memory bank grows with the number of patches and of picks, and fits exponents.

    python grow.py FOLDER LARGE --count 1300
    taskset -c 0 python scale.py --threads 1 --good LARGE --plot scale.png

Exact greedy selection (`patchcore bench coreset`) on the first patches of the folder's pictures with the built-in network:
once with a fixed share of more and more patches, once with more and more picks from a fixed number. The exponents are the
slopes of straight lines through all points, logarithm against logarithm.
"""
import argparse
import json
import subprocess
from pathlib import Path

import machine
import matplotlib
import numpy

PATCHES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
SHARE = 0.01
FIXED = 300_000
SHARES = (0.003, 0.01, 0.03, 0.1, 0.3)


def measure(args, patches, share, quiet):
    """Picks, and seconds."""
    command = [machine.program("patchcore"), "bench", "coreset", "--good", args.good, "--patches", str(patches),
               "--percentage", str(share), "--rounds", str(args.rounds), "--threads", str(args.threads), "--json"]
    once = lambda: json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    report = quiet.measure(once)
    return report["bank_rows"], report["seconds"]


def exponent(xs, ys):
    return numpy.polyfit(numpy.log(xs), numpy.log(ys), 1)[0]


def plot(path, curves):
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(curves), figsize=(10, 4), sharey=True)
    for axis, (label, title, xs, ys) in zip(axes, curves):
        axis.loglog(xs, ys, "o-", color="#1f5f99")
        axis.set(xlabel=label, title=f"{title}: exponent {exponent(xs, ys):.2f}")
        axis.grid(True, which="major", alpha=0.3)
    axes[0].set_ylabel("seconds")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--good", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--tries", type=int, default=3, help="of a measurement while others use the cores")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    print(machine.heading(args.threads, "f32", ("numpy", "matplotlib")), flush=True)
    quiet = machine.Quiet(args.tries)
    by_patches = [(n, *measure(args, n, SHARE, quiet)) for n in PATCHES]
    by_picks = [(FIXED, *measure(args, FIXED, share, quiet)) for share in SHARES]
    head = ["patches", "picks", "seconds"]
    for rows in (by_patches, by_picks):
        print(f"\n{machine.table(head, [[str(n), str(m), f'{s:.2f}'] for n, m, s in rows], args.markdown)}")
    columns = [list(zip(*rows)) for rows in (by_patches, by_picks)]
    curves = [(f"patches, of which {SHARE:.0%} are picked", "N", columns[0][0], columns[0][2]),
              (f"picks from {FIXED:,} patches", "M", columns[1][1], columns[1][2])]
    for _, name, xs, ys in curves:
        print(f"\nSeconds grow as {name}^{exponent(xs, ys):.2f}")
    print(f"{quiet}.")
    if args.plot:
        plot(args.plot, curves)


if __name__ == "__main__":
    main()
