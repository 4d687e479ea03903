// Drag cards to columns. A mouse drags a card by any part, a finger or pen by its handle (elsewhere
// it scrolls). Alternatively a tap selects a card and the next tap selects its column.
const DRAG_THRESHOLD = 6;
const SCROLL_MARGIN = 70;
const INTERACTIVE = "a, input, label, summary, button";
const CARD = "[data-paper], .group";

export function enableDragging(board, bar, { label, focus, moveTo, toggleUnsure }) {
  let start = null;
  let card = null;
  let ghost = null;
  let target = null;
  let point = { x: 0, y: 0 };
  let isTouch = false;

  function select(item) {
    card = item;
    card.classList.add("carried-card");
    bar.querySelector("[data-what]").textContent = label(item);
    bar.hidden = false;
    board.classList.add("choosing");
  }

  function cancel() {
    card?.classList.remove("carried-card");
    target?.classList.remove("over");
    ghost?.remove();
    document.body.classList.remove("dragging");
    board.classList.remove("choosing");
    bar.hidden = true;
    start = card = ghost = target = null;
  }

  const placeAt = (element) => element?.closest("[data-to], [data-new], .column") ?? null;

  function drop(place) {
    const item = card;
    cancel();
    if (!item || !place) return;
    const to = place.matches("[data-new]") ? "n" : place.dataset.to ?? place.dataset.column;
    if (to === "u") toggleUnsure(item);
    else if (to && place !== item.closest(".column")) moveTo(item, to);
    else focus(item);
  }

  function startDrag() {
    select(start.item);
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
    if (point.x < left + SCROLL_MARGIN) board.scrollLeft -= 14;
    if (point.x > right - SCROLL_MARGIN) board.scrollLeft += 14;
    highlightTarget();
    requestAnimationFrame(scroll);
  }

  function highlightTarget() {
    const place = placeAt(document.elementFromPoint(point.x, point.y));
    if (place === target) return;
    target?.classList.remove("over");
    target = place;
    target?.classList.add("over");
  }

  board.addEventListener("pointerdown", (event) => {
    isTouch = event.pointerType !== "mouse";
    const item = event.target.closest(CARD);
    if (!item || !event.isPrimary || event.button !== 0 || event.target.closest(INTERACTIVE)) return;
    if (isTouch && !event.target.closest(".handle")) return;
    start = { item, x: event.clientX, y: event.clientY };
  });

  document.addEventListener("pointermove", (event) => {
    if (!start || !event.isPrimary) return;
    point = { x: event.clientX, y: event.clientY };
    if (!ghost && Math.hypot(point.x - start.x, point.y - start.y) < DRAG_THRESHOLD) return;
    if (!ghost) startDrag();
    ghost.style.translate = `${point.x + 12}px ${point.y + 12}px`;
    highlightTarget();
  });

  document.addEventListener("pointerup", () => {
    if (ghost) drop(target);
    start = null;
  });
  document.addEventListener("pointercancel", () => { if (start) cancel(); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !card) return;
    event.stopPropagation();
    const item = card;
    cancel();
    focus(item);
  }, true);
  board.addEventListener("dragstart", (event) => event.preventDefault());

  board.addEventListener("click", (event) => {
    if (!isTouch) return;
    const place = placeAt(event.target);
    if (card && place && place !== card.closest(".column")) {
      event.preventDefault();
      event.stopPropagation();
      return drop(place);
    }
    if (event.target.closest(INTERACTIVE)) return;
    const item = event.target.closest(CARD);
    const previous = card;
    cancel();
    if (item && item !== previous) {
      focus(item, false);
      select(item);
    }
  }, true);
  bar.addEventListener("click", (event) => {
    const place = event.target.closest("[data-to]");
    if (place) drop(place);
  });
}
