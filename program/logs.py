"""The log: one JSON object a line, with the request it belongs to.

Nothing that a person typed stands in it, and no path that is a key.
"""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from django.db import Error as DatabaseError
from psycopg2 import Error as DriverError

from program.paths import without_keys
from program.request_context import request_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "request", "taskName"}
STANDARD.add("data")  # Celery's copy of what its messages say
#: Signs that end a line for some programs and that JSON does not escape
BREAKS: Final = {ord(sign): f"\\u{ord(sign):04x}" for sign in "\x85\u2028\u2029"}


class JsonFormatter(logging.Formatter):
    """Line breaks inside values are escaped by JSON, so that no entry can be forged."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": without_keys(message_of(record)),
        }
        if identity := request_id.get():
            entry["request_id"] = identity
        entry |= {key: without_keys(str(value)) for key, value in vars(record).items() if key not in STANDARD}
        if record.exc_info:
            entry["trace"] = without_keys(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False, default=str).translate(BREAKS)

    def formatException(self, ei: Any) -> str:  # the name is the library's
        """The trace; where the database took part without messages, which quote rows and keys."""
        chain = list(raised(ei[1]))
        if not is_of_the_database(chain):
            return super().formatException(ei)
        traces = ("".join(traceback.format_tb(error.__traceback__)) + title(error) for error in chain[::-1])
        return "\n".join(traces)


def raised(error: BaseException | None) -> Iterator[BaseException]:
    """``error`` and what it was raised from or over, the last first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def is_of_the_database(chain: Iterable[BaseException]) -> bool:
    return any(isinstance(error, (DatabaseError, DriverError)) for error in chain)


def message_of(record: logging.LogRecord) -> str:
    """The message; Celery's of a task that failed repeats the exception's, which may quote a row."""
    failure = record.exc_info[1] if record.exc_info else None
    if failure and isinstance(record.args, dict) and is_of_the_database(raised(failure)):
        return record.msg % {**record.args, "exc": title(failure)}
    return record.getMessage()


def title(error: BaseException) -> str:
    """The class of ``error``, with PostgreSQL's code and the constraint where it tells them."""
    diagnosis = getattr(error, "diag", None)
    facts = (getattr(error, "pgcode", None), getattr(diagnosis, "constraint_name", None))
    return " ".join([type(error).__qualname__, *filter(None, facts)])
