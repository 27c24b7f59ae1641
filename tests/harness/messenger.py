"""A web server on loopback that takes messages as well, or as badly, as a test says."""

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATH_SECRET = "path-canary-7f3a"  # noqa: S105 - opens nothing


class Messenger:
    """What arrived, and how to answer it."""

    def __init__(self):
        self.answer = "take"
        """`take`, `refuse`, `hang` (never answers) or `drip` (answers a byte now and then)."""
        self.bodies = []
        self.beats = 0
        self.arrived = threading.Condition()
        self.over = threading.Event()
        self.port = 0

    @property
    def alert_url(self):
        return f"json://127.0.0.1:{self.port}/{PATH_SECRET}"

    @property
    def heartbeat_url(self):
        return f"http://127.0.0.1:{self.port}/{PATH_SECRET}"

    def wait_for(self, is_so, seconds=10.0):
        """Wait until something has arrived; return whether it did."""
        with self.arrived:
            return self.arrived.wait_for(is_so, timeout=seconds)


@contextlib.contextmanager
def messenger():
    """Yield a messenger that listens."""
    told = Messenger()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            with told.arrived:
                told.bodies.append(body)
                told.arrived.notify_all()
            self.reply()

        def do_GET(self):
            with told.arrived:
                told.beats += 1
                told.arrived.notify_all()
            self.reply()

        def reply(self):
            match told.answer:
                case "take":
                    self.send_response(200)
                case "refuse":
                    self.send_response(500)
                case "hang":
                    told.over.wait()
                    return
                case "drip":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                    while not told.over.wait(0.1):
                        with contextlib.suppress(OSError):
                            self.wfile.write(b"X-Drip: 1\r\n")
                    return
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        told.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
