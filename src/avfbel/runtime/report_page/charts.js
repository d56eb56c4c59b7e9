const SVG = "http://www.w3.org/2000/svg";
const MARGIN = { left: 40, right: 10, top: 8, bottom: 22 };

function draw(parent, tag, attributes = {}, text = "") {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "colour") element.style.setProperty("--c", value);
    else element.setAttribute(name, value);
  }
  if (text) element.textContent = text;
  parent.append(element);
  return element;
}

function build(parent, tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  parent.append(element);
  return element;
}

// Three significant digits, with a true minus sign; a dash for what is not known.
function written(value) {
  if (value === null || value === undefined) return "–";
  if (value === 0) return "0";
  const text = Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
  return text.replace("-", "−");
}

// A round number beside an axis.
function tickText(value) { return String(Number(value.toFixed(2))).replace("-", "−"); }

// Least and most of any number of values (as arguments, there may be too many).
function least(values) { return values.reduce((a, b) => Math.min(a, b), Infinity); }

function most(values) { return values.reduce((a, b) => Math.max(a, b), -Infinity); }

function signed(value) {
  const text = Math.abs(value).toFixed(3);
  return (Number(text) === 0 ? "" : value < 0 ? "−" : "+") + text;
}

// Textures tell apart without colour: lines for what is heard, spots for what is seen.
const TEXTURES = {
  heard: ["", "M0 8L8 0", "M0 0L8 8", "M4 0V8", "M0 4H8", "M0 8L8 0M0 0L8 8", "M0 2H8M0 6H8"],
  seen: ["o1.4", "o2.6", "M1 4H7M4 1V7", "M2 2H6V6H2z", "M0 6L4 2L8 6"],
};

function definePattern(defs, name, colour, texture) {
  const pattern = draw(defs, "pattern", { id: name, width: 8, height: 8, patternUnits: "userSpaceOnUse" });
  draw(pattern, "rect", { width: 8, height: 8, class: "fill", colour });
  if (!texture) return;
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const bright = 0.3 * red + 0.59 * green + 0.11 * blue > 110;
  const mark = texture.startsWith("o")
    ? draw(pattern, "circle", { cx: 4, cy: 4, r: texture.slice(1), class: "texture spots" })
    : draw(pattern, "path", { d: texture, class: "texture" });
  mark.style.setProperty("--t", bright ? "#1d1f23" : "#fff");
}

// A plot over the time of the clip, drawn again whenever its width changes.
class Plot {
  constructor(parent, data, clock, { height, low, high, ticks, label, paint }) {
    Object.assign(this, { parent, data, clock, height, low, high, ticks, label, paint });
    new ResizeObserver(() => this.render()).observe(parent);
    clock.onChange(() => this.move());
    let dragging = false;
    const seek = (event) => {
      const box = parent.getBoundingClientRect();
      clock.seek(((event.clientX - box.left - MARGIN.left) / this.inner) * data.duration);
    };
    parent.addEventListener("pointerdown", (event) => { dragging = true; seek(event); });
    parent.addEventListener("pointermove", (event) => { if (dragging) seek(event); });
    for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, () => { dragging = false; });
  }

  x(time) { return MARGIN.left + (time / this.data.duration) * this.inner; }

  y(value) {
    const room = this.height - MARGIN.top - MARGIN.bottom;
    return MARGIN.top + ((this.high - value) / (this.high - this.low)) * room;
  }

  render() {
    const width = this.parent.clientWidth;
    if (!width || width === this.width) return;
    this.width = width;
    this.inner = width - MARGIN.left - MARGIN.right;
    this.parent.replaceChildren();
    this.svg = draw(this.parent, "svg", {
      width, height: this.height, viewBox: `0 0 ${width} ${this.height}`, role: "img", "aria-label": this.label,
    });
    this.svg.classList.toggle("dense", this.inner / this.data.epp.length < 2);
    for (const { at, text, kind } of this.ticks) {
      const y = this.y(at);
      draw(this.svg, "path", { class: kind || "grid", d: `M${MARGIN.left} ${y}H${width - MARGIN.right}` });
      draw(this.svg, "text", { x: MARGIN.left - 6, y: y + 4, "text-anchor": "end" }, text);
    }
    this.paint(this);
    const bottom = this.height - MARGIN.bottom;
    draw(this.svg, "path", { class: "edge", d: `M${MARGIN.left} ${bottom}H${width - MARGIN.right}` });
    this.timeAxis(bottom);
    this.head = draw(this.svg, "g", { class: "playhead" });
    draw(this.head, "path", { class: "head", d: `M0 ${MARGIN.top}V${bottom}` });
    draw(this.head, "path", { class: "grip", d: `M-5 ${MARGIN.top - 8}H5L0 ${MARGIN.top}z` });
    this.move();
  }

  timeAxis(bottom) {
    const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600];
    const step = steps.find((s) => (s / this.data.duration) * this.inner > 50) || 7200;
    for (let k = 0; k * step <= this.data.duration + 1e-9; k++) {
      const x = this.x(k * step);
      draw(this.svg, "path", { class: "edge", d: `M${x} ${bottom}v4` });
      const text = clockText(k * step, step, this.data.duration) + (k === 0 && this.data.duration < 60 ? " s" : "");
      draw(this.svg, "text", { x, y: bottom + 16, "text-anchor": "middle" }, text);
    }
  }

  move() {
    if (this.head) this.head.setAttribute("transform", `translate(${this.x(this.clock.time)} 0)`);
  }

  // A line through the middles of windows, level from the outermost ones to the ends of the clip.
  course(values, attributes) {
    const { edges, start_s: start, end_s: end } = this.data;
    let path = "";
    values.forEach((value, k) => {
      if (value === null) return;
      const y = this.y(value).toFixed(2);
      const middle = this.x((start[k] + end[k]) / 2);
      const open = k === 0 || values[k - 1] === null;
      const shut = k === values.length - 1 || values[k + 1] === null;
      path += open ? `M${this.x(edges[k]).toFixed(2)} ${y}` : "";
      path += `L${middle.toFixed(2)} ${y}` + (shut ? `L${this.x(edges[k + 1]).toFixed(2)} ${y}` : "");
    });
    return draw(this.svg, "path", { d: path, ...attributes });
  }

  // The area between two courses, wherever both are known.
  band(low, high) {
    const runs = [];
    low.forEach((value, k) => {
      if (value === null || high[k] === null) return;
      if (runs.length && runs.at(-1).at(-1) === k - 1) runs.at(-1).push(k);
      else runs.push([k]);
    });
    for (const run of runs) {
      const side = (values) => run.flatMap((k, i) => [
        ...(i === 0 ? [[this.data.edges[k], values[k]]] : []),
        [(this.data.start_s[k] + this.data.end_s[k]) / 2, values[k]],
        ...(i === run.length - 1 ? [[this.data.edges[k + 1], values[k]]] : []),
      ]);
      const points = [...side(low), ...side(high).reverse()];
      const text = points.map(([time, value]) => `${this.x(time).toFixed(2)},${this.y(value).toFixed(2)}`);
      draw(this.svg, "polygon", { class: "band", points: text.join(" ") });
    }
  }

  // What lies on each side of a base line, one part on the other.
  stack(parts, base, fill) {
    const { edges } = this.data;
    const apart = this.inner / (edges.length - 1) > 4; // room enough to set windows apart
    const ends = { 1: edges.slice(1).map(() => base), "-1": edges.slice(1).map(() => base) };
    for (const part of parts) {
      let path = "";
      part.values.forEach((value, k) => {
        if (!value) return;
        const end = ends[value > 0 ? 1 : -1];
        const [left, right] = [this.x(edges[k]).toFixed(2), this.x(edges[k + 1]).toFixed(2)];
        path += `M${left} ${this.y(end[k]).toFixed(2)}H${right}V${this.y(end[k] + value).toFixed(2)}H${left}z`;
        end[k] += value;
      });
      if (path) draw(this.svg, "path", { d: path, class: apart ? "stack apart" : "stack", fill: fill(part) });
    }
  }
}

// A time in s, or with minutes and hours if something is that long.
function clockText(time, step = 0.1, longest = time) {
  const two = (value) => String(value).padStart(2, "0");
  if (longest < 60) return time.toFixed(step < 1 ? 1 : 0);
  const whole = Math.floor(step < 1 ? time : Math.round(time));
  const seconds = two(whole % 60) + (step < 1 ? `.${Math.floor((time - whole) * 10 + 1e-6)}` : "");
  const minutes = Math.floor(whole / 60);
  return longest < 3600 ? `${minutes}:${seconds}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${seconds}`;
}
