"""The image and the MLflow server, as far as they can be judged without building them."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "cluster" / "Dockerfile").read_text()
COMPOSE = ROOT / "cluster" / "compose.yaml"
INSTRUCTIONS = {"ARG", "CMD", "COPY", "ENV", "FROM", "HEALTHCHECK", "RUN", "USER", "WORKDIR"}


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (instruction, its rest)."""
    lines = [line for line in DOCKERFILE.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined.splitlines() if line.strip())]


def test_the_dockerfile_has_only_instructions_that_are_meant() -> None:
    assert {name for name, _ in instructions()} == INSTRUCTIONS


def test_everything_that_is_copied_is_in_the_project_and_reaches_the_builder() -> None:
    ignored = (ROOT / "cluster" / "Dockerfile.dockerignore").read_text().splitlines()
    sources = [
        source
        for name, rest in instructions()
        if name == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    ]
    assert len(sources) >= 6
    for source in sources:
        assert (ROOT / source).exists(), f"{source} is not there"
        assert f"!{source.split('/')[0]}" in ignored, f"{source} is kept from the builder"


def test_every_stage_stands_on_another_or_on_a_pinned_image() -> None:
    (python,) = [rest.split("=")[1] for name, rest in instructions() if name == "ARG"]
    assert re.fullmatch(r"3\.\d+\.\d+", python)
    stages: set[str] = set()
    for base, stage in (rest.split(" AS ") for name, rest in instructions() if name == "FROM"):
        assert base in stages or (base.startswith("python:${PYTHON}-") and base.endswith("bookworm"))
        stages.add(stage)
    copied = {stage for name, rest in instructions() if name == "COPY" for stage in re.findall(r"--from=(\S+)", rest)}
    assert copied <= stages and {"ablate", "mlflow"} <= stages


def test_what_is_installed_is_locked_with_hashes_and_compiled() -> None:
    installs = [
        part
        for name, rest in instructions()
        if name == "RUN"
        for part in rest.split("&&")
        if re.search(r"\bpip (install|sync)\b", part)
    ]
    assert len(installs) == 4
    own = "uv pip install --no-cache --no-deps --no-build-isolation --compile-bytecode ."
    assert all("--require-hashes" in part or part.strip() == own for part in installs)
    assert all("--compile-bytecode" in part for part in installs if "uv pip" in part)


def test_nothing_runs_as_root_and_ray_asks_for_a_token() -> None:
    names = [name for name, _ in instructions()]
    last = len(names) - 1 - names[::-1].index("RUN")
    users = [rest for name, rest in instructions() if name == "USER"]
    assert users == ["1000"]
    final = [name for name, _ in instructions()[names.index("USER") :]]
    assert "CMD" in final and instructions()[last][1].startswith("uv pip install"), "the last stages only copy"
    assert any(name == "ENV" and "RAY_AUTH_MODE=token" in rest for name, rest in instructions())


def test_no_host_is_named_where_packages_or_images_come_from() -> None:
    images = [service.get("image", "") for service in services().values()]
    assert not [image for image in images if "." in image.split("/")[0] and "/" in image]
    assert not re.search(r"https?://(?!127\.0\.0\.1)|--(extra-)?index-url", DOCKERFILE)
    assert not re.search(r"https?://|index-url", (ROOT / "cluster" / "mlflow.lock").read_text())


def test_the_servers_lock_agrees_with_the_projects() -> None:
    def pins(path: Path) -> dict[str, str]:
        return dict(re.findall(r"^([\w.-]+)==(\S+)", path.read_text(), flags=re.MULTILINE))

    server, project = pins(ROOT / "cluster" / "mlflow.lock"), pins(ROOT / "requirements.lock")
    assert {"boto3", "psycopg2-binary"} <= set(server)
    assert {name: version for name, version in server.items() if project.get(name, version) != version} == {}


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def test_a_password_comes_from_the_environment_and_must_be_set() -> None:
    for service in services().values():
        for name, value in service["environment"].items():
            if "PASSWORD" in name:
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), f"{name} may be empty, or is written down"
            elif "KEY" in name:
                assert value is None, f"{name} is written down"


def test_every_other_variable_has_a_default_that_is_safe() -> None:
    variables = re.findall(r"\$\{(\w+):?([?-])([^}]*)\}", COMPOSE.read_text())
    assert len(variables) == COMPOSE.read_text().count("${") >= 5
    defaults = {name: default for name, kind, default in variables if kind == "-"}
    assert defaults["MLFLOW_BIND"] == "127.0.0.1" and "*" not in defaults["MLFLOW_ALLOWED_HOSTS"].split(",")
    published = [port for service in services().values() for port in service.get("ports", [])]
    assert published == ["${MLFLOW_BIND:-127.0.0.1}:5000:5000"]


def test_services_build_the_image_and_keep_what_they_write_in_volumes() -> None:
    whole = yaml.safe_load(COMPOSE.read_text())
    build = services()["mlflow"]["build"]
    assert (COMPOSE.parent / build["context"] / build["dockerfile"]).resolve() == ROOT / "cluster" / "Dockerfile"
    assert f" AS {build['target']}" in DOCKERFILE
    named = {volume.split(":")[0] for service in services().values() for volume in service["volumes"]}
    assert named == set(whole["volumes"])
    assert "/artifacts" in [word for name, rest in instructions() if name == "RUN" for word in shlex.split(rest)]


@pytest.mark.slow  # imports mlflow: four seconds
@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred")  # of its own functions, when it is first imported
def test_mlflow_knows_every_option_of_the_servers_command() -> None:
    from mlflow.cli import server

    command = services()["mlflow"]["command"]
    assert command[:2] == ["mlflow", "server"]
    known = {option for parameter in server.params for option in parameter.opts}
    given = {word.split("=")[0] for word in command[2:]}
    assert {"--serve-artifacts", "--allowed-hosts", "--backend-store-uri"} <= given <= known
