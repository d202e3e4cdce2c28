"""Times choosing the memory bank beside the original's sampler and anomalib's, on the same features and threads.

    taskset -c 0 python sampler.py --threads 1 --good FOLDER --backbone resnet18 --weights FILE

Our program embeds the good pictures as preset reference-224 does (1024 values a patch), chooses by exact greedy selection at
full width, and writes the features; the peers choose from the same array. The original projects to 128 values and then, at
every step, computes the distances of all patches to the newest pick; anomalib does so with its sparse projection. A step
always costs the same, so the peers do `--steps` of them and the rest is multiplied out; their projection is not counted.
Ours is timed to the end, all included. `--verify` has our program prove its picks (every patch against every pick).
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

PACKAGES = ("torch", "anomalib", "numpy")
SHARES = (0.1, 0.01)


def ours(args, share, save=None):
    """What `patchcore bench coreset` says."""
    command = [machine.program("patchcore"), "bench", "coreset", "--good", args.good, "--preset", "reference-224",
               "--backbone", args.backbone, "--sampler", "greedy", "--percentage", str(share), "--rounds",
               str(args.rounds), "--threads", str(args.threads), "--json"]
    command += ["--weights", args.weights] if args.weights else []
    command += ["--patches", str(args.patches)] if args.patches else []
    command += ["--verify"] if args.verify else []
    command += ["--save", save] if save else []
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def original_steps(features, steps):
    """Seconds of a step of the original's approximate greedy sampler, on 128 values a patch."""
    from original import approximate_greedy

    sampler, seconds = approximate_greedy(features), []
    # The first pick comes with the projection.
    next(sampler)
    for _ in range(steps):
        start = time.perf_counter()
        next(sampler)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def anomalib_steps(features, steps):
    """Seconds of a step of anomalib's k-center greedy sampler."""
    from anomalib.models.components import KCenterGreedy

    sampler = KCenterGreedy(features, (steps + 1.5) / len(features))
    sampler.model.fit(features)
    sampler.features = sampler.model.transform(features)
    sampler.update_distances(0)
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        sampler.update_distances(sampler.get_new_idx())
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def peers(args, file):
    """Seconds of a step of each peer: the median of the rounds, in which they take turns."""
    import torch
    from safetensors.torch import load_file

    torch.set_num_threads(args.threads)
    features = load_file(file)["features"]
    samplers = {"original": original_steps, "anomalib": anomalib_steps}
    quiet, rounds = machine.Quiet(args.tries), {name: [] for name in samplers}
    with torch.inference_mode():
        for _ in range(args.rounds):
            for name, steps in samplers.items():
                rounds[name].append(quiet.measure(lambda: steps(features, args.steps)))
    return {name: statistics.median(seconds) for name, seconds in rounds.items()}, quiet


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--good", type=Path, required=True)
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--patches", type=int, help="the first ones only")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--verify", action="store_true")
    parser.add_argument("--tries", type=int, default=3, help="of a block while others use the cores")
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    print(machine.heading(args.threads, "f32", PACKAGES), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "features.safetensors"
        found = {share: ours(args, share, file if share == SHARES[0] else None) for share in SHARES}
        steps, quiet = peers(args, file)
    rows = []
    for share, report in found.items():
        picks, seconds = report["bank_rows"], report["seconds"]
        rows.append([f"{share:.0%}: {picks}", f"{seconds:.2f}", f"{report['more_mib']:.0f}"])
        for step in steps.values():
            rows[-1] += [f"{step * picks:.0f}", f"{step * picks / seconds:.0f}"]
    head = ["picks", "ours, s", "ours, MiB beyond the features"]
    head += [cell for name in steps for cell in (f"{name}, s", f"{name} / ours")]
    print(f"\n{machine.table(head, rows, args.markdown)}\n")
    told = ", ".join(f"{name} {1e3 * step:.1f} ms" for name, step in steps.items())
    report = found[SHARES[0]]
    print(f"{report['patches']} patches of {report['embedding_dimension']} values; a step: {told}; {quiet}.")
    if args.verify:
        seconds = " and ".join(f"{report['verify_seconds']:.0f} s" for report in found.values())
        print(f"Our picks are proved to be those of the plain loop: every patch against every pick, {seconds}.")


if __name__ == "__main__":
    main()
