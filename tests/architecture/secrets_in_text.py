"""What a secret looks like in a line of text, and which lines that look so are none."""

from __future__ import annotations

import math
import re
from collections import Counter

SHAPES = {
    "private key": re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    "AWS key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "Google key": re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b"),
    "GitHub token": re.compile(r"\b(?:gh[pousr]_[0-9A-Za-z]{36}|github_pat_[0-9A-Za-z_]{60,})\b"),
    "Slack token": re.compile(r"\bxox[abprs]-[0-9A-Za-z-]{20,}"),
    "Stripe key": re.compile(r"\b[sr]k_live_[0-9A-Za-z]{20,}"),
    "signed token": re.compile(r"\beyJ[0-9A-Za-z_-]{15,}\.eyJ[0-9A-Za-z_-]{15,}\.[0-9A-Za-z_-]{20,}"),
    "password in an address": re.compile(
        r"\b[a-z][a-z+]*://[^\s:/@\"'{}$]*:(?P<value>[^\s/@\"'{}$]{8,})@[a-z0-9]"
    ),
}
NAMED = re.compile(
    r"(?P<name>[A-Za-z_]*(?:secret|password|passwd|token|api_?key|private_?key)[A-Za-z_]*)[\"']?\]?"
    r"\s*[:=,]=?\s*(?P<quote>[\"']?)(?P<value>[0-9A-Za-z+/=_.~!@#%^&*-]{20,})(?P=quote)",
    re.IGNORECASE,
)
# Spares most lines the dearer question
HINT = re.compile(r"secret|passw|token|key|://|AKIA|ASIA|AIza|gh[pousr]_|xox|_live_|eyJ", re.IGNORECASE)
# Bits by character: words and dotted names stay below, random letters and digits of this length above
RANDOM_ENOUGH = 3.7


def bits(text: str) -> float:
    """The entropy of the characters of ``text``, in bits for each."""
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())


def looks_random(value: str) -> bool:
    """Whether ``value`` mixes letters and digits as no word, path or name of a function does."""
    letters = sum(character.isalpha() for character in value)
    digits = sum(character.isdigit() for character in value)
    return letters >= 6 and digits >= 3 and bits(value) >= RANDOM_ENOUGH


def secrets_in(line: str) -> list[tuple[str, str]]:
    """The kind of each secret in ``line`` with its text."""
    if not HINT.search(line):
        return []
    found = []
    for kind, shape in SHAPES.items():
        for match in shape.finditer(line):
            text = match.groupdict().get("value") or match[0]
            found.append((kind, text))
    for match in NAMED.finditer(line):
        if looks_random(match["value"]):
            found.append((f"value of {match['name']}", match["value"]))
    return found
