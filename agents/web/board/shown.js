// Draws what a board says into the page.

import { showHealth, showSurveys, showTroubles, showVoice } from "./beside.js";
import * as bowls from "./bowls.js";
import * as line from "./line.js";
import { capital, count, element, local, money, period, plural, scopeName, share, signed, windowName } from "./words.js";

const byId = (id) => document.getElementById(id);
const SHORT = { gained: "joined", lost: "left" };

/** Put nodes in place of what is there, unless that is the same; what has the keyboard keeps it. */
export function fill(place, ...nodes) {
  const made = document.createElement("template");
  made.content.append(...nodes);
  if (place.innerHTML === made.innerHTML) return;
  const had = place.contains(document.activeElement) ? { ...document.activeElement.dataset } : null;
  place.replaceChildren(...made.content.childNodes);
  if (had) {
    const same = (button) => JSON.stringify({ ...button.dataset }) === JSON.stringify(had);
    [...place.querySelectorAll(".number")].find(same)?.focus({ preventScroll: true });
  }
}

/** A number that can be opened: who is behind it. `of` names the cell. */
export function number(text, of, label) {
  const made = element("button", { type: "button", class: "number", "aria-label": `${label}: who they are`, title: "Who they are" }, text);
  Object.assign(made.dataset, of);
  return made;
}

export function show(board, orderedBy) {
  const { row } = board;
  const numbers = Boolean(row);
  for (const part of document.querySelectorAll("[data-numbers]")) part.hidden = !numbers;
  document.querySelector(".feeds-card").hidden = board.state === "empty";
  byId("definitions").textContent = `${board.definitions.name} ${board.definitions.version}`;
  byId("empty").hidden = board.state !== "empty";
  showFeeds(board);
  showClock(board);
  showHealth(board);
  showVoice(board);
  showTroubles(board);
  showSurveys(board);
  if (!numbers) return;
  byId("shown").textContent = `${capital(scopeName(board.scope))}, ${windowName(board.window)}${spanText(board)}, ${board.final ? "final" : "provisional: late facts may still change it"}`;
  setText(byId("sentence"), board.sentence);
  showBowl(board, "gained", row.new.customers + row.returned.customers, [
    [row.new.customers, "new", { measure: "new" }], [row.returned.customers, "returned", { measure: "returned" }],
  ]);
  const kinds = Object.entries(row.lost_by_kind).filter(([, amount]) => amount.customers);
  showBowl(board, "lost", row.lost.customers, [
    ...kinds.map(([kind, amount]) => [amount.customers, kind.replaceAll("_", " "), { measure: "lost", kind }]),
    ...(row.early_loss.customers ? [[row.early_loss.customers, "of them early", { measure: "early_loss" }]] : []),
  ]);
  showSide(board);
  showReasons(board, orderedBy);
  showActivities(board);
  showLately(board);
  line.draw(byId("line"), board);
}

function spanText(board) {
  const end = local(Date.parse(board.end) < Date.parse(board.at) ? board.end : board.at);
  return board.start ? `: ${local(board.start)} to ${end}` : `, to ${end}`;
}

function setText(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

function showBowl(board, name, customers, parts) {
  const place = document.querySelector(`[data-bowl=${name}]`);
  if (!place.firstChild) {
    place.append(element("p", { class: `count ${name}` }), element("div", { class: "drawing" }), element("figcaption", { class: "pale" }), element("p", { class: "parts" }));
    place.querySelector(".drawing").style.width = "100%";
  }
  fill(place.querySelector(".count"), number(`${count(customers)} ${SHORT[name]}`, { measure: name }, `${count(customers)} ${SHORT[name]}`));
  bowls.show(place.querySelector(".drawing"), board.bowls[name].drawing);
  setText(place.querySelector("figcaption"), board.bowls[name].text);
  fill(place.querySelector(".parts"),
    ...parts.map(([n, words, of]) => element("span", {}, number(count(n), of, `${count(n)} ${words}`), ` ${words}`)),
  );
}

function card(id, title, big, ...lines) {
  fill(byId(id), element("h2", {}, title), element("p", { class: "big" }, big), ...lines.map((line) => element("p", { class: "pale" }, ...[line].flat())));
}

function showSide(board) {
  const { row, before } = board;
  const net = row.net;
  const sign = net.customers < 0 ? "lost" : net.customers > 0 ? "gained" : "";
  card("net", "Net growth", element("span", { class: sign }, signed(net.customers)), `${money(board, net.value, { sign: true })}`,
    before ? `The time before: ${signed(before.net.customers)}, ${money(board, before.net.value, { sign: true })}` : null);
  card("stayed", "Stayed", number(count(row.stayed.customers), { measure: "stayed" }, `${count(row.stayed.customers)} stayed`),
    row.retention === undefined ? "Nobody was here when it began" : `${share(row.retention)} of the ${count(row.stayed_of.customers)} who were here when it began`,
    `${money(board, row.stayed.value)} of ${money(board, row.stayed_of.value)}`);
  card("closing", "We have", number(count(row.closing.customers), { measure: "closing" }, `${count(row.closing.customers)} customers`), money(board, row.closing.value),
    row.pending_loss.customers ? [number(count(row.pending_loss.customers), { measure: "pending_loss" }, "about to leave"), ` about to leave, ${money(board, row.pending_loss.value)}`] : null,
    row.transferred_in.customers || row.transferred_out.customers
      ? ["moved in ", number(count(row.transferred_in.customers), { measure: "transferred_in" }, "moved in"), ", moved out ", number(count(row.transferred_out.customers), { measure: "transferred_out" }, "moved out")] : null);
  card("recommenders", "Recommend us", number(count(row.recommenders), { measure: "recommenders" }, `${count(row.recommenders)} recommend us`),
    [`${plural(row.referrals, "customer")} recommended; `, number(count(row.earned.customers), { measure: "earned" }, `${plural(row.earned.customers, "customer")} came by a recommendation`), " came by it"],
    row.earned_growth === undefined ? null : `Earned growth ${share(row.earned_growth)}`);
}

function rows(place, lines, nothing) {
  fill(place, lines.length ? element("div", { class: "rows" }, ...lines) : element("p", { class: "pale" }, nothing));
}

function bar(part) {
  const made = element("span");
  made.style.width = `${Math.max(0, Math.min(1, part)) * 100}%`;
  return element("div", { class: "bar", "aria-hidden": "true" }, made);
}

function showReasons(board, orderedBy) {
  const byValue = orderedBy === "value";
  const reasons = byValue ? board.reasons_by_value : board.reasons_by_volume;
  rows(byId("reasons"), reasons.map((reason) => {
    const part = (byValue ? reason.share_of_value : reason.share_of_customers) ?? 0;
    return element("div", { class: "row" },
      element("span", {}, reason.reason === "unknown" ? "no usable reason" : reason.reason),
      number(count(reason.customers), { measure: "lost", reason: reason.reason }, `${count(reason.customers)} for ${reason.reason}`),
      bar(part), element("span", { class: "pale" }, `${share(part)} of what was lost, ${money(board, reason.value)}`));
  }), "Nobody left.");
}

function showActivities(board) {
  const most = Math.max(1, ...board.row.activities.map((activity) => activity.customers));
  rows(byId("activities"), board.row.activities.slice(0, 5).map((activity) => element("div", { class: "row" },
    element("span", {}, activity.activity === "unknown" ? "not known" : activity.activity),
    number(count(activity.customers), { measure: "brought", activity: activity.activity }, `${count(activity.customers)} by ${activity.activity}`),
    bar(activity.customers / most),
    element("span", { class: "pale" }, `${count(activity.still_here)} still here, ${money(board, activity.value)}`),
  )), "Nobody came.");
}

function showLately(board) {
  fill(byId("lately"), ...(board.lately.length ? board.lately.map((step) =>
    element("li", {}, element("time", { datetime: step.start }, period(step.start, step.by)), step.text),
  ) : [element("li", { class: "pale" }, "Nobody came and nobody left.")]));
}

function showFeeds(board) {
  for (const place of document.querySelectorAll("[data-feeds]")) {
    fill(place, ...board.feeds.map((feed) => element("li", {},
      element("span", { class: `dot ${feed.state}`, title: feed.state }),
      element("b", {}, `${feed.feed}: ${FEED_STATES[feed.state]}`),
      element("span", { class: "pale" }, ...withCode(feed.newest ? `${feed.text} Newest event ${local(feed.newest)}.` : feed.text)),
    )));
  }
}

/** A text whose commands stand between backticks. */
function withCode(text) {
  return text.split("`").map((part, place) => (place % 2 ? element("code", {}, part) : part));
}

export const FEED_STATES = { live: "live", stale: "stale", silent: "silent", past: "of the past", waiting: "waiting", missing: "not read" };

function showClock(board) {
  const feed = board.feeds[0];
  fill(byId("clock"),
    element("span", { class: `dot ${board.state === "recovering" ? "gone" : feed.state}` }),
    element("span", {}, board.at ? `${local(board.at, { seconds: true })} ` : "", element("span", { class: "pale" }, board.time_zone)),
  );
}

/** Sentences above everything; `more` come from the page itself. */
export function notices(board, more) {
  const said = [...more];
  if (board) {
    const bad = board.state === "recovering";
    said.push(...board.notes.map((text) => [text, bad ? "bad" : ""]));
    for (const feed of board.feeds) {
      if (feed.state === "stale") said.push([`${feed.feed} is stale. ${feed.text} The newest event is of ${local(feed.newest)}.`, ""]);
      if (feed.state === "silent") said.push([`${feed.feed} is silent. ${feed.text} ${board.asked_at ? "" : "What is made from it is not shown. "}The newest event is of ${local(feed.newest)}.`, "bad", feed === board.feeds[0] && !board.row ? feed.known_until : undefined]);
    }
    const past = board.feeds.filter((feed) => feed.state === "past").map((feed) => feed.newest).sort();
    if (past.length && !board.asked_at) said.push([`The data end at ${local(past.at(-1))}: they were old when they came (history that is played or loaded), so this page does not run with the clock.`, "calm"]);
    if (board.notice) said.push([board.notice, "calm"]);
  }
  const place = byId("notices");
  const key = JSON.stringify(said);
  if (place.dataset.said === key) return;
  place.dataset.said = key;
  place.replaceChildren(...said.map(([text, kind, known]) => element("p", { class: `notice ${kind}` }, text, known ? then(known) : null)));
}

/** A link to the page as it was at an instant. */
function then(at) {
  const given = new URLSearchParams(location.search);
  given.set("at", at);
  return element("a", { href: `?${given}` }, " The numbers up to then");
}
