// A small chart for each domain.
const kFirstCharts = 200;

function facts(view, index) {
  const { input } = view;
  const { history, demand } = view.run();
  const [name, capacity] = input.domains[index];
  const [kept, stall, ooms, kills] = history.domains[index];
  const { stretches } = history;
  const one = { index, name, capacity, stretches };
  one.kept = series(kept, stretches, capacity);
  one.demand = series(input.demands[demand][index], stretches, capacity);
  one.stall = stallShares(stall, stretches);
  one.ooms = new Uint32Array(stretches);
  for (const [at, times] of [...ooms, ...kills]) one.ooms[at] += times;
  one.oomCount = ooms.reduce((sum, [, times]) => sum + times, 0);
  one.kills = kills.reduce((sum, [, times]) => sum + times, 0);
  one.lent = isKnown(one.kept) ? capacity - mean(one.kept) : 0;
  one.stallShare = one.stall.reduce((sum, share) => sum + share, 0) / stretches;
  return one;
}

function domainChart(view, one, width) {
  const height = 154;
  const left = 4;
  const right = width - 4;
  const top = 20;
  const bottom = 100;
  const stripBottom = 130;
  const x = linear(0, one.stretches, left, right);
  const y = linear(0, one.capacity, bottom, top);
  const parts = [
    line(left, y(one.capacity), right, y(one.capacity), { class: "capacity" }),
    text(left, top - 6, size(one.capacity), { class: "tick" }),
    s("path", { d: areaPath(one.kept, x, y), class: "area kept" }),
    seriesPaths("demand", one.demand, x, y, "hi", "4 2"),
    seriesPaths("kept", one.kept, x, y, "lo"),
    line(left, bottom, right, bottom, { class: "axis" }),
    harmStrip({ stall: one.stall, ooms: one.ooms }, x, bottom + 4, stripBottom),
    line(left, stripBottom, right, stripBottom, { class: "grid" }),
    text(left, stripBottom + 15, "0", { class: "tick" }),
    text(right, stripBottom + 15, duration(view.input.length_s), { "text-anchor": "end", class: "tick" }),
  ];
  const told = text(right, top - 6, "", { "text-anchor": "end", class: "told" });
  parts.push(told);
  const svg = chart(width, height, `${one.name}: memory kept and needed over time. ${summary(one)}`,
    { class: "domain" }, parts);
  cursorOf(view, svg, x, top, stripBottom, one.stretches, (at) => {
    if (at === null || Number.isNaN(one.kept.hi[at])) return replace(told);
    const needs = Number.isNaN(one.demand.hi[at]) ? "" : `, needs ${size(one.demand.hi[at])}`;
    return replace(told, `keeps ${size(one.kept.lo[at])}${needs}`);
  });
  return svg;
}
function summary(one) {
  const parts = [`lent ≈ ${size(one.lent)}`];
  if (isComparison()) parts.push(`stall ≈ ${percent(one.stallShare * 100)}`);
  if (one.oomCount > 0) parts.push(many(one.oomCount, "OOM"));
  if (one.kills > 0) parts.push(`killed ${many(one.kills, "time")}`);
  return parts.join(" · ");
}

const kDomainOrders = [
  ["name", "by name", (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.index - b.index)],
  ["harm", "most harm first", (a, b) => b.oomCount + b.kills - a.oomCount - a.kills || b.stallShare - a.stallShare || a.index - b.index],
  ["lent", "lent most first", (a, b) => b.lent - a.lent || a.index - b.index],
  ["size", "largest first", (a, b) => b.capacity - a.capacity || a.index - b.index],
];

function domainCharts(view, width) {
  const { state, input } = view;
  const all = view.run().history.domains.map((_, index) => facts(view, index));
  all.sort(kDomainOrders.find(([key]) => key === state.order)[2]);
  const wanted = state.filter.toLowerCase();
  const found = all.filter((one) => one.name.toLowerCase().includes(wanted));
  const shown = state.allDomains ? found : found.slice(0, kFirstCharts);
  const columns = Math.max(1, Math.floor((width + 20) / 260));
  const each = Math.floor((width - (columns - 1) * 20) / columns);
  const charts = shown.map((one) => h("figure", { class: "domain-figure", "data-domain": one.index },
    h("figcaption", null,
      h("button", { type: "button", class: "domain-name", title: `Only the decisions of ${one.name}`,
                    click: () => view.filterMoves(one.name) }, one.name),
      h("span", { class: one.oomCount + one.kills > 0 ? "bad" : null }, summary(one))),
    domainChart(view, one, each)));
  const notes = [];
  if (found.length === 0) notes.push(h("p", { class: "note" }, "No domain has this in its name."));
  if (input.domains.length > input.charts)
    notes.push(h("p", { class: "note" }, `Charts are kept of the first ${count(input.charts)} of ${count(input.domains.length)} domains.`));
  if (shown.length < found.length)
    notes.push(h("button", { type: "button", class: "plain", click: () => view.set({ allDomains: true }) },
      `Show the other ${count(found.length - shown.length)} domains as well`));
  return [h("div", { class: "domains" }, charts), notes];
}
function domainLegend() {
  return h("p", { class: "legend" },
    h("span", null, lineSample({ colour: "var(--quiet)", dash: "" }), "capacity (top)"),
    h("span", null, areaSample("kept"), "kept: capacity less the loan"),
    h("span", null, lineSample({ colour: "var(--demand)", dash: "4 2" }),
      isComparison() ? "needed by its programs" : "in use, as far as it is told"),
    isComparison() && h("span", null, areaSample("stalled"), "stall, from 0.001 % to all of the time"),
    h("span", null, s("svg", { viewBox: "0 0 12 12", width: 12, height: 12, "aria-hidden": "true", class: "sample" },
      marker("cross", 6, 6, 4, { class: "oom" })), "ran out of memory or was killed"));
}
