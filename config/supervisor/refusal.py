"""What the starter says when it cannot go on."""

from __future__ import annotations


class Refused(Exception):
    """The starter cannot go on; its text is the one line that a person needs, with the way out."""


class Stopped(Exception):
    """A person or the system asked the starter to stop while it was waiting for something."""
