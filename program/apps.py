from __future__ import annotations

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.validators import MaxValueValidator, MinValueValidator


class ProgramConfig(AppConfig):
    name = "program"

    def ready(self) -> None:
        MinValueValidator.message = "Give a number of %(limit_value)s or more."
        MaxValueValidator.message = "Give a number of %(limit_value)s or less."
        # Models must be loaded first
        from allauth.mfa.signals import authentication_failed

        from program.sign_in import (
            record_sign_in,
            record_sign_out,
            record_wrong_code,
            record_wrong_password,
        )

        user_logged_in.connect(record_sign_in, dispatch_uid="record_sign_in")
        user_logged_out.connect(record_sign_out, dispatch_uid="record_sign_out")
        # Before axes counts the failure: the one that locks is on the record too
        user_login_failed.connect(record_wrong_password, dispatch_uid="record_wrong_password")
        authentication_failed.connect(record_wrong_code, dispatch_uid="record_wrong_code")
