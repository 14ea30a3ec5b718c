"""Watches what containers use until it is told to end (SIGTERM): `memory_peak.py NAME=ID...`; prints the most of each, in MiB.

Counted as `docker stats` counts, but five times a second: a child that reads a document lives for less than that one's pause.
What the kernel would give back at once (files read once) is left out; what is shared is counted where it was first used."""

import signal
import sys
import time
from pathlib import Path

ROOTS = ["/sys/fs/cgroup/memory/docker/{}", "/sys/fs/cgroup/system.slice/docker-{}.scope", "/sys/fs/cgroup/docker/{}"]


def folder(container):
    for root in ROOTS:
        if (path := Path(root.format(container))).is_dir():
            return path
    sys.exit(f"error: the kernel's accounts of container {container} are not where they were looked for")


def used(path):
    """Bytes; None where the container is gone."""
    try:
        name = "memory.usage_in_bytes" if (path / "memory.usage_in_bytes").exists() else "memory.current"
        usage = int((path / name).read_text())
        stat = dict(line.split() for line in (path / "memory.stat").read_text().splitlines())
        return usage - int(stat.get("total_inactive_file", stat.get("inactive_file", 0)))
    except (OSError, ValueError):
        return None


containers = {name: folder(container) for name, container in (pair.split("=", 1) for pair in sys.argv[1:])}
most = dict.fromkeys(containers, 0)
together = 0
ended = False


def end(*_):
    global ended
    ended = True


signal.signal(signal.SIGTERM, end)
while not ended:
    now = {name: used(path) or 0 for name, path in containers.items()}
    together = max(together, sum(now.values()))
    most = {name: max(most[name], now[name]) for name in most}
    time.sleep(0.2)
for name in sorted(most):
    print(f"{name:24} {most[name] / 1048576:7.0f} MiB")
print(f"{'together, at one moment':24} {together / 1048576:7.0f} MiB")
