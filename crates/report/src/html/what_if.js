"use strict";
// Moves a threshold along a histogram and recounts. The exact counts at every position lie in the page.
for (const box of document.querySelectorAll(".what-if")) {
  const steps = JSON.parse(box.querySelector("script").textContent);
  const part = (name) => box.querySelector(name);
  const slider = part("input"), reset = part("button"), line = box.parentElement.querySelector(".moved");
  const deployed = part(".at").textContent, start = part("output").textContent;
  const [low, high] = steps.range;

  const row = (name, counts, i) => {
    const defect = counts.reached[i], review = Math.max(counts.not_ok - defect, 0);
    const cells = { defect, review, ok: counts.all - defect - review };
    for (const [what, count] of Object.entries(cells)) {
      const cell = part(`.${name} .${what}`);
      if (!cell) continue;
      cell.querySelector(".count").textContent = count;
      cell.querySelector(".quiet").textContent =
        counts.all === 0 ? "\u2013" : `${((100 * count) / counts.all).toFixed(1)}\u00a0%`;
    }
  };

  const show = () => {
    const i = Number(slider.value), moved = i !== steps.deployed;
    const threshold = moved ? String(Number(steps.thresholds[i].toPrecision(5))) : start;
    part("output").textContent = threshold;
    slider.setAttribute("aria-valuetext", threshold);
    part(".at").textContent = moved ? `What if the threshold were ${threshold}` : deployed;
    part(".oracle").hidden = !moved;
    part("table").classList.toggle("moved", moved);
    reset.disabled = !moved;
    row("good", steps.good, i);
    row("bad", steps.bad, i);
    const x = 16 + (448 * (steps.thresholds[i] - low)) / (high - low);
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
    line.setAttribute("visibility", moved ? "visible" : "hidden");
  };

  slider.addEventListener("input", show);
  reset.addEventListener("click", () => {
    slider.value = steps.deployed;
    show();
    slider.focus();
  });
  // A reload may bring back where the slider stood.
  show();
  part(".slider").hidden = false;
}
