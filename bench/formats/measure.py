#!/usr/bin/env python3
"""Every format through the real child: phrases found on the right page, pages a CPU-second, peak memory; then damaged variants.

    python3 bench/formats/measure.py target/release/ids ../shared/corpus [--more DIR] [--mutations N]

`--more`: a folder of further files, each with the phrases of the corpus file of the same name but for its ending.
"""

import argparse
import collections
import json
import os
import random
import signal
import sys
import tempfile
import time
import unicodedata
from pathlib import Path

OFFICE = "application/vnd.openxmlformats-officedocument."
OPEN = "application/vnd.oasis.opendocument."
TYPES = {
    "pdf": "application/pdf",
    "docx": OFFICE + "wordprocessingml.document",
    "doc": "application/msword",
    "odt": OPEN + "text",
    "rtf": "application/rtf",
    "xlsx": OFFICE + "spreadsheetml.sheet",
    "xls": "application/vnd.ms-excel",
    "ods": OPEN + "spreadsheet",
    "csv": "text/csv",
    "pptx": OFFICE + "presentationml.presentation",
    "odp": OPEN + "presentation",
    "html": "text/html",
    "epub": "application/epub+zip",
    "eml": "message/rfc822",
    "msg": "application/vnd.ms-outlook",
}
# The limits, and the settings of the allocator, that `ids` itself gives its child.
ADDRESS_SPACE_BYTES = 1536 * 1024 * 1024
CPU_SECONDS = 120
ENVIRONMENT = {
    "MALLOC_TRIM_THRESHOLD_": "67108864",
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "GLIBC_TUNABLES": "glibc.malloc.mxfast=0",
}


def run_child(program: Path, content_type: str, file: Path):
    """The frames that the child wrote, its exit status, and what it used."""
    request = {
        "task": "Extract",
        "content_type": content_type,
        "pdfium": str(program.parent / "libpdfium.so"),
        "address_space_bytes": ADDRESS_SPACE_BYTES,
        "cpu_seconds": CPU_SECONDS,
    }
    reader, writer = os.pipe()
    child = os.posix_spawn(
        program,
        [str(program), "__extract", json.dumps(request)],
        ENVIRONMENT,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, str(file), os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, writer, 1),
            (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0),
            (os.POSIX_SPAWN_CLOSE, reader),
        ],
    )
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        said = answer.read()
    _, status, used = os.wait4(child, 0)
    frames, at = [], 0
    while at + 4 <= len(said):
        length = int.from_bytes(said[at : at + 4], "little")
        frames.append(json.loads(said[at + 4 : at + 4 + length]))
        at += 4 + length
    return frames, status, used


def comparable(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).replace("\u00ad", "")
    return " ".join(text.split())


def pages_of(frames) -> dict[int, str]:
    pages = [frame["Page"] for frame in frames if isinstance(frame, dict) and "Page" in frame]
    return {page["number"]: comparable(page["text"]) for page in pages}


def found(phrase, pages: dict[int, str], by_page: bool) -> bool:
    text = comparable(phrase["text"])
    if by_page and phrase["page"] is not None:
        return text in pages.get(phrase["page"], "")
    return any(text in page for page in pages.values())


def measure(program: Path, files) -> None:
    sums = collections.defaultdict(lambda: [0, 0, 0, 0, 0.0, 0])
    for format_, file, phrases, by_page in files:
        frames, _, used = run_child(program, TYPES[format_], file)
        pages = pages_of(frames)
        row = sums[format_]
        row[0] += 1
        row[1] += sum(found(phrase, pages, by_page) for phrase in phrases)
        row[2] += len(phrases)
        row[3] += len(pages)
        row[4] += used.ru_utime + used.ru_stime
        row[5] = max(row[5], used.ru_maxrss)
    print("| format | files | phrases on their page | pages | CPU ms a file | pages a CPU-second | peak MB |")
    print("|---|---|---|---|---|---|---|")
    for format_, (count, hits, phrases, pages, cpu, peak) in sorted(sums.items()):
        rate = f"{pages / cpu:,.0f}" if cpu else "-"
        print(
            f"| {format_} | {count} | {hits} of {phrases} | {pages:,} | {1000 * cpu / count:.0f} | {rate} | {peak / 1024:.0f} |"
        )


def damaged(original: bytes, chance: random.Random) -> bytes:
    data = bytearray(original)
    for _ in range(chance.randint(1, 8)):
        if not data:
            break
        start = chance.randrange(len(data))
        end = min(len(data), start + chance.randint(1, 64))
        match chance.randrange(5):
            case 0:
                data[start] = chance.randrange(256)
            case 1:
                data[start:end] = bytes((byte + 1) % 256 for byte in data[start:end])
            case 2:
                del data[start:end]
            case 3:
                at = chance.randrange(len(data))
                data[at:at] = data[start:end]
            case _:
                del data[len(data) // 2 + chance.randrange(len(data) - len(data) // 2) :]
    return bytes(data)


def answer_of(frames, status: int) -> str:
    if frames and frames[-1] == "End":
        return "pages"
    if frames and isinstance(frames[-1], dict) and "Failed" in frames[-1]:
        return frames[-1]["Failed"]["reason"]
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return "no answer"


def mutate(program: Path, files, first: int, count: int) -> None:
    small = [(format_, file) for format_, file, _, _ in files if 0 < file.stat().st_size < 200_000]
    answers = collections.defaultdict(collections.Counter)
    slowest = (0.0, "")
    last_told = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "damaged"
        for number in range(first, first + count):
            format_, file = small[number % len(small)]
            place.write_bytes(damaged(file.read_bytes(), random.Random(number)))
            start = time.monotonic()
            frames, status, _ = run_child(program, TYPES[format_], place)
            slowest = max(slowest, (time.monotonic() - start, f"{file.name}, seed {number}"))
            answers[format_][answer_of(frames, status)] += 1
            if time.monotonic() - last_told > 2:
                print(f"\r{number + 1 - first} of {count}", end="", file=sys.stderr)
                last_told = time.monotonic()
    print(file=sys.stderr)
    print("\n| format | damaged variants and what the child said |")
    print("|---|---|")
    for format_, counter in sorted(answers.items()):
        told = ", ".join(f"{what} {times}" for what, times in counter.most_common())
        print(f"| {format_} | {told} |")
    print(f"\nSlowest: {slowest[0]:.2f} s ({slowest[1]}).")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--more", type=Path)
    parser.add_argument("--mutations", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number of the first variant, to share them among processes")
    options = parser.parse_args()
    program = options.program.resolve()
    manifest = json.loads((options.corpus / "manifest.json").read_text())
    files = [
        (entry["format"], options.corpus / entry["file"], entry["expected_phrases"], True)
        for entry in manifest
        if entry["format"] in TYPES and not entry["expected_error"]
    ]
    by_stem = {Path(entry["file"]).stem: entry for entry in manifest}
    for file in sorted(options.more.iterdir()) if options.more else []:
        entry = by_stem.get(file.stem)
        if entry and file.suffix[1:] in TYPES:
            has_same_pages = file.suffix[1:] in ("ods", "xls", "odp")
            files.append((file.suffix[1:], file, entry["expected_phrases"], has_same_pages))
    measure(program, files)
    if options.mutations:
        mutate(program, files, options.first, options.mutations)


if __name__ == "__main__":
    main()
