// What was decided, what happened, and why.
function whyText(move) {
  const [, , why, , , first, second, wanted, told] = move;
  const words = data.why[why].sentence.replace(/\{([01t])\}/g,
    (_, which) => (which === "t" ? told || "" : size(which === "0" ? first : second)));
  return [words, wanted && data.bounded.replace("{0}", size(wanted)),
    told && !isTold(why) && `The policy’s own reason: ${told}.`].filter(Boolean).join(" ");
}

// Whoever decided tells all there is to say.
function isTold(why) {
  return data.why[why].sentence === "{t}";
}

function movesTable(view) {
  const { history } = view.run();
  const { input, state } = view;
  const wanted = state.moveFilter.toLowerCase();
  const isKind = (why) =>
    state.kind === "all" || state.kind === String(why) ||
    state.kind === (data.why[why].decision ? "decisions" : "happened");
  const moves = history.moves.filter(([, domain, why]) =>
    isKind(why) && input.domains[domain][0].toLowerCase().includes(wanted));
  const rows = moves.map((move) => {
    const [at, domain, why, from, to] = move;
    const [name, capacity] = input.domains[domain];
    const decision = data.why[why].decision;
    return h("tr", { class: decision ? null : "happened" },
      h("td", { class: "number" }, clock(at)),
      h("th", { scope: "row" }, name),
      h("td", { class: "number loan" },
        from === to ? "–" : [size(from), h("span", { class: "arrow" }, " → "), h("b", null, size(to))]),
      h("td", { class: "number" }, from === to ? "" : signedSize(to - from), loanBar(from, to, capacity)),
      h("td", { class: "why" }, !isTold(why) && [h("b", null, data.why[why].title), " "], h("span", null, whyText(move))));
  });
  const body = rows.length > 0
    ? h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Decisions and what happened" },
      h("table", { class: "moves" },
        h("thead", null, h("tr", null, [["Time", 1], ["Domain"], ["Loan", 1], ["Change", 1], ["Why"]]
          .map(([name, number]) => h("th", { scope: "col", class: number ? "number" : null }, name)))),
        h("tbody", null, rows)))
    : h("p", { class: "note" }, history.moves.length === 0 ? "No loan changed in this run." : "None of these.");
  return [h("p", { class: "note" }, moveNote(history, moves.length)), body];
}
function moveNote(history, shown) {
  const left = history.decisions_left_out + history.happenings_left_out;
  const words = `${many(shown, "row")}${shown < history.moves.length ? ` of ${count(history.moves.length)}` : ""}.`;
  if (left === 0) return `${words} Nothing was left out.`;
  return `${words} Left out: ${many(history.decisions_left_out, "decision")} and ` +
    `${count(history.happenings_left_out)} more that happened, those that moved least; ` +
    "starts, stops and kills are kept first.";
}
// Where in its capacity the loan was and is.
function loanBar(from, to, capacity) {
  const x = linear(0, capacity, 1, 79);
  return s("svg", { viewBox: "0 0 80 8", width: 80, height: 8, "aria-hidden": "true", class: "loan-bar" },
    s("rect", { x: 1, y: 2, width: 78, height: 4, class: "whole" }),
    s("rect", { x: 1, y: 2, width: short(Math.max(0, x(Math.min(from, to)) - 1), 2), height: 4, class: "stays" }),
    s("rect", { x: short(x(Math.min(from, to)), 2), y: 1, width: short(Math.max(from === to ? 0 : 1, Math.abs(x(to) - x(from))), 2),
                height: 6, class: to > from ? "more" : "less" }));
}
function kindChoices(history) {
  const seen = [...new Set(history.moves.map((move) => move[2]))].sort((a, b) => a - b);
  return [["all", "everything"], ["decisions", "all decisions"], ["happened", "all that happened by itself"],
    ...seen.map((why) => [String(why), `${data.why[why].decision ? "decided" : "happened"}: ${data.why[why].title}`])];
}
