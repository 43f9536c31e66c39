"use strict";
// Numbers in cells have SI prefixes: 40.5 uJ is less than 1.30 mJ.
const prefixes = {a: 1e-18, f: 1e-15, p: 1e-12, n: 1e-9, u: 1e-6, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15};
const number = /^(?:>= |< )?(-?[\d,]*\.?\d+(?:e[+-]?\d+)?)(?: ?([afpnumkMGTP]))?(?: ?(?:J|s|Hz|W|%|x|!))?/;

function valueOf(text) {
  const parts = number.exec(text);
  return parts ? parseFloat(parts[1].replaceAll(",", "")) * (prefixes[parts[2]] || 1) : null;
}

// What is no number stands below all numbers, in the order of the alphabet.
function compare(a, b) {
  const [x, y] = [valueOf(a), valueOf(b)];
  if (x !== null && y !== null) return x - y;
  if (x !== null || y !== null) return x === null ? -1 : 1;
  return a.localeCompare(b);
}

function sortBy(header, column) {
  const down = header.getAttribute("aria-sort") === "ascending" || (
    header.getAttribute("aria-sort") !== "descending" && header.classList.contains("right"));
  for (const other of header.parentNode.children) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", down ? "descending" : "ascending");
  const text = (row) => row.cells[column].textContent.trim();
  for (const body of header.closest("table").tBodies) {
    const rows = [...body.rows].filter((row) => !row.classList.contains("section"));
    body.append(...rows.sort((a, b) => (down ? -1 : 1) * compare(text(a), text(b))));
  }
}

for (const table of document.querySelectorAll(".summary table")) {
  const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
  // a row without a name belongs to the one above it
  if (rows.length < 2 || rows.some((row) => !row.cells[0].textContent.trim())) continue;
  for (const [column, header] of [...table.tHead.rows[0].cells].entries()) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    button.addEventListener("click", () => sortBy(header, column));
    header.append(button);
  }
}

// Paper can't be unfolded.
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
