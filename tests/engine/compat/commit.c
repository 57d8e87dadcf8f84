/*
 * Copyright (c) 2026 The warehousepg.coordinator authors
 * GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

/*
 * Commits on the coordinator wait while a standby streams, also a suspended one, and do not wait when none does.
 *
 * PostgreSQL's own synchronous replication always waits once synchronous_standby_names is set, and lets a cancel end the wait;
 * the engine does neither. So only the half that ranks the standbys is used, which marks the standby in the walsenders' shared
 * memory and makes pg_stat_replication say "sync", priority 1; the wait is ours.
 */
#include "engine.h"

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "executor/executor.h"
#include "foreign/fdwapi.h"
#include "foreign/foreign.h"
#include "libpq/auth.h"
#include "miscadmin.h"
#include "replication/message.h"
#include "replication/syncrep.h"
#include "replication/walsender.h"
#include "replication/walsender_private.h"
#include "storage/spin.h"
#include "tcop/tcopprot.h"
#include "utils/rel.h"

#define STANDBY_NAME "gp_walreceiver"

static ClientAuthentication_hook_type next_authentication;
static ExecutorEnd_hook_type next_executor_end;

/* The segments that the current transaction has written to. */
static Oid	written_server = InvalidOid;
static bool distributed = false;

static void
mark_walsender(Port *port, int status)
{
	if (next_authentication)
		next_authentication(port, status);
	if (am_walsender)
		SyncRepStandbyNames = STANDBY_NAME;
}

/*
 * As the engine has it: any walsender that streams, or that catches up and is less than one WAL segment behind, is a reason to
 * wait, also pg_basebackup's with -X stream; only one of gp_walreceiver's name can say that the wait is over.
 */
static bool
must_wait(XLogRecPtr lsn)
{
	bool		present = false;

	for (int i = 0; i < max_wal_senders; i++)
	{
		WalSnd	   *walsender = &WalSndCtl->walsnds[i];
		bool		counts;
		bool		confirmed;

		SpinLockAcquire(&walsender->mutex);
		counts = walsender->pid != 0 &&
			(walsender->state == WALSNDSTATE_STREAMING ||
			 (walsender->state == WALSNDSTATE_CATCHUP && walsender->flush + wal_segment_size >= lsn));
		confirmed = counts && walsender->sync_standby_priority > 0 && walsender->flush >= lsn;
		SpinLockRelease(&walsender->mutex);
		if (confirmed)
			return false;
		present |= counts;
	}
	return present;
}

/* Not ended by a cancel: only by the standby, by its walsender's end, or by this session's. */
static void
wait_for_standby(XLogRecPtr lsn)
{
	XLogFlush(lsn);
	while (must_wait(lsn))
	{
		if (ProcDiePending)
		{
			ereport(WARNING,
					(errcode(ERRCODE_ADMIN_SHUTDOWN),
					 errmsg("canceling the wait for synchronous replication and terminating connection due to "
							"administrator command")));
			whereToSendOutput = DestNone;	/* the client must not take this for an acknowledgement */
			break;
		}
		if (QueryCancelPending)
		{
			QueryCancelPending = false;
			ereport(WARNING,
					(errmsg("ignoring query cancel request for synchronous replication to ensure cluster consistency"),
					 errdetail("The transaction has already changed locally, it has to be replicated to standby.")));
		}
		pg_usleep(500);
	}
}

static void
end_of_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PARALLEL_PRE_COMMIT)
		return;
	written_server = InvalidOid;
	distributed = false;

	if (event == XACT_EVENT_COMMIT && gp_contentid == COORDINATOR_CONTENT &&
		TransactionIdIsValid(GetTopTransactionIdIfAny()) && synchronous_commit > SYNCHRONOUS_COMMIT_LOCAL_FLUSH)
		wait_for_standby(XactLastCommitEnd);
}

static bool
note_written(List *results)
{
	ListCell   *cell;

	foreach(cell, results)
	{
		ResultRelInfo *result = lfirst(cell);

		if (result->ri_FdwRoutine)
		{
			Oid			server = GetForeignServerIdByRelId(RelationGetRelid(result->ri_RelationDesc));

			if (OidIsValid(written_server) && written_server != server)
				return true;
			written_server = server;
		}
	}
	return false;
}

/*
 * A transaction that writes to one segment commits there, in one phase. One that writes to several leaves a distributed commit
 * record in the coordinator's WAL, for which the standby is waited.
 */
static void
end_of_statement(QueryDesc *query)
{
	EState	   *state = query->estate;

	if (gp_role == ROLE_DISPATCH && !distributed &&
		(note_written(state->es_opened_result_relations) || note_written(state->es_tuple_routing_result_relations)))
	{
		distributed = true;
		LogLogicalMessage("distributed commit", "", 0, true);
	}
	if (next_executor_end)
		next_executor_end(query);
	else
		standard_ExecutorEnd(query);
}

void
install_commit(void)
{
	static char config[sizeof(SyncRepConfigData) + sizeof(STANDBY_NAME)];

	SyncRepConfig = (SyncRepConfigData *) config;
	SyncRepConfig->config_size = sizeof(config);
	SyncRepConfig->num_sync = 1;
	SyncRepConfig->syncrep_method = SYNC_REP_PRIORITY;
	SyncRepConfig->nmembers = 1;
	strcpy(SyncRepConfig->member_names, STANDBY_NAME);

	next_authentication = ClientAuthentication_hook;
	ClientAuthentication_hook = mark_walsender;
	next_executor_end = ExecutorEnd_hook;
	ExecutorEnd_hook = end_of_statement;
	RegisterXactCallback(end_of_transaction, NULL);
}
