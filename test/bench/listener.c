/*
 * listener.c
 *		Listens, and counts what it hears: somebody must, or NOTIFY costs less than it does in use.
 *
 * Usage: listener CONNECTION CHANNEL...
 * Says "ready", and when its standard input ends, how often it has been notified.
 */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static long
notifications_count(PGconn *connection)
{
	long count = 0;
	PGnotify *notification;

	if (!PQconsumeInput(connection))
	{
		fprintf(stderr, "listener: %s", PQerrorMessage(connection));
		exit(1);
	}
	while ((notification = PQnotifies(connection)) != NULL)
	{
		count++;
		PQfreemem(notification);
	}
	return count;
}

static void
run(PGconn *connection, const char *command)
{
	PGresult *result = PQexec(connection, command);

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
	{
		fprintf(stderr, "listener: %s", PQerrorMessage(connection));
		exit(1);
	}
	PQclear(result);
}

int
main(int argc, char **argv)
{
	PGconn *connection = PQconnectdb(argc > 1 ? argv[1] : "");
	struct pollfd sources[2] = {{STDIN_FILENO, POLLIN, 0}, {PQsocket(connection), POLLIN, 0}};
	long heard = 0;

	if (PQstatus(connection) != CONNECTION_OK)
	{
		fprintf(stderr, "listener: %s", PQerrorMessage(connection));
		return 1;
	}
	for (int i = 2; i < argc; i++)
	{
		char command[100];

		snprintf(command, sizeof(command), "LISTEN %s", argv[i]);
		run(connection, command);
	}
	printf("ready\n");
	fflush(stdout);
	while (poll(sources, 2, -1) >= 0 && sources[0].revents == 0)
		heard += notifications_count(connection);
	/* what was committed before our input ended has reached the server's queue, not yet us */
	run(connection, "RESET search_path");
	heard += notifications_count(connection);
	printf("%ld\n", heard);
	PQfinish(connection);
	return 0;
}
