// Language and look.

import { choice, h, icon } from "../lib/dom.js";
import { IdsElement } from "../lib/element.js";
import { LANGUAGES, language, t } from "../lib/i18n.js";
import { THEMES, theme, useTheme } from "../lib/theme.js";

/** Each language by its own name: who cannot read the page finds it. */
const NAMES = { pt: "Português", en: "English" };

class IdsPreferences extends IdsElement {
  connected() {
    this.dataset.retranslates = "";
  }

  retranslate() {
    const wasOpen = this.querySelector(":popover-open") !== null;
    const languages = choice(
      t("preferences.language"), "language", LANGUAGES.map((name) => [name, NAMES[name]]), language(),
      (event) => this.tell("ids:language", event.target.value),
    );
    for (const each of languages.querySelectorAll("option")) each.lang = each.value;
    const themes = choice(
      t("preferences.theme"), "theme", THEMES.map((name) => [name, t(`preferences.${name}`)]), theme(),
      (event) => useTheme(event.target.value),
    );
    const panel = h("div", { id: "preferences", class: "popover", popover: "auto" }, languages, themes);
    const opener = h(
      "button",
      { type: "button", class: "quiet", popovertarget: "preferences", title: t("preferences.open") },
      icon("globe"),
      language().toUpperCase(),
      h("span", { class: "unseen" }, t("preferences.open")),
    );
    this.replaceChildren(opener, panel);
    if (wasOpen) {
      panel.showPopover();
      languages.querySelector("select").focus();
    }
  }
}

customElements.define("ids-preferences", IdsPreferences);
