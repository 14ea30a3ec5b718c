// Shows /openapi.json readably: one fold for each operation, with its parameters, body and reply.

const METHODS = ["get", "post", "put", "patch", "delete"];
/** Schemas inside schemas are shown this deep; deeper ones by name. */
const DEPTH = 4;

const about = document.querySelector("#about");
const operations = document.querySelector("#operations");

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function resolve(api, schema) {
  const name = schema?.$ref?.split("/").pop();
  return name ? api.components.schemas[name] : schema;
}

function typeName(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  const options = schema.oneOf ?? schema.anyOf;
  if (options) return options.map(typeName).join(" or ");
  const type = [schema.type].flat().filter(Boolean).join(" or ");
  return schema.items ? `${type} of ${typeName(schema.items)}` : type;
}

/** The object schemas a schema leads to, by name, in the order met. */
function objects(api, schema, found = new Map(), depth = 0) {
  if (!schema || depth > DEPTH) return found;
  const name = schema.$ref?.split("/").pop();
  const whole = resolve(api, schema);
  if (name && whole.properties && !found.has(name)) {
    found.set(name, whole);
    for (const property of Object.values(whole.properties)) objects(api, property, found, depth + 1);
  }
  if (whole.items) objects(api, whole.items, found, depth);
  for (const option of whole.oneOf ?? whole.anyOf ?? []) objects(api, option, found, depth);
  return found;
}

function table(caption, columns, rows) {
  const made = element("table");
  made.append(element("caption", caption));
  const head = made.createTHead().insertRow();
  for (const column of columns) {
    const cell = element("th", column);
    cell.scope = "col";
    head.append(cell);
  }
  const body = made.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    row.forEach((text, index) => line.insertCell().append(index === 0 ? element("code", text) : text));
  }
  return made;
}

function schemaTables(api, title, schema) {
  const tables = [...objects(api, schema)].map(([name, whole], index) => {
    const required = new Set(whole.required ?? []);
    const rows = Object.entries(whole.properties).map(([field, of]) => [
      field, typeName(of), required.has(field) ? "yes" : "", of.description ?? "",
    ]);
    return table(index === 0 ? `${title}: ${name}` : name, ["field", "type", "always", "meaning"], rows);
  });
  if (tables.length === 0 && schema) tables.push(element("p", `${title}: ${typeName(schema)}`));
  return tables;
}

function operationFold(api, path, method, operation) {
  const fold = element("details");
  fold.id = operation.operationId;
  const summary = element("summary");
  summary.append(element("span", method.toUpperCase(), "method"), " ", element("code", path));
  if (operation.summary) summary.append(` · ${operation.summary}`);
  fold.append(summary);
  if (operation.description) fold.append(element("p", operation.description));
  if (operation.parameters?.length) {
    const rows = operation.parameters.map((of) => [of.name, of.in, typeName(of.schema), of.description ?? ""]);
    fold.append(table("Parameters", ["name", "in", "type", "meaning"], rows));
  }
  for (const [type, content] of Object.entries(operation.requestBody?.content ?? {})) {
    fold.append(...schemaTables(api, `Body (${type})`, content.schema));
  }
  for (const [status, reply] of Object.entries(operation.responses)) {
    if (status === "default") continue; // the same everywhere, told at the top
    fold.append(element("p", `${status}: ${reply.description}`));
    for (const [type, content] of Object.entries(reply.content ?? {})) {
      fold.append(...schemaTables(api, `Reply (${type})`, content.schema));
    }
  }
  return fold;
}

async function show() {
  const response = await fetch("/openapi.json");
  if (!response.ok) throw new Error(response.statusText);
  const api = await response.json();
  about.textContent = api.info.description;
  operations.append(...schemaTables(api, "Every error has this body", { $ref: "#/components/schemas/ErrorBody" }));
  for (const tag of api.tags) {
    operations.append(element("h2", tag.description ?? tag.name));
    for (const [path, item] of Object.entries(api.paths)) {
      for (const method of METHODS) {
        const operation = item[method];
        if (operation?.tags?.includes(tag.name)) operations.append(operationFold(api, path, method, operation));
      }
    }
  }
}

show().catch((error) => {
  about.textContent = `The description could not be read: ${error.message}`;
});
