#!/usr/bin/env python3
"""Make the secrets of a production portal in deploy/secrets/, once; never overwrites one that is there.

The folder is 0700, its files 0600, and neither enters the repository or the image. Move them to the secret
store of your platform if it has one: all of them are plain environment variables.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "secrets"


def write(name: str, text: str) -> None:
    """Write one file that only this user can read."""
    descriptor = os.open(FOLDER / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def main() -> None:
    if FOLDER.exists() and any(FOLDER.glob("*.env")):
        sys.exit(f"{FOLDER} has secrets already; nothing was changed.")
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    superuser, owner, application, broker = (secrets.token_urlsafe(36) for _ in range(4))
    write(
        "portal.env",
        f"SECRET_KEY={secrets.token_urlsafe(64)}\n"
        f"DATABASE_URL=postgres://portal:{application}@database/portal\n"
        f"REDIS_URL=redis://:{broker}@broker:6379/0\n",
    )
    write("owner.env", f"DATABASE_OWNER_URL=postgres://portal_owner:{owner}@database/portal\n")
    write(
        "database.env",
        f"POSTGRES_PASSWORD={superuser}\nOWNER_PASSWORD={owner}\nAPPLICATION_PASSWORD={application}\n",
    )
    write("broker.env", f"BROKER_PASSWORD={broker}\n")
    (FOLDER / "tls").mkdir(mode=0o700)
    if not (HERE / "portal.env").exists():
        (HERE / "portal.env").write_text((HERE / "portal.env.example").read_text())
    print(
        f"Made {FOLDER}. Put portal.crt and portal.key into its folder tls; then edit {HERE / 'portal.env'}."
    )


if __name__ == "__main__":
    main()
