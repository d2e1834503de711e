/**
 * Changes the theme without loading the page again, which would interrupt a viewer or a half-filled form.
 * What it does to the page is what the server does when it renders it: see base.html.
 */

const media = { light: "not all", dark: "all", system: "(prefers-color-scheme: dark)" };

function show(theme, form) {
  const { dataset } = document.documentElement;
  if (theme === "system") {
    delete dataset.theme;
  } else {
    dataset.theme = theme;
  }
  document.getElementById("dark-colours").media = media[theme];
  document.querySelector("meta[name=color-scheme]").content = theme === "system" ? "light dark" : theme;
  for (const button of form.querySelectorAll("button[name=theme]")) {
    button.setAttribute("aria-pressed", String(button.value === theme));
  }
}

for (const form of document.querySelectorAll("form.theme-form")) {
  form.addEventListener("submit", (event) => {
    const theme = event.submitter?.value;
    if (!(theme in media)) {
      return;
    }
    event.preventDefault();
    show(theme, form);
    const posted = new FormData(form);
    posted.set("theme", theme);
    // Not kept when that fails: the next page is as before, and the choice is there again.
    fetch(form.action, { method: "POST", body: posted, redirect: "manual" }).catch(() => {});
  });
}
