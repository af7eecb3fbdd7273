/*
 * bare_poster.c
 *		The least that tells a partner of changes: listens, reads what is new in an outbox, and
 *		POSTs a message for each row. No signature, no agreement, no memory of what was sent, no
 *		second try.
 *
 * Usage: bare_poster CONNECTION URL	(outbox: noted_log, with id and subject; channel: noted)
 * Says "ready", and ends with its standard input.
 */
#include <curl/curl.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static PGresult *
run(PGconn *connection, const char *command, const char *value)
{
	PGresult *result =
		PQexecParams(connection, command, value == NULL ? 0 : 1, NULL, &value, NULL, NULL, 0);
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
	{
		fprintf(stderr, "bare_poster: %s", PQerrorMessage(connection));
		exit(1);
	}
	return result;
}

static size_t
answer_pass(char *bytes, size_t size, size_t count, void *closure)
{
	(void) bytes;
	(void) closure;
	return size * count;
}

static void
subject_post(CURL *curl, const char *subject)
{
	char body[1024];
	CURLcode code;

	snprintf(body, sizeof(body),
			 "{\"header\":{\"action\":\"notify\"},\"message\":{\"notify_event\":[{\"data\":"
			 "{\"reg_records\":{\"member\":{\"member_identifier\":[{\"identifier_type\":"
			 "\"NATIONAL_ID\",\"identifier_value\":\"%s\"}]}}}}]}}",
			 subject);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	code = curl_easy_perform(curl);
	if (code != CURLE_OK)
	{
		fprintf(stderr, "bare_poster: %s\n", curl_easy_strerror(code));
		exit(1);
	}
}

static void
news_post(PGconn *connection, CURL *curl, char *last, size_t last_size)
{
	PGresult *result = run(
		connection, "SELECT id, subject FROM noted_log WHERE id > $1::bigint ORDER BY id", last);

	for (int i = 0; i < PQntuples(result); i++)
	{
		subject_post(curl, PQgetvalue(result, i, 1));
		snprintf(last, last_size, "%s", PQgetvalue(result, i, 0));
	}
	PQclear(result);
}

static int
notifications_take(PGconn *connection)
{
	PGnotify *notification;
	int count = 0;

	PQconsumeInput(connection);
	while ((notification = PQnotifies(connection)) != NULL)
	{
		PQfreemem(notification);
		count++;
	}
	return count;
}

static void
follow(PGconn *connection, CURL *curl)
{
	struct pollfd sources[2] = {{STDIN_FILENO, POLLIN, 0}, {PQsocket(connection), POLLIN, 0}};
	char last[32] = "0";

	while (poll(sources, 2, -1) >= 0 && sources[0].revents == 0)
	{
		while (notifications_take(connection) > 0)
			news_post(connection, curl, last, sizeof(last));
	}
}

int
main(int argc, char **argv)
{
	PGconn *connection = PQconnectdb(argc > 1 ? argv[1] : "");
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");

	if (argc != 3 || curl == NULL)
		return 2;
	curl_easy_setopt(curl, CURLOPT_URL, argv[2]);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, answer_pass);
	PQclear(run(connection, "LISTEN noted", NULL));
	printf("ready\n");
	fflush(stdout);
	follow(connection, curl);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	PQfinish(connection);
	return 0;
}
