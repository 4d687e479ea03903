// The name board: what is moved, and by which keys. The form's own fields hold what is wanted (see
// arranged.py): this only fills them in, moves what is shown, and fetches the preview.
import { carrying } from "/static/drag.js";
import { finding, fold, folding } from "/static/find.js";
import { previewed } from "/static/preview.js";

const board = document.querySelector("[data-board]");
const form = document.querySelector("#board-form");
const said = document.querySelector("#said");
const backButton = document.querySelector("#back");
const help = document.querySelector("#help");
const newPlace = board.querySelector("[data-new]");
const steps = [];
let leaving = false;
let current = null;

const columns = () => [...board.querySelectorAll(".column")];
const column = (number) => columns().find((c) => c.dataset.column === String(number));
const field = (item) =>
  item.querySelector(item.matches(".group") ? ":scope > .head input" : ":scope > .to input");
const seen = (item) => !(board.matches(".finding") && item.matches(".miss"));
const items = (place) => [...place.querySelectorAll(".groups > li")].filter(seen);
const papers = (group) => [...group.querySelectorAll(".paper[data-paper]")];
const label = (item) =>
  item.matches(".group")
    ? item.getAttribute("aria-label").split(",")[0]
    : item.querySelector(".title").textContent.slice(0, 80);

function say(text) {
  said.textContent = "";
  requestAnimationFrame(() => { said.textContent = text; });
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
  backButton.disabled = steps.length === 0;
}

function mark(item) {
  const value = field(item).value;
  item.classList.toggle("unsure", value === "u");
  item.classList.toggle("moved", item.closest(".column").dataset.column !== item.dataset.home);
}

function remember(item) {
  steps.push({ item, parent: item.parentNode, next: item.nextSibling, value: field(item).value });
}

function neighbour(item) {
  const group = item.parentElement.closest(".group");
  const all = group ? papers(group) : items(item.closest(".column"));
  const at = all.indexOf(item);
  return all[at + 1] ?? all[at - 1] ?? null;
}

function addColumn() {
  const fresh = document.querySelector("#new-column").content.firstElementChild.cloneNode(true);
  const number = columns().length + 1;
  fresh.dataset.column = number;
  const heading = fresh.querySelector("h2");
  heading.id = `c-${number}`;
  fresh.setAttribute("aria-labelledby", heading.id);
  fresh.querySelector(".groups").setAttribute("aria-labelledby", heading.id);
  fresh.querySelector(".number").textContent = number;
  board.insertBefore(fresh, newPlace);
  return fresh;
}

function send(item, to) {
  if (!item) return;
  const place = to === "n" ? addColumn() : column(to);
  const here = item.closest(".column");
  if (!place) return say(`There is no column ${to}.`);
  if (place === here) return say(`It is in column ${to}.`);
  if ("nowhere" in place.dataset && item.dataset.home !== place.dataset.column) {
    return say("Those papers are nobody's; send it to a new column.");
  }
  const after = neighbour(item);
  remember(item);
  const number = place.dataset.column;
  const whole = item.matches(".group");
  field(item).value = whole && number === item.dataset.home ? "" : number;
  place.querySelector(".groups").append(item);
  mark(item);
  search.again();
  changed(`${label(item)} to column ${number}.`);
  focus(after ?? items(here)[0] ?? item);
  place.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function unsure(item) {
  remember(item);
  field(item).value = field(item).value === "u" ? "" : "u";
  if (field(item).value === "u" && item.classList.contains("moved")) {
    column(item.dataset.home).querySelector(".groups").append(item);
  }
  mark(item);
  changed(`${label(item)}: ${field(item).value === "u" ? "not sure" : "sure again"}.`);
  focus(item);
}

function takeBack() {
  const step = steps.pop();
  if (!step) {
    const undo = document.querySelector("#undo");
    return undo ? undo.requestSubmit() : say("There is nothing to take back.");
  }
  const left = step.item.closest(".column");
  step.parent.insertBefore(step.item, step.next?.parentNode === step.parent ? step.next : null);
  field(step.item).value = step.value;
  mark(step.item);
  const last = columns().at(-1);
  if (left === last && left.matches(".fresh") && !left.querySelector(".groups > li")) left.remove();
  changed(`Taken back: ${label(step.item)}.`);
  focus(step.item);
}

function changed(text) {
  document.querySelector("#panel").replaceChildren();
  recount();
  say(text);
}

function beside(item, by) {
  const all = columns();
  const from = all.indexOf(item.closest(".column"));
  const height = item.getBoundingClientRect().top;
  for (let at = from + by; at >= 0 && at < all.length; at += by) {
    if ("folded" in all[at].dataset && !all[at].matches(".finding :not(.miss)")) {
      all[at].scrollIntoView({ block: "nearest", inline: "nearest" });
      return all[at].querySelector(".fold").focus();
    }
    const there = items(all[at]).filter((other) => other.checkVisibility());
    const gap = (other) => Math.abs(other.getBoundingClientRect().top - height);
    if (there.length) return focus(there.reduce((a, b) => (gap(b) < gap(a) ? b : a)));
  }
}

function along(item, by) {
  const inside = item.matches(".paper") && item.closest(".group");
  const all = inside ? papers(inside) : items(item.closest(".column"));
  focus(all[all.indexOf(item) + by]);
}

const ACTIONS = {
  ArrowUp: (item) => along(item, -1),
  ArrowDown: (item) => along(item, 1),
  ArrowLeft: (item) => beside(item, -1),
  ArrowRight: (item) => beside(item, 1),
  Enter: (item) => item.matches(".group") && focus(papers(item)[0]),
  Escape: (item) => focus(item.matches(".paper") && item.closest(".group") ? item.closest(".group") : (search.end(), item)),
  n: (item) => send(item, "n"),
  u: unsure,
  g: (item) => field(item).focus(),
  p: () => form.requestSubmit(),
  z: takeBack,
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
    if (by) { event.preventDefault(); beside(item, by); }
    return;
  }
  if (!item.matches(".group, .paper")) return;
  const action = /^[1-9]$/.test(event.key) ? () => send(item, event.key) : ACTIONS[event.key];
  if (!action) return;
  event.preventDefault();
  action(item);
});

board.addEventListener("change", (event) => {
  const input = event.target;
  const item = input.closest("[data-paper], .group");
  const to = input.value.trim().toLowerCase();
  // the item may be where the field says already: a field that is filled in sends it
  input.value = item.closest(".column").dataset.column === item.dataset.home ? "" : item.closest(".column").dataset.column;
  if (to === "u" || to === "?") unsure(item);
  else if (to === "n" || to === "new") send(item, "n");
  else if (to) send(item, to);
  else send(item, item.dataset.home);
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
  previewed(form, event.submitter, () => focus(current));
});
document.querySelector("#panel").addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  document.querySelector("#panel").replaceChildren();
  focus(current);
});
addEventListener("beforeunload", (event) => { if (steps.length && !leaving) event.preventDefault(); });
document.addEventListener("submit", (event) => { leaving ||= event.target !== form || event.submitter?.hasAttribute("formaction"); });
backButton.addEventListener("click", takeBack);
document.querySelector("#keys").addEventListener("click", () => help.showModal());
newPlace.querySelector("button").addEventListener("click", () => send(current, "n"));

const finder = document.querySelector("#find");
const search = finding(board, finder, document.querySelector("#found"));
finder.addEventListener("keydown", (event) => {
  if (event.key === "Escape") { search.end(); focus(current); }
  if (event.key !== "Enter") return;
  event.preventDefault();
  focus(columns().flatMap(items)[0]);
});
folding(board);
carrying(board, document.querySelector("#carried"), { label, focus, send, unsure });
for (const hidden of [newPlace, backButton, document.querySelector("#keys")]) hidden.hidden = false;
for (const item of board.querySelectorAll(".group, .paper[data-paper]")) {
  // what was asked for before the page was loaded again
  const to = field(item).value;
  if (to === "u") mark(item);
  else if (to) { field(item).value = ""; send(item, column(to) ? to : "n"); }
}
recount();
const asked = [...form.querySelectorAll("input[name=asked]")].map((i) => column(i.value));
current = items(asked[0] ?? columns()[0])[0] ?? null;
if (document.querySelector("#commit")) document.querySelector("#commit").focus();
else if (!document.querySelector("#panel [role=alert]")) {
  current?.closest(".column").scrollIntoView({ block: "nearest", inline: "nearest" });
  focus(current, false);
}

// whoever works on a question goes on holding it
const task = form.elements.task.value;
if (task && document.querySelector("[action$='/release']")) {
  setInterval(() => {
    const body = new URLSearchParams({ token: form.elements.token.value });
    fetch(`/review/tasks/${encodeURIComponent(task)}/take`, { method: "POST", body, redirect: "manual" });
  }, 5 * 60 * 1000);
}
