"""The environment of a run: what one must know to repeat it."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

PACKAGES = ("ablate", "torch", "torchvision", "pytorch-metric-learning", "ray", "optuna", "mlflow", "numpy", "pillow")


def describe_environment() -> dict[str, str]:
    """Git commit of the working folder, versions, and hardware, as flat text."""
    facts = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cpus": str(os.cpu_count()),
        "cpu": _cpu(),
        "memory_gib": f"{psutil.virtual_memory().total / 2**30:.1f}",
    }
    for package in PACKAGES:
        try:
            facts[f"version.{package}"] = version(package)
        except PackageNotFoundError:
            facts[f"version.{package}"] = "not installed"
    commit = _git("rev-parse", "HEAD")
    if commit:
        facts["git.commit"] = commit
        facts["git.changed"] = "yes" if _git("status", "--porcelain") else "no"
    return facts


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""  # no git here: the run is described without a commit
    return done.stdout.strip() if done.returncode == 0 else ""


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    names = (
        [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        if info.exists()
        else []
    )
    return names[0] if names else platform.processor()
