from __future__ import annotations

import pytest

from program.reference import load_reference_data


@pytest.fixture(scope="session")
def reference_data(django_db_setup, django_db_blocker):
    """Countries, groups, embargoes, blocs, agencies and directives; loaded once for the whole run."""
    with django_db_blocker.unblock():
        return load_reference_data()
