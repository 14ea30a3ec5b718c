"""The time of a question by each door (README.md). Argument: the `ids` program."""

import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 100
QUESTION = "Qual é a multa por atraso na entrega?"
TEXT = "# Contrato 12\n\nO contrato foi assinado em Lavras. A multa por atraso na entrega é de 2% ao mês.\n\nO prazo de entrega é de quinze dias.\n"


def main() -> None:
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        data_dir = str(Path(folder) / "library")
        contract = Path(folder) / "contrato.md"
        contract.write_text(TEXT, encoding="utf-8")
        environment = {name: value for name, value in os.environ.items() if not re.match(r"(IDS|OPENAI|POSTGRES|REDIS|S3|AI)_", name)}
        command = [program, "--data-dir", data_dir]
        subprocess.run([*command, "ingest", str(contract)], check=True, capture_output=True, env=environment)
        server = subprocess.Popen(
            [*command, "serve", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
        )
        try:
            address = next(found.group(1) for line in server.stdout if (found := re.search(r"http://([\w.:\[\]]+:\d+)", line)))
            mcp = subprocess.Popen([*command, "mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
            measure(address, mcp)
            mcp.stdin.close()
            mcp.wait(20)
        finally:
            server.terminate()
            server.wait(40)


def measure(address: str, mcp: subprocess.Popen) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "ask", "arguments": {"question": QUESTION}}}
    chat = {"model": "ids", "messages": [{"role": "user", "content": QUESTION}]}
    connection = http.client.HTTPConnection(address)

    def post(path: str, body: dict) -> str:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        reply = connection.getresponse()
        text = reply.read().decode()
        assert reply.status == 200, text
        return text

    def over_pipes() -> str:
        mcp.stdin.write(json.dumps(call) + "\n")
        mcp.stdin.flush()
        return mcp.stdout.readline()

    doors = {
        "/api/v1/chat/ask": lambda: post("/api/v1/chat/ask", {"message": QUESTION}),
        "/v1/chat/completions": lambda: post("/v1/chat/completions", chat),
        "/v1/chat/completions, stream": lambda: post("/v1/chat/completions", chat | {"stream": True}),
        "/mcp": lambda: post("/mcp", call),
        "ids mcp": over_pipes,
    }
    times: dict[str, list[float]] = {name: [] for name in doors}
    for number in range(ROUNDS + 5):
        for name, ask in doors.items():
            begun = time.perf_counter()
            text = ask()
            took = time.perf_counter() - begun
            assert "2% ao mês" in text, text
            if number >= 5:
                times[name].append(took * 1e3)
    usual = statistics.median(times["/api/v1/chat/ask"])
    print("| door | p50, ms | beside /chat/ask |\n|---|---|---|")
    for name, all_times in times.items():
        median = statistics.median(all_times)
        print(f"| {name} | {median:.2f} | {median - usual:+.2f} |")


if __name__ == "__main__":
    main()
