// The table of runs.
const kRunColumns = [
  { name: "Policy", value: (run) => run.policy, words: (run) => run.policy },
  { name: "Ratio", value: (run) => run.ratio, words: (run) => ratioText(run.ratio), number: true },
  { name: "Stall", value: (run) => run.stall_percent, words: (run) => percent(run.stall_percent), number: true },
  { name: "OOMs", value: (run) => run.guest_ooms + run.host_ooms, number: true,
    words: (run) => count(run.guest_ooms + run.host_ooms), bad: (run) => run.guest_ooms + run.host_ooms > 0 },
  { name: "Front", value: (run) => (run.front ? 0 : 1), words: (run) => (run.front ? "● front" : "") },
  { name: "Goal", value: (run) => (run.good ? 0 : 1), words: (run) => (run.good ? "✓ kept" : "") },
  { name: "Stall: guests’ own", value: (run) => run.guest_stall_percent, words: (run) => percent(run.guest_stall_percent), number: true },
  { name: "Stall: host’s swap", value: (run) => run.host_stall_percent, words: (run) => percent(run.host_stall_percent), number: true },
  { name: "Lent / guest", value: (run) => run.lent_bytes, words: (run) => size(run.lent_bytes), number: true },
  { name: "Moved / guest / h", value: (run) => run.moved_bytes_per_h, words: (run) => size(run.moved_bytes_per_h), number: true },
  { name: "Host swapped out", value: (run) => run.swapped_out_bytes, words: (run) => size(run.swapped_out_bytes), number: true },
];

function runsTable(view) {
  const { sort } = view.state;
  const column = kRunColumns[sort.column];
  const compared = (a, b) => {
    const [first, second] = [column.value(a), column.value(b)];
    return (first < second ? -1 : first > second ? 1 : 0) * (sort.down ? -1 : 1);
  };
  const runs = view.runs();
  if (sort.column >= 0) runs.sort(compared);
  const head = kRunColumns.map((one, i) => {
    const active = i === sort.column;
    const down = active && !sort.down;
    return h("th", { scope: "col", class: one.number ? "number" : null,
                     "aria-sort": active ? (sort.down ? "descending" : "ascending") : "none" },
      h("button", { type: "button", click: () => view.sortBy(i, down) }, one.name,
        h("span", { "aria-hidden": "true" }, active ? (sort.down ? " ↓" : " ↑") : "")));
  });
  const rows = runs.map((run) => h("tr", { class: [run === view.run() && "chosen", run.front && "front", run.good && "kept"].filter(Boolean).join(" ") || null,
                                           click: () => view.choose({ policy: run.policy, ratio: run.ratio }) },
    kRunColumns.map((one, i) => i === 0
      ? h("th", { scope: "row" }, h("button", { type: "button", "aria-pressed": run === view.run() ? "true" : "false",
          "aria-label": `Show ${run.policy} at ${ratioText(run.ratio)}` }, lineSample(view.styles.get(run.policy)), run.policy))
      : h("td", { class: [one.number && "number", one.bad && one.bad(run) && "bad"].filter(Boolean).join(" ") || null },
        one.words(run)))));
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table of runs" },
    h("table", null, h("thead", null, h("tr", null, head)), h("tbody", null, rows)));
}
