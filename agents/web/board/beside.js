// What customers experience and what they say; shown only where the worker reads it.

import { fill, number } from "./shown.js";
import { count, element, local, money, plural, share } from "./words.js";

const byId = (id) => document.getElementById(id);
const NOW = { red: "Red now: many disrupted", yellow: "Yellow now: some disrupted", green: "Green now", unknown: "Nobody seen just now" };

export function showHealth(board) {
  const of = board.health;
  // Alone on a page, it says why there is nothing.
  byId("health-card").hidden = !of && document.body.dataset.view !== "health";
  if (!of) {
    const feed = board.feeds.find((one) => one.feed === "qos-signals");
    fill(byId("health"), element("p", { class: "pale" }, board.asked_at ? "It is told as of now alone." : feed?.text ?? ""));
    return;
  }
  const tiles = of.services.map((row) => element("div", { class: `tile ${row.now}` },
    element("b", {}, [row.service, row.stage].join(", ")),
    element("div", {}, NOW[row.now]),
    element("div", row.worst ? { class: `worst ${row.worst.colour}` } : { class: "pale" }, worst(row, of.window)),
    element("div", { class: "pale" },
      number(count(row.disrupted), { measure: "disrupted", window: of.window, service: row.service, stage: row.stage }, `${plural(row.disrupted, "customer")} disrupted at ${row.service}, ${row.stage}`),
      ` of ${plural(row.customers, "customer")}${row.value_at_risk ? `, ${money(board, row.value_at_risk)} at risk` : ""}`)));
  const greens = of.false_green.map((spell) => element("p", { class: "notice bad" },
    `False green: operations say ${spell.service}, ${spell.stage} is up while ${spell.segment ? `customers of ${spell.segment}${spell.region ? `, ${spell.region}` : ""}` : "its customers"} are red, for ${plural(spell.minutes, "minute")}, since ${instant(board, spell.start)}.`));
  const who = of.subsets.slice(-3).reverse().map((one) => element("p", {},
    `Who: ${Object.entries(one.attributes).map(([name, values]) => `${name} ${values.join(" or ")}`).join(", ")} (${one.service}, ${one.stage}): ${count(one.disrupted)} of ${plural(one.customers, "customer")}, since ${instant(board, one.start)}.`));
  const status = of.status_feed === "read" ? [] : [element("p", { class: "pale" }, "Operations say nothing, or have not for long, so whether anything is false green is not known.")];
  fill(byId("health"),
    element("p", { class: "pale" },
      of.in_trouble ? number(plural(of.in_trouble, "customer"), { measure: "in_trouble" }, `${plural(of.in_trouble, "customer")} in trouble now`) : "No customers",
      ` in trouble now; the last ${of.window} to ${instant(board, of.at)}.`),
    element("div", { class: "said" }, ...greens, ...who, ...status), element("div", { class: "tiles" }, ...tiles));
}

/** The worst minutes of the window: what a colour over all of it, or that of now, would hide. */
function worst({ now, worst: one }, window) {
  // The minute that runs is told once it is over.
  if (!one) return `${now === "red" || now === "yellow" ? "Before that green" : "Green"} in every minute of the last ${window}`;
  const whom = one.segment ? `, customers of ${one.segment}, ${one.region}` : "";
  return `Worst of the last ${window}: ${one.colour} for ${plural(one.minutes, "minute")}${whom}`;
}

export function showVoice(board) {
  const of = board.voice;
  byId("voice-card").hidden = !of;
  if (!of) return;
  const tiles = of.brands.slice(0, 6).map((row) => {
    const happy = element("span", { class: "happy" }), unhappy = element("span", { class: "unhappy" });
    happy.style.width = `${(row.happy / Math.max(1, row.mentions)) * 100}%`;
    unhappy.style.width = `${(row.unhappy / Math.max(1, row.mentions)) * 100}%`;
    const topics = Object.entries(row.topics).slice(0, 3).map(([topic, line]) => `${topic} ${count(line.mentions)}`);
    return element("div", { class: "tile" }, element("b", {}, row.brand),
      `${plural(row.mentions, "mention")} by ${plural(row.authors, "author")}`,
      element("div", { class: "mood", "aria-hidden": "true" }, happy, unhappy),
      element("div", { class: "pale" }, `${count(row.happy)} happy, ${count(row.unhappy)} unhappy${row.net_sentiment === undefined ? "" : `, net ${share(row.net_sentiment)}`}`),
      topics.length ? element("div", { class: "pale" }, topics.join(", ")) : null);
  });
  const apart = Object.entries(of.set_apart).filter(([, n]) => n).map(([name, n]) => `${count(n)} ${name}`);
  fill(byId("voice"),
    element("p", { class: "pale" }, `The last ${of.window} to ${instant(board, of.at)}.${apart.length ? ` Set apart and not counted: ${apart.join(", ")}.` : ""}`),
    tiles.length ? element("div", { class: "tiles" }, ...tiles) : element("p", {}, "Nobody said anything."));
}

/** Surges of one trouble stand together, as the alerts on them are one page. */
export function showTroubles(board) {
  const of = board.troubles ?? [];
  byId("troubles-card").hidden = !of.length;
  fill(byId("troubles"), ...of.map(({ since, surges: [first, ...others], more }) => element("li", { class: first.alert ? "notice bad" : first.open ? "notice" : "pale" },
    first.alert ? element("b", {}, `Alert ${first.alert}: customers are leaving. `) : null, first.text,
    others.length ? element("div", { class: "same" }, `Of the same trouble, since ${since}:`,
      element("ul", {}, ...others.map((surge) => element("li", surge.open ? {} : { class: "over" }, surge.text)),
        more ? element("li", {}, `and ${count(more)} more`) : null)) : null)));
}

export function showSurveys(board) {
  const of = board.surveys;
  byId("surveys-card").hidden = !of;
  if (!of) return;
  const span = (name, one) => element("div", { class: "tile" }, element("b", {}, name), plural(one.answers, "answer"),
    element("div", { class: "pale" }, `${count(one.unhappy)} low${one.answers ? ` (${share(one.unhappy / one.answers)})` : ""}${one.mean === undefined ? "" : `, mean ${share(one.mean)} of the scale`}`));
  fill(byId("surveys"), element("p", { class: "pale" }, "To compare with, not to steer by: surveys are late."),
    element("div", { class: "tiles" }, span(`The ${of.days} days to ${local(of.at)}`, of.now), span(`The ${of.days} days before`, of.before)));
}

/** An instant with any offset, as the company's clocks show it. */
function instant(board, text) {
  const at = new Date(text);
  const clocks = new Intl.DateTimeFormat("sv-SE", { timeZone: board.time_zone, dateStyle: "short", timeStyle: "medium" });
  return local(clocks.format(at).replace(" ", "T"));
}
