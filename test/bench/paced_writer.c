/*
 * paced_writer.c
 *		Runs a statement for one subject after the other, at a steady rate, each in a transaction of
 *		its own, and tells when the commit of each was known.
 *
 * Usage: paced_writer CONNECTION STATEMENT FIRST COUNT RATE SESSIONS	($1: the subject)
 * Prints a line for each subject: its number, and the time.
 */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct Writer
{
	const char *conninfo;
	const char *statement;
	long first;
	long count;
	double rate;
	int sessions;
	int number; /* of this session */
	double started;
	double *committed;
} Writer;

static double
now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_REALTIME, &at);
	return at.tv_sec + at.tv_nsec / 1e9;
}

static void
wait_until(double time)
{
	double left = time - now();
	struct timespec pause = {(time_t) left, (long) ((left - (long) left) * 1e9)};

	if (left > 0)
		nanosleep(&pause, NULL);
}

static void
result_require(PGconn *connection, PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
	{
		fprintf(stderr, "paced_writer: %s", PQerrorMessage(connection));
		exit(1);
	}
	PQclear(result);
}

static void
subject_write(PGconn *connection, long subject)
{
	char text[32];
	const char *values[] = {text};

	snprintf(text, sizeof(text), "%ld", subject);
	result_require(connection, PQexecPrepared(connection, "w", 1, values, NULL, NULL, 0));
}

static void *
session_run(void *argument)
{
	const Writer *writer = argument;
	PGconn *connection = PQconnectdb(writer->conninfo);

	result_require(connection, PQprepare(connection, "w", writer->statement, 1, NULL));
	for (long i = writer->number; i < writer->count; i += writer->sessions)
	{
		wait_until(writer->started + i / writer->rate);
		subject_write(connection, writer->first + i);
		writer->committed[i] = now();
	}
	PQfinish(connection);
	return NULL;
}

int
main(int argc, char **argv)
{
	Writer writer = {0};
	Writer *writers;
	pthread_t *threads;

	if (argc != 7)
		return 2;
	writer = (Writer){argv[1],
					  argv[2],
					  atol(argv[3]),
					  atol(argv[4]),
					  atof(argv[5]),
					  atoi(argv[6]),
					  0,
					  now() + 0.2,
					  calloc(atol(argv[4]), sizeof(double))};
	writers = calloc(writer.sessions, sizeof(Writer));
	threads = calloc(writer.sessions, sizeof(pthread_t));
	for (int i = 0; i < writer.sessions; i++)
	{
		writers[i] = writer;
		writers[i].number = i;
		pthread_create(&threads[i], NULL, session_run, &writers[i]);
	}
	for (int i = 0; i < writer.sessions; i++)
		pthread_join(threads[i], NULL);
	for (long i = 0; i < writer.count; i++)
		printf("%ld %.6f\n", writer.first + i, writer.committed[i]);
	return 0;
}
