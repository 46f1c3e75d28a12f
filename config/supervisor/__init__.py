"""The starter: one command that runs the whole portal on one machine, and stops it.

It brings up PostgreSQL and Valkey from the binaries of the ``local`` extra (or the distribution's), then web,
worker and beat, and watches over them. Development, demonstration and tests only; ``docs/operations.md`` says
how production is run. Nothing here imports an app: the starter works before there are settings and tables.
"""
