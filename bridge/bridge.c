/*
 * bridge.c
 *		Puts the parts together: who wakes whom, what happens at SIGHUP and SIGTERM. Must not do any
 *		of the parts' work.
 */
#include "bridge.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api_response.h"
#include "config/config_check.h"
#include "database/control.h"
#include "delivery/dispatcher.h"
#include "journal.h"
#include "listeners.h"
#include "turn/request_turn.h"
#include "turn/router_turn.h"
#include "base/sd_notify.h"
#include "base/signals.h"
#include "net/sender.h"
#include "net/tls_files.h"
#include "trust.h"

#define STATEMENT_TIMEOUT_MS 60000
#define STOP_LOOK_MS 20

struct Bridge
{
	BridgeArguments arguments;
	Config *config;
	Log log;
	EventLoop *loop;
	KeyRing *keys;		   /* NULL while they cannot be read */
	char cannot_sign[512]; /* why; "" when it can */
	ToldJournal *journal;  /* NULL: it cannot be written */
	Control *control;
	PgSession *router_session;
	RouterTurn *router;
	RequestTurn *requests;
	PgSession *delivery_session;
	Sender *sender;
	Trust trust;
	Dispatcher *dispatcher;
	Api *api;
	Listeners *listeners;
	int signal_fd;
	Watch *signal_watch;
	Timer *stop_timer;
	int64_t stop_until;
	bool is_stopping;
};

/* A pointer to the pointer: parts see new settings after a reload without being told. */
static const Config *const *
bridge_config(Bridge *bridge)
{
	return (const Config *const *) &bridge->config;
}

static bool
bridge_load_keys(const Config *config, KeyRing **keys, Failure *failure)
{
	const KeyFiles files = {config->key_file, config->rsa_key_file, config->other_key_files,
							config->encryption_key_files};

	return key_ring_load(&files, keys, failure);
}

/* Fail closed: without a key that this node says is its own nothing is taken for sending. */
static void
bridge_judge_key(Bridge *bridge)
{
	const ControlNode *node = control_node(bridge->control);
	char reason[sizeof(bridge->cannot_sign)] = "";
	Failure failure;

	if (bridge->keys == NULL && !bridge_load_keys(bridge->config, &bridge->keys, &failure))
		snprintf(reason, sizeof(reason), "%s", failure.text);
	else if (node->is_known &&
			 !control_lists_key(bridge->control, signing_key_kid(key_ring_signing(bridge->keys))))
		snprintf(reason, sizeof(reason),
				 "key %s of the key file is not among the node's key_ids (casesync.set_node)",
				 signing_key_kid(key_ring_signing(bridge->keys)));
	if (reason[0] != '\0' && strcmp(reason, bridge->cannot_sign) != 0)
		log_error(&bridge->log, "cannot_sign", "reason", reason, NULL);
	memcpy(bridge->cannot_sign, reason, sizeof(reason));
}

static bool
bridge_may_act(const Bridge *bridge)
{
	const ControlNode *node = control_node(bridge->control);

	return node->is_known && !node->is_paused && !bridge->is_stopping;
}

/* Something about the node or the key is different: who may work now? */
static void
bridge_judge(Bridge *bridge)
{
	bool may_act = bridge_may_act(bridge);

	bridge_judge_key(bridge);
	if (!trust_judge(&bridge->trust, control_node(bridge->control),
					 bridge->cannot_sign[0] == '\0' ? bridge->keys : NULL, may_act))
		log_error(&bridge->log, "tokens_not_taken", "reason", "out of memory", NULL);
	/* routing goes on without a key: what is routed waits in the database, signed later */
	router_turn_set_open(bridge->router, may_act);
	request_turn_set_open(bridge->requests, may_act);
	dispatcher_set_keys(bridge->dispatcher,
						may_act && bridge->cannot_sign[0] == '\0' ? bridge->keys : NULL);
}

static void
bridge_node_changed(void *context)
{
	bridge_judge(context);
}

static void
bridge_doorbell(void *context)
{
	Bridge *bridge = context;

	router_turn_wake(bridge->router);
	request_turn_wake(bridge->requests);
}

static void
bridge_routed(void *context, bool is_news)
{
	Bridge *bridge = context;

	dispatcher_look(bridge->dispatcher, is_news);
}

static void
bridge_received(void *context)
{
	Bridge *bridge = context;

	router_turn_wake_inbox(bridge->router);
	request_turn_wake(bridge->requests);
}

/* What is answered at once is signed as what is sent is: with our key, or not at all. */
static const SigningKey *
bridge_signing_key(void *context)
{
	Bridge *bridge = context;
	const ControlNode *node = control_node(bridge->control);

	return node->is_known && !node->is_paused && bridge->cannot_sign[0] == '\0'
			   ? key_ring_signing(bridge->keys)
			   : NULL;
}

/* What the database refuses to do for us, though it can be reached. */
static const char *
bridge_turn_trouble(const Bridge *bridge)
{
	const char *trouble = router_turn_trouble(bridge->router);

	if (trouble == NULL)
		trouble = dispatcher_trouble(bridge->dispatcher);
	return trouble != NULL ? trouble : request_turn_trouble(bridge->requests);
}

static ApiReadiness
bridge_readiness(void *context)
{
	Bridge *bridge = context;
	ApiReadiness readiness = {.can_sign = bridge->cannot_sign[0] == '\0',
							  .cannot_sign_reason = bridge->cannot_sign,
							  .is_connected = pg_session_is_connected(bridge->router_session) &&
											  pg_session_is_connected(bridge->delivery_session) &&
											  request_turn_is_connected(bridge->requests),
							  .is_router = router_turn_is_router(bridge->router),
							  .turn_trouble = bridge_turn_trouble(bridge),
							  .is_stopping = bridge->is_stopping};

	return readiness;
}

static void
bridge_router_connected(void *context)
{
	router_turn_connected(((Bridge *) context)->router);
}

static void
bridge_router_lost(void *context)
{
	router_turn_lost(((Bridge *) context)->router);
}

static void
bridge_delivery_connected(void *context)
{
	dispatcher_connected(((Bridge *) context)->dispatcher);
}

static void
bridge_delivery_lost(void *context)
{
	dispatcher_lost(((Bridge *) context)->dispatcher);
}

/* Ends the loop as soon as nothing is in flight, at the latest when the time is up. */
static void
bridge_try_to_end(void *context)
{
	Bridge *bridge = context;
	bool is_late = event_loop_now() >= bridge->stop_until;
	int left = dispatcher_in_flight(bridge->dispatcher) + listeners_pending(bridge->listeners);

	if (left > 0 && !is_late)
	{
		timer_set(bridge->stop_timer, STOP_LOOK_MS);
		return;
	}
	/* what is cut off stays in flight in the database and is taken again by whoever starts next */
	if (left > 0)
		log_warning(&bridge->log, "stopped_with_work_in_flight", "count", LOG_INT(left), NULL);
	event_loop_stop(bridge->loop);
}

static void
bridge_dispatcher_idle(void *context)
{
	Bridge *bridge = context;

	timer_set(bridge->stop_timer, 0);
}

static void
bridge_stop(Bridge *bridge)
{
	if (bridge->is_stopping)
	{
		/* asked twice: do not wait any longer */
		bridge->stop_until = 0;
		timer_set(bridge->stop_timer, 0);
		return;
	}
	log_info(&bridge->log, "stopping", "in_flight",
			 LOG_INT(dispatcher_in_flight(bridge->dispatcher)), NULL);
	sd_notify_send("STOPPING=1");
	/* from here on readyz says no, so that a balancer sends nobody any more */
	bridge->is_stopping = true;
	bridge->stop_until = event_loop_now() + bridge->config->shutdown_timeout_ms;
	router_turn_set_open(bridge->router, false);
	request_turn_set_open(bridge->requests, false);
	listeners_close(bridge->listeners);
	dispatcher_stop(bridge->dispatcher);
	bridge_try_to_end(bridge);
}

static bool
bridge_load_anew(Bridge *bridge, Config **config, KeyRing **keys, TlsCredentials **tls,
				 Failure *failure)
{
	const BridgeArguments *arguments = &bridge->arguments;
	SenderSettings settings;
	ConfigCommand command;
	const char *fixed;

	if (!config_load(arguments->count, arguments->values, arguments->environment, config, &command,
					 failure))
		return false;
	fixed = config_find_fixed(bridge->config, *config);
	if (fixed != NULL)
	{
		failure_set(failure, FAILURE_CONFIG, "setting \"%s\" can only be changed by a restart",
					fixed);
		return false;
	}
	/* what can fail comes first; sender_set is the last, and on failure it changes nothing */
	if (!(bridge_load_keys(*config, keys, failure) && tls_credentials_load(*config, tls, failure) &&
		  tls_files_check((*config)->tls_directory, failure)))
		return false;
	settings = sender_settings(*config);
	failure_set(failure, FAILURE_MEMORY, "out of memory");
	return sender_set(bridge->sender, &settings);
}

/* All or nothing: settings that cannot be used leave everything as it is. */
static void
bridge_reload(Bridge *bridge)
{
	Config *config = NULL;
	KeyRing *keys = NULL;
	KeyRing *old_keys = bridge->keys;
	TlsCredentials *tls = NULL;
	Failure failure;

	sd_notify_send("RELOADING=1");
	if (bridge_load_anew(bridge, &config, &keys, &tls, &failure))
	{
		listeners_set_tls(bridge->listeners, tls);
		bridge->log.level = config->log_level;
		bridge->keys = keys;
		config_free(bridge->config);
		bridge->config = config;
		/* the parts hold pointers into the old keys until they have been judged anew */
		api_finish_checks(bridge->api);
		bridge_judge(bridge);
		key_ring_free(old_keys);
		log_info(&bridge->log, "reloaded", "kid", signing_key_kid(key_ring_signing(keys)), NULL);
	}
	else
	{
		log_error(&bridge->log, "reload_refused", "reason", failure.text, NULL);
		config_free(config);
		key_ring_free(keys);
		tls_credentials_release(tls);
	}
	sd_notify_send("READY=1");
}

static void
bridge_signalled(void *context, int events)
{
	Bridge *bridge = context;
	int number;

	(void) events;
	while ((number = signals_next(bridge->signal_fd)) != 0)
	{
		if (number == SIGHUP && !bridge->is_stopping)
			bridge_reload(bridge);
		else if (number != SIGHUP)
			bridge_stop(bridge);
	}
}

static bool
bridge_watch_signals(Bridge *bridge, Failure *failure)
{
	bridge->signal_fd = signals_open();
	if (bridge->signal_fd >= 0)
		bridge->signal_watch =
			watch_new(bridge->loop, bridge->signal_fd, WATCH_READ, bridge_signalled, bridge);
	bridge->stop_timer = timer_new(bridge->loop, bridge_try_to_end, bridge);
	if (bridge->signal_watch != NULL && bridge->stop_timer != NULL)
		return true;
	failure_set(failure, FAILURE_SYSTEM, "could not watch for signals: %s", strerror(errno));
	return false;
}

static PgSession *
bridge_open_session(Bridge *bridge, const char *name, void (*connected)(void *context),
					void (*lost)(void *context), Failure *failure)
{
	const PgSessionHandlers handlers = {.connected = connected, .lost = lost};
	const PgSessionSettings settings = {.conninfo = bridge->config->database,
										.name = name,
										.connect_timeout_ms = PG_SESSION_CONNECT_MS,
										.statement_timeout_ms = STATEMENT_TIMEOUT_MS};

	return pg_session_new(bridge->loop, &bridge->log, &settings, &handlers, bridge, failure);
}

static bool
bridge_make_workers(Bridge *bridge, Failure *failure)
{
	const SenderSettings settings = sender_settings(bridge->config);
	const ControlHandlers handlers = {.changed = bridge_node_changed, .doorbell = bridge_doorbell};

	bridge->journal = journal_begin(bridge->config, &bridge->log);
	bridge->control = control_new(bridge->loop, &bridge->log, bridge_config(bridge),
								  bridge->journal, &handlers, bridge, failure);
	bridge->router_session =
		bridge_open_session(bridge, "router", bridge_router_connected, bridge_router_lost, failure);
	bridge->delivery_session = bridge_open_session(bridge, "delivery", bridge_delivery_connected,
												   bridge_delivery_lost, failure);
	bridge->sender = sender_new(bridge->loop, &settings, failure);
	if (bridge->control == NULL || bridge->router_session == NULL ||
		bridge->delivery_session == NULL || bridge->sender == NULL)
		return false;
	if (!trust_set_up(&bridge->trust, &(JwksParts){.loop = bridge->loop,
												   .log = &bridge->log,
												   .config = bridge_config(bridge),
												   .session = bridge->delivery_session,
												   .sender = bridge->sender}))
		return false;
	bridge->router = router_turn_new(bridge->loop, &bridge->log, bridge_config(bridge),
									 bridge->router_session, bridge_routed, bridge, failure);
	bridge->dispatcher = dispatcher_new(&(LaneParts){.loop = bridge->loop,
													 .log = &bridge->log,
													 .config = bridge_config(bridge),
													 .session = bridge->delivery_session,
													 .sender = bridge->sender,
													 .tokens = bridge->trust.tokens,
													 .journal = bridge->journal,
													 .take_response = api_response_take,
													 .response_context = &bridge->api},
										bridge_dispatcher_idle, bridge, failure);
	bridge->requests = request_turn_new(bridge->loop, &bridge->log, bridge_config(bridge),
										dispatcher_wake, bridge->dispatcher, failure);
	return bridge->router != NULL && bridge->dispatcher != NULL && bridge->requests != NULL;
}

static bool
bridge_make_servers(Bridge *bridge, Failure *failure)
{
	const ApiParts parts = {.loop = bridge->loop,
							.log = &bridge->log,
							.node = control_node(bridge->control),
							.keys = (const KeyRing *const *) &bridge->keys,
							.config = bridge_config(bridge),
							.bearer = bridge->trust.bearer,
							.signing_key = bridge_signing_key,
							.received = bridge_received,
							.readiness = bridge_readiness,
							.context = bridge};

	bridge->api = api_new(&parts, failure);
	if (bridge->api == NULL)
		return false;
	bridge->listeners =
		listeners_new(bridge->loop, &bridge->log, bridge->config, bridge->api, failure);
	return bridge->listeners != NULL;
}

Bridge *
bridge_new(Config *config, const BridgeArguments *arguments, Failure *failure)
{
	Bridge *bridge = calloc(1, sizeof(Bridge));

	if (bridge == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		config_free(config);
		return NULL;
	}
	bridge->config = config;
	bridge->arguments = *arguments;
	bridge->log = log_open(STDERR_FILENO, config->log_level);
	bridge->signal_fd = -1;
	bridge->loop = event_loop_new(failure);
	if (bridge->loop == NULL || !bridge_watch_signals(bridge, failure) ||
		!bridge_make_workers(bridge, failure) || !bridge_make_servers(bridge, failure))
	{
		bridge_free(bridge);
		return NULL;
	}
	return bridge;
}

bool
bridge_run(Bridge *bridge, Failure *failure)
{
	log_info(&bridge->log, "started", "version", CASESYNC_VERSION, "listen_port",
			 LOG_INT(listeners_port(bridge->listeners)), "ops_port",
			 LOG_INT(listeners_ops_port(bridge->listeners)), NULL);
	bridge_judge(bridge);
	sd_notify_send("READY=1");
	if (!event_loop_run(bridge->loop, failure))
		return false;
	log_info(&bridge->log, "stopped", NULL);
	return true;
}

void
bridge_free(Bridge *bridge)
{
	if (bridge == NULL)
		return;
	/*
	 * In the order of who calls whom: requests end before the server, the server before the API,
	 * sessions before those that they would call.
	 */
	api_close(bridge->api);
	listeners_free(bridge->listeners);
	api_free(bridge->api);
	pg_session_free(bridge->router_session);
	pg_session_free(bridge->delivery_session);
	sender_free(bridge->sender);
	trust_free(&bridge->trust);
	dispatcher_free(bridge->dispatcher);
	router_turn_free(bridge->router);
	request_turn_free(bridge->requests);
	control_free(bridge->control);
	told_journal_close(bridge->journal);
	timer_free(bridge->stop_timer);
	watch_free(bridge->signal_watch);
	if (bridge->signal_fd >= 0)
		close(bridge->signal_fd);
	event_loop_free(bridge->loop);
	key_ring_free(bridge->keys);
	config_free(bridge->config);
	free(bridge);
}
