# syntax=docker/dockerfile:1
# One image for web, worker, beat and preparation. No secret and no compiler in it; runs as an ordinary user.
ARG PYTHON=3.13-slim-trixie

FROM python:${PYTHON} AS libraries
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
COPY requirements.lock .
RUN /venv/bin/pip install --require-hashes --only-binary :all: -r requirements.lock

FROM python:${PYTHON} AS portal
RUN apt-get update \
    && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --home-dir /nonexistent --shell /usr/sbin/nologin portal \
    && install -d -o portal -g portal -m 0700 /srv/media /srv/run /srv/record
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=config.settings \
    STATIC_ROOT=/srv/static \
    MEDIA_ROOT=/srv/media \
    RECORD_ROOTS_FILE=/srv/record/roots.jsonl \
    BEAT_SCHEDULE=/srv/run/beat-schedule \
    XDG_CACHE_HOME=/tmp/cache
COPY --from=libraries /venv /venv
WORKDIR /srv/portal
COPY manage.py pyproject.toml ./
COPY config config
COPY program program
COPY proposals proposals
COPY evaluation evaluation
COPY financing financing
COPY templates templates
COPY static static
COPY docs/receipts.md docs/
COPY deploy/gunicorn.py deploy/is_alive.py deploy/
# The settings want their secrets even to collect files: they get ones that end with this line.
RUN secret="$(python -c 'import secrets; print(secrets.token_urlsafe(64))')" \
    && SECRET_KEY="$secret" SITE_URL=https://build.invalid TRUSTED_PROXY_COUNT=0 \
    DATABASE_URL="postgres://build:$secret@build.invalid/build" REDIS_URL="redis://:$secret@build.invalid/0" \
    python manage.py collectstatic --no-input --verbosity 0
USER portal
EXPOSE 8000
# Liveness alone: a database that is away must not make the orchestrator kill a healthy web process.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "deploy/is_alive.py"]
CMD ["gunicorn", "--config", "deploy/gunicorn.py", "--bind", "0.0.0.0:8000"]
