/*
 * Copyright (c) 2026 The warehousepg.coordinator authors
 * GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

/*
 * What the engine does between the end of a coordinator's recovery and its first dispatch: it makes itself the primary in the
 * catalog, ends the sessions that a coordinator has left on the segments, and says "dtmready".
 *
 * A failure ends the worker; the server starts it again after a second, and dispatch stays refused.
 */
#include "engine.h"

#include <signal.h>

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/pidfile.h"
#include "utils/snapmgr.h"

#define LIBRARY "/usr/local/greenplum-db/lib/engine"
#define END_SESSIONS \
	"DO $$BEGIN PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_activity " \
	"WHERE application_name = 'gp_dispatcher' AND pid <> pg_backend_pid(); END$$"

Recovery   *recovery;

static shmem_request_hook_type next_request;
static shmem_startup_hook_type next_startup;

PGDLLEXPORT void distributed_recovery_main(Datum argument);

static void
begin(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void
commit(void)
{
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
}

static void
take_over_catalog(void)
{
	bool		isnull;
	char		role;

	SPI_execute(psprintf("SELECT role FROM pg_catalog.gp_segment_configuration WHERE content = -1 AND dbid = %d",
						 gp_dbid), true, 1);
	if (SPI_processed == 0)
	{
		SPI_execute("SELECT string_agg(dbid::text, ', ') FROM pg_catalog.gp_segment_configuration WHERE content = -1",
					true, 1);
		kill(PostmasterPid, SIGINT);
		ereport(FATAL,
				(errmsg("gp_dbid %d is not that of a coordinator in gp_segment_configuration (%s)", gp_dbid,
						SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1))));
	}
	role = DatumGetChar(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	if (role == 'p')
		return;

	SetConfigOption("allow_system_table_mods", "on", PGC_SUSET, PGC_S_OVERRIDE);
	SPI_execute(psprintf("DELETE FROM pg_catalog.gp_segment_configuration WHERE content = -1 AND dbid <> %d", gp_dbid),
				false, 0);
	SPI_execute(psprintf("UPDATE pg_catalog.gp_segment_configuration SET role = 'p', preferred_role = 'p' "
						 "WHERE dbid = %d", gp_dbid), false, 0);
}

static void
dump_catalog(void)
{
	SPI_execute(psprintf("COPY (SELECT dbid, content, role, preferred_role, mode, status, port, hostname, address "
						 "FROM pg_catalog.gp_segment_configuration ORDER BY content, role DESC) TO %s (DELIMITER ' ')",
						 quote_literal_cstr(psprintf("%s/gpsegconfig_dump", DataDir))), false, 0);
}

static void
end_sessions_on_segments(void)
{
	SPI_execute("SELECT pg_catalog.gp_dispatch(srvname, $command$" END_SESSIONS "$command$) "
				"FROM pg_foreign_server WHERE srvname LIKE 'seg%'", false, 0);
}

/* The postmaster writes "ready" at about the same time, and must not have the last word. */
static void
say_dtmready(void)
{
	char		content[MAXPGPATH + 256];
	bool		ready = false;

	while (!ready)
	{
		FILE	   *file = fopen("postmaster.pid", "r");
		size_t		length = file ? fread(content, 1, sizeof(content) - 1, file) : 0;

		content[length] = '\0';
		ready = strstr(content, "\n" PM_STATUS_READY) != NULL;
		if (file)
			fclose(file);
		pg_usleep(1000);
		CHECK_FOR_INTERRUPTS();
	}
	recovery->dtm_ready = true;
	AddToDataDirLockFile(LOCK_FILE_LINE_PM_STATUS, "dtmready");
}

void
distributed_recovery_main(Datum argument)
{
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection("postgres", NULL, 0);

	begin();
	take_over_catalog();
	dump_catalog();
	commit();
	recovery->catalog_ready = true;
	if (gp_role == ROLE_DISPATCH)
	{
		begin();
		end_sessions_on_segments();
		commit();
		begin();
		SPI_execute("SELECT pg_catalog.postgres_fdw_disconnect_all()", true, 0);
		commit();
		say_dtmready();
	}
	for (;;)
	{
		WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH, 0, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

static void
request(void)
{
	BackgroundWorker worker = {
		.bgw_name = "dtx recovery process",
		.bgw_type = "dtx recovery process",
		.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
		.bgw_start_time = BgWorkerStart_RecoveryFinished,
		.bgw_restart_time = 1,
		.bgw_library_name = LIBRARY,
		.bgw_function_name = "distributed_recovery_main",
	};

	if (next_request)
		next_request();
	use_names();
	RequestAddinShmemSpace(sizeof(*recovery));
	if (gp_dbid < 0)
		ereport(FATAL, (errmsg("gp_dbid is not set")));
	if (gp_contentid == COORDINATOR_CONTENT)
	{
		process_shared_preload_libraries_in_progress = true;
		RegisterBackgroundWorker(&worker);
		process_shared_preload_libraries_in_progress = false;
	}
}

static void
startup(void)
{
	bool		found;

	if (next_startup)
		next_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	recovery = ShmemInitStruct("recovery", sizeof(*recovery), &found);
	*recovery = (Recovery) {false};
	LWLockRelease(AddinShmemInitLock);
}

void
install_recovery(void)
{
	next_request = shmem_request_hook;
	shmem_request_hook = request;
	next_startup = shmem_startup_hook;
	shmem_startup_hook = startup;
}
