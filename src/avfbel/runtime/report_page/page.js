const data = JSON.parse(document.getElementById("data").textContent);
const media = document.getElementById("media");
const clock = new Clock(media, data.duration);
const circuit = new Circuit(document.getElementById("circuit"), data, clock);
const rows = []; // of each table; known once all of the page is read
const DASHES = ["", "8 4", "2 2.5", "11 3 2 3", "16 4"];
const updates = []; // what else follows the window at the play head

function windowAt(time) {
  let [low, high] = [0, data.epp.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (data.edges[middle] <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}

function goToWindow(k) {
  const at = Math.min(Math.max(k, 0), data.epp.length - 1);
  clock.seek((data.edges[at] + data.edges[at + 1]) / 2);
}

// A panel: a title, a plot, and a legend with the values at the play head.
function panel(title, options, entries, note = "") {
  const figure = build(document.getElementById("panels"), "div", "panel");
  build(figure, "h3", "", title);
  if (note) build(figure, "p", "note", note);
  const plot = build(figure, "div", "plot");
  const legend = build(figure, "ul", "legend");
  for (const { name, swatch, value, heading } of entries) {
    const item = build(legend, "li", heading ? "head-of" : "", heading || "");
    if (heading) continue;
    const picture = draw(item, "svg", { viewBox: "0 0 28 14", "aria-hidden": "true" });
    swatch(picture);
    build(item, "span", "", name);
    const number = build(item, "b");
    if (value) updates.push((k) => { number.textContent = value(k); });
  }
  return new Plot(plot, data, clock, { label: `${title}; the numbers are in the tables below`, ...options });
}

function eppPanel() {
  const known = data.epp_low.some((low, k) => low !== null && data.epp_high[k] !== null);
  const entries = [
    { name: "EPP", swatch: (s) => draw(s, "path", { d: "M0 7H28", class: "course main" }), value: (k) => `${data.epp[k].toFixed(3)} ${side(data.epp[k])}` },
  ];
  if (known) entries.push({
    name: "interval",
    swatch: (s) => draw(s, "rect", { x: 1, y: 1, width: 26, height: 12, class: "band" }),
    value: (k) => (data.epp_low[k] === null || data.epp_high[k] === null ? "–" : `${data.epp_low[k].toFixed(3)} – ${data.epp_high[k].toFixed(3)}`),
  });
  entries.push({ name: "neutral", swatch: (s) => draw(s, "path", { d: "M0 7H28", class: "neutral" }) });
  entries.push({
    name: "outside of training",
    swatch: (s) => draw(s, "rect", { x: 0.5, y: 0.5, width: 27, height: 13, fill: "url(#outside)", class: "edge" }),
    value: (k) => (data.in_range[k] ? "no" : "yes"),
  });
  if (data.evidence.includes(false)) entries.push({
    name: "nothing seen or heard",
    swatch: (s) => draw(s, "circle", { cx: 14, cy: 7, r: 4, class: "dot blank" }),
    value: (k) => (data.evidence[k] ? "no" : "yes"),
  });
  const ticks = [{ at: 1, text: "1" }, { at: 0.5, text: "0.5", kind: "neutral" }, { at: 0, text: "0" }];
  panel("Emotional positivity (EPP)", { height: 210, low: 0, high: 1, ticks, paint: paintEpp }, entries);
}

function paintEpp(plot) {
  data.in_range.forEach((within, k) => {
    if (within || (k > 0 && !data.in_range[k - 1])) return;
    const next = data.in_range.indexOf(true, k);
    const [left, right] = [plot.x(data.edges[k]), plot.x(data.edges[next < 0 ? data.epp.length : next])];
    draw(plot.svg, "rect", { x: left, y: plot.y(1), width: right - left, height: plot.y(0) - plot.y(1), fill: "url(#outside)" });
  });
  for (const [value, word, shift] of [[1, "positive", 14], [0, "negative", -6]]) {
    draw(plot.svg, "text", { x: MARGIN.left + 6, y: plot.y(value) + shift, class: "word" }, word);
  }
  plot.band(data.epp_low, data.epp_high);
  plot.course(data.epp, { class: "course halo" });
  plot.course(data.epp, { class: "course main" });
  data.evidence.forEach((evidence, k) => {
    if (evidence && data.epp.length > 24) return;
    const middle = plot.x((data.start_s[k] + data.end_s[k]) / 2);
    draw(plot.svg, "circle", { cx: middle, cy: plot.y(data.epp[k]), r: 3.5, class: evidence ? "dot" : "dot blank" });
  });
}

function stackPanel(title, parts, height, base, note = "") {
  const sums = data.epp.map((_, k) => parts.reduce(([under, over], { values }) => (
    values[k] < 0 ? [under + values[k], over] : [under, over + values[k]]), [base, base]));
  const bottom = Math.min(base - 0.05, least(sums.map((s) => s[0])));
  const top = Math.max(base + 0.05, most(sums.map((s) => s[1])));
  const room = 0.05 * (top - bottom);
  const [low, high] = [bottom - room, top + room];
  const step = [0.05, 0.1, 0.2, 0.25, 0.5, 1].find((s) => (high - low) / s < 6) || 2;
  const ticks = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) {
    const at = k * step;
    ticks.push({ at, text: tickText(at), kind: Math.abs(at - base) < 1e-9 ? "neutral" : "grid" });
  }
  const swatch = (part) => (s) => draw(s, "rect", { x: 0.5, y: 0.5, width: 27, height: 13, fill: `url(#${part.pattern})`, class: "edge" });
  const entries = [];
  let sense = "";
  for (const part of [...parts].sort((a, b) => (a.sense || "").localeCompare(b.sense || ""))) {
    if (part.sense && part.sense !== sense) entries.push({ heading: part.sense });
    sense = part.sense;
    entries.push({ name: part.name, swatch: swatch(part), value: (k) => signed(part.values[k]) });
  }
  const paint = (plot) => {
    plot.stack(parts, base, (part) => `url(#${part.pattern})`);
    draw(plot.svg, "path", { class: "neutral", d: `M${MARGIN.left} ${plot.y(base)}H${plot.width - MARGIN.right}` });
    plot.course(data.epp, { class: "course halo" });
    plot.course(data.epp, { class: "course main" });
  };
  panel(title, { height, low, high, ticks, paint }, entries, note);
}

function emotionPanel() {
  const high = 1.05 * Math.max(0.1, ...data.emotions.map((emotion) => most(emotion.values)));
  const step = [0.05, 0.1, 0.2, 0.25, 0.5, 1].find((s) => high / s < 5) || 2;
  const ticks = [];
  for (let k = 0; k * step <= high; k++) ticks.push({ at: k * step, text: tickText(k * step) });
  const line = (emotion, i) => ({ class: "course", colour: emotion.colour, "stroke-dasharray": DASHES[i % DASHES.length] });
  const paint = (plot) => data.emotions.forEach((emotion, i) => plot.course(emotion.values, line(emotion, i)));
  panel("Emotions (1 is a full rating)", { height: 190, low: 0, high, ticks, paint }, data.emotions.map((emotion, i) => ({
    name: emotion.name,
    swatch: (s) => draw(s, "path", { d: "M0 7H28", ...line(emotion, i) }),
    value: (k) => emotion.values[k].toFixed(3),
  })));
}

function definePatterns() {
  const defs = draw(document.getElementById("circuit"), "defs");
  const outside = draw(defs, "pattern", { id: "outside", width: 7, height: 7, patternUnits: "userSpaceOnUse" });
  draw(outside, "path", { d: "M0 7L7 0", class: "hatch" });
  const used = { heard: 0, seen: 0 };
  data.sources.forEach((part, i) => {
    part.pattern = `source-${i}`;
    const texture = part.name === "all average" ? "" : TEXTURES[part.sense][used[part.sense]++ % TEXTURES[part.sense].length];
    definePattern(defs, part.pattern, part.colour, texture);
  });
  data.pathways.forEach((part, i) => {
    part.pattern = `pathway-${i}`;
    definePattern(defs, part.pattern, part.colour, ["", "M0 8L8 0", "o1.6", "M0 4H8"][i % 4]);
  });
}

function bindControls() {
  const [timeline, now, play] = ["timeline", "now", "play"].map((id) => document.getElementById(id));
  timeline.max = data.duration;
  const keys = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 };
  timeline.addEventListener("input", () => clock.seek(Number(timeline.value)));
  timeline.addEventListener("keydown", (event) => {
    if (event.key in keys) goToWindow(windowAt(clock.time) + keys[event.key]);
    else if (event.key === "Home") clock.seek(0);
    else if (event.key === "End") clock.seek(data.duration);
    else return;
    event.preventDefault();
  });
  document.getElementById("previous").addEventListener("click", () => goToWindow(windowAt(clock.time) - 1));
  document.getElementById("next").addEventListener("click", () => goToWindow(windowAt(clock.time) + 1));
  play.addEventListener("click", () => clock.toggle());
  let shown = -1;
  clock.onChange(() => {
    const k = windowAt(clock.time);
    timeline.value = clock.time;
    now.textContent = `${clockText(clock.time, 0.1, data.duration)} of ${clockText(data.duration)}${data.duration < 60 ? " s" : ""} · EPP ${data.epp[k].toFixed(2)} ${side(data.epp[k])}`;
    play.classList.toggle("playing", clock.playing);
    play.setAttribute("aria-label", clock.playing ? "Pause" : "Play");
    if (k === shown) return;
    timeline.setAttribute("aria-valuetext", `window ${k + 1} of ${data.epp.length}, from ${data.start_s[k].toFixed(1)} to ${data.end_s[k].toFixed(1)} s, EPP ${data.epp[k].toFixed(2)}, ${side(data.epp[k])}`);
    circuit.show(k);
    for (const update of updates) update(k);
    for (const bodyRows of rows) {
      bodyRows[shown]?.removeAttribute("aria-current");
      bodyRows[k]?.setAttribute("aria-current", "true");
    }
    shown = k;
  });
}

media.addEventListener("error", () => {
  clock.silent = true;
  media.hidden = true;
  document.getElementById("player-told").append(" It could not be played here: Play moves the play head without it.");
});
definePatterns();
eppPanel();
if (data.sources.length) {
  stackPanel("What the features contribute to EPP", data.sources, 300, 0.5, "Stacked from the neutral line: upwards what makes a window more positive, downwards what makes it more negative. The line is EPP: 0.5 and all contributions.");
  stackPanel("What the pathways contribute to EPP", data.pathways, 190, 0.5);
}
emotionPanel();
bindControls();
circuit.choose(circuit.regions.find((region) => region.name === "amygdala" && region.values.length) || circuit.regions[0]);
clock.seek(0);

// Tables and media come last in the file, so that the page can be used while they load.
document.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll("table")) {
    const body = table.tBodies[0];
    rows.push(body.rows);
    body.rows[windowAt(clock.time)].setAttribute("aria-current", "true");
    body.addEventListener("click", (event) => goToWindow(event.target.closest("tr").sectionRowIndex));
  }
  loadMedia(media, document.getElementById("media-data"));
});
