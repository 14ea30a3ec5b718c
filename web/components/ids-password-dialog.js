// Asks for the password of a protected file.

import { announce, h } from "../lib/dom.js";
import { errorText, t } from "../lib/i18n.js";

/**
 * Resolves with true once the server has opened the file. `open(password, file)` asks it to; it throws what the server says. `file` is
 * null, unless `needsFile` is set or the server says that it has the bytes no more: then they are asked for, too.
 */
export function askForPassword({ name, open, needsFile = false }) {
  return new Promise((resolve) => {
    let isOpened = false;
    // Nobody's account: browsers should neither offer one of theirs nor keep this one.
    const input = h("input", {
      type: "password", name: "password", required: true, autocomplete: "off", autocapitalize: "none", spellcheck: "false",
      "aria-describedby": "password-text password-failure", autofocus: true,
    });
    const picker = h("input", { type: "file", name: "file", required: needsFile });
    const fileField = h("label", { class: "field", hidden: !needsFile }, h("span", {}, t("password.file")), picker);
    const failure = h("p", { id: "password-failure", class: "notice danger", role: "alert", hidden: true });
    const submit = h("button", { type: "submit", class: "primary" }, t("password.open"));
    const fail = (error) => {
      failure.textContent = error.code === "ENCRYPTED" ? t("password.wrong") : errorText(error);
      failure.hidden = false;
      if (error.code === "ORIGINAL_NOT_KEPT") {
        fileField.hidden = false;
        picker.required = true;
        return picker.focus();
      }
      if (error.code === "ENCRYPTED") input.setAttribute("aria-invalid", "true");
      input.focus();
      input.select();
    };
    const form = h("form", { onsubmit: async (event) => {
      event.preventDefault();
      submit.disabled = true;
      failure.hidden = true;
      input.removeAttribute("aria-invalid");
      try {
        await open(input.value, picker.files[0] ?? null);
        isOpened = true;
        dialog.close();
      } catch (error) {
        fail(error);
      } finally {
        submit.disabled = false;
      }
    } },
    h("h2", { id: "password-title" }, t("password.title")),
    h("p", { id: "password-text" }, t("password.text", { name })),
    fileField,
    h("label", { class: "field" }, h("span", {}, t("password.field")), input),
    h("label", { class: "check" }, h("input", { type: "checkbox", onchange: (event) => {
      input.type = event.target.checked ? "text" : "password";
    } }), t("password.show")),
    failure,
    h("p", { class: "summary" }, t("password.kept")),
    h("div", { class: "actions" }, h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, t("password.cancel")), submit));
    const dialog = h("dialog", { "aria-labelledby": "password-title" }, form);
    dialog.addEventListener("close", () => {
      input.value = "";
      dialog.remove();
      if (isOpened) announce(t("password.accepted"));
      resolve(isOpened);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
