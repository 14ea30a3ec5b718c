"""Sends one file of so many MB, made as it goes, by a form: `upload_large.py PORT AUTHORITY SITE KEY MEGABYTES`.

Prints the status and the body of the reply. Neither side has the file whole: this client never does, and whether the
proxy does is what is looked at meanwhile."""

import http.client
import socket
import ssl
import sys

port, authority, site, key, megabytes = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])
boundary = "of-a-large-upload"
head = (f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="large-{megabytes}.pdf"\r\n'
        "Content-Type: application/pdf\r\n\r\n%PDF-1.4\n").encode()
tail = f"\r\n--{boundary}--\r\n".encode()
size = megabytes * 1024 * 1024
block = bytes(range(256)) * 4096


def form():
    yield head
    for _ in range(size // len(block)):
        yield block
    yield tail


class Local(http.client.HTTPSConnection):
    """The site's name, at this machine."""

    def connect(self):
        self.sock = self._context.wrap_socket(socket.create_connection(("127.0.0.1", port), self.timeout), server_hostname=site)


connection = Local(site, port, context=ssl.create_default_context(cafile=authority), timeout=400)
reply = None
try:
    connection.request("POST", "/api/v1/documents", form(), {
        "Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Length": str(len(head) + size + len(tail)),
        "Authorization": f"Bearer {key}",
    })
    reply = connection.getresponse()
except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
    # It was refused before all was sent, which is as it should be; the answer may have come all the same.
    try:
        reply = connection.response_class(connection.sock)
        reply.begin()
    except (OSError, http.client.HTTPException):
        reply = None
print(reply.status if reply else "closed", reply.read().decode() if reply else "")
