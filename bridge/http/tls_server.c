/*
 * tls_server.c
 *		Hands the credentials of the day to new sessions and looks once a day whether they end.
 *		Must not read files.
 */
#include "http/tls_server.h"

#include <stdlib.h>

#include "base/iso_time.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define WARN_DAYS 30

struct TlsServer
{
	const Log *log;
	TlsCredentials *credentials;
	Timer *timer;
};

static void
server_look_at_end(void *context)
{
	TlsServer *server = context;
	int64_t left_ms = tls_credentials_end(server->credentials) - iso_time_now();
	char end[ISO_TIME_SIZE];

	iso_time_format(tls_credentials_end(server->credentials), end);
	if (left_ms <= 0)
		log_error(server->log, "tls_certificate_expired", "end", end, NULL);
	else if (left_ms < WARN_DAYS * DAY_MS)
		log_warning(server->log, "tls_certificate_expires", "end", end, "days",
					LOG_INT(left_ms / DAY_MS), NULL);
	timer_set(server->timer, DAY_MS);
}

TlsServer *
tls_server_new(EventLoop *loop, const Log *log, TlsCredentials *credentials)
{
	TlsServer *server = calloc(1, sizeof(TlsServer));

	if (server != NULL)
		server->timer = timer_new(loop, server_look_at_end, server);
	if (server == NULL || server->timer == NULL)
	{
		tls_credentials_release(credentials);
		free(server);
		return NULL;
	}
	server->log = log;
	server->credentials = credentials;
	server_look_at_end(server);
	return server;
}

void
tls_server_free(TlsServer *server)
{
	if (server == NULL)
		return;
	timer_free(server->timer);
	tls_credentials_release(server->credentials);
	free(server);
}

void
tls_server_set(TlsServer *server, TlsCredentials *credentials)
{
	tls_credentials_release(server->credentials);
	server->credentials = credentials;
	server_look_at_end(server);
}

TlsCredentials *
tls_server_begin(TlsServer *server, gnutls_session_t session)
{
	if (!tls_credentials_apply(server->credentials, session))
		return NULL;
	return tls_credentials_keep(server->credentials);
}
