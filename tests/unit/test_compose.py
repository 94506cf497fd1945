"""docker-compose.yml, Dockerfile and .dockerignore name only what the tree, the settings and the commands have.

No container is started here: what can be known without one is looked up. Health checks are run as they stand.
"""

import re
import shlex
import subprocess
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import orjson
import pytest
import yaml
from aiohttp import web

from agents.commands import story
from agents.commands.main import main
from agents.web.board_feed import BoardFeed
from agents.web.server import add_pages
from config import definitions_file, settings

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
OF_COMPOSE_ALONE = {"BASE_IMAGE", "DEFINITIONS", "PROMETHEUS_PORT", "ALERTMANAGER_PORT", "GRAFANA_PORT", "TIME_ZONE"}
"""Names that are put into the file by compose and are no settings of the program."""

KNOWN_SETTINGS = {setting.name for setting in settings.SETTINGS} | set(settings.SECRET_FILES)
_PLACE = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\}")


def filled(value: Any) -> Any:
    """A value of the compose file as it is when nothing is set outside: every place with its default."""
    if isinstance(value, dict):
        return {key: filled(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner) for inner in value]
    return _PLACE.sub(lambda place: place["default"] or "", value) if isinstance(value, str) else value


SERVICES: dict[str, dict[str, Any]] = filled(yaml.safe_load(COMPOSE_TEXT)["services"])
VOLUMES: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)["volumes"]
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in order: the word, and the rest on one line."""
    lines = [line for line in DOCKERFILE.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines())]


def image_environment() -> dict[str, str]:
    """What the image sets by ENV."""
    pairs = [pair for word, rest in instructions() if word == "ENV" for pair in shlex.split(rest)]
    return dict(pair.split("=", 1) for pair in pairs)


def environment_of(service: str) -> dict[str, str]:
    """What a service of ours sees: the image's environment and its own over it."""
    return {**image_environment(), **SERVICES[service].get("environment", {})}


def health_checks() -> dict[str, list[str]]:
    """The words of each health check of ours: the image's, and those of services that have their own."""
    image = next(rest for word, rest in instructions() if word == "HEALTHCHECK")
    found = {"image": orjson.loads(image[image.index("[") :])}
    for name in OURS:
        check = SERVICES[name].get("healthcheck", {})
        if "test" in check:
            assert check["test"][0] == "CMD"
            found[name] = check["test"][1:]
    return found


def pages() -> set[str]:
    """Paths that the worker's web server answers."""
    application = web.Application()
    worker: Any = SimpleNamespace(app=SimpleNamespace(web=SimpleNamespace(web_app=application)))
    lists: Any = None
    add_pages(worker, BoardFeed.__new__(BoardFeed), lists)
    return {resource.canonical for resource in application.router.resources()}


def in_tree(path: Path, mounts: list[str]) -> Path:
    """Where a path of a container lies in the tree, by the folders that are mounted."""
    for mount in mounts:
        source, target, *_ = mount.split(":")
        if path.is_relative_to(target):
            return (ROOT / source / path.relative_to(target)).resolve()
    raise AssertionError(f"{path} is in no mounted folder")


def test_the_services_are_those_that_are_described() -> None:
    assert set(SERVICES) == {
        "kafka", "topics", "worker", "story", "rules", "prometheus", "alertmanager", "grafana",
    }  # fmt: skip
    assert OURS == ["rules", "story", "topics", "worker"]
    assert {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service} == {
        "story": ["demo"]
    }


def test_every_place_to_be_filled_in_has_a_default_and_is_known_and_told() -> None:
    places = {place["name"]: place["default"] for place in _PLACE.finditer(COMPOSE_TEXT)}
    assert all(places.values()), places
    assert set(places) - KNOWN_SETTINGS == OF_COMPOSE_ALONE
    section = OPERATIONS.split("## In containers")[1].split("\n## ")[0]
    assert {name for name in places if f"`{name}" not in section} == set()
    assert "$" not in _PLACE.sub("", COMPOSE_TEXT), "compose would fill in $NAME too"


@pytest.mark.parametrize("service", OURS)
def test_a_build_finds_its_dockerfile_and_the_dockerfile_its_arguments(service: str) -> None:
    build = SERVICES[service]["build"]
    context = ROOT / build["context"]
    assert context.resolve() == ROOT
    assert (context / build.get("dockerfile", "Dockerfile")).is_file()
    declared = dict(rest.split("=", 1) for word, rest in instructions() if word == "ARG")
    assert build["args"] == declared


def test_images_are_pinned_by_a_full_version() -> None:
    base = next(rest.split("=", 1)[1] for word, rest in instructions() if word == "ARG")
    for image in [base, *(SERVICES[name]["image"] for name in SERVICES if name not in OURS)]:
        assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+[\w.-]*", image), image
    python = re.search(r"python:(\d+)\.(\d+)", base)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert python is not None
    assert f"Programming Language :: Python :: {python[1]}.{python[2]}" in project["classifiers"]


def test_kafka_is_the_version_that_the_tests_run() -> None:
    pom = (ROOT / "tests" / "kafka" / "pom.xml").read_text(encoding="utf-8")
    tested = re.search(r"<kafka\.version>([^<]+)", pom)
    assert tested is not None
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{tested[1]}"


def test_the_image_is_built_of_all_that_is_installed_and_nothing_else() -> None:
    copied = {
        source
        for word, rest in instructions()
        if word == "COPY" and not rest.startswith("--from=")
        for source in rest.split()[:-1]
    }
    assert {source for source in copied if not (ROOT / source).exists()} == set()
    ignore = [
        line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    ]
    assert ignore[0] == "*"
    assert {line[1:] for line in ignore if line.startswith("!")} == copied
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    # What a package leads to elsewhere.
    linked = {str(path.resolve().relative_to(ROOT)) for path in ROOT.glob("config/*/*") if path.is_symlink()}
    assert linked == {"docs/runbooks"}
    packages = {name.rstrip("*") for name in pyproject["tool"]["setuptools"]["packages"]["find"]["include"]}
    project = pyproject["project"]
    assert copied == packages | linked | {"pyproject.toml", project["readme"], *project["license-files"]}


def test_the_image_runs_the_worker_as_a_user_without_rights() -> None:
    last = dict(instructions())
    assert last["USER"] == "1000:1000"
    assert orjson.loads(last["ENTRYPOINT"]) + orjson.loads(last["CMD"]) == ["netgrowth", "worker"]
    assert image_environment()["PYTHONUNBUFFERED"] == "1"
    assert last["EXPOSE"] == image_environment()["NETGROWTH_WEB_PORT"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"netgrowth": "agents.commands.main:main"}
    assert not re.search(r"\[(dev|trial)", DOCKERFILE)


@pytest.mark.parametrize("service", OURS)
def test_every_setting_is_known_and_can_be_used(service: str) -> None:
    names = set(environment_of(service)) - {"PATH", "PYTHONUNBUFFERED"}
    assert names - KNOWN_SETTINGS == set()
    assert settings.load(environment_of(service)).kafka_brokers


def test_services_agree_on_partitions_and_prefixes() -> None:
    loaded = [settings.load(environment_of(name)) for name in OURS]
    assert len({(s.kafka_brokers, s.partitions, s.topic_prefix, s.group_prefix) for s in loaded}) == 1


def test_the_brokers_that_clients_ask_are_the_listener_that_kafka_advertises() -> None:
    kafka = SERVICES["kafka"]["environment"]
    advertised = dict(pair.split("://") for pair in kafka["KAFKA_ADVERTISED_LISTENERS"].split(","))
    listeners = dict(pair.split("://") for pair in kafka["KAFKA_LISTENERS"].split(","))
    protocols = dict(pair.split(":") for pair in kafka["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    for name in OURS:
        loaded = settings.load(environment_of(name))
        assert loaded.kafka_brokers == tuple(advertised.values())
        assert {protocols[listener] for listener in advertised} == {loaded.security_protocol}
    for listener, address in advertised.items():
        host, port = address.split(":")
        assert host in SERVICES
        assert SERVICES[host]["hostname"] == host
        assert listeners[listener] == f":{port}"
    controller = kafka["KAFKA_CONTROLLER_LISTENER_NAMES"]
    voter = f"{kafka['KAFKA_NODE_ID']}@kafka{listeners[controller]}"
    assert kafka["KAFKA_CONTROLLER_QUORUM_VOTERS"] == voter
    assert set(listeners) == set(protocols) == {*advertised, controller}
    assert kafka["KAFKA_INTER_BROKER_LISTENER_NAME"] in advertised
    assert {f"/dev/tcp/{address.replace(':', '/')}" in str(SERVICES["kafka"]["healthcheck"]["test"])
            for address in advertised.values()} == {True}
    assert settings.load(environment_of("topics")).replication_factor == 1


def test_kafkas_records_lie_in_a_volume() -> None:
    assert [mount.split(":") for mount in SERVICES["kafka"]["volumes"]] == [
        ["kafka-data", SERVICES["kafka"]["environment"]["KAFKA_LOG_DIRS"]]
    ]


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_mounted_folder_is_in_the_tree_or_a_declared_volume(service: str) -> None:
    for mount in SERVICES[service].get("volumes", []):
        source, target, *mode = mount.split(":")
        assert target.startswith("/")
        if source.startswith("."):
            assert (ROOT / source).is_dir(), source
            assert mode == ["ro"]
        else:
            assert source in VOLUMES


def test_the_definitions_are_mounted_and_valid_and_those_of_the_demo() -> None:
    loaded = settings.load(environment_of("worker"))
    path = in_tree(loaded.definitions, SERVICES["worker"]["volumes"])
    assert definitions_file.load(str(path)).name == story.NAME
    words = SERVICES["rules"]["command"]
    assert words[words.index("--definitions") + 1] == str(loaded.definitions)
    mounted = in_tree(Path(words[words.index("--definitions") + 1]), SERVICES["rules"]["volumes"])
    assert mounted == path


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_ports_are_published_to_this_machine_alone_and_lead_to_who_is_asked_there(service: str) -> None:
    for published in SERVICES[service].get("ports", []):
        address, outside, inside = published.split(":")
        assert address == "127.0.0.1"
        assert outside.isdecimal()
        if service == "worker":
            assert int(inside) == settings.load(environment_of(service)).web_port
        else:
            assert f"http://127.0.0.1:{inside}/" in SERVICES[service]["healthcheck"]["test"][-1]
    assert bool(SERVICES[service].get("ports")) == (service in ("worker", "prometheus", "alertmanager", "grafana"))
    assert settings.load(environment_of("worker")).web_bind == "0.0.0.0"


@pytest.mark.parametrize("service", OURS)
def test_every_command_is_one_that_netgrowth_takes(service: str) -> None:
    command: click.Command | None = main
    context, words = click.Context(main), list(SERVICES[service]["command"])
    while isinstance(command, click.Group):
        _, command, words = command.resolve_command(context, words)
        assert command is not None
        context = click.Context(command, parent=context)
    assert command is not None
    context = command.make_context(command.name, words)
    if command.name == "story":
        host, _, port = context.params["url"].removeprefix("http://").partition(":")
        assert host == "worker"
        assert int(port) == settings.load(environment_of("worker")).web_port


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_service_waits_for_what_can_come_about(service: str) -> None:
    for other, wanted in SERVICES[service].get("depends_on", {}).items():
        assert "profiles" not in SERVICES[other]
        check = SERVICES[other].get("healthcheck", {})
        if wanted["condition"] == "service_healthy":
            assert "test" in check
        else:
            assert wanted["condition"] == "service_completed_successfully"
            assert SERVICES[other]["restart"] == "no"
    if service == "worker":
        assert set(SERVICES[service]["depends_on"]) == {"kafka", "topics"}


@pytest.mark.parametrize("service", OURS)
def test_who_serves_no_page_is_not_asked_for_its_health(service: str) -> None:
    check = SERVICES[service]["healthcheck"]
    assert check.get("disable", False) == (SERVICES[service]["command"][0] != "worker")


def test_prometheus_reads_the_configuration_that_the_tests_run_but_for_addresses_and_rules() -> None:
    folder = ROOT / "config" / "prometheus"
    words = SERVICES["prometheus"]["command"]
    path = next(word.removeprefix("--config.file=") for word in words if word.startswith("--config.file="))
    mounted = in_tree(Path(path), SERVICES["prometheus"]["volumes"])
    files = mounted, folder / "prometheus.yml"
    compose, plain = (yaml.safe_load(file.read_text(encoding="utf-8")) for file in files)
    port = environment_of("worker")["NETGROWTH_WEB_PORT"]
    for config, worker, manager in ((compose, "worker", "alertmanager"), (plain, "localhost", "localhost")):
        assert config["scrape_configs"][0]["static_configs"] == [{"targets": [f"{worker}:{port}"]}]
        assert config["alerting"]["alertmanagers"] == [{"static_configs": [{"targets": [f"{manager}:9093"]}]}]
        for part in (config["scrape_configs"][0], config["alerting"]):
            part.clear()
    rules = SERVICES["rules"]["command"][-1]
    assert f"rules:{rules}" in SERVICES["rules"]["volumes"]
    assert "rules:/etc/netgrowth/rules:ro" in SERVICES["prometheus"]["volumes"]
    assert compose.pop("rule_files") == ["/etc/netgrowth/rules/*.yml"]
    plain.pop("rule_files")
    assert compose == plain
    # Docker gives a new volume the owner of the folder in the image.
    assert f"install -d -o 1000 -g 1000 {rules}" in DOCKERFILE


def test_alertmanager_reads_the_configuration_that_the_tests_run() -> None:
    path = next(word.split("=", 1)[1] for word in SERVICES["alertmanager"]["command"] if "config.file" in word)
    assert in_tree(Path(path), SERVICES["alertmanager"]["volumes"]) == ROOT / "config/alertmanager/alertmanager.yml"


def test_grafana_finds_boards_data_source_and_home() -> None:
    mounts, environment = SERVICES["grafana"]["volumes"], SERVICES["grafana"]["environment"]
    home = in_tree(Path(environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]), mounts)
    assert orjson.loads(home.read_bytes())["title"] == "Overview"
    provisioning = in_tree(Path("/etc/grafana/provisioning"), mounts)
    boards = yaml.safe_load((provisioning / "dashboards" / "netgrowth.yml").read_text(encoding="utf-8"))
    assert in_tree(Path(boards["providers"][0]["options"]["path"]), mounts) == home.parent
    source = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text(encoding="utf-8"))
    assert source["datasources"][0]["url"] == "http://prometheus:9090"
    assert environment["GF_AUTH_ANONYMOUS_ENABLED"] == "true"
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"


@pytest.mark.parametrize("service", OURS)
def test_services_of_ours_may_do_no_more_than_they_need(service: str) -> None:
    assert SERVICES[service]["read_only"] is True
    assert SERVICES[service]["cap_drop"] == ["ALL"]
    assert SERVICES[service]["tmpfs"] == ["/tmp"]


class _Page(BaseHTTPRequestHandler):
    """Answers with the status that the server holds, and remembers what was asked."""

    server: Any

    def do_GET(self) -> None:
        self.server.asked = self.path
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""


@pytest.mark.parametrize(("where", "path"), [("image", "/health/live"), ("worker", "/health/ready")])
def test_a_health_check_asks_its_page_and_fails_unless_that_says_yes(where: str, path: str) -> None:
    program, *words = health_checks()[where]
    assert program == "python3"
    assert path in pages()
    server: Any = HTTPServer(("127.0.0.1", 0), _Page)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    environment = {"NETGROWTH_WEB_PORT": str(server.server_port), "http_proxy": "http://127.0.0.1:9"}

    def run() -> int:
        return subprocess.run([sys.executable, *words], env=environment, capture_output=True, check=False).returncode

    try:
        for server.status, wanted in ((200, 0), (503, 1)):
            assert run() == wanted
            assert server.asked == path
    finally:
        server.shutdown()
        server.server_close()
    assert run() != 0
    assert set(health_checks()) == {"image", "worker"}
