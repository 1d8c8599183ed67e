// The pages work without this. It shows fields only where they count, loads the preview by
// itself, and puts the focus on a refusal.
"use strict";

for (const form of document.querySelectorAll("form.edit")) {
  const show = () => {
    const chosen = form.querySelector("input[name=how]:checked");
    for (const part of form.querySelectorAll("[data-for]")) {
      part.hidden = !chosen || !part.dataset.for.split(" ").includes(chosen.value);
    }
  };
  form.addEventListener("change", show);
  show();
}

document.querySelector("#refusal")?.focus();

const opened = document.getElementById(location.hash.slice(1));
if (opened?.matches("details")) {
  opened.open = true;
  // Later than the browser's own jump to the place, which takes the focus away.
  addEventListener("load", () => setTimeout(() => {
    opened.querySelector("input:not([type=hidden]), select")?.focus();
  }));
}

const preview = document.querySelector("[data-preview]");
if (preview && !preview.dataset.isMade) {
  preview.setAttribute("aria-busy", "true");
  preview.replaceChildren(Object.assign(document.createElement("p"), {
    className: "working",
    textContent: "Building invented calls with this project's models: about ten seconds …",
  }));
  fetch(preview.dataset.preview, { headers: { Accept: "text/html" } })
    .then((answer) => (answer.ok ? answer.text() : Promise.reject(new Error(answer.status))))
    .then((html) => { preview.innerHTML = html; })
    .catch(() => {
      preview.replaceChildren(Object.assign(document.createElement("p"), {
        textContent: "The preview could not be made. Load the page again to try.",
      }));
    })
    .finally(() => preview.removeAttribute("aria-busy"));
}
