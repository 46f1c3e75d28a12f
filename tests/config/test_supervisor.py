"""The starter under the faults of R21, each really brought about in a folder of its own."""

from __future__ import annotations

import json
import os
import pwd
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest
import redis
from django.db.backends.postgresql.base import DatabaseWrapper
from environ import Env

from config.settings import broker_url
from config.supervisor.binaries import PostgresPrograms
from config.supervisor.folders import LONGEST_SOCKET_PATH, Folder, Lock, private_folder
from config.supervisor.portal import Portal
from config.supervisor.postgres import THROWAWAY, Postgres, copy_of
from config.supervisor.processes import Child, Watch, birth
from config.supervisor.refusal import Refused, Stopped

ROOT = Path(__file__).resolve().parent.parent.parent
UP = [sys.executable, str(ROOT / "manage.py"), "up"]
PATIENCE = 40


@pytest.fixture
def place():
    """A folder with a blank in its path that any account can reach, as a checkout usually is."""
    with tempfile.TemporaryDirectory(prefix="portal test ", ignore_cleanup_errors=True) as made:
        path = Path(made)
        path.chmod(0o755)
        yield path


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE", "REDIS"))}
    kept.pop("DJANGO_SETTINGS_MODULE", None)
    return kept | more


@contextmanager
def starter(folder, *arguments, **more):
    """``manage.py up --servers`` in ``folder``, waited for; killed at the end if it still runs."""
    output = folder.parent / f"output-{time.monotonic_ns()}"
    with output.open("w") as written:
        process = subprocess.Popen(
            [*UP, "--servers", "--folder", str(folder), *arguments],
            env=environment(**more),
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + PATIENCE
        while "are up" not in output.read_text():
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < until, output.read_text()
            time.sleep(0.05)
        process.said = output.read_text
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def addresses(folder):
    return json.loads((folder / "run" / "environment.json").read_text())


def connect(url):
    parts = Env.db_url_config(url)
    return psycopg2.connect(
        host=parts["HOST"], user=parts["USER"], password=parts["PASSWORD"], dbname=parts["NAME"]
    )


def process_of(folder, name):
    return json.loads((folder / "run" / f"{name}.process").read_text())["pid"]


def gone(pid):
    until = time.monotonic() + 20
    while birth(pid) is not None and time.monotonic() < until:
        time.sleep(0.05)
    return birth(pid) is None


def test_servers_listen_on_sockets_only_and_demand_their_passwords(place):
    folder = place / "local"
    with starter(folder):
        given = addresses(folder)
        with connect(given["DATABASE_URL"]) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW listen_addresses")
            assert cursor.fetchone() == ("",)
            cursor.execute(
                "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
            )
            assert cursor.fetchone() == (False, False, False)
            cursor.execute(
                "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
            )
            assert cursor.fetchone() == ("portal_owner",)
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(
                host=folder / "sockets-postgres", user="portal", password="wrong", dbname="portal"
            )
        client = redis.Redis.from_url(given["REDIS_URL"], decode_responses=True)
        kept = {"appendonly": "yes", "maxmemory-policy": "noeviction", "port": "0"}
        assert {name: client.config_get(name)[name] for name in kept} == kept
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(unix_socket_path=str(folder / "sockets-valkey" / "valkey"), password="wrong").ping()
        for file in (folder / "secrets").iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        for name in ("secrets", "run", "logs", "postgres", "valkey", "media", "mail"):
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o700, name
        children = [process_of(folder, name) for name in ("database", "broker")]
    assert all(gone(pid) for pid in children)


def test_second_starter_says_one_line_and_the_first_goes_on(place):
    folder = place / "local"
    with starter(folder) as first:
        second = subprocess.run(
            [*UP, "--folder", str(folder)],
            env=environment(PORT="8619"),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert (second.returncode, second.stdout) == (1, "")
        assert second.stderr.strip().splitlines() == [
            "The portal is being started already by another process."
        ]
        assert first.poll() is None
        connect(addresses(folder)["DATABASE_URL"]).close()


def test_lock_tells_a_second_starter_the_address_of_the_first(tmp_path):
    folder = Folder(tmp_path / "local")
    with Lock(folder) as lock:
        lock.announce("http://localhost:8000")
        with pytest.raises(Refused) as refusal, Lock(folder):
            pass
    expected = f"The portal is running already: http://localhost:8000 (process {os.getpid()})."
    assert str(refusal.value) == expected
    with Lock(folder):
        pass


def test_killed_starter_leaves_nobody_behind_and_the_next_finds_the_data(place):
    folder = place / "local"
    with starter(folder) as first:
        owner = addresses(folder)["DATABASE_OWNER_URL"]
        connection = connect(owner)
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE kept (word text)")
            cursor.execute("INSERT INTO kept VALUES ('here')")
        client = redis.Redis.from_url(addresses(folder)["REDIS_URL"])
        client.set("kept", "here")
        time.sleep(1.1)  # the append-only file is written every second
        connection.close()
        children = [process_of(folder, name) for name in ("database", "broker")]
        first.kill()
        first.wait()
    with starter(folder):
        assert all(gone(pid) for pid in children)
        assert [process_of(folder, name) for name in ("database", "broker")] != children
        with connect(owner) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT word FROM kept")
            assert cursor.fetchall() == [("here",)]
        assert redis.Redis.from_url(addresses(folder)["REDIS_URL"]).get("kept") == b"here"


def test_dead_database_is_started_again(place):
    folder = place / "local"
    with starter(folder) as process:
        before = process_of(folder, "database")
        os.kill(before, signal.SIGKILL)
        until = time.monotonic() + 20
        while True:
            try:
                connect(addresses(folder)["DATABASE_URL"]).close()
                break
            except psycopg2.OperationalError:
                assert time.monotonic() < until, process.said()
                time.sleep(0.1)
        assert process_of(folder, "database") != before
        assert "database died and is started again" in process.said()


def test_pid_file_that_names_a_live_stranger_is_removed(place):
    folder = place / "local"
    with starter(folder):
        pass
    cluster = folder / "postgres" / "data"
    account = pwd.getpwuid(cluster.stat().st_uid)
    stranger = subprocess.Popen(
        ["sleep", "60"], **({"user": account.pw_uid, "group": account.pw_gid} if os.geteuid() == 0 else {})
    )
    try:
        pid_file = cluster / "postmaster.pid"
        pid_file.write_text(f"{stranger.pid}\n{cluster}\n1\n5432\n\n\n\nready\n")
        os.chown(pid_file, account.pw_uid, account.pw_gid)
        with starter(folder):
            connect(addresses(folder)["DATABASE_URL"]).close()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_no_permission_of_a_parent_is_changed(place):
    parents = [place, place / "checkout"]
    parents[1].mkdir(mode=0o755)
    before = [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in parents]
    with starter(parents[1] / "local"):
        pass
    assert [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in parents] == before


def test_addresses_that_are_set_are_used_and_nothing_is_started(place):
    folder = place / "local"
    given = {"DATABASE_URL": "postgres://a:b@database.example/c", "REDIS_URL": "redis://broker.example/0"}
    with starter(folder, **given):
        assert list((folder / "run").glob("*.process")) == []
        assert not (folder / "postgres").exists()
        assert not (folder / "valkey").exists()
        assert not given.keys() & addresses(folder).keys()


def test_port_in_use_is_one_line_and_nothing_is_started(place):
    folder = place / "local"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = subprocess.run(
            [*UP, "--folder", str(folder)],
            env=environment(PORT=str(port)),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    assert refused.returncode == 1
    assert refused.stderr.strip() == (
        f"Port {port} cannot be used (Address already in use); choose another: make run PORT={port + 1}"
    )
    assert not (folder / "postgres").exists()


@pytest.mark.parametrize("port", ["http", "0", "70000", "-1"])
def test_port_that_is_no_port_is_one_line(place, port):
    refused = subprocess.run(
        [*UP, "--folder", str(place / "local")], env=environment(PORT=port), capture_output=True, text=True
    )
    assert refused.returncode == 1
    assert refused.stderr.strip() == f"PORT must be a number from 1 to 65535, not {port!r}."


def test_interrupt_of_the_terminal_stops_in_order_and_keeps_the_data(place):
    folder = place / "local"
    with starter(folder) as process:
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to the whole foreground group
        assert process.wait(PATIENCE) == 0
        assert "Stopping" in process.said()
    assert "database system is shut down" in (folder / "logs" / "database.log").read_text()
    assert list((folder / "run").glob("*.process")) == []


def test_database_runs_as_an_unprivileged_account_that_owns_its_folder_only(place):
    folder = place / "local"
    with starter(folder):
        account = os.stat(f"/proc/{process_of(folder, 'database')}").st_uid
        assert account == (os.geteuid() or account) != 0
        assert {(folder / name).stat().st_uid for name in ("postgres", "sockets-postgres")} == {account}
        ours = (".", "secrets", "run", "logs", "valkey", "media", "mail")
        assert {(folder / name).stat().st_uid for name in ours} == {os.geteuid()}


def test_data_stand_elsewhere_when_the_account_of_the_database_cannot_come_here(place, monkeypatch):
    variable_data = place / "var"
    monkeypatch.setattr("config.supervisor.postgres.VARIABLE_DATA", variable_data)
    closed = private_folder(place / "closed")
    folder = Folder(closed / "local")
    watch = Watch(lambda line: None)
    server = Postgres.prepare(folder, options=THROWAWAY)
    try:
        child = watch.start(server.child())
        watch.wait_for(server.is_ready, child, seconds=PATIENCE)
    finally:
        watch.stop()
        folder.forget_socket_folder("postgres")
    # Only root has to change the account; everybody else can come to their own folder.
    assert server.cluster.is_relative_to(folder.path if os.geteuid() else variable_data)
    assert (stat.S_IMODE(closed.stat().st_mode), closed.stat().st_uid) == (0o700, os.geteuid())


def test_copy_of_the_programs_is_made_once(tmp_path, monkeypatch):
    programs = tmp_path / "packages" / "pg" / "bin"
    programs.mkdir(parents=True)
    (programs / "postgres").write_text("#!/bin/sh\n")
    (programs / "postgres").chmod(0o700)
    monkeypatch.setattr("config.supervisor.postgres.VARIABLE_DATA", tmp_path / "var")
    wheel = PostgresPrograms(programs, "18.4", tmp_path / "packages", (Path("pg"),))
    copied = copy_of(wheel)
    assert copied.folder == tmp_path / "var" / "postgresql-18.4" / "pg" / "bin"
    assert stat.S_IMODE((copied.folder / "postgres").stat().st_mode) == 0o755
    (copied.folder / "mark").touch()
    assert (copy_of(wheel).folder / "mark").exists()


def test_socket_path_that_is_too_long_goes_to_the_runtime_folder(place, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place))
    folder = Folder(place / ("long" * 25) / "local")
    sockets = folder.socket_folder("postgres", socket=".s.PGSQL.5432", reachable=lambda path: True)
    assert sockets.parent == place
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert len(str(sockets / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH
    again = folder.socket_folder("postgres", socket=".s.PGSQL.5432", reachable=lambda path: True)
    assert (sockets.exists(), again.exists()) == (False, True)


def test_cluster_of_another_release_is_refused(place, monkeypatch):
    folder = Folder(place / "local")
    monkeypatch.setattr("config.supervisor.postgres.Account.can_enter", lambda self, path: True)
    monkeypatch.setattr("config.supervisor.postgres.Account.can_run", lambda self, program: True)
    cluster = folder.path / "postgres" / "data"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(Refused, match="made by PostgreSQL 9, and the programs found are"):
        Postgres.prepare(folder)


def test_child_that_dies_three_times_in_a_minute_ends_the_start_with_its_last_words(tmp_path, monkeypatch):
    monkeypatch.setattr("config.supervisor.processes.BACK_OFF", (0.01,))
    said = []
    watch = Watch(said.append)
    folder = Folder(tmp_path / "local")
    watch.start(Child("worker", ["/bin/sh", "-c", "echo no broker; exit 3"], {}, folder))
    with pytest.raises(
        Refused, match=r"worker died 3 times in a minute .*:\n  no broker\n  no broker\n  no broker$"
    ):
        watch.run()
    assert len(said) == 2


def test_children_stop_in_the_reverse_order_and_leave_no_descendants(tmp_path):
    watch = Watch(lambda line: None)
    folder = Folder(tmp_path / "local")
    script = 'trap "echo $0 >> \\"$1\\"; exit" TERM; sleep 100 & echo $! > "$1.$0"; wait'
    ended = tmp_path / "ended"
    for name in ("database", "web", "worker", "beat"):
        watch.start(Child(name, ["/bin/sh", "-c", script, name, str(ended)], dict(os.environ), folder))
        while (
            not (tmp_path / f"ended.{name}").exists() or not (tmp_path / f"ended.{name}").read_text().strip()
        ):
            time.sleep(0.01)
    watch.stop()
    assert ended.read_text().split() == ["beat", "worker", "web", "database"]
    assert all(gone(int((tmp_path / f"ended.{name}").read_text())) for name in ("database", "web", "beat"))


def test_stop_is_noticed_while_waiting_for_a_child(tmp_path):
    watch = Watch(lambda line: None)
    child = Child("prepare", ["/bin/sleep", "100"], dict(os.environ), Folder(tmp_path / "local"))
    with watch.signals():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Stopped):
            watch.finish(child)
    assert not child.is_alive


def test_address_of_a_socket_is_spelled_for_the_broker_client():
    given = "unix://:pass%2Fword@/a%20folder/valkey?db=3"
    assert broker_url(given) == "redis+socket://:pass%2Fword@/a%20folder/valkey?virtual_host=3"
    assert broker_url("redis://:p@broker/0") == "redis://:p@broker/0"


def test_database_driver_is_the_pinned_one():
    assert DatabaseWrapper.Database.__name__ == "psycopg2"


def test_database_that_an_earlier_start_left_without_a_note_is_stopped_first(place):
    folder = Folder(place / "local")
    watch = Watch(lambda line: None)
    server = Postgres.prepare(folder, options=THROWAWAY)
    left = server.child()
    try:
        left.start()
        watch.wait_for(server.is_ready, left, seconds=PATIENCE)
        left.note.unlink()
        again = watch.start(server.child())
        watch.wait_for(lambda: not left.is_alive and server.is_ready(), again, seconds=PATIENCE)
        assert again.deaths == left.deaths
    finally:
        watch.stop()
        left.stop()


def test_log_that_has_grown_large_is_put_aside(tmp_path, monkeypatch):
    monkeypatch.setattr("config.supervisor.processes.LARGEST_LOG", 10)
    child = Child("web", ["/bin/echo", "a line that is long"], {}, Folder(tmp_path / "local"))
    for _ in range(2):
        child.start()
        child.process.wait()
    assert child.log.read_text() == child.log.with_suffix(".log.1").read_text() == "a line that is long\n"


def test_command_runs_against_servers_that_are_started_for_it(place, monkeypatch):
    monkeypatch.setattr(Portal, "_prepare", lambda self, *, demonstration: None)
    portal = Portal(Folder(place / "local"), environment(), 8000)
    answer = place / "answer"
    assert portal.run(["/bin/sh", "-c", f'echo "$DATABASE_OWNER_URL" > "{answer}"; exit 7']) == 7
    assert answer.read_text().startswith("postgres://portal_owner:")
    assert list((place / "local" / "run").glob("*.process")) == []


def test_command_beside_a_running_portal_uses_its_servers(place):
    folder = place / "local"
    with starter(folder):
        database = process_of(folder, "database")
        answer = place / "answer"
        portal = Portal(Folder(folder), environment(), 8000)
        assert portal.run(["/bin/sh", "-c", f'echo "$DATABASE_URL" > "{answer}"']) == 0
        assert answer.read_text().strip() == addresses(folder)["DATABASE_URL"]
        assert process_of(folder, "database") == database
