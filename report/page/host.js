// One run: the host over time, and the place in time that all its charts share.
const kHostSeries = [
  { key: "resident", name: "held by guests", edge: "hi", area: true, meaning: "of the host’s memory, what guests have" },
  { key: "kept", name: "guests may use", edge: "lo", dash: "", meaning: "their memory less what they lend" },
  { key: "demand", name: "guests need", edge: "hi", dash: "7 3", meaning: "what their programs need" },
  { key: "available", name: "available", edge: "lo", dash: "2 3", meaning: "host memory that is left" },
  { key: "swapped", name: "in the host’s swap", edge: "hi", area: true, meaning: "of guests, swapped out by the host" },
];

function hostFigures(history) {
  const figures = {};
  for (const { key } of kHostSeries)
    figures[key] = series(history.host[key], history.stretches, history.full_bytes);
  return figures;
}
function nameOf(one) {
  return one.key === "demand" && !isComparison() ? "in use" : one.name;
}
function meaningOf(one) {
  return one.key === "demand" && !isComparison() ? "by guests, as far as they tell" : one.meaning;
}
function isKnown(one) {
  return one.hi.some((value) => !Number.isNaN(value));
}

// Marks where a chart is looked at; moved by pointer and arrow keys.
function cursorOf(view, svg, x, top, bottom, stretches, tell) {
  const mark = line(0, top, 0, bottom, { class: "cursor", visibility: "hidden" });
  svg.appendChild(mark);
  view.cursors.push((at) => {
    mark.setAttribute("visibility", at === null ? "hidden" : "visible");
    if (at === null) return tell(null);
    mark.setAttribute("x1", short(x(at + 0.5), 1));
    mark.setAttribute("x2", short(x(at + 0.5), 1));
    return tell(at);
  });
  const point = (event) => {
    const box = svg.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    view.look(Math.max(0, Math.min(stretches - 1, Math.floor(((at - x(0)) / (x(stretches) - x(0))) * stretches))));
  };
  fill(svg, {
    pointermove: point,
    pointerdown: point,
    pointerleave: (event) => event.pointerType === "mouse" && document.activeElement !== svg && view.look(null),
    keydown: (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
      const now = view.cursor === null ? 0 : view.cursor;
      if (step) view.look(Math.max(0, Math.min(stretches - 1, now + step)));
      else if (event.key === "Home") view.look(0);
      else if (event.key === "End") view.look(stretches - 1);
      else if (event.key === "Escape") view.look(null);
      else return;
      event.preventDefault();
    },
  }, []);
}

function timeAxis(parts, length, x, stretches, top, bottom, width) {
  const list = timeTicks(length, Math.max(2, Math.floor(width / 80)));
  list.forEach((tick, i) => {
    const at = x((tick.value / length) * stretches);
    // The last one would stick out.
    const anchor = i === 0 ? "start" : i + 1 === list.length && at > x(stretches) - 24 ? "end" : "middle";
    parts.push(line(at, top, at, bottom, { class: "grid" }),
      text(at, bottom + 17, tick.label, { "text-anchor": anchor, class: "tick" }));
  });
}

function hostChart(view, width) {
  const run = view.run();
  const { history } = run;
  const { stretches } = history;
  const figures = hostFigures(history);
  const direct = width >= 640;
  const shown = kHostSeries.filter(({ key }) => isKnown(figures[key]) && (key !== "swapped" || mean(figures[key]) > 0));
  const full = history.full_bytes;
  const left = 72;
  const right = width - (direct ? 156 : 10);
  const top = 14;
  const bottom = direct ? 300 : 250;
  const stripTop = bottom + 30;
  const stripBottom = stripTop + 42;
  const height = stripBottom + 28;
  const x = linear(0, stretches, left, right);
  const y = linear(0, full * 1.04, bottom, top);
  const parts = [];
  for (const tick of sizeTicks(full, 5))
    parts.push(line(left, y(tick.value), right, y(tick.value), { class: "grid" }),
      text(left - 7, y(tick.value) + 4, tick.label, { "text-anchor": "end", class: "tick" }));
  timeAxis(parts, view.input.length_s, x, stretches, top, stripBottom, right - left);
  const labels = [];
  for (const one of shown) {
    const figure = figures[one.key];
    if (one.area) parts.push(s("path", { d: areaPath(figure, x, y), class: `area ${one.key}` }));
  }
  for (const one of shown) {
    const figure = figures[one.key];
    parts.push(seriesPaths(one.key, figure, x, y, one.edge, one.dash));
    let last = stretches - 1;
    while (last > 0 && Number.isNaN(figure.hi[last])) --last;
    labels.push({ words: nameOf(one), key: one.key, at: y(figure[one.edge][last]) });
  }
  if (run.host_bytes > 0) {
    parts.push(line(left, y(run.host_bytes), right, y(run.host_bytes), { class: "host-memory" }));
    labels.push({ words: "host memory", key: "host-memory", at: y(run.host_bytes) });
  }
  if (run.reserve_bytes > 0) {
    parts.push(line(left, y(run.reserve_bytes), right, y(run.reserve_bytes), { class: "reserve" }));
    labels.push({ words: "reserve", key: "reserve", at: y(run.reserve_bytes) });
  }
  if (direct) {
    spread(labels, 16, top + 4, bottom - 2);
    for (const label of labels)
      parts.push(line(right + 2, label.at, right + 12, label.y, { class: `leader label-${label.key}` }),
        text(right + 15, label.y + 4, label.words, { class: `name label-${label.key}` }));
  }
  const total = totalHarm(history);
  parts.push(isComparison() && text(left - 7, stripTop + 12, "stall,", { "text-anchor": "end", class: "tick" }),
    text(left - 7, stripTop + 27, "OOM ✕", { "text-anchor": "end", class: "tick" }),
    line(left, stripBottom, right, stripBottom, { class: "axis" }), harmStrip(total, x, stripTop, stripBottom));
  const svg = chart(width, height, `Host memory over time, ${run.policy}${run.ratio > 0 ? ` at ${ratioText(run.ratio)}` : ""}. Arrow keys move through time.`,
    { class: "host", tabindex: 0 }, parts);
  const out = h("p", { class: "readout", "aria-live": "polite" });
  const idle = "Point at a chart, or focus this one and use the arrow keys, to read it here and see the same moment in every chart.";
  cursorOf(view, svg, x, top, stripBottom, stretches, (at) => {
    if (at === null) return replace(out, idle);
    const begin = (view.input.length_s * at) / stretches;
    const between = (one) => one.lo[at] === one.hi[at] || size(one.lo[at]) === size(one.hi[at]) ? size(one.hi[at])
      : `${size(one.lo[at])} – ${size(one.hi[at])}`;
    return replace(out, h("b", null, clock(begin)),
      shown.filter(({ key }) => !Number.isNaN(figures[key].hi[at])).map((one) => h("span", null, `${nameOf(one)} ${between(figures[one.key])}`)),
      run.stall_percent !== null && h("span", null, `stall ≈ ${percent(total.stall[at] * 100)}`),
      total.ooms[at] > 0 && h("span", { class: "bad" }, many(total.ooms[at], "OOM")));
  });
  replace(out, idle);
  const legend = h("p", { class: "legend" },
    shown.map((one) => h("span", { title: meaningOf(one) }, one.area ? areaSample(one.key)
      : lineSample({ colour: `var(--${one.key})`, dash: one.dash }), `${nameOf(one)}: ${meaningOf(one)}`)),
    run.host_bytes > 0 && h("span", null, lineSample({ colour: "var(--ink)", dash: "" }), `host memory ${size(run.host_bytes)}`),
    run.reserve_bytes > 0 && h("span", null, lineSample({ colour: "var(--quiet)", dash: "10 3 2 3" }),
      `reserve ${size(run.reserve_bytes)}: should stay available`));
  return [svg, out, legend];
}

// All guests of a run taken together.
function totalHarm(history) {
  const total = { stall: new Float64Array(history.stretches), ooms: new Uint32Array(history.stretches),
                  kills: new Uint32Array(history.stretches) };
  for (const [, stall, ooms, kills] of history.domains) {
    stallShares(stall, history.stretches).forEach((share, i) => {
      total.stall[i] += share / history.domains.length;
    });
    for (const [at, times] of ooms) total.ooms[at] += times;
    for (const [at, times] of kills) total.ooms[at] += times;
  }
  return total;
}
// Stall from 0.001 % to 100 % on a logarithmic scale; crosses where somebody ran out of memory.
function harmStrip(harm, x, top, bottom) {
  const bars = [];
  const crosses = [];
  for (let i = 0; i < harm.stall.length; ++i) {
    if (harm.stall[i] > 0) {
      const tall = Math.max(1, Math.min(1, (Math.log10(harm.stall[i]) + 5) / 5) * (bottom - top - 10));
      bars.push(`M${short(x(i), 1)} ${bottom}v${short(-tall, 1)}H${short(x(i + 1), 1)}V${bottom}Z`);
    }
    if (harm.ooms[i] > 0) crosses.push(marker("cross", x(i + 0.5), top + 3, 3, { class: "oom" }));
  }
  return [s("path", { d: bars.join(""), class: "stalled" }), thinned(crosses, 400)];
}
function thinned(list, most) {
  const each = Math.ceil(list.length / most);
  return each > 1 ? list.filter((_, i) => i % each === 0) : list;
}
