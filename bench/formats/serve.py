#!/usr/bin/env python3
"""Damaged files through a running server: it must not fall, and each file must be answered in time.

    python3 bench/formats/serve.py target/release/ids ../shared/corpus [--mutations 10000] [--first N] [--at-once 8] [--largest BYTES]

Starts `ids serve` on a library of its own, sends variants of the corpus' files (`measure.py` damages bytes; of every second ZIP a member is
damaged instead, and packed again) as people do, and follows each until it is found by words, has failed with a reason, or was refused at the
door; then deletes it. Ends with 1 when the server's process ended or was another one, or a file got no answer, one without a reason, or one
past the limit. Variants are numbered: `--first` goes on where a run was stopped.
"""

import argparse
import collections
import http.client
import io
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

from measure import damaged

# The child's own time for a small file, its start, and the files that are in front of it.
LIMIT_SECONDS = 180
# A status that says that the job is through, or that words find the document.
FOUND = ("embedding", "completed")


def variant(file: Path, number: int) -> bytes:
    """The damaged file of that number, always the same."""
    chance = random.Random(number)
    original = file.read_bytes()
    if not original.startswith(b"PK") or number % 2 == 0:
        return damaged(original, chance)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(original)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        members = [member for member in source.infolist() if not member.is_dir()]
        victim = chance.choice(members).filename
        for member in members:
            data = source.read(member)
            target.writestr(member.filename, damaged(data, chance) if member.filename == victim else data)
    return out.getvalue()


class Server:
    """The program under test."""

    def __init__(self, program: Path, folder: str):
        environment = {name: value for name, value in os.environ.items() if not re.match("(IDS|OPENAI|POSTGRES|REDIS|S3|AI)_", name)}
        environment |= {"RATE_LIMIT_PER_MINUTE": "1000000", "LOG_LEVEL": "warn"}
        self.log = Path(folder) / "server.log"
        command = [str(program), "--data-dir", f"{folder}/data", "serve", "--port", "0"]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=self.log.open("w"), text=True)
        self.port = None
        for line in self.process.stdout:
            if address := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                self.port = int(address[1])
                break
        if self.port is None:
            sys.exit(f"the server did not start:\n{self.log.read_text()}")
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def call(self, method: str, path: str, body: bytes | None = None, headers: dict | None = None):
        """Status and body of a reply."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, f"/api/v1{path}", body, headers or {})
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read() or b"null")
        finally:
            connection.close()

    def send(self, name: str, data: bytes):
        head = f'--X\r\ncontent-disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        form = head.encode() + data + b"\r\n--X--\r\n"
        for _ in range(100):
            status, body = self.call("POST", "/documents", form, {"content-type": "multipart/form-data; boundary=X"})
            if status not in (429, 503):
                break
            time.sleep(0.5)
        return status, body

    def peak_megabytes(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


class Run:
    """Counts what became of the files."""

    def __init__(self, server: Server, files: list[Path], first: int, count: int):
        self.server, self.files = server, files
        self.numbers = iter(range(first, first + count))
        self.lock = threading.Lock()
        self.outcomes = collections.defaultdict(collections.Counter)
        self.faults: list[str] = []
        self.done, self.slowest = 0, (0.0, "")
        self.next_number = first

    def work(self) -> None:
        while not self.faults:
            with self.lock:
                number = next(self.numbers, None)
                if number is None:
                    return
                self.next_number = number + 1
            file = self.files[number % len(self.files)]
            start = time.monotonic()
            try:
                outcome = self.outcome(file, number, start)
            except OSError as error:
                outcome = None
                self.faults.append(f"{file.name}, variant {number}: {error!r}")
            took = time.monotonic() - start
            with self.lock:
                self.done += 1
                self.slowest = max(self.slowest, (took, f"{file.name}, variant {number}"))
                if outcome is not None:
                    self.outcomes[file.suffix[1:]][outcome] += 1

    def outcome(self, file: Path, number: int, start: float) -> str | None:
        status, body = self.server.send(file.name, variant(file, number))
        where = f"{file.name}, variant {number}"
        if status != 202:
            code = body.get("error_code") if isinstance(body, dict) else None
            if not 400 <= status < 500 or not code:
                self.faults.append(f"{where}: {status} {body}")
            return f"refused: {code}"
        document = f"/documents/{body['document_id']}"
        while True:
            _, state = self.server.call("GET", f"{document}/status")
            word = state["status"]
            if word in (*FOUND, "duplicate", "failed", "cancelled"):
                break
            if time.monotonic() - start > LIMIT_SECONDS:
                self.faults.append(f"{where}: still `{word}` after {LIMIT_SECONDS} s")
                return None
            time.sleep(0.05)
        self.server.call("DELETE", document)
        if word == "failed":
            error = state["error"] or {}
            if not error.get("error_code") or not error.get("error"):
                self.faults.append(f"{where}: failed without a reason: {state}")
            return f"failed: {error.get('error_code')}"
        return "searchable" if word in FOUND else word


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--largest", type=int, default=200_000, help="files of the corpus that are larger are left out")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long, with what was done")
    options = parser.parse_args()
    manifest = json.loads((options.corpus / "manifest.json").read_text())
    named = [options.corpus / entry["file"] for entry in manifest]
    files = [file for file in named if 0 < file.stat().st_size < options.largest]
    with tempfile.TemporaryDirectory() as folder:
        server = Server(options.program.resolve(), folder)
        run = Run(server, files, options.first, options.mutations)
        workers = [threading.Thread(target=run.work) for _ in range(options.at_once)]
        began = time.monotonic()
        for worker in workers:
            worker.start()
        while any(worker.is_alive() for worker in workers):
            time.sleep(1)
            if server.process.poll() is not None:
                run.faults.append(f"the server ended with {server.process.returncode}")
            if time.monotonic() - began > options.seconds:
                run.numbers = iter(())
            print(f"\r{run.done:,} of {options.mutations:,}, {len(run.faults)} faults", end="", file=sys.stderr)
        print(file=sys.stderr)
        # It must not only be there, but work: what is whole is found.
        status, body = server.send("inteiro.txt", "A jabuticaba é uma fruta.".encode())
        if status != 202:
            run.faults.append(f"a whole file at the end: {status} {body}")
        peak = server.peak_megabytes() if server.process.poll() is None else 0
        said = server.log.read_text()
        server.process.terminate()
        server.process.wait(60)
    every = sorted({outcome for counter in run.outcomes.values() for outcome in counter})
    total = collections.Counter()
    print(f"| files | {' | '.join(every)} |\n|---|{'---|' * len(every)}")
    for kind, counter in sorted(run.outcomes.items()):
        total += counter
        print(f"| {kind}, {sum(counter.values()):,} | {' | '.join(f'{counter[it]:,}' if counter[it] else '' for it in every)} |")
    print(f"| all, {sum(total.values()):,} | {' | '.join(f'{total[it]:,}' for it in every)} |")
    took = time.monotonic() - began
    print(f"\n{run.done:,} variants of {len(files)} files in {took / 60:.0f} min, variants {options.first} to {run.next_number - 1}.")
    print(f"Slowest: {run.slowest[0]:.1f} s ({run.slowest[1]}). Peak memory of the server's process: {peak:.0f} MB.")
    if "panicked" in said:
        run.faults.append(f"it panicked: {said[:2_000]}")
    for fault in run.faults:
        print(f"FAULT {fault}")
    sys.exit(bool(run.faults))


if __name__ == "__main__":
    main()
