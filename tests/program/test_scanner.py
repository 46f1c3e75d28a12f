"""The scanner's protocol against a server that speaks it, and against the real one where it is installed."""

from __future__ import annotations

import io
import shutil
import socket
import subprocess
import time

import pytest

from program import scanner
from tests.processes import wait_until
from tests.program.clamd import EICAR, NAME, clamd
from tests.program.files import makers


@pytest.fixture(params=["unix", "tcp"])
def double(request, settings):
    with clamd(tcp=request.param == "tcp") as found:
        settings.CLAMAV_URL = found.url
        yield found


def infection_in(content):
    return scanner.infection_in(io.BytesIO(content))


def test_clean_file_is_read_whole_and_found_clean(double):
    content = bytes(range(256)) * 1000
    scanner.ping()
    assert infection_in(content) == ""
    assert double.scanned == [content]


@pytest.mark.parametrize(
    "content", [EICAR, makers.archive({"a.txt": EICAR.decode()})], ids=["plain", "zipped"]
)
def test_infection_is_named(double, content):
    assert infection_in(content) == NAME


@pytest.mark.parametrize(
    "says",
    [
        "",
        "stream: Can't allocate memory ERROR",
        "OK",
        "stream: OK and more",
        "FOUND",
        "stream: OK\n",
        "\x1b[2J",
    ],
)
def test_whatever_is_no_plain_yes_is_not_clean(double, says):
    double.says = says
    with pytest.raises(scanner.ScanFailed) as failure:
        infection_in(b"x")
    assert str(failure.value).isprintable()


@pytest.mark.parametrize("size", [200_000, 8 << 20])
def test_hang_up_in_the_middle_is_not_clean(double, size):
    double.hangs_up_after = 100_000
    with pytest.raises(scanner.ScanFailed):
        infection_in(b"a" * size)


def test_file_over_the_scanners_limit_is_not_clean(double):
    double.limit = 100_000
    with pytest.raises(scanner.ScanFailed):
        infection_in(b"a" * (4 << 20))


def test_mute_scanner_is_away_after_seconds(double, monkeypatch):
    monkeypatch.setattr(scanner, "PING_SECONDS", 0.2)
    double.mute = True
    started = time.monotonic()
    with pytest.raises(scanner.ScannerAway):
        scanner.ping()
    assert time.monotonic() - started < 2


def test_scanner_that_reads_a_large_file_slowly_is_given_its_time(double, monkeypatch):
    """A whole file may take longer than one answer; only standing still does not go on."""
    monkeypatch.setattr(scanner, "ANSWER_SECONDS", 0.6)
    double.reads_slowly = 0.005
    assert infection_in(b"a" * (16 << 20)) == ""


def test_scanner_that_is_not_there_is_away(settings, tmp_path):
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        free = line.getsockname()[1]
    for url in (f"unix://{tmp_path}/none.ctl", f"tcp://127.0.0.1:{free}"):
        settings.CLAMAV_URL = url
        with pytest.raises(scanner.ScannerAway):
            scanner.ping()
        with pytest.raises(scanner.ScannerAway):
            infection_in(b"x")


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("clamd"), reason="ClamAV is not installed here")
def test_real_scanner_finds_it_plain_and_zipped(settings, tmp_path):
    signatures = tmp_path / "signatures"
    signatures.mkdir()
    (signatures / "test.ndb").write_text(f"Test.Eicar:0:*:{EICAR.hex()}\n")
    place = tmp_path / "clamd.ctl"
    (tmp_path / "clamd.conf").write_text(
        f"DatabaseDirectory {signatures}\nLocalSocket {place}\nForeground yes\nStreamMaxLength 1M\n"
    )
    with subprocess.Popen(["clamd", f"--config-file={tmp_path / 'clamd.conf'}"]) as process:
        try:
            settings.CLAMAV_URL = f"unix://{place}"
            wait_until(place.exists, seconds=60, what="the scanner")
            scanner.ping()
            assert infection_in(makers.pdf()) == ""
            assert infection_in(EICAR).startswith("Test.Eicar")
            assert infection_in(makers.archive({"a.txt": EICAR.decode()})).startswith("Test.Eicar")
            with pytest.raises(scanner.ScanFailed):
                infection_in(b"a" * (3 << 20))
        finally:
            process.terminate()
