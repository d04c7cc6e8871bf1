"""What processes take of the machine, as `/proc` has it."""

from __future__ import annotations

import os
from pathlib import Path

_USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM = 11, 12, 13, 14
_PARENT = 1
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def _fields(pid: int) -> list[str]:
    """What follows the name, which may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def processor_s(pid: int) -> float:
    """Seconds of the processor that a process has used."""
    fields = _fields(pid)
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS_A_SECOND


def processor_with_children_s(pid: int) -> float:
    """The same with those of its children, also of those that have ended."""
    used = 0
    for entry in Path("/proc").iterdir():
        try:
            fields = _fields(int(entry.name)) if entry.name.isdigit() else []
        except OSError:
            continue  # it has just ended
        if fields and int(fields[_PARENT]) == pid:
            used += int(fields[_USER]) + int(fields[_SYSTEM])
    fields = _fields(pid)
    ended = int(fields[_CHILDREN_USER]) + int(fields[_CHILDREN_SYSTEM])
    return processor_s(pid) + (used + ended) / _TICKS_A_SECOND


def memory_mib(pid: int) -> float:
    """What a process holds in memory now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
