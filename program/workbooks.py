"""openpyxl as it is where numpy is not installed: it loads that only to know its numbers, 20 MB a process."""

from __future__ import annotations

import sys

HAS_NUMPY = "numpy" in sys.modules
if not HAS_NUMPY:
    sys.modules["numpy"] = None  # type: ignore[assignment]
try:
    from openpyxl import Workbook, load_workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter
finally:
    if not HAS_NUMPY:
        del sys.modules["numpy"]

__all__ = ["Font", "Workbook", "WriteOnlyCell", "get_column_letter", "load_workbook"]
