"""Every `ablate` command that docs/results.md quotes is accepted by the command line, its study loads with its changes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
import typer.core

from ablate.cli import app
from ablate.study.load import load_study

ROOT = Path(__file__).parents[2]


def quoted() -> list[str]:
    """The commands of the indented blocks, without what a comment says after them."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "docs" / "results.md").read_text())
    return re.findall(r"^    ablate (.+?)(?:\s+#.*)?$", text, flags=re.MULTILINE)


COMMANDS = quoted()


def test_commands_were_found() -> None:
    names = [command.split()[0] for command in COMMANDS]
    assert names.count("run") >= 14 and {"summarize", "show"} <= set(names)
    assert sum("--set" in command for command in COMMANDS) >= 4
    assert not any("..." in command or "#" in command for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_line_accepts_it(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    name, *given = shlex.split(command)
    with group.commands[name].make_context(name, given) as context:
        if name in ("run", "plan"):
            assert load_study(context.params["study"], context.params["set_"] or ()).question
