"""Times our backbone engine beside its peers, all in one interleaved run, and compares each with float64.

    taskset -c 0 python engine.py --threads 1

Measured is the forward pass of a batch from the normalised input to the feature maps of the last tap, weights loaded and
packed before, in milliseconds per picture. In every round each engine has one block of about `--seconds`: a few passes,
of which the median counts; a figure is the median of its blocks. Engines take turns, so that a slow moment of the machine
meets all of them, and a block in which other processes used the cores is repeated. Weights are random and the same for
all (`networks.py`).

The error of an engine is |maps - float64 maps| / |float64 maps| in the L2 norm, per tap, over the whole batch. The run
fails if ours in f32 exceeds 1.2 times (`vgg19_bn`: 1.4 times) PyTorch's own f32 error at a tap.
"""
import argparse
import os
import re
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import onnxruntime
import openvino
import torch
from safetensors.numpy import load_file, save_file

import machine
import networks
import pictures

PEERS = ("onnxruntime", "openvino-f32", "openvino", "torch", "rten")
PACKAGES = ("onnxruntime", "openvino", "torch", "torchvision")
RTEN = Path(__file__).resolve().parent / "rten"
FEWEST_PASSES = 3


def block_ms(run, seconds):
    """Median milliseconds of one call, over calls that together take `seconds`."""
    times, block = [], time.perf_counter()
    while len(times) < FEWEST_PASSES or time.perf_counter() - block < seconds:
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


class Case:
    """One network and batch: the torch module, its files for the other engines, the input, the float64 maps."""

    def __init__(self, name, batch, threads, seconds, folder):
        self.name, self.batch, self.threads, self.seconds, self.folder = name, batch, threads, seconds, folder
        self.network = networks.random_network(name)
        self.taps = self.network.taps
        self.input = pictures.network_input(batch, networks.SIDE, seed=1)
        self.expected = networks.float64_maps(self.network, self.input)
        self.onnx = folder / "network.onnx"
        self.onnx.write_bytes(networks.onnx_model(self.network, batch).SerializeToString())
        self.weights = folder / "weights.safetensors"
        channels_last = np.ascontiguousarray(self.input.transpose(0, 2, 3, 1))
        save_file({**self.network.tensors(), "input": channels_last}, self.weights)

    def errors(self, maps):
        """Relative L2 error per tap; a map of another shape is a mistake in this script."""
        assert [m.shape for m in maps] == [e.shape for e in self.expected]
        return [float(np.linalg.norm(m - e) / np.linalg.norm(e)) for m, e in zip(maps, self.expected)]


# ---- engines: each has `precision`, `maps()` (NCHW) and `block()` (milliseconds per picture) ----


class InProcess:
    """An engine that Python calls."""

    def __init__(self, case):
        self.case = case

    def block(self):
        self.run()
        return block_ms(self.run, self.case.seconds) / self.case.batch


class OnnxRuntime(InProcess):
    precision = "f32"

    def __init__(self, case):
        super().__init__(case)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = case.threads
        self.session = onnxruntime.InferenceSession(case.onnx, options, providers=["CPUExecutionProvider"])

    def run(self):
        return self.session.run(None, {"input": self.case.input})

    maps = run


class OpenVino(InProcess):
    """OpenVINO with its own choice of precision, or a forced one."""

    def __init__(self, case, forced=None):
        super().__init__(case)
        # Pinning is off because the caller pins the whole process.
        config = {"INFERENCE_NUM_THREADS": case.threads, "NUM_STREAMS": 1, "ENABLE_CPU_PINNING": False}
        if forced:
            config["INFERENCE_PRECISION_HINT"] = forced
        compiled = openvino.Core().compile_model(case.onnx, "CPU", config)
        self.request = compiled.create_infer_request()
        self.precision = self.chosen(compiled)

    @staticmethod
    def chosen(compiled):
        """The precision in which most convolutions of the compiled network really run."""
        found = Counter()
        for op in compiled.get_runtime_model().get_ops():
            info = op.get_rt_info()
            if info["layerType"].astype(str) == "Convolution":
                found[info["runtimePrecision"].astype(str).lower()] += 1
        return found.most_common(1)[0][0]

    def run(self):
        self.request.infer({0: self.case.input}, share_inputs=True)

    def maps(self):
        self.run()
        return [self.request.get_output_tensor(i).data.copy() for i in range(len(self.case.taps))]


class Torch(InProcess):
    """PyTorch eager, NCHW: what the original runs on."""

    precision = "f32"

    def __init__(self, case):
        super().__init__(case)
        torch.set_num_threads(case.threads)
        self.input = torch.from_numpy(case.input)

    def run(self):
        with torch.inference_mode():
            return self.case.network(self.input)

    def maps(self):
        return [m.numpy() for m in self.run()]


class Child:
    """An engine in a program of its own, started anew for every block; it prints milliseconds per picture."""

    threads_variable = "RAYON_NUM_THREADS"

    def __init__(self, case):
        self.case, self.written = case, case.folder / f"{type(self).__name__}-maps"

    def block(self):
        return self.start(self.case.seconds)

    def start(self, seconds):
        env = {**os.environ, self.threads_variable: str(self.case.threads)}
        done = subprocess.run(self.command(seconds), env=env, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{self.command(seconds)[0]}: {done.stderr.strip()}")
        threads, ms = re.search(r"threads (\d+).*: ([\d.]+) ms", done.stdout).groups()
        assert int(threads) == self.case.threads, done.stdout
        return float(ms)


class Ours(Child):
    def __init__(self, case, precision):
        super().__init__(case)
        self.precision, self.program = precision, machine.program("examples/forward")

    def command(self, seconds):
        case = self.case
        return [self.program, case.name, "--weights", case.weights, "--input-tensor", "input",
                "--precision", self.precision, "--write", self.written, "--seconds", str(seconds)]

    def maps(self):
        self.start(0)
        maps = load_file(self.written)
        return [maps[tap].transpose(0, 3, 1, 2) for tap in self.case.taps]


class Rten(Child):
    precision = "f32"
    threads_variable = "RTEN_NUM_THREADS"

    def __init__(self, case):
        super().__init__(case)
        self.program, self.input = machine.program("rten-forward", RTEN / "target"), case.folder / "input.f32"
        case.input.tofile(self.input)

    def command(self, seconds):
        return [self.program, self.case.onnx, self.input, self.written, str(seconds)]

    def maps(self):
        self.start(0)
        shapes = [e.shape for e in self.case.expected]
        parts = np.split(np.fromfile(self.written, np.float32), np.cumsum([np.prod(s) for s in shapes])[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, shapes)]


def engines(case, names, precisions):
    """The engines asked for, by the name that the tables show."""
    out = {}
    if "ours" in names:
        out |= {f"ours {p}": Ours(case, p) for p in precisions}
    makers = {
        "onnxruntime": OnnxRuntime,
        "openvino-f32": lambda case: OpenVino(case, "f32"),
        "openvino": OpenVino,
        "torch": Torch,
        "rten": Rten,
    }
    return out | {name: makers[name](case) for name in PEERS if name in names}


# ---- the run ----


def measure(case, names, precisions, rounds, quiet):
    """{engine: (precision, milliseconds per picture, errors per tap)} for one network and batch."""
    running = engines(case, names, precisions)
    errors = {name: case.errors(engine.maps()) for name, engine in running.items()}
    blocks = {name: [] for name in running}
    for _ in range(rounds):
        for name, engine in running.items():
            blocks[name].append(quiet.measure(engine.block))
    return {name: (engine.precision, statistics.median(blocks[name]), errors[name]) for name, engine in running.items()}


def report(case, results, markdown):
    """The table of one network and batch, and whether our f32 error keeps to the limit."""
    ours = [name for name in results if name.startswith("ours")]
    head = ["engine", "computes in", "ms per picture", *(f"time / {name}" for name in ours),
            *(f"error {tap}" for tap in case.taps)]
    rows = []
    for name, (precision, ms, errors) in results.items():
        ratios = [f"{ms / results[o][1]:.2f}" for o in ours]
        rows.append([name, precision, f"{ms:.2f}", *ratios, *(f"{e:.1e}" for e in errors)])
    title = f"{case.name}, batch {case.batch}"
    print(f"\n{'### ' if markdown else ''}{title}\n{chr(10) * markdown}{machine.table(head, rows, markdown)}", flush=True)
    if "ours f32" not in results or "torch" not in results:
        return True
    worst = max(a / b for a, b in zip(results["ours f32"][2], results["torch"][2]))
    limit = networks.RECIPES[case.name].error_limit
    kept = worst <= limit
    print(f"{chr(10) * markdown}Error of ours f32 / PyTorch's: at most {worst:.2f} "
          f"({'within' if kept else 'OVER'} the limit of {limit}).", flush=True)
    return kept


def main():
    words = lambda text: text.split(",")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5, help="length of a timed block")
    parser.add_argument("--networks", type=words, default=list(networks.RECIPES))
    parser.add_argument("--batches", type=words, default=["1", "8"])
    parser.add_argument("--precisions", type=words, default=["f32"], help="of ours: f32,fast,bf16")
    parser.add_argument("--engines", type=words, default=["ours", *PEERS], help=f"of: ours,{','.join(PEERS)}")
    parser.add_argument("--tries", type=int, default=3, help="of a block while others use the cores")
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    unknown = [n for n in args.networks if n not in networks.RECIPES] + \
        [e for e in args.engines if e not in ("ours", *PEERS)]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")

    precisions = f"224 x 224; ours in {', '.join(args.precisions)}"
    print(machine.heading(args.threads, precisions, PACKAGES), flush=True)
    kept, quiet = True, machine.Quiet(args.tries)
    for name in args.networks:
        for batch in map(int, args.batches):
            with tempfile.TemporaryDirectory() as folder:
                case = Case(name, batch, args.threads, args.seconds, Path(folder))
                results = measure(case, args.engines, args.precisions, args.rounds, quiet)
                kept &= report(case, results, args.markdown)
    print(f"\n{args.rounds} rounds of {args.seconds} s per engine; {quiet}.")
    raise SystemExit(0 if kept else 1)


if __name__ == "__main__":
    main()
