"""Database and broker for whoever needs them: the portal itself, one command, a test run."""

from __future__ import annotations

from collections.abc import Mapping

from config.supervisor import postgres, valkey
from config.supervisor.folders import Folder
from config.supervisor.postgres import Postgres
from config.supervisor.processes import StopSteps, Watch, end_survivors
from config.supervisor.valkey import Valkey

STOP_STEPS: Mapping[str, StopSteps] = {"database": postgres.STOP, "broker": valkey.STOP}
PATIENCE = 60.0


def start_servers(
    folder: Folder, watch: Watch, outside: Mapping[str, str], *, throwaway: bool = False
) -> dict[str, str]:
    """Start what ``outside`` does not name, and return the addresses to add to the environment.

    ``DATABASE_URL`` and ``REDIS_URL`` that are set are used as they are, and nothing is started for them.
    The caller holds the folder's lock. ``throwaway`` is for tests: quick, forgetful, the owner makes roles.
    """
    end_survivors(folder, STOP_STEPS)
    addresses: dict[str, str] = {}
    broker = database = None
    if not outside.get("REDIS_URL"):
        broker = Valkey.prepare(folder)
        broker_child = watch.start(broker.child())
    if not outside.get("DATABASE_URL"):
        database = Postgres.prepare(folder, options=postgres.THROWAWAY if throwaway else ())
        database_child = watch.start(database.child())
    if broker:
        watch.wait_for(broker.is_ready, broker_child, seconds=PATIENCE)
        addresses["REDIS_URL"] = broker.url
        watch.say(f"broker    {broker.program.name}, data in {broker.home}")
    if database:
        watch.wait_for(database.is_ready, database_child, seconds=PATIENCE)
        database.make_roles(owner_makes_roles=throwaway)
        addresses["DATABASE_URL"] = database.url(postgres.APPLICATION)
        addresses["DATABASE_OWNER_URL"] = database.url(postgres.OWNER)
        watch.say(f"database  PostgreSQL {database.programs.version}, data in {database.cluster}")
    return addresses


def stop_servers(folder: Folder, watch: Watch) -> None:
    """Stop everything that is watched, and remove the socket folders made outside the private folder."""
    watch.stop()
    for name in ("postgres", "valkey"):
        folder.forget_socket_folder(name)
