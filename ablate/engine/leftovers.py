"""Leftovers: what a killed driver's Ray leaves behind, found by its open files and ended; nobody else's is touched.

Ray's services end with their driver, but its agents stay for a minute and slow the next start. They are told from other Rays of
the same user by what marks them for certain: open files below that Ray's session folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import psutil


def processes_of(session_dir: str) -> Iterator[psutil.Process]:
    """Processes of this user, other than this one, that have a file open below `session_dir` or are told to work there."""
    inside = os.path.realpath(session_dir) + os.sep
    for process in psutil.process_iter():
        try:
            mine = process.uids().real == os.getuid() and process.pid != os.getpid()
            if mine and any(path.startswith(inside) for path in _paths(process)):
                yield process
        except (psutil.AccessDenied, psutil.NoSuchProcess):
            continue  # another user's, or gone meanwhile: neither is a leftover of ours


def _paths(process: psutil.Process) -> Iterator[str]:
    """Files that it has open; and its arguments, for an agent so young that it has opened none."""
    yield from (file.path for file in process.open_files())
    yield from (word.partition("=")[2] + os.sep for word in process.cmdline())


def end_leftovers(session_dir: str) -> int:
    """End them, and say how many. Only for the session of a driver that is known to be dead."""
    found = list(processes_of(session_dir))
    for process in found:
        try:
            process.kill()  # Ray's agents ignore SIGTERM
        except psutil.NoSuchProcess:
            continue  # it ended by itself
    psutil.wait_procs(found, timeout=5)
    return len(found)
