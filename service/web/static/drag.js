// Carrying a card to a column. A mouse drags it by any part, a finger or a pen by its handle (the
// rest scrolls); or a tap takes it up, and the next tap says where it goes.
const FAR = 6;
const EDGE = 70;
const OWN = "a, input, label, summary, button";
const CARD = "[data-paper], .group";

export function carrying(board, bar, { label, focus, send, unsure }) {
  let start = null;
  let card = null;
  let ghost = null;
  let over = null;
  let point = { x: 0, y: 0 };
  let touched = false;

  function take(item) {
    card = item;
    card.classList.add("carried-card");
    bar.querySelector("[data-what]").textContent = label(item);
    bar.hidden = false;
    board.classList.add("choosing");
  }

  function leave() {
    card?.classList.remove("carried-card");
    over?.classList.remove("over");
    ghost?.remove();
    document.body.classList.remove("dragging");
    board.classList.remove("choosing");
    bar.hidden = true;
    start = card = ghost = over = null;
  }

  const placeAt = (element) => element?.closest("[data-to], [data-new], .column") ?? null;

  function put(place) {
    const item = card;
    leave();
    if (!item || !place) return;
    const to = place.matches("[data-new]") ? "n" : place.dataset.to ?? place.dataset.column;
    if (to === "u") unsure(item);
    else if (to && place !== item.closest(".column")) send(item, to);
    else focus(item);
  }

  function begin() {
    take(start.item);
    getSelection().removeAllRanges();
    document.body.classList.add("dragging");
    ghost = document.createElement("div");
    ghost.className = "ghost";
    ghost.textContent = label(card);
    document.body.append(ghost);
    requestAnimationFrame(scroll);
  }

  function scroll() {
    if (!ghost) return;
    const { left, right } = board.getBoundingClientRect();
    if (point.x < left + EDGE) board.scrollLeft -= 14;
    if (point.x > right - EDGE) board.scrollLeft += 14;
    mark();
    requestAnimationFrame(scroll);
  }

  function mark() {
    const place = placeAt(document.elementFromPoint(point.x, point.y));
    if (place === over) return;
    over?.classList.remove("over");
    over = place;
    over?.classList.add("over");
  }

  board.addEventListener("pointerdown", (event) => {
    touched = event.pointerType !== "mouse";
    const item = event.target.closest(CARD);
    if (!item || !event.isPrimary || event.button !== 0 || event.target.closest(OWN)) return;
    if (touched && !event.target.closest(".handle")) return;
    start = { item, x: event.clientX, y: event.clientY };
  });

  document.addEventListener("pointermove", (event) => {
    if (!start || !event.isPrimary) return;
    point = { x: event.clientX, y: event.clientY };
    if (!ghost && Math.hypot(point.x - start.x, point.y - start.y) < FAR) return;
    if (!ghost) begin();
    ghost.style.translate = `${point.x + 12}px ${point.y + 12}px`;
    mark();
  });

  document.addEventListener("pointerup", () => {
    if (ghost) put(over);
    start = null;
  });
  document.addEventListener("pointercancel", () => { if (start) leave(); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !card) return;
    event.stopPropagation();
    const item = card;
    leave();
    focus(item);
  }, true);
  board.addEventListener("dragstart", (event) => event.preventDefault());

  board.addEventListener("click", (event) => {
    if (!touched) return;
    const place = placeAt(event.target);
    if (card && place && place !== card.closest(".column")) {
      event.preventDefault();
      event.stopPropagation();
      return put(place);
    }
    if (event.target.closest(OWN)) return;
    const item = event.target.closest(CARD);
    const before = card;
    leave();
    if (item && item !== before) {
      focus(item, false);
      take(item);
    }
  }, true);
  bar.addEventListener("click", (event) => {
    const place = event.target.closest("[data-to]");
    if (place) put(place);
  });
}
