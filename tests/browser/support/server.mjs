// The real program on a library of its own.

import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { until } from "./wait.mjs";

const PROGRAM = process.env.PROGRAM_UNDER_TEST;

const run = promisify(execFile);

// A test that fails in its middle stops no server: that must not keep the tests from their end, nor outlive them.
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** Starts `ids serve` on a new data directory and a free port. */
export async function startServer(environment = {}) {
  if (!PROGRAM) throw new Error("PROGRAM_UNDER_TEST must name the `ids` program; run scripts/test-browser.sh");
  const folder = await mkdtemp(path.join(tmpdir(), "ids-browser-"));
  const server = new Server(folder, environment);
  await server.start();
  return server;
}

/** The same, where each caller needs a key; what the tests do beside the page they do with one that allows everything. */
export async function startServerWithKeys(environment = {}) {
  const server = await startServer({ IDS_AUTH: "keys", ...environment });
  server.headers = { authorization: `Bearer ${(await server.createKey("admin")).key}` };
  return server;
}

/** Without the settings of whoever runs the tests: a model of theirs would be asked, and paid. */
function plain(environment) {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^(IDS|OPENAI|POSTGRES|REDIS|S3|AI)_/.test(name)));
}

class Server {
  #folder;
  #environment;
  #process = null;
  #log = "";
  /** Such as http://127.0.0.1:40123. */
  address = "";
  /** Sent with each request of the tests. */
  headers = {};

  constructor(folder, environment) {
    this.#folder = folder;
    this.#environment = environment;
  }

  /** Where its library lies. */
  get folder() {
    return this.#folder;
  }

  /** On the port it had, where it had one. */
  async start() {
    const port = this.address ? new URL(this.address).port : "0";
    const child = spawn(PROGRAM, ["--data-dir", this.#folder, "serve", "--port", port], {
      env: { ...plain(process.env), ...this.#environment }, stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(child);
    child.once("exit", () => running.delete(child));
    for (const handle of [child, child.stdout, child.stderr]) handle.unref();
    this.#process = child;
    let said = "";
    child.stdout.on("data", (data) => (said += data));
    child.stderr.on("data", (data) => (this.#log = (this.#log + data).slice(-4000)));
    this.address = await until("the server says its address", () => {
      if (child.exitCode !== null) throw new Error(`it ended: ${this.#log}`);
      return /http:\/\/[\w.:[\]]+:\d+/.exec(said)?.[0];
    });
    await until("the server is ready", async () => (await fetch(`${this.address}/ready`)).ok);
  }

  /** As when the power goes. */
  async kill() {
    this.#process.kill("SIGKILL");
    await until("the server is gone", () => this.#process.exitCode !== null || this.#process.signalCode !== null);
  }

  async stop() {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill("SIGTERM");
      await until("the server has stopped", () => this.#process.exitCode !== null || this.#process.signalCode !== null, 40_000);
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** {key, key_id, ...} of a new key, as whoever runs the server makes it. */
  async createKey(scopes, ...more) {
    return JSON.parse(await this.#command("keys", "create", "--scopes", scopes, "--json", ...more));
  }

  async revokeKey({ key_id: id }) {
    await this.#command("keys", "revoke", id);
  }

  async #command(...words) {
    const { stdout } = await run(PROGRAM, ["--data-dir", this.#folder, ...words], { env: { ...plain(process.env), ...this.#environment } });
    return stdout;
  }

  async get(path_) {
    const response = await fetch(this.address + path_, { headers: this.headers });
    if (!response.ok) throw new Error(`${path_}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  async send(method, path_, body) {
    return fetch(this.address + path_, { method, headers: { ...this.headers, "content-type": "application/json" }, body: JSON.stringify(body) });
  }

  /** Adds a document without the page, and waits until it is found by meaning. Gives its id. */
  async add({ name, type, make }, { collection, tags } = {}) {
    const form = new FormData();
    if (collection) form.append("collection", collection);
    if (tags) form.append("tags", tags);
    form.append("file", new Blob([make()], { type }), name);
    const response = await fetch(`${this.address}/api/v1/documents`, { method: "POST", headers: this.headers, body: form });
    if (!response.ok) throw new Error(`adding ${name}: ${await response.text()}`);
    const { document_id: id } = await response.json();
    await until(`${name} is through`, async () => {
      const { status } = await this.get(`/api/v1/documents/${id}/status`);
      return ["completed", "failed", "duplicate"].includes(status);
    });
    return id;
  }
}
