"""Addresses of static files are looked up once, and a file that was not collected has none."""

from __future__ import annotations

import pytest

from program.static_files import StaticFiles


def test_address_is_that_of_the_manifest_each_time(tmp_path):
    files = StaticFiles(location=str(tmp_path), base_url="/static/")
    files.hashed_files = {"site.css": "site.0a1b.css"}
    assert [files.url("site.css") for _ in range(2)] == ["/static/site.0a1b.css"] * 2
    for _ in range(2):
        with pytest.raises(ValueError, match=r"other\.css"):
            files.url("other.css")
