"""guard as a process of its own, whether it is installed or only checked out."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

import guard

ROOT = Path(guard.__file__).parents[1]


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start `guard ...`; both its streams are one pipe."""
    command = [sys.executable, "-m", "guard", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(*arguments: str, within_s: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run `guard ...` to its end."""
    command = [sys.executable, "-m", "guard", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=within_s, check=False)


def until_ready(process: subprocess.Popen[str], url: str, within_s: float = 20.0) -> None:
    """Wait for a daemon, or fail with what it said."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url + "/-/ready", trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    process.kill()
    pytest.fail(f"not ready: {process.communicate()[0]}")
