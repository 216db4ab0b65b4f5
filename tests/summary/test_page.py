"""The page in a real browser: no errors, no network, sorting, filtering, keyboard, phone; and nothing is run from names."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from PIL import Image

from ablate.cli.read import with_importance
from ablate.store.read import StudyResults
from ablate.summary import page_data
from ablate.summary.page import SCRIPTS
from ablate.summary.pareto import pareto_front
from ablate.summary.render import render
from ablate.summary.search_report import search_report
from tests.summary import pages
from tests.summary.browser import Page, chromium, opened
from tests.summary.rows import of, row

browsed = pytest.mark.skipif(chromium() is None, reason="chromium is not installed")
EVIL = "</script><img src=x onerror='window.bad=1'>\"&{{ 7*7 }}"
SHOWN = "[...document.querySelectorAll('#trial-table tbody tr:not([hidden])')]"
BOX = "(b => [b.left, b.top + scrollY, b.right, b.bottom + scrollY])(document.querySelector('{}').getBoundingClientRect())"
DOWN, TAB = ("ArrowDown", 40), ("Tab", 9)


def written(study: StudyResults, folder: Path) -> Path:
    path = folder / "report.html"
    path.write_text(render(study, pareto_front(study), "html"))
    return path


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with opened(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search")
    return written(with_importance(pages.search(folder / "made-up", trials=20)), folder)


def ids(page: Page) -> list[str]:
    """Of the trials that the table shows, from top to bottom."""
    found: list[str] = page.run(f"{SHOWN}.map(r => r.dataset.id)")
    return found


@browsed
@pytest.mark.slow  # starts a browser
@pytest.mark.parametrize(("width", "dark"), [(1100, False), (390, True)])
def test_a_search_is_drawn_without_an_error_or_a_request_and_fits_the_window(
    page: Page, search: Path, width: int, dark: bool
) -> None:
    page.problems.clear()
    page.requests.clear()
    page.screen(width, 844, dark=dark)
    page.open(search)
    assert page.problems == []
    assert {url.partition(":")[0] for url in page.requests} <= {"file", "data", "about"}
    assert page.run("document.documentElement.scrollWidth") <= width
    shown = Image.open(io.BytesIO(page.picture())).convert("RGB")
    for chart, items in (("pareto", 10), ("curves", 10), ("parallel", 10), ("importance", 5)):
        assert page.run(f"document.querySelectorAll('[data-chart={chart}] .item').length") >= items, chart
        drawn = shown.crop(page.run(BOX.format(f"[data-chart={chart}] svg")))
        assert len(np.unique(np.asarray(drawn).reshape(-1, 3), axis=0)) > 30, f"nothing is to be seen of {chart}"
    ink, back = (page.run(f"getComputedStyle(document.body).{name}") for name in ("color", "backgroundColor"))
    light = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (ink, back)]
    assert (light[0] > light[1]) is dark


@browsed
@pytest.mark.slow
def test_an_ablation_is_drawn_with_its_effects(page: Page, tmp_path: Path) -> None:
    page.problems.clear()
    page.open(written(pages.ablation(tmp_path / "made-up", seeds=3, levels="[triplet, info_nce]"), tmp_path))
    assert page.problems == []
    told = page.run(
        "[...document.querySelectorAll('[data-chart=effects] .item')].map(i => i.getAttribute('aria-label'))"
    )
    assert [text.partition(":")[0] for text in told] == ["loss", "sampler", "sampler"]
    assert "points, 3 seeds, Holm p" in told[0]


@browsed
@pytest.mark.slow
def test_trials_are_sorted_by_numbers_and_filtered_by_words_of_the_address(page: Page, search: Path) -> None:
    page.open(search, "#sort=val%2Frecall_at_1&order=descending&filter=complete+mlp")
    column = "[...document.querySelectorAll('#trial-table th')].findIndex(h => h.dataset.name === 'val/recall_at_1')"
    values = page.run(f"(c => {SHOWN}.map(r => Number(r.cells[c].dataset.v)))({column})")
    assert len(values) > 3 and values == sorted(values, reverse=True)
    texts = page.run(f"{SHOWN}.map(r => r.textContent)")
    assert all("complete" in text and "mlp" in text for text in texts)
    assert page.run("document.getElementById('count').textContent").startswith(f"{len(values)} of ")
    assert page.run("document.querySelector('th[aria-sort=descending]').dataset.name") == "val/recall_at_1"


@browsed
@pytest.mark.slow
def test_heads_sort_and_the_filter_narrows_by_the_keyboard_alone(page: Page, search: Path) -> None:
    page.open(search)
    everything = ids(page)
    page.run("document.querySelector('th[data-name=trial] button').focus()")
    page.press("Enter", 13, "\r")
    page.press("Enter", 13, "\r")
    assert ids(page) == sorted(everything, reverse=True)
    assert "sort=trial" in page.run("location.hash")
    page.run("document.getElementById('filter').focus()")
    page("Input.insertText", text="failed")
    assert ids(page) == ["0003"]


@browsed
@pytest.mark.slow
def test_a_chart_is_one_stop_of_tab_and_its_marks_are_told_by_arrows(page: Page, search: Path) -> None:
    page.open(search)
    page.run("document.getElementById('pareto-log').focus()")
    page.press(*TAB)
    detail = "document.querySelector('#pareto .detail').textContent"
    first = page.run(detail)
    page.press(*DOWN)
    assert re.match(r"\d{4} .*: val/recall_at_1 ", first) and page.run(detail) != first
    page.press(*TAB)
    assert page.run("document.activeElement.closest('#pareto')") is None


@browsed
@pytest.mark.slow
def test_the_ends_of_an_axis_filter_the_trials_and_are_reset(page: Page, search: Path) -> None:
    page.open(search)
    everything = ids(page)
    page.run("document.querySelector('[role=slider][aria-label=\"lowest val/recall_at_1\"]').focus()")
    page.press("End", 35)
    best = page.run("page.parallel.rows.toSorted((a, b) => b.at(-1) - a.at(-1))[0][0]")
    assert ids(page) == [best]
    page.run("document.getElementById('parallel-reset').click()")
    assert ids(page) == everything


@browsed
@pytest.mark.slow
@pytest.mark.parametrize(("width", "dark"), [(1100, False), (390, True)])
def test_labels_of_the_parallel_axes_lie_upon_plates_over_the_lines_and_within_the_chart(
    page: Page, search: Path, width: int, dark: bool
) -> None:
    page.screen(width, 844, dark=dark)
    page.open(search)
    labels = page.run(
        "[...document.querySelectorAll('[data-chart=parallel] .label')].map(node => {"
        " const ends = (box) => [box.x, box.y, box.x + box.width, box.y + box.height];"
        " const plate = node.previousElementSibling, lines = node.parentNode.querySelector('.curve');"
        " return { text: ends(node.getBBox()), plate: ends(plate.getBBox()), fill: getComputedStyle(plate).fill,"
        "  above: !!(lines.compareDocumentPosition(plate) & 4), room: node.ownerSVGElement.viewBox.baseVal.width } })"
    )
    assert len(labels) > 10
    back = page.run("getComputedStyle(document.body).backgroundColor")
    for label in labels:
        (left, top, right, bottom), plate = label["text"], label["plate"]
        assert plate[0] < left and plate[1] < top and plate[2] > right and plate[3] > bottom
        assert label["above"] and label["fill"] == back
        assert left >= 0 and right <= label["room"], "it is cut off"


@browsed
@pytest.mark.slow
def test_an_axis_of_a_share_ends_at_1(page: Page, tmp_path: Path) -> None:
    same = of(*(row(f"000{n}", recall=1.0, flops=float(n)) for n in (1, 2)))
    page.screen(1100, 844)
    page.open(written(same, tmp_path))
    upwards = "[...document.querySelectorAll('[data-chart=pareto] .tick[text-anchor=end]')]"
    assert max(page.run(f"{upwards}.map(tick => Number(tick.textContent))")) == 1


@browsed
@pytest.mark.slow
def test_names_and_notes_are_shown_as_they_are_and_never_run(page: Page, tmp_path: Path) -> None:
    rows = [row("0001", recall=0.9, flops=1.0), row("0002", "failed", reason=EVIL), row("0003", recall=0.8, flops=2.0)]
    rows = [replace(each, params={**each.params, "note": EVIL + each.id}, arm=EVIL) for each in rows]
    page.problems.clear()
    page.open(written(replace(of(*rows), study=EVIL, question=EVIL, environment={EVIL: EVIL}), tmp_path))
    assert page.run("window.bad") is None and page.run("document.images.length") == 0 and page.problems == []
    assert page.run("document.querySelector('h1').textContent") == EVIL
    assert page.run("document.querySelector('tr[data-id=\"0002\"]').lastElementChild.textContent") == EVIL


@pytest.mark.slow  # reads 25,000 reports
def test_five_hundred_trials_of_fifty_epochs_take_under_five_megabytes(tmp_path: Path) -> None:
    study = pages.repeated(pages.search(tmp_path / "made-up", trials=19, epochs=50), times=25)
    assert len(study.trials) >= 500
    text = render(study, pareto_front(study), "html")
    assert text.count("<tr data-id=") == len(study.trials)
    assert len(text.encode()) < 5e6


def test_the_names_of_numbers_are_gathered_once_a_chart_not_once_a_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read from every trial: of 10,000 trials the page took minutes."""
    gather = Mock(wraps=page_data.number_names)
    monkeypatch.setattr(page_data, "number_names", gather)
    found = of(*(row(f"{number:04d}", recall=number / 100, flops=float(number)) for number in range(50)))
    front = pareto_front(found)
    assert len(page_data.page_data(found, front, search_report(found, front))["pareto"]["points"]) == 50
    assert gather.call_count == 1


def test_the_page_says_how_to_repeat_the_study_and_where_it_ran(tmp_path: Path) -> None:
    text = render(study := pages.search(tmp_path / "made-up", trials=4), pareto_front(study), "html")
    assert "ablate run made-up.yaml" in text and "algorithm: random" in text and "trials: 4" in text
    assert f"<dd>{study.environment['version.torch']}</dd>" in text
    bare = render(of(), pareto_front(of()), "html")
    assert "Not known: this study was run before its environment was written down" in bare


@pytest.mark.slow  # builds the package
def test_the_wheel_has_the_template_the_style_and_every_script(tmp_path: Path) -> None:
    import shutil
    import subprocess
    import sys

    root = Path(__file__).parents[2]
    source = tmp_path / "source"
    shutil.copytree(root / "ablate", source / "ablate", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(root / name, source)
    build = "import setuptools.build_meta as b; b.build_wheel('dist')"
    subprocess.run([sys.executable, "-c", build], cwd=source, capture_output=True, check=True)
    (wheel,) = (source / "dist").glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"ablate/summary/web/{name}" for name in ("report.html", "report.css", *SCRIPTS)} <= names
