"""The cluster launcher files are accepted by the installed Ray, and their README names only commands that exist.

Nothing starts here: Ray's own validation runs offline, without cloud credentials, in under a second.
"""

import json
import re
import tomllib
from importlib.util import find_spec
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "cluster").glob("*-cluster.yaml"))
COMMANDS = [
    "initialization_commands",
    "setup_commands",
    "head_setup_commands",
    "worker_setup_commands",
    "head_start_ray_commands",
    "worker_start_ray_commands",
]
# docs/architecture.md, section 3
OPTIONS = {
    "run": "--gpus --cpus --trials --seed --data --out --address --tracking-uri --set --fresh --quiet",
    "plan": "--json",
    "summarize": "--pareto --format --output --tracking-uri --experiment",
    "list": "",
    "ui": "",
}

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)


def load(path: Path) -> dict[str, object]:
    config = yaml.safe_load(path.read_text())
    assert isinstance(config, dict), f"{path.name} is not a mapping"
    return config


def commands(config: dict[str, object]) -> list[str]:
    listed = [config.get(name, []) for name in COMMANDS]
    return [command for group in listed if isinstance(group, list) for command in group]


def test_both_launcher_files_were_found() -> None:
    assert [path.name for path in FILES] == ["local-cluster.yaml", "ray-cluster.yaml"]


@each_file
def test_a_launcher_file_satisfies_the_schema_of_the_installed_ray(path: Path) -> None:
    ray = find_spec("ray")
    assert ray is not None and ray.origin is not None, "Ray is not installed"
    schema = json.loads((Path(ray.origin).parent / "autoscaler" / "ray-schema.json").read_text())
    jsonschema.validate(load(path), schema)


@each_file
def test_a_launcher_file_passes_the_checks_of_ray_up(path: Path) -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = prepare_config(load(path))
    validate_config(config)
    # Nodes that only come on demand are not there when `ablate run --gpus 4` counts.
    workers = [kind for kind in config["available_node_types"].values() if kind["max_workers"] > 0]
    assert workers and all(kind["min_workers"] == kind["max_workers"] for kind in workers)


@each_file
def test_no_command_names_a_web_host(path: Path) -> None:
    listed = commands(load(path))
    assert len(listed) >= 8
    assert [command for command in listed if re.search(r"https?:|--(extra-)?index-url|--find-links", command)] == []


@each_file
def test_set_up_installs_the_locked_versions_with_hashes_and_bytecode(path: Path) -> None:
    installs = [command for command in commands(load(path)) if "requirements.lock --compile-bytecode" in command]
    assert len(installs) == 1 and "--require-hashes" in installs[0]


@each_file
def test_what_the_build_reads_is_copied_to_the_nodes(path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    mounts = load(path)["file_mounts"]
    assert isinstance(mounts, dict)
    assert {"pyproject.toml", "requirements.lock", "ablate", "search_spaces", project["readme"]} <= set(mounts.values())
    assert mounts["~/.ray/auth_token"] == "~/.ray/auth_token"


@each_file
def test_ray_starts_with_a_token_and_a_dashboard_for_the_head_alone(path: Path) -> None:
    listed = commands(load(path))
    starts = [command for command in listed if "ray start" in command]
    assert len(starts) == 2
    # The file that every start command reads is the one that turns the token on.
    assert any("RAY_AUTH_MODE=token" in command and "> ~/.ablate-env" in command for command in listed)
    assert all(command.startswith(". ~/.ablate-env;") and "--disable-usage-stats" in command for command in starts)
    assert ["--dashboard-host=127.0.0.1" in start for start in starts] == ["--head" in start for start in starts]


@each_file
def test_every_value_to_change_is_explained_above_it(path: Path) -> None:
    lines = path.read_text().splitlines()
    places = [i for i, line in enumerate(lines) if "CHANGE_ME" in line.split("#")[0]]
    assert len(places) >= 3
    for i in places:
        # Four lines, because a long command begins above its CHANGE_ME.
        above = [line for line in lines[max(0, i - 4) : i] if line.lstrip().startswith("#")]
        assert above, f"{path.name}:{i + 1} has no explanation"


def test_the_readme_names_only_options_that_exist() -> None:
    text = (ROOT / "cluster" / "README.md").read_text().replace("\\\n", " ")
    code = "\n".join(re.findall(r"^```\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL))
    named = re.findall(r"\bablate (run|plan|summarize|list|ui)\b([^'`#\n]*)", code)
    assert len(named) >= 3
    for command, rest in named:
        unknown = set(re.findall(r"--[a-z-]+", rest)) - set(OPTIONS[command].split())
        assert not unknown, f"`ablate {command}` has no {', '.join(sorted(unknown))}"
