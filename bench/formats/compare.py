#!/usr/bin/env python3
"""Our text of PDFs beside that of other programs: character F1 against the text known to be right, and pages a CPU-second.

    python3 bench/formats/compare.py target/release/ids GENERATED_DIR [--speed MORE.pdf ...]

F1 is 2 LCS / (characters of both), with white space folded and NFKC; of our tables the Markdown marks are left out. A program's
CPU time is that of whole processes, start-up and sandbox included, over all files, the better of two turns. Needs rapidfuzz, and
whichever of PyMuPDF, pdfplumber, pypdf and poppler's pdftotext are to be compared. They are only measured, never linked.
"""

import argparse
import re
import resource
import subprocess
import sys
import unicodedata
from pathlib import Path

from rapidfuzz.distance import LCSseq

from measure import pages_of, run_child

PYMUPDF = "import sys, pymupdf\nfor f in sys.argv[1:]:\n    d = pymupdf.open(f)\n    print('\\n'.join(p.get_text({flags}) for p in d), end='\\f')"
PLUMBER = "import sys, pdfplumber\nfor f in sys.argv[1:]:\n    with pdfplumber.open(f) as d:\n        print('\\n'.join(p.extract_text() or '' for p in d.pages), end='\\f')"
PYPDF = "import sys, pypdf\nfor f in sys.argv[1:]:\n    print('\\n'.join(p.extract_text() for p in pypdf.PdfReader(f).pages), end='\\f')"
SCRIPTS = {
    "PyMuPDF": PYMUPDF.replace("{flags}", ""),
    "PyMuPDF, words joined": PYMUPDF.replace("{flags}", "flags=pymupdf.TEXTFLAGS_TEXT | pymupdf.TEXT_DEHYPHENATE"),
    "pdfplumber": PLUMBER,
    "pypdf": PYPDF,
}


def comparable(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).replace("\u00ad", "")
    return " ".join(text.split())


def without_marks(text: str) -> str:
    """Our tables without the bars that part cells, and without the row of dashes."""
    rows = []
    for line in text.split("\n"):
        if line.startswith("| ") and line.endswith("|"):
            if re.fullmatch(r"\|( --- \|)+", line):
                continue
            line = line.strip("| ").replace(" | ", " ").replace("\\|", "|")
        rows.append(line)
    return "\n".join(rows)


def ours(program: Path, files) -> list[str]:
    texts = []
    for file in files:
        frames, status, _ = run_child(program, "application/pdf", file)
        assert status == 0 and frames[-1] == "End", (file, frames[-1:])
        pages = [frame["Page"]["text"] for frame in frames if isinstance(frame, dict) and "Page" in frame]
        texts.append("\n".join(without_marks(page) for page in pages))
    return texts


def of_script(script: str, files) -> list[str]:
    command = [sys.executable, "-c", script, *map(str, files)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return said.split("\f")[:-1]


def poppler(files, *flags) -> list[str]:
    command = lambda file: ["pdftotext", "-enc", "UTF-8", *flags, str(file), "-"]
    return [subprocess.run(command(file), check=True, stdout=subprocess.PIPE, text=True).stdout for file in files]


def f1(text: str, truth: str) -> float:
    text, truth = comparable(text), comparable(truth)
    return 2 * LCSseq.similarity(text, truth) / (len(text) + len(truth))


def cpu_of(work) -> float:
    best = float("inf")
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        work()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path)
    parser.add_argument("generated", type=Path)
    parser.add_argument("--speed", type=Path, nargs="*", default=[])
    parser.add_argument("--only-ours", action="store_true")
    options = parser.parse_args()
    program = options.program.resolve()
    files = sorted(options.generated.glob("*.pdf"))
    programs = {"ids": lambda files: ours(program, files)}
    if not options.only_ours:
        programs["pdftotext"] = poppler
        programs["pdftotext -layout"] = lambda files: poppler(files, "-layout")
        for name, script in SCRIPTS.items():
            programs[name] = lambda files, script=script: of_script(script, files)
    truths = [file.with_suffix(".txt").read_text() for file in files]
    print("| document | " + " | ".join(programs) + " |\n|---" * 1 + "|---" * len(programs) + "|")
    rows = {name: [f1(text, truth) for text, truth in zip(work(files), truths)] for name, work in programs.items()}
    for number, file in enumerate(files):
        print(f"| {file.stem} | " + " | ".join(f"{rows[name][number]:.4f}" for name in programs) + " |")
    print("| **mean** | " + " | ".join(f"{sum(row) / len(row):.4f}" for row in rows.values()) + " |")
    if not options.speed:
        return
    frames = [run_child(program, "application/pdf", file)[0] for file in options.speed]
    pages = sum(len(pages_of(one)) for one in frames)
    print(f"\n| {pages:,} pages of {len(options.speed)} files | CPU seconds | pages a CPU-second |\n|---|---|---|")
    for name, work in programs.items():
        seconds = cpu_of(lambda: work(options.speed))
        print(f"| {name} | {seconds:.2f} | {pages / seconds:,.0f} |")


if __name__ == "__main__":
    main()
