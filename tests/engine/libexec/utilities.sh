# shellcheck shell=bash disable=SC2034
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What the utilities share: lines of the log, other hosts, the catalog, starting and stopping instances. Each of them is a script
# that sources this. They do what the engine's do, their mistakes included, on the least of their options.
home=/usr/local/greenplum-db
# shellcheck source=/dev/null
source "$home/greenplum_path.sh"
program=$(basename "$0")
host=$(hostname)
user=$(id -un)
quiet='' interactive=1
log=$HOME/gpAdminLogs/${program}_$(date +%Y%m%d).log
mkdir -p "$(dirname "$log")"

say() { # level message
    local line
    printf -v line '%(%Y%m%d:%H:%M:%S)T:%06d %s:%s:%s-[%s]:-%s' -1 $$ "$program" "$host" "$user" "$1" "$2"
    echo "$line" >> "$log"
    [ -n "$quiet" ] && [ "$1" = INFO ] || echo "$line"
}
info() { say INFO "$*"; }
warning() { say WARNING "$*"; }
error() { say ERROR "$*"; }
critical() { say CRITICAL "$*"; }
die() { error "$*"; exit 2; }
rule='-----------------------------------------------------'

# Lines of label, value and perhaps a remark, in columns; a line with a remark is a warning. Read from stdin, separated by tabs.
table() {
    local lines label value remark labels=0 values=0
    mapfile -t lines
    for line in "${lines[@]}"; do
        IFS=$'\t' read -r label value remark <<< "$line"
        [ ${#label} -le "$labels" ] || labels=${#label}
        [ ${#value} -le "$values" ] || values=${#value}
    done
    for line in "${lines[@]}"; do
        IFS=$'\t' read -r label value remark <<< "$line"
        if [ -n "$remark" ]; then
            warning "$(printf '%-*s%-*s%s' $((labels + 3)) "$label" $((values + 3)) "$value" "$remark")"
        else
            info "   $(printf '%-*s%s' $((labels + 3)) "$label" "$value")"
        fi
    done
}

confirm() { # question
    local answer=''
    [ -n "$interactive" ] || return 0
    printf '\n%s Yy|Nn (default=N):\n> ' "$1"
    read -r answer
    [[ $answer == [yY]* ]]
}

remote() { # host command
    ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o LogLevel=ERROR "$1" ". $home/greenplum_path.sh; $2" < /dev/null
}

# The names of WarehousePG 7, or those of 6: see README.md. The data directory tells.
role=gp_role coordinator=coordinator Coordinator=Coordinator
names() { # data-directory
    if grep -qs '^gp_internal_names = 6' "$1/postgresql.conf"; then
        role=gp_session_role coordinator=master Coordinator=Master
    fi
}

need_directory() { # -d's argument: sets directory, and port
    directory=${1:-${COORDINATOR_DATA_DIRECTORY-${MASTER_DATA_DIRECTORY-}}}
    [ -n "$directory" ] || die "$program failed. (Reason='Environment Variable COORDINATOR_DATA_DIRECTORY not set!') exiting..."
    [ -r "$directory/postgresql.conf" ] ||
        die "$program failed. (Reason='[Errno 2] No such file or directory: '$directory/postgresql.conf'') exiting..."
    directory=$(realpath -sm -- "$directory")
    names "$directory"
    port=$(sed -n 's/^port *= *\([0-9]*\).*/\1/p' "$directory/postgresql.conf" | tail -1)
}

sql() { # statement, in utility mode, on the coordinator at $port
    PGOPTIONS="-c $role=utility -c client_min_messages=error" psql -XAtqw -v ON_ERROR_STOP=1 -h "${PGHOST:-localhost}" -p "$port" \
        -d postgres -c "$1"
}

# Sets rows (dbid|content|role|status|port|hostname|address|datadir) and, of the standby's, standby_*. A server that just ends its
# recovery is waited for.
read_catalog() {
    local attempt row content
    for attempt in {1..50}; do
        rows=$(sql "SELECT dbid, content, role, status, port, hostname, address, datadir FROM pg_catalog.gp_segment_configuration
            ORDER BY content, role DESC, dbid" 2>&1) && break
        [[ $rows =~ starting\ up|recovery\ mode ]] && [ "$attempt" -lt 50 ] || { reason=$rows; return 1; }
        sleep 0.1
    done
    standby_dbid=''
    while IFS='|' read -r -a row; do
        content=${row[1]}
        if [ "$content" = -1 ] && [ "${row[2]}" = p ]; then
            coordinator_port=${row[4]} coordinator_host=${row[5]} coordinator_directory=${row[7]}
        elif [ "$content" = -1 ]; then
            standby_dbid=${row[0]} standby_port=${row[4]} standby_host=${row[5]} standby_address=${row[6]} standby_directory=${row[7]}
        fi
    done <<< "$rows"
}

segments() { # role (p, m or any): their rows
    awk -F'|' -v role="${1-}" '$2 >= 0 && (role == "" || $3 == role)' <<< "$rows"
}
segment_hosts() { segments "${1-}" | cut -d'|' -f6 | sort -u; }
unreachable_hosts() {
    local segment_host
    for segment_host in $(segment_hosts); do
        [ "$(remote "$segment_host" "echo $segment_host" 2> /dev/null)" = "$segment_host" ] || echo "$segment_host"
    done
}

start_command() { # data-directory port role wait-option
    echo "pg_ctl -D $1 -l $1/log/startup.log $4 -t 600 -o ' -p $2 -c gp_role=$3 ' start"
}
stop_command() { # data-directory mode
    echo "pg_ctl -D $1 -m $2 -w -t 120 stop"
}
postmaster_pid() { # host data-directory
    remote "$1" "ps -ef | grep 'postgres -D $2' | grep -v grep" 2> /dev/null | awk 'NR == 1 { print $2 }'
}

# Runs on the standby's host: an instance that still runs is stopped, what a dead one left is removed.
clean_standby() { # data-directory port
    if pg_ctl -D "$1" status > /dev/null 2>&1; then
        pg_ctl -D "$1" -m fast -w -t 120 stop > /dev/null
    else
        rm -f "/tmp/.s.PGSQL.$2" "$1/postmaster.pid"
    fi
}
# So does this: more than the postmaster and its logger run.
await_standby() { # data-directory
    for _ in {1..60}; do
        pid=$(head -1 "$1/postmaster.pid" 2> /dev/null) && [ "$(pgrep -c -P "$pid")" -gt 2 ] && return
        sleep 1
    done
    return 1
}

# False if it did not come up. Whether it streams nobody asks.
start_standby() {
    local command
    info "Starting standby $coordinator"
    info "Checking if standby $coordinator is running on host: $standby_host  in directory: $standby_directory"
    remote "$standby_host" "$(declare -f clean_standby); clean_standby $standby_directory $standby_port" > /dev/null 2>&1 ||
        warning "Unable to cleanup previously started standby: '$standby_host'"
    command=$(start_command "$standby_directory" "$standby_port" dispatch -W)
    info "${Coordinator}Start pg_ctl cmd is $command"
    reason=$(remote "$standby_host" "$command 2>&1") || return 2
    remote "$standby_host" "$(declare -f await_standby); await_standby $standby_directory" && return
    warning "Could not start standby $coordinator"
    return 1
}
