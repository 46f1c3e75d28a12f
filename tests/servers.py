"""A pytest plugin that gives the tests a real PostgreSQL and a real Valkey, from the starter's own code.

``DATABASE_URL`` and ``REDIS_URL`` that are set are used. Otherwise the process that leads the run starts
private servers under ``.local/test/`` and stops them at its end; the workers of xdist find them in the
environment. The cluster is kept for the next run, with a migrated database to copy (tests/migrated.py),
unless a run was cut off: then the next one begins with an empty cluster.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import pytest

from config.supervisor.folders import Folder, Lock, short_digest
from config.supervisor.postgres import VARIABLE_DATA
from config.supervisor.processes import Watch, end_survivors
from config.supervisor.refusal import Refused
from config.supervisor.servers import STOP_STEPS, start_servers, stop_servers

TEST_FOLDER = Path(__file__).resolve().parent.parent / ".local" / "test"
running = ExitStack()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> Iterator[None]:
    """Before Django reads its settings: have the addresses in the environment."""
    wanted = not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"))
    only_words = {"--help", "-h", "--version", "-V"} & set(args)
    if wanted and not only_words:
        try:
            os.environ.update(start())
        except Refused as refusal:
            raise pytest.UsageError(str(refusal)) from refusal
    if only_words:
        os.environ.setdefault("DATABASE_URL", "postgres://nobody@localhost/none")
        os.environ.setdefault("REDIS_URL", "redis://localhost/0")
    if "TEST_MEDIA_ROOT" not in os.environ:
        os.environ["TEST_MEDIA_ROOT"] = running.enter_context(TemporaryDirectory(prefix="portal-test-media-"))
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        os.environ["REDIS_URL"] = of_its_own(os.environ["REDIS_URL"], int(worker.removeprefix("gw")))
        media = Path(os.environ["TEST_MEDIA_ROOT"]) / worker
        media.mkdir(exist_ok=True)
        os.environ["TEST_MEDIA_ROOT"] = str(media)
    try:
        return (yield)
    except BaseException:
        running.close()
        raise


def of_its_own(url: str, worker: int) -> str:
    """The broker's database for one worker of xdist: one worker's cache and queues are no other's."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts._replace(query=f"db={worker + 1}").geturl()
    return parts._replace(path=f"/{int(parts.path.strip('/') or 0) + worker + 1}").geturl()


def pytest_unconfigure() -> None:
    running.close()


def start() -> dict[str, str]:
    """Start the servers in the first folder that no other test run holds."""
    for number in count(1):
        folder = Folder(TEST_FOLDER / str(number))
        try:
            running.enter_context(Lock(folder))
        except Refused:
            continue
        break
    end_survivors(folder, STOP_STEPS)
    in_use = folder.path / "in-use"
    shutil.rmtree(folder.path / "valkey", ignore_errors=True)
    if in_use.exists():
        remove_cluster(folder)
    in_use.touch()
    running.callback(in_use.unlink)
    watch = Watch(lambda line: None)
    running.callback(stop_servers, folder, watch)
    try:
        addresses = start_servers(folder, watch, os.environ, throwaway=True)
    except Refused:  # another release of PostgreSQL, or a damaged cluster
        watch.stop()
        remove_cluster(folder)
        addresses = start_servers(folder, watch, os.environ, throwaway=True)
    # Tests make and drop databases, which is the owner's right.
    if owner := addresses.pop("DATABASE_OWNER_URL", None):
        addresses["DATABASE_URL"] = owner
        addresses["TEST_SERVERS_FOLDER"] = str(folder.path)
    return addresses


def remove_cluster(folder: Folder) -> None:
    for leftover in (folder.path / "postgres", VARIABLE_DATA / short_digest(folder.path)):
        shutil.rmtree(leftover, ignore_errors=True)
