"""The cluster launcher files are accepted by the installed Ray and make every node alike.

Nothing starts here: Ray's own validation runs offline, without cloud credentials, in under a second.
"""

import json
import re
import subprocess
import tomllib
from importlib.util import find_spec
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "cluster").glob("*-cluster.yaml"))
NODE = ROOT / "cluster" / "node.sh"
COMMANDS = [
    "initialization_commands",
    "setup_commands",
    "head_setup_commands",
    "worker_setup_commands",
    "head_start_ray_commands",
    "worker_start_ray_commands",
]
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)


def load(path: Path) -> dict[str, object]:
    config = yaml.safe_load(path.read_text())
    assert isinstance(config, dict), f"{path.name} is not a mapping"
    return config


def autoscaler() -> Path:
    ray = find_spec("ray")
    assert ray is not None and ray.origin is not None, "Ray is not installed"
    return Path(ray.origin).parent / "autoscaler"


def commands(config: dict[str, object]) -> list[str]:
    listed = [config.get(name, []) for name in COMMANDS]
    return [command for group in listed if isinstance(group, list) for command in group]


def test_all_launcher_files_were_found() -> None:
    assert [path.name for path in FILES] == ["aws-cluster.yaml", "gcp-cluster.yaml", "local-cluster.yaml"]


@each_file
def test_a_launcher_file_satisfies_the_schema_of_the_installed_ray(path: Path) -> None:
    jsonschema.validate(load(path), json.loads((autoscaler() / "ray-schema.json").read_text()))


@each_file
def test_a_launcher_file_passes_the_checks_of_ray_up(path: Path) -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = prepare_config(load(path))
    validate_config(config)
    workers = [kind for kind in config["available_node_types"].values() if kind["max_workers"] > 0]
    assert workers
    if config["provider"]["type"] != "local":
        assert all(kind["min_workers"] == 0 for kind in workers), "machines that are rented come and go"
        assert config["available_node_types"]["head"]["resources"]["CPU"] == 0, "no trial runs on the head"


@each_file
def test_a_launcher_file_knows_every_key_of_its_provider(path: Path) -> None:
    """Ray ignores keys that it does not know: what stands in none of its defaults is a slip of the pen."""
    config = load(path)
    provider = config["provider"]
    assert isinstance(provider, dict)
    defaults = yaml.safe_load((autoscaler() / provider["type"] / "defaults.yaml").read_text())
    assert set(config) <= {*defaults, "provider"} and set(provider) <= set(defaults.get("provider", provider))
    nodes = config.get("available_node_types", {})
    assert isinstance(nodes, dict)
    assert {key for node in nodes.values() for key in node} <= {
        "resources",
        "node_config",
        "min_workers",
        "max_workers",
    }


@each_file
def test_no_command_names_a_web_host(path: Path) -> None:
    listed = commands(load(path))
    assert len(listed) >= 5
    assert [command for command in listed if re.search(r"https?:|--(extra-)?index-url|--find-links", command)] == []


@each_file
def test_every_node_is_set_up_by_the_one_script(path: Path) -> None:
    setup = load(path)["setup_commands"]
    assert isinstance(setup, list) and setup[-1] == "bash ~/ablate/cluster/node.sh"


def test_the_script_is_bash_and_installs_the_locked_versions_with_hashes_and_bytecode() -> None:
    assert subprocess.run(["bash", "-n", NODE], check=False).returncode == 0
    installs = [line for line in NODE.read_text().splitlines() if "-r requirements.lock" in line]
    assert len(installs) == 1 and "--require-hashes --compile-bytecode" in installs[0]


@each_file
def test_what_the_build_reads_is_copied_to_the_nodes(path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    mounts = load(path)["file_mounts"]
    assert isinstance(mounts, dict)
    assert {"pyproject.toml", "requirements.lock", "ablate", "cluster", "search_spaces", project["readme"]} <= set(
        mounts.values()
    )
    assert mounts["~/.ray/auth_token"] == "~/.ray/auth_token"


@each_file
def test_ray_starts_with_a_token_and_a_dashboard_for_the_head_alone(path: Path) -> None:
    listed = commands(load(path))
    starts = [command for command in listed if "ray start" in command]
    assert len(starts) == 2
    assert "export RAY_AUTH_MODE=token" in NODE.read_text(), "the file that every start reads turns the token on"
    assert all(command.startswith(". ~/.ablate-env;") and "--disable-usage-stats" in command for command in starts)
    assert ["--dashboard-host=127.0.0.1" in start for start in starts] == ["--head" in start for start in starts]


@each_file
def test_every_value_to_change_is_explained_above_it(path: Path) -> None:
    lines = path.read_text().splitlines()
    places = [i for i, line in enumerate(lines) if "CHANGE_ME" in line.split("#")[0]]
    assert len(places) >= 2
    for i in places:
        # Four lines, because a long command begins above its CHANGE_ME.
        above = [line for line in lines[max(0, i - 4) : i] if line.lstrip().startswith("#")]
        assert above, f"{path.name}:{i + 1} has no explanation"
