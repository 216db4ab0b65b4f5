"use strict";
// Marks that can be pointed at, tapped, and walked through by the arrow keys: a chart is one stop of the Tab key.

function walk(holder, marks) {
  const detail = holder.parentElement.querySelector(".detail");
  marks.forEach(({ node, text, open }, at) => {
    node.classList.add("item");
    node.setAttribute("role", open ? "button" : "img");
    node.setAttribute("aria-label", text);
    node.setAttribute("tabindex", at === 0 ? 0 : -1);
    const tell = () => { detail.textContent = text; };
    node.addEventListener("mouseenter", tell);
    node.addEventListener("focus", tell);
    node.addEventListener("click", () => (open ? open() : node.focus()));
    node.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const to = event.key === "Home" ? 0 : event.key === "End" ? marks.length - 1 : at + (step || 0);
      if ((event.key === "Enter" || event.key === " ") && open) open();
      else if (to === at && !step) return;
      else {
        const next = marks[Math.min(Math.max(to, 0), marks.length - 1)].node;
        node.setAttribute("tabindex", -1);
        next.setAttribute("tabindex", 0);
        next.focus({ preventScroll: true });
      }
      event.preventDefault();
    });
  });
}
