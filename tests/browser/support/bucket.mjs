// A bucket of one's own on the S3 server that tests share (`scripts/test-services.sh`).

import { execFile, spawn } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const SERVICES = fileURLToPath(new URL("../../../scripts/test-services.sh", import.meta.url));
const REGISTRY = process.env.IDS_TEST_SERVICES_DIR ?? path.join(tmpdir(), `ids-services-${process.getuid()}`);

export async function makeBucket() {
  await mkdir(REGISTRY, { recursive: true, mode: 0o755 });
  // The server lives as long as somebody holds this lock.
  const lock = spawn("flock", ["--shared", path.join(REGISTRY, "s3.users"), "cat"], { stdio: ["pipe", "ignore", "ignore"] });
  const { stdout } = await run(SERVICES, ["up", "s3"]);
  const bucket = new Bucket(JSON.parse(stdout), `browser-${process.pid}-${Date.now()}`, lock);
  await bucket.send("PUT", "");
  return bucket;
}

class Bucket {
  #server;
  #lock;
  name;

  constructor(server, name, lock) {
    this.#server = server;
    this.name = name;
    this.#lock = lock;
  }

  /** Such as http://127.0.0.1:11000. */
  get origin() {
    return this.#server.endpoint;
  }

  /** What `ids` needs to keep its files here. */
  get settings() {
    const { endpoint, region, access_key: key, secret_key: secret } = this.#server;
    return { S3_BUCKET: this.name, S3_ENDPOINT: endpoint, S3_REGION: region, AWS_ACCESS_KEY: key, AWS_SECRET_KEY: secret };
  }

  /** Lets pages of that origin send files, from now on. */
  async allow(origin) {
    await this.send("PUT", "", "cors", `<CORSConfiguration><CORSRule><AllowedOrigin>${origin}</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>`
      + "<AllowedHeader>content-type</AllowedHeader></CORSRule></CORSConfiguration>");
  }

  async keys() {
    const text = await this.send("GET", "");
    return [...text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key);
  }

  async discard() {
    for (const key of await this.keys()) await this.send("DELETE", `/${key}`);
    await this.send("DELETE", "");
    this.#lock.stdin.end();
  }

  /** A request signed as AWS describes it (Signature Version 4). */
  async send(method, object, parameter = "", body = "") {
    const { endpoint, region, access_key: key, secret_key: secret } = this.#server;
    const { host } = new URL(endpoint);
    const target = `/${this.name}${object}`;
    const query = parameter ? `${parameter}=` : "";
    const time = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
    const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`;
    const hash = (text) => createHash("sha256").update(text).digest("hex");
    const mac = (with_, text) => createHmac("sha256", with_).update(text).digest();
    const headers = { host, "x-amz-content-sha256": hash(body), "x-amz-date": time };
    const names = Object.keys(headers).join(";");
    const canonical = [method, target, query, ...Object.entries(headers).map(([name, value]) => `${name}:${value}`), "", names, hash(body)].join("\n");
    const signer = scope.split("/").reduce(mac, `AWS4${secret}`);
    const signature = mac(signer, ["AWS4-HMAC-SHA256", time, scope, hash(canonical)].join("\n")).toString("hex");
    const response = await fetch(`${endpoint}${target}${query ? `?${query}` : ""}`, {
      method, body: body || undefined,
      headers: { ...headers, authorization: `AWS4-HMAC-SHA256 Credential=${key}/${scope}, SignedHeaders=${names}, Signature=${signature}` },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${target}?${query}: ${response.status} ${text}`);
    return text;
  }
}
