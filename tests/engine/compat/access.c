/*
 * Copyright (c) 2026 The warehousepg.coordinator authors
 * GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

/* Who may connect, what the engine tells those who may not, and who may write its catalog. */
#include "engine.h"

#include "access/xlogrecovery.h"
#include "catalog/pg_namespace.h"
#include "executor/executor.h"
#include "libpq/auth.h"
#include "libpq/libpq-be.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "replication/walsender.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

static ClientAuthentication_hook_type next_authentication;
static ExecutorCheckPerms_hook_type next_permissions;
static emit_log_hook_type next_log;

/* The role that a connection asks for; its options are not in force yet while it is authenticated. */
static GpRole
requested_role(Port *port, bool *asked)
{
	GpRole		role = gp_role;
	List	   *words = NIL;
	ListCell   *cell;

	if (port->cmdline_options)
	{
		char	  **argv = palloc(sizeof(char *) * (strlen(port->cmdline_options) + 2));
		int			argc = 0;

		pg_split_opts(argv, &argc, port->cmdline_options);
		for (int i = 0; i < argc; i++)
			words = lappend(words, argv[i]);
	}
	for (int i = 0; i + 1 < list_length(port->guc_options); i += 2)
		words = lappend(words, psprintf("%s=%s", (char *) list_nth(port->guc_options, i),
										(char *) list_nth(port->guc_options, i + 1)));

	*asked = false;
	foreach(cell, words)
	{
		char	   *word = lfirst(cell);

		if (strncmp(word, "-c", 2) == 0 || strncmp(word, "--", 2) == 0)
			word += 2;
		if (strncmp(word, "gp_role=", 8) == 0 || strncmp(word, "gp_session_role=", 16) == 0)
		{
			role = gp_role_by_name(strchr(word, '=') + 1);
			*asked = true;
		}
	}
	return role;
}

static void
authenticate(Port *port, int status)
{
	bool		asked;
	GpRole		role;

	if (next_authentication)
		next_authentication(port, status);
	if (status != STATUS_OK || am_walsender)
		return;

	/* The engine edits the catalog before it lets anybody in. Not for ever: the worker that does it may fail. */
	for (int i = 0; gp_contentid == COORDINATOR_CONTENT && !recovery->catalog_ready && i < 5000; i++)
	{
		CHECK_FOR_INTERRUPTS();
		pg_usleep(1000);
	}

	role = requested_role(port, &asked);
	if (role == ROLE_UTILITY && asked)
		return;

	if (gp_role == ROLE_UTILITY)
		ereport(FATAL,
				(errcode(ERRCODE_CANNOT_CONNECT_NOW),
				 errmsg("System was started in single node mode - only utility mode connections are allowed")));
	if (gp_contentid != COORDINATOR_CONTENT && !(role == ROLE_EXECUTE && asked))
		ereport(FATAL,
				(errcode(ERRCODE_CANNOT_CONNECT_NOW),
				 errmsg("connections to primary segments are not allowed"),
				 errdetail("This database instance is running as a primary segment in a Greenplum cluster and does not "
						   "permit direct connections."),
				 errhint("To force a connection anyway (dangerous!), use utility mode.")));
	if (gp_contentid == COORDINATOR_CONTENT && !recovery->dtm_ready)
		ereport(FATAL,
				(errcode(ERRCODE_CANNOT_CONNECT_NOW),
				 errmsg("the database system is in recovery mode"),
				 errdetail("waiting for distributed transaction recovery to complete")));
}

/* gp_segment_configuration is a table like any other here, a system catalog in the engine. */
static bool
check_permissions(List *range_table, bool error_on_violation)
{
	Oid			catalog = get_relname_relid("gp_segment_configuration", PG_CATALOG_NAMESPACE);
	ListCell   *cell;

	foreach(cell, range_table)
	{
		RangeTblEntry *entry = lfirst(cell);

		if (entry->rtekind == RTE_RELATION && entry->relid == catalog && !allowSystemTableMods &&
			(entry->requiredPerms & (ACL_INSERT | ACL_UPDATE | ACL_DELETE)))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("permission denied: \"gp_segment_configuration\" is a system catalog")));
	}
	return next_permissions ? next_permissions(range_table, error_on_violation) : true;
}

/* Called in the memory context of the error, before it goes to the client and to the log. */
static void
reword(ErrorData *error)
{
	if (error->detail && strcmp(error->detail, "Hot standby mode is disabled.") == 0)
	{
		/* Not ERRCODE_CANNOT_CONNECT_NOW, after which libpq would try the next of several hosts. */
		error->sqlerrcode = MAKE_SQLSTATE('5', '7', 'M', '0', '2');
		error->message = pstrdup("the database system is in recovery mode");
		error->detail = psprintf("last replayed record at %X/%X", LSN_FORMAT_ARGS(GetXLogReplayRecPtr(NULL)));
	}
	else if (error->message && strncmp(error->message, "could not connect to server \"seg", 32) == 0)
		error->message = pstrdup("failed to acquire resources on one or more segments");

	if (next_log)
		next_log(error);
}

void
install_access(void)
{
	next_authentication = ClientAuthentication_hook;
	ClientAuthentication_hook = authenticate;
	next_permissions = ExecutorCheckPerms_hook;
	ExecutorCheckPerms_hook = check_permissions;
	next_log = emit_log_hook;
	emit_log_hook = reword;
}
