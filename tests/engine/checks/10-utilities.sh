# shellcheck shell=bash disable=SC2154
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


here_is=/data/whpg/beta/gpseg-1 there=/data/whpg/beta/standby
run() { # host data-directory command: its output and exit code
    on "$1" "export PGPORT=5433 COORDINATOR_DATA_DIRECTORY=$2 MASTER_DATA_DIRECTORY=$2; $3; echo exit=\$?"
}
running() { on "$1" "pgrep -f '[p]ostgres -D /data/whpg/beta' | wc -l"; }
new="gpinitstandby -a -s scdw -P 5433 -S $there"

gives 'gpstate -f without a standby' 'instance not configured.*No entries found.*exit=0' run cdw $here_is 'gpstate -f'
gives 'gpinitstandby wants to be told' 'No action provided.*exit=2' run cdw $here_is 'gpinitstandby -a'
gives 'a place' 'Parent directory /data/nowhere does not exist.*exit=2' run cdw $here_is 'gpinitstandby -a -s scdw -S /data/nowhere/x'
gives 'that is free' 'Data directory already exists.*exit=2' run cdw $here_is 'gpinitstandby -a -s scdw -S /data/whpg'
gives 'and not its own' 'data directory exists|same host and port.*exit=2' run cdw $here_is 'gpinitstandby -a -s cdw'
gives 'a reachable one' 'Unable to ping new standby host nobody.*exit=2' run cdw $here_is 'gpinitstandby -a -s nobody'
gives 'there is none to remove' 'no standby configured.*exit=2' run cdw $here_is 'gpinitstandby -r -a'
gives 'nor to start' 'not configured.*exit=2' run cdw $here_is 'gpinitstandby -n -a'
gives 'gpinitstandby' 'Successfully created standby (coordinator|master) on scdw.*exit=0' run cdw $here_is "$new"
until_is 'streaming|sync|1' streams cdw 5433
is 'the standby streams' 'streaming|sync|1' streams cdw 5433
is 'its row' "6|m|s|u|5433|scdw|scdw|$there" dispatch cdw \
    'SELECT dbid, role, mode, status, port, hostname, address, datadir FROM gp_segment_configuration WHERE dbid = 6' 5433
is 'access to the coordinator, before the first rule' \
    $'host\tall\tgpadmin\t10.203.19.12/32\ttrust\nhost\treplication\tgpadmin\tsamehost\ttrust' \
    on cdw "grep -v '^#' $here_is/pg_hba.conf | grep -v :: | head -2"
gives 'access to a segment, at the end' '# standby (coordinator|master) host ip addresses
host	all	gpadmin	10.203.19.12/32	trust' on cdw "cat /data/whpg/beta/gpseg0/pg_hba.conf"
simulated && is 'which has been reloaded' 1 on scdw "PGOPTIONS='-c gp_role=utility' psql -h cdw -p 6100 -d postgres -XAtqc 'SELECT 1'"
simulated && is 'a mirror is forgotten' 0 on cdw 'grep -c 10.203.19.12 /data/whpg/beta/mirror/gpseg0/pg_hba.conf'
gives 'the connection' 'user=gpadmin .*host=cdw port=5433 .*application_name=gp_walreceiver' on scdw "cat $there/postgresql.auto.conf"
is 'there is no slot' 0 utility cdw 'SELECT count(*) FROM pg_replication_slots' 5433
is 'no copy of the access file is left' 0 \
    bash -c "$(declare -f on); here=$here; { on cdw 'ls $here_is/*.bak'; on scdw 'ls $there/*.bak'; } | grep -vc 'No such'"
gives 'one is enough' 'already configured.*exit=2' run cdw $here_is "$new"
gives 'gpstate -f' 'Standby address += scdw.*Standby host passive.*WAL Sender State: streaming.*Sync state: sync.*exit=0' \
    run cdw $here_is 'gpstate -f'
gives 'gpinitstandby -n beside a running one' 'already up and running.*exit=0' run cdw $here_is 'gpinitstandby -n -a'
on scdw "pg_ctl -D $there -m fast stop" > /dev/null
gives 'gpstate -f of a stopped one' 'Standby PID +.*= 0.*<<<.*Standby process not running.*No entries found.*exit=0' \
    run cdw $here_is 'gpstate -f'
gives 'gpinitstandby -n' 'Successfully started.*exit=0' run cdw $here_is 'gpinitstandby -n -a'
until_is 'streaming|sync|1' streams cdw 5433
gives 'gpinitstandby -r' 'Successfully removed.*exit=0' run cdw $here_is 'gpinitstandby -r -a'
is 'leaves the directory of a tablespace only' '6' on scdw "ls -d $there 2> /dev/null; ls /data/whpg/beta/tablespaces/one"
gives 'which does not stop the next' 'Successfully created.*exit=0' run cdw $here_is "$new"
until_is 'streaming|sync|1' streams cdw 5433

gives 'gpactivatestandby beside a living primary' 'active postgres process.*Active postgres process.*exit=2' \
    run scdw $there 'gpactivatestandby -a'
gives 'and on its host' 'standby.signal" is not present.*exit=2' run cdw $here_is 'gpactivatestandby -a'
gives 'gpstart of a running cluster' 'nstance process running.*exit=2' run cdw $here_is 'gpstart -a'
gives 'gpstop' 'Database successfully shutdown with no errors.*exit=0' run cdw $here_is 'gpstop -a'
is 'stops all' $'0\n0' bash -c "$(declare -f on running); here=$here; running cdw; running scdw"
gives 'once' 'postmaster.pid file does not exist.*exit=2' run cdw $here_is 'gpstop -a'
gives 'gpstart' 'Database successfully started.*exit=0' run cdw $here_is 'gpstart -a'
until_is 'streaming|sync|1' streams cdw 5433
is 'starts all' $'5\n1' bash -c "$(declare -f on running); here=$here; running cdw; running scdw"
is 'with the data' 20 dispatch cdw 'SELECT count(*) FROM t' 5433
gives 'gpstop -m' 'exit=0' run cdw $here_is 'gpstop -a -m -M fast'
gives 'gpstart -m' 'may lead to a split-brain.*tarted.*exit=0' run cdw $here_is 'gpstart -a -m'
simulated && gives 'is for utility mode only' 'only utility mode connections' dispatch cdw 'SELECT 1' 5433
gives 'and ends as it began' 'exit=0' run cdw $here_is 'gpstop -a -m -M fast'
gives 'gpactivatestandby' 'completed successfully.*scdw is now the new primary.*exit=0' run scdw $there 'gpactivatestandby -a'
is 'the data is there, in the tablespace too' $'20\n1000' bash -c "$(declare -f on dispatch utility); here=$here
    dispatch scdw 'SELECT count(*) FROM t' 5433; utility scdw 'SELECT count(*) FROM kept' 5433"
gives 'gpstart of the former primary' 'Standby activated, this node no more can act as (coordinator|master).*exit=2' \
    run cdw $here_is 'gpstart -a'
is 'leaves it stopped' 0 on cdw "pgrep -f '[p]ostgres -D $here_is' | wc -l"
on scdw 'chmod 0 /data/whpg/beta'
gives 'nor does it start when that cannot be known' 'Standby host is unreachable.*Non interactive mode.*exit=4' \
    run cdw $here_is 'gpstart -a'
on scdw 'chmod 755 /data/whpg/beta'
back=/data/whpg/beta/back
gives 'a standby for the new primary' 'Successfully created.*exit=0' run scdw $there "gpinitstandby -a -s cdw -S $back"
until_is 'streaming|sync|1' streams scdw 5433
on cdw "pg_ctl -D $back -m fast stop" > /dev/null
on scdw "pg_ctl -D $there -m fast stop" > /dev/null
gives 'a stopped standby is not activated' 'Force activation required.*exit=2' run cdw $back 'gpactivatestandby -a'
simulated || return 0 # the engine looks for a connection once, and as a rule too early
gives 'but by force' 'completed successfully.*cdw is now the new primary.*exit=0' run cdw $back 'gpactivatestandby -a -f'
is 'it takes queries' 20 dispatch cdw 'SELECT count(*) FROM t' 5433
is 'its row ' '7|p' dispatch cdw 'SELECT dbid, role FROM gp_segment_configuration WHERE content = -1' 5433
