// The page of a run: a list of talks, and one talk at a time.  Text from models is only ever set as text.
"use strict";
(() => {
const SIZE = 100;
const $ = (id) => document.getElementById(id);
const stored = (id) => $(`data-${id}`).textContent;
const run = JSON.parse(stored("run"));
const rows = JSON.parse(stored("rows"));
const lines = rows.length ? stored("talks").slice(2, -2).split(",\n") : [];
function talk(row) {  // a version leaves out what is as in the reply that was said
  const one = JSON.parse(lines[row.place]);
  for (const turn of one.turns) {
    if (turn.versions) turn.versions = turn.versions.map((version) => ({ text: turn.text, strategy: turn.strategy, findings: [], ...version }));
  }
  return one;
}
const view = { shown: rows, page: 0, row: null, sort: "index", down: false, critique: true, mind: false, scroll: 0 };

// Elements ------------------------------------------------------------------------------------------------------------
function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return node;
}
const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
const words = (name) => String(name).replace(/_/g, " ");
const capital = (name) => words(name).replace(/^./, (letter) => letter.toUpperCase());
const signed = (value, digits) => (value < 0 ? "\u2212" : value > 0 ? "+" : "") + Math.abs(value).toFixed(digits);
const count = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many || `${one}s`}`;
const stage = (strategy) => (run.strategies[strategy] || {}).stage || "none";
const chip = (strategy) => el("span", { class: `chip ${stage(strategy)}`, title: (run.strategies[strategy] || {}).means }, strategy);
const pairs = (items, name) => el("dl", { class: name }, items.filter((item) => item && item[1] !== "").map(([term, ...values]) => el("div", {}, el("dt", {}, term), el("dd", {}, values))));
const between = (before, after) => el("span", { class: "number" }, `${before} \u2192 `, before === after ? `${after}` : el("b", { class: after < before ? "eased" : "worse" }, String(after)));

// Head of the run -----------------------------------------------------------------------------------------------------
function models(seats) {
  const specs = [...new Set(Object.values(seats))];
  return specs.length === 1 ? `${specs[0]} on all seats` : Object.entries(seats).map(([seat, spec]) => `${seat} ${spec}`).join(", ");
}
function drawHead() {
  const share = (reason, number) => `${words(reason)} ${number.toLocaleString("en")}`;
  const name = [run.recipe && `${run.recipe} `, el("span", { class: "id" }, run.fingerprints.join(", "))];
  const source = run.source && [run.source.kind, run.source.name].filter(Boolean).join(", ");
  $("head").append(
    el("h1", {}, run.name),
    pairs([
      ["Talks", run.talks.toLocaleString("en")],
      ["End", run.stops.map(([reason, number]) => share(reason, number)).join(", ")],
      ["Mean change of emotion", run.change === null ? "" : `${signed(run.change, 2)} on a scale of 1 to 5`],
      ["Crisis flags", String(run.crises)],
      ["Recipe", ...(run.fingerprints.length ? name : [run.recipe || ""])],
      ["Seed", run.seeds.join(", ")],
      ["Turns at most", run.turns ? String(run.turns) : ""],
      ["Cast from", source || ""],
      ["Models", run.models.map(models).join("; ")],
      ["Versions", Object.entries(run.versions || {}).map((pair) => pair.join(" ")).join(", ")],
    ]),
  );
}

// List ----------------------------------------------------------------------------------------------------------------
const COLUMNS = [
  ["index", "Talk", (row) => row.index],
  ["problem", "Problem", (row) => row.problem],
  ["emotion", "Emotion", (row) => row.emotion],
  ["change", "Before \u2192 after", (row) => row.after - row.before],
  ["resistance", "Seeker", (row) => row.resistance],
  ["strategies", "Strategies", (row) => row.strategies.length],
  ["turns", "Turns", (row) => row.turns],
  ["refined", "Refined", (row) => row.refined],
  ["stop", "End", (row) => row.stop],
];
let hay = null;
function haystack() {  // made when somebody first searches: what was said, the situation, the id; never the hidden mind
  hay = hay || lines.map((line, place) => {
    const one = JSON.parse(line);
    return [one.id, rows[place].problem, rows[place].emotion, one.situation, ...one.turns.map((turn) => turn.text)].join("\n").toLowerCase();
  });
  return hay;
}
function select() {
  const [problem, stop, strategy, error] = ["problem", "stop", "strategy", "error"].map((name) => $(`f-${name}`).value);
  const sought = $("f-text").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (row) =>
    (!problem || row.problem === problem) && (!stop || row.stop === stop) && (!strategy || row.strategies.includes(strategy)) &&
    (!error || (error === "*" ? row.errors.length > 0 : error === "-" ? !row.errors.length : row.errors.includes(error))) &&
    sought.every((word) => haystack()[row.place].includes(word));
  const key = COLUMNS.find(([name]) => name === view.sort)[2];
  const sign = view.down ? -1 : 1;
  view.shown = rows.filter(fits).sort((a, b) => sign * (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0) || a.place - b.place);
  view.filtered = Boolean(problem || stop || strategy || error || sought.length);
}
function refresh() {
  view.page = 0;
  select();
  drawList();
}
function sortBy(name, down) {
  view.down = down === undefined ? view.sort === name && !view.down : down;
  view.sort = name;
  refresh();
}
function drawList() {
  const pages = Math.max(1, Math.ceil(view.shown.length / SIZE));
  const from = view.page * SIZE;
  const part = view.shown.slice(from, from + SIZE);
  $("count").textContent = (!part.length ? "No talk" : `${from + 1}\u2013${from + part.length} of ${count(view.shown.length, "talk")}`) + (view.filtered ? `, filtered from ${rows.length.toLocaleString("en")}` : "");
  $("clear").hidden = !view.filtered;
  $("columns").replaceChildren(...COLUMNS.map(([name, label]) => {
    const order = view.sort === name ? (view.down ? "descending" : "ascending") : null;
    return el("th", { scope: "col", "aria-sort": order }, el("button", { type: "button", "data-sort": name, onclick: () => { sortBy(name); document.querySelector(`[data-sort=${name}]`).focus(); } }, label));
  }));
  $("body").replaceChildren(...part.map(drawRow));
  if (!part.length) $("body").append(el("tr", {}, el("td", { class: "empty whole", colspan: COLUMNS.length }, rows.length ? "No talk fits these filters." : "This run holds no talk yet.")));
  const turn = (by, label) => el("button", { type: "button", disabled: view.page + by < 0 || view.page + by >= pages, onclick: () => { view.page += by; drawList(); scrollTo(0, 0); $("list").focus(); } }, label);
  $("pages").replaceChildren(...(pages > 1 ? [turn(-1, "Previous page"), el("span", { class: "number" }, `${view.page + 1} of ${pages}`), turn(1, "Next page")] : []));
  $("f-sort").value = `${view.sort} ${view.down ? 1 : 0}`;
}
function drawRow(row) {
  const cell = (name, content, extra) => el("td", { "data-name": name, class: extra || null }, content);
  const open = (event) => { if (!event.target.closest("a") && !String(getSelection())) location.hash = `#${encodeURIComponent(row.key)}`; };
  return el("tr", { onclick: open },
    cell("Talk", [el("span", { class: "index" }, String(row.index)), " ", el("a", { class: "id", href: `#${encodeURIComponent(row.key)}` }, row.id)], "whole"),
    cell("Problem", row.problem, "whole aligned"),
    cell("Emotion", row.emotion, "whole"),
    cell("Before \u2192 after", between(row.before, row.after), "whole aligned"),
    cell("Seeker", row.resistance),
    cell("Strategies", el("span", { title: row.strategies.join(", ") }, String(row.strategies.length)), "aligned"),
    cell("Turns", String(row.turns)),
    cell("Refined", String(row.refined), "aligned"),
    cell("End", [words(row.stop), row.crisis && el("span", { class: "flag" }, " crisis flag")]),
  );
}
function fillFilters() {
  const options = (id, all, items) => $(id).append(el("option", { value: "" }, all), ...items.map((item) => el("option", { value: Array.isArray(item) ? item[0] : item }, words(Array.isArray(item) ? item[1] : item))));
  options("f-problem", "all", run.problems);
  options("f-stop", "all", run.stops.map(([reason, number]) => [reason, `${reason} (${number})`]));
  options("f-strategy", "any", Object.keys(run.strategies));
  options("f-error", "any or none", [["*", "any error"], ["-", "no error"], ...run.errors]);
  const ends = { index: ["first", "last"], change: ["most relief", "least relief"] };
  for (const [name, label] of COLUMNS) {
    const letters = ["problem", "emotion", "resistance", "stop"].includes(name) ? ["A to Z", "Z to A"] : ends[name] || ["fewest", "most"];
    letters.forEach((letter, down) => $("f-sort").append(el("option", { value: `${name} ${down}` }, `${label}: ${letter}`)));
  }
  $("f-sort").addEventListener("change", () => { const [name, down] = $("f-sort").value.split(" "); sortBy(name, down === "1"); });
  for (const name of ["problem", "stop", "strategy", "error"]) $(`f-${name}`).addEventListener("change", refresh);
  let wait = 0;
  $("f-text").addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(refresh, 150); });
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("filters").addEventListener("reset", () => setTimeout(() => { view.sort = "index"; view.down = false; refresh(); $("f-problem").focus(); }));
}

// Marked text ---------------------------------------------------------------------------------------------------------
function marked(text, marks) {  // marks: [start, end, class, tag]; they may overlap
  const cuts = [...new Set([0, text.length, ...marks.flatMap(([start, end]) => [start, end])])].sort((a, b) => a - b);
  return cuts.slice(0, -1).map((start, place) => {
    const end = cuts[place + 1];
    const here = marks.filter((mark) => mark[0] <= start && mark[1] >= end);
    return here.reduce((inner, [, , name, tag]) => el(tag, { class: name }, inner), text.slice(start, end));
  });
}
function found(text, span, name) {
  const start = span ? text.indexOf(span) : -1;
  return start < 0 ? [] : [[start, start + span.length, name, "mark"]];
}
function changed(text, diff, kind, name, tag) {  // diff: [kind, number of words], of which `same` and `kind` make up this text
  const tokens = [...text.matchAll(/\S+/g)];
  const mine = diff.filter((piece) => piece[0] === "same" || piece[0] === kind);
  if (mine.reduce((sum, piece) => sum + piece[1], 0) !== tokens.length) return [];
  let at = 0;
  return mine.flatMap(([which, number]) => {
    const [first, last] = [tokens[at], tokens[at + number - 1]];
    at += number;
    return which === kind ? [[first.index, last.index + last[0].length, name, tag]] : [];
  });
}

function kinship(diff) {  // share of the words that stayed
  const sum = (kinds) => diff.reduce((all, [kind, number]) => all + (kinds.includes(kind) ? number : 0), 0);
  return (2 * sum(["same"])) / Math.max(1, 2 * sum(["same"]) + sum(["gone", "new"]));
}

// Dialogue ------------------------------------------------------------------------------------------------------------
const SEVERITY = ["", "slight", "clear", "harmful"];
const VALUES = ["intensity", "trust", "openness", "patience", "grip"];

function drawTalk(row) {
  const one = talk(row);
  const turns = el("ol", { class: "turns", "aria-label": "Dialogue" });
  let replies = 0;
  let mind = null;
  for (const turn of one.turns) {
    turns.append(turn.who === "seeker" ? drawSeeker(turn, mind) : drawSupporter(turn, ++replies));
    mind = turn.mind || mind;
  }
  if (!one.turns.length) turns.append(el("li", { class: "empty" }, "Nothing was said."));
  const figure = el("figure", { id: "plot" });
  $("talk").replaceChildren(
    drawBar(row),
    el("article", { class: "talk" },
      el("div", { class: "title" },
        el("h2", {}, capital(row.problem), ", ", row.emotion),
        el("p", { class: "situation", dir: "auto" }, one.situation),
        row.crisis && el("p", { class: "alert" }, el("strong", {}, "Crisis flag."), " The gate found talk of suicide or self-harm; this talk is kept out of training pairs unless asked for."),
        one.error && el("p", { class: "alert" }, el("strong", {}, "Failed."), ` ${one.error.kind} at the boundary \u201c${one.error.boundary}\u201d: ${one.error.message}`),
        one.notes.map((note) => el("p", { class: "note" }, `Note: ${note}`))),
      el("aside", { "aria-label": "About this talk" }, figure, drawFacts(row, one), drawHidden(one)),
      turns));
  view.one = one;
  drawPlot();
}
function drawBar(row) {
  const around = view.shown.includes(row) ? view.shown : rows;
  const at = around.indexOf(row);
  const go = (by, label) => el("button", { type: "button", disabled: !around[at + by], "aria-keyshortcuts": by < 0 ? "ArrowLeft" : "ArrowRight", onclick: () => step(by) }, label);
  const toggle = (name, label) => el("label", { class: "switch" },
    el("input", { type: "checkbox", role: "switch", id: `s-${name}`, checked: view[name], onchange: (event) => { view[name] = event.target.checked; dress(); drawPlot(); } }), label);
  return el("nav", { class: "bar", "aria-label": "Talk" },
    el("a", { href: "#" }, "All talks"), go(-1, "Previous"), go(1, "Next"),
    el("span", { class: "place number" }, `${at + 1} of ${around.length.toLocaleString("en")}${around.length < rows.length ? " filtered" : ""}`),
    toggle("critique", "Critique"), toggle("mind", "Hidden mind"));
}
function drawFacts(row, one) {
  return pairs([
    ["Talk", `${row.index} `, el("span", { class: "id" }, row.id)],
    ["Seeker", row.resistance],
    ["Emotion", `${row.emotion} `, between(row.before, row.after)],
    ["Turns", `${row.turns} of the Supporter, ${row.refined} refined`],
    ["Errors found", row.errors.join(", ") || "none"],
    ["End", words(row.stop)],
    ["Seed", String(one.seed)],
    run.models.length > 1 && ["Models", models(one.models)],
  ], "facts-of");
}
function drawSeeker(turn, last) {
  const alarm = turn.crisis ? found(turn.text, turn.crisis.span, "alarm") : [];
  return el("li", { class: "turn seeker" },
    el("div", { class: "side" }, el("p", { class: "who" }, "Seeker"), el("p", { class: "felt" }, "emotion ", between(turn.before, turn.after))),
    el("div", {},
      el("p", { class: "said", dir: "auto" }, marked(turn.text, alarm)),
      turn.crisis && el("p", { class: "crisis-line" }, `Crisis flag: ${words(turn.crisis.category)}`, !alarm.length && `, \u201c${turn.crisis.span}\u201d`),
      drawMind(turn.mind, last)));
}
function drawMind(mind, last) {
  const value = (name) => {
    const by = last ? mind[name] - last[name] : 0;
    return el("span", {}, el("span", { class: "label" }, `${name} `), mind[name].toFixed(2), Math.abs(by) >= 0.005 && el("small", {}, ` ${signed(by, 2)}`));
  };
  const sign = ([label, tone, quote]) => el("span", { class: tone }, { good: "+ ", bad: "\u2212 " }[tone] || "", words(label), quote && [" ", el("q", { dir: "auto" }, quote)]);
  return el("div", { class: "mind mind-turn" },
    mind.signs.length > 0 && el("p", { class: "signs" }, el("span", { class: "label" }, "Appraisal"), mind.signs.map(sign)),
    el("p", { class: "values" }, VALUES.map(value), el("span", {}, el("span", { class: "label" }, "stage "), mind.stage), el("span", {}, el("span", { class: "label" }, "move "), words(mind.move))),
    mind.told.length > 0 && el("p", {}, el("span", { class: "label" }, "Disclosed "), mind.told.map(([key, wording]) => `${key} (${wording})`).join(", ")));
}
function drawSupporter(turn, number) {
  return el("li", { class: "turn supporter" },
    el("div", { class: "side" }, el("p", { class: "who" }, `Supporter ${number}`), chip(turn.strategy)),
    el("div", {}, el("p", { class: "said", dir: "auto" }, turn.text), turn.versions.length > 0 && drawCritique(turn)));
}
function drawCritique(turn) {
  const drafted = turn.versions[0];
  const errors = [...new Set(turn.versions.flatMap((version) => version.findings.map((finding) => finding.error)))];
  const refined = turn.versions.length - 1;
  const fate = turn.kept ? (refined > 1 ? `Draft refined ${refined} times` : "Draft refined") : refined ? "Draft kept after refinement" : drafted.accepted === undefined ? "Draft, without critique" : errors.length ? "Draft accepted all the same" : "Draft accepted";
  return el("details", { open: turn.kept > 0 },
    el("summary", {}, fate, errors.length > 0 && [": ", el("b", {}, errors.join(", "))]),
    el("div", { class: "inside" },
      drawThought(turn),
      turn.versions.map((version, place) => refined || version.findings.length || version.text !== turn.text ? drawVersion(turn, version, place) : null)));
}
function drawThought(turn) {
  const { plan, reflection } = turn;
  return [
    plan && el("p", { class: "thought" }, el("b", {}, "Plan "), `${plan.strategy}, probability ${plan.p.toFixed(2)}`, plan.why && `. ${plan.why}`),
    reflection && el("p", { class: "thought" }, el("b", {}, "Reflection "), `${reflection.profile} Emotion: ${reflection.emotion}, ${reflection.intensity} of 5. Need: ${reflection.need}`),
  ];
}
function drawVersion(turn, version, place) {
  const name = place ? `Refinement${turn.versions.length > 2 ? ` ${place}` : ""}` : "Draft";
  const evidence = version.findings.flatMap((finding) => found(version.text, finding.span, "evidence"));
  const told = turn.diff && kinship(turn.diff) >= 0.25;  // below that a word diff is confetti, and one sentence says more
  const diff = !told ? [] : !place ? changed(version.text, turn.diff, "gone", "gone", "del") : place === turn.kept ? changed(version.text, turn.diff, "new", "new", "ins") : [];
  return el("div", { class: "version" },
    el("p", { class: "label" }, el("b", {}, name), (place === turn.kept ? "said" : "not said") + (place && place === turn.kept && turn.diff && !told ? ", written anew" : ""), turn.versions.some((other) => other.strategy !== turn.strategy) && chip(version.strategy)),
    el("p", { class: "said", dir: "auto" }, marked(version.text, [...diff, ...evidence])),
    version.findings.map((finding) => drawFinding(finding, version)));
}
function drawFinding(finding, version) {
  const whole = finding.span.trim() === version.text.trim();
  return el("p", { class: "finding" }, el("b", {}, finding.error), ` (${SEVERITY[finding.severity] || finding.severity}) `,
    !whole && finding.span && [el("q", { dir: "auto" }, finding.span), " "], finding.why,
    finding.error === "Strategy Mismatch" && version.instead && ` Instead: ${version.instead}.`);
}

// The hidden mind -----------------------------------------------------------------------------------------------------
function drawHidden(one) {
  const { persona, need, belief, facts, disclosed, change, trust } = one.hidden;
  const told = new Map(one.turns.flatMap((turn) => (turn.mind ? turn.mind.told : [])));
  const traits = Object.entries(persona.big_five).map(([name, value]) => `${name} ${value.toFixed(2)}`).join(", ");
  const list = (items) => items.map(words).join(", ");
  return el("section", { class: "mind mind-card", "aria-label": "Hidden mind" },
    el("h3", {}, "Hidden need"), el("p", { dir: "auto" }, need),
    el("h3", {}, "Unhelpful belief"), el("p", { dir: "auto" }, belief),
    el("h3", {}, "Persona"),
    pairs([
      ["Who", `${persona.age}, ${persona.gender}, ${persona.occupation}`],
      ["Meets help", words(persona.resistance)],
      ["Writes", `${persona.verbosity}, ${persona.style}, ${persona.language}`],
      ["Copes by", words(persona.coping)],
      ["Helped by", list(persona.helps)],
      ["Hurt by", list(persona.hurts)],
      ["Big Five", traits],
      ["Background", persona.background],
      ["Change", `intensity ${signed(change, 2)}, trust ${signed(trust, 2)}`],
    ], "facts-of"),
    el("h3", {}, `Facts: ${disclosed} of ${facts.length} disclosed`),
    el("ul", {}, facts.map(([key, depth, text]) => el("li", { class: told.has(key) ? "told" : null, dir: "auto" }, text, " ",
      el("small", {}, `${key}, ${depth}; ${told.has(key) ? `disclosed, ${told.get(key)}` : "not disclosed"}`)))));
}

// Emotion trajectory --------------------------------------------------------------------------------------------------
function drawPlot() {
  const figure = $("plot");
  if (!figure || !view.one) return;
  const turns = view.one.turns;
  const felt = turns.map((turn, place) => ({ ...turn, place })).filter((turn) => turn.who === "seeker");
  const replies = turns.map((turn, place) => ({ ...turn, place })).filter((turn) => turn.who === "supporter");
  if (!felt.length) { figure.replaceChildren(); return; }
  const width = Math.max(260, figure.clientWidth || 360);
  const [left, right, top, low] = [18, view.mind ? 26 : 8, 10, 150];
  const x = (place) => left + 6 + (turns.length > 1 ? (place / (turns.length - 1)) * (width - left - right - 12) : 0);
  const y = (value) => low - ((value - 1) / 4) * (low - top);
  const crowded = replies.length > 1 && (width - left - right) / replies.length < 21;
  const path = (value) => felt.map((turn, n) => `${n ? "L" : "M"}${x(turn.place).toFixed(1)} ${y(value(turn)).toFixed(1)}`).join("");
  const first = view.one.turns.find((turn) => turn.who === "seeker");
  const label = `Emotion by turn, on a scale of 1 to 5: ${[first.before, ...felt.map((turn) => turn.after)].join(", ")}. Strategies: ${replies.map((turn) => turn.strategy).join(", ") || "none"}.`;
  const drawing = svg("svg", { width, height: low + (crowded ? 50 : 38), viewBox: `0 0 ${width} ${low + (crowded ? 50 : 38)}`, role: "img", "aria-label": label },
    [1, 2, 3, 4, 5].map((value) => [svg("line", { class: "grid", x1: left, x2: width - right, y1: y(value), y2: y(value) }), svg("text", { x: 2, y: y(value) + 4 }, String(value))]),
    view.mind && [[0, 1], [0.5, 3], [1, 5]].map(([trust, value]) => svg("text", { x: width - right + 6, y: y(value) + 4 }, trust === 0.5 ? ".5" : String(trust))),
    view.mind && svg("path", { class: "trust", d: path((turn) => 1 + 4 * turn.mind.trust) }),
    svg("path", { class: view.mind ? "exact" : "reported", d: path((turn) => (view.mind ? turn.mind.intensity : turn.after)) }),
    felt.map((turn) => svg("circle", { class: "dot", cx: x(turn.place), cy: y(turn.after), r: 2.4 }, svg("title", {}, `emotion ${turn.after}`))),
    felt.filter((turn) => turn.crisis).map((turn) => svg("circle", { class: "alarm-dot", cx: x(turn.place), cy: y(turn.after), r: 6 }, svg("title", {}, "crisis flag"))),
    replies.map((turn, n) => svg("g", { class: stage(turn.strategy) },
      svg("line", { class: "tick", x1: x(turn.place), x2: x(turn.place), y1: low + 6, y2: low + 14 + (crowded && n % 2 ? 12 : 0) }),
      svg("text", { class: "short", x: x(turn.place), y: low + 27 + (crowded && n % 2 ? 12 : 0) }, (run.strategies[turn.strategy] || {}).short || "?"),
      svg("title", {}, `Supporter ${n + 1}: ${turn.strategy}`))));
  const used = Object.keys(run.strategies).filter((name) => replies.some((turn) => turn.strategy === name));
  figure.replaceChildren(drawing, el("figcaption", {},
    view.mind ? "Emotion by turn, 1 to 5: dots as a questionnaire would show it, line the exact intensity; dotted, trust from 0 to 1. " : "Emotion by turn, 1 to 5, as a questionnaire would show it. ",
    used.map((name, n) => [n ? ", " : "", el("span", {}, `${run.strategies[name].short} ${name}`)]), "."));
}

// Going about ---------------------------------------------------------------------------------------------------------
function dress() {
  document.body.classList.toggle("minds", view.mind);
  document.body.classList.toggle("uncritical", !view.critique);
}
function step(by) {
  const around = view.shown.includes(view.row) ? view.shown : rows;
  const next = around[around.indexOf(view.row) + by];
  if (next) location.hash = `#${encodeURIComponent(next.key)}`;
}
function wanted() {
  let name = location.hash.slice(1);
  try { name = decodeURIComponent(name); } catch { /* a hash that is no URL part is looked up as it is */ }
  return name;
}
const alone = (items) => (items.length === 1 ? items[0] : null);
function route() {
  const name = wanted();
  const row = name ? rows.find((item) => item.key === name) || alone(rows.filter((item) => item.key.startsWith(name))) : null;
  const left = view.row;
  if (!left && row) view.scroll = scrollY;
  view.row = row || null;
  $("list").hidden = Boolean(row);
  $("talk").hidden = !row;
  document.body.classList.toggle("reading", Boolean(row));
  document.title = row ? `${row.id}, ${run.name}` : run.name;
  if (row) {
    drawTalk(row);
    scrollTo(0, 0);
    $("talk").focus({ preventScroll: true });
    return;
  }
  $("talk").replaceChildren();
  view.one = null;
  if (left) {
    const at = view.shown.indexOf(left);
    if (at >= 0 && Math.floor(at / SIZE) !== view.page) { view.page = Math.floor(at / SIZE); drawList(); }
    scrollTo(0, view.scroll);
    const link = [...$("body").querySelectorAll("a")].find((item) => item.hash === `#${encodeURIComponent(left.key)}`);
    if (link) link.focus();
  } else if (name) $("count").textContent = `No talk is called \u201c${name}\u201d here. ${$("count").textContent}`;
}
function onKey(event) {
  if (!view.row || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.defaultPrevented) return;
  if (event.key === "ArrowLeft") step(-1);
  else if (event.key === "ArrowRight") step(1);
  else if (event.key === "Escape") location.hash = "#";
}
function start() {
  const seen = new Map();
  rows.forEach((row, place) => {
    const times = (seen.get(row.id) || 0) + 1;
    seen.set(row.id, times);
    Object.assign(row, { place, key: times > 1 ? `${row.id}~${times}` : row.id });
  });
  drawHead();
  fillFilters();
  refresh();
  dress();
  $("wait").remove();
  addEventListener("hashchange", route);
  addEventListener("keydown", onKey);
  let width = 0;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; drawPlot(); } });
  route();
}
start();
})();
