"""Designations over the API."""
