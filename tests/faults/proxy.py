"""The portal's own nginx in front of a web process, with the ports and folders of a test."""

from __future__ import annotations

import http.client
import os
import shutil
import ssl
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from tests.faults.web import Web
from tests.processes import ROOT, free_port, kill, wait_until

NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
ANY_CERTIFICATE = ssl.create_default_context()
ANY_CERTIFICATE.check_hostname = False
ANY_CERTIFICATE.verify_mode = ssl.CERT_NONE


@dataclass
class Proxied(Web):
    origin: ClassVar[str] = "https://localhost"

    def line(self, timeout):
        return http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=timeout, context=ANY_CERTIFICATE, source_address=("127.0.0.9", 0)
        )


@contextmanager
def proxy(web, folder):
    port = free_port()
    make_certificate(folder)
    (folder / "nginx.conf").write_text(fitted(web.port, port, folder))
    command = [NGINX, "-e", "stderr", "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
    with (folder / "nginx.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        found = Proxied(process, port)
        wait_until(found.answers, what="the proxy to answer")
        yield found
    finally:
        kill(process)


def make_certificate(folder):
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"),
            *("-days", "1", "-keyout", str(folder / "portal.key"), "-out", str(folder / "portal.crt")),
        ],
        check=True,
        capture_output=True,
    )


def fitted(web_port, port, folder):
    """``deploy/nginx.conf``; what belongs to Compose and to newer releases of nginx is replaced."""
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    for theirs, ours in {
        "${SITE_URL}": "https://portal.test",
        "    resolver 127.0.0.11 valid=10s ipv6=off;\n": "",
        "/run/nginx.pid": f"{folder}/nginx.pid",
        "/var/cache/nginx/": f"{folder}/",
        "/etc/nginx/tls/": f"{folder}/",
        "listen 80 default_server;": f"listen 127.0.0.1:{free_port()} default_server;",
        "listen 443 ssl default_server;\n        http2 on;": f"listen 127.0.0.1:{port} ssl default_server;",
        "set $web web:8000;": f"set $web 127.0.0.1:{web_port};",
    }.items():
        assert theirs in text, theirs
        text = text.replace(theirs, ours)
    return "user root;\n" + text if os.geteuid() == 0 else text
