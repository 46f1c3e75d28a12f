"""The container's health check: does the web process answer? Speaks as the proxy does."""

from __future__ import annotations

import http.client
import os
import sys
from urllib.parse import urlsplit


def allowed_host() -> str:
    """A name that the portal answers to; ``.example.gov`` in ALLOWED_HOSTS allows ``example.gov`` as well."""
    first = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".")
    return first or urlsplit(os.environ["SITE_URL"]).hostname or ""


if __name__ == "__main__":
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=4)
    connection.request("GET", "/healthz", headers={"Host": allowed_host(), "X-Forwarded-Proto": "https"})
    sys.exit(0 if connection.getresponse().status == 200 else 1)
