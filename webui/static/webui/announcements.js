/** Puts an announcement away without loading the page again, which would interrupt a viewer or a half-filled form. */

for (const form of document.querySelectorAll(".site-notes form")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    fetch(form.action, { method: "POST", body: new FormData(form), redirect: "manual" })
      .then(() => {
        const section = form.closest(".site-notes");
        form.closest(".notice").remove();
        if (!section.querySelector(".notice")) {
          section.remove();
        }
        document.getElementById("main")?.focus();
      })
      .catch(() => form.submit());
  });
}
