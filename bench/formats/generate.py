#!/usr/bin/env python3
"""Makes born-digital PDFs whose text is known, character by character, from sentences of ../shared/eval.

    python3 bench/formats/generate.py ../shared/eval OUT_DIR [--pages N] [--office soffice]

For each `NAME.pdf` a `NAME.txt` with its text in reading order: words that were hyphenated are whole, cells of a table follow
each other row by row, running headers and page numbers stand where their page begins and ends. By ReportLab: one column, two
columns (written column by column, and line by line across), justified and hyphenated, with running headers, headings, lists, ruled
and unruled tables, embedded and standard fonts. With `--office` also what LibreOffice makes of a web page.
"""

import argparse
import json
import random
import re
import subprocess
from pathlib import Path

from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

WIDTH, HEIGHT = A4
MARGIN = 62
# In what is known of the text: a word is cut here; this line is a running header or a page number.
CUT, RUNNING = "\x00", "\x01"
VOWELS = "aeiouáéíóúâêôãõà"


def paragraphs(folder: Path) -> list[str]:
    texts = []
    for name in ("squad-pt", "faquad"):
        for line in (folder / name / "corpus.jsonl").open():
            text = " ".join(json.loads(line)["text"].split())
            # What the fonts at hand cannot show would be no fault of a reader's.
            if 200 < len(text) < 1200 and all(ord(c) < 256 or c in "–—“”‘’" for c in text):
                texts.append(text)
    return texts


def break_word(word: str) -> list[int]:
    """Places where a word may be hyphenated: between a vowel and a consonant with a vowel, two letters from either end."""
    lower = word.lower()
    return [
        at
        for at in range(3, len(word) - 2)
        if word.isalpha() and lower[at - 1] in VOWELS and lower[at] not in VOWELS and lower[at + 1] in VOWELS
    ]


def break_lines(text: str, font: str, size: float, width: float, hyphenate: bool) -> list[str]:
    lines, line = [], ""
    words = text.split()
    while words:
        word = words.pop(0)
        wider = f"{line} {word}".strip()
        if pdfmetrics.stringWidth(wider, font, size) <= width:
            line = wider
            continue
        if hyphenate:
            for at in reversed(break_word(word)):
                part = f"{line} {word[:at]}-".strip()
                if pdfmetrics.stringWidth(part, font, size) <= width:
                    lines.append(part + CUT)
                    line, word = "", word[at:]
                    break
            else:
                lines.append(line)
                line = ""
        else:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return [*lines, line]


class Document:
    """Pages of columns; what is drawn is noted in reading order."""

    def __init__(self, path: Path, style: dict):
        self.canvas = Canvas(str(path), pagesize=A4, invariant=1)
        self.canvas.setTitle(path.stem)
        self.path, self.style = path, style
        self.truth: list[str] = []
        self.columns = style.get("columns", 1)
        gap = 22
        self.width = (WIDTH - 2 * MARGIN - gap * (self.columns - 1)) / self.columns
        self.lefts = [MARGIN + number * (self.width + gap) for number in range(self.columns)]
        self.page = 0
        # Lines that wait to be drawn when a page is written across: (y, x, text, font, size, width to fill).
        self.waiting: list[tuple] = []
        self.begin_page()

    def begin_page(self) -> None:
        self.page += 1
        self.column, self.y = 0, HEIGHT - 90
        if self.style.get("running"):
            text = "Prefeitura Municipal de Santo Antônio do Norte"
            self.canvas.setFont(self.style["font"], 8)
            self.canvas.drawString(MARGIN, HEIGHT - 40, text)
            self.truth.append(RUNNING + text)

    def end_page(self) -> None:
        if self.style.get("across"):
            self.waiting.sort(key=lambda line: (-line[0], line[1]))
        for line in self.waiting:
            self.draw(*line)
        self.waiting.clear()
        if self.style.get("running"):
            text = f"Página {self.page}"
            self.canvas.setFont(self.style["font"], 8)
            self.canvas.drawString(WIDTH / 2 - 20, 36, text)
            self.truth.append(RUNNING + text)
        self.canvas.showPage()

    def room(self, height: float) -> None:
        """Goes to the next column, or page, where `height` does not fit."""
        if self.y - height > 60:
            return
        self.column += 1
        self.y = HEIGHT - 90
        if self.column == self.columns:
            self.end_page()
            self.begin_page()

    def line(self, text: str, font: str, size: float, fill: bool = False, indent: float = 0) -> None:
        self.room(size * 1.25)
        self.y -= size * 1.25
        self.truth.append(text)
        text = text.removesuffix(CUT)
        self.waiting.append((self.y, self.lefts[self.column] + indent, text, font, size, self.width - indent if fill else None))

    def draw(self, y, x, text, font, size, fill) -> None:
        place = self.canvas.beginText(x, y)
        place.setFont(font, size)
        if fill and " " in text:
            place.setWordSpace((fill - pdfmetrics.stringWidth(text, font, size)) / text.count(" "))
        place.textOut(text)
        self.canvas.drawText(place)

    def paragraph(self, text: str, size: float = 10, mark: str = "", font: str | None = None) -> None:
        font = font or self.style["font"]
        indent = 14 if mark else 0
        lines = break_lines(mark + text, font, size, self.width - indent, self.style.get("hyphenate", False))
        self.room(size * 1.25 * min(3, len(lines)))
        for number, line in enumerate(lines):
            is_last = number + 1 == len(lines)
            self.line(line, font, size, self.style.get("justify", False) and not is_last, indent)
        self.y -= size * 0.6

    def heading(self, text: str, size: float) -> None:
        font = self.style["bold"]
        self.room(size * 5)
        self.y -= size * 0.5
        for line in break_lines(text, font, size, self.width, False):
            self.line(line, font, size)
        self.y -= size * 0.4

    def table(self, rows: list[list[str]], ruled: bool) -> None:
        size, font = 9, self.style["font"]
        widths = [self.width * share for share in (0.46, 0.27, 0.27)]
        self.room((len(rows) + 1) * 16)
        self.y -= 4
        for number, row in enumerate(rows):
            x = self.lefts[self.column]
            for cell, width in zip(row, widths):
                self.waiting.append((self.y - 11, x + 4, cell, self.style["bold"] if number == 0 else font, size, None))
                if ruled:
                    self.canvas.rect(x, self.y - 16, width, 16)
                x += width
            self.y -= 16
            self.truth.append(" ".join(row))
        self.y -= 8

    def finish(self) -> None:
        self.end_page()
        self.canvas.save()
        text = re.sub(f"-{CUT}\n(?!{RUNNING})", "", "\n".join(self.truth))
        self.path.with_suffix(".txt").write_text(text.replace(CUT, "").replace(RUNNING, ""))


def rows_of(chance: random.Random) -> list[list[str]]:
    things = ["Papel A4, pacote", "Serviço de limpeza", "Combustível, litro", "Locação de veículo", "Energia elétrica", "Merenda escolar"]
    rows = [["Descrição do item", "Quantidade", "Valor (R$)"]]
    for thing in chance.sample(things, 5):
        rows.append([thing, str(chance.randint(1, 900)), f"{chance.randint(1, 99)}.{chance.randint(100, 999)},{chance.randint(10, 99)}"])
    return rows


def fill(path: Path, style: dict, texts: list[str], pages: int, seed: int) -> None:
    chance = random.Random(seed)
    document = Document(path, style)
    document.heading(f"Relatório de gestão número {seed}", 16)
    number = 0
    while document.page <= pages:
        number += 1
        if style.get("headings") and number % 4 == 1:
            document.heading(f"{number // 4 + 1} Da seção que trata do assunto {number}", 13)
        if style.get("lists") and number % 3 == 0:
            for item in chance.choice(texts).split(". ")[:4]:
                document.paragraph(item.strip(), mark="• ")
        if style.get("tables") and number % 3 == 2:
            document.table(rows_of(chance), style["tables"] == "ruled")
        document.paragraph(chance.choice(texts), size=style.get("size", 10))
    document.finish()


def office(path: Path, texts: list[str], seed: int, soffice: str) -> None:
    chance = random.Random(seed)
    truth, body = [], []
    for number in range(1, 30):
        title, text = f"{number}. Do capítulo {number}", chance.choice(texts)
        items = [item.strip() for item in chance.choice(texts).split(". ")[:3]]
        rows = rows_of(chance)
        body.append(f"<h2>{title}</h2><p style='text-align: justify'>{text}</p><ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>")
        cells = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
        body.append(f"<table border='1' width='100%'>{cells}</table><p></p>")
        truth += [title, text, *("• " + item for item in items), *(" ".join(row) for row in rows)]
    page = path.with_suffix(".html")
    page.write_text(f"<html><head><meta charset='utf-8'></head><body>{''.join(body)}</body></html>")
    command = [soffice, "--headless", "--convert-to", "pdf:writer_web_pdf_Export", "--outdir", str(path.parent), str(page)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    page.unlink()
    path.with_suffix(".txt").write_text("\n".join(truth))


FACES = "/usr/share/fonts/truetype/liberation/Liberation"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("eval", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pages", type=int, default=20)
    parser.add_argument("--office")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    texts = paragraphs(options.eval)
    for name in ("Serif", "Sans"):
        for face in ("Regular", "Bold"):
            pdfmetrics.registerFont(TTFont(f"{name}-{face}", f"{FACES}{name}-{face}.ttf"))
    times = {"font": "Times-Roman", "bold": "Times-Bold"}
    helvetica = {"font": "Helvetica", "bold": "Helvetica-Bold"}
    serif = {"font": "Serif-Regular", "bold": "Serif-Bold"}
    sans = {"font": "Sans-Regular", "bold": "Sans-Bold"}
    kinds = {
        "plain": times | {},
        "headings": sans | {"headings": 1, "lists": 1},
        "running": helvetica | {"running": 1, "headings": 1},
        "hyphenated": serif | {"hyphenate": 1, "justify": 1, "running": 1},
        "columns": serif | {"columns": 2, "size": 9, "running": 1, "headings": 1},
        "columns-hyphenated": times | {"columns": 2, "size": 9, "hyphenate": 1, "justify": 1, "running": 1},
        "columns-across": sans | {"columns": 2, "size": 9, "across": 1, "running": 1},
        "tables-ruled": sans | {"tables": "ruled", "headings": 1},
        "tables-unruled": times | {"tables": "unruled", "running": 1},
    }
    for seed, (name, style) in enumerate(kinds.items()):
        fill(options.out / f"{name}.pdf", style, texts, options.pages, seed)
    if options.office:
        office(options.out / "office.pdf", texts, 99, options.office)


if __name__ == "__main__":
    main()
