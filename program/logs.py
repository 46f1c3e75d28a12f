"""The log: one JSON object a line, with the request it belongs to and nothing that a person typed."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from program.request_context import request_id

STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "request", "taskName"}


class JsonFormatter(logging.Formatter):
    """Line breaks inside values are escaped by JSON, so that no entry can be forged."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if identity := request_id.get():
            entry["request_id"] = identity
        entry |= {key: str(value) for key, value in vars(record).items() if key not in STANDARD}
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)
