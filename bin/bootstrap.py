#!/usr/bin/env python3
"""Make .venv from the lock and see to the system's packages; needs nothing but Python and a network path.

Quick when nothing changed: a stamp in .venv names the lock that was installed. Written so that an old
Python can read it far enough to say that it is too old.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".installed-lock"
LOCK = ROOT / "requirements-dev.lock"
LIBRARIES = {
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--for", dest="purpose", choices=("run", "test"), default="run")
    purpose = parser.parse_args().purpose
    use_new_enough_python()
    state = ROOT / ".local"
    try:
        if not state.is_dir():
            state.mkdir()
            state.chmod(0o711 if os.geteuid() == 0 else 0o700)
        guard = (state / "install.lock").open("w")
    except OSError as error:
        stop(f"This user cannot write to {ROOT}: {error.strerror}.")
    fcntl.flock(guard, fcntl.LOCK_EX)
    install_libraries()
    install_system_packages(missing_packages(purpose), purpose)


def say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def stop(line: str) -> None:
    say(line)
    sys.exit(1)


def use_new_enough_python() -> None:
    """Go on with a Python of 3.11 or later: this one, or one that stands beside it."""
    if sys.version_info >= OLDEST:
        return
    for minor in range(20, OLDEST[1] - 1, -1):
        other = shutil.which("python3.%d" % minor)  # noqa: UP031 - must be readable to an old Python
        if other and subprocess.call([other, "-c", ""]) == 0:
            os.execv(other, [other, *sys.argv])  # noqa: S606
    stop("Python 3.11 or later is needed, and this is %s." % sys.version.split()[0])  # noqa: UP031


def install_libraries() -> None:
    """Bring .venv to the lock's state, by hash, when the stamp says that it is at another."""
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if STAMP.exists() and STAMP.read_text() == wanted and works(PYTHON):
        return
    uv = shutil.which("uv")
    uv_command = [uv] if uv and works(uv) else None
    if not works(PYTHON):
        make_environment(uv_command)
    say("Installing the libraries of requirements-dev.lock")
    STAMP.unlink(missing_ok=True)
    if uv_command is None:
        uv_command = locked_uv()
    wanted_libraries = ["--require-hashes", "-r", str(LOCK)]
    if uv_command:
        # An organization's own certificates are the system's; pip knows them already.
        trusting = {**os.environ, "UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}
        quick = [*uv_command, "pip", "install", "--quiet", "--python", str(PYTHON), *wanted_libraries]
        installed = subprocess.run(quick, cwd=ROOT, env=trusting, capture_output=True).returncode == 0
    if not uv_command or not installed:
        pip = [str(PYTHON), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        if subprocess.call([*pip, *wanted_libraries], cwd=ROOT):
            stop("The libraries could not be installed; is there a network path to the package registry?")
    STAMP.write_text(wanted)


def make_environment(uv_command: list[str] | None) -> None:
    """Make .venv anew: it is not there, or its Python is gone or has been moved."""
    if VENV.exists():
        shutil.rmtree(VENV)
    if uv_command:
        command = [*uv_command, "venv", "--quiet", "--seed", "--python", sys.executable, str(VENV)]
    else:
        if not has_ensurepip():
            install_system_packages(["python3-venv"], "run")
        if not has_ensurepip():
            stop("This Python cannot make virtual environments: install the package python3-venv.")
        command = [sys.executable, "-m", "venv", str(VENV)]
    say("Making the virtual environment .venv")
    if subprocess.call(command, cwd=ROOT) or not works(PYTHON):
        stop("The virtual environment could not be made in %s." % VENV)  # noqa: UP031


def has_ensurepip() -> bool:
    return silently([sys.executable, "-c", "import ensurepip, venv"])


def silently(command: list[str]) -> bool:
    """Whether ``command`` succeeds; what it prints is not for the person at the terminal."""
    return subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL).returncode == 0


def works(program: object) -> bool:
    try:
        done = subprocess.run([str(program), "--version"], capture_output=True)
    except OSError:
        return False
    return done.returncode == 0


def locked_uv() -> list[str] | None:
    """uv itself, installed by the lock's hashes: it installs the rest in a tenth of pip's time."""
    entry = re.search(r"^uv==(?:.*\\\n)+.*\n", LOCK.read_text(), re.MULTILINE)
    if not entry or not works(PYTHON):
        return None
    with tempfile.NamedTemporaryFile("w", suffix=".lock") as file:
        file.write(entry.group())
        file.flush()
        pip = [str(PYTHON), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        done = subprocess.run([*pip, "--require-hashes", "-r", file.name], capture_output=True)
    return [str(PYTHON), "-m", "uv"] if done.returncode == 0 else None


def missing_packages(purpose: str) -> list[str]:
    """The Debian packages that this machine lacks: for PDF files, and for tests in a browser."""
    missing = []
    if sys.platform == "linux":
        for library, package in LIBRARIES.items():
            try:
                ctypes.CDLL(library)
            except OSError:
                missing.append(package)
    if purpose == "test" and not any(shutil.which(name) for name in BROWSERS):
        missing.append("chromium")
    return missing


def install_system_packages(packages: list[str], purpose: str) -> None:
    """Install ``packages`` when this user may; otherwise one line that names them."""
    if not packages:
        return
    apt = shutil.which("apt-get")
    root: list[str] | None = None
    if os.geteuid() == 0:
        root = []
    elif (sudo := shutil.which("sudo")) and silently([sudo, "-n", "true"]):
        root = [sudo, "-n"]
    names = " ".join(packages)
    if apt and root is not None:
        say("Installing system packages: " + names)
        install = [*root, "env", "DEBIAN_FRONTEND=noninteractive", apt, "install", "-y", "-qq"]
        install += ["--no-install-recommends", *packages]
        if silently(install) or (silently([*root, apt, "update", "-qq"]) and silently(install)):
            return
    for_what = "tests need" if purpose == "test" else "PDF files need"
    say(f"Not on this machine, and {for_what} them: {names} (Debian: apt-get install {names})")


if __name__ == "__main__":
    main()
