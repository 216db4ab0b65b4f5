"""Imports run downward only, and heavy libraries stay where they belong; each forbidden import is named with file and line."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "ablate"

RANKS = {
    "types": 0,
    "errors": 0,
    "metrics": 1,
    "objects": 1,
    "catalogue": 2,
    "study": 3,
    "cost": 3,
    "training": 4,
    "store": 4,
    "engine": 5,
    "serve": 5,
    "summary": 5,
    "cli": 6,
    "__init__": 7,  # the public face may show anything
}
"""Floor of every folder and every file of the root; a file imports from lower floors, or from its own folder."""

AT_HOME = {"ray": {"engine"}, "mlflow": {"store"}, "optuna": {"store"}}
"""Library -> the only floors that import it."""

NO_TORCH = {"types", "errors", "objects", "study", "store", "engine", "summary", "cli", "__init__"}
"""Floors that the command line stands on: torch costs two seconds, which a refusal does not have."""
MAY_LOAD_TORCH = {"engine/distributed.py", "engine/failing.py"}
"""Files of those floors that import torch inside a function."""


@dataclass(frozen=True)
class Import:
    """One import statement."""

    file: str
    """Relative to the package: engine/run.py."""
    line: int
    module: str
    """Absolute name: ablate.study.load."""
    in_function: bool
    for_types: bool
    """Below `if TYPE_CHECKING`: never carried out."""

    @property
    def floor(self) -> str:
        return self.file.split("/")[0].removesuffix(".py")

    def __str__(self) -> str:
        return f"ablate/{self.file}:{self.line} imports {self.module}"


def imports(root: Path) -> list[Import]:
    """Every import of every file below `root`, also inside functions."""
    return [each for path in sorted(root.rglob("*.py")) for each in _of_file(root, path)]


def _of_file(root: Path, path: Path) -> Iterator[Import]:
    file = path.relative_to(root).as_posix()
    package = ["ablate", *path.relative_to(root).parts[:-1]]

    def walk(node: ast.AST, in_function: bool, for_types: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            names: list[str] = []
            if isinstance(child, ast.Import):
                names = [alias.name for alias in child.names]
            elif isinstance(child, ast.ImportFrom):
                base = package[: len(package) - child.level + 1] if child.level else []
                module = ".".join([*base, *([child.module] if child.module else [])])
                names = [f"{module}.{alias.name}" for alias in child.names]
            yield from (Import(file, child.lineno, name, in_function, for_types) for name in names)  # type: ignore[attr-defined]
            function = in_function or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            typed = for_types or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test))
            yield from walk(child, function, typed)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), in_function=False, for_types=False)


def upward(found: list[Import]) -> list[str]:
    """Imports of a floor above, or of another folder on the same one."""
    wrong = []
    for each in found:
        package, _, rest = each.module.partition(".")
        if package != "ablate" or not rest:
            continue
        target = rest.split(".")[0]
        assert target in RANKS and each.floor in RANKS, f"{each}: give its floor a rank in tests/test_layers.py"
        if target != each.floor and RANKS[target] >= RANKS[each.floor]:
            wrong.append(str(each))
    return wrong


def out_of_place(found: list[Import]) -> list[str]:
    """Imports of ray, mlflow or optuna outside their floor."""
    libraries = [(each, each.module.split(".")[0]) for each in found]
    return [str(each) for each, library in libraries if each.floor not in AT_HOME.get(library, {each.floor})]


def too_slow(found: list[Import]) -> list[str]:
    """Imports of torch by what the command line loads."""
    return [
        str(each)
        for each in found
        if each.module.split(".")[0] in ("torch", "torchvision", "pytorch_metric_learning")
        and each.floor in NO_TORCH
        and not each.for_types
        and not (each.in_function and each.file in MAY_LOAD_TORCH)
    ]


IMPORTS = imports(ROOT)


def test_the_files_are_found() -> None:
    assert len(list(ROOT.rglob("*.py"))) >= 50
    assert len(IMPORTS) > 300
    assert {each.module.split(".")[0] for each in IMPORTS} >= {"ablate", "ray", "mlflow", "optuna", "torch"}


def test_imports_run_downward_only() -> None:
    assert upward(IMPORTS) == []


def test_ray_mlflow_and_optuna_are_imported_by_their_own_floor_only() -> None:
    assert out_of_place(IMPORTS) == []


def test_torch_is_not_imported_by_what_the_command_line_loads() -> None:
    assert too_slow(IMPORTS) == []


@pytest.mark.parametrize(
    ("file", "text", "check"),
    [
        ("study/a.py", "from ablate.training.loop import train", upward),
        ("study/a.py", "def f():\n    from ablate import cli", upward),
        ("study/a.py", "from ..engine import run", upward),
        ("store/a.py", "import ablate.training.loop", upward),
        ("types.py", "import ablate.errors", upward),
        ("training/a.py", "def f():\n    import ray", out_of_place),
        ("engine/a.py", "from mlflow import MlflowClient", out_of_place),
        ("summary/a.py", "import optuna.importance", out_of_place),
        ("engine/a.py", "import torch", too_slow),
        ("engine/in_process.py", "from torch import nn", too_slow),
        ("study/a.py", "def f():\n    import torch", too_slow),
    ],
)
def test_a_planted_import_is_found(tmp_path: Path, file: str, text: str, check: object) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(text)
    line = text.count("\n") + 1
    assert callable(check)
    assert [words.partition(" ")[0] for words in check(imports(tmp_path))] == [f"ablate/{file}:{line}"]
