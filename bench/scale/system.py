"""The system under test: one PostgreSQL, one Redis, one S3 server, nginx in front, and the processes of `ids`, each in a control group
of its own with the share of a processor that its container would have."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SERVICES = REPOSITORY / "scripts/test-services.sh"
GROUPS = Path("/sys/fs/cgroup/cpu")


def wait_until(what, look, seconds=90):
    """Polls, with a bound."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise SystemExit(f"error: {what} did not happen within {seconds} s")
        time.sleep(0.05)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Service:
    """A server of one's own, as scripts/test-services.sh makes it; it dies with this process."""

    def __init__(self, kind):
        registry = Path(os.environ.get("IDS_TEST_SERVICES_DIR") or f"{tempfile.gettempdir()}/ids-services-{os.getuid()}")
        registry.mkdir(parents=True, exist_ok=True)
        name = f"private-{uuid.uuid4().hex[:12]}"
        self.lock = open(registry / f"{name}.users", "w")
        fcntl.flock(self.lock, fcntl.LOCK_SH)
        subprocess.run([SERVICES, "install", kind.split("-")[0]], check=True, stdout=subprocess.DEVNULL)
        made = subprocess.run([SERVICES, "prepare", kind, name], check=True, capture_output=True, text=True)
        self.at = json.loads(made.stdout)
        self.folder = self.at["folder"]
        self.process = subprocess.Popen([SERVICES, "run", self.folder], stdout=subprocess.DEVNULL, stderr=open(f"{self.folder}/log", "a"))
        subprocess.run([SERVICES, "ready", self.folder], check=True)

    def end(self):
        self.process.kill()
        self.process.wait()
        subprocess.run([SERVICES, "discard", self.folder], check=False)


class Share:
    """A control group that gives a part of a processor; without the right to make one, nothing is bounded."""

    def __init__(self, name, processors):
        self.folder = None
        if os.getuid() != 0 or not (GROUPS / "cpu.cfs_quota_us").parent.exists():
            return
        folder = GROUPS / f"ids-scale-{os.getpid()}-{name}"
        try:
            folder.mkdir()
            (folder / "cpu.cfs_period_us").write_text("50000")
            (folder / "cpu.cfs_quota_us").write_text(str(int(50_000 * processors)))
            self.folder = folder
        except OSError:
            pass

    def take(self, pid):
        if self.folder:
            (self.folder / "cgroup.procs").write_text(str(pid))

    def end(self):
        if self.folder:
            # Its processes may take a moment to be gone.
            wait_until("the control group to be empty", lambda: not (self.folder / "cgroup.procs").read_text().strip(), 10)
            self.folder.rmdir()


class Process:
    """A process of `ids`, started again as a supervisor would."""

    def __init__(self, system, name, arguments, processors):
        self.system, self.name, self.arguments = system, name, arguments
        self.share = Share(name, processors)
        self.child = None
        self.ended_by_itself = []

    def start(self):
        log = open(self.system.work / f"{self.name}.log", "a")

        def into_group():
            self.share.take(os.getpid())

        environment = self.system.environment | {"TMPDIR": str(self.system.work)}
        self.child = subprocess.Popen(
            [self.system.ids, *self.arguments], env=environment, cwd=self.system.work, stdout=log, stderr=log, preexec_fn=into_group
        )

    def end(self, number):
        """Sends a signal and waits for the end; the exit code."""
        self.child.send_signal(number)
        return self.child.wait(timeout=60)

    def is_running(self):
        return self.child is not None and self.child.poll() is None


def nginx_program():
    """The nginx in PATH, else the one of Debian's package, unpacked: installed it would listen for everybody."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found:
        return found
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ids/nginx"
    program = cache / "usr/sbin/nginx"
    if not program.exists():
        temporary = Path(tempfile.mkdtemp(prefix="nginx."))
        download = "apt-get -qq -o APT::Sandbox::User=root download nginx"
        subprocess.run(f"{download} || {{ apt-get -qq update && {download}; }}", shell=True, cwd=temporary, check=True)
        subprocess.run(["dpkg-deb", "-x", next(temporary.glob("nginx_*.deb")), temporary / "files"], check=True)
        cache.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(cache, ignore_errors=True)
        shutil.move(temporary / "files", cache)
        shutil.rmtree(temporary)
    return str(program)


NGINX = """\
daemon off;
pid {work}/nginx.pid;
error_log {work}/nginx-error.log warn;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_max_body_size 8m;
    client_body_temp_path {work}/nginx-body;
    proxy_temp_path {work}/nginx-proxy;
    fastcgi_temp_path {work}/nginx-fastcgi;
    uwsgi_temp_path {work}/nginx-uwsgi;
    scgi_temp_path {work}/nginx-scgi;
    upstream api {{
{servers}
        keepalive 32;
    }}
    server {{
        listen 127.0.0.1:{port};
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $host;
        # As in deploy/nginx/nginx.conf.
        proxy_next_upstream error timeout http_503;
        proxy_next_upstream_tries 3;
        proxy_next_upstream_timeout 10s;
        location / {{ proxy_pass http://api; }}
        location = /api/v1/documents {{
            proxy_request_buffering off;
            proxy_pass http://api;
        }}
        location = /api/v1/documents/search {{
            proxy_next_upstream error timeout http_503 non_idempotent;
            proxy_pass http://api;
        }}
    }}
}}
"""


class System:
    """All of it. Use as a context manager: nothing is left behind."""

    def __init__(self, ids, apis, workers, share):
        self.ids = str(Path(ids).resolve())
        self.work = Path(tempfile.mkdtemp(prefix="ids-scale."))
        self.share = share
        self.services, self.processes, self.nginx = [], [], None
        self.wanted = (apis, workers)

    def __enter__(self):
        try:
            self.begin()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def begin(self):
        postgres, redis, s3 = (Service(kind) for kind in ("postgres", "redis-persistent", "s3"))
        self.services = [postgres, redis, s3]
        curl = ["curl", "--silent", "--show-error", "--fail", "--aws-sigv4", f"aws:amz:{s3.at['region']}:s3", "--config", "-"]
        user = f"user = \"{s3.at['access_key']}:{s3.at['secret_key']}\"\n"
        subprocess.run([*curl, "--request", "PUT", f"{s3.at['endpoint']}/documents"], input=user, text=True, check=True)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.work),
            "IDS_DATA_DIR": str(self.work / "data"),
            "LOG_FORMAT": "json",
            "POSTGRES_HOST": postgres.at["host"],
            "POSTGRES_PORT": str(postgres.at["port"]),
            "POSTGRES_USER": postgres.at["user"],
            "POSTGRES_PASSWORD": postgres.at["password"],
            "POSTGRES_DB": postgres.at["database"],
            "POSTGRES_SSL_MODE": "disable",
            "POSTGRES_POOL_SIZE": "3",
            "REDIS_DSN": redis.at["dsn"],
            "S3_BUCKET": "documents",
            "S3_ENDPOINT": s3.at["endpoint"],
            "S3_REGION": s3.at["region"],
            "AWS_ACCESS_KEY": s3.at["access_key"],
            "AWS_SECRET_KEY": s3.at["secret_key"],
        }
        subprocess.run([self.ids, "migrate"], env=self.environment, cwd=self.work, check=True, stdout=subprocess.DEVNULL)
        apis, workers = self.wanted
        ports = [free_port() for _ in range(apis)]
        self.apis = [self.process(f"api-{n + 1}", ["api", "--port", str(port)], 0.5) for n, port in enumerate(ports)]
        self.workers = [
            self.process(f"worker-{n + 1}", ["worker", "--queues", "document_processing", "--name", f"worker-{n + 1}", "--concurrency", "1"], self.share)
            for n in range(workers)
        ]
        self.cleanup = self.process("cleanup", ["worker", "--queues", "cleanup_tasks", "--name", "cleanup"], 0.25)
        self.port = free_port()
        servers = "\n".join(f"        server 127.0.0.1:{port} max_fails=1 fail_timeout=2s;" for port in ports)
        (self.work / "nginx.conf").write_text(NGINX.format(work=self.work, servers=servers, port=self.port))
        log = open(self.work / "nginx.log", "w")
        self.nginx = subprocess.Popen([nginx_program(), "-p", str(self.work), "-c", str(self.work / "nginx.conf")], stdout=log, stderr=log)

    def process(self, name, arguments, processors):
        made = Process(self, name, arguments, processors)
        self.processes.append(made)
        return made

    def __exit__(self, *_):
        for process in self.processes:
            if process.is_running():
                process.child.kill()
                process.child.wait()
            process.share.end()
        if self.nginx:
            self.nginx.send_signal(signal.SIGTERM)
            self.nginx.wait()
        for service in self.services:
            service.end()
        shutil.rmtree(self.work, ignore_errors=True)
