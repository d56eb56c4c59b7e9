// The diagram: regions light up with the play head, and the one that is chosen is followed below.
class Circuit {
  constructor(svg, data, clock) {
    Object.assign(this, { svg, data, clock, chosen: null, at: -1 });
    this.detail = {
      title: document.getElementById("detail-title"),
      sentence: document.getElementById("detail-sentence"),
      range: document.getElementById("detail-range"),
      plot: document.getElementById("detail-plot"),
    };
    this.regions = data.regions.map((region) => ({ ...region, ...span(region.values), buttons: this.buttons(region) }));
    for (const region of this.regions) {
      for (const button of region.buttons) {
        button.addEventListener("click", () => this.choose(region));
        button.addEventListener("keydown", (event) => {
          if (button.localName === "g" && (event.key === "Enter" || event.key === " ")) {
            event.preventDefault();
            this.choose(region);
          }
        });
        button.classList.toggle("constant", !region.changes && region.values.length > 0);
      }
    }
  }

  buttons(region) {
    const found = [...this.svg.querySelectorAll(".region")].filter((node) => node.dataset.region === region.name);
    if (found.length) return found;
    const button = build(document.getElementById("other-regions"), "button", "", region.name);
    button.type = "button";
    return [button];
  }

  show(k) {
    if (k === this.at) return;
    this.at = k;
    for (const region of this.regions) {
      if (!region.values.length) continue;
      const value = region.values[k];
      const level = region.changes ? (value - region.low) / (region.high - region.low) : 0;
      for (const node of region.buttons) {
        node.setAttribute("aria-label", `${region.title}: ${this.told(region, k)}`);
        if (node.localName !== "g") continue;
        node.querySelector(".value").textContent = `${written(value)} ${region.unit}`.trim();
        node.querySelector(".light").style.opacity = level;
        const gauge = node.querySelector(".level");
        gauge.setAttribute("width", (gauge.dataset.full * level).toFixed(1));
        node.dataset.level = level.toFixed(3);
      }
    }
    const ends = { ear: `heard ${this.data.heard[k].toFixed(2)}`, eye: `seen ${this.data.seen[k].toFixed(2)}` };
    ends.EPP = `${this.data.epp[k].toFixed(2)} ${side(this.data.epp[k])}`;
    for (const node of this.svg.querySelectorAll(".end")) {
      node.querySelector(".value").textContent = ends[node.dataset.end];
    }
    this.tell();
  }

  told(region, k) {
    const value = `${written(region.values[k])} ${region.unit}`.trim();
    if (!region.changes) return `${value}, the same in the whole clip`;
    const share = Math.round((100 * (region.values[k] - region.low)) / (region.high - region.low));
    return `${value}, ${share} % of the way from its least to its most`;
  }

  choose(region) {
    this.chosen = region;
    for (const other of this.regions) {
      for (const button of other.buttons) button.setAttribute("aria-pressed", String(other === region));
    }
    for (const way of this.svg.querySelectorAll(".way")) {
      way.classList.toggle("chosen", [way.dataset.from, way.dataset.to].includes(region.name));
    }
    const short = region.title === region.name ? "" : `${region.name}: `;
    this.detail.title.textContent = short + region.title;
    this.detail.sentence.textContent = region.sentence;
    this.follow(region);
    this.tell();
  }

  follow(region) {
    const old = this.detail.plot;
    this.detail.plot = old.cloneNode(false);
    old.replaceWith(this.detail.plot);
    if (!region.values.length) return;
    const room = region.changes ? 0 : Math.abs(region.high) * 0.1 || 1;
    const [low, high] = [region.low - room, region.high + room];
    const ticks = region.changes ? [low, high] : [region.high];
    new Plot(this.detail.plot, this.data, this.clock, {
      height: 150, low, high, label: `Time course of ${region.title}`,
      ticks: ticks.map((at) => ({ at, text: written(at) })),
      paint: (plot) => plot.course(region.values, { class: "course main" }),
    });
  }

  tell() {
    const region = this.chosen;
    if (!region) return;
    this.detail.range.textContent = region.values.length
      ? `At the play head: ${this.told(region, Math.max(this.at, 0))}.`
      : "This model does not record the activity of this region.";
  }
}

// Least and most of a course; what differs by less is the rounding of single precision.
function span(values) {
  const low = least(values);
  const high = most(values);
  return { low, high, changes: values.length > 0 && high - low > 1e-6 * Math.abs(high) };
}

function side(epp) {
  const rounded = Math.round(epp * 100);
  return rounded === 50 ? "neutral" : rounded > 50 ? "positive" : "negative";
}
