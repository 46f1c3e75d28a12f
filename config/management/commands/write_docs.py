"""``manage.py write_docs``: write the documents that are made from the code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from config.documentation import documents


class Command(BaseCommand):
    """Write docs/order.md, docs/access.md, docs/lifecycle.md and what the coverage page reads."""

    help = "Write the documents that are made from the code."

    def handle(self, **options: Any) -> None:
        for name, text in documents().items():
            path = Path(settings.BASE_DIR) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            self.stdout.write(name)
