# shellcheck shell=bash
# A separate Slurm for tests: controller, munge and two nodes with one processor each, all on this
# machine, listening only on 127.0.0.1, with their own key and folder. To be sourced.

# slurm_start FOLDER: starts it, and waits until both nodes are idle. FOLDER must be absolute.
slurm_start() {
  slurm_folder=$1
  mkdir -p "$slurm_folder"/{state,spool,log,run}
  # munged wants a socket that everyone can reach.
  chmod 755 "$slurm_folder" "$slurm_folder"/{run,log}
  head -c 1024 /dev/urandom >"$slurm_folder/munge.key"
  chmod 600 "$slurm_folder/munge.key"
  munged --key-file="$slurm_folder/munge.key" --socket="$slurm_folder/run/munge.sock" \
    --pid-file="$slurm_folder/run/munged.pid" --log-file="$slurm_folder/log/munged.log" \
    --seed-file="$slurm_folder/run/munge.seed" --num-threads=2

  export SLURM_CONF=$slurm_folder/slurm.conf
  local port user
  port=$(slurm_free_ports)
  user=$(id -un)
  # cred_expire: a requeued job waits for its old credential to expire, by default two minutes.
  cat >"$SLURM_CONF" <<END
ClusterName=distest
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$slurm_folder/run/munge.sock,cred_expire=5
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation=$slurm_folder/state
SlurmdSpoolDir=$slurm_folder/spool/%n
SlurmctldPidFile=$slurm_folder/run/slurmctld.pid
SlurmdPidFile=$slurm_folder/run/slurmd-%n.pid
SlurmctldLogFile=$slurm_folder/log/slurmctld.log
SlurmdLogFile=$slurm_folder/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=2,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=25
SlurmdTimeout=30
SlurmdParameters=config_overrides
NodeName=n[0-1] NodeAddr=127.0.0.1 NodeHostname=$(hostname) Port=[$((port + 1))-$((port + 2))] CPUs=1 RealMemory=4000 State=UNKNOWN
PartitionName=debug Nodes=n[0-1] Default=YES MaxTime=10:00 State=UP
END
  if ! slurm_daemons; then
    echo "Slurm does not start:" >&2
    tail -n 5 "$slurm_folder"/log/slurm*.log >&2
    return 70
  fi
  for _ in $(seq 100); do
    [ "$(sinfo -h -N -t idle -o %N 2>/dev/null | wc -l)" -eq 2 ] && return
    sleep 0.1
  done
  echo "the nodes of Slurm are not idle after 10 s:" >&2
  sinfo -N >&2 || true
  tail -n 20 "$slurm_folder"/log/slurm*.log >&2
  return 70
}

# Starts the controller and both nodes, which become daemons.
slurm_daemons() {
  local node
  slurmctld -c -f "$SLURM_CONF" || return
  for node in n0 n1; do
    mkdir -p "$slurm_folder/spool/$node" || return
    slurmd -N "$node" -f "$SLURM_CONF" || return
  done
}

# Finds three free ports in a row and prints the first.
slurm_free_ports() {
  local port next
  for port in $(shuf -i 20000-29000 -n 100); do
    for next in "$port" $((port + 1)) $((port + 2)); do
      if (: </dev/tcp/127.0.0.1/"$next") 2>/dev/null; then continue 2; fi
    done
    echo "$port"
    return
  done
  return 70
}

# Ends all of it, jobs first. Safe to call when it never started.
slurm_stop() {
  [ -n "${slurm_folder:-}" ] || return 0
  local file pid
  if [ -e "$slurm_folder/run/slurmctld.pid" ]; then
    timeout 5 scancel --signal=KILL --full --user="$(id -un)" 2>/dev/null || true
    timeout 5 scancel --user="$(id -un)" 2>/dev/null || true
  fi
  for file in "$slurm_folder"/run/{slurmd-n0,slurmd-n1,slurmctld,munged}.pid; do
    [ -e "$file" ] || continue
    pid=$(cat "$file")
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 50); do
      kill -0 "$pid" 2>/dev/null || continue 2
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
  done
}

# slurm_kill_node NAME: kills the daemons of a node. The processes that it was running continue.
slurm_kill_node() {
  local daemon steps
  daemon=$(cat "$slurm_folder/run/slurmd-$1.pid")
  # The processes that watch over a step can be matched to the node only by its log file.
  steps=$(pgrep -x slurmstepd | while read -r pid; do
    for file in "/proc/$pid/fd"/*; do
      if [ "$(readlink "$file")" = "$slurm_folder/log/slurmd-$1.log" ]; then
        echo "$pid"
        break
      fi
    done
  done)
  # shellcheck disable=SC2086
  kill -KILL "$daemon" $steps
  scontrol update nodename="$1" state=down reason=test
}
