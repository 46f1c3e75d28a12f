"""Pages of the evaluation, asked for and pressed as a signed-in person."""

from __future__ import annotations

import html
import re

from django.urls import reverse

from config.second_factor import VERIFIED


def sign_in(client, person):
    """As somebody who has used their second factor; that it is asked for is tested elsewhere."""
    client.force_login(person)
    session = client.session
    session[VERIFIED] = person.pk
    session.save()


def page(client, person, name, *args, **query):
    sign_in(client, person)
    return client.get(reverse(f"evaluation:{name}", args=args), query)


def press(client, person, name, *args, **data):
    sign_in(client, person)
    return client.post(reverse(f"evaluation:{name}", args=args), data)


def at_row(record, **fields):
    """The fields of one row of a page, as its buttons send them."""
    return {f"{record.pk}-{name}": value for name, value in fields.items()}


def press_at(client, person, name, record, **fields):
    """Press a button of one row with what was typed there."""
    return press(client, person, name, record.pk, **at_row(record, **fields))


def areas(text):
    """What stands in the text areas of a page of rows, by name."""
    found = re.findall(r'name="(\d+-\w+)"[^>]*>([^<]*)</textarea>', text)
    return {name: html.unescape(typed) for name, typed in found}
