"""Sessions in the database, as Django keeps them, read by a question that is written once."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends import db
from django.db.models import CharField, DateTimeField
from django.utils import timezone

from program.prepared import Given, Prepared


class SessionStore(db.SessionStore):
    """Django's own under another address: whoever is signed in stays so, by the name of the class."""

    def load(self) -> dict[str, Any]:
        found = kept_sessions.ask(session=self.session_key, now=timezone.now())
        if found is None:
            self._session_key = None
            return {}
        return self.decode(found[0])


@Prepared
def kept_sessions() -> Any:
    """What is kept of ``Given("session")``, while it lasts."""
    sessions = db.SessionStore.get_model_class().objects
    lasting = sessions.filter(expire_date__gt=Given("now", DateTimeField()))
    return lasting.filter(session_key=Given("session", CharField())).values_list("session_data")
