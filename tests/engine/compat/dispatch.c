/*
 * Copyright (c) 2026 The warehousepg.coordinator authors
 * GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

/* gp_dispatch(server, command): runs a command on a segment, as a part of the session's distributed transaction. */
#include "engine.h"

#include "fmgr.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(gp_dispatch);

Datum
gp_dispatch(PG_FUNCTION_ARGS)
{
	/* These two belong to postgres_fdw: its connection, its transaction. */
	void	   *(*get_connection) (UserMapping *, bool, void **) =
		load_external_function("$libdir/postgres_fdw", "GetConnection", true, NULL);
	void		(*do_sql_command) (void *, const char *) =
		load_external_function("$libdir/postgres_fdw", "do_sql_command", true, NULL);
	ForeignServer *server = GetForeignServerByName(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);

	do_sql_command(get_connection(GetUserMapping(GetUserId(), server->serverid), false, NULL),
				   text_to_cstring(PG_GETARG_TEXT_PP(1)));
	PG_RETURN_VOID();
}
