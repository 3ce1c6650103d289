// What each policy may be trusted with: densities, and stall against the ratio of overcommit.

function densityChart(view, width) {
  const { input, styles, state } = view;
  const rows = input.density.filter((one) => one.demand === state.demand);
  rows.sort((a, b) => b.density - a.density || isBound(a.policy) - isBound(b.policy));
  const largest = Math.max(...input.runs.filter((one) => one.demand === state.demand).map((one) => one.ratio));
  const kRow = 30;
  const top = 8;
  const bottom = top + rows.length * kRow;
  const named = Math.min(width * 0.36, Math.max(...rows.map((row) => measure(row.policy, 13))) * kBold + 16);
  const right = width - 62;
  const x = linear(0, Math.max(1, largest), named, right);
  const parts = [];
  for (const value of ticks(Math.max(1, largest), Math.max(2, Math.floor((right - named) / 70))))
    parts.push(line(x(value), top, x(value), bottom, { class: "grid" }),
      text(x(value), bottom + 16, ratioText(value), { "text-anchor": "middle", class: "tick" }));
  for (const row of rows)
    if (isBound(row.policy) && row.density > 0)
      parts.push(line(x(row.density), top, x(row.density), bottom, { class: "bound-line" }));
  rows.forEach((row, i) => {
    const y = top + i * kRow;
    const style = styles.get(row.policy);
    const words = row.density === 0 ? "none" : `${row.density >= largest ? "≥ " : ""}${ratioText(row.density)}`;
    parts.push(s("g", { class: `choice${row.policy === state.policy ? " chosen" : ""}`,
                        click: () => view.choose({ policy: row.policy }) },
      s("rect", { x: 0, y, width, height: kRow, class: "row" }),
      text(named - 8, y + 20, fit(row.policy, (named - 12) / kBold, 13), { "text-anchor": "end", class: "name" }),
      s("rect", { x: short(named, 1), y: y + 6, width: short(Math.max(0, x(row.density) - named), 1),
                  height: kRow - 12, rx: 2, fill: style.colour, class: style.bound ? "bar bound" : "bar" }),
      text(x(row.density) + 6, y + 20, words, { class: "value" }),
      s("title", null, `${row.policy}: density ${words}`)));
  });
  const told = rows.map((row) => `${row.policy} ${row.density === 0 ? "none" : ratioText(row.density)}`);
  return chart(width, bottom + 24, `Density of each policy: ${told.join(", ")}`, { class: "density" }, parts);
}

function runTitle(run) {
  const ooms = run.guest_ooms + run.host_ooms;
  return `${run.policy} at ${ratioText(run.ratio)}: stall ${percent(run.stall_percent)}, ` +
    `${ooms === 0 ? "nobody ran out of memory" : `${count(ooms)} times out of memory`}` +
    `${run.front ? ", on the Pareto front" : ""}`;
}
function runMarker(view, run, x, y) {
  const style = view.styles.get(run.policy);
  const out = run.guest_ooms + run.host_ooms > 0;
  const here = run === view.run();
  return s("g", { class: "choice", click: () => view.choose({ policy: run.policy, ratio: run.ratio }) },
    s("title", null, runTitle(run)),
    s("circle", { cx: short(x, 1), cy: short(y, 1), r: 11, class: here ? "hit here" : "hit" }),
    out ? marker("cross", x, y, 4.5, { stroke: style.colour, "stroke-width": 2.4, fill: "none" })
      : marker(style.shape, x, y, 4.5, { fill: run.front ? style.colour : "var(--paper)",
                                         stroke: style.colour, "stroke-width": 1.8 }));
}

function stallChart(view, width) {
  const runs = view.runs();
  const ratios = [...new Set(runs.map((run) => run.ratio))].sort((a, b) => a - b);
  return ratios.length < 2 ? stallRows(view, runs, width) : stallLines(view, runs, ratios, width);
}

function stallLines(view, runs, ratios, width) {
  const { styles, state } = view;
  const names = [...new Set(runs.map((run) => run.policy))];
  const direct = width >= 560;
  const isGoal = (value) => Math.abs(value / data.goal_stall_percent - 1) < 1e-6;
  const left = Math.ceil(measure(`goal ${percent(data.goal_stall_percent)}`) * kBold) + 12;
  const named = direct ? Math.min(width * 0.25, Math.max(...names.map((name) => measure(name, 13))) * kBold + 30) : 14;
  const right = width - named;
  const top = 14;
  const bottom = Math.max(direct ? 340 : 280, 30 + names.length * 17);
  const height = bottom + 46;
  const x = linear(ratios[0], ratios[ratios.length - 1], left + 14, right - 12);
  const y = stallScale(Math.max(...runs.map((run) => run.stall_percent)), bottom, top);
  const parts = [s("rect", { x: left, y: short(y.scale(data.goal_stall_percent), 1), width: short(right - left, 1),
    height: short(bottom - y.scale(data.goal_stall_percent), 1), class: "good" })];
  for (const tick of y.ticks)
    parts.push(line(left, y.scale(tick.value), right, y.scale(tick.value), { class: "grid" }),
      text(left - 7, y.scale(tick.value) + 4, isGoal(tick.value) ? `goal ${tick.label}` : tick.label,
        { "text-anchor": "end", class: isGoal(tick.value) ? "goal-label" : "tick" }));
  let last = -Infinity;
  for (const ratio of ratios) {
    parts.push(line(x(ratio), bottom, x(ratio), bottom + 4, { class: "axis" }));
    const words = ratioText(ratio);
    const half = measure(words) / 2 + 4;
    if (x(ratio) - half < last) continue;
    last = x(ratio) + half;
    parts.push(text(x(ratio), bottom + 18, words, { "text-anchor": "middle", class: "tick" }));
  }
  parts.push(line(left, bottom, right, bottom, { class: "axis" }),
    text((left + right) / 2, height - 8, width < 480 ? "overcommit" : "overcommit: guests’ memory over the host’s",
      { "text-anchor": "middle", class: "axis-label" }));
  const labels = [];
  const ordered = [...names].sort((a, b) => (a === state.policy) - (b === state.policy));
  for (const name of ordered) {
    const style = styles.get(name);
    const its = runs.filter((run) => run.policy === name).sort((a, b) => a.ratio - b.ratio);
    const points = its.map((run) => `${short(x(run.ratio), 1)} ${short(y.scale(run.stall_percent), 1)}`);
    parts.push(s("path", { d: `M${points.join("L")}`, class: name === state.policy ? "run chosen" : "run",
      stroke: style.colour, "stroke-dasharray": style.dash }));
    const end = its[its.length - 1];
    labels.push({ name, style, x: x(end.ratio), at: y.scale(end.stall_percent) });
  }
  const good = y.scale(data.goal_stall_percent);
  parts.push(line(left, good, right, good, { class: "goal" }));
  for (const name of ordered)
    for (const run of runs)
      if (run.policy === name) parts.push(runMarker(view, run, x(run.ratio), y.scale(run.stall_percent)));
  if (direct) {
    spread(labels, 16, top + 4, bottom);
    for (const label of labels)
      parts.push(line(label.x + 9, label.at, right + 4, label.y, { class: "leader", stroke: label.style.colour }),
        marker(label.style.shape, right + 10, label.y, 4, { fill: label.style.colour }),
        s("g", { class: `choice${label.name === state.policy ? " chosen" : ""}`,
                 click: () => view.choose({ policy: label.name }) },
          text(right + 19, label.y + 4, fit(label.name, (named - 22) / kBold, 13), { class: "name" })));
  }
  return chart(width, height, `Stall in percent of the guests’ time against overcommit, a line for each of ${names.join(", ")}; the table of runs has the numbers`,
    { class: "stall" }, parts);
}

// Where there is one ratio alone: a row for each policy.
function stallRows(view, runs, width) {
  const rows = [...runs].sort((a, b) =>
    a.guest_ooms + a.host_ooms - b.guest_ooms - b.host_ooms || a.stall_percent - b.stall_percent);
  const kRow = 28;
  const top = 26;
  const bottom = top + rows.length * kRow;
  const left = Math.min(width * 0.36, Math.max(...rows.map((run) => measure(run.policy, 13))) * kBold + 16);
  const right = width - 24;
  const x = stallScale(Math.max(...rows.map((run) => run.stall_percent)), left + 12, right);
  const parts = [s("rect", { x: short(left, 1), y: top, width: short(x.scale(data.goal_stall_percent) - left, 1),
    height: bottom - top, class: "good" })];
  let last = -Infinity;
  for (const tick of x.ticks) {
    const at = x.scale(tick.value);
    parts.push(line(at, top, at, bottom, { class: "grid" }));
    if (at - measure(tick.label) / 2 - 4 < last) continue;
    last = at + measure(tick.label) / 2;
    parts.push(text(at, bottom + 18, tick.label, { "text-anchor": "middle", class: "tick" }));
  }
  const at = x.scale(data.goal_stall_percent);
  const words = `goal: at most ${percent(data.goal_stall_percent)}`;
  parts.push(line(at, top - 6, at, bottom, { class: "goal" }),
    text(Math.max(at, measure(words) / 2 + 2), top - 10, words, { "text-anchor": "middle", class: "goal-label" }));
  rows.forEach((run, i) => {
    const y = top + i * kRow + kRow / 2;
    const style = view.styles.get(run.policy);
    parts.push(line(left + 12, y, x.scale(run.stall_percent), y,
      { stroke: style.colour, "stroke-width": 2, "stroke-dasharray": style.dash }),
    text(left - 6, y + 4, fit(run.policy, (left - 10) / kBold, 13),
      { "text-anchor": "end", class: run.policy === view.state.policy ? "name chosen" : "name" }),
    runMarker(view, run, x.scale(run.stall_percent), y));
  });
  return chart(width, bottom + 28, `Stall of each policy: ${rows.map((run) => runTitle(run)).join("; ")}`,
    { class: "stall" }, parts);
}

function markerLegend() {
  const sample = (shape, attributes) => s("svg", { viewBox: "0 0 14 14", width: 14, height: 14,
    "aria-hidden": "true", class: "sample" }, marker(shape, 7, 7, 4.5, attributes));
  return h("p", { class: "legend" },
    h("span", null, sample("circle", { fill: "currentColor" }), "on the Pareto front: nobody lends as much with less harm"),
    h("span", null, sample("circle", { fill: "none", stroke: "currentColor", "stroke-width": 1.8 }), "not on it, or a bound"),
    h("span", null, sample("cross", { fill: "none", stroke: "currentColor", "stroke-width": 2.4 }), "somebody ran out of memory"));
}

function join(words) {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;
}
// The answer in a sentence.
function verdict(view) {
  const all = view.input.density.filter((one) => one.demand === view.state.demand);
  const best = Math.max(0, ...all.filter((one) => !isBound(one.policy)).map((one) => one.density));
  const limits = all.filter((one) => isBound(one.policy))
    .map((one) => `${one.policy} ${one.density > 0 ? ratioText(one.density) : "none"}`);
  const goalText = `stall at most ${percent(data.goal_stall_percent)} and nobody out of memory`;
  if (!all.some((one) => !isBound(one.policy))) return `Only the bounds were run: ${limits.join(", ")}.`;
  if (best === 0) return `No policy kept ${goalText} at the smallest ratio that was run${limits.length > 0 ? ` (${limits.join(", ")})` : ""}.`;
  const winners = all.filter((one) => !isBound(one.policy) && one.density === best).map((one) => one.policy);
  return `${join(winners)} went furthest: ${ratioText(best)} with ${goalText}.${limits.length > 0 ? ` Bounds: ${limits.join(", ")}.` : ""}`;
}
