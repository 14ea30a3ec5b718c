// Light, dark, or as the system has it. The tokens do the rest with `light-dark()`.

import { keep, recall } from "./storage.js";

const CHOICE = "ids.theme";
export const THEMES = ["system", "light", "dark"];

export function theme() {
  const chosen = recall(CHOICE);
  return THEMES.includes(chosen) ? chosen : "system";
}

export function useTheme(name) {
  keep(CHOICE, name === "system" ? null : name);
  applyTheme(name);
}

export function applyTheme(name = theme()) {
  if (name === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
}
