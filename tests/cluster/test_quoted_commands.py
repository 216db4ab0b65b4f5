"""Every `ablate` command that cluster/ quotes or runs is one that the command line accepts, and no file holds a secret."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import typer.core

from ablate.cli import app

CLUSTER = Path(__file__).parents[2] / "cluster"
TEXTS = sorted(path for path in CLUSTER.rglob("*") if path.is_file() and path.suffix not in {".lock", ".pyc"})
PLAIN = re.compile(r"""['"]?(\$|~|\.\.\.|\{|$)""")
"""What may stand where a secret would: a variable, a path, the name of a Secret, nothing."""


def quoted(path: Path) -> Iterator[str]:
    """The arguments of each `ablate COMMAND` in the code of a file; of a README, in its blocks."""
    text = path.read_text()
    if path.suffix == ".md":
        text = "\n".join(re.findall(r"^```\w*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL))
    else:
        text = "\n".join(line.removeprefix("#") for line in text.splitlines())
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        for match in re.finditer(r"(?<![\w~/-])ablate (run|plan|summarize|ui)\b([^'`#&|;]*)", line):
            if match[2].strip():  # else it is only mentioned
                yield match[1] + re.sub(r'"?\$\w+"?', "4", match[2].replace('"$@"', ""))


COMMANDS = [(path, words) for path in TEXTS for words in quoted(path)]


def test_commands_were_found_where_they_are_given() -> None:
    assert {"README.md", "slurm.sh", "shared.yaml", "grow.py"} <= {path.name for path, _ in COMMANDS}


@pytest.mark.parametrize(("path", "words"), COMMANDS, ids=[f"{path.name}-{i}" for i, (path, _) in enumerate(COMMANDS)])
def test_the_command_line_accepts_it(path: Path, words: str) -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    name, *given = shlex.split(words)
    with group.commands[name].make_context(name, given) as context:
        study = context.params.get("study")
        if isinstance(study, Path) and study.parts[0] == "search_spaces":
            assert (CLUSTER.parent / study).exists(), f"{path.name} names {study}"


def test_no_file_holds_a_secret() -> None:
    assert len(TEXTS) >= 12
    for path in TEXTS:
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            for found in re.finditer(
                r"(?i)(password|secret|auth_token|api_?key|access_key)\w*\s*[:=]\s*([^\s,}]*)", line
            ):
                assert PLAIN.match(found[2]), f"{path.name}:{number} holds {found[0]}"


def test_whatever_starts_ray_asks_for_a_token() -> None:
    starts = {
        path: path.read_text()
        for path in TEXTS
        if re.search(r"\bray start --|ray symmetric-run --|ray up|kind: Ray|ray\.init", path.read_text())
    }
    assert len(starts) >= 7
    for path, text in starts.items():
        if path.name in {"grow.py", "node.sh"}:
            continue  # one joins a Ray that runs, the other turns the token on
        assert re.search(r"RAY_AUTH_MODE=token|mode: token|bash ~/ablate/cluster/node\.sh", text), path.name
    assert "export RAY_AUTH_MODE=token" in (CLUSTER / "node.sh").read_text()
