from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _financing(financing_data, db):
    """Every test here stands on the tools on file."""
