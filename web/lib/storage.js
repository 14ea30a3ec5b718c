// What the browser keeps for this page. Storage may be forbidden or full: then nothing is kept, and nothing breaks.

export function recall(key, storage = () => localStorage) {
  try {
    return storage().getItem(key);
  } catch {
    return null;
  }
}

export function keep(key, value, storage = () => localStorage) {
  try {
    if (value === null) storage().removeItem(key);
    else storage().setItem(key, value);
  } catch {
    // the choice lasts as long as the page
  }
}

/** For this tab only. */
export const ofTab = () => sessionStorage;
