/*
 * pg_hosts_test.c
 *		Whoever is silent goes behind all others, with name, address and port together.
 */
#include <stdlib.h>

#include "database/pg_hosts.h"
#include "tap.h"

static const struct
{
	const char *conninfo;
	const char *silent;
	const char *port;
	const char *names;
	const char *addresses;
	const char *ports;
} cases[] = {
	{"host=a,b,c", "a", "5432", "b,c,a", NULL, NULL},
	{"host=a,b,c", "b", "5432", "c,a,b", NULL, NULL},
	{"host=a,b,c", "c", "5432", "a,b,c", NULL, NULL},
	{"host=a,bb,ccc port=1,22,333", "bb", "22", "ccc,a,bb", NULL, "333,1,22"},
	{"host=a,a,a port=1,2,3", "a", "2", "a,a,a", NULL, "3,1,2"},
	{"host=a,b port=7", "a", "7", "b,a", NULL, "7"},
	{"host=a,b hostaddr=10.0.0.1,10.0.0.2", "a", "5432", "b,a", "10.0.0.2,10.0.0.1", NULL},
	{"hostaddr=10.0.0.1,10.0.0.2", "10.0.0.1", "5432", NULL, "10.0.0.2,10.0.0.1", NULL},
	{"host=a,,c", "a", "5432", ",c,a", NULL, NULL},
	{"host=a,b,c", "d", "5432", "a,b,c", NULL, NULL},
	{"host=ab,a", "a", "5432", "ab,a", NULL, NULL},
	{"postgresql://a:1,b:2/cases", "a", "1", "b,a", NULL, "2,1"},
	/* nothing to choose: what libpq makes of the text is left alone */
	{"host=a port=1", "a", "1", NULL, NULL, NULL},
	{"", "", "5432", NULL, NULL, NULL},
	{"no connection string", "a", "5432", NULL, NULL, NULL},
};

int
main(void)
{
	Tap tap = {0};
	PgHosts *hosts;

	unsetenv("PGHOST");
	unsetenv("PGHOSTADDR");
	unsetenv("PGPORT");
	unsetenv("PGSERVICE");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		hosts = pg_hosts_new(cases[i].conninfo);
		pg_hosts_pass(hosts, cases[i].silent, cases[i].port);
		tap_is(&tap, pg_hosts_names(hosts), cases[i].names, cases[i].conninfo);
		tap_is(&tap, pg_hosts_addresses(hosts), cases[i].addresses, cases[i].conninfo);
		tap_is(&tap, pg_hosts_ports(hosts), cases[i].ports, cases[i].conninfo);
		pg_hosts_free(hosts);
	}

	hosts = pg_hosts_new("host=a,b,c");
	tap_is(&tap, pg_hosts_names(hosts), "a,b,c", "at first in their order");
	tap_is_int(&tap, pg_hosts_count(hosts), 3, "three of them");
	pg_hosts_pass(hosts, "a", "5432");
	pg_hosts_pass(hosts, "b", "5432");
	tap_is(&tap, pg_hosts_names(hosts), "c,a,b", "two that are silent");
	pg_hosts_free(hosts);

	setenv("PGHOST", "x,y", 1);
	hosts = pg_hosts_new("dbname=cases");
	pg_hosts_pass(hosts, "x", "5432");
	tap_is(&tap, pg_hosts_names(hosts), "y,x", "of the environment where the text names none");
	pg_hosts_free(hosts);
	hosts = pg_hosts_new("host=z");
	tap_is_int(&tap, pg_hosts_count(hosts), 1, "the text counts more");
	pg_hosts_free(hosts);
	hosts = pg_hosts_new("service=cases");
	tap_is_int(&tap, pg_hosts_count(hosts), 1, "and so does what the text calls a service");
	tap_is(&tap, pg_hosts_names(hosts), NULL, "whose servers libpq knows");
	pg_hosts_free(hosts);
	setenv("PGSERVICE", "cases", 1);
	hosts = pg_hosts_new("host=a,b");
	tap_is(&tap, pg_hosts_names(hosts), NULL,
		   "also of the environment: its ports may go with them");
	pg_hosts_free(hosts);
	return tap_done(&tap);
}
