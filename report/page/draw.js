// What charts are made of.
const kFont = 12;
const kBold = 1.14;  // how much wider bold text may be

const measure = (() => {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext ? canvas.getContext("2d") : null;
  return (text, font = kFont) => {
    if (!context) return text.length * font * 0.58;
    context.font = `${font}px system-ui, sans-serif`;
    return context.measureText(text).width;
  };
})();
// The longest start of `text` that fits, with an ellipsis where something was cut.
function fit(text, width, font = kFont) {
  if (measure(text, font) <= width) return text;
  const letters = [...text];
  while (letters.length > 1 && measure(`${letters.join("")}…`, font) > width) letters.pop();
  return `${letters.join("")}…`;
}

function linear(from, to, low, high) {
  const span = to - from || 1;
  return (value) => low + ((value - from) / span) * (high - low);
}
// Round numbers from 0 to `most`, about `wanted` of them.
function ticks(most, wanted) {
  const rough = (most || 1) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough * 0.999);
  const list = [];
  for (let i = 0; i * step <= most * 1.0001; ++i) list.push(i * step);
  return list;
}
function sizeTicks(bytes, wanted) {
  const unit = unitOf(bytes);
  return ticks(bytes / 1024 ** unit, wanted).map((value) => ({
    value: value * 1024 ** unit,
    label: value === 0 ? "0" : `${short(value, 2)} ${kUnits[unit]}`,
  }));
}
function timeTicks(length, wanted) {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
    86400, 172800, 432000, 604800, 1209600, 2592000, 7776000, 31536000];
  const step = steps.find((one) => length / one <= wanted) || length / wanted;
  const list = [];
  for (let at = 0; at <= length * 1.0001; at += step)
    list.push({ value: at, label: at === 0 ? "0" : duration(at) });
  return list;
}

// Percent on a logarithmic axis that reaches 0: below `kLeastPercent` it is linear.
const kLeastPercent = 0.001;
function stallScale(most, low, high) {
  const top = Math.max(1, 10 ** Math.ceil(Math.log10(Math.max(most, 0.1)) - 1e-9));
  const decades = Math.log10(top / kLeastPercent);
  const unit = (high - low) / (decades + 0.6);
  const scale = (value) =>
    value <= kLeastPercent
      ? low + unit * 0.6 * (value / kLeastPercent)
      : low + unit * (0.6 + Math.log10(value / kLeastPercent));
  const list = [{ value: 0, label: "0 %" }];
  for (let value = kLeastPercent; value <= top * 1.001; value *= 10)
    list.push({ value, label: `${Number(value.toPrecision(1))} %` });
  return { scale, ticks: list };
}

// Moves labels apart, by as little as is needed, within low..high; each has `at`, and gets `y`.
function spread(labels, gap, low, high) {
  const sorted = [...labels].sort((a, b) => a.at - b.at);
  let floor = low;
  for (const label of sorted) {
    label.y = Math.max(label.at, floor);
    floor = label.y + gap;
  }
  let ceiling = high;
  for (const label of sorted.reverse()) {
    label.y = Math.min(label.y, ceiling);
    ceiling = label.y - gap;
  }
}

// Points of each unbroken part of a series; the ends reach to the edge of their stretch.
function partsOf(values, x, y) {
  const parts = [];
  for (let i = 0; i < values.length; ++i) {
    if (Number.isNaN(values[i])) continue;
    const begins = i === 0 || Number.isNaN(values[i - 1]);
    const ends = i + 1 === values.length || Number.isNaN(values[i + 1]);
    if (begins) parts.push([]);
    for (const place of begins && ends ? [0, 1] : [begins ? 0 : ends ? 1 : 0.5])
      parts[parts.length - 1].push(`${short(x(i + place), 1)} ${short(y(values[i]), 1)}`);
  }
  return parts;
}
function linePath(values, x, y) {
  return partsOf(values, x, y).map((part) => `M${part.join("L")}`).join("");
}
function envelopePath(one, x, y) {
  const below = partsOf(one.lo, x, y);
  return partsOf(one.hi, x, y).map((part, i) => `M${part.join("L")}L${below[i].reverse().join("L")}Z`).join("");
}
// From 0 up to the most.
function areaPath(one, x, y) {
  return envelopePath({ lo: one.hi.map((value) => (Number.isNaN(value) ? NaN : 0)), hi: one.hi }, x, y);
}
// What lies between the least and the most, and a line along the one that matters: "lo" or "hi".
function seriesPaths(name, one, x, y, edge, dash) {
  return [s("path", { d: envelopePath(one, x, y), class: `between ${name}` }),
    s("path", { d: linePath(one[edge], x, y), class: `line ${name}`, "stroke-dasharray": dash || null })];
}

function marker(shape, x, y, r, attributes) {
  const n = (value) => short(value, 1);
  if (shape === "circle") return s("circle", { cx: n(x), cy: n(y), r, ...attributes });
  const path = {
    square: `M${n(x - r * 0.9)} ${n(y - r * 0.9)}h${n(r * 1.8)}v${n(r * 1.8)}h${n(-r * 1.8)}Z`,
    triangle: `M${n(x)} ${n(y - r * 1.15)}L${n(x + r * 1.1)} ${n(y + r * 0.85)}H${n(x - r * 1.1)}Z`,
    diamond: `M${n(x)} ${n(y - r * 1.25)}L${n(x + r * 1.25)} ${n(y)}L${n(x)} ${n(y + r * 1.25)}L${n(x - r * 1.25)} ${n(y)}Z`,
    cross: `M${n(x - r)} ${n(y - r)}L${n(x + r)} ${n(y + r)}M${n(x + r)} ${n(y - r)}L${n(x - r)} ${n(y + r)}`,
  };
  return s("path", { d: path[shape], ...attributes });
}

function chart(width, height, label, attributes, ...children) {
  return s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img",
                    "aria-label": label, ...attributes }, ...children);
}
function text(x, y, words, attributes) {
  return s("text", { x: short(x, 1), y: short(y, 1), ...attributes }, words);
}
function line(x1, y1, x2, y2, attributes) {
  return s("line", { x1: short(x1, 1), y1: short(y1, 1), x2: short(x2, 1), y2: short(y2, 1),
                     ...attributes });
}

// A sample of a line, for legends.
function lineSample(style) {
  return s("svg", { viewBox: "0 0 34 12", width: 34, height: 12, "aria-hidden": "true", class: "sample" },
    line(1, 6, 33, 6, { stroke: style.colour, "stroke-width": 2.2, "stroke-dasharray": style.dash }),
    style.shape && marker(style.shape, 17, 6, 4, { fill: style.colour }));
}
function areaSample(name) {
  return s("svg", { viewBox: "0 0 22 12", width: 22, height: 12, "aria-hidden": "true", class: "sample" },
    s("path", { d: "M1 8L7 5L14 6L21 3V11H1Z", class: `area ${name}` }),
    s("path", { d: "M1 8L7 5L14 6L21 3", class: `line ${name}`, fill: "none" }));
}
