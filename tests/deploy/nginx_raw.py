"""Requests that no client library would send, to nginx at 127.0.0.1: `nginx_raw.py PORT AUTHORITY SITE CASE`.

Prints the status, or `closed`, and what came in; for `slow` the seconds after which the connection was closed."""

import socket
import ssl
import sys
import time

port, authority, site, case = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]

context = ssl.create_default_context(cafile=authority)
context.set_alpn_protocols(["http/1.1"])
connection = context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=40), server_hostname=site)


def request(*lines, body=b""):
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: " + site.encode() + b"\r\n\r\n"
POST = "POST /api/v1/documents/search HTTP/1.1"
HOST = f"Host: {site}"
CASES = {
    "both-lengths": request(POST, HOST, "Content-Length: 6", "Transfer-Encoding: chunked", body=b"0\r\n\r\n" + HIDDEN),
    "two-lengths": request(POST, HOST, "Content-Length: 0", f"Content-Length: {len(HIDDEN)}", body=HIDDEN),
    "unknown-coding": request(POST, HOST, "Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + HIDDEN),
    "bad-chunk": request(POST, HOST, "Transfer-Encoding: chunked", body=b"zz\r\n" + HIDDEN),
    "space-in-name": request("GET /health HTTP/1.1", HOST, "Content-Length : 5"),
    "two-hosts": request("GET /health HTTP/1.1", HOST, "Host: other.test"),
    "no-host": request("GET /health HTTP/1.1"),
    "nul": b"GET /health HTTP/1.1\r\n" + HOST.encode() + b"\r\nX-A: a\x00b\r\n\r\n",
    "large-header": request("GET /health HTTP/1.1", HOST, "X-Large: " + "a" * 12_000, "Connection: close"),
    "too-large-header": request("GET /health HTTP/1.1", HOST, "X-Large: " + "a" * 80_000, "Connection: close"),
    # Headers that never end.
    "slow": b"GET /health HTTP/1.1\r\n",
}

begin = time.monotonic()
connection.sendall(CASES[case])
received = b""
try:
    connection.settimeout(40 if case == "slow" else 5)
    while block := connection.recv(65536):
        received += block
except (TimeoutError, OSError):
    pass
answers = received.count(b"HTTP/1.1 ")
status = received.split(b" ", 2)[1].decode() if received.startswith(b"HTTP/") else "closed"
if case == "slow":
    print(round(time.monotonic() - begin))
else:
    print(status, answers)
