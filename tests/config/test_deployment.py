"""The files of production say what docs/operations.md promises; they are read here, as there is no engine."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from celery import current_app
from django.conf import settings

from program import paths, pdf
from tests.processes import run_in_process

ROOT = Path(__file__).resolve().parent.parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PROXY = (ROOT / "deploy" / "nginx.conf").read_text()
UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
PROCESS = 150 << 20
"""What a process of a worker, or a press at rest, stays under."""


@pytest.fixture
def made(tmp_path):
    """The deployment folder of a stranger who followed the first step."""
    for name in ("make_secrets.py", "portal.env.example"):
        shutil.copy(ROOT / "deploy" / name, tmp_path)
    subprocess.run([sys.executable, str(tmp_path / "make_secrets.py")], check=True, capture_output=True)
    return tmp_path


def variables(*files):
    lines = [line for file in files for line in file.read_text().splitlines() if line and line[0] != "#"]
    return dict(line.split("=", 1) for line in lines)


def test_every_service_that_production_needs_is_there():
    workers = {"notices", "documents", "clock"}
    assert set(SERVICES) == {"prepare", "web", *workers, "beat", "proxy", "database", "broker"}
    assert [name for name in SERVICES if SERVICES[name].get("ports")] == ["proxy"]
    assert COMPOSE["networks"]["inner"] == {"internal": True}
    assert all("inner" in SERVICES[name]["networks"] for name in ("database", "broker"))


def queues(service):
    command = SERVICES[service].get("command", [])
    return command[command.index("-Q") + 1].split(",") if "-Q" in command else []


def octets(text):
    return int(text[:-1]) * UNITS[text[-1]]


def kept_in_memory(service):
    """What the service may keep in its tmpfs, each of which must be bounded."""
    sizes = [re.search(r"size=(\w+)", place) for place in SERVICES[service].get("tmpfs", [])]
    assert all(sizes), service
    return sum(octets(size[1]) for size in sizes)


def test_each_queue_has_a_worker_of_its_own_and_the_clocks_alone_keeps_the_roots():
    routed = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    served = {service: queues(service) for service in SERVICES if queues(service)}
    assert served == {name: [name] for name in routed | {settings.CELERY_TASK_DEFAULT_QUEUE}}
    keeping = [name for name in SERVICES if "record:/srv/record" in SERVICES[name].get("volumes", [])]
    assert keeping == ["clock"]


def test_worker_and_beat_wait_for_the_broker_and_are_started_again_if_they_end():
    assert current_app.conf.broker_connection_max_retries is None
    lasting = [name for name in SERVICES if queues(name)] + ["beat"]
    assert {SERVICES[name]["restart"] for name in lasting} == {"unless-stopped"}


def test_what_is_set_or_examined_has_no_way_outside():
    outward = {name for name in SERVICES if set(SERVICES[name]["networks"]) - {"inner"}}
    assert outward == {"web", "notices", "proxy"}


def test_operations_name_every_worker_of_compose():
    told = (ROOT / "docs" / "operations.md").read_text()
    for service in SERVICES:
        for queue in queues(service):
            assert f"| {service} | `celery -A config worker -Q {queue}` |" in told
    assert "notices,documents" not in told


def test_every_service_has_a_limit_of_memory_that_fits():
    limits = {name: octets(service["mem_limit"]) for name, service in SERVICES.items()}
    assert all(limits[name] >= kept_in_memory(name) + PROCESS for name in limits)
    for name in ("notices", "documents", "clock"):
        command = SERVICES[name]["command"]
        children = int(command[command.index("--concurrency") + 1])
        presses = children * (PROCESS + pdf.LIMITS.memory_bytes) if name == "documents" else 0
        assert limits[name] >= kept_in_memory(name) + PROCESS * (1 + children) + presses, name


def test_bodies_on_their_way_stand_on_a_volume():
    assert "bodies:/var/cache/nginx" in SERVICES["proxy"]["volumes"]
    places = re.findall(r"^ +(?:client_body|proxy)_temp_path (\S+);$", PROXY, re.MULTILINE)
    assert places == ["/var/cache/nginx/bodies", "/var/cache/nginx/proxy"]


def test_only_preparation_knows_the_owner_of_the_tables():
    knowing = [name for name in SERVICES if "deploy/secrets/owner.env" in SERVICES[name].get("env_file", [])]
    assert knowing == ["prepare"]


def test_image_runs_as_an_ordinary_user_and_has_a_health_check():
    stage = DOCKERFILE.split(" AS portal\n")[1]
    assert re.findall(r"^USER (\S+)$", stage, re.MULTILINE) == ["portal"]
    assert "HEALTHCHECK" in stage
    assert "--require-hashes" in DOCKERFILE
    assert not re.search(r"^(ENV|ARG) .*(SECRET|PASSWORD|DATABASE_URL)", DOCKERFILE, re.MULTILINE)


def test_everything_that_the_image_copies_is_let_through_and_nothing_secret_is():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    through = {line[1:] for line in ignored if line.startswith("!")}
    copied = {
        source.rstrip("/")
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert copied == through
    assert not {path for path in through if "secret" in path or path.endswith(".env")}
    assert all((ROOT / path).exists() for path in copied)


def test_every_file_that_compose_mounts_or_reads_exists_or_is_made(made):
    wanted = {
        path.removeprefix("./").split(":")[0]
        for service in SERVICES.values()
        for path in [*service.get("env_file", []), *service.get("volumes", [])]
        if path.removeprefix("./").startswith("deploy/")
    }
    there = {
        path for path in wanted if (ROOT / path).exists() or (made.parent / made.name / path[7:]).exists()
    }
    assert there == wanted


def test_secrets_are_private_and_never_made_twice(made):
    files = sorted((made / "secrets").iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in files if file.is_file()} == {0o600}
    assert stat.S_IMODE((made / "secrets").stat().st_mode) == 0o700
    before = [file.read_text() for file in files if file.is_file()]
    again = subprocess.run([sys.executable, str(made / "make_secrets.py")], capture_output=True, text=True)
    assert again.returncode == 1
    assert [file.read_text() for file in files if file.is_file()] == before


def test_portal_with_these_settings_passes_the_deployment_checks(made):
    given = variables(made / "portal.env", made / "secrets" / "portal.env")
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=kept | given,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.startswith("System check identified no issues")


def test_proxy_sets_what_the_portal_believes():
    for header in (
        "X-Forwarded-For $remote_addr",
        "X-Forwarded-Proto https",
        'X-Forwarded-Host ""',
        'Forwarded ""',
    ):
        assert f"proxy_set_header {header};" in PROXY
    assert "$proxy_add_x_forwarded_for" not in PROXY


def test_proxy_leads_to_the_configured_name_whatever_was_asked_for():
    proxy = SERVICES["proxy"]
    assert re.findall(r"return 301 (.+);", PROXY) == ["${SITE_URL}$request_uri"]
    assert set(re.findall(r"\$\{(\w+)\}", PROXY.replace("# ${", "${"))) == {"SITE_URL"}
    assert proxy["environment"]["NGINX_ENVSUBST_FILTER"] == "^SITE_URL$$"
    assert proxy["env_file"] == ["deploy/portal.env"]
    folder = proxy["environment"]["NGINX_ENVSUBST_OUTPUT_DIR"]
    (template,) = [path.split(":")[1] for path in proxy["volumes"] if "nginx.conf" in path]
    assert f"{folder}/{Path(template).stem}" == proxy["command"][2]


def test_proxy_asks_for_the_web_process_while_it_serves():
    assert "resolver 127.0.0.11" in PROXY
    assert not re.search(r"^ *upstream ", PROXY, re.MULTILINE)
    assert "set $web web:8000;" in PROXY
    assert set(re.findall(r"proxy_pass (\S+);", PROXY)) == {"http://$web"}


def test_proxy_withholds_the_same_keys_as_the_portal():
    form = re.search("log_format portal .*", PROXY)[0]
    assert "$shown_uri" in form
    assert not re.search(r"\$(uri|request_uri|request|args|http_referer)\b", form)
    withheld = dict(re.findall(r"^ +~\^(/\S+)\. (/\S+);$", PROXY, re.MULTILINE))
    assert withheld == {place: place + paths.WITHHELD for place in paths.KEYS}
    quiet = re.search(r"location ~ \^/\((.+)\)/ {\s+error_log /dev/stderr emerg;", PROXY)[1]
    assert {f"/{place}/" for place in quiet.split("|")} == set(paths.KEYS)


@pytest.mark.parametrize(
    ("hosts", "asked"),
    [
        ("portal.example,other.example", "portal.example"),
        (".agency.example", "agency.example"),
        (" .agency.example , x", "agency.example"),
        ("", "site.example"),
    ],
)
def test_health_check_asks_for_a_host_that_is_allowed(hosts, asked, monkeypatch):
    monkeypatch.setenv("ALLOWED_HOSTS", hosts)
    monkeypatch.setenv("SITE_URL", "https://site.example:8443")
    spec = importlib.util.spec_from_file_location("is_alive", ROOT / "deploy" / "is_alive.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.allowed_host() == asked


def test_web_has_read_every_address_before_its_first_request():
    """gunicorn loads the application once and forks: whoever replaces a process answers at once."""
    said = run_in_process(
        "import sys\nbefore = 'config.urls' in sys.modules\nimport config.wsgi\n"
        "print(before, 'config.urls' in sys.modules)"
    )
    assert said.split() == ["False", "True"]
