#!/usr/bin/env python3
"""Beyond one server, tried on one machine: README.md says what is measured.

run.py --ids PROGRAM [--seconds 60] [--seed 1] [--share 0.25] [--only kills|workers] [--json]
"""

import argparse
import http.client
import json
import random
import signal
import sys
import threading
import time
import uuid
from collections import Counter

from system import System, wait_until

SENTENCES = (
    "O contrato fixa o prazo de entrega em {n} dias úteis, contados da assinatura. ",
    "A multa por atraso no artigo {n} é de dois por cento ao dia, sem prejuízo das demais sanções. ",
    "O fornecedor {n} responde pela qualidade dos materiais e pela segurança de quem os transporta. ",
    "Fica eleito o foro da comarca número {n} para resolver o que este instrumento não prevê. ",
)


class Client:
    """Asks through nginx, each time over a connection of its own, and counts."""

    def __init__(self, port):
        self.port = port
        self.lock = threading.Lock()
        self.asked, self.failed = Counter(), []

    def ask(self, kind, method, path, body=None, headers=None):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            status, raw = answer.status, answer.read()
            connection.close()
        except (OSError, http.client.HTTPException) as error:
            status, raw = 0, repr(error).encode()
        with self.lock:
            self.asked[kind] += 1
            if not 200 <= status < 300:
                self.failed.append((kind, status, raw[:120].decode("utf-8", "replace")))
        try:
            return status, json.loads(raw or b"null")
        except ValueError:
            return status, None

    def search(self, kind, query, mode="hybrid"):
        body = json.dumps({"query": query, "mode": mode, "n_results": 5})
        return self.ask(kind, "POST", "/api/v1/documents/search", body, {"content-type": "application/json"})

    def upload(self, kind, name, text):
        border = uuid.uuid4().hex
        body = (
            f'--{border}\r\ncontent-disposition: form-data; name="file"; filename="{name}"\r\ncontent-type: text/plain\r\n\r\n{text}\r\n--{border}--\r\n'
        ).encode()
        return self.ask(kind, "POST", "/api/v1/documents", body, {"content-type": f"multipart/form-data; boundary={border}"})


def text_of(dice, word, sentences):
    return f"{word} " + "".join(dice.choice(SENTENCES).format(n=dice.randrange(10_000)) for _ in range(sentences))


def start(system, processes):
    for process in processes:
        process.start()
    client = Client(system.port)
    wait_until("an API that is ready", lambda: client.ask("start", "GET", "/ready")[0] == 200)
    return client


def workers_alive(client):
    _, health = client.ask("start", "GET", "/api/v1/queue/health")
    return health["workers"].get("document_processing", 0)


def until_all_end(client, documents, seconds):
    """Waits until each document has ended; how they ended."""
    ends = {}

    def look():
        for document in [it for it in documents if it not in ends]:
            status, body = client.ask("status", "GET", f"/api/v1/documents/{document}/status")
            if status == 200 and body["status"] in ("completed", "failed", "duplicate", "cancelled"):
                ends[document] = body["status"]
        return len(ends) == len(documents)

    wait_until("the end of all jobs", look, seconds)
    return Counter(ends.values())


def kills(arguments):
    """People read, search and upload without pause while two of three APIs and two of four workers are killed."""
    dice = random.Random(arguments.seed)
    with System(arguments.ids, 3, 4, arguments.share) as system:
        start(system, system.apis + system.workers + [system.cleanup])
        client = Client(system.port)
        over = threading.Event()
        accepted, words, again = [], [], []

        def read():
            own = random.Random(dice.random())
            while not over.is_set():
                word = own.choice(words) if words else "contrato"
                own.choice(
                    (
                        lambda: client.search("search", word),
                        lambda: client.ask("read", "GET", "/api/v1/documents?limit=20"),
                        lambda: client.ask("read", "GET", "/health"),
                        lambda: client.ask("read", "GET", "/"),
                    )
                )()

        def write(stream):
            own = random.Random(arguments.seed * 100 + stream)
            number = 0
            while not over.is_set():
                number += 1
                word = f"palavra{stream}x{number}"
                text = text_of(own, word, 12)
                # A person whose upload broke off sends it again.
                for attempt in range(5):
                    status, body = client.upload("upload", f"{word}.txt", text)
                    if status in (200, 202):
                        accepted.append(body["document_id"])
                        words.append(word)
                        break
                    again.append((word, status, attempt))
                over.wait(0.3)

        threads = [threading.Thread(target=read) for _ in range(3)] + [threading.Thread(target=write, args=(n,)) for n in range(2)]
        for thread in threads:
            thread.start()
        # Two of each, at random moments; half by kill -9, half by the SIGTERM that an orchestrator sends.
        victims = [(process, kind) for group in (system.apis, system.workers) for process, kind in zip(dice.sample(group, 2), (signal.SIGKILL, signal.SIGTERM))]
        victims.append((system.cleanup, signal.SIGKILL))
        dice.shuffle(victims)
        moments = sorted(dice.uniform(5, arguments.seconds - 10) for _ in victims)
        begin = time.monotonic()
        told = []
        for moment, (process, kind) in zip(moments, victims):
            over.wait(max(0, begin + moment - time.monotonic()))
            before = len(client.failed)
            code = process.end(kind)
            over.wait(2)
            process.start()
            over.wait(1)
            told.append({"at": round(moment), "process": process.name, "signal": kind.name, "exit_code": code, "failed": [list(it) for it in client.failed[before:]]})
        over.wait(max(0, begin + arguments.seconds - time.monotonic()))
        over.set()
        for thread in threads:
            thread.join()
        under_load = dict(client.asked)
        failed = list(client.failed)
        ends = until_all_end(client, accepted, 300)
        lost = []
        for word in words:
            _, found = client.search("check", word, "keyword")
            if not any(word in hit["content"] for hit in (found or {"results": []})["results"]):
                lost.append(word)
        _, documents = client.ask("check", "GET", "/api/v1/documents?limit=1")
        died = [process.name for process in system.processes if not process.is_running()]
    graceful = [it for kill in told if kill["signal"] == "SIGTERM" for it in kill["failed"]]
    return {
        "seconds": arguments.seconds,
        "seed": arguments.seed,
        "requests": under_load,
        "failed": [list(it) for it in failed],
        "failed_around_sigterm": graceful,
        "uploads_sent_again": len(again),
        "accepted": len(accepted),
        "ends": dict(ends),
        "lost": lost,
        "documents": documents["total"],
        "kills": told,
        "ended_by_themselves": died,
    }


def worker_counts(arguments):
    """The same documents through one to four workers, each with its share of a processor."""
    rows = []
    for count in (1, 2, 3, 4):
        dice = random.Random(arguments.seed)
        with System(arguments.ids, 1, count, arguments.share) as system:
            client = start(system, system.apis + system.workers)
            wait_until(f"{count} workers", lambda: workers_alive(client) == count)
            # Once through, so that nobody pays for what is done at the first document only.
            warm = [client.upload("warm", f"warm{n}.txt", text_of(dice, f"aquecer{n}", 8))[1]["document_id"] for n in range(2 * count)]
            until_all_end(client, warm, 120)
            _, before = client.ask("check", "GET", "/api/v1/documents/stats")
            documents = []
            begin = time.monotonic()
            for number in range(arguments.documents):
                documents.append(client.upload("upload", f"{number}.txt", text_of(dice, f"medida{number}", 40))[1]["document_id"])
            ends = until_all_end(client, documents, 600)
            seconds = time.monotonic() - begin
            _, after = client.ask("check", "GET", "/api/v1/documents/stats")
            chunks = after["total_chunks"] - before["total_chunks"]
            bounded = system.workers[0].share.folder is not None
        rows.append({"workers": count, "documents": ends["completed"], "chunks": chunks, "seconds": round(seconds, 1), "chunks_a_second": round(chunks / seconds, 1), "bounded": bounded})
        print(f"{count} workers: {rows[-1]}", file=sys.stderr)
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ids", required=True)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=0.25, help="of a processor, for each worker")
    parser.add_argument("--documents", type=int, default=30)
    parser.add_argument("--only", choices=("kills", "workers"))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result, wrong = {}, []
    if arguments.only != "workers":
        result["kills"] = found = kills(arguments)
        # What only reads may be sent to another process, and is; an upload under way at a kill -9 cannot be.
        reads = [it for it in found["failed"] if it[0] != "upload"]
        if reads:
            wrong.append(f"{len(reads)} reads or searches failed: {reads[:3]}")
        if found["failed_around_sigterm"]:
            wrong.append(f"requests failed while a process was asked to stop: {found['failed_around_sigterm'][:3]}")
        if found["lost"]:
            wrong.append(f"{len(found['lost'])} of what was accepted is not found: {found['lost'][:3]}")
        if set(found["ends"]) - {"completed", "duplicate"}:
            wrong.append(f"documents ended as {found['ends']}")
        if found["ended_by_themselves"]:
            wrong.append(f"ended by themselves: {found['ended_by_themselves']}")
    if arguments.only != "kills":
        result["workers"] = rows = worker_counts(arguments)
        if rows[-1]["chunks_a_second"] < 1.5 * rows[0]["chunks_a_second"]:
            wrong.append("four workers are not half as much again as one")
    result["wrong"] = wrong
    if arguments.json:
        print(json.dumps(result, indent=1, ensure_ascii=False))
    else:
        for name, value in result.get("kills", {}).items():
            print(f"{name}: {value}")
        first = result.get("workers", [{}])[0].get("chunks_a_second")
        for row in result.get("workers", []):
            print(f"{row['workers']} workers: {row['chunks_a_second']} chunks a second, {row['chunks_a_second'] / first:.2f} times one")
    for complaint in wrong:
        print(f"WRONG: {complaint}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
