// Net growth over time: who joined as bars up, who left as bars down, the difference as a line.

import { count, element, money, period, signed } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const RATIO = 0.27;
const WIDEST = 3; // of a bar, in rem

function shape(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

export function draw(place, board) {
  const { by, steps } = board.line;
  const drawn = JSON.stringify([board.line, place.clientWidth]);
  if (place.dataset.drawn === drawn) return;
  place.dataset.drawn = drawn;
  if (!steps.length) {
    place.replaceChildren(element("p", { class: "pale" }, "Nothing is kept of this time in periods short enough."));
    return;
  }
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const width = Math.max(260, place.clientWidth);
  const height = Math.max(11 * rem, Math.min(width * RATIO, 19 * rem));
  const left = 3.2 * rem, bottom = 1.5 * rem, top = 0.6 * rem;
  const up = Math.max(1, ...steps.map((step) => step.joined));
  const down = Math.max(1, ...steps.map((step) => step.lost));
  const scale = (height - top - bottom) / (up + down);
  const zero = top + up * scale;
  const each = (width - left) / steps.length;
  const words = steps.map((step) => {
    const net = step.joined - step.lost;
    return `${period(step.start, by)}: ${count(step.joined)} joined, ${count(step.lost)} left, net ${signed(net)}, ${money(board, step.value, { sign: true })}`;
  });
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `By ${by}. Newest: ${words.at(-1)}` });
  svg.append(shape("line", { class: "axis", x1: left, x2: width, y1: zero, y2: zero }));
  for (const [n, y] of [[up, top], [down, zero + down * scale]]) {
    svg.append(shape("line", { class: "axis", x1: left, x2: width, y1: y, y2: y, "stroke-dasharray": "2 5" }));
    svg.append(shape("text", { x: left - 0.5 * rem, y: y + 0.28 * rem, "text-anchor": "end" }, count(n)));
  }
  const points = [];
  steps.forEach((step, number) => {
    const x = left + number * each;
    const wide = Math.min(Math.max(1, each * 0.68), WIDEST * rem);
    const bar = { x: x + (each - wide) / 2, width: wide, rx: Math.min(3, each * 0.2) };
    const group = shape("g", {});
    group.append(shape("title", {}, words[number]));
    group.append(shape("rect", { x, y: top, width: each, height: height - top - bottom, fill: "transparent" }));
    group.append(shape("rect", { class: "up", y: zero - step.joined * scale, height: step.joined * scale, ...bar }));
    group.append(shape("rect", { class: "down", y: zero, height: step.lost * scale, ...bar }));
    svg.append(group);
    points.push(`${(x + each / 2).toFixed(1)},${(zero - (step.joined - step.lost) * scale).toFixed(1)}`);
  });
  svg.append(shape("polyline", { class: "net", points: points.join(" "), "pointer-events": "none" }));
  if (points.length === 1) {
    const [cx, cy] = points[0].split(",");
    svg.append(shape("circle", { class: "net", cx, cy, r: 4 }));
  }
  const most = Math.max(2, Math.floor((width - left) / (8.5 * rem)));
  const apart = Math.max(1, Math.ceil(steps.length / most));
  for (let number = steps.length - 1; number >= 0; number -= apart) {
    const last = number === steps.length - 1;
    const x = last ? width : left + (number + 0.5) * each;
    if (!last && x < left + 2 * rem) continue;
    svg.append(shape("text", { x, y: height - 0.25 * rem, "text-anchor": last ? "end" : "middle" }, period(steps[number].start, by)));
  }
  const key = element("p", { class: "key" }, element("span", { class: "up" }, "joined"), element("span", { class: "down" }, "left"), element("span", {}, `net, by ${by}`));
  place.replaceChildren(svg, key);
}
