"""Which tables of ours the running transaction wrote."""

from __future__ import annotations

from django.apps import apps
from django.db import connection

OWN = ("program", "proposals", "evaluation", "financing")
# Logs of the acts themselves, refusals among them
LOGS = {"AuditEvent", "Seal", "Delivery"}


def our_models(but=LOGS):
    return [
        model for app in OWN for model in apps.get_app_config(app).get_models() if model.__name__ not in but
    ]


def writes():
    """How many rows of each table the running transaction has written so far, as the database counts them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables"
            " WHERE n_tup_ins + n_tup_upd + n_tup_del > 0"
        )
        return set(cursor.fetchall())


def touched_since(earlier, but=LOGS):
    """The models whose tables were written since ``writes`` found ``earlier``."""
    tables = {table for table, _ in writes() - earlier}
    return [model for model in our_models(but) if model._meta.db_table in tables]
