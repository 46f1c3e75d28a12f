"""Proposals over the API."""
