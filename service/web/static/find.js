// Finding papers on a board, and columns folded to their names: for boards of many.
const CARD = ".groups > li";

export function folding(board) {
  for (const button of board.querySelectorAll(".fold")) button.hidden = false;
  board.addEventListener("click", (event) => {
    const button = event.target.closest(".fold");
    if (button) fold(button.closest(".column"));
  });
}

export function fold(column, folded = !("folded" in column.dataset)) {
  column.toggleAttribute("data-folded", folded);
  column.querySelector(".fold")?.setAttribute("aria-expanded", String(!folded));
}

export function finding(board, field, told) {
  const texts = new Map();
  const text = (paper) => {
    if (!texts.has(paper)) texts.set(paper, paper.textContent.toLowerCase());
    return texts.get(paper);
  };
  let waiting = 0;

  function find() {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    let wide = 0;
    board.classList.toggle("finding", words.length > 0);
    for (const column of board.querySelectorAll(".column")) {
      let here = 0;
      for (const card of column.querySelectorAll(CARD)) {
        const papers = card.matches(".paper") ? [card] : [...card.querySelectorAll(".paper")];
        const hits = papers.filter((paper) => words.every((word) => text(paper).includes(word)));
        for (const paper of papers) paper.classList.toggle("hit", words.length > 0 && hits.includes(paper));
        card.classList.toggle("miss", hits.length === 0);
        here += hits.length;
      }
      column.classList.toggle("miss", here === 0);
      n += here;
      wide += here > 0;
    }
    told.textContent = words.length ? `${n} ${n === 1 ? "paper" : "papers"} in ${wide} ${wide === 1 ? "column" : "columns"}` : "";
  }

  field.closest(".find").hidden = false;
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(find, 120);
  });
  return {
    again: () => { if (field.value) find(); },
    end: () => { field.value = ""; find(); },
  };
}
