#!/usr/bin/env python
"""Django's command line for the portal; ``manage.py up`` starts the whole of it."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    # The starter makes secrets and addresses itself, so it cannot need those settings to be there.
    starter = sys.argv[1:2] == ["up"]
    os.environ.setdefault(
        "DJANGO_SETTINGS_MODULE", "config.supervisor.settings" if starter else "config.settings"
    )
    execute_from_command_line(sys.argv)
