"""Retrieval metrics of one evaluation: ablate against pytorch-metric-learning's AccuracyCalculator with faiss.

    python benchmarks/metrics.py [--size omniglot] [--minutes 20] [--memory-gib 14]

Each measurement has its own process, so that one's peak memory is not another's. The peer is asked for the same three
numbers (Recall@1, R-precision, MAP@R) twice: with k="max_bin_count", its least costly setting that is right for MAP@R,
and with its default k, every other item. Ours computes Recall@5 and @10 in the same pass.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

NUM_THREADS = 2
PEER_K = {"peer, k=max_bin_count": "max_bin_count", "peer, default k": None}
LIBRARIES = ("ablate", *PEER_K)
PEER_NAMES = {
    "recall_at_1": "precision_at_1",
    "r_precision": "r_precision",
    "map_at_r": "mean_average_precision_at_r",
}


@dataclass(frozen=True)
class Size:
    """Random embeddings with class structure, of the shape that a real evaluation has."""

    classes: int
    per_class: int
    embedding_dim: int
    centre_scale: float
    """Length of the class centres against unit noise in every dimension; chosen so that no metric is near 0 or 1."""


SIZES = {
    "omniglot": Size(classes=659, per_class=20, embedding_dim=64, centre_scale=0.7),
    "mnist": Size(classes=10, per_class=6_000, embedding_dim=128, centre_scale=0.35),
}


def embed(size: Size) -> tuple[torch.Tensor, torch.Tensor]:
    """Unit vectors around random class centres, and their labels, interleaved."""
    torch.manual_seed(0)
    labels = torch.arange(size.classes * size.per_class) % size.classes
    centres = size.centre_scale * torch.randn(size.classes, size.embedding_dim)
    noise = torch.randn(len(labels), size.embedding_dim)
    return torch.nn.functional.normalize(centres[labels] + noise, dim=1), labels


def compute(library: str, embeddings: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    """Recall@1, R-precision and MAP@R, under our names."""
    if library == "ablate":
        from ablate.metrics.retrieval import retrieval_metrics

        ours = retrieval_metrics(embeddings, labels)
        return {name: ours[name] for name in PEER_NAMES}
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator

    names = tuple(PEER_NAMES.values())
    calculator = AccuracyCalculator(include=names, k=PEER_K[library], device=torch.device("cpu"))
    theirs = calculator.get_accuracy(embeddings, labels)
    return {name: theirs[peer_name] for name, peer_name in PEER_NAMES.items()}


def measure(library: str, size: Size) -> dict[str, float]:
    """Seconds, peak memory above the embeddings, and the metrics; run in a process of its own."""
    torch.set_num_threads(NUM_THREADS)
    warm_embeddings, warm_labels = embed(Size(classes=4, per_class=4, embedding_dim=size.embedding_dim, centre_scale=1))
    compute(library, warm_embeddings, warm_labels)  # imports and thread pools are not what is measured
    embeddings, labels = embed(size)
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to what is resident now
    resident = peak_mib()
    start = time.perf_counter()
    metrics = compute(library, embeddings, labels)
    return {"seconds": time.perf_counter() - start, "peak_mib": peak_mib() - resident, **metrics}


def peak_mib() -> float:
    """The highest resident memory of this process since it was last set back (Linux)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found, "/proc/self/status has no VmHWM"
    return int(found[1]) / 1024


def measure_apart(library: str, size_name: str, *, minutes: float, memory_gib: float) -> dict[str, float] | str:
    """`measure` in a fresh process; where that does not end well, one phrase saying why."""

    def limit_memory() -> None:
        limit = int(memory_gib * 2**30)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))  # not RLIMIT_AS: torch's libraries map 4 GiB

    command = [sys.executable, __file__, "--only", library, "--size", size_name]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60 * minutes, preexec_fn=limit_memory, check=False
        )
    except subprocess.TimeoutExpired:
        return f"not done after {minutes:g} minutes"
    if done.returncode == 0:
        measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return measured
    last_line = (done.stderr.strip().splitlines() or ["no message"])[-1]
    if re.search(r"bad_alloc|MemoryError|can't allocate memory|not enough memory", done.stderr):
        return f"out of memory under a limit of {memory_gib:g} GiB"
    return f"ended with {done.returncode}: {last_line[:60]}"


def print_table(size_names: list[str], libraries: list[str], *, minutes: float, memory_gib: float) -> None:
    """One row per size and library; the ratios are to the first row of the size, which is ours."""
    print(f"{'N':>7} {'D':>4} {'library':<24} {'seconds':>8} {'ratio':>6} {'peak MiB':>9} {'ratio':>6}  metrics")
    for size_name in size_names:
        size, first = SIZES[size_name], None
        for library in libraries:
            row = f"{size.classes * size.per_class:>7,} {size.embedding_dim:>4} {library:<24}"
            result = measure_apart(library, size_name, minutes=minutes, memory_gib=memory_gib)
            if isinstance(result, str):
                print(row, result, flush=True)
                continue
            first = first or result
            time_ratio, peak_ratio = (result[key] / first[key] for key in ("seconds", "peak_mib"))
            metrics = "  ".join(f"{name} {result[name]:.6f}" for name in PEER_NAMES)
            figures = f"{result['seconds']:>8.2f} {time_ratio:>5.1f}x {result['peak_mib']:>9.0f} {peak_ratio:>5.1f}x"
            print(f"{row} {figures}  {metrics}", flush=True)


def main() -> None:
    """Prints the table; `--only` is how it calls itself for one measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, help="measure this size only")
    parser.add_argument("--library", choices=LIBRARIES, action="append", help="measure this one only; may be repeated")
    parser.add_argument("--only", choices=LIBRARIES, help="one measurement in this process, as JSON")
    parser.add_argument("--minutes", type=float, default=20, help="time limit of one measurement")
    parser.add_argument("--memory-gib", type=float, default=14, help="memory limit of one measurement")
    arguments = parser.parse_args()
    sizes = [arguments.size] if arguments.size else list(SIZES)
    if arguments.only:
        print(json.dumps(measure(arguments.only, SIZES[sizes[0]])))
    else:
        libraries = arguments.library or list(LIBRARIES)
        print_table(sizes, libraries, minutes=arguments.minutes, memory_gib=arguments.memory_gib)


if __name__ == "__main__":
    main()
