"""Times `patchcore predict` beside the original's way (`original.py`) on the same pictures, weights and memory bank.

    taskset -c 0 python whole_process.py --threads 1

Measured is the whole process: start, weights, model, then per picture (PNG, 700 x 700) decode, preprocess, WideResNet-50-2,
patches, nearest neighbours, image score, anomaly map in memory; nothing is written. The figure is wall time divided by the
pictures; "further" leaves the start out: (time for all - time for one) / (all - 1). Processor time is given beside it:
with one thread on a quiet machine it is the same, and it says what can be said where the machine was not quiet. Peak memory
is the largest resident size of the process. The programs take turns; figures are medians of the rounds, and a process
during which others used the cores is run again. The bank is fitted by our program (preset reference-224) on 30 good
pictures; the default size is that of 1 % of 209 pictures, `--bank-rows 16386` is 10 %. Image scores must agree.
"""
import argparse
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import machine

# Children inherit the parent's peak memory as their floor, so this file imports nothing large: see `prepare`.

PACKAGES = ("torch", "torchvision", "faiss-cpu", "numpy", "pillow", "scipy")
NETWORK = "wide_resnet50_2"
SIDE = 700
GOOD = 30
AGREE = 1e-3


def prepare(folder, count):
    """Writes the pictures and the random weights; runs in a process of its own, for its memory."""
    from safetensors.numpy import save_file

    import networks
    import pictures

    pictures.write_folder(folder / "good", GOOD, SIDE, seed=0)
    pictures.write_folder(folder / "one", 1, SIDE, seed=10_000)
    pictures.write_folder(folder / "all", count, SIDE, seed=20_000, stained=True)
    save_file(networks.random_network(NETWORK).tensors(), folder / "weights.safetensors")


def in_own_process(function, *arguments):
    process = multiprocessing.get_context("spawn").Process(target=function, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(process.exitcode)


def fit(folder, args):
    """A model in the original's configuration, by our program; its time is printed only."""
    command = [machine.program("patchcore"), "fit", "--good", folder / "good", "-o", folder / "model.patchcore",
               "--preset", "reference-224", "--weights", folder / "weights.safetensors",
               "--bank-rows", str(args.bank_rows), "--threads", str(args.threads), "--json"]
    if args.precision != "f32":
        command += ["--precision", args.precision]
    fitted = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    member = fitted["members"][0]
    bank = f"{member['bank_rows']} of {member['patches']} patches, {member['embedding_dimension']} values each"
    print(f"bank: {bank}; fitted on {GOOD} pictures in {fitted['seconds']:.1f} s", flush=True)


def commands(folder, threads):
    """The command of each program, without the folder of pictures that comes last."""
    model, weights = folder / "model.patchcore", folder / "weights.safetensors"
    predict = [machine.program("patchcore"), "predict", "--threads", str(threads), "--format", "jsonl",
               "--weights", weights, model]
    original = [sys.executable, Path(__file__).with_name("original.py"), "--threads", str(threads), model, weights]
    return {"ours": predict, "original": original}


class Run(NamedTuple):
    """What one process took and found."""

    seconds: float
    processor_seconds: float
    peak_mib: float
    scores: dict  # picture's name: image score


def run(command, threads):
    """Runs one process to its end."""
    # OpenMP must not start more threads than asked for before the script can say so.
    env = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with tempfile.TemporaryFile("w+") as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, env=env)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{command[0]} ended with {process.returncode}")
        output.seek(0)
        records = [json.loads(line) for line in output]
    scores = {Path(record["path"]).name: record["image_score"] for record in records}
    return Run(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, scores)


def measure(folder, args, quiet):
    """{program: [(run on one picture, run on all) per round]}"""
    programs = commands(folder, args.threads)
    rounds = {name: [] for name in programs}
    for _ in range(args.rounds):
        for name, command in programs.items():
            pair = [quiet.measure(lambda: run([*command, folder / part], args.threads)) for part in ("one", "all")]
            rounds[name].append(pair)
    return rounds


def report(rounds, count, markdown):
    """The table of both programs, their ratio in the last line."""
    figures = {}
    for name, pairs in rounds.items():
        middle = lambda which, field: statistics.median(getattr(pair[which], field) for pair in pairs)
        values = []
        for field in ("seconds", "processor_seconds"):
            one, everything = middle(0, field), middle(1, field)
            values += [everything / count * 1e3, (everything - one) / (count - 1) * 1e3]
        figures[name] = (*values, middle(0, "seconds") * 1e3, middle(1, "peak_mib"))
    head = ["", "ms per picture", "ms per further one", "processor ms per picture", "processor ms per further one",
            "ms for one alone", "peak MiB"]
    rows = [[name, *(f"{value:.1f}" for value in values)] for name, values in figures.items()]
    rows.append(["original / ours", *(f"{b / a:.2f}" for a, b in zip(figures["ours"], figures["original"]))])
    print(f"\n{machine.table(head, rows, markdown)}\n")


def largest_difference(rounds):
    """Largest relative difference between the image scores of the two programs."""
    ours, original = (rounds[name][0][1].scores for name in ("ours", "original"))
    assert ours.keys() == original.keys()
    return max(abs(ours[name] - original[name]) / abs(original[name]) for name in ours)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--bank-rows", type=int, default=1639, help="1639 is 1 %% of 209 pictures, 16386 is 10 %%")
    parser.add_argument("--precision", default="f32", help="of our backbone, as `patchcore fit` takes it")
    parser.add_argument("--tries", type=int, default=3, help="of a block while others use the cores")
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    precisions = f"ours in {args.precision}, the original in f32"
    print(machine.heading(args.threads, precisions, PACKAGES), flush=True)
    quiet = machine.Quiet(args.tries)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        in_own_process(prepare, folder, args.pictures)
        fit(folder, args)
        rounds = measure(folder, args, quiet)
    report(rounds, args.pictures, args.markdown)
    floor = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    difference = largest_difference(rounds)
    print(f"{args.pictures} pictures of {SIDE} x {SIDE}, {args.rounds} rounds; {quiet}.")
    print(f"Largest relative difference of an image score: {difference:.1e}. Peaks below {floor:.0f} MiB would not show.")
    if args.precision == "f32" and difference > AGREE:
        raise SystemExit(f"the image scores differ by more than {AGREE:.0e}")


if __name__ == "__main__":
    main()
