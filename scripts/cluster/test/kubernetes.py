"""Checks that a manifest contains what a run needs to be correct, to end, and to be admitted.

    python3 kubernetes.py MANIFEST SHARDS DIS_EVAL

MANIFEST is what kubernetes.sh --print has printed for that many shards. DIS_EVAL is the program, which computes
the shard of each pod. Needs PyYAML. If the package kubernetes-validate is installed, also checks the manifest
against the schemas of Kubernetes, and otherwise exits with 69 after all other checks.
"""

import os
import subprocess
import sys

import yaml

PERMANENT = [64, 65, 66, 69, 70, 71, 73, 77, 78]
RETRIED = [74, 75]
# What a manifest must say for the profile "restricted" of the Pod Security Standards.
CAPABILITIES = {"drop": ["ALL"]}

shards = int(sys.argv[2])
with open(sys.argv[1]) as file:
    manifests = list(yaml.safe_load_all(file))
documents = {(d["kind"], d["metadata"]["name"]): d for d in manifests}

volume = documents["PersistentVolumeClaim", "dis-eval"]["spec"]
assert volume["accessModes"] == ["ReadWriteMany"]

for name in ["dis-eval", "dis-eval-merge"]:
    job = documents["Job", name]
    assert job["apiVersion"] == "batch/v1"
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    # podFailurePolicy and backoffLimitPerIndex need this.
    assert pod["restartPolicy"] == "Never"
    assert pod["terminationGracePeriodSeconds"] == 60
    claims = {v["name"]: v["persistentVolumeClaim"]["claimName"] for v in pod["volumes"] if "persistentVolumeClaim" in v}
    assert claims == {"data": "dis-eval"}, "the run must outlive its pods"
    (container,) = pod["containers"]
    disruption, permanent = spec["podFailurePolicy"]["rules"]
    condition = {"type": "DisruptionTarget", "status": "True"}
    assert disruption == {"action": "Ignore", "onPodConditions": [condition]}
    codes = permanent["onExitCodes"]
    assert codes["operator"] == "In" and codes["values"] == PERMANENT == sorted(codes["values"])
    assert not set(codes["values"]) & set(RETRIED)
    assert codes["containerName"] == container["name"]
    # An error that is the same for every pod must not be tried again by each of them.
    assert permanent["action"] == "FailJob"

    assert pod["automountServiceAccountToken"] is False
    context = pod["securityContext"]
    assert context["runAsNonRoot"] is True and context["runAsUser"] > 0
    assert context["fsGroup"] == context["runAsGroup"], "the volume must be writable"
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    for part in [container, *pod.get("initContainers", [])]:
        own = part["securityContext"]
        assert own["allowPrivilegeEscalation"] is False and own["capabilities"] == CAPABILITIES
        assert "privileged" not in own and own["readOnlyRootFilesystem"] is True
        mounts = {m["name"]: m["mountPath"] for m in part["volumeMounts"]}
        assert mounts.keys() == {v["name"] for v in pod["volumes"]}
        environment = {e["name"]: e["value"] for e in part["env"]}
        # Nothing else can be written to.
        assert environment["XDG_CACHE_HOME"].startswith(mounts["data"] + "/")
        assert environment["TMPDIR"] == mounts["scratch"]
        resources = part["resources"]
        assert resources["limits"]["memory"] == resources["requests"]["memory"]

job = documents["Job", "dis-eval"]["spec"]
assert job["completionMode"] == "Indexed"
assert job["parallelism"] == job["completions"] == shards
assert job["backoffLimitPerIndex"] >= 1 and "backoffLimit" not in job
(weights,) = job["template"]["spec"]["initContainers"]
assert weights["command"] == ["dis-eval", "weights", "fetch"]
worker = job["template"]["spec"]["containers"][0]
arguments = worker["args"]
count = f"--num-shards={shards}"
assert count in arguments
assert f"--threads={worker['resources']['requests']['cpu']}" in arguments
(run,) = [a.removeprefix("--run=") for a in arguments if a.startswith("--run=")]

merge = documents["Job", "dis-eval-merge"]["spec"]
assert merge["suspend"] is True
assert merge["template"]["spec"]["containers"][0]["args"][:2] == ["merge", run]
images = {c["image"] for d in [job, merge] for c in d["template"]["spec"]["containers"]} | {weights["image"]}
assert len(images) == 1, images

# Each pod computes a different part.
parts = set()
for index in range(shards):
    environment = {**os.environ, "JOB_COMPLETION_INDEX": str(index)}
    answer = subprocess.run(
        [sys.argv[3], "shard", count], env=environment, stdout=subprocess.PIPE, check=True)
    parts.add(answer.stdout.decode().strip())
assert parts == {f"{index}/{shards}" for index in range(shards)}

try:
    import kubernetes_validate
except ImportError:
    sys.exit(69)
for manifest in manifests:
    kubernetes_validate.validate(manifest, "1.29", strict=True)
