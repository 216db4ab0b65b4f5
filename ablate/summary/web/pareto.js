"use strict";
// Quality against cost: any two numbers against each other, with the front through them.

const WORDS = { front: "on the front", possible: "possibly on the front", dominated: "dominated" };

// Of [{x, y}], those that no other beats; less is better after the signs. Equal ones are all on it.
function frontOf(points, signX, signY) {
  const key = (point) => [signX * point.x, signY * point.y];
  const sorted = [...points].sort((a, b) => key(a)[0] - key(b)[0] || key(a)[1] - key(b)[1]);
  const found = [];
  for (const point of sorted) {
    const last = found.at(-1);
    const equal = last && last.x === point.x && last.y === point.y;
    if (!last || equal || key(point)[1] < key(last)[1]) found.push(point);
  }
  return found;
}

function drawPareto() {
  const holder = place("pareto");
  if (!holder) return;
  const { points, axes, knee, x: toldX, y: toldY } = page.pareto;
  const nameX = document.getElementById("pareto-x").value, nameY = document.getElementById("pareto-y").value;
  const [axisX, axisY] = [nameX, nameY].map((name) => axes.find((axis) => axis.name === name));
  const told = nameX === toldX && nameY === toldY;
  const shown = points.filter((point) => point.values[nameX] && point.values[nameY])
    .map((point) => ({ ...point, x: point.values[nameX][0], y: point.values[nameY][0] }));
  const width = holder.clientWidth, height = Math.min(460, Math.max(300, width * 0.6));
  const svg = canvas(holder, width, height, `${nameY} against ${nameX}`);
  if (!shown.length) return;
  const box = { left: 56, right: width - 14, top: 26, bottom: height - 44 };
  const ends = (name) => shown.flatMap((point) => point.values[name]);
  const x = scale(ends(nameX), box.left + 12, box.right - 12, { logarithmic: document.getElementById("pareto-log").checked, bounds: axisX.bounds });
  const y = scale(ends(nameY), box.bottom - 10, box.top + 10, { bounds: axisY.bounds });
  const better = (axis) => `${axis.name} (${axis.sign > 0 ? "less" : "more"} is better)`;
  frame(svg, box, x, y, better(axisX), better(axisY));
  const front = frontOf(shown, axisX.sign, axisY.sign);
  const corner = (from, to) => `V${y(from.y)} H${x(to.x)} V${y(to.y)}`;
  const path = front.map((point, k) => (k ? corner(front[k - 1], point) : `M${x(point.x)} ${y(point.y)}`)).join(" ");
  make("path", { d: path, fill: "none", stroke: "var(--mark)", "stroke-opacity": 0.55 }, svg);
  const marks = [...shown].sort((a, b) => a.x - b.x).map((point) => markOf(svg, point, { x, y, nameX, nameY, front, told, knee }));
  for (const { node } of marks) if (node.dataset.standing !== "dominated") svg.append(node); // on top
  walk(holder, marks);
  legend(holder, Object.keys(WORDS).filter((key) => marks.some(({ node }) => node.dataset.standing === key))
    .map((key) => ({ text: WORDS[key], draw: (sample) => shapeOf(sample, key, 11, 6) })));
}

function shapeOf(parent, standing, x, y) {
  if (standing === "possible")
    return make("path", { class: "shape", d: `M${x} ${y - 6} L${x + 6} ${y} L${x} ${y + 6} L${x - 6} ${y} Z`, fill: "var(--possible)" }, parent);
  const [r, fill] = standing === "front" ? [6, "var(--mark)"] : [3.5, "var(--open)"];
  return make("circle", { class: "shape", cx: x, cy: y, r, fill }, parent);
}

function markOf(svg, point, { x, y, nameX, nameY, front, told, knee }) {
  const onFront = front.some((other) => other.name === point.name);
  // Standings by intervals are of the report's own objectives: other axes only tell who is on the front through them.
  const standing = onFront ? "front" : (told && point.standing) || "dominated";
  const node = make("g", { "data-standing": standing }, svg);
  const [px, py] = [x(point.x), y(point.y)];
  make("circle", { class: "hit-area", cx: px, cy: py, r: 12 }, node);
  const bar = { stroke: standing === "possible" ? "var(--possible)" : "var(--open)", "stroke-opacity": 0.7 };
  const [sx, sy] = [point.values[nameX], point.values[nameY]];
  if (sy.length > 1) make("line", { ...bar, x1: px, x2: px, y1: y(sy[1]), y2: y(sy[2]) }, node);
  if (sx.length > 1) make("line", { ...bar, y1: py, y2: py, x1: x(sx[1]), x2: x(sx[2]) }, node);
  if (told && point.name === knee) make("circle", { cx: px, cy: py, r: 11, fill: "none", stroke: "var(--knee)", "stroke-width": 2 }, node);
  shapeOf(node, standing, px, py);
  const who = point.label === point.name ? point.name : `${point.name} ${point.label}`;
  const role = told && point.name === knee ? "knee of the front" : WORDS[standing];
  const text = `${who}: ${nameY} ${ranged(sy)}, ${nameX} ${ranged(sx)}; ${role}`;
  return { node, text, open: () => { document.getElementById("filter").value = point.name; filterTrials(); document.getElementById("trials").scrollIntoView(); } };
}

function startPareto() {
  const { axes, points, x, y } = page.pareto;
  for (const [id, chosen] of [["pareto-x", x], ["pareto-y", y]]) {
    const select = document.getElementById(id);
    if (!select) return;
    for (const { name } of axes) select.append(new Option(name, name, name === chosen, name === chosen));
    select.addEventListener("change", drawPareto);
  }
  const values = points.flatMap((point) => (point.values[x] ? [point.values[x][0]] : []));
  const log = document.getElementById("pareto-log");
  log.checked = Math.min(...values) > 0 && Math.max(...values) / Math.min(...values) > DECADES;
  log.addEventListener("change", drawPareto);
}
