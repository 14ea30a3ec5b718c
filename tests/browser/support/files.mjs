// Files as the browser takes them: dropped onto the window, or chosen.

import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

/** Writes documents below a new folder, each under its name, and gives the folder. */
export async function folderOf(documents) {
  const folder = await mkdtemp(path.join(tmpdir(), "ids-files-"));
  for (const { name, make, within = "" } of documents) {
    await mkdir(path.join(folder, within), { recursive: true });
    await writeFile(path.join(folder, within, name), make());
  }
  return folder;
}

/** As a chooser of files takes them. */
export function payload({ name, type, make }) {
  return { name, mimeType: type, buffer: make() };
}

/** Drops files or folders from the disk onto the middle of the window, as the desktop does. */
export async function dropOn(page, paths) {
  const session = await page.context().newCDPSession(page);
  const { width, height } = page.viewportSize();
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"]) {
    await session.send("Input.dispatchDragEvent", { type, x: width / 2, y: height / 2, data });
  }
  await session.detach();
}
