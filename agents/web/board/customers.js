// The customers behind a number, and the timeline of one of them.

import { capital, count, element, money, plural, scopeName, windowName } from "./words.js";

const byId = (id) => document.getElementById(id);
const dialog = byId("customers");
const WHAT = {
  new: "joined", returned: "came back", lost: "left", transfer: "moved", recommended: "recommended us",
  opening: "with us from the beginning", expansion: "worth more", contraction: "worth less",
  disrupted: "is disrupted now",
};
const MEASURES = {
  gained: "joined", new: "are new", returned: "came back", earned: "came by a recommendation", lost: "left",
  early_loss: "left early", transferred_in: "moved here", transferred_out: "moved away", brought: "were brought",
  recommenders: "recommended us", in_trouble: "are disrupted now", disrupted: "were disrupted", closing: "are with us", stayed: "stayed", pending_loss: "are about to leave",
};

/** What narrows a measure further, in the address of a list as in that of the page. */
export const NARROWED = ["kind", "reason", "activity", "service", "stage"];

const state = { next: null, list: null, board: null };

/** Open the list of a number: `of` names the cell, `query` window and scope. */
export async function openNumber(of, label, query, board) {
  state.board = board;
  // Who is or was disrupted is told for the whole company, as of now.
  const asked = new URLSearchParams(["in_trouble", "disrupted"].includes(of.measure) ? "" : query);
  asked.set("window", board.window);
  for (const [name, value] of Object.entries(of)) asked.set(name, value);
  title(label.replace(/: who they are$/, ""), "Reading them ...");
  byId("customers-list").replaceChildren();
  more(null);
  byId("customers-back").hidden = true;
  if (!dialog.open) dialog.showModal();
  byId("customers-title").focus();
  const list = await ask(`/api/v1/customers?${asked}`);
  if (!list) return;
  const narrowed = NARROWED.filter((name) => list[name]).map((name) => `${name} ${list[name]}`);
  const words = [`${plural(list.total, "customer")} ${MEASURES[list.measure]}`, ...narrowed].join(", ");
  const differs = list.counted !== undefined && list.counted !== list.total;
  title(words, `${capital(scopeName(list.scope))}${list.measure === "in_trouble" ? "" : `, ${windowName(list.window)}`}. ${list.pseudonyms ? "Names are pseudonyms. " : ""}${differs ? `The tables count ${count(list.counted)}: records are on their way, open it again. ` : ""}Who opened it is logged.`);
  byId("customers-list").replaceChildren(table(list.customers, true));
  more(list.next);
}

async function openCustomer(name) {
  const kept = { nodes: [...byId("customers-list").childNodes], title: byId("customers-title").textContent, about: byId("customers-about").textContent, next: state.next };
  title(`Customer ${name}`, "Reading what became of it ...");
  more(null);
  const found = await ask(`/api/v1/customers/${encodeURIComponent(name)}`);
  const back = byId("customers-back");
  back.hidden = false;
  back.onclick = () => {
    byId("customers-list").replaceChildren(...kept.nodes);
    title(kept.title, kept.about);
    more(kept.next);
    back.hidden = true;
    byId("customers-title").focus();
  };
  if (!found) return;
  const counted = [[found.movements, "movement"], [found.disruptions, "disruption"], [found.mentions, "mention"]];
  const told = counted.filter(([lines]) => lines).map(([lines, one]) => plural(lines.length, one)).join(", ");
  const missing = (found.missing ?? []).map((why) => ` Not told: ${why}.`).join("");
  title(`Customer ${name}`, `What became of it, as far back as it is kept: ${told}, oldest first.${missing}`);
  const lines = [
    ...found.movements,
    ...(found.disruptions ?? []).map((one) => ({ what: one.lasts ? "disrupted" : "was disrupted", places: [one], ...one })),
    ...(found.mentions ?? []).map((one) => ({ what: "said", said: one, at: one.at })),
  ].sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
  byId("customers-list").replaceChildren(table(lines, false));
  byId("customers-title").focus();
}

async function ask(address) {
  try {
    const answer = await fetch(address);
    const found = await answer.json();
    if (answer.ok) return found;
    byId("customers-about").textContent = found.error;
  } catch {
    byId("customers-about").textContent = "The worker does not answer; try again.";
  }
  return null;
}

function title(text, about) {
  byId("customers-title").textContent = text;
  byId("customers-about").textContent = about;
}

function more(next) {
  state.next = next ?? null;
  byId("customers-more").hidden = !next;
}

function table(lines, named) {
  const head = ["When", ...(named ? ["Customer"] : []), "What", "Where", "Value", "Why"];
  return element("table", {},
    element("thead", {}, element("tr", {}, ...head.map((words) => element("th", { scope: "col", class: words === "Value" ? "value" : undefined }, words)))),
    element("tbody", {}, ...lines.map((line) => row(line, named))));
}

function row(line, named) {
  const open = () => {
    const button = element("button", { type: "button", class: "number", title: "What became of it" }, line.customer);
    button.addEventListener("click", () => openCustomer(line.customer));
    return button;
  };
  const where = (scope) => [scope.segment, scope.region, scope.product].filter((name) => name !== "unknown").join(" / ") || "not known";
  return element("tr", {},
    element("td", {}, element("time", { datetime: line.at }, instant(line.at))),
    named ? element("td", {}, open()) : null,
    element("td", {}, WHAT[line.what] ?? line.what),
    element("td", {}, line.segment === undefined ? "" : where(line) + (line.to ? ` \u2192 ${where(line.to)}` : "")),
    element("td", { class: "value" }, line.value === undefined ? (line.customer ? "not known" : "") : money(state.board, line.value, { exact: true })),
    element("td", {}, why(line)));
}

/** A UTC instant as the company's clocks show it. */
function instant(text) {
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: state.board.time_zone }).format(new Date(text));
}

function why(line) {
  const fact = line.fact ?? {};
  const parts = (line.places ?? []).map((place) => `${place.service}, ${place.stage}`);
  if (line.minutes) parts.push(`${plural(line.minutes, "minute")} until ${instant(line.until)}`);
  if (line.stands_for) parts.push(`stands for ${plural(line.stands_for, "customer")}`);
  if (line.said) parts.push([line.said.brand, line.said.channel, ...line.said.topics, line.said.text].filter(Boolean).join(", "));
  if (line.reason) parts.push(`${line.reason === "unknown" ? "no usable reason" : line.reason}${line.early ? ", early" : ""}`);
  if (line.activity) parts.push(line.activity === "unknown" ? "activity not known" : line.activity);
  if (fact.clock) parts.push("fell due by the clock");
  else if (fact.silo) parts.push(`told by ${fact.silo}${fact.event_id ? `, ${fact.event_id}` : ""}`);
  return parts.join("; ");
}

byId("customers-close").addEventListener("click", () => dialog.close());
byId("customers-more").addEventListener("click", async () => {
  const next = state.next;
  more(null);
  const list = await ask(next);
  if (!list) return more(next);
  byId("customers-list").querySelector("tbody").append(...list.customers.map((line) => row(line, true)));
  return more(list.next);
});
