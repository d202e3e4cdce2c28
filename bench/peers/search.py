"""Times finding nearest rows of the memory bank beside FAISS, on the same bank and queries, with the same threads.

    taskset -c 0 python search.py --threads 1 --good FOLDER --pictures FOLDER... --backbone resnet18 --weights FILE

For each bank size our program is fitted on the good pictures as preset reference-224 does (1024 values a patch), with exact
greedy selection. It then looks up the patches of the other pictures, a picture at a time, and writes bank and queries; FAISS
(`IndexFlatL2`) searches the same, a picture at a time, in turns with us. Rows must be the same, up to distances that differ
by rounding: FAISS computes |a|^2 + |b|^2 - 2ab. `--pictures` may name several folders, each of which gets its own row:
defects beside normal pictures, for one.
"""
import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import machine

PACKAGES = ("faiss-cpu", "numpy")


def run(args, *words):
    command = [machine.program("patchcore"), *map(str, words), "--threads", str(args.threads), "--json"]
    command += ["--weights", str(args.weights)] if args.weights else []
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)


def fitted(args, rows, folder):
    """A model with a bank of so many rows."""
    model = Path(folder) / f"{rows}.patchcore"
    run(args, "fit", "--good", args.good, "-o", model, "--preset", "reference-224", "--backbone", args.backbone,
        "--sampler", "greedy", "--bank-rows", rows)
    return model


class Faiss:
    """FAISS on what our program saved."""

    def __init__(self, args, file):
        import faiss
        import numpy
        from safetensors.numpy import load_file

        faiss.omp_set_num_threads(args.threads)
        self.found = load_file(file)
        self.index = faiss.IndexFlatL2(self.found["bank"].shape[1])
        self.index.add(self.found["bank"])
        self.pictures = numpy.split(self.found["queries"], numpy.cumsum(self.found["counts"])[:-1])

    def milliseconds(self, k):
        """The median of the pictures."""
        seconds = []
        for queries in self.pictures:
            start = time.perf_counter()
            self.index.search(queries, k)
            seconds.append(time.perf_counter() - start)
        return 1e3 * statistics.median(seconds)

    def check(self, k):
        """The largest share of a squared distance by which FAISS's row at a place is farther or nearer than ours."""
        import numpy

        _, rows = self.index.search(self.found["queries"], k)
        other = rows != self.found["indices"]
        if not other.any():
            return 0, 0.0
        query = numpy.nonzero(other)[0]
        direct = ((self.found["queries"][query] - self.found["bank"][rows[other]]) ** 2).sum(axis=1)
        ours = self.found["squared"][other]
        return int(other.sum()), float(numpy.abs(direct / ours - 1).max())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--good", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, required=True, nargs="+")
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--bank-rows", type=int, nargs="+", default=[1639, 16385])
    parser.add_argument("--neighbours", type=int, nargs="+", default=[1, 9])
    parser.add_argument("--count", type=int, default=8, help="pictures of each folder")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tries", type=int, default=3, help="of a block while others use the cores")
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    print(machine.heading(args.threads, "f32", PACKAGES), flush=True)
    quiet, table, worst = machine.Quiet(args.tries), [], (0, 0.0)
    with tempfile.TemporaryDirectory() as folder:
        for rows in args.bank_rows:
            model = fitted(args, rows, folder)
            for pictures in args.pictures:
                for k in args.neighbours:
                    search = ("bench", "search", model, *sorted(pictures.iterdir())[:args.count], "--neighbours", k)
                    file = Path(folder) / "found.safetensors"
                    patches = run(args, *search, "--save", file)["patches"]
                    peer = Faiss(args, file)
                    file.unlink()
                    differing, share = peer.check(k)
                    worst = (worst[0] + differing, max(worst[1], share))
                    ours, theirs = [], []
                    for _ in range(args.rounds):
                        ours.append(quiet.measure(lambda: run(args, *search, "--rounds", 2)["milliseconds"]))
                        theirs.append(quiet.measure(lambda: peer.milliseconds(k)))
                    ours, theirs = statistics.median(ours), statistics.median(theirs)
                    per_picture = patches // len(peer.pictures)
                    table.append([f"{rows}", "/".join(pictures.parts[-2:]), f"{k}", f"{per_picture}", f"{ours:.1f}",
                                  f"{theirs:.1f}", f"{theirs / ours:.1f}"])
    head = ["bank rows", "pictures", "neighbours", "patches of a picture", "ours, ms", "FAISS, ms", "FAISS / ours"]
    print(f"\n{machine.table(head, table, args.markdown)}\n")
    print(f"Other rows than FAISS at {worst[0]} places, where squared distances differ by at most {worst[1]:.1e}; {quiet}.")


if __name__ == "__main__":
    main()
