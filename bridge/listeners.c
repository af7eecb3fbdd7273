/*
 * listeners.c
 *		Makes the HTTP servers from the settings. Must not know what the routes do.
 */
#include "listeners.h"

#include <stdlib.h>
#include <string.h>

#include "http/http_server.h"
#include "http/tls_server.h"

struct Listeners
{
	char *base_path;
	TlsServer *tls; /* NULL: plain HTTP */
	HttpServer *server;
	HttpServer *ops_server;
};

static bool
listeners_make_tls(Listeners *listeners, EventLoop *loop, const Log *log, const Config *config,
				   Failure *failure)
{
	TlsCredentials *credentials;

	if (!tls_credentials_load(config, &credentials, failure))
		return false;
	if (credentials == NULL)
		return true;
	listeners->tls = tls_server_new(loop, log, credentials);
	if (listeners->tls == NULL)
		failure_set(failure, FAILURE_MEMORY, "out of memory");
	return listeners->tls != NULL;
}

static bool
listeners_serve(Listeners *listeners, EventLoop *loop, const Config *config, Api *api,
				Failure *failure)
{
	HttpServerSettings settings = {
		.body_limits = {0, (size_t) config->max_body, (size_t) config->max_notify_body},
		.max_connections = config->max_connections,
		.max_connections_per_address = config->max_connections_per_address,
		.request_timeout_ms = config->request_timeout_ms};

	/* a bridge may send only; then nobody can reach it but by the operators' address */
	if (config->listen_address.enabled)
	{
		settings.host = config->listen_address.host;
		settings.port = config->listen_address.port;
		settings.base_path = listeners->base_path;
		settings.prefixes = api_prefixes;
		settings.routes = api_routes;
		settings.judge_sender = api_judge_sender;
		settings.tls = listeners->tls;
		listeners->server = http_server_new(loop, &settings, api, failure);
		if (listeners->server == NULL)
			return false;
	}
	if (!config->ops_address.enabled)
		return true;
	settings.host = config->ops_address.host;
	settings.port = config->ops_address.port;
	settings.base_path = "";
	settings.prefixes = api_no_prefixes;
	settings.routes = api_health_routes;
	/* the operators' address says nothing secret and is meant for this machine or network */
	settings.tls = NULL;
	settings.judge_sender = NULL;
	listeners->ops_server = http_server_new(loop, &settings, api, failure);
	return listeners->ops_server != NULL;
}

Listeners *
listeners_new(EventLoop *loop, const Log *log, const Config *config, Api *api, Failure *failure)
{
	Listeners *listeners = calloc(1, sizeof(Listeners));

	failure_set(failure, FAILURE_MEMORY, "out of memory");
	if (listeners == NULL)
		return NULL;
	listeners->base_path = strdup(config->base_path);
	if (listeners->base_path != NULL && listeners_make_tls(listeners, loop, log, config, failure) &&
		listeners_serve(listeners, loop, config, api, failure))
		return listeners;
	listeners_free(listeners);
	return NULL;
}

void
listeners_free(Listeners *listeners)
{
	if (listeners == NULL)
		return;
	http_server_free(listeners->server);
	http_server_free(listeners->ops_server);
	tls_server_free(listeners->tls);
	free(listeners->base_path);
	free(listeners);
}

void
listeners_close(Listeners *listeners)
{
	http_server_close(listeners->server);
}

int
listeners_pending(const Listeners *listeners)
{
	return http_server_pending(listeners->server);
}

int
listeners_port(const Listeners *listeners)
{
	return http_server_port(listeners->server);
}

int
listeners_ops_port(const Listeners *listeners)
{
	return http_server_port(listeners->ops_server);
}

void
listeners_set_tls(Listeners *listeners, TlsCredentials *credentials)
{
	if (listeners->tls != NULL && credentials != NULL)
		tls_server_set(listeners->tls, credentials);
	else
		tls_credentials_release(credentials);
}
