from __future__ import annotations

import pytest

from tests.factories.program import AgencyFactory, CountryFactory
from tests.factories.remembered import remembered


@pytest.fixture
def places(db):
    """The countries that calls list and proposals name, and the agency of the clock."""
    return three_countries()


@remembered
def three_countries():
    AgencyFactory(code="COMMERCE")
    return {code: CountryFactory(code=code) for code in ("US", "KE", "CN")}
