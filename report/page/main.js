// The page, what is chosen in it, and what is drawn anew when that changes.
const state = { input: 0, demand: "", policy: "", ratio: 0, sort: { column: -1, down: false },
                filter: "", order: "name", allDomains: false, moveFilter: "", kind: "all" };
const view = {
  state,
  cursor: null,
  cursors: [],
  get input() { return data.inputs[state.input]; },
  runs() { return view.input.runs.filter((run) => run.demand === state.demand); },
  run() {
    const its = view.runs().filter((run) => run.policy === state.policy);
    return its.find((run) => run.ratio === state.ratio) || its[0];
  },
  choose(changes) {
    view.set({ ...changes, kind: "all" });
  },
  set(changes) {
    Object.assign(state, changes);
    draw();
  },
  sortBy(column, down) {
    const name = document.activeElement && document.activeElement.textContent;
    view.set({ sort: { column, down } });
    // The button that was pressed is a new one now.
    for (const button of parts.table.querySelectorAll("thead button"))
      if (name && button.textContent.replace(/ [↑↓]$/, "") === name.replace(/ [↑↓]$/, "")) button.focus();
  },
  filterMoves(name) {
    state.moveFilter = name;
    parts.moveFilter.value = name;
    drawMoves();
    parts.moves.scrollIntoView({ block: "nearest" });
    parts.moveFilter.focus({ preventScroll: true });
  },
  look(at) {
    view.cursor = at;
    for (const show of view.cursors) show(at);
  },
};
const parts = {};

function choice(label, list, value, change) {
  const select = h("select", { change: (event) => change(event.target.value) },
    list.map(([key, words]) => h("option", { value: key, selected: key === value }, words)));
  return h("label", { class: "choice-of" }, h("span", null, label), select);
}
function section(id, title, ...children) {
  return h("section", { id, "aria-labelledby": `${id}-title` }, h("h2", { id: `${id}-title` }, title), children);
}
function place(name, className) {
  parts[name] = h("div", { class: className || null });
  return parts[name];
}
function distinct(list) {
  return [...new Set(list)];
}
// Of many runs, each measured; otherwise it is one run of a controller.
function isComparison() {
  return view.input.runs.some((run) => run.stall_percent !== null);
}

// The first choice is what most people came for: the policy that went furthest, at its density.
function begin(input) {
  state.input = input;
  state.demand = view.input.runs.length > 0 ? view.input.runs[0].demand : "";
  beginDemand();
}
function beginDemand() {
  const best = view.input.density.filter((one) => one.demand === state.demand && !isBound(one.policy))
    .sort((a, b) => b.density - a.density)[0] || view.input.density[0];
  state.policy = best ? best.policy : view.runs()[0].policy;
  const ratios = view.runs().filter((run) => run.policy === state.policy).map((run) => run.ratio);
  state.ratio = best && ratios.includes(best.density) ? best.density : ratios[ratios.length - 1];
}

function head() {
  const { input } = view;
  const ratios = distinct(input.runs.map((run) => run.ratio)).sort((a, b) => a - b);
  const memory = input.domains.reduce((sum, [, capacity]) => sum + capacity, 0);
  const list = [["Input", input.name], ["Domains", `${count(input.domains.length)}, ${size(memory)} in all`],
    ["Time", `${duration(input.length_s)}, a decision every ${duration(input.tick_s)}`]];
  if (isComparison())
    list.push(["Demand", join(distinct(input.runs.map((run) => run.demand)))],
      ["Ratios", `${ratios.map((ratio) => short(ratio, 2)).join(", ")} (guests’ memory over the host’s)`]);
  list.push(["Made by", data.program]);
  return [h("dl", { class: "facts" }, list.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value)))),
    data.facts.length === 0 ? h("p", { class: "note" }, `${data.facts_title}: none.`)
      : h("details", { open: true }, h("summary", null, data.facts_title),
        h("dl", { class: "facts" }, data.facts.map((fact) =>
          h("div", null, h("dt", null, fact.name), h("dd", null, fact.value, fact.meaning && h("small", null, fact.meaning)))))),
  ];
}

function policyButtons() {
  return h("div", { class: "chips", role: "group", "aria-label": "Policy" },
    distinct(view.runs().map((run) => run.policy)).map((policy) =>
      h("button", { type: "button", "data-policy": policy, "aria-pressed": policy === state.policy ? "true" : "false",
                    click: () => view.choose({ policy }) }, lineSample(view.styles.get(policy)), policy)));
}
function runChoices() {
  const runs = view.runs();
  const policies = distinct(runs.map((run) => run.policy));
  const ratios = distinct(runs.filter((run) => run.policy === state.policy).map((run) => run.ratio)).sort((a, b) => a - b);
  return h("div", { class: "choices" },
    choice("Policy", policies.map((policy) => [policy, policy]), state.policy, (policy) => view.choose({ policy })),
    choice("Overcommit", ratios.map((ratio) => [String(ratio), ratioText(ratio)]), String(view.run().ratio),
      (ratio) => view.choose({ ratio: Number(ratio) })));
}
function runSummary() {
  const run = view.run();
  if (run.stall_percent === null) return null;
  const ooms = run.guest_ooms + run.host_ooms;
  const figure = (name, value, bad) => h("div", null, h("dt", null, name), h("dd", { class: bad ? "bad" : null }, value));
  return h("dl", { class: "figures" },
    figure("stall", percent(run.stall_percent), run.stall_percent > data.goal_stall_percent),
    figure("out of memory", many(ooms, "time"), ooms > 0),
    figure("lent by a guest, on average", size(run.lent_bytes)),
    figure("host memory", size(run.host_bytes)),
    figure("swapped out by the host", size(run.swapped_out_bytes), run.swapped_out_bytes > 0));
}

function drawVerdict() {
  if (!isComparison()) return;
  parts.answer.textContent = verdict(view);
  replace(parts.chips, policyButtons());
  replace(parts.density, densityChart(view, widthOf(parts.density)));
  replace(parts.stall, stallChart(view, widthOf(parts.stall)), markerLegend());
  const old = parts.table.firstChild;
  const scrolled = old ? old.scrollTop : 0;
  replace(parts.table, runsTable(view));
  parts.table.firstChild.scrollTop = scrolled;
}
function drawRun() {
  const { history } = view.run();
  view.cursors = [];
  view.cursor = null;
  replace(parts.runChoices, isComparison() && runChoices());
  replace(parts.summary, runSummary());
  parts.detail.hidden = !history;
  parts.noDetail.hidden = Boolean(history);
  if (!history) return;
  replace(parts.host, hostChart(view, widthOf(parts.host)));
  replace(parts.kind, choice("Show", kindChoices(history), state.kind, (kind) => {
    state.kind = kind;
    drawMoves();
  }));
  drawDomains();
  drawMoves();
}
function drawDomains() {
  view.cursors.length = 1;  // the host's stays
  replace(parts.domains, domainCharts(view, widthOf(parts.domains)));
}
function drawMoves() {
  replace(parts.moves, movesTable(view));
}
function widthOf(element) {
  return Math.max(240, Math.floor(element.clientWidth || 720));
}
// Where the keyboard was, if what it was on is drawn anew.
function draw() {
  const focused = document.activeElement;
  const policy = focused && focused.getAttribute && focused.getAttribute("data-policy");
  const select = focused && focused.tagName === "SELECT" && parts.runChoices.contains(focused)
    ? [...parts.runChoices.querySelectorAll("select")].indexOf(focused) : -1;
  const row = focused && focused.getAttribute && focused.getAttribute("aria-label");
  view.styles = stylesOf(view.input);
  drawVerdict();
  drawRun();
  if (select >= 0) parts.runChoices.querySelectorAll("select")[select].focus();
  for (const button of document.querySelectorAll("[data-policy], tbody button"))
    if ((policy !== null && button.getAttribute("data-policy") === policy) ||
        (row && button.getAttribute("aria-label") === row)) button.focus({ preventScroll: true });
}

function filterField(label, name, change) {
  parts[name] = h("input", { type: "search", placeholder: "part of its name", input: (event) => change(event.target.value) });
  return h("label", { class: "choice-of" }, h("span", null, label), parts[name]);
}
function demandChoice() {
  const demands = distinct(view.input.runs.map((run) => run.demand));
  return demands.length > 1 && choice("Demand", demands.map((one) => [one, one]), state.demand, (demand) => {
    state.demand = demand;
    beginDemand();
    draw();
  });
}

function build() {
  const { input } = view;
  document.title = `Ballast: ${input.name}`;
  replace(document.getElementById("page"),
    h("header", null, h("p", { class: "eyebrow" }, "Ballast"), h("h1", null, data.title), place("answer", "answer"),
      h("div", { class: "choices" },
        data.inputs.length > 1 && choice("Input", data.inputs.map((one, i) => [String(i), one.name]), String(state.input), (value) => {
          begin(Number(value));
          build();
        }), demandChoice()),
      head(),
      h("nav", { "aria-label": "Sections" },
        [...(isComparison() ? [["verdict", "Verdict"], ["runs", "Every run"]] : []), ["run", "One run"], ["host", "Host"],
          ["domains", "Domains"], ["moves", "Decisions"]].map(([id, words]) => h("a", { href: `#${id}` }, words)))),
    h("main", null,
      isComparison() && [
        section("verdict", "How far each policy can be trusted", place("chips"),
          h("div", { class: "pair" },
            h("div", null, h("h3", null, "Density"),
              h("p", { class: "note" }, `The largest ratio up to which stall is at most ${percent(data.goal_stall_percent)} and nobody ran out of memory. The dashed lines are the bounds: static never lends, clairvoyant knows the future.`),
              place("density", "chart")),
            h("div", null, h("h3", null, "Stall against overcommit"),
              h("p", { class: "note" }, "Of the time that guests were there, what they stood still, on a logarithmic scale that reaches 0."),
              place("stall", "chart")))),
        section("runs", "Every run", h("p", { class: "note" }, "Choose a row to see that run below; a column’s name to sort."), place("table")),
      ],
      section("run", isComparison() ? "One run in detail" : "The run", place("runChoices"), place("summary"),
        h("p", { class: "note" }, "Charts show the least and the most of each stretch of time: no peak is lost.")),
      place("detail"), place("noDetail")));
  fill(parts.detail, null, [
    section("host", "The host", place("host", "chart")),
    section("domains", "Each domain",
      h("div", { class: "choices" },
        filterField("Domain", "domainFilter", (value) => { state.filter = value; drawDomains(); }),
        choice("Order", kDomainOrders.map(([key, words]) => [key, words]), state.order, (order) => { state.order = order; drawDomains(); })),
      domainLegend(), place("domains", "chart")),
    section("moves", "Decisions, and why",
      h("p", { class: "note" }, isComparison()
        ? "From and to are loans. The reasons are what showed in the same step: of the guest, of the host, of the balloon."
        : "From and to are loans. The reasons are the controller’s own."),
      h("div", { class: "choices" },
        filterField("Domain", "moveFilter", (value) => { state.moveFilter = value; drawMoves(); }), place("kind")),
      place("moves")),
  ]);
  fill(parts.noDetail, null, [h("p", { class: "note" }, "The detail of this run was left out: the page would have been too large. Compare fewer policies or ratios.")]);
  state.filter = "";
  state.moveFilter = "";
  draw();
}

begin(0);
build();
let drawnWidth = window.innerWidth;
let waiting = 0;
window.addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    if (window.innerWidth === drawnWidth) return;
    drawnWidth = window.innerWidth;
    draw();
  }, 120);
});
