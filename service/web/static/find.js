// Search for papers on a board, and collapse columns: for large boards.
const CARD = ".groups > li";

export function enableFolding(board) {
  for (const button of board.querySelectorAll(".fold")) button.hidden = false;
  board.addEventListener("click", (event) => {
    const button = event.target.closest(".fold");
    if (button) fold(button.closest(".column"));
  });
}

export function fold(column, isFolded = !("folded" in column.dataset)) {
  column.toggleAttribute("data-folded", isFolded);
  column.querySelector(".fold")?.setAttribute("aria-expanded", String(!isFolded));
}

export function enableSearch(board, field, status) {
  const texts = new Map();
  const text = (paper) => {
    if (!texts.has(paper)) texts.set(paper, paper.textContent.toLowerCase());
    return texts.get(paper);
  };
  let timer = 0;

  function find() {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let nPapers = 0;
    let nColumns = 0;
    board.classList.toggle("finding", words.length > 0);
    for (const column of board.querySelectorAll(".column")) {
      let nHits = 0;
      for (const card of column.querySelectorAll(CARD)) {
        const papers = card.matches(".paper") ? [card] : [...card.querySelectorAll(".paper")];
        const hits = papers.filter((paper) => words.every((word) => text(paper).includes(word)));
        for (const paper of papers) paper.classList.toggle("hit", words.length > 0 && hits.includes(paper));
        card.classList.toggle("miss", hits.length === 0);
        nHits += hits.length;
      }
      column.classList.toggle("miss", nHits === 0);
      nPapers += nHits;
      nColumns += nHits > 0;
    }
    status.textContent = words.length ? `${nPapers} ${nPapers === 1 ? "paper" : "papers"} in ${nColumns} ${nColumns === 1 ? "column" : "columns"}` : "";
  }

  field.closest(".find").hidden = false;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, 120);
  });
  return {
    again: () => { if (field.value) find(); },
    end: () => { field.value = ""; find(); },
  };
}
