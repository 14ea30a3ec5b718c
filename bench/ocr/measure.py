#!/usr/bin/env python3
"""How well and how fast are scans read? Pages made here, whose text is known, clean and as bad as old copies are; then the corpus.

    python3 bench/ocr/measure.py CHILD_PROGRAM target/release/examples/recognize assets/libpdfium.so TEXT.jsonl [--corpus DIR] [--pages N]

CHILD_PROGRAM: `target/release/ids`. TEXT.jsonl: lines with a field `text` in Portuguese, such as corpus.jsonl of a set of `ids eval`. Needs Pillow.
"""

import argparse
import json
import random
import subprocess
import tempfile
import unicodedata
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

FONTS = [
    "/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
]
# A4 at 200 dots an inch; 11 points are 31 pixels.
SIZE, MARGIN, LETTER, LEADING = (1654, 2339), 190, 31, 45


def known_texts(file, count):
    """Paragraphs of prose, the same each time."""
    texts = [json.loads(line)["text"] for line in open(file, encoding="utf-8")]
    prose = [" ".join(text.split()) for text in texts if len(text) > 900]
    random.Random(7).shuffle(prose)
    return prose[:count]


def page_of(text, font):
    """A page with as much of the text as goes onto it, and that much."""
    image = Image.new("L", SIZE, 255)
    draw = ImageDraw.Draw(image)
    font = ImageFont.truetype(font, LETTER)
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if draw.textlength(longer, font=font) > SIZE[0] - 2 * MARGIN:
            lines.append(line)
            line = word
        else:
            line = longer
    lines = [*lines, line][: (SIZE[1] - 2 * MARGIN) // LEADING]
    for number, line in enumerate(lines):
        draw.text((MARGIN, MARGIN + number * LEADING), line, fill=0, font=font)
    return image, " ".join(lines)


def spoiled(image, seed):
    """Skewed, blurred, gray, grainy, stained: a copy of a copy."""
    chance = random.Random(seed)
    image = image.rotate(chance.uniform(-2, 2), fillcolor=255, resample=Image.Resampling.BICUBIC)
    image = image.filter(ImageFilter.GaussianBlur(1.0))
    image = image.point(lambda shade: 60 + shade * 170 // 255)
    image = ImageChops.add(image, Image.effect_noise(image.size, 24), 1, -128)
    draw = ImageDraw.Draw(image)
    for _ in range(1500):
        x, y = chance.randrange(SIZE[0]), chance.randrange(SIZE[1])
        draw.ellipse((x, y, x + chance.randrange(3), y + chance.randrange(3)), fill=chance.choice((40, 235)))
    return image


def turned(image, number):
    """On its side, its head, or its other side."""
    ways = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
    return image.transpose(ways[number % len(ways)])


def skewed(image, number):
    """Askew by two to eight degrees, to either side."""
    angle = random.Random(number).uniform(2, 8) * (-1) ** number
    return image.rotate(angle, fillcolor=255, resample=Image.Resampling.BICUBIC)


KINDS = {"clean": lambda image, _: image, "noisy": spoiled, "rotated": turned, "skewed": skewed}


def distance(one, other):
    """Changes of single characters that make one text the other (Levenshtein)."""
    row = list(range(len(other) + 1))
    for at, left in enumerate(one, 1):
        before, row[0] = row[0], at
        for column, right in enumerate(other, 1):
            before, row[column] = row[column], min(
                row[column] + 1, row[column - 1] + 1, before + (left != right)
            )
    return row[-1]


def run(arguments, files):
    command = [arguments.recognize, arguments.child, arguments.pdfium, "por+eng", *map(str, files)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {line["file"]: line for line in map(json.loads, said.splitlines())}


def folded(text):
    parts = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in parts if not unicodedata.combining(c)).split())


def words_by_confidence(lines, truth):
    """Of the words above and below the border: how many, and the share that does not stand in the known text."""
    counts = {True: [0, 0], False: [0, 0]}
    for name, line in lines.items():
        known = set(truth[name].split())
        for page in line["pages"]:
            for word, confidence in page["words"]:
                count = counts[confidence >= 70]
                count[0] += 1
                count[1] += word not in known
    return counts


def made(arguments, folder):
    texts = known_texts(arguments.texts, arguments.pages)
    for kind, worse in KINDS.items():
        truth, files = {}, []
        for number, text in enumerate(texts):
            image, known = page_of(text, FONTS[number % len(FONTS)])
            image = worse(image, number)
            file = Path(folder) / f"{kind}-{number}.png"
            image.save(file)
            truth[file.name] = known
            files.append(file)
        lines = run(arguments, files)
        errors = letters = 0
        for name, known in truth.items():
            read = " ".join(lines[name]["pages"][0]["text"].split())
            errors += distance(known, read)
            letters += len(known)
        seconds = sum(line["cpu_seconds"] for line in lines.values()) / len(lines)
        clock = sum(line["seconds"] for line in lines.values()) / len(lines)
        print(
            f"{kind}: {len(files)} pages, {letters} characters, CER {errors / letters:.4f}, "
            f"{seconds:.2f} CPU-s and {clock:.2f} s a page"
        )
        for sure, (count, wrong) in words_by_confidence(lines, truth).items():
            share = wrong / count if count else 0
            print(f"  words of confidence {'70 and above' if sure else 'below 70'}: {count}, {share:.1%} of them wrong")


def corpus(arguments):
    folder = Path(arguments.corpus)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    entries = manifest if isinstance(manifest, list) else manifest["files"]
    for entry in entries:
        if not entry["file"].startswith("scan-"):
            continue
        line = run(arguments, [folder / entry["file"]])[entry["file"]]
        found = 0
        for phrase in entry["expected_phrases"]:
            words = folded(line["pages"][phrase["page"] - 1]["text"]).split()
            wanted = folded(phrase["text"])
            width = len(wanted.split())
            windows = (" ".join(words[at : at + width]) for at in range(len(words)))
            # As the manifest says: at most two letters off.
            found += any(abs(len(window) - len(wanted)) <= 2 and distance(window, wanted) <= 2 for window in windows)
        pages = len(line["pages"])
        print(
            f"{entry['file']}: {found} of {len(entry['expected_phrases'])} phrases on their pages, "
            f"{line['cpu_seconds'] / pages:.2f} CPU-s and {line['seconds'] / pages:.2f} s a page, "
            f"confidence {[page['confidence'] for page in line['pages']]}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("child")
    parser.add_argument("recognize")
    parser.add_argument("pdfium")
    parser.add_argument("texts")
    parser.add_argument("--corpus")
    parser.add_argument("--pages", type=int, default=10)
    arguments = parser.parse_args()
    arguments.child = str(Path(arguments.child).resolve())
    arguments.pdfium = str(Path(arguments.pdfium).resolve())
    with tempfile.TemporaryDirectory() as folder:
        made(arguments, folder)
    if arguments.corpus:
        corpus(arguments)


main()
