#!/usr/bin/env python3
"""What actionlint does not ask of workflows, and we do. `check.py ROOT` reads ROOT/.github/workflows and prints a sentence for
each thing that is wrong; `check.py --self-test` breaks a good workflow in each way and wants to see that sentence."""

import re
import sys
from pathlib import Path

import yaml

PINNED = re.compile(r"^\s*(?:-\s+)?uses:\s+(?P<action>[\w./-]+)@(?P<commit>[0-9a-f]{40}) # v\d+(?:\.\d+)+$")
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
# May be asked for by a job, never by a whole workflow: then each job had it.
READ_ONLY = {"contents": "read"}


def check(root: Path) -> list[str]:
    """The complaints about all workflows below `root`."""
    complaints = []
    for path in sorted((root / ".github/workflows").glob("*.y*ml")):
        complaints += [f"{path.name}: {complaint}" for complaint in check_text(path.read_text(), dockerfile_of(root))]
    return complaints


def dockerfile_of(root: Path) -> str:
    path = root / "deploy/Dockerfile"
    return path.read_text() if path.exists() else ""


def check_text(text: str, dockerfile: str) -> list[str]:
    """The complaints about one workflow."""
    complaints = []
    # YAML takes `on` for a truth value.
    workflow = yaml.safe_load(text)
    events = workflow.get(True, workflow.get("on", {}))
    for line in text.splitlines():
        if re.match(r"\s*(-\s+)?uses:", line) and "uses: ./" not in line and not PINNED.match(line):
            complaints.append(f"`{line.strip()}` is not pinned by commit, with the version after `# v`")
    if "pull_request_target" in events or "workflow_run" in events:
        complaints.append("it runs with secrets for what strangers send; use `pull_request`")
    if workflow.get("permissions") != READ_ONLY:
        complaints.append("`permissions` of the workflow must be `contents: read`; a job asks for more itself")
    group = workflow.get("concurrency") or {}
    if not isinstance(group, dict) or not group.get("group") or "cancel-in-progress" not in group:
        complaints.append("`concurrency` must say `group` and `cancel-in-progress`")
    for name, job in workflow["jobs"].items():
        complaints += [f"job {name}: {complaint}" for complaint in check_job(job, dockerfile)]
    return complaints


def check_job(job: dict, dockerfile: str) -> list[str]:
    complaints = []
    if "uses" in job:
        return complaints
    if "timeout-minutes" not in job:
        complaints.append("it has no `timeout-minutes`; the default is six hours")
    if "latest" in str(job.get("runs-on")):
        complaints.append("`runs-on` must name a version, not `latest`")
    container = job.get("container")
    if container:
        image = container if isinstance(container, str) else container["image"]
        if not DIGEST.search(image):
            complaints.append(f"the image `{image}` is not pinned by digest")
        elif dockerfile and f"={image}" not in dockerfile:
            complaints.append(f"the image `{image}` is not that of deploy/Dockerfile; scripts/pin-images.sh was run for one of the two")
    for step in job.get("steps", []):
        called = step.get("name") or step.get("uses") or "a step"
        if "${{" in str(step.get("run", "")):
            complaints.append(f"`{called}` puts an expression into a script, where it could be code; hand it over by `env`")
        if "checkout@" in str(step.get("uses", "")) and step.get("with", {}).get("persist-credentials") is not False:
            complaints.append(f"`{called}` leaves its token in .git; set `persist-credentials: false`")
        script = str(step.get("run", ""))
        if re.search(r"StrictHostKeyChecking[= ](no|accept-new)|ssh-keyscan", script):
            complaints.append(f"`{called}` takes whatever host key it is shown; pin it")
        if ("ssh " in script or "scp " in script) and "UserKnownHostsFile" not in str(job):
            complaints.append(f"`{called}` uses ssh without a known_hosts file of its own")
    return complaints


GOOD = """\
on:
  push:
permissions:
  contents: read
concurrency:
  group: a
  cancel-in-progress: false
jobs:
  one:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    container:
      image: rust:1@sha256:%s
    steps:
      - uses: actions/checkout@%s # v7.0.0
        with:
          persist-credentials: false
      - name: two
        env:
          NAME: ${{ github.ref_name }}
        run: |
          echo "$NAME" # UserKnownHostsFile
          ssh server true
""" % ("0" * 64, "0" * 40)

# What is changed in the good one, into what, and a part of the sentence that must come of it.
BROKEN = [
    ("@" + "0" * 40 + " # v7.0.0", "@v7", "not pinned by commit"),
    (" # v7.0.0", "", "not pinned by commit"),
    (" # v7.0.0", " # main", "not pinned by commit"),
    ("  push:\n", "  pull_request_target:\n", "strangers"),
    ("contents: read", "contents: write", "`permissions`"),
    ("permissions:\n  contents: read\n", "", "`permissions`"),
    ("  cancel-in-progress: false\n", "", "`concurrency`"),
    ("    timeout-minutes: 5\n", "", "timeout-minutes"),
    ("ubuntu-24.04", "ubuntu-latest", "not `latest`"),
    ("@sha256:" + "0" * 64, "", "pinned by digest"),
    ("rust:1@", "rust:2@", "deploy/Dockerfile"),
    ('echo "$NAME"', 'echo "${{ github.ref_name }}"', "could be code"),
    ("persist-credentials: false", "fetch-depth: 0", "persist-credentials"),
    ("ssh server true", "ssh -o StrictHostKeyChecking=no server true", "whatever host key"),
    (" # UserKnownHostsFile", "", "known_hosts file of its own"),
]


def self_test() -> None:
    dockerfile = "ARG RUST_IMAGE=rust:1@sha256:" + "0" * 64
    assert check_text(GOOD, dockerfile) == [], check_text(GOOD, dockerfile)
    for before, after, wanted in BROKEN:
        assert before in GOOD, before
        found = check_text(GOOD.replace(before, after), dockerfile)
        assert any(wanted in complaint for complaint in found), (before, after, found)


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        sys.exit()
    found = check(Path(sys.argv[1]))
    print("\n".join(found))
    sys.exit(1 if found else 0)
