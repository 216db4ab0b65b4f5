"use strict";
// Lines with intervals: the effects of an ablation (a forest plot), and the importance of a search's parameters.

const VERDICTS = { better: "--good", worse: "--bad", equivalent: "--equal", "cannot tell apart": "--open" };
const SIGNS = { better: "▲", worse: "▼", equivalent: "=", "cannot tell apart": "?" };

function drawIntervals(id, { factor, zero, unit, title }) {
  const holder = place(id);
  if (!holder) return;
  const rows = page[id];
  const width = holder.clientWidth, step = 44, height = rows.length * step + 50;
  const svg = canvas(holder, width, height, title);
  const box = { left: 8, right: width - 24, top: 4, bottom: height - 40 };
  const ends = rows.flatMap((row) => [row.low, row.mid, row.high]).filter((end) => end !== null).map((end) => end * factor);
  const x = scale(zero ? [...ends, 0] : ends, box.left + 8, box.right - 8);
  for (const value of x.ticks(Math.max(2, width / 90))) {
    make("line", { class: "grid", x1: x(value), x2: x(value), y1: box.top, y2: box.bottom }, svg);
    make("text", { class: "tick", x: x(value), y: box.bottom + 16, "text-anchor": "middle" }, svg, brief(value));
  }
  if (zero) make("line", { class: "axis", x1: x(0), x2: x(0), y1: box.top, y2: box.bottom }, svg);
  make("text", { class: "soft", x: box.right, y: box.bottom + 34, "text-anchor": "end" }, svg, title);
  walk(holder, rows.map((row, at) => {
    const y = box.top + at * step + 30, node = make("g", {}, svg);
    const colour = `var(${VERDICTS[row.verdict] || "--mark"})`;
    make("rect", { class: "hit-area", x: 0, y: y - 28, width, height: step }, node);
    const sign = row.verdict && row.n > 1 ? `${SIGNS[row.verdict]} ` : "";
    make("text", { x: box.left, y: y - 12 }, node, fitted(sign + row.name, width));
    if (row.low !== null) make("line", { x1: x(row.low * factor), x2: x(row.high * factor), y1: y, y2: y, stroke: colour, "stroke-width": 3 }, node);
    make("circle", { class: "shape", cx: x(row.mid * factor), cy: y, r: 5, fill: colour }, node);
    const spread = row.low === null ? [row.mid * factor] : [row.mid, row.low, row.high].map((end) => end * factor);
    const seeds = row.n ? `, ${row.n} seed${row.n > 1 ? "s" : ""}` : "";
    const p = row.p === null || row.p === undefined ? "" : `, Holm p ${row.p < 0.001 ? "< 0.001" : row.p.toFixed(3)}`;
    const verdict = row.n > 1 ? `: ${row.verdict}` : row.n === 1 ? ": not tested" : "";
    return { node, text: `${row.name}: ${ranged(spread)} ${unit}${seeds}${p}${verdict}` };
  }));
  const verdicts = Object.keys(VERDICTS).filter((verdict) => rows.some((row) => row.verdict === verdict && row.n > 1));
  if (verdicts.length) legend(holder, verdicts.map((verdict) => ({
    text: `${SIGNS[verdict]} ${verdict}`,
    draw: (sample) => make("circle", { cx: 11, cy: 6, r: 5, fill: `var(${VERDICTS[verdict]})` }, sample),
  })));
}

// What a line of text has room for at 12 pixels; the detail below has all of it.
function fitted(text, width) {
  const most = Math.floor((width - 16) / 6.4);
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

function drawEffects() {
  const way = page.objective.goal === "maximize" ? "right" : "left";
  drawIntervals("effects", { factor: 100, zero: true, unit: "points", title: `points (${way} is better)` });
}

function drawImportance() {
  drawIntervals("importance", { factor: 1, zero: true, unit: "of what is explained", title: "share" });
}
