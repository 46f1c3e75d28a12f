"""The package file: one JSON text that holds a whole package, prepared offline as well as exported here.

A file is a ``Package``; one that the portal wrote notes what its rows said then (``exported``), by which an
import tells what you changed from what others changed since. Reading refuses with every problem at once.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from program.canonical import canonical_json, sha256_hex
from program.transitions import NotReady, Problem
from proposals.package import SCHEMA_ID, SCHEMA_VERSION, Digest, Moment, Package, Value, Whole
from proposals.rows import digests

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

LARGEST: Final = 10 * 1024 * 1024
DEEPEST: Final = 12
SHOWN: Final = 50
CLAUSE: Final = "E.O. 14320 s.3(b)"
CLAUSES: Final = {
    "hardware": f"{CLAUSE}(i)(A)",
    "data": f"{CLAUSE}(i)(B)",
    "models": f"{CLAUSE}(i)(C)",
    "security": f"{CLAUSE}(i)(D)",
    "applications": f"{CLAUSE}(i)(E)",
    "components": f"{CLAUSE}(i)",
    "provisions": f"{CLAUSE}(i)",
    "markets": f"{CLAUSE}(ii)",
    "operating_model": f"{CLAUSE}(iii)",
    "support_requests": f"{CLAUSE}(iv)",
    "compliance": f"{CLAUSE}(v)",
    "markings": "5 U.S.C. 552(b)(4)",
}
AGAIN: Final = "Export the package from the portal again, or correct the file, and import it again."


class FileRefused(NotReady):
    """The file is no package file that this portal reads; nothing was changed."""


class Exported(Value):
    """What the portal knew when it wrote the file: of which proposal, when, and what each row said."""

    proposal: Whole
    at: Moment
    rows: dict[str, Digest]


class PackageFile(Package):
    """A package as it travels; ``exported`` is left out by who prepares a file from nothing."""

    exported: Exported | None = None

    @property
    def package(self) -> Package:
        """What the file says, without what the portal noted when it wrote it."""
        data = self.model_dump(mode="json", exclude={"exported"})
        return Package.model_validate(data)


def write_file(package: Package, *, proposal: int, at: datetime) -> str:
    """The file of a working copy as it stands at ``at``: canonical JSON (RFC 8785)."""
    exported = Exported(proposal=proposal, at=at, rows=digests(package))
    return canonical_json({**package.to_data(), "exported": exported.model_dump(mode="json")})


def read_file(content: bytes) -> PackageFile:
    """The file that ``content`` is; raises FileRefused with all that is wrong, where, and what to do."""
    if len(content) > LARGEST:
        message = f"The file is larger than {LARGEST // 1048576} MB."
        raise _refused("too-large", f"{message} A package holds texts and numbers; files go under Documents.")
    data = read_json(content)
    if not isinstance(data, dict):
        raise _refused("no-package", f"The file is JSON, but no package. {AGAIN}")
    version = data.get("schema_version")
    if version != SCHEMA_VERSION:
        said = f"says schema version {json.dumps(version)[:40]}" if version else "names no schema version"
        raise _refused(
            "schema-version",
            f"The file {said}; this portal reads version {SCHEMA_VERSION}. Nothing was taken over. Bring the "
            f'file to the published schema, with "schema_version": "{SCHEMA_VERSION}", or export it again.',
        )
    try:
        return PackageFile.model_validate_json(content)
    except ValidationError as errors:
        raise FileRefused(list(_in_words(errors, data))) from errors


def hash_of_package(content: bytes) -> str:
    """The content hash of the package in a package file, "" when the file is none.

    Beside the package it may hold what the portal noted when it wrote the file, and nothing else.
    Raises FileRefused for what is no JSON with each key once.
    """
    data = read_json(content)
    noted = data.pop("exported", None) if isinstance(data, dict) else None
    try:
        Exported.model_validate_json(json.dumps(noted))
        return sha256_hex(canonical_json(data))
    except ValueError:
        return ""


def file_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of a package file, as the portal reads it."""
    schema = PackageFile.model_json_schema(mode="validation")
    schema["required"] = sorted({*schema.get("required", ()), "schema_version"})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID, **schema}


def _refused(code: str, message: str) -> FileRefused:
    return FileRefused([Problem(code, message, CLAUSE)])


class _Unreadable(ValueError):
    """What no package file may hold, in words."""


def read_json(content: bytes) -> Any:
    """A file's JSON: UTF-8, each key once, finite numbers, not nested without end. Raises FileRefused."""
    try:
        data = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_no_number)
        _limit_depth(data)
    except UnicodeDecodeError as error:
        raise _refused("not-utf-8", f"The file is no text in UTF-8. {AGAIN}") from error
    except _Unreadable as error:
        raise _refused("not-json", f"{error} {AGAIN}") from error
    except RecursionError as error:
        raise _refused("too-deep", f"The file is nested too deeply for a package. {AGAIN}") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise _refused(
            "not-json", f"The file is no JSON: it breaks off or errs at {place}. {AGAIN}"
        ) from error
    except ValueError as error:
        raise _refused("not-json", f"The file holds a number of thousands of digits. {AGAIN}") from error
    return data


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Unreadable(
                f"The file says “{name[:60]}” twice in one place, so it is not clear which counts."
            )
        found[name] = value
    return found


def _no_number(word: str) -> Any:
    raise _Unreadable(f"The file holds {word}, which is no number.")


def _limit_depth(data: Any) -> None:
    level = [data]
    for _ in range(DEEPEST):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return
    raise RecursionError


def _in_words(errors: ValidationError, data: dict[str, Any]) -> Iterator[Problem]:
    found = errors.errors(include_url=False)
    for error in found[:SHOWN]:
        place = [step for step in error["loc"] if step not in ("PackageFile",)]
        where, clause = _where(place, data)
        yield Problem("not-valid", f"{where}: {_what(error)}", clause)
    if len(found) > SHOWN:
        yield Problem("not-valid", f"And {len(found) - SHOWN} more of the kind. {AGAIN}", CLAUSE)


def _where(place: list[Any], data: Any) -> tuple[str, str]:
    """The place as people find it in the file, and the clause of its part."""
    words, clause, here = [], CLAUSES.get(str(place[0]), CLAUSE) if place else CLAUSE, data
    for step in place:
        if isinstance(step, int) and isinstance(here, list) and step < len(here):
            here = here[step]
            name = here.get("name") or here.get("key") if isinstance(here, dict) else None
            words.append(f"row {step + 1}{f' ({str(name)[:60]})' if name else ''}")
            if isinstance(here, dict):
                clause = CLAUSES.get(str(here.get("layer")), clause)
        elif isinstance(here, dict) and step in here:
            here = here[step]
            words.append(f"“{step}”")
        elif not (isinstance(here, dict) and step == here.get("layer")):
            words.append(f"“{step}”" if isinstance(step, str) else f"row {step + 1}")
    return ", ".join(words) or "The file", clause


def _what(error: Any) -> str:
    """What is wrong with a value and what to write instead."""
    kind, context = error["type"], error.get("ctx", {})
    own = {
        "missing": "it is missing. Write it, as the schema says.",
        "extra_forbidden": "the schema knows no such name. Correct its spelling or take it out.",
        "greater_than_equal": "it cannot be negative. Give 0 or more, or null if it is not known.",
        "less_than_equal": f"it is too large; the most is {context.get('le')}.",
        "finite_number": 'it is no number. Give it in digits, such as "12.50", or null if it is not known.',
        "decimal_parsing": 'it is no number. Give it in digits, such as "12.50", or null if it is not known.',
        "decimal_max_digits": f"it has too many digits; the most is {context.get('max_digits')}.",
        "decimal_whole_digits": f"it has more than {context.get('whole_digits')} digits before the point.",
        "decimal_max_places": f"it has more than {context.get('decimal_places')} digits after the point.",
        "int_type": "give a whole number without quotation marks, or null if it is not known.",
        "enum": f"it is none of {context.get('expected', 'the words that the schema lists')}.",
        "literal_error": f"it is none of {context.get('expected', 'the words that the schema lists')}.",
        "union_tag_invalid": f"the layer is none of {context.get('expected_tags', '')}.",
        "union_tag_not_found": "it does not say its layer.",
    }
    if kind == "string_pattern_mismatch":
        last = error["loc"][-1]
        if last == "code":
            return 'a country is two capital letters, such as "KE".'
        if last in ("sha256", "document"):
            return "a file is named by its SHA-256: 64 digits and letters from a to f."
        return (
            'a key is small letters, digits and hyphens and begins with a letter, such as "component-new-1".'
        )
    if kind == "value_error":
        return str(context.get("error", error["msg"]))
    return own.get(kind) or f"{error['msg']}."
