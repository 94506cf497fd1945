// The two bowls: the worker draws them, this module lets new marbles drop in.

const STAGGER_MS = 45;
const LONGEST_MS = 1500;

/** Put a drawing into its place; only marbles that are new since the last one drop. */
export function show(place, drawing) {
  if (place.dataset.drawing === drawing) return;
  const svg = document.importNode(new DOMParser().parseFromString(drawing, "image/svg+xml").documentElement, true);
  const marbles = [...svg.querySelectorAll(".marbles circle")];
  const before = place.querySelectorAll(".marbles circle");
  const sameSize = before.length && marbles.length && before[0].getAttribute("r") === marbles[0].getAttribute("r");
  const sameWorth = place.dataset.each === worth(svg);
  const old = sameSize && sameWorth ? before.length : 0;
  marbles.slice(old).forEach((marble, number) => {
    marble.classList.add("drop");
    marble.style.animationDelay = `${Math.min(number * STAGGER_MS, LONGEST_MS)}ms`;
  });
  place.dataset.drawing = drawing;
  place.dataset.each = worth(svg);
  place.replaceChildren(svg);
}

/** Customers per marble, as the drawing says in words: "of 20 customers". */
const worth = (svg) => /of [\d,]+ customers?/.exec(svg.getAttribute("aria-label"))?.[0] ?? "";

/** Save a picture of the worker's as PNG, three times as fine. */
export async function savePng(address) {
  const text = await (await fetch(address)).text();
  const source = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth * 3;
    canvas.height = image.naturalHeight * 3;
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = "bowls.png";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  } finally {
    URL.revokeObjectURL(source);
  }
}
