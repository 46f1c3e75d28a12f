from __future__ import annotations

import pytest

from financing.reference import load_tools
from program.reference import load_reference_data


@pytest.fixture(scope="session")
def financing_data(django_db_setup, django_db_blocker):
    """Countries, agencies, tools, EDAG members, classes and workstreams; loaded once for the whole run."""
    with django_db_blocker.unblock():
        load_reference_data()
        return load_tools()


@pytest.fixture(autouse=True)
def _financing(financing_data, db):
    """Every test here stands on the tools on file."""
