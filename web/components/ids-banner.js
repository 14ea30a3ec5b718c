// Says that the server cannot be reached, for as long as it is so.

import { announce, h, icon } from "../lib/dom.js";
import { connection } from "../lib/connection.js";
import { IdsElement } from "../lib/element.js";
import { t } from "../lib/i18n.js";

class IdsBanner extends IdsElement {
  connected() {
    this.dataset.retranslates = "";
    this.listen(connection, "lost", () => this.retranslate());
    this.listen(connection, "back", () => {
      // Told after another key as well.
      if (this.childElementCount > 0) announce(t("shell.back"));
      this.retranslate();
    });
  }

  retranslate() {
    const banner = h("div", { class: "banner", role: "alert" }, icon("alert"), h("p", {}, t("shell.lost")));
    this.replaceChildren(...(connection.isLost ? [banner] : []));
  }
}

customElements.define("ids-banner", IdsBanner);
