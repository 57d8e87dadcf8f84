/*
 * Copyright (c) 2026 The warehousepg.coordinator authors
 * GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

/* What the parts of the compatibility layer share. */
#ifndef ENGINE_H
#define ENGINE_H

#include "postgres.h"

typedef enum
{
	ROLE_DISPATCH,
	ROLE_EXECUTE,
	ROLE_UTILITY,
} GpRole;

#define COORDINATOR_CONTENT (-1)

/* Settings of the engine (settings.c). */
extern int	gp_role;
extern int	gp_dbid;
extern int	gp_contentid;
extern GpRole gp_role_by_name(const char *name);

/* In shared memory: how far a coordinator's recovery has come (recovery.c). */
typedef struct
{
	bool		catalog_ready;	/* the catalog says who is the primary */
	bool		dtm_ready;		/* distributed transactions are recovered, dispatch is allowed */
} Recovery;

extern Recovery *recovery;

extern void install_settings(void);
extern void use_names(void);
extern void install_tablespaces(void);
extern void install_access(void);
extern void install_commit(void);
extern void install_recovery(void);

#endif
