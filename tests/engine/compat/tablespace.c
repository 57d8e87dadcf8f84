/*
 * Copyright (c) 2026 The warehousepg.coordinator authors
 * GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

/*
 * Every instance of the engine keeps a tablespace in a directory of its own, <location>/<dbid>, so that instances of one host can
 * share the location.
 *
 * PostgreSQL names the location only when it makes the tablespace; later it goes through the link in pg_tblspc. So it is enough
 * to look at its calls of the C library for these two kinds of paths. The server is linked against this library and finds the
 * functions below first.
 */
#define _GNU_SOURCE
#include "engine.h"

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/relpath.h"
#include "lib/stringinfo.h"
#include "replication/walsender.h"
#include "storage/fd.h"
#include "utils/guc.h"

#define LINKS "pg_tblspc/"
#define NEXT(name) \
	static typeof(name) *next_##name; \
	if (!next_##name) \
		next_##name = dlsym(RTLD_NEXT, #name)

static bool
is_link(const char *path)
{
	return strncmp(path, LINKS, strlen(LINKS)) == 0 && strchr(path + strlen(LINKS), '/') == NULL;
}

/* The directory of this instance in a location, if the path is that of a location's version directory. */
static bool
own_directory(const char *path, char *directory)
{
	size_t		suffix = strlen("/" TABLESPACE_VERSION_DIRECTORY);
	size_t		length = strlen(path);

	if (gp_dbid < 0 || path[0] != '/' || length <= suffix ||
		strcmp(path + length - suffix, "/" TABLESPACE_VERSION_DIRECTORY) != 0)
		return false;
	snprintf(directory, MAXPGPATH, "%.*s/%d", (int) (length - suffix), path, gp_dbid);
	return true;
}

int
stat(const char *path, struct stat *status)
{
	NEXT(stat);
	char		directory[MAXPGPATH];

	if (own_directory(path, directory))
		return next_stat(strcat(directory, "/" TABLESPACE_VERSION_DIRECTORY), status);
	return next_stat(path, status);
}

int
mkdir(const char *path, mode_t mode)
{
	NEXT(mkdir);
	char		directory[MAXPGPATH];

	if (!own_directory(path, directory))
		return next_mkdir(path, mode);
	if (next_mkdir(directory, S_IRWXU) != 0 && errno != EEXIST)
		return -1;
	return next_mkdir(strcat(directory, "/" TABLESPACE_VERSION_DIRECTORY), mode);
}

int
symlink(const char *target, const char *path)
{
	NEXT(symlink);
	char		directory[MAXPGPATH];

	if (!is_link(path))
		return next_symlink(target, path);
	snprintf(directory, sizeof(directory), "%s/%d", target, gp_dbid);
	return next_symlink(directory, path);
}

static ssize_t
read_link(const char *path, char *target, size_t size)
{
	NEXT(readlink);
	return next_readlink(path, target, size);
}

/* To users a tablespace is where its location is; a base backup reads what is there. */
ssize_t
readlink(const char *path, char *target, size_t size)
{
	ssize_t		length = read_link(path, target, size);

	if (length > 0 && is_link(path) && !am_walsender)
	{
		char	   *slash = memrchr(target, '/', length);

		if (slash)
			length = slash - target;
	}
	return length;
}

/* The last that DROP TABLESPACE removes. The engine removes the instance's directory too, if it is empty. */
int
unlink(const char *path)
{
	NEXT(unlink);

	if (is_link(path))
	{
		char		target[MAXPGPATH];
		ssize_t		length = read_link(path, target, sizeof(target) - 1);

		if (length > 0)
		{
			target[length] = '\0';
			(void) rmdir(target);
		}
	}
	return next_unlink(path);
}

/* For our pg_basebackup: the directories, a line each. */
static const char *
show_tablespaces(void)
{
	StringInfoData text;
	DIR		   *directory = AllocateDir("pg_tblspc");
	struct dirent *entry;

	initStringInfo(&text);
	while ((entry = ReadDir(directory, "pg_tblspc")) != NULL)
	{
		char		target[MAXPGPATH];
		ssize_t		length = read_link(psprintf("%s%s", LINKS, entry->d_name), target, sizeof(target));

		if (length > 0)
			appendStringInfo(&text, "%.*s\n", (int) length, target);
	}
	FreeDir(directory);
	return text.data;
}

void
install_tablespaces(void)
{
	static char *unused;

	DefineCustomStringVariable("gp_internal_tablespaces", "Where this server's tablespaces are.", NULL, &unused, "",
							   PGC_INTERNAL, GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE, NULL, NULL,
							   show_tablespaces);
}
