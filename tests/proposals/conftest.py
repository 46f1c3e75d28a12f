from __future__ import annotations

import pytest

from tests.factories.program import AgencyFactory, CountryFactory


@pytest.fixture
def places(db):
    """The countries that calls list and proposals name, and the agency of the clock."""
    AgencyFactory(code="COMMERCE")
    return {code: CountryFactory(code=code) for code in ("US", "KE", "CN")}
