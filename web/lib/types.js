// Kinds of files as clerks speak of them, each with its MIME types.

const OFFICE = "application/vnd.openxmlformats-officedocument.";
const OPEN = "application/vnd.oasis.opendocument.";

export const KINDS = {
  pdf: ["application/pdf"],
  word: [`${OFFICE}wordprocessingml.document`, "application/msword", `${OPEN}text`, "application/rtf"],
  sheet: [`${OFFICE}spreadsheetml.sheet`, "application/vnd.ms-excel", `${OPEN}spreadsheet`, "text/csv"],
  slides: [`${OFFICE}presentationml.presentation`, `${OPEN}presentation`],
  web: ["text/html", "multipart/related", "application/epub+zip"],
  mail: ["message/rfc822", "application/vnd.ms-outlook"],
  archive: ["application/zip"],
  text: ["text/plain", "text/markdown", "application/json", "application/xml"],
  image: ["image/tiff", "image/png", "image/jpeg", "image/webp"],
};

/** What a password opens here; Office files of these kinds show nothing of their type without it. */
export const OPENED_BY_PASSWORD = new Set(["application/pdf", `${OPEN}text`, `${OPEN}spreadsheet`, `${OPEN}presentation`]);

/** Browsers know few types by name; the server looks into the content anyway. */
const BY_ENDING = {
  pdf: "application/pdf",
  docx: `${OFFICE}wordprocessingml.document`,
  doc: "application/msword",
  odt: `${OPEN}text`,
  rtf: "application/rtf",
  xlsx: `${OFFICE}spreadsheetml.sheet`,
  xls: "application/vnd.ms-excel",
  ods: `${OPEN}spreadsheet`,
  csv: "text/csv",
  pptx: `${OFFICE}presentationml.presentation`,
  odp: `${OPEN}presentation`,
  html: "text/html",
  htm: "text/html",
  mhtml: "multipart/related",
  mht: "multipart/related",
  epub: "application/epub+zip",
  eml: "message/rfc822",
  msg: "application/vnd.ms-outlook",
  zip: "application/zip",
  txt: "text/plain",
  md: "text/markdown",
  json: "application/json",
  xml: "application/xml",
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  tif: "image/tiff",
  tiff: "image/tiff",
  webp: "image/webp",
};

export function kindOf(contentType) {
  const plain = contentType?.split(";")[0].trim();
  return Object.keys(KINDS).find((kind) => KINDS[kind].includes(plain)) ?? "other";
}

/** The type to announce for a file. */
export function typeOf(file) {
  const ending = file.name.split(".").pop().toLowerCase();
  return BY_ENDING[ending] ?? (file.type || "application/octet-stream");
}
