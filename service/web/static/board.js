// The name board: moves and keyboard shortcuts. The arrangement is stored in the form fields (see
// board_form.py); this script fills them in, moves the cards, and fetches the preview.
import { enableDragging } from "/static/drag.js";
import { enableFolding, enableSearch, fold } from "/static/find.js";
import { showPreview } from "/static/preview.js";

const board = document.querySelector("[data-board]");
const form = document.querySelector("#board-form");
const announcement = document.querySelector("#said");
const undoButton = document.querySelector("#undo-move");
const help = document.querySelector("#help");
const newPlace = board.querySelector("[data-new]");
const moves = [];
let isLeaving = false;
let current = null;

const columns = () => [...board.querySelectorAll(".column")];
const column = (number) => columns().find((c) => c.dataset.column === String(number));
const field = (item) =>
  item.querySelector(item.matches(".group") ? ":scope > .head input" : ":scope > .to input");
const isVisible = (item) => !(board.matches(".finding") && item.matches(".miss"));
const items = (place) => [...place.querySelectorAll(".groups > li")].filter(isVisible);
const papers = (group) => [...group.querySelectorAll(".paper[data-paper]")];
const label = (item) =>
  item.matches(".group")
    ? item.getAttribute("aria-label").split(",")[0]
    : item.querySelector(".title").textContent.slice(0, 80);

function announce(text) {
  announcement.textContent = "";
  requestAnimationFrame(() => { announcement.textContent = text; });
}

function focus(item, shown = true) {
  if (!item) return;
  if (current) current.tabIndex = -1;
  for (let at = item.closest("details"); at; at = at.parentElement.closest("details")) at.open = true;
  fold(item.closest(".column"), false);
  current = item;
  item.tabIndex = 0;
  item.focus({ preventScroll: true });
  if (shown) item.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function recount() {
  for (const c of columns()) {
    const n = c.querySelectorAll("input[name=m]").length;
    c.querySelector("[data-count]").textContent = `${n} ${n === 1 ? "paper" : "papers"}`;
  }
  undoButton.disabled = moves.length === 0;
}

function mark(item) {
  const value = field(item).value;
  item.classList.toggle("unsure", value === "u");
  item.classList.toggle("moved", item.closest(".column").dataset.column !== item.dataset.home);
}

function recordMove(item) {
  moves.push({ item, parent: item.parentNode, next: item.nextSibling, value: field(item).value });
}

function neighbour(item) {
  const group = item.parentElement.closest(".group");
  const all = group ? papers(group) : items(item.closest(".column"));
  const at = all.indexOf(item);
  return all[at + 1] ?? all[at - 1] ?? null;
}

function addColumn() {
  const added = document.querySelector("#new-column").content.firstElementChild.cloneNode(true);
  const number = columns().length + 1;
  added.dataset.column = number;
  const heading = added.querySelector("h2");
  heading.id = `c-${number}`;
  added.setAttribute("aria-labelledby", heading.id);
  added.querySelector(".groups").setAttribute("aria-labelledby", heading.id);
  added.querySelector(".number").textContent = number;
  board.insertBefore(added, newPlace);
  return added;
}

function moveTo(item, to) {
  if (!item) return;
  const place = to === "n" ? addColumn() : column(to);
  const here = item.closest(".column");
  if (!place) return announce(`There is no column ${to}.`);
  if (place === here) return announce(`Already in column ${to}.`);
  if ("nowhere" in place.dataset && item.dataset.home !== place.dataset.column) {
    return announce("That column holds unassigned papers; move it to a new column instead.");
  }
  const after = neighbour(item);
  recordMove(item);
  const number = place.dataset.column;
  const whole = item.matches(".group");
  field(item).value = whole && number === item.dataset.home ? "" : number;
  place.querySelector(".groups").append(item);
  mark(item);
  search.again();
  finishMove(`${label(item)} moved to column ${number}.`);
  focus(after ?? items(here)[0] ?? item);
  place.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function toggleUnsure(item) {
  recordMove(item);
  field(item).value = field(item).value === "u" ? "" : "u";
  if (field(item).value === "u" && item.classList.contains("moved")) {
    column(item.dataset.home).querySelector(".groups").append(item);
  }
  mark(item);
  finishMove(`${label(item)}: ${field(item).value === "u" ? "marked as not sure" : "no longer marked as not sure"}.`);
  focus(item);
}

function undoMove() {
  const move = moves.pop();
  if (!move) {
    const undo = document.querySelector("#undo");
    return undo ? undo.requestSubmit() : announce("There is no move to undo.");
  }
  const left = move.item.closest(".column");
  move.parent.insertBefore(move.item, move.next?.parentNode === move.parent ? move.next : null);
  field(move.item).value = move.value;
  mark(move.item);
  const last = columns().at(-1);
  if (left === last && left.matches(".fresh") && !left.querySelector(".groups > li")) left.remove();
  finishMove(`Move undone: ${label(move.item)}.`);
  focus(move.item);
}

function finishMove(text) {
  document.querySelector("#panel").replaceChildren();
  recount();
  announce(text);
}

function focusColumn(item, by) {
  const all = columns();
  const from = all.indexOf(item.closest(".column"));
  const height = item.getBoundingClientRect().top;
  for (let at = from + by; at >= 0 && at < all.length; at += by) {
    if ("folded" in all[at].dataset && !all[at].matches(".finding :not(.miss)")) {
      all[at].scrollIntoView({ block: "nearest", inline: "nearest" });
      return all[at].querySelector(".fold").focus();
    }
    const visible = items(all[at]).filter((other) => other.checkVisibility());
    const gap = (other) => Math.abs(other.getBoundingClientRect().top - height);
    if (visible.length) return focus(visible.reduce((a, b) => (gap(b) < gap(a) ? b : a)));
  }
}

function focusItem(item, by) {
  const inside = item.matches(".paper") && item.closest(".group");
  const all = inside ? papers(inside) : items(item.closest(".column"));
  focus(all[all.indexOf(item) + by]);
}

const ACTIONS = {
  ArrowUp: (item) => focusItem(item, -1),
  ArrowDown: (item) => focusItem(item, 1),
  ArrowLeft: (item) => focusColumn(item, -1),
  ArrowRight: (item) => focusColumn(item, 1),
  Enter: (item) => item.matches(".group") && focus(papers(item)[0]),
  Escape: (item) => focus(item.matches(".paper") && item.closest(".group") ? item.closest(".group") : (search.end(), item)),
  n: (item) => moveTo(item, "n"),
  u: toggleUnsure,
  g: (item) => field(item).focus(),
  p: () => form.requestSubmit(),
  z: undoMove,
  f: (item) => {
    fold(item.closest(".column"), true);
    item.closest(".column").querySelector(".fold")?.focus();
  },
  "/": () => finder.focus(),
  "?": () => help.showModal(),
  r: () => document.querySelector("#rest")?.click(),
};

board.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const item = event.target;
  if (item.matches("input")) {
    if (event.key === "Enter") {
      event.preventDefault();
      item.dispatchEvent(new Event("change", { bubbles: true }));
    } else if (event.key === "Escape") focus(item.closest("[data-paper], .group"));
    return;
  }
  if (item.matches(".fold")) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by) { event.preventDefault(); focusColumn(item, by); }
    return;
  }
  if (!item.matches(".group, .paper")) return;
  const action = /^[1-9]$/.test(event.key) ? () => moveTo(item, event.key) : ACTIONS[event.key];
  if (!action) return;
  event.preventDefault();
  action(item);
});

board.addEventListener("change", (event) => {
  const input = event.target;
  const item = input.closest("[data-paper], .group");
  const to = input.value.trim().toLowerCase();
  // the field shows the current column; a different value moves the item
  input.value = item.closest(".column").dataset.column === item.dataset.home ? "" : item.closest(".column").dataset.column;
  if (to === "u" || to === "?") toggleUnsure(item);
  else if (to === "n" || to === "new") moveTo(item, "n");
  else if (to) moveTo(item, to);
  else moveTo(item, item.dataset.home);
});

board.addEventListener("focusin", (event) => {
  const item = event.target.closest("[data-paper], .group");
  if (item && event.target === item && item !== current) {
    if (current) current.tabIndex = -1;
    current = item;
    item.tabIndex = 0;
  }
});

form.addEventListener("submit", (event) => {
  if (event.submitter?.hasAttribute("formaction")) return;
  event.preventDefault();
  showPreview(form, event.submitter, () => focus(current));
});
document.querySelector("#panel").addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  document.querySelector("#panel").replaceChildren();
  focus(current);
});
addEventListener("beforeunload", (event) => { if (moves.length && !isLeaving) event.preventDefault(); });
document.addEventListener("submit", (event) => { isLeaving ||= event.target !== form || event.submitter?.hasAttribute("formaction"); });
undoButton.addEventListener("click", undoMove);
document.querySelector("#keys").addEventListener("click", () => help.showModal());
newPlace.querySelector("button").addEventListener("click", () => moveTo(current, "n"));

const finder = document.querySelector("#find");
const search = enableSearch(board, finder, document.querySelector("#found"));
finder.addEventListener("keydown", (event) => {
  if (event.key === "Escape") { search.end(); focus(current); }
  if (event.key !== "Enter") return;
  event.preventDefault();
  focus(columns().flatMap(items)[0]);
});
enableFolding(board);
enableDragging(board, document.querySelector("#carried"), { label, focus, moveTo, toggleUnsure });
for (const hidden of [newPlace, undoButton, document.querySelector("#keys")]) hidden.hidden = false;
for (const item of board.querySelectorAll(".group, .paper[data-paper]")) {
  // restore moves from before the page was reloaded
  const to = field(item).value;
  if (to === "u") mark(item);
  else if (to) { field(item).value = ""; moveTo(item, column(to) ? to : "n"); }
}
recount();
const questionColumns = [...form.querySelectorAll("input[name=asked]")].map((i) => column(i.value));
current = items(questionColumns[0] ?? columns()[0])[0] ?? null;
if (document.querySelector("#commit")) document.querySelector("#commit").focus();
else if (!document.querySelector("#panel [role=alert]")) {
  current?.closest(".column").scrollIntoView({ block: "nearest", inline: "nearest" });
  focus(current, false);
}

// renew the lease while the board is open
const task = form.elements.task.value;
if (task && document.querySelector("[action$='/release']")) {
  setInterval(() => {
    const body = new URLSearchParams({ token: form.elements.token.value });
    fetch(`/review/tasks/${encodeURIComponent(task)}/take`, { method: "POST", body, redirect: "manual" });
  }, 5 * 60 * 1000);
}
