# shellcheck shell=bash
# If the CI system names the base branch of a change, the files by which the change is judged come from
# there, so that a change cannot replace them.
branch=${DIS_EVAL_BASE:-${GITHUB_BASE_REF:-${CI_MERGE_REQUEST_TARGET_BRANCH_NAME:-}}}
branch=${branch#refs/heads/}
base=    # Its commit.
where=   # For messages.
taken=() # Files of the base branch.
own=()   # Files of the change, because the base branch has none.

# Git in a checkout that may belong to another user, as in a container.
repository() { GIT_TERMINAL_PROMPT=0 git -c safe.directory='*' --literal-pathspecs "$@"; }

fetch_base() {
  [ -n "$branch" ] || return 0
  where=" on the base branch '$branch'"
  local remote=origin depth=()
  # The origin of a merge request from a fork is the fork.
  if [ -n "${CI_MERGE_REQUEST_PROJECT_URL:-}" ] && [ "$CI_MERGE_REQUEST_PROJECT_URL" != "${CI_PROJECT_URL:-}" ]; then
    remote=$CI_MERGE_REQUEST_PROJECT_URL.git
  fi
  top=$(repository rev-parse --show-toplevel) ||
    fail 69 "the base branch is '$branch', but this folder is not a git checkout"
  if [ "$(repository rev-parse --is-shallow-repository)" = true ]; then depth=(--depth 1); fi
  repository fetch --quiet --no-tags "${depth[@]}" "$remote" "refs/heads/$branch" ||
    fail 69 "the base branch '$branch' cannot be fetched from $remote"
  base=$(repository rev-parse FETCH_HEAD)
  copies=$(repository rev-parse --git-path dis-eval-base)
  rm -rf -- "$copies"
}

# Prints the place of a path inside the repository. Fails if it is outside, where no change can put a file.
in_repository() {
  local path
  for path in "$(realpath -sm -- "$1")" "$(realpath -m -- "$1")"; do
    if [[ $path = "$top"/* ]]; then
      printf '%s\n' "${path#"$top"/}"
      return
    fi
  done
  return 1
}

# from_base NAME: sets the setting NAME, a path, to a copy of the base branch's file. Fails if there is no
# such file. With ALLOW_NO_BASELINE=1, the change's own file is used instead, except for a baseline.
from_base() {
  local path=${!1} inside
  if [ -n "$base" ] && inside=$(in_repository "$path"); then
    if repository cat-file -e "$base:$inside" 2> /dev/null; then
      mkdir -p -- "$(dirname "$copies/$inside")"
      repository show "$base:$inside" > "$copies/$inside" || fail 74 "'$path' cannot be read$where"
      printf -v "$1" '%s' "$copies/$inside"
      taken+=("$path")
      return
    fi
    if [ "$1" = BASELINE ] || [ "${ALLOW_NO_BASELINE:-}" != 1 ] || [ ! -e "$path" ]; then return 1; fi
    own+=("$path")
  fi
  [ -e "$path" ]
}

# checkpoint_of_change OWN BASE: takes the path of the checkpoint from the change's own settings if it
# differs from the base branch's. Reads only that line, because the settings of a change must not be run.
checkpoint_of_change() {
  [ -n "$base" ] && [ -r "$1" ] || return 0
  local line pattern='^CHECKPOINT=("?\$\{CHECKPOINT:-)?"?([A-Za-z0-9_./+-]+)"?(\}"?)?[[:space:]]*(#.*)?$'
  line=$(grep '^[[:space:]]*CHECKPOINT=' "$1" | tail -n 1 || true)
  if [ -z "$line" ] || grep -qxF -- "$line" "$2"; then return 0; fi
  [[ $line =~ $pattern ]] ||
    fail 78 "the change's settings '$1': found $line, expected CHECKPOINT=PATH without commands in it"
  CHECKPOINT=${BASH_REMATCH[2]}
  summarize "The checkpoint is '$CHECKPOINT', as the change sets it."
}

# Adds to the summary where the files come from by which the change is judged.
tell_sources() {
  [ -n "$base" ] || return 0
  local list
  printf -v list ', %s' "${taken[@]}"
  [ ${#taken[@]} -eq 0 ] || summarize "Judged by the files of '$branch' at ${base:0:12}: ${list:2}."
  printf -v list ', %s' "${own[@]}"
  [ ${#own[@]} -eq 0 ] || summarize "**Not there$where, so the change is judged by its own: ${list:2}.**"
}

# refuse_own_inputs FILE...: everything that scores the checkpoint must be the same as on the base branch,
# and no file in the folders of jobs may come from the change.
refuse_own_inputs() {
  [ -n "$base" ] || return 0
  local file inside paths=() found
  for file in "$OUT" ${CACHE:+"$CACHE"}; do
    inside=$(in_repository "$file") || continue
    found=$(repository -C "$top" ls-files -- "$inside") || fail 74 "git cannot list '$file'"
    [ -z "$found" ] || fail 65 "the repository has files in '$file', which is only for files that jobs leave behind"
  done
  for file in "$@"; do
    if inside=$(in_repository "$file" 2> /dev/null); then paths+=("$inside"); fi
  done
  [ ${#paths[@]} -gt 0 ] || return 0
  found=$(repository -C "$top" diff --name-only "$base" -- "${paths[@]}") ||
    fail 74 "git cannot compare with the base branch '$branch'"
  [ -z "$found" ] ||
    fail 65 "${found//$'\n'/, }: not the same as$where, whose files must score the change (is the change up to date?)"
}
