// The preview panel of an arrangement, fetched from the form's action.
const panel = document.querySelector("#panel");
let latest = 0;

export async function showPreview(form, submitter, goBack) {
  const request = ++latest;
  const body = new URLSearchParams(new FormData(form, submitter?.name ? submitter : undefined));
  panel.setAttribute("aria-busy", "true");
  let text;
  try {
    const response = await fetch(form.action, { method: "POST", body, headers: { "X-Part": "1" } });
    if (response.redirected) return location.assign(response.url);
    text = await response.text();
  } catch {
    text = '<div class="note bad" role="alert"><p>Cannot reach the server. Try again.</p></div>';
  }
  if (request !== latest) return;
  panel.removeAttribute("aria-busy");
  const parsed = new DOMParser().parseFromString(text, "text/html");
  const content = parsed.querySelector("main") ?? parsed.body;
  panel.replaceChildren(...content.childNodes);
  panel.querySelector("#leave")?.addEventListener("click", (event) => {
    event.preventDefault();
    panel.replaceChildren();
    goBack();
  });
  const first = panel.querySelector("#override, #same-work, #commit") ?? panel.querySelector("[role=alert]");
  if (first && !first.matches("button, input")) first.tabIndex = -1;
  first?.focus();
}
