// j and k move between questions; Enter opens the focused one.
const list = document.querySelector("[data-queue]");

if (list) {
  const rows = [...list.querySelectorAll("[data-row]")];
  list.addEventListener("keydown", (event) => {
    const by = { j: 1, k: -1 }[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = rows.findIndex((row) => row.closest("li").contains(document.activeElement));
    const next = rows[Math.max(0, Math.min(rows.length - 1, at + by))];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
    event.preventDefault();
  });
  if (document.activeElement === document.body) rows[0].focus({ preventScroll: true });
}
