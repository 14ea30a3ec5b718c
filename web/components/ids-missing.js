// What is shown at an address that leads nowhere, or where the key does not.

import { h } from "../lib/dom.js";
import { IdsElement } from "../lib/element.js";
import { t } from "../lib/i18n.js";

class IdsMissing extends IdsElement {
  /** What the key would have to allow; undefined where there is nothing at all. */
  needs;

  connected() {
    const right = t(`keys.${{ read: "search", use: "search" }[this.needs] ?? this.needs}`);
    this.replaceChildren(
      h("section", { class: "empty" },
        h("h1", {}, this.needs ? t("errors.FORBIDDEN") : t("missing.title")),
        h("p", {}, this.needs ? t("keys.lacking", { right }) : t("missing.text")),
        h("p", {}, h("a", { class: "button primary", href: "#/" }, t("missing.home")))),
    );
  }
}

customElements.define("ids-missing", IdsMissing);
