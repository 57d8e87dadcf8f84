/*
 * Copyright (c) 2026 The warehousepg.coordinator authors
 * GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

/*
 * The engine's settings, and the door through which this library enters the server.
 *
 * The server is linked against this library, so its getopt() is the one below. The server calls it right after it has made its
 * table of settings and before it reads its command line: the one moment at which settings can be added that the command line
 * and the configuration files may name.
 */
#define _GNU_SOURCE
#include "engine.h"

#include <dlfcn.h>

#include "fmgr.h"
#include "libpq/libpq-be.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"

PG_MODULE_MAGIC;

int			gp_role = ROLE_UTILITY;
int			gp_dbid = -1;
int			gp_contentid = COORDINATOR_CONTENT;
static int	names = 7;

static const struct config_enum_entry roles[] = {
	{"dispatch", ROLE_DISPATCH, false},
	{"execute", ROLE_EXECUTE, false},
	{"utility", ROLE_UTILITY, false},
	{NULL, 0, false}
};

GpRole
gp_role_by_name(const char *name)
{
	for (const struct config_enum_entry *role = roles; role->name; role++)
		if (pg_strcasecmp(name, role->name) == 0)
			return role->val;
	return gp_role;				/* the server itself refuses an unknown name */
}

/* A client may ask for utility mode only, the dispatcher for execute. */
static bool
check_role(int *wanted, void **extra, GucSource source)
{
	if (!MyProcPort || source < PGC_S_CLIENT || *wanted == ROLE_UTILITY)
		return true;
	return *wanted == ROLE_EXECUTE && gp_contentid != COORDINATOR_CONTENT && MyProcPort->application_name &&
		strcmp(MyProcPort->application_name, "gp_dispatcher") == 0;
}

/* PostgreSQL 15 reloads these; in 12 they need a restart. */
static void
need_restart(const char *name)
{
	struct config_generic **settings = get_guc_variables();

	for (int i = 0; i < GetNumConfigOptions(); i++)
		if (strcmp(settings[i]->name, name) == 0)
			settings[i]->context = PGC_POSTMASTER;
}

void
install_settings(void)
{
	DefineCustomEnumVariable("gp_role", "Sets the role of the session.", NULL, &gp_role, ROLE_UTILITY, roles,
							 PGC_BACKEND, 0, check_role, NULL, NULL);
	DefineCustomIntVariable("gp_dbid", "The dbid used by this server.", NULL, &gp_dbid, -1, -1, PG_INT16_MAX,
							PGC_POSTMASTER, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("gp_contentid", "The contentid used by this server.", NULL, &gp_contentid,
							COORDINATOR_CONTENT, COORDINATOR_CONTENT, PG_INT16_MAX, PGC_POSTMASTER, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("gp_internal_names", "The WarehousePG whose names are used.", NULL, &names, 7, 6, 7,
							PGC_POSTMASTER, GUC_NO_SHOW_ALL, NULL, NULL, NULL);
	need_restart("primary_conninfo");
	need_restart("primary_slot_name");
}

static int
compare_names(const void *left, const void *right)
{
	return pg_strcasecmp((*(struct config_generic *const *) left)->name, (*(struct config_generic *const *) right)->name);
}

/* Called when the command line, which has the names of 7, and the files are read: clients of 6 know the role by another name. */
void
use_names(void)
{
	struct config_generic **settings = get_guc_variables();

	if (names == 7)
		return;
	for (int i = 0; i < GetNumConfigOptions(); i++)
		if (strcmp(settings[i]->name, "gp_role") == 0)
			settings[i]->name = "gp_session_role";
	qsort(settings, GetNumConfigOptions(), sizeof(*settings), compare_names);
}

int
getopt(int argc, char *const argv[], const char *options)
{
	static int	(*real_getopt) (int, char *const *, const char *);

	if (!real_getopt)
	{
		real_getopt = dlsym(RTLD_NEXT, "getopt");
		process_shared_preload_libraries_in_progress = true;	/* what follows is allowed at that time only */
		install_settings();
		install_tablespaces();
		if (IsPostmasterEnvironment)
		{
			install_access();
			install_commit();
			install_recovery();
		}
		process_shared_preload_libraries_in_progress = false;
	}
	return real_getopt(argc, argv, options);
}
