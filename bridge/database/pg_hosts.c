/*
 * pg_hosts.c
 *		The lists "host", "hostaddr" and "port" of a connection string, turned round together. Must
 *		not connect.
 */
#include "database/pg_hosts.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

typedef enum HostList
{
	LIST_NAMES,
	LIST_ADDRESSES,
	LIST_PORTS,
	LIST_COUNT
} HostList;

static const struct
{
	const char *keyword;
	const char *variable;
} sources[LIST_COUNT] = {
	[LIST_NAMES] = {"host", "PGHOST"},
	[LIST_ADDRESSES] = {"hostaddr", "PGHOSTADDR"},
	[LIST_PORTS] = {"port", "PGPORT"},
};

struct PgHosts
{
	char *lists[LIST_COUNT]; /* NULL where there is none */
	int count;
};

static int
list_length(const char *list)
{
	int length = 1;

	for (; *list != '\0'; list++)
		if (*list == ',')
			length++;
	return length;
}

/* Is this the first element of the list? A list of one counts for all. */
static bool
list_begins_with(const char *list, const char *element)
{
	size_t length = strcspn(list, ",");

	return strlen(element) == length && strncmp(list, element, length) == 0;
}

/* The first element becomes the last. */
static void
list_turn(char *list)
{
	size_t first = strcspn(list, ",");
	size_t rest = strlen(list) - first;
	char *copy;

	if (rest == 0)
		return;
	copy = strndup(list, first);
	if (copy == NULL)
		return;
	memmove(list, list + first + 1, rest - 1);
	list[rest - 1] = ',';
	memcpy(list + rest, copy, first);
	free(copy);
}

static const char *
option_value(const PQconninfoOption *parsed, const char *keyword)
{
	for (const PQconninfoOption *option = parsed; option != NULL && option->keyword != NULL;
		 option++)
		if (strcmp(option->keyword, keyword) == 0)
			return option->val;
	return NULL;
}

/* A service file is libpq's to read: what it says goes before the environment, or with the text. */
static const char *
hosts_source(const PQconninfoOption *parsed, HostList which)
{
	const char *value = option_value(parsed, sources[which].keyword);

	if (option_value(parsed, "service") != NULL || getenv("PGSERVICE") != NULL)
		return NULL;
	return value != NULL ? value : getenv(sources[which].variable);
}

PgHosts *
pg_hosts_new(const char *conninfo)
{
	PQconninfoOption *parsed = PQconninfoParse(conninfo, NULL);
	PgHosts *hosts = calloc(1, sizeof(PgHosts));
	bool is_whole = hosts != NULL;

	for (int i = 0; is_whole && i < LIST_COUNT; i++)
	{
		const char *source = hosts_source(parsed, (HostList) i);

		if (source == NULL || *source == '\0')
			continue;
		hosts->lists[i] = strdup(source);
		is_whole = hosts->lists[i] != NULL;
	}
	PQconninfoFree(parsed);
	if (!is_whole)
	{
		pg_hosts_free(hosts);
		return NULL;
	}
	hosts->count = 1;
	/* as libpq counts */
	if (hosts->lists[LIST_ADDRESSES] != NULL)
		hosts->count = list_length(hosts->lists[LIST_ADDRESSES]);
	else if (hosts->lists[LIST_NAMES] != NULL)
		hosts->count = list_length(hosts->lists[LIST_NAMES]);
	return hosts;
}

void
pg_hosts_free(PgHosts *hosts)
{
	if (hosts == NULL)
		return;
	for (int i = 0; i < LIST_COUNT; i++)
		free(hosts->lists[i]);
	free(hosts);
}

int
pg_hosts_count(const PgHosts *hosts)
{
	return hosts->count;
}

static const char *
hosts_list(const PgHosts *hosts, HostList which)
{
	return hosts->count > 1 ? hosts->lists[which] : NULL;
}

const char *
pg_hosts_names(const PgHosts *hosts)
{
	return hosts_list(hosts, LIST_NAMES);
}

const char *
pg_hosts_addresses(const PgHosts *hosts)
{
	return hosts_list(hosts, LIST_ADDRESSES);
}

const char *
pg_hosts_ports(const PgHosts *hosts)
{
	return hosts_list(hosts, LIST_PORTS);
}

/* By what libpq calls it: the name, or the address where there is no name. */
static bool
hosts_begin_with(const PgHosts *hosts, const char *name, const char *port)
{
	const char *ports = hosts->lists[LIST_PORTS];

	if (ports != NULL && list_length(ports) > 1 && !list_begins_with(ports, port))
		return false;
	for (int i = LIST_NAMES; i <= LIST_ADDRESSES; i++)
		if (hosts->lists[i] != NULL && list_begins_with(hosts->lists[i], name))
			return true;
	return false;
}

static void
hosts_turn(PgHosts *hosts)
{
	for (int i = 0; i < LIST_COUNT; i++)
		if (hosts->lists[i] != NULL)
			list_turn(hosts->lists[i]);
}

/* Where nobody has that name, all have had their turn once, and it begins where it began. */
void
pg_hosts_pass(PgHosts *hosts, const char *name, const char *port)
{
	bool is_passed = false;

	for (int i = 0; i < hosts->count && !is_passed; i++)
	{
		is_passed = hosts_begin_with(hosts, name, port);
		hosts_turn(hosts);
	}
}
