"""The container's healthcheck: one request for /health over a bare socket, exit 0 for a 200.

Run as a script with `python -S`, without the packages: it starts every few seconds beside the application
and shares its memory limit.
"""

import os
import socket
import sys

TIMEOUT_SECONDS = 2.5


def status(host: str, port: int) -> int:
    with socket.create_connection((host, port), TIMEOUT_SECONDS) as connection:
        connection.sendall(b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n")
        words = connection.recv(256).split(None, 2)
    return int(words[1])


if __name__ == "__main__":
    try:
        code = status("127.0.0.1", int(os.environ.get("PORT", "8000")))
    except (OSError, ValueError, IndexError) as error:
        sys.exit(f"no answer: {error}")
    sys.exit(0 if code == 200 else f"/health answers {code}")
