"use strict";
// Parallel coordinates: a line for each trial; the ends of every axis can be moved, and the table of trials follows.

const bounds = new Map(); // name of an axis -> [low, high] as shares of it, 0 to 1
const NARROWEST = 96; // pixels from axis to axis
let coordinates = []; // of each axis: name, id -> share

function readAxes() {
  const { axes = [], rows = [] } = page.parallel;
  coordinates = axes.map((name, at) => {
    const values = rows.map((row) => row[at + 1]);
    const known = values.filter((value) => value !== null);
    const numeric = known.every((value) => typeof value === "number") && new Set(known).size > 1;
    const levels = [...new Set(known)].sort((a, b) => (numeric ? a - b : String(a).localeCompare(String(b))));
    const log = numeric && levels[0] > 0 && levels.at(-1) / levels[0] > DECADES;
    const share = numeric ? scale(known, 0, 1, { logarithmic: log }) : (value) => (levels.indexOf(value) + 0.5) / levels.length;
    const shares = new Map(rows.map((row) => [row[0], row[at + 1] === null ? null : share(row[at + 1])]));
    return { name, at, numeric, levels, share, shares };
  });
}

function chosen(id) {
  return coordinates.every(({ name, shares }) => {
    const limit = bounds.get(name);
    if (!limit) return true;
    const share = shares.get(id);
    return share !== null && share !== undefined && share >= limit[0] - 1e-9 && share <= limit[1] + 1e-9;
  });
}

function drawParallel() {
  const holder = place("parallel");
  if (!holder) return;
  if (!coordinates.length) readAxes();
  const { rows, colour, sign } = page.parallel;
  const width = Math.max(holder.clientWidth, NARROWEST * coordinates.length), height = 360;
  const svg = canvas(holder, width, height, "parallel coordinates of the trials");
  const gap = (width - NARROWEST) / Math.max(1, coordinates.length - 1), top = 56, bottom = height - 24;
  const xAt = (at) => NARROWEST / 2 + at * gap, yAt = (share) => bottom - share * (bottom - top);
  const outcome = coordinates.findLast(({ name }) => name === colour);
  const quality = (id) => { const share = outcome.shares.get(id) ?? 0; return sign > 0 ? share : 1 - share; };
  const lines = make("g", {}, svg);
  const marks = [...rows].sort((a, b) => quality(a[0]) - quality(b[0])).map((row) => {
    const node = make("g", { "data-id": row[0] }, lines);
    const spots = coordinates.map(({ shares }, at) => (shares.get(row[0]) === null ? null : [xAt(at), yAt(shares.get(row[0]))]));
    const d = lineOf(spots.map((_, at) => at), spots.map((spot) => spot && spot[1]), xAt, (y) => y);
    make("path", { class: "curve", d, fill: "none", stroke: "var(--mark)", "stroke-width": 1.2 }, node);
    const text = `${row[0]}: ${coordinates.map(({ name }, at) => `${name} ${told(row[at + 1])}`).join(", ")}`;
    return { node, text, quality: quality(row[0]) };
  });
  walk(holder, marks.reverse()); // the best first
  coordinates.forEach((axis, at) => drawAxis(svg, axis, xAt(at), yAt, marks));
  shade(marks);
}

const told = (value) => (value === null ? "-" : typeof value === "number" ? brief(value) : value);

function drawAxis(svg, axis, x, yAt, marks) {
  make("line", { class: "axis", x1: x, x2: x, y1: yAt(0), y2: yAt(1) }, svg);
  const short = axis.name.replace(/^cost\//, "");
  make("text", { x, y: axis.at % 2 ? 14 : 32, "text-anchor": "middle" }, svg, short.length > 24 ? `${short.slice(0, 23)}…` : short);
  const labels = axis.numeric ? [axis.share.back(0), axis.share.back(0.5), axis.share.back(1)] : axis.levels;
  const every = Math.ceil(labels.length / 12);
  labels.forEach((value, k) => {
    if (k % every) return;
    const text = told(value);
    labelOf(svg, text.length > 13 ? `${text.slice(0, 12)}…` : text, x, yAt(axis.share(value)), axis.at === coordinates.length - 1);
  });
  for (const end of [0, 1]) handleOf(svg, axis, end, x, yAt, marks);
}

// Upon a plate, for lines run through it; of the last axis to the left, where there is room.
function labelOf(svg, text, x, y, last) {
  const plate = make("rect", { class: "plate", rx: 3 }, svg);
  const node = make("text", { class: "label", x: last ? x - 8 : x + 8, y: y + 4, "text-anchor": last ? "end" : "start" }, svg, text);
  const box = node.getBBox();
  for (const [key, value] of Object.entries({ x: box.x - 3, y: box.y - 1, width: box.width + 6, height: box.height + 2 }))
    plate.setAttribute(key, value);
}

function handleOf(svg, axis, end, x, yAt, marks) {
  const side = end ? "highest" : "lowest";
  const handle = make("path", { class: "handle", role: "slider", tabindex: 0, "aria-label": `${side} ${axis.name}`, "aria-orientation": "vertical", "aria-valuemin": 0, "aria-valuemax": 100 }, svg);
  const limits = () => bounds.get(axis.name) || [0, 1];
  const show = () => {
    const share = limits()[end], y = yAt(share), tip = end ? 9 : -9;
    handle.setAttribute("d", `M${x - 8} ${y - tip} L${x + 8} ${y - tip} L${x} ${y} Z`);
    handle.setAttribute("aria-valuenow", Math.round(share * 100));
    handle.setAttribute("aria-valuetext", axis.numeric ? brief(axis.share.back(share)) : `${Math.round(share * 100)} %`);
  };
  const set = (share) => {
    const now = [...limits()];
    now[end] = Math.min(Math.max(share, end ? now[0] : 0), end ? 1 : now[1]);
    if (now[0] === 0 && now[1] === 1) bounds.delete(axis.name); else bounds.set(axis.name, now);
    show();
    shade(marks);
    filterTrials();
  };
  handle.addEventListener("keydown", (event) => {
    const step = { ArrowUp: 0.05, ArrowDown: -0.05, PageUp: 0.2, PageDown: -0.2 }[event.key];
    if (step) set(limits()[end] + step);
    else if (event.key === "Home") set(0);
    else if (event.key === "End") set(1);
    else return;
    event.preventDefault();
  });
  handle.addEventListener("pointerdown", (event) => { handle.setPointerCapture(event.pointerId); handle.focus(); });
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const y = event.clientY - svg.getBoundingClientRect().top;
    set((yAt(0) - y) / (yAt(0) - yAt(1)));
  });
  show();
}

function shade(marks) {
  let count = 0;
  for (const { node, quality } of marks) {
    const on = chosen(node.dataset.id);
    count += on;
    node.firstChild.setAttribute("opacity", on ? 0.15 + 0.75 * quality ** 3 : 0.03);
  }
  const detail = place("parallel").parentElement.querySelector(".detail");
  if (bounds.size) detail.textContent = `${count} of ${marks.length} complete trials within the ends; the better, the stronger`;
}

function startParallel() {
  const reset = document.getElementById("parallel-reset");
  if (reset) reset.addEventListener("click", () => { bounds.clear(); drawParallel(); filterTrials(); });
}
