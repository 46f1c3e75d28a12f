"""The settings of the portal that is measured, with one page more and statements counted on each answer."""

from __future__ import annotations

import os

os.environ.setdefault("LOG_LEVEL", "WARNING")  # what is measured is not written down
os.environ.setdefault("RATE_LIMIT_FACTOR", "1000")  # one client asks as many do

from config.settings import *  # noqa: F403
from config.settings import MIDDLEWARE as MEASURED

MIDDLEWARE = ["bench.counting.count_statements", *MEASURED]
ROOT_URLCONF = "bench.urls"
