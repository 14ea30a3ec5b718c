#!/usr/bin/env python3
"""Checks rendered manifests: against the schemas of Kubernetes (package kubernetes-validate, offline), and against what we promise
of them. `check.py RENDERED.yaml...` prints a sentence for each thing that is wrong; `check.py --self-test RENDERED.yaml` breaks the
manifests in each way and wants to see that sentence."""

import copy
import sys

import yaml

VERSION = "1.34"
IMAGE_REPOSITORY = "intelligent-document-search"
# By name: how many there must be at least, and what stops or empties them.
REPLICAS = {"api": 3, "worker-documents": 4, "worker-cleanup": 1}
# As the operations guide has them; an overlay may give more, never less.
REQUESTS = {"api": ("250m", "512Mi"), "worker-documents": ("100m", "256Mi")}
LIMITS = {"api": ("500m", "1Gi"), "worker-documents": ("250m", "512Mi")}
UNITS = {"m": 0.001, "": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
# Values that are secrets, by a part of their names; a word for a way (`SSL_MODE`) is none.
SECRET_WORDS = ("PASSWORD", "SECRET", "_KEY", "REDIS_DSN", "TOKEN", "WEBHOOK")


def amount(text: str) -> float:
    digits = str(text).rstrip("mKMGi")
    return float(digits) * UNITS[str(text)[len(digits):]]


def check(documents: list[dict]) -> list[str]:
    found = []
    for document in documents:
        name = f'{document["kind"]} {document["metadata"]["name"]}'
        found += [f"{name}: {complaint}" for complaint in check_one(document)]
    return found + check_together(documents)


def pods(documents: list[dict]):
    for document in documents:
        if document["kind"] in ("Deployment", "Job", "StatefulSet", "DaemonSet", "CronJob"):
            yield document, document["spec"]["template"]


def named(documents: list[dict], kind: str) -> dict:
    return {it["metadata"]["name"]: it for it in documents if it["kind"] == kind}


def check_one(document: dict) -> list[str]:
    found = []
    kind = document["kind"]
    if kind == "Secret":
        found.append("a secret lies in a file; make it in the cluster and name it")
    if kind == "ConfigMap":
        found += [f"`{key}` is a secret and stands in a map that everybody reads" for key in document.get("data", {}) if any(word in key for word in SECRET_WORDS)]
    for _, template in pods([document]):
        found += check_pod(template["spec"], is_service=kind == "Deployment")
    if kind == "Deployment":
        found += check_deployment(document)
    return found


def check_pod(pod: dict, is_service: bool) -> list[str]:
    found = []
    if pod.get("enableServiceLinks") is not False:
        found.append("`enableServiceLinks` must be false: it would set POSTGRES_PORT")
    if pod.get("automountServiceAccountToken") is not False:
        found.append("a token of the cluster is mounted that nothing needs")
    if pod.get("hostNetwork") or pod.get("hostPID") or pod.get("hostIPC"):
        found.append("it shares something with its machine")
    security = pod.get("securityContext", {})
    if security.get("runAsNonRoot") is not True or not security.get("runAsUser"):
        found.append("it may run as root")
    if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        found.append("its system calls are not filtered (seccompProfile RuntimeDefault)")
    for volume in pod.get("volumes", []):
        if "hostPath" in volume:
            found.append(f'the volume `{volume["name"]}` is a folder of the machine')
        if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
            found.append(f'the volume `{volume["name"]}` has no `sizeLimit`')
    for container in pod["containers"] + pod.get("initContainers", []):
        found += [f'container {container["name"]}: {it}' for it in check_container(container, is_service)]
    return found


def check_container(container: dict, is_service: bool) -> list[str]:
    found = []
    security = container.get("securityContext", {})
    if security.get("allowPrivilegeEscalation") is not False or security.get("privileged"):
        found.append("it may gain rights")
    if security.get("readOnlyRootFilesystem") is not True:
        found.append("its file system can be written")
    if security.get("capabilities") != {"drop": ["ALL"]}:
        found.append("it has capabilities")
    for side in ("requests", "limits"):
        for what in ("cpu", "memory", "ephemeral-storage"):
            if what not in container.get("resources", {}).get(side, {}):
                found.append(f"its resources have no {what} in {side}")
    for variable in container.get("env", []):
        if "value" in variable and any(word in variable["name"] for word in SECRET_WORDS):
            found.append(f'`{variable["name"]}` is written out; take it from the secret')
    repository, _, tag = container["image"].rpartition("/")[2].partition(":")
    if repository != IMAGE_REPOSITORY:
        found.append(f'the image `{container["image"]}` is another one')
    if tag == "latest":
        found.append("nobody can go back from `latest`")
    probes = ("startupProbe", "livenessProbe", "readinessProbe")
    found += [f"it has no {probe}" for probe in probes if is_service and probe not in container]
    return found


def check_deployment(document: dict) -> list[str]:
    found = []
    spec = document["spec"]
    name = document["metadata"]["name"]
    rolling = spec["strategy"]["rollingUpdate"]
    pod = spec["template"]["spec"]
    container = pod["containers"][0]
    if name == "api":
        if rolling["maxUnavailable"] != 0 or rolling["maxSurge"] < 1:
            found.append("an update takes a pod away before another one is ready")
        paths = {probe: container.get(probe, {}).get("httpGet", {}).get("path") for probe in ("livenessProbe", "readinessProbe")}
        if paths != {"livenessProbe": "/live", "readinessProbe": "/ready"}:
            found.append(f"its probes ask for {paths}")
    else:
        command = container.get("livenessProbe", {}).get("exec", {}).get("command", [])
        if "ids healthcheck --worker" not in " ".join(command):
            found.append("its probe does not look for its heartbeat")
        # A short outage of the database must not start all workers again.
        probe = container.get("livenessProbe", {})
        if probe and probe["periodSeconds"] * probe["failureThreshold"] < 300:
            found.append("an outage of five minutes would kill it")
    # 3 s of drain and 30 s of patience, and what a hook before them takes.
    hook = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    if pod.get("terminationGracePeriodSeconds", 30) < 35 + hook:
        found.append("it is killed before it has given back what it has in hand")
    if not pod.get("topologySpreadConstraints"):
        found.append("all its pods may end up on one machine")
    for table, side in ((REQUESTS, "requests"), (LIMITS, "limits")):
        if name in table:
            for what, least in zip(("cpu", "memory"), table[name]):
                given = container.get("resources", {}).get(side, {}).get(what, "0")
                if amount(given) < amount(least):
                    found.append(f"{what} in {side} is {given}, and the guide has {least}")
    return found


def check_together(documents: list[dict]) -> list[str]:
    found = []
    deployments = named(documents, "Deployment")
    scalers = {it["spec"]["scaleTargetRef"]["name"]: it["spec"] for it in documents if it["kind"] == "HorizontalPodAutoscaler"}
    for name, wanted in REPLICAS.items():
        if name not in deployments:
            found.append(f"there is no deployment `{name}`")
            continue
        replicas = deployments[name]["spec"].get("replicas")
        if name in scalers:
            if replicas is not None:
                found.append(f"{name}: `replicas` undoes what the autoscaler did at each apply")
            replicas = scalers[name]["minReplicas"]
        if (replicas or 1) < wanted:
            found.append(f"{name}: {replicas or 1} replicas, and {wanted} are wanted")
    if "worker-documents" in scalers:
        metric = scalers["worker-documents"]["metrics"][0].get("external", {}).get("metric", {}).get("name")
        if metric != "ids_oldest_job_age_seconds":
            found.append("workers are not scaled by how long the oldest job waits")
    for document, template in pods(documents):
        labels = template["metadata"]["labels"]
        selector = document["spec"].get("selector", {}).get("matchLabels", {})
        if not selector.items() <= labels.items():
            found.append(f'{document["metadata"]["name"]}: its selector does not find its own pods')
        names = [source.get("secretRef", {}).get("name") for source in template["spec"]["containers"][0].get("envFrom", [])]
        if "ids-secrets" not in names:
            found.append(f'{document["metadata"]["name"]}: secrets do not come from `ids-secrets`')
        maps = named(documents, "ConfigMap")
        for source in template["spec"]["containers"][0].get("envFrom", []):
            wanted_map = source.get("configMapRef", {}).get("name")
            if wanted_map and wanted_map not in maps:
                found.append(f'{document["metadata"]["name"]}: there is no ConfigMap `{wanted_map}`')
    budgets = [it["spec"]["selector"]["matchLabels"] for it in documents if it["kind"] == "PodDisruptionBudget"]
    for name, deployment in deployments.items():
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        if not any(budget.items() <= labels.items() for budget in budgets):
            found.append(f"{name}: an emptied machine may take all its pods at once (PodDisruptionBudget)")
    if "migrate" not in named(documents, "Job"):
        found.append("there is no job that migrates the database")
    policies = named(documents, "NetworkPolicy")
    if not any(it["spec"]["podSelector"] == {} and set(it["spec"]["policyTypes"]) == {"Ingress", "Egress"} and not it["spec"].get("ingress") and not it["spec"].get("egress") for it in policies.values()):
        found.append("no NetworkPolicy closes what is not named")
    services = named(documents, "Service")
    for ingress in named(documents, "Ingress").values():
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                if path["backend"]["service"]["name"] not in services:
                    found.append("the ingress leads to no service")
        if not ingress["spec"].get("tls"):
            found.append("the ingress is not encrypted")
    for service in services.values():
        if not any(service["spec"]["selector"].items() <= template["metadata"]["labels"].items() for _, template in pods(documents)):
            found.append(f'service {service["metadata"]["name"]} finds no pods')
    return found


def check_schema(documents: list[dict]) -> list[str]:
    import kubernetes_validate

    found = []
    for document in documents:
        try:
            kubernetes_validate.validate(document, VERSION, strict=True)
        except kubernetes_validate.ValidationError as error:
            found.append(f'{document["kind"]} {document["metadata"]["name"]}: {error.message} at {".".join(map(str, error.path))}')
    return found


def breakages():
    """A change to the documents, and a part of the sentence that must come of it."""

    def api(documents):
        return named(documents, "Deployment")["api"]

    def pod(documents):
        return api(documents)["spec"]["template"]["spec"]

    def container(documents):
        return pod(documents)["containers"][0]

    yield lambda it: it.append({"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "x"}}), "a secret lies in a file"
    yield lambda it: next(iter(named(it, "ConfigMap").values()))["data"].update(POSTGRES_PASSWORD="x"), "everybody reads"
    yield lambda it: pod(it).pop("enableServiceLinks"), "enableServiceLinks"
    yield lambda it: pod(it).pop("automountServiceAccountToken"), "token of the cluster"
    yield lambda it: pod(it).update(hostNetwork=True), "shares something"
    yield lambda it: pod(it)["securityContext"].update(runAsNonRoot=False), "run as root"
    yield lambda it: pod(it)["securityContext"].pop("seccompProfile"), "system calls"
    yield lambda it: pod(it)["volumes"].append({"name": "x", "hostPath": {"path": "/"}}), "folder of the machine"
    yield lambda it: pod(it)["volumes"].append({"name": "x", "emptyDir": {}}), "sizeLimit"
    yield lambda it: container(it)["securityContext"].pop("allowPrivilegeEscalation"), "gain rights"
    yield lambda it: container(it)["securityContext"].pop("readOnlyRootFilesystem"), "can be written"
    yield lambda it: container(it)["securityContext"].pop("capabilities"), "capabilities"
    yield lambda it: container(it)["resources"]["limits"].pop("memory"), "no memory in limits"
    yield lambda it: container(it)["resources"]["limits"].update(memory="1Mi"), "the guide has"
    yield lambda it: container(it)["env"].append({"name": "AWS_SECRET_KEY", "value": "x"}), "written out"
    yield lambda it: container(it).update(image="elsewhere/other:1"), "another one"
    yield lambda it: container(it).update(image="a/intelligent-document-search:latest"), "latest"
    yield lambda it: container(it).pop("readinessProbe"), "no readinessProbe"
    yield lambda it: container(it)["livenessProbe"]["httpGet"].update(path="/health"), "probes ask for"
    yield lambda it: api(it)["spec"]["strategy"]["rollingUpdate"].update(maxUnavailable=1), "before another one is ready"
    yield lambda it: pod(it).update(terminationGracePeriodSeconds=30), "killed before"
    yield lambda it: pod(it).pop("topologySpreadConstraints"), "on one machine"
    yield lambda it: container(it).update(envFrom=[]), "ids-secrets"
    yield lambda it: api(it)["spec"]["template"]["metadata"]["labels"].pop("app.kubernetes.io/component"), "own pods"
    yield lambda it: it.remove(named(it, "PodDisruptionBudget")["api"]), "PodDisruptionBudget"
    yield lambda it: it.remove(named(it, "Job")["migrate"]), "no job"
    yield lambda it: it.remove(named(it, "NetworkPolicy")["nobody"]), "closes what is not named"
    yield lambda it: it.remove(named(it, "Service")["api"]), "no service"
    yield lambda it: named(it, "Ingress")["api"]["spec"].pop("tls"), "not encrypted"
    yield lambda it: it.remove(named(it, "Deployment")["worker-cleanup"]), "no deployment"
    yield lambda it: named(it, "HorizontalPodAutoscaler")["api"]["spec"].update(minReplicas=2), "are wanted"
    yield lambda it: api(it)["spec"].update(replicas=3), "undoes"
    yield lambda it: named(it, "HorizontalPodAutoscaler")["worker-documents"]["spec"].update(metrics=[{"type": "Resource"}]), "oldest job waits"
    yield lambda it: named(it, "Deployment")["worker-documents"]["spec"]["template"]["spec"]["containers"][0]["livenessProbe"].update(failureThreshold=1), "would kill it"
    yield lambda it: pod(it).update(restartPolcy="Always"), None


def self_test(documents: list[dict]) -> None:
    for change, wanted in breakages():
        broken = copy.deepcopy(documents)
        change(broken)
        if wanted is None:
            assert check_schema(broken), "a misspelt field passes by the schema"
            continue
        found = check(broken)
        assert any(wanted in complaint for complaint in found), (wanted, found)


def read(path: str) -> list[dict]:
    with open(path, encoding="utf-8") as file:
        return [document for document in yaml.safe_load_all(file) if document]


if __name__ == "__main__":
    if sys.argv[1] == "--self-test":
        self_test(read(sys.argv[2]))
        sys.exit()
    complaints = []
    for path in sys.argv[1:]:
        documents = read(path)
        complaints += check_schema(documents) + check(documents)
    print("\n".join(complaints))
    sys.exit(1 if complaints else 0)
