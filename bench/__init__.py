"""How quick the portal is at its size, as ratios to an empty page of the same process: ``make bench``.

Budgets stand in ``rows.py``. Times are medians of one client against two gunicorn workers; because a machine
is slower when others use it, each row is measured in turns with the empty page, and only ratios are compared.
"""
