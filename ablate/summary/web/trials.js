"use strict";
// The table of trials: sorted by a click on a head, filtered by words; both stand in the address (#sort=...&filter=...).

const table = document.getElementById("trial-table");
const filter = document.getElementById("filter");
const order = { name: "", descending: false };

function sortTrials() {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  const at = heads.findIndex((head) => head.dataset.name === order.name);
  heads.forEach((head, k) => head.setAttribute("aria-sort", k !== at ? "none" : order.descending ? "descending" : "ascending"));
  if (at < 0) return;
  const way = order.descending ? -1 : 1;
  const key = (row) => { const { v } = row.cells[at].dataset; return v === undefined ? row.cells[at].textContent : Number(v); };
  const empty = (value) => value === "" || value === "-" || Number.isNaN(value); // last, whichever way
  const compare = (a, b) => {
    if (empty(a) || empty(b)) return empty(a) - empty(b);
    return way * (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
  };
  const rows = [...body.rows].map((row) => [key(row), row]);
  rows.sort(([a], [b]) => compare(a, b));
  body.append(...rows.map(([, row]) => row));
}

function filterTrials() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = [...table.tBodies[0].rows];
  let count = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !(words.every((word) => text.includes(word)) && chosen(row.dataset.id));
    count += !row.hidden;
  }
  document.getElementById("count").textContent = `${count} of ${rows.length}`;
}

function noteState() {
  const state = new URLSearchParams();
  if (order.name) state.set("sort", order.name);
  if (order.descending) state.set("order", "descending");
  if (filter.value) state.set("filter", filter.value);
  history.replaceState(null, "", `#${state}`);
}

function readState() {
  const state = new URLSearchParams(location.hash.slice(1));
  if (![...state.keys()].some((key) => ["sort", "order", "filter"].includes(key))) return; // a link to a section
  order.name = state.get("sort") || "";
  order.descending = state.get("order") === "descending";
  filter.value = state.get("filter") || "";
  sortTrials();
  filterTrials();
}

function startTrials() {
  for (const head of table.tHead.rows[0].cells)
    head.querySelector("button").addEventListener("click", () => {
      order.descending = order.name === head.dataset.name && !order.descending;
      order.name = head.dataset.name;
      sortTrials();
      noteState();
    });
  filter.addEventListener("input", () => { filterTrials(); noteState(); });
  window.addEventListener("hashchange", readState);
}
