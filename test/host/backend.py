"""A slot's application for the host tests: plain answers, errors on demand, a WebSocket echo, an event stream."""

import base64
import hashlib
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl

NAME = sys.argv[1]
BROKEN = Path("/tmp/broken")  # while this file exists every path but /health answers 500


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def answer(self, status: int, body: bytes, content_type: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name in ("X-Color", "X-Release", "X-Request-Id"):
            self.send_header(name, "liar")
        self.send_header("X-Seen-Upgrade", self.headers.get("Upgrade", "-"))
        self.send_header("X-Seen-Address", self.headers.get("X-Real-IP", "-"))
        self.send_header("X-Seen-Header", self.headers.get("CF-Connecting-IP", "-"))
        self.send_header("X-Seen-Proto", self.headers.get("X-Forwarded-Proto", "-"))
        self.send_header("X-Seen-Bypass", self.headers.get("X-Bluegreen-Bypass", "-"))
        self.send_header("X-Seen-Path", self.path)
        self.send_header("X-Seen-At", str(time.time()))
        self.send_header("X-Seen-Request-Id", self.headers.get("X-Request-Id", ""))
        for name, value in self.asked():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def asked(self) -> list[tuple[str, str]]:
        """The headers that the path asks for: /x?cache-control=private&set-cookie=a%3Db."""
        query = self.path.partition("?")[2]
        return [(name, value) for name, value in parse_qsl(query) if name in ("cache-control", "set-cookie")]

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path == "/health":
            self.answer(200, b'{"status":"ok","services":{"database":{"status":"up"}}}', "application/json")
        elif BROKEN.exists():
            self.answer(500, b"broken\n")
        elif path == "/ws":
            self.websocket()
        elif path == "/events":
            self.events()
        elif path.startswith("/slow/"):
            time.sleep(float(path.removeprefix("/slow/")))
            self.answer(200, NAME.encode())
        elif path == "/big":
            self.answer(200, b"x" * 5000, "application/json")
        elif path.startswith("/api/page/"):
            self.answer(200, f"<p>{NAME}</p>".encode(), "text/html; charset=utf-8")
        else:
            self.answer(200, NAME.encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.answer(201, f"{NAME} {hashlib.sha256(body).hexdigest()}".encode() if self.path == "/hash" else NAME.encode())

    def websocket(self) -> None:
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.wfile.flush()
        while data := self.connection.recv(1024):  # echoes raw bytes: framing is not what is tested
            self.connection.sendall(data)
        self.close_connection = True

    def events(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for number in range(600):
            self.wfile.write(f"data: {NAME} {number}\n\n".encode())
            self.wfile.flush()
            time.sleep(0.1)

    def log_message(self, *_: object) -> None:
        pass


os.environ.setdefault("PYTHONUNBUFFERED", "1")
# Python's own is 5: what comes on top waits a second for the network's next try.
ThreadingHTTPServer.request_queue_size = 128
server = ThreadingHTTPServer(("0.0.0.0", 8000), Handler)
server.daemon_threads = True
server.serve_forever()
