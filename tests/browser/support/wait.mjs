// Waits for something to become true; the only place that lets time pass.

const LOOK_MS = 25;
const PATIENCE_MS = 30_000;

/** Resolves with the first true result of `check`; throws with `what` when there is none in time. */
export async function until(what, check, patience = PATIENCE_MS) {
  const end = Date.now() + patience;
  let last;
  for (;;) {
    try {
      const result = await check();
      if (result) return result;
      last = result;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`waited ${patience / 1000} s in vain until ${what}; last: ${last}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
