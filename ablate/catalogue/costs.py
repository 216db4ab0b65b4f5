"""The costs a study can name: what each measures, its unit, and what is counted."""

from __future__ import annotations

COSTS = {
    "cost/params": "trainable weights of backbone and head",
    "cost/flops": "floating-point operations to embed one image: multiply-adds x 2, of matrix products and convolutions",
    "cost/latency_ms_p50": "milliseconds to embed one image, median, nothing else running",
    "cost/latency_ms_p95": "milliseconds to embed one image, 95th percentile, nothing else running",
    "cost/latency_batch32_ms_p50": "milliseconds to embed 32 images at once, median, nothing else running",
    "cost/latency_batch32_ms_p95": "milliseconds to embed 32 images at once, 95th percentile, nothing else running",
    "cost/train_seconds": "seconds spent in training steps, all epochs",
    "cost/seconds": "seconds from the trial's start to its end, validation and checkpoints included",
    "cost/peak_memory_mib": "peak memory: of the GPU's allocator, or without a GPU of the process",
}
"""Name -> meaning. Lower is better in all of them."""
