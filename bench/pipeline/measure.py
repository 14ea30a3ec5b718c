#!/usr/bin/env python3
"""How long until the server answers, how much memory it takes, and how many pages a second it makes searchable.

Usage, in the repository's root: python3 bench/pipeline/measure.py PROGRAM EVAL_DIR
A PDF alone, for other programs:  python3 bench/pipeline/measure.py --pdf PAGES EVAL_DIR >FILE
Only Python's own library. The PDFs are made here, from real Portuguese sentences, about 2,400 characters a page.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request


def sentences(eval_dir):
    found = []
    for name in ("squad-pt", "faquad"):
        with open(os.path.join(eval_dir, name, "corpus.jsonl"), encoding="utf-8") as lines:
            for line in lines:
                found += [part.strip() + "." for part in json.loads(line)["text"].split(". ") if len(part) > 40]
    return found


def make_pdf(pages, pool, seed):
    """A PDF of plain text pages in Helvetica with WinAnsi encoding."""
    pick = random.Random(seed)
    objects = []
    kids = " ".join(f"{4 + 2 * page} 0 R" for page in range(pages))
    objects.append("<< /Type /Catalog /Pages 2 0 R >>")
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>")
    objects.append("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    for page in range(pages):
        lines, line, size = [], "", 0
        while size < 2400:
            sentence = pick.choice(pool)
            for word in sentence.split():
                if len(line) + len(word) > 90:
                    lines.append(line)
                    line = ""
                line += (" " if line else "") + word
            size += len(sentence) + 1
        lines.append(line)
        shown = "\n".join(
            "(" + text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)") + ") '" for text in lines
        )
        stream = f"BT /F1 10 Tf 14 TL 50 790 Td\n{shown}\nET"
        body = stream.encode("cp1252", "replace")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * page} 0 R >>"
        )
        objects.append((f"<< /Length {len(body)} >>\nstream\n".encode(), body, b"\nendstream"))
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode()
        out += b"".join(content) if isinstance(content, tuple) else content.encode()
        out += b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    out += f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


class Server:
    def __init__(self, program, data_dir):
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            [program, "--data-dir", data_dir, "serve", "--port", "0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        self.address = self.process.stdout.readline().split()[-1]
        self.peak_kb, self.watching = 0, True
        threading.Thread(target=self.watch, daemon=True).start()

    def call(self, path, data=None, content_type="application/json"):
        request = urllib.request.Request(self.address + path, data=data)
        if data is not None:
            request.add_header("content-type", content_type)
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    def upload(self, name, body):
        mark = "bench-boundary-7f3a"
        head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
        form = head + body + f"\r\n--{mark}--\r\n".encode()
        return self.call("/api/v1/documents", form, f"multipart/form-data; boundary={mark}")["document_id"]

    def search(self, query, mode="keyword"):
        body = json.dumps({"query": query, "mode": mode}).encode()
        return self.call("/api/v1/documents/search", body)["results"]

    def until(self, document, states):
        while True:
            status = self.call(f"/api/v1/documents/{document}/status")
            if status["status"] in states:
                return status
            if status["status"] == "failed":
                sys.exit(f"failed: {status['error']}")
            time.sleep(0.02)

    def tree_kb(self):
        """Resident memory of the server and its children."""
        total, todo = 0, [str(self.process.pid)]
        while todo:
            pid = todo.pop()
            try:
                with open(f"/proc/{pid}/status", encoding="ascii") as status:
                    total += sum(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
                for task in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as children:
                        todo += children.read().split()
            except OSError:
                pass
        return total

    def watch(self):
        while self.watching:
            self.peak_kb = max(self.peak_kb, self.tree_kb())
            time.sleep(0.05)

    def stop(self):
        self.watching = False
        self.process.terminate()
        self.process.wait()


def main():
    if sys.argv[1] == "--pdf":
        sys.stdout.buffer.write(make_pdf(int(sys.argv[2]), sentences(sys.argv[3]), 2))
        return
    program, eval_dir = sys.argv[1], sys.argv[2]
    pool = sentences(eval_dir)
    with tempfile.TemporaryDirectory() as data_dir:
        server = Server(program, data_dir)
        server.call("/health")
        print(f"start to first answered request, empty library: {(time.monotonic() - server.begun) * 1e3:.0f} ms")
        time.sleep(1)
        print(f"memory idle: {server.tree_kb() // 1024} MB")

        begun = time.monotonic()
        document = server.upload("cem-paginas.pdf", make_pdf(100, ["Palavrinha rara zebrilda."] + pool, 1))
        while not server.search("cidade população governo"):
            time.sleep(0.005)
        print(f"100 pages, upload to found by words: {time.monotonic() - begun:.2f} s")
        server.until(document, {"completed"})

        server.peak_kb = 0
        pdf = make_pdf(1000, pool, 2)
        begun = time.monotonic()
        document = server.upload("mil-paginas.pdf", pdf)
        server.until(document, {"embedding", "completed"})
        words = time.monotonic() - begun
        status = server.until(document, {"completed"})
        total = time.monotonic() - begun
        print(f"1,000 pages ({len(pdf) // 1024} kB, {status['total_chunks']} chunks)")
        print(f"  found by words after {words:.1f} s: {1000 / words:.0f} pages/s without embedding")
        print(f"  found by meaning after {total:.1f} s: {1000 / total:.1f} pages/s with embedding")
        print(f"  memory, server and child together, at most: {server.peak_kb // 1024} MB")
        server.stop()

        server = Server(program, data_dir)
        server.search("cidade", "hybrid")
        print(f"start to first answered search, {status['total_chunks']}+ chunks: {(time.monotonic() - server.begun) * 1e3:.0f} ms")
        time.sleep(1)
        print(f"memory idle with them: {server.tree_kb() // 1024} MB")
        server.stop()


main()
