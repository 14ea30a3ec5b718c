#!/usr/bin/env python3
"""The manifests of deploy/k8s, started for real by `podman kube play`, without a cluster: `play.py RENDERED.yaml PROGRAM` (as root).

Of each deployment one pod runs, in the network of this machine and on loopback only; PostgreSQL, Redis and the bucket are those of the
tests. What a cluster alone does (services, ingress, policies, autoscaling, rolling updates, probes by HTTP) is not tried here."""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "bench/scale"))
from system import Service, free_port, wait_until  # noqa: E402

IMAGE = "localhost/intelligent-document-search:play"


def say(sentence):
    print(f"   ok  {sentence}", flush=True)


def holds(sentence, is_so, found=""):
    if not is_so:
        raise SystemExit(f"FAILED: {sentence} {found}")
    say(sentence)


class Podman:
    """An engine with its images and containers in a folder of its own."""

    def __init__(self, work):
        (work / "containers.conf").write_text(
            '[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\nlog_driver = "k8s-file"\n'
            '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
        )
        (work / "storage.conf").write_text(f'[storage]\ndriver = "overlay"\ngraphroot = "{work}/storage"\nrunroot = "{work}/run"\n')
        (work / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        self.environment = os.environ | {"CONTAINERS_CONF": str(work / "containers.conf"), "CONTAINERS_STORAGE_CONF": str(work / "storage.conf")}

    def __call__(self, *arguments, check=True):
        run = subprocess.run(["podman", *map(str, arguments)], env=self.environment, capture_output=True, text=True)
        if check and run.returncode != 0:
            raise SystemExit(f"error: `podman {' '.join(map(str, arguments))}` failed: {run.stdout[-800:]}{run.stderr[-1500:]}")
        return run.stdout.strip() if check else run


def make_image(podman, work, program):
    """The runtime stage of deploy/Dockerfile without text recognition, which would be fetched over a network."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ids/test-packages/bookworm.tar"
    if not base.exists():
        raise SystemExit(f"error: {base} is not there; scripts/test-packages.sh makes it")
    podman("import", base, "localhost/base:play")
    context = work / "context"
    context.mkdir()
    shutil.copy(program, context / "ids")
    shutil.copy(REPOSITORY / "assets/libpdfium.so", context)
    (context / "Containerfile").write_text(
        "FROM localhost/base:play\n"
        "RUN groupadd --gid 10001 ids && useradd --uid 10001 --gid 10001 --home-dir /var/lib/ids --no-create-home ids"
        " && install -d -o ids -g ids -m 0700 /var/lib/ids /var/spool/ids && install -d /etc/ids/ca\n"
        "COPY ids libpdfium.so /usr/local/bin/\n"
        "ENV IDS_DATA_DIR=/var/lib/ids TMPDIR=/var/spool/ids LOG_FORMAT=json\n"
        'USER 10001:10001\nWORKDIR /var/lib/ids\nENTRYPOINT ["ids"]\n'
    )
    podman("build", "--quiet", "--network", "none", "--tag", IMAGE, context)


def for_here(documents, settings, port):
    """What must be another on one machine; all else stays as it was rendered."""
    kept = []
    for document in documents:
        if document["kind"] == "ConfigMap":
            document["data"] |= settings
        elif document["kind"] not in ("Deployment", "Job"):
            continue
        if document["kind"] == "Job":
            # Podman knows no jobs: its pod is one that ends.
            document = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "migrate", "labels": document["spec"]["template"]["metadata"]["labels"]}, "spec": document["spec"]["template"]["spec"]}
        pod = document["spec"] if document["kind"] == "Pod" else document.get("spec", {}).get("template", {}).get("spec")
        if pod:
            container = pod["containers"][0]
            container["image"] = IMAGE
            container["imagePullPolicy"] = "Never"
            container["args"] = [{"0.0.0.0": "127.0.0.1", "8000": str(port)}.get(it, it) for it in container.get("args", [])]
            # Podman asks by curl inside the container, which has none.
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                container.pop(probe, None)
            container.pop("ports", None)
        if document["kind"] == "Deployment":
            document["spec"]["replicas"] = 1
        kept.append(document)
    return kept


def make_secret(podman, work, secrets):
    """As in a cluster it is made beside the manifests, which only name it; Podman keeps it as JSON."""
    (work / "secret.json").write_text(json.dumps({name: base64.b64encode(value.encode()).decode() for name, value in secrets.items()}))
    podman("secret", "create", "ids-secrets", work / "secret.json")


def ask(address, path, key=None, body=None, content_type="application/json"):
    request = urllib.request.Request(f"{address}{path}", data=body, headers={"content-type": content_type})
    if key:
        request.add_header("authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, None
    except OSError:
        return 0, None


def container_of(podman, pod):
    """The one container of a pod that is not the pod's own: `api-pod-0-ids`, `migrate-ids`."""
    names = podman("ps", "--all", "--format", "{{.Names}}").split()
    found = [name for name in names if name.startswith(f"{pod}-") and name.endswith("-ids")]
    if len(found) != 1:
        raise SystemExit(f"FAILED: there is no container of the pod `{pod}`: {names}")
    return found[0]


def closed(podman, name, limit):
    found = json.loads(podman("inspect", name))[0]
    holds(f"{name} runs as 10001", found["Config"]["User"].split(":")[0] == "10001", found["Config"]["User"])
    holds(f"{name} has no capability", not found.get("EffectiveCaps"), found.get("EffectiveCaps"))
    holds(f"{name} cannot write to its file system", found["HostConfig"]["ReadonlyRootfs"])
    holds(f"{name} has the memory that the manifest says", found["HostConfig"]["Memory"] == limit, found["HostConfig"]["Memory"])
    holds(f"{name} can gain no right", any("no-new-privileges" in it for it in found["HostConfig"]["SecurityOpt"]), found["HostConfig"]["SecurityOpt"])


def try_it(podman, work, documents, program):
    make_image(podman, work, program)
    services = [Service(kind) for kind in ("postgres", "redis", "s3")]
    postgres, redis, s3 = (it.at for it in services)
    try:
        user = f"user = \"{s3['access_key']}:{s3['secret_key']}\"\n"
        curl = ["curl", "--silent", "--fail", "--aws-sigv4", f"aws:amz:{s3['region']}:s3", "--config", "-", "--request", "PUT", f"{s3['endpoint']}/documents"]
        subprocess.run(curl, input=user, text=True, check=True)
        port = free_port()
        settings = {
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "POSTGRES_HOST": postgres["host"],
            "POSTGRES_PORT": str(postgres["port"]),
            "POSTGRES_USER": postgres["user"],
            "POSTGRES_DB": postgres["database"],
            "POSTGRES_SSL_MODE": "disable",
            "S3_BUCKET": "documents",
            "S3_ENDPOINT": s3["endpoint"],
            "S3_REGION": s3["region"],
        }
        secrets = {"POSTGRES_PASSWORD": postgres["password"], "REDIS_DSN": redis["dsn"], "AWS_ACCESS_KEY": s3["access_key"], "AWS_SECRET_KEY": s3["secret_key"]}
        (work / "play.yaml").write_text(yaml.safe_dump_all(for_here(documents, settings, port)))
        make_secret(podman, work, secrets)
        podman("kube", "play", "--network", "host", work / "play.yaml")
        address = f"http://127.0.0.1:{port}"
        wait_until("the API to be ready", lambda: ask(address, "/ready")[0] == 200, 120)
        say("the API is ready, over the schema that was made")
        wait_until("the migration to end", lambda: podman("inspect", "--format", "{{.State.Status}}", container_of(podman, "migrate")) == "exited", 60)
        holds("the migration ended well", podman("inspect", "--format", "{{.State.ExitCode}}", container_of(podman, "migrate")) == "0")

        api, worker, cleanup = (container_of(podman, name) for name in ("api", "worker-documents", "worker-cleanup"))
        closed(podman, api, 2**30)
        closed(podman, worker, 512 * 2**20)
        closed(podman, cleanup, 256 * 2**20)
        refused = podman("exec", api, "sh", "-c", "echo x >/usr/local/bin/x", check=False)
        holds("nothing can be written beside the program", refused.returncode != 0)

        key = json.loads(podman("exec", api, "ids", "keys", "create", "--organization", "default", "--scopes", "admin", "--json"))["key"]
        holds("nobody asks without a key", ask(address, "/api/v1/documents")[0] == 401)
        border = uuid.uuid4().hex
        form = f'--{border}\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\ncontent-type: text/plain\r\n\r\nA jabuticaba é uma fruta.\r\n--{border}--\r\n'
        status, accepted = ask(address, "/api/v1/documents", key, form.encode(), f"multipart/form-data; boundary={border}")
        holds("a document is accepted", status in (200, 202), status)
        document = accepted["document_id"]
        wait_until("the worker's pod to read it", lambda: ask(address, f"/api/v1/documents/{document}/status", key)[1]["status"] == "completed")
        say("the worker's pod reads it")
        _, found = ask(address, "/api/v1/documents/search", key, json.dumps({"query": "jabuticaba"}).encode())
        holds("it is found", found["results"][0]["document_id"] == document)
        probe = podman("exec", worker, "/bin/sh", "-c", 'exec ids healthcheck --worker "$POD_NAME"', check=False)
        holds("the command of the worker's probe finds its heartbeat", probe.returncode == 0, probe.stdout + probe.stderr)

        begin = time.monotonic()
        podman("stop", "--time", "45", api, worker, cleanup)
        for name in (api, worker, cleanup):
            holds(f"{name} ends in order when it is asked to", podman("inspect", "--format", "{{.State.ExitCode}}", name) == "0")
        say(f"all three within {time.monotonic() - begin:.0f} s")
    except BaseException:
        for name in podman("ps", "--all", "--format", "{{.Names}}", check=False).stdout.split():
            log = podman("logs", "--tail", "8", name, check=False)
            print(f"---- {name}\n{log.stdout[-1500:]}{log.stderr[-1500:]}", file=sys.stderr)
        raise
    finally:
        podman("kube", "down", work / "play.yaml", check=False)
        for service in services:
            service.end()


def main():
    documents = [it for it in yaml.safe_load_all(Path(sys.argv[1]).read_text()) if it]
    work = Path(tempfile.mkdtemp(prefix="ids-play.", dir="/var/tmp"))
    podman = Podman(work)
    try:
        try_it(podman, work, documents, sys.argv[2])
    finally:
        podman("rm", "--all", "--force", check=False)
        podman("pod", "rm", "--all", "--force", check=False)
        # Mounts of its images keep the folder busy.
        podman("system", "reset", "--force", check=False)
        shutil.rmtree(work, ignore_errors=True)
    print("the manifests run")


if __name__ == "__main__":
    main()
