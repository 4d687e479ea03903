// The panel that shows what an arrangement would change, fetched from the form's own address.
const panel = document.querySelector("#panel");
let latest = 0;

export async function previewed(form, submitter, goBack) {
  const mine = ++latest;
  const body = new URLSearchParams(new FormData(form, submitter?.name ? submitter : undefined));
  panel.setAttribute("aria-busy", "true");
  let text;
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Part": "1" } });
    if (answer.redirected) return location.assign(answer.url);
    text = await answer.text();
  } catch {
    text = '<div class="note bad" role="alert"><p>The server cannot be reached; try again.</p></div>';
  }
  if (mine !== latest) return;
  panel.removeAttribute("aria-busy");
  const read = new DOMParser().parseFromString(text, "text/html");
  const found = read.querySelector("main") ?? read.body;
  panel.replaceChildren(...found.childNodes);
  panel.querySelector("#leave")?.addEventListener("click", (event) => {
    event.preventDefault();
    panel.replaceChildren();
    goBack();
  });
  const first = panel.querySelector("#override, #same-work, #commit") ?? panel.querySelector("[role=alert]");
  if (first && !first.matches("button, input")) first.tabIndex = -1;
  first?.focus();
}
