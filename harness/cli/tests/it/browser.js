// Looks at the page from inside, and leaves what it saw in an element.
"use strict";
(() => {
  const seen = { errors: window.seenErrors, requests: performance.getEntriesByType("resource").map((entry) => entry.name) };
  const all = (selector, of = document) => [...of.querySelectorAll(selector)];

  // Nothing is wider than the window, and no text is cut off outside of what scrolls.
  seen.width = [document.documentElement.scrollWidth, window.innerWidth];
  seen.cut = all("h1, h2, h3, p, li, label, figcaption, summary, nav a")
    .filter((element) => element.offsetParent !== null && element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== "inline")
    .map((element) => element.textContent.slice(0, 40));
  seen.charts = all(".chart svg").map((svg) => svg.querySelectorAll("rect, circle, polyline, path, line").length);
  seen.labels = all(".chart svg text").length;

  // Contrast (WCAG 2.2, 1.4.3) of every text with what is behind it.
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const linear = [r, g, b].map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const contrast = (element) => {
    const style = getComputedStyle(element);
    const [text, ground] = [luminance(channels(element instanceof SVGElement ? style.fill : style.color)), luminance(behind(element))];
    return (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
  };
  const texts = all("h1, h2, h3, p, li, td, th, th button, a, label, figcaption, .bad, .dim, svg text");
  seen.texts = texts.length;
  seen.pale = texts.filter((element) => contrast(element) < 4.5).map((element) => `${element.tagName} ${element.textContent.slice(0, 40)} ${contrast(element).toFixed(2)}`);

  // Sorting, by what a keyboard reaches too.
  const figures = document.getElementById("figures");
  const column = [...figures.tHead.rows[0].cells].findIndex((head) => head.textContent === "Mgas/s");
  const button = figures.tHead.rows[0].cells[column].querySelector("button");
  const numbers = () => [...figures.tBodies[0].rows].map((row) => Number.parseFloat(row.cells[column].textContent)).filter((value) => !Number.isNaN(value));
  const sorted = (values, up) => values.every((value, at) => at === 0 || (up ? values[at - 1] <= value : values[at - 1] >= value));
  button.focus();
  seen.focus = document.activeElement === button && button.tabIndex === 0;
  button.click();
  seen.down = sorted(numbers(), false) && button.parentElement.getAttribute("aria-sort") === "descending";
  button.click();
  seen.up = sorted(numbers(), true) && button.parentElement.getAttribute("aria-sort") === "ascending";
  seen.rows = numbers().length;
  seen.scrollable = all(".scroll").every((element) => element.tabIndex === 0 && element.getAttribute("aria-label"));

  // Filtering, by words and by kind.
  const visible = () => [...figures.tBodies[0].rows].filter((row) => !row.hidden);
  const set = (id, value) => {
    const input = document.getElementById(id);
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  };
  set("find", "swaps access_list");
  seen.found = visible().map((row) => `${row.cells[0].textContent} ${row.cells[2].textContent}`);
  seen.shown = document.getElementById("shown").textContent;
  set("find", "");
  set("kind", "real blocks");
  seen.real = visible().length;

  const result = document.createElement("script");
  result.type = "application/json";
  result.id = "seen";
  result.textContent = JSON.stringify(seen);
  // The window around: a frame can be narrower than any window.
  parent.document.body.append(result);
})();
