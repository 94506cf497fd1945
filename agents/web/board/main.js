// The board: keeps the address, asks the worker, and shows what it says whenever it changes.

import { savePng } from "./bowls.js";
import { NARROWED, openNumber } from "./customers.js";
import { notices, show } from "./shown.js";
import { WINDOWS, element, instantIn, local } from "./words.js";

const SCOPES = ["segment", "region", "product"];
const SILENT_MS = 25_000;
const AGAIN_MS = 1500;

const chooser = document.getElementById("chooser");
const state = { board: null, source: null, gone: null, heard: Date.now(), orderedBy: "volume", wrong: null, opened: false };

// The address

const asked = () => new URLSearchParams(location.search);
const atOf = () => asked().get("at");

/** What the worker is asked for: of the address what it knows. */
function query() {
  const given = asked();
  const sent = new URLSearchParams();
  for (const name of ["window", "at", ...SCOPES]) if (given.get(name)) sent.set(name, given.get(name));
  return sent;
}

function go(changes) {
  const given = asked();
  for (const [name, value] of Object.entries(changes)) {
    if (value) given.set(name, value);
    else given.delete(name);
  }
  const text = given.toString();
  history.pushState(null, "", text ? `?${text}` : location.pathname);
  follow();
}

// What the worker says

function follow() {
  state.source?.close();
  state.source = null;
  state.wrong = null;
  const source = new EventSource(`/api/v1/board/events?${query()}`);
  state.source = source;
  const heard = () => {
    state.heard = Date.now();
    state.gone = null;
  };
  source.addEventListener("here", () => {
    heard();
    redraw();
  });
  source.addEventListener("board", (event) => {
    heard();
    state.board = { ...JSON.parse(event.data), asked_at: atOf() };
    redraw();
  });
  source.onerror = () => {
    if (state.source !== source) return;
    state.gone ??= new Date();
    if (source.readyState === EventSource.CLOSED) {
      source.close();
      explain();
      setTimeout(() => state.source === source && follow(), AGAIN_MS);
    }
    redraw();
  };
  syncChooser();
}

/** An event source does not tell why it was refused: ask once. */
async function explain() {
  try {
    const answer = await fetch(`/api/v1/board?${query()}`);
    state.wrong = answer.ok ? null : (await answer.json()).error;
    if (!answer.ok) state.gone = null;
  } catch {
    state.wrong = null;
  }
  redraw();
}

setInterval(() => {
  if (Date.now() - state.heard > SILENT_MS && state.source) {
    state.heard = Date.now();
    state.gone ??= new Date();
    follow();
    redraw();
  }
}, 1000);

// Showing it

function redraw() {
  const { board } = state;
  const more = [];
  if (state.wrong) more.push([`This cannot be shown: ${state.wrong}`, "bad"]);
  if (state.gone) {
    const since = state.gone.toTimeString().slice(0, 8);
    more.push([`No answer from the worker since ${since}. ${board?.row ? "The numbers below are of then. " : ""}Trying again by itself.`, "bad"]);
  }
  if (board?.row && atOf()) more.push([`As it was at ${local(board.at)}, by all that is known now.`, "calm"]);
  notices(board, more);
  document.querySelector("main").classList.toggle("gone", Boolean(state.gone));
  if (board) {
    show(board, state.orderedBy);
    syncChooser();
    savers();
    if (board.row) openNamed();
  }
}

/** The list that the address names, once: `who` is the measure, the others narrow it. */
function openNamed() {
  const given = asked();
  if (state.opened || !given.get("who")) return;
  state.opened = true;
  const of = { measure: given.get("who") };
  for (const name of NARROWED) if (given.get(name)) of[name] = given.get(name);
  openNumber(of, "Who they are", query(), state.board);
}

function options(select, pairs, chosen) {
  const key = JSON.stringify([pairs, chosen]);
  if (select.dataset.made === key || document.activeElement === select) return;
  select.dataset.made = key;
  select.replaceChildren(...pairs.map(([value, text]) => element("option", { value, selected: value === chosen }, text)));
}

function syncChooser() {
  const given = asked();
  const choices = state.board?.choices;
  const window = given.get("window") ?? state.board?.window ?? "30d";
  options(chooser.elements.window, WINDOWS, window);
  for (const name of SCOPES) {
    const chosen = given.get(name) ?? "";
    const names = choices?.[`${name}s`] ?? (chosen ? [chosen] : []);
    const shown = names.length > 1 || (names.length === 1 && names[0] !== "unknown") || chosen;
    chooser.querySelector(`[data-choice=${name}]`).hidden = !shown;
    options(chooser.elements[name], [["", "all"], ...new Set([...(chosen && !names.includes(chosen) ? [chosen] : []), ...names])].map((one) => (Array.isArray(one) ? one : [one, one])), chosen);
  }
  const at = chooser.elements.at;
  if (document.activeElement !== at && state.board?.at) at.value = state.board.at.slice(0, 16);
  document.getElementById("now").hidden = !atOf();
}

function savers() {
  const sent = query();
  if (matchMedia("(prefers-color-scheme: dark)").matches) sent.set("theme", "dark");
  document.getElementById("svg").href = `/api/v1/bowls.svg?${sent}`;
}

const say = (text) => {
  document.getElementById("said").textContent = text;
};

async function toClipboard(button, text, words) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    say(words);
  } catch {
    button.textContent = "Not allowed here";
    say("The browser does not allow copying here.");
  }
  setTimeout(() => {
    button.textContent = before;
  }, 2000);
}

chooser.addEventListener("change", (event) => {
  const { name, value } = event.target;
  if (name === "at") go({ at: value && state.board ? instantIn(state.board.time_zone, value) : "" });
  else if (name === "product") go({ product: value, segment: "", region: "" });
  else go({ [name]: value, ...(name === "window" ? {} : { product: "" }) });
});
chooser.addEventListener("submit", (event) => event.preventDefault());
document.getElementById("now").addEventListener("click", () => go({ at: "" }));
document.getElementById("copy").addEventListener("click", (event) => toClipboard(event.currentTarget, state.board.sentence, "The sentence is copied."));
document.getElementById("link").addEventListener("click", (event) => {
  const given = asked();
  given.set("window", state.board.window);
  given.set("at", atOf() ?? state.board.known_until);
  toClipboard(event.currentTarget, `${location.origin}${location.pathname}?${given}`, "The link is copied.");
});
document.getElementById("png").addEventListener("click", async () => {
  try {
    await savePng(document.getElementById("svg").href);
  } catch {
    say("The picture could not be saved.");
  }
});
for (const button of document.querySelectorAll(".toggle button")) {
  button.addEventListener("click", () => {
    state.orderedBy = button.dataset.by;
    for (const other of document.querySelectorAll(".toggle button")) other.setAttribute("aria-pressed", String(other === button));
    if (state.board?.row) redraw();
  });
}
document.querySelector("main").addEventListener("click", (event) => {
  const number = event.target.closest(".number");
  if (number && state.board?.row) openNumber({ ...number.dataset }, number.getAttribute("aria-label"), query(), state.board);
});
addEventListener("popstate", follow);
addEventListener("resize", () => state.board?.row && redraw());
const view = asked().get("view");
if (["bowls", "line", "health"].includes(view)) document.body.dataset.view = view;
follow();
