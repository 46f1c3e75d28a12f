from __future__ import annotations

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out


class ProgramConfig(AppConfig):
    name = "program"

    def ready(self) -> None:
        from program.sign_in import record_sign_in, record_sign_out  # models must be loaded first

        user_logged_in.connect(record_sign_in, dispatch_uid="record_sign_in")
        user_logged_out.connect(record_sign_out, dispatch_uid="record_sign_out")
