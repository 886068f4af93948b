"""Checks that a manifest contains what a run needs to be correct and to end.

    python3 kubernetes.py kubernetes.yaml DIS_EVAL

Needs PyYAML. DIS_EVAL is the program, which computes the shard of each pod.
"""

import os
import subprocess
import sys

import yaml

PERMANENT = [64, 65, 66, 69, 70, 71, 73, 77, 78]
RETRIED = [74, 75]

with open(sys.argv[1]) as file:
    documents = {(d["kind"], d["metadata"]["name"]): d for d in yaml.safe_load_all(file)}

volume = documents["PersistentVolumeClaim", "dis-eval"]["spec"]
assert volume["accessModes"] == ["ReadWriteMany"]

for name in ["dis-eval", "dis-eval-merge"]:
    job = documents["Job", name]
    assert job["apiVersion"] == "batch/v1"
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    # podFailurePolicy and backoffLimitPerIndex need this.
    assert pod["restartPolicy"] == "Never"
    assert pod["terminationGracePeriodSeconds"] == 60
    claims = [v["persistentVolumeClaim"]["claimName"] for v in pod["volumes"]]
    assert claims == ["dis-eval"], "the run must outlive its pods"
    (container,) = pod["containers"]
    assert [m["name"] for m in container["volumeMounts"]] == [v["name"] for v in pod["volumes"]]
    disruption, permanent = spec["podFailurePolicy"]["rules"]
    assert disruption == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}
    codes = permanent["onExitCodes"]
    assert codes["operator"] == "In" and codes["values"] == PERMANENT == sorted(codes["values"])
    assert not set(codes["values"]) & set(RETRIED)
    assert codes["containerName"] == container["name"]
    assert permanent["action"] == ("FailIndex" if name == "dis-eval" else "FailJob")

job = documents["Job", "dis-eval"]["spec"]
assert job["completionMode"] == "Indexed"
assert job["parallelism"] == job["completions"]
assert job["backoffLimitPerIndex"] >= 1 and "backoffLimit" not in job
assert job["maxFailedIndexes"] <= job["completions"]
arguments = job["template"]["spec"]["containers"][0]["args"]
count = f"--num-shards={job['completions']}"
assert count in arguments
(run,) = [a.removeprefix("--run=") for a in arguments if a.startswith("--run=")]

merge = documents["Job", "dis-eval-merge"]["spec"]
assert merge["suspend"] is True
assert merge["template"]["spec"]["containers"][0]["args"][:2] == ["merge", run]

# Each pod computes a different part.
shards = set()
for index in range(job["completions"]):
    environment = {**os.environ, "JOB_COMPLETION_INDEX": str(index)}
    answer = subprocess.run(
        [sys.argv[2], "shard", count], env=environment, stdout=subprocess.PIPE, check=True)
    shards.add(answer.stdout.decode().strip())
assert shards == {f"{index}/{job['completions']}" for index in range(job["completions"])}
