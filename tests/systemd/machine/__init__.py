"""A machine for the unit: a systemd of its own as the first process of namespaces of its own, for some seconds.

`boot.sh` makes room in the cgroups and the namespaces, `inside.sh` the throw-away copy of this machine that it runs on.
What is to be done there is a script of the shell; what it leaves in `/run/shared/told` is what comes back.

It needs root, and a kernel that lets root make namespaces: `python -m tests.systemd.machine` ends with 0 if this is so.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

WITHIN_S = 120
SOURCE = Path(__file__).resolve().parents[3]
TARGET = """
[Unit]
Requires=trial.service
"""
SERVICE = """
[Service]
Type=oneshot
ExecStart=/bin/sh -eu /run/shared/script
StandardOutput=file:/run/shared/said
StandardError=inherit
TimeoutStartSec=infinity
# Over: the first process is told to end the machine.
ExecStopPost=/bin/kill -s RTMIN+4 1
"""
PROGRAM = f"""#!/bin/sh
export LD_LIBRARY_PATH=/opt/trial/python/lib PYTHONPATH=/opt/trial/source:/opt/trial/libraries
exec /opt/trial/python/bin/python{sys.version_info.major}.{sys.version_info.minor} -m guard "$@"
"""
"""Where guard would be if it were installed."""


class TrialError(Exception):
    """The script did not come to its end; the text is what it said."""


def trial(folder: Path, script: str, *, within_s: int = WITHIN_S) -> Mapping[str, str]:
    """Do this on a machine of its own; what it has told, by name."""
    for name in ("units", "told"):
        (folder / name).mkdir(parents=True)
    (folder / "units" / "trial.target").write_text(TARGET)
    (folder / "units" / "trial.service").write_text(SERVICE)
    (folder / "script").write_text(f"cd /run/shared/told\n{script}\ntouch /run/shared/done\n")
    (folder / "guard").write_text(PROGRAM)
    (folder / "guard").chmod(0o755)
    environment = {
        "shared": str(folder),
        "within": str(within_s),
        "python": sys.base_prefix,
        "libraries": sysconfig.get_path("purelib"),
        "source": str(SOURCE),
    }
    boot = Path(__file__).with_name("boot.sh")
    done = subprocess.run(
        [boot],
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=within_s + 30,
        check=False,
    )
    said = folder / "said"
    if not (folder / "done").exists():
        raise TrialError(f"{done.stdout}{done.stderr}{said.read_text() if said.exists() else 'it did not begin'}")
    return {path.name: path.read_text().strip() for path in (folder / "told").iterdir()}
