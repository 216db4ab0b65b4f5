"""The costs a study can name: what each measures, its unit, which way is better, and when it is known."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Cost:
    """One number that a trial is said to cost."""

    name: str
    unit: str
    summary: str
    known: str
    """counted or timed: of the architecture, before it trains; trained: from the trial's epochs."""
    goal: str = "minimize"
    """minimize or maximize."""
    grows: bool = False
    """Of what is trained: whether it never falls from epoch to epoch, so that a trial beyond its `max` can end at once."""
    measure: str = ""
    """Of what is timed: the word of `cost.measure` that asks for it; empty for what every study times."""
    needs: str = ""
    """gpu: known only of a trial that holds one; price: only of a study that names one."""
    title: str = ""
    """Heads its column in tables."""
    scale: float = 1.0
    """What it is multiplied with there."""
    bounds: tuple[float, float] = (0.0, inf)
    """Least and greatest value it can take."""


_ALONE = "nothing else running"
_COUNTED = (
    Cost("cost/params", "weights", "trainable weights of backbone and head", "counted", title="k weights", scale=1e-3),
    Cost(
        "cost/flops",
        "FLOP",
        "floating-point operations to embed one image: multiply-adds x 2, of matrix products and convolutions",
        "counted",
        title="MFLOP",
        scale=1e-6,
    ),
    Cost(
        "cost/macs", "MAC", "multiply-adds to embed one image: half of cost/flops", "counted", title="MMAC", scale=1e-6
    ),
    Cost(
        "cost/activation_mib",
        "MiB",
        "what one more image in a batch makes training keep for its gradients, in fp32",
        "counted",
        title="MiB/image",
    ),
    Cost("cost/weights_mib", "MiB", "what is served: weights and buffers in fp32", "counted", title="MiB fp32"),
    Cost("cost/weights_bf16_mib", "MiB", "the same in bf16", "counted", title="MiB bf16"),
    Cost(
        "cost/weights_int8_mib",
        "MiB",
        "the same with a byte for each weight of matrices, kernels and embeddings, and a scale for each of their rows",
        "counted",
        title="MiB int8",
    ),
)
_PERCENTILES = {"p50": "median", "p95": "95th percentile", "p99": "99th percentile", "iqr": "interquartile range"}
_TIMED = (
    *(
        Cost(f"cost/{batch}_ms_{short}", "ms", f"to embed {what}, {long}, {_ALONE}", "timed", title=f"{title} {short}")
        for batch, what, title in (("latency", "one image", "ms"), ("latency_batch32", "32 images at once", "ms/32"))
        for short, long in _PERCENTILES.items()
    ),
    Cost(
        "cost/throughput_per_second",
        "1/s",
        f"images embedded per second at the best batch, {_ALONE}; where `cost.measure` has throughput",
        "timed",
        goal="maximize",
        measure="throughput",
        title="images/s",
    ),
    *(
        Cost(
            f"cost/latency_{precision}_ms_p50",
            "ms",
            f"to embed one image in {precision}, median, {_ALONE}; where `cost.measure` has {precision}",
            "timed",
            measure=precision,
            title=f"ms {precision}",
        )
        for precision in ("bf16", "int8")
    ),
)
_TRAINED = (
    Cost("cost/train_seconds", "s", "spent in training steps, all epochs", "trained", grows=True, title="train s"),
    Cost(
        "cost/seconds",
        "s",
        "from the trial's start to its end, validation and checkpoints included",
        "trained",
        grows=True,
        title="wall s",
    ),
    Cost(
        "cost/gpu_seconds", "s", "cost/seconds times the GPUs that the trial held", "trained", grows=True, title="GPU s"
    ),
    Cost(
        "cost/samples_per_second",
        "1/s",
        "images through training steps, all epochs",
        "trained",
        goal="maximize",
        title="samples/s",
    ),
    Cost(
        "cost/data_share",
        "share",
        "of the training steps' time, what making batches takes, augmentation included",
        "trained",
        title="data share",
        bounds=(0.0, 1.0),
    ),
    Cost(
        "cost/peak_memory_mib",
        "MiB",
        "peak memory: of the GPU's allocator, or without a GPU of the process",
        "trained",
        grows=True,
        title="peak MiB",
    ),
    Cost(
        "cost/peak_host_mib", "MiB", "peak memory of the process on the host", "trained", grows=True, title="host MiB"
    ),
    Cost(
        "cost/peak_gpu_mib",
        "MiB",
        "peak memory of the GPU's allocator",
        "trained",
        grows=True,
        needs="gpu",
        title="GPU MiB",
    ),
    Cost(
        "cost/gpu_energy_joules",
        "J",
        "of the GPU while the trial ran (NVML); only of one that it held whole",
        "trained",
        grows=True,
        needs="gpu",
        title="GPU J",
    ),
    Cost(
        "cost/cpu_energy_joules",
        "J",
        "of the CPU's packages while the trial ran (RAPL); only where it held all CPUs of its machine",
        "trained",
        grows=True,
        title="CPU J",
    ),
    Cost(
        "cost/usd",
        "USD",
        "seconds at the prices that `cost.prices` lists for `cost.machine`",
        "trained",
        grows=True,
        needs="price",
        title="USD",
    ),
)
COSTS = {cost.name: cost for cost in (*_COUNTED, *_TIMED, *_TRAINED)}
MEASURES = tuple(cost.measure for cost in COSTS.values() if cost.measure)
"""What `cost.measure` can ask for."""
