// Numbers, money and instants as the page writes them.

const whole = new Intl.NumberFormat("en");
const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });

export const count = (n) => whole.format(n);
export const share = (part) => percent.format(part).replace("-", "\u2212");
export const signed = (n) => (n > 0 ? "+" : n < 0 ? "\u2212" : "\u00b1") + whole.format(Math.abs(n));
export const capital = (text) => text[0].toUpperCase() + text.slice(1);
export const plural = (n, one, many = one + "s") => `${count(n)} ${n === 1 ? one : many}`;

/** Minor units as whole major ones; `exact` with what is behind the point. */
export function money(board, minor, { sign = false, exact = false } = {}) {
  const digits = exact ? board.minor_digits : 0;
  const major = Math.abs(minor) / 10 ** board.minor_digits;
  const text = new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(major);
  const mark = minor < 0 ? "\u2212" : sign && minor > 0 ? "+" : "";
  return `${mark}${text} ${board.currency}`;
}

export const WINDOWS = [
  ["5m", "last 5 minutes"], ["1h", "last hour"], ["24h", "last 24 hours"], ["7d", "last 7 days"],
  ["30d", "last 30 days"], ["today", "today"], ["yesterday", "yesterday"], ["this_week", "this week"],
  ["last_week", "last week"], ["this_month", "this month"], ["last_month", "last month"],
  ["this_quarter", "this quarter"], ["last_quarter", "last quarter"], ["all", "since the beginning"],
];
export const windowName = (name) => (WINDOWS.find(([key]) => key === name) ?? [name, name])[1];

export function scopeName(scope) {
  const parts = Object.entries(scope).map(([label, name]) => `${label} ${name}`);
  return parts.length ? parts.join(", ") : "the whole company";
}

/** An RFC 3339 text with an offset, as the company's clocks show it. */
export function local(text, { time = true, seconds = false, year = true } = {}) {
  const [day, hour] = text.split("T");
  const date = new Date(`${day}T00:00:00Z`);
  const shown = new Intl.DateTimeFormat("en-GB", {
    day: "numeric", month: "short", ...(year ? { year: "numeric" } : {}), timeZone: "UTC",
  }).format(date);
  return time ? `${shown}, ${hour.slice(0, seconds ? 8 : 5)}` : shown;
}

/** Start of a period, as short as its length allows. */
export function period(text, by) {
  if (by === "minute" || by === "hour") return local(text, { year: false });
  if (by === "month") return new Intl.DateTimeFormat("en-GB", { month: "short", year: "numeric", timeZone: "UTC" }).format(new Date(`${text.slice(0, 10)}T00:00:00Z`));
  return (by === "week" ? "week of " : "") + local(text, { time: false });
}

/** The UTC instant at which the clocks of a zone show `YYYY-MM-DDTHH:MM`. */
export function instantIn(zone, shown) {
  const wanted = Date.parse(`${shown}:00Z`);
  const clocks = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
  const offset = (at) => Date.parse(`${clocks.format(at).replace(" ", "T")}Z`) - at;
  const first = wanted - offset(wanted);
  return new Date(wanted - offset(first)).toISOString().replace(".000Z", "Z");
}

/** An element with attributes and children; texts are never read as markup. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}
