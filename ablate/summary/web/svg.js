"use strict";
// What every chart is drawn with: elements, scales, axes. Text is set as text, never read as markup.

const page = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const DECADES = 30; // a number that spans more than this ratio is drawn on a logarithmic axis

function make(name, attributes = {}, parent = null, text = null) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== null) node.textContent = text;
  if (parent) parent.append(node);
  return node;
}

function place(id) {
  return document.querySelector(`[data-chart="${id}"]`);
}

function canvas(holder, width, height, label) {
  holder.replaceChildren();
  return make("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": label }, holder);
}

// 0.7646, 3.1, 12,300,000 -> at most four digits, thousands as k, M, G.
function brief(value) {
  const size = Math.abs(value);
  for (const [unit, power] of [["G", 1e9], ["M", 1e6], ["k", 1e4]])
    if (size >= power) return `${+(value / (unit === "k" ? 1e3 : power)).toPrecision(4)} ${unit}`;
  return String(+value.toPrecision(4));
}

// `bounds` are the least and the greatest value that there can be; null where nothing bounds them.
function scale(values, from, to, { logarithmic = false, whole = false, bounds = [null, null] } = {}) {
  let low = Math.min(...values), high = Math.max(...values);
  if (low === high) [low, high] = [low - (Math.abs(low) || 1) * 0.1, high + (Math.abs(high) || 1) * 0.1];
  [low, high] = [Math.max(low, bounds[0] ?? -Infinity), Math.min(high, bounds[1] ?? Infinity)];
  const log = logarithmic && low > 0;
  const bend = log ? Math.log10 : (value) => value;
  const span = bend(high) - bend(low);
  const at = (value) => from + ((bend(value) - bend(low)) / span) * (to - from);
  at.back = (pixel) => {
    const bent = bend(low) + ((pixel - from) / (to - from)) * span;
    return log ? 10 ** bent : bent;
  };
  at.ticks = (count) => (log ? logTicks(low, high, count) : linearTicks(low, high, count, whole ? 1 : 0));
  return at;
}

function linearTicks(low, high, count, least) {
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(least, [1, 2, 5, 10].map((times) => times * power).find((each) => each >= rough));
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high + step * 1e-9; k++) found.push(k * step);
  return found;
}

function logTicks(low, high, count) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const times of [1, 2, 5]) {
      const value = times * 10 ** power;
      if (value >= low && value <= high) found.push(value);
    }
  const tens = found.filter((value) => Math.abs(Math.log10(value) % 1) < 1e-9);
  return found.length <= count + 2 || tens.length < 2 ? found.filter((_, k) => k % Math.ceil(found.length / (count + 1)) === 0) : tens;
}

// Grid, tick labels and titles of a chart with two axes; `box` is {left, right, top, bottom} in pixels.
function frame(svg, box, x, y, titleX, titleY) {
  for (const value of x.ticks(Math.max(3, (box.right - box.left) / 80))) {
    make("line", { class: "grid", x1: x(value), x2: x(value), y1: box.top, y2: box.bottom }, svg);
    make("text", { class: "tick", x: x(value), y: box.bottom + 16, "text-anchor": "middle" }, svg, brief(value));
  }
  for (const value of y.ticks((box.bottom - box.top) / 50)) {
    make("line", { class: "grid", x1: box.left, x2: box.right, y1: y(value), y2: y(value) }, svg);
    make("text", { class: "tick", x: box.left - 6, y: y(value) + 4, "text-anchor": "end" }, svg, brief(value));
  }
  make("text", { class: "soft", x: box.right, y: box.bottom + 34, "text-anchor": "end" }, svg, titleX);
  make("text", { class: "soft", x: 2, y: 12 }, svg, titleY);
}

function ranged(spread) {
  return spread.length > 1 ? `${brief(spread[0])} [${brief(spread[1])}, ${brief(spread[2])}]` : brief(spread[0]);
}

function legend(holder, entries) {
  const list = document.createElement("ul");
  list.className = "legend";
  for (const { text, draw } of entries) {
    const item = document.createElement("li");
    const sample = make("svg", { width: 22, height: 12, "aria-hidden": "true" });
    draw(sample);
    item.append(sample, text);
    list.append(item);
  }
  holder.append(list);
}
