"use strict";
// Draw everything, and again when the width changes.

function drawAll() {
  for (const draw of [drawPareto, drawEffects, drawCurves, drawParallel, drawImportance]) draw();
}

if (page.parallel.axes) readAxes();
startPareto();
startParallel();
startTrials();
drawAll();
readState();

let drawn = document.body.clientWidth, waiting = 0;
window.addEventListener("resize", () => {
  if (document.body.clientWidth === drawn) return; // a phone's address bar changes the height alone
  drawn = document.body.clientWidth;
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(drawAll);
});
