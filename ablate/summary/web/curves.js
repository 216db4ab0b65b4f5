"use strict";
// Learning curves: the best in colour with a line of their own, the others grey.

const MOST_NAMED = 10;
const DASHES = ["", "6 3", "2 3"];

function drawCurves() {
  const holder = place("curves");
  if (!holder) return;
  const curves = page.curves.map((curve, at) => ({ ...curve, at }));
  const width = holder.clientWidth, height = Math.min(440, Math.max(280, width * 0.55));
  const svg = canvas(holder, width, height, "learning curves");
  const box = { left: 56, right: width - 14, top: 26, bottom: height - 44 };
  const known = (values) => values.filter((value) => value !== null);
  const x = scale(curves.flatMap((curve) => curve.epochs), box.left, box.right, { whole: true });
  const y = scale(known(curves.flatMap((curve) => [...curve.mean, ...(curve.low || []), ...(curve.high || [])])), box.bottom, box.top);
  frame(svg, box, x, y, "epoch", page.objective.metric);
  const marks = curves.map((curve) => {
    const named = curve.at < MOST_NAMED, node = make("g", {});
    const colour = named ? `var(--c${curve.at})` : "var(--open)";
    const line = lineOf(curve.epochs, curve.mean, x, y);
    if (curve.low && named) make("path", { d: bandOf(curve, x, y), fill: colour, "fill-opacity": 0.14 }, node);
    make("path", { class: "hit", d: line }, node);
    make("path", { class: "curve", d: line, fill: "none", stroke: colour, "stroke-width": named ? 2 : 1, opacity: named ? 1 : 0.45, "stroke-dasharray": DASHES[curve.at % 3] }, node);
    if (curve.epochs.length === 1) make("circle", { cx: x(curve.epochs[0]), cy: y(curve.mean[0]), r: 3, fill: colour }, node);
    return { node, text: `${curve.name}: ${brief(curve.mean.at(-1) ?? NaN)} after ${curve.epochs.at(-1)} epochs` };
  });
  svg.append(...marks.map(({ node }) => node).reverse()); // the best on top
  walk(holder, marks);
  const rest = curves.length - MOST_NAMED;
  legend(holder, curves.slice(0, MOST_NAMED).map((curve) => ({
    text: curve.name,
    draw: (sample) => make("line", { x1: 0, x2: 22, y1: 6, y2: 6, stroke: `var(--c${curve.at})`, "stroke-width": 2, "stroke-dasharray": DASHES[curve.at % 3] }, sample),
  })).concat(rest > 0 ? [{ text: `${rest} more`, draw: (sample) => make("line", { x1: 0, x2: 22, y1: 6, y2: 6, stroke: "var(--open)" }, sample) }] : []));
}

function lineOf(epochs, values, x, y) {
  let pen = "M";
  return epochs.map((epoch, k) => {
    if (values[k] === null) { pen = "M"; return ""; }
    const part = `${pen}${x(epoch).toFixed(1)} ${y(values[k]).toFixed(1)}`;
    pen = "L";
    return part;
  }).join("");
}

function bandOf({ epochs, low, high }, x, y) {
  const there = epochs.map((epoch, k) => [epoch, low[k], high[k]]).filter((each) => each[1] !== null && each[2] !== null);
  const upper = there.map(([epoch, , top]) => `${x(epoch)} ${y(top)}`), lower = there.map(([epoch, bottom]) => `${x(epoch)} ${y(bottom)}`);
  return `M${[...upper, ...lower.reverse()].join("L")}Z`;
}
