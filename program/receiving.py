"""A large file that comes with a form: when the disk is full, the form comes without it and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.core.files.uploadhandler import SkipFile, TemporaryFileUploadHandler

from program.documents import NO_ROOM, no_room

if TYPE_CHECKING:
    from django import forms
    from django.http import HttpRequest

MARK: Final = "portal.no_room"


class SteadyFileHandler(TemporaryFileUploadHandler):
    """Django's handler of large files, which would answer a full disk with an error page."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().new_file(*args, **kwargs)
        except OSError as error:
            self._leave_out(error)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        try:
            super().receive_data_chunk(raw_data, start)
        except OSError as error:
            self._leave_out(error)
        return None

    def _leave_out(self, error: OSError) -> None:
        if error.errno not in NO_ROOM or self.request is None:
            raise error
        self.request.META[MARK] = True
        raise SkipFile from error


def say_what_was_left_out(request: HttpRequest, form: forms.Form, field: str = "file") -> None:
    """Put it beside ``field`` when the file did not fit on the disk."""
    if request.META.get(MARK):
        form.errors.pop(field, None)
        form.add_error(field, f"{no_room()} {no_room().what_to_do}")
