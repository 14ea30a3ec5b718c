// What is shown at an address that leads nowhere.

import { h } from "../lib/dom.js";
import { IdsElement } from "../lib/element.js";
import { t } from "../lib/i18n.js";

class IdsMissing extends IdsElement {
  connected() {
    this.replaceChildren(
      h("section", { class: "empty" },
        h("h1", {}, t("missing.title")),
        h("p", {}, t("missing.text")),
        h("p", {}, h("a", { class: "button primary", href: "#/" }, t("missing.home")))),
    );
  }
}

customElements.define("ids-missing", IdsMissing);
