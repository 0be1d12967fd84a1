// Looks at the page of a profile from inside, and leaves what it saw in an element.
"use strict";
(() => {
  const seen = { errors: window.seenErrors, requests: performance.getEntriesByType("resource").map((entry) => entry.name) };
  const count = (selector) => document.querySelectorAll(selector).length;
  const graph = document.getElementById("graph");
  const box = () => graph.querySelector("svg").getAttribute("viewBox");
  const press = (key) => graph.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  seen.width = [document.documentElement.scrollWidth, window.innerWidth];
  seen.dots = count("#graph circle");
  seen.lines = count("#graph line");
  seen.rows = count("#hot tr");
  const boxes = [box()];
  for (const key of ["ArrowRight", "+", "n"]) {
    press(key);
    boxes.push(box());
  }
  seen.moved = new Set(boxes).size;
  seen.told = document.getElementById("told").textContent;
  press("0");
  seen.fitted = box() === boxes[0];
  const filter = document.getElementById("filter");
  filter.value = "volume";
  filter.dispatchEvent(new Event("input"));
  seen.filtered = count("#graph line");
  filter.value = "no such place";
  filter.dispatchEvent(new Event("input"));
  seen.none = count("#graph line");
  const result = document.createElement("script");
  result.type = "application/json";
  result.id = "seen";
  result.textContent = JSON.stringify(seen);
  parent.document.body.append(result);
})();
