/*
 * Copyright (c) 2026 The warehousepg.coordinator authors
 * GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

/*
 * For pg_ctl: the engine's waits for "dtmready" on a coordinator in dispatch mode and for "ready" on other instances, while
 * PostgreSQL's knows "ready" only. What it reads from postmaster.pid is translated, in place (all words are padded to the same
 * length).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static ssize_t (*real_read)(int, void *, size_t);

static bool is_dispatch_coordinator(const char *pid_file)
{
	char path[4096 + 32], options[8192];
	int file;
	ssize_t length;

	if (sscanf(pid_file, "%*[^\n]\n%4095[^\n]", path) != 1)
		return false;
	strcat(path, "/postmaster.opts");
	if ((file = open(path, O_RDONLY)) < 0)
		return false;
	length = real_read(file, options, sizeof(options) - 1);
	close(file);
	options[length > 0 ? length : 0] = '\0';
	return strstr(options, "gp_role=dispatch") != NULL;
}

ssize_t read(int fd, void *buffer, size_t size)
{
	ssize_t length;
	char *status;

	if (!real_read)
		real_read = dlsym(RTLD_NEXT, "read");
	length = real_read(fd, buffer, size);
	if (length <= 0 || (size_t) length >= size)
		return length;

	((char *) buffer)[length] = '\0'; /* pg_ctl reads files with one byte to spare */
	if ((status = strstr(buffer, "\nready   ")) && is_dispatch_coordinator(buffer))
		memcpy(status + 1, "starting", 8);
	else if ((status = strstr(buffer, "\ndtmready")))
		memcpy(status + 1, "ready   ", 8);
	return length;
}
