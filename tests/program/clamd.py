"""A scanner that speaks ClamAV's socket protocol: PING and INSTREAM, with its limit and its ways to fail."""

from __future__ import annotations

import io
import socketserver
import struct
import threading
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

# Put together here, so that no scanner finds this file
EICAR = ("X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS" + "-TEST-FILE!$H+H*").encode()
NAME = "Eicar-Test-Signature"


class Scanner:
    """What the double has seen, and how it is to behave.

    ``hangs_up_after`` bytes of a file it is gone; over ``limit`` it says so and hangs up, as clamd does;
    ``says`` is answered instead of a finding. A finding takes ``thinks_for`` seconds, each block of a file
    ``reads_slowly``. ``mute`` it takes connections and answers nothing.
    """

    def __init__(self, url, *, limit=25 << 20):
        self.url = url
        self.limit = limit
        self.hangs_up_after = None
        self.says = None
        self.thinks_for = self.reads_slowly = 0
        self.mute = False
        self.scanned = []

    def answer(self, content):
        self.scanned.append(content)
        time.sleep(self.thinks_for)
        if self.says is not None:
            return self.says
        return f"stream: {NAME} FOUND" if infected(content) else "stream: OK"


def infected(content):
    if EICAR in content:
        return True
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return False
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return any(infected(archive.read(name)) for name in archive.namelist())


class Talk(socketserver.StreamRequestHandler):
    def handle(self):
        scanner = self.server.scanner
        command = self.until_nul()
        if scanner.mute:
            self.rfile.read()
        elif command == b"zPING":
            self.wfile.write(b"PONG\0")
        elif command == b"zINSTREAM":
            answer = self.read_stream(scanner)
            if answer is not None:
                self.wfile.write(answer.encode() + b"\0")
        else:
            self.wfile.write(b"UNKNOWN COMMAND\0")

    def until_nul(self):
        command = b""
        while (letter := self.rfile.read(1)) not in (b"", b"\0"):
            command += letter
        return command

    def read_stream(self, scanner):
        content = b""
        while size := struct.unpack("!I", self.rfile.read(4).rjust(4, b"\0"))[0]:
            content += self.rfile.read(size)
            time.sleep(scanner.reads_slowly)
            if scanner.hangs_up_after is not None and len(content) > scanner.hangs_up_after:
                return None
            if len(content) > scanner.limit:
                return "INSTREAM size limit exceeded. ERROR"
        return scanner.answer(content)


class OverTcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class OverSocket(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@contextmanager
def clamd(*, tcp=False, port=0):
    """The scanner in a thread, at a socket of its own or at a port."""
    with TemporaryDirectory(prefix="clamd-") as folder:
        path = Path(folder) / "clamd.ctl"
        server = OverTcp(("127.0.0.1", port), Talk) if tcp else OverSocket(str(path), Talk)
        place = f"tcp://127.0.0.1:{server.server_address[1]}" if tcp else f"unix://{path}"
        server.scanner = Scanner(place)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.scanner
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
