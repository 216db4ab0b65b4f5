"""Tables as LaTeX, for a paper: booktabs rules, one `table` each; needs \\usepackage{booktabs}."""

from __future__ import annotations

from collections.abc import Sequence

from ablate.summary.table import SHADES, Report, Table

SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    **dict.fromkeys(SHADES.strip(), ""),  # a heat map is read by its numbers; these are no characters of a text font
}


def as_latex(report: Report) -> str:
    """The answer as comments, then all tables."""
    answer = "".join(f"% {line}\n" for line in report.answer)
    return "\n".join([answer, *(_table(table) for table in report.tables)])


def _table(table: Table) -> str:
    columns = "".join("l" if table.is_words(position) else "r" for position in range(len(table.heads)))
    lines = [
        r"\begin{table}",
        rf"\caption{{{escaped(table.title)}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        _row(table.heads),
        r"\midrule",
        *map(_row, table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        *(rf"\par\footnotesize {escaped(line)}" for line in table.note.splitlines() if SHADES.strip() not in line),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return " & ".join(map(escaped, cells)) + r" \\"


def escaped(text: str) -> str:
    """Text that LaTeX prints as it is."""
    return "".join(SPECIAL.get(character, character) for character in text).rstrip()
